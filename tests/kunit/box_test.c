// SPDX-License-Identifier: GPL-2.0
/*
 * A segment of register modules: the Power Box, what its device table says, and
 * what a rescan changes.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/device.h>
#include <linux/errno.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "../../drivers/tty/serdev/smappee_bus/table.h"
#include "bench.h"
#include "fake-box.h"

static struct smappee_segment *segment_of(struct fake_line *line)
{
	return dev_get_drvdata(fake_line_serdev(line));
}

/* As in the published dump: entry 0 empty, a solid core, a hub. */
static struct fake_line *dumped(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_box_entry(line, 1, SMAPPEE_TYPE_SOLID_CORE, 16462, 3, 3);
	fake_box_entry(line, 2, SMAPPEE_TYPE_CT_HUB, 8944, 4, 6);
	return line;
}

static void a_box_is_found_at_its_fixed_unit(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);
	struct device *dev;

	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, -1));
	dev = &box_entry(line, -1)->dev;
	KUNIT_EXPECT_STREQ(test, "5400", bench_show(test, dev, "type"));
	KUNIT_EXPECT_STREQ(test, "5400029342", bench_show(test, dev, "serial_number"));
	KUNIT_EXPECT_STREQ(test, "1.76", bench_show(test, dev, "firmware"));
	KUNIT_EXPECT_STREQ(test, "3", bench_show(test, dev, "slots"));
	KUNIT_EXPECT_STREQ(test, "61", bench_show(test, dev, "unit"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(dev_name(dev), "-061"));
	KUNIT_EXPECT_EQ(test, 1, smappee_segment_modules(segment_of(line)));
	for (u8 unit = 1; unit <= SMAPPEE_UNIT_SCAN_MAX; unit++)
		KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, unit, 0));
}

static void a_box_at_another_unit_is_found_if_it_is_listed(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	line->module[0].unit = 70;
	fake_line_label(line, 70, "cellar");
	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, -1));
	KUNIT_EXPECT_EQ(test, 70, box_entry(line, -1)->unit);
	KUNIT_EXPECT_STREQ(test, "cellar",
			   bench_show(test, &box_entry(line, -1)->dev, "label"));
}

static void old_firmware_is_refused_until_it_is_new(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_box_set(line, SMAPPEE_REG_FW_MINOR, 43);
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, test_bit(BOX, segment_of(line)->refused),
					       3000));
	KUNIT_EXPECT_EQ(test, 0, smappee_segment_modules(segment_of(line)));
	fake_box_set(line, SMAPPEE_REG_FW_MINOR, 44);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, smappee_segment_modules(segment_of(line)),
					       20000));
	KUNIT_EXPECT_FALSE(test, test_bit(BOX, segment_of(line)->refused));
}

static void firmware_compares_as_two_numbers(struct kunit *test)
{
	static const struct { u16 major, minor; int ret; } cases[] = {
		{ 0, 99, -EPROTONOSUPPORT }, { 1, 0, -EPROTONOSUPPORT },
		{ 1, 5, -EPROTONOSUPPORT }, { 1, 43, -EPROTONOSUPPORT },
		{ 1, 44, 0 }, { 1, 100, 0 }, { 2, 0, 0 },
	};
	u16 regs[SMAPPEE_REG_IDENTITY_COUNT] = { SMAPPEE_TYPE_POWER_BOX, 0, 1 };
	struct smappee_identity id;

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		regs[SMAPPEE_PB_ENTRY_FW_MINOR] = cases[i].minor;
		regs[SMAPPEE_PB_ENTRY_FW_MAJOR] = cases[i].major;
		KUNIT_EXPECT_EQ_MSG(test, cases[i].ret, smappee_box_parse(regs, &id), "%u.%u",
				    cases[i].major, cases[i].minor);
	}
}

static void what_is_no_power_box_is_refused(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_box_set(line, SMAPPEE_REG_TYPE, 5130);
	fake_line_add(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, test_bit(BOX, segment_of(line)->refused),
					       3000));
	KUNIT_EXPECT_EQ(test, 0, smappee_segment_modules(segment_of(line)));
}

static void entries_of_the_device_table_become_children(struct kunit *test)
{
	struct fake_line *line = dumped(test);
	struct smappee_device *box, *solid, *hub;

	box_scanned(line);
	box = box_entry(line, -1);
	solid = box_entry(line, 1);
	hub = box_entry(line, 2);
	KUNIT_ASSERT_NOT_NULL(test, solid);
	KUNIT_ASSERT_NOT_NULL(test, hub);
	KUNIT_EXPECT_EQ(test, 3, smappee_segment_modules(segment_of(line)));
	KUNIT_EXPECT_NULL(test, box_entry(line, 0));
	KUNIT_EXPECT_PTR_EQ(test, &box->dev, hub->dev.parent);
	KUNIT_EXPECT_EQ(test, BOX, hub->unit);
	KUNIT_EXPECT_NOT_NULL(test, strstr(dev_name(&hub->dev), "-061.2"));
	KUNIT_EXPECT_STREQ(test, "5600016462", bench_show(test, &solid->dev, "serial_number"));
	KUNIT_EXPECT_STREQ(test, "5500008944", bench_show(test, &hub->dev, "label"));
	KUNIT_EXPECT_STREQ(test, "4", bench_show(test, &hub->dev, "slots"));
	KUNIT_EXPECT_STREQ(test, "idle", bench_show(test, &hub->dev, "state"));
	KUNIT_EXPECT_EQ(test, 3, solid->input[0].slot);
	KUNIT_EXPECT_EQ(test, 9, hub->input[3].slot);
	KUNIT_EXPECT_EQ(test, 9, hub->input[3].channel);
}

static void the_slot_map_says_which_channel_shows_an_input(struct kunit *test)
{
	static const u8 map[] = { 3, 4, 5, 6, 7, 8, 9, 1, 2, 0 };
	struct fake_line *line = dumped(test);

	for (int i = 0; i < ARRAY_SIZE(map); i++)
		fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + i, map[i]);
	/* slot 9 is shown by nobody */
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 6, 27);
	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, 2));
	KUNIT_EXPECT_EQ(test, 0, box_entry(line, 1)->input[0].channel);
	KUNIT_EXPECT_EQ(test, 3, box_entry(line, 2)->input[0].channel);
	KUNIT_EXPECT_EQ(test, SMAPPEE_CHANNEL_NONE, box_entry(line, 2)->input[3].channel);
}

static void slots_from_the_ninth_on_are_one_register_later(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_box_entry(line, 9, 5599, 7, 21, 5);
	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, 9));
	for (int i = 0; i < 21; i++)
		KUNIT_EXPECT_EQ(test, 5 + i, box_entry(line, 9)->input[i].slot);
}

static void entries_that_cannot_be_right_are_left_out(struct kunit *test)
{
	struct fake_line *line = dumped(test);

	fake_box_entry(line, 3, SMAPPEE_TYPE_CT_HUB, 0, 4, 10);
	fake_box_entry(line, 4, SMAPPEE_TYPE_CT_HUB, 1000000, 4, 10);
	fake_box_entry(line, 5, 10000, 1, 4, 10);
	fake_box_entry(line, 6, SMAPPEE_TYPE_CT_HUB, 1, 0, 10);
	fake_box_entry(line, 7, SMAPPEE_TYPE_CT_HUB, 1, 4, 25);
	fake_box_entry(line, 8, SMAPPEE_TYPE_CT_HUB, 1, 4, 10);
	fake_box_set(line, SMAPPEE_PB_REG_TABLE + 8 * SMAPPEE_PB_ENTRY_STRIDE +
		     SMAPPEE_PB_ENTRY_SLOTS, 22);
	box_scanned(line);
	KUNIT_EXPECT_EQ(test, 3, smappee_segment_modules(segment_of(line)));
}

static void a_rescan_follows_the_table_and_leaves_the_rest_alone(struct kunit *test)
{
	struct fake_line *line = dumped(test);
	struct smappee_device *box, *hub;

	box_scanned(line);
	box = box_entry(line, -1);
	hub = box_entry(line, 2);
	fake_box_entry(line, 1, 0, 0, 0, 0);
	fake_box_entry(line, 5, SMAPPEE_TYPE_CT_HUB_2, 500, 4, 12);
	bench_rescan(line);
	KUNIT_EXPECT_PTR_EQ(test, box, box_entry(line, -1));
	KUNIT_EXPECT_PTR_EQ(test, hub, box_entry(line, 2));
	KUNIT_EXPECT_NULL(test, box_entry(line, 1));
	KUNIT_EXPECT_NOT_NULL(test, box_entry(line, 5));

	fake_box_entry(line, 2, SMAPPEE_TYPE_CT_HUB, 8945, 4, 6);
	bench_rescan(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, 2));
	KUNIT_EXPECT_PTR_NE(test, hub, box_entry(line, 2));
	KUNIT_EXPECT_EQ(test, 8945, box_entry(line, 2)->serial);
}

static void another_box_takes_the_old_ones_children_with_it(struct kunit *test)
{
	struct fake_line *line = dumped(test);
	struct smappee_device *hub;

	box_scanned(line);
	hub = box_entry(line, 2);
	fake_box_set32(line, SMAPPEE_REG_SERIAL, 70000);
	bench_rescan(line);
	KUNIT_EXPECT_EQ(test, 3, smappee_segment_modules(segment_of(line)));
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, -1));
	KUNIT_EXPECT_EQ(test, 70000, box_entry(line, -1)->serial);
	KUNIT_EXPECT_PTR_NE(test, hub, box_entry(line, 2));
}

static void a_table_that_cannot_be_read_is_read_again(struct kunit *test)
{
	struct fake_line *line = dumped(test);

	/* the identity, then the table: all three tries of its first read */
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, fake_line_count(line, BOX, 0) >= 1, 3000));
	fake_line_fault(line, FAKE_DROP, BOX, 0, 6, 0);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line,
					       smappee_segment_modules(segment_of(line)) == 3,
					       20000));
}

static void box_and_children_go_with_their_port(struct kunit *test)
{
	for (int i = 0; i < 3; i++) {
		struct fake_line *line = dumped(test);

		box_scanned(line);
		KUNIT_EXPECT_EQ(test, 3, smappee_segment_modules(segment_of(line)));
		fake_line_remove(line);
	}
}

static struct kunit_case box_cases[] = {
	KUNIT_CASE(a_box_is_found_at_its_fixed_unit),
	KUNIT_CASE(a_box_at_another_unit_is_found_if_it_is_listed),
	KUNIT_CASE(old_firmware_is_refused_until_it_is_new),
	KUNIT_CASE(firmware_compares_as_two_numbers),
	KUNIT_CASE(what_is_no_power_box_is_refused),
	KUNIT_CASE(entries_of_the_device_table_become_children),
	KUNIT_CASE(the_slot_map_says_which_channel_shows_an_input),
	KUNIT_CASE(slots_from_the_ninth_on_are_one_register_later),
	KUNIT_CASE(entries_that_cannot_be_right_are_left_out),
	KUNIT_CASE(a_rescan_follows_the_table_and_leaves_the_rest_alone),
	KUNIT_CASE(another_box_takes_the_old_ones_children_with_it),
	KUNIT_CASE(a_table_that_cannot_be_read_is_read_again),
	KUNIT_CASE(box_and_children_go_with_their_port),
	{ }
};

static struct kunit_suite box_suite = {
	.name = "smappee-box",
	.test_cases = box_cases,
};

kunit_test_suite(box_suite);

MODULE_DESCRIPTION("Tests of the enumeration of a Power Box");
MODULE_LICENSE("GPL");
