// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of a Power Box and of the inputs behind it: what reaches the box, what
 * is kept of it, and how it can fail.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/iio/iio.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-box.h"
#include "powerbox-rig.h"

static void settings_of_an_input_are_those_of_its_channel(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct device *dev;

	/* slot 6 is shown by channel 20 */
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 6, 20);
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 20, 6);
	fake_box_set(line, SMAPPEE_PB_REG_PHASE + 20, SMAPPEE_PB_PHASE_L3_L2);
	fake_box_set(line, SMAPPEE_PB_REG_CT_TYPE + 20, SMAPPEE_PB_CT_SCT02_50A);
	box_scanned(line);
	dev = &box_entry(line, HUB_AT)->dev;
	KUNIT_EXPECT_STREQ(test, "L3-L2", bench_show(test, dev, "input0_associated_voltage"));
	KUNIT_EXPECT_STREQ(test, "none", bench_show(test, dev, "input1_associated_voltage"));
	KUNIT_EXPECT_STREQ(test, "3", bench_show(test, dev, "input0_ct_type"));

	KUNIT_EXPECT_EQ(test, 4, bench_store(test, dev, "input0_associated_voltage", "N-L1"));
	KUNIT_EXPECT_EQ(test, 0x10, fake_box_get(line, SMAPPEE_PB_REG_PHASE + 20));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "input0_associated_voltage", "L4-N"));
	KUNIT_EXPECT_EQ(test, 3, bench_store(test, dev, "input0_ct_type", "12\n"));
	KUNIT_EXPECT_EQ(test, 12, fake_box_get(line, SMAPPEE_PB_REG_CT_TYPE + 20));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "input0_ct_type", "16"));
	fake_box_set(line, SMAPPEE_PB_REG_PHASE + 20, 0x77);
	bench_rescan(line);
	KUNIT_EXPECT_STREQ(test, "0x77", bench_show(test, dev, "input0_associated_voltage"));
	/* the LED is that of the slot */
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "1"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "0"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
}

static void an_input_without_a_channel_has_no_settings_but_flashes(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct device *dev;

	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 6, 20);
	box_scanned(line);
	dev = &box_entry(line, HUB_AT)->dev;
	KUNIT_EXPECT_EQ(test, -ENODATA, bench_store(test, dev, "input0_associated_voltage",
						    "L1-N"));
	KUNIT_EXPECT_EQ(test, -ENODATA, bench_store(test, dev, "input0_ct_type", "3"));
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "1"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
}

static void inputs_that_a_module_has_not_have_no_settings(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	const struct attribute_group *const *groups;
	struct device *dev = &box_entry(line, SOLID)->dev;
	unsigned int shown = 0;

	for (groups = dev->driver->dev_groups; *groups; groups++) {
		for (int i = 0; (*groups)->attrs[i]; i++)
			shown += !!(*groups)->is_visible(&dev->kobj, (*groups)->attrs[i], i);
	}
	KUNIT_EXPECT_EQ(test, 3 * 3, shown);
}

static void phantom_voltages_have_names(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, -1)->dev;

	KUNIT_EXPECT_STREQ(test, "off", bench_show(test, dev, "phantom_voltages"));
	KUNIT_EXPECT_EQ(test, 12, bench_store(test, dev, "phantom_voltages", "three-phase\n"));
	KUNIT_EXPECT_EQ(test, 1, fake_box_get(line, SMAPPEE_PB_REG_PHANTOM));
	KUNIT_EXPECT_STREQ(test, "three-phase", bench_show(test, dev, "phantom_voltages"));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "phantom_voltages", "4"));
}

static void a_save_ends_when_the_box_is_no_longer_busy(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct device *dev = &box_entry(line, -1)->dev;
	s64 begin;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 5));
	begin = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "save", "1"));
	KUNIT_EXPECT_GE(test, (s64)ktime_get_ns() - begin, 200 * NSEC_PER_MSEC);
	KUNIT_EXPECT_LT(test, (s64)ktime_get_ns() - begin, 400 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->saves);
	/* a box that is busy is not silent, and powers go on */
	KUNIT_EXPECT_TRUE(test, powers_get(hub, 5));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "timeouts"));
	/* what is set meanwhile waits */
	KUNIT_EXPECT_EQ(test, 0, smappee_write_registers(to_smappee_device(dev),
							 SMAPPEE_PB_REG_SAVE, 1,
							 &(const u16){ 1 }));
	KUNIT_EXPECT_EQ(test, 9, bench_store(test, dev, "phantom_voltages", "two-phase"));
	KUNIT_EXPECT_EQ(test, 2, fake_box_get(line, SMAPPEE_PB_REG_PHANTOM));
}

static void a_box_that_stays_busy_is_given_up(struct kunit *test)
{
	struct fake_line *line = powered_up(test);

	line->module[0].box->busy_ms = 60000;
	KUNIT_EXPECT_EQ(test, -EBUSY, bench_store(test, &box_entry(line, -1)->dev, "save", "1"));
}

/* Requests since @from that read or write @address. */
static unsigned int asked_for(struct fake_line *line, u8 function, u16 address, unsigned int from)
{
	struct fake_request request;
	unsigned int n = 0;

	for (; fake_line_find(line, BOX, function, from, &request); from++)
		n += request.index == address;
	return n;
}

static unsigned int reads_so_far(struct fake_line *line)
{
	return fake_line_count(line, BOX, SMAPPEE_FC_READ_REGISTERS);
}

static void a_setting_is_read_once(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, HUB_AT)->dev;
	unsigned int from = reads_so_far(line);

	for (int i = 0; i < 5; i++)
		KUNIT_EXPECT_STREQ(test, "none",
				   bench_show(test, dev, "input0_associated_voltage"));
	KUNIT_EXPECT_EQ(test, 1, asked_for(line, SMAPPEE_FC_READ_REGISTERS,
					   SMAPPEE_PB_REG_PHASE + 6, from));
	/* what is written is known without being read */
	KUNIT_EXPECT_EQ(test, 4, bench_store(test, dev, "input0_associated_voltage", "L1-N"));
	KUNIT_EXPECT_STREQ(test, "L1-N", bench_show(test, dev, "input0_associated_voltage"));
	KUNIT_EXPECT_EQ(test, 1, asked_for(line, SMAPPEE_FC_READ_REGISTERS,
					   SMAPPEE_PB_REG_PHASE + 6, from));
}

static void a_box_that_was_away_may_have_other_settings(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct smappee_module *box = to_smappee_module(&box_entry(line, -1)->dev);
	struct device *dev = &box_entry(line, HUB_AT)->dev;

	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_ct_type", "5"));
	WRITE_ONCE(line->module[0].silent, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, test_bit(SMAPPEE_MODULE_SILENT, &box->flags),
					       10000));
	fake_box_set(line, SMAPPEE_PB_REG_CT_TYPE + 6, 4);
	WRITE_ONCE(line->module[0].silent, false);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, !test_bit(SMAPPEE_MODULE_SILENT, &box->flags),
					       10000));
	KUNIT_EXPECT_STREQ(test, "4", bench_show(test, dev, "input0_ct_type"));
}

static void exceptions_are_errors_and_nothing_is_kept(struct kunit *test)
{
	static const struct { u8 code; int error; } cases[] = {
		{ SMAPPEE_EX_ILLEGAL_FUNCTION, -EOPNOTSUPP },
		{ SMAPPEE_EX_ILLEGAL_ADDRESS, -ENXIO },
		{ SMAPPEE_EX_ILLEGAL_VALUE, -EINVAL },
		{ SMAPPEE_EX_DEVICE_FAILURE, -EREMOTEIO },
		{ SMAPPEE_EX_BUSY, -EBUSY },
	};
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, HUB_AT)->dev;
	struct fake_box *box = line->module[0].box;

	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_ct_type", "3"));
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		box->refuse_code = cases[i].code;
		WRITE_ONCE(box->refuse, SMAPPEE_PB_REG_CT_TYPE + 6);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].error,
				    bench_store(test, dev, "input0_ct_type", "9"), "exception %u",
				    cases[i].code);
		WRITE_ONCE(box->refuse, 0);
		KUNIT_EXPECT_STREQ(test, "3", bench_show(test, dev, "input0_ct_type"));
	}
}

static void a_setting_of_a_silent_box_fails(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, HUB_AT)->dev;

	WRITE_ONCE(line->module[0].silent, true);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, bench_store(test, dev, "input0_ct_type", "9"));
	KUNIT_EXPECT_EQ(test, 0, fake_box_get(line, SMAPPEE_PB_REG_CT_TYPE + 6));
}

/* A write that is underway when its line goes. */
struct late_write {
	struct work_struct work;
	struct smappee_device *sdev;
	struct completion begun;
	int ret;
};

static void late_write_work(struct work_struct *work)
{
	struct late_write *late = container_of(work, struct late_write, work);
	const u16 value = SMAPPEE_PB_PHASE_L1;

	complete(&late->begun);
	do {
		late->ret = smappee_write_registers(late->sdev, SMAPPEE_PB_REG_PHASE, 1, &value);
	} while (!late->ret);
}

static void a_module_may_go_in_the_middle_of_a_write(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct late_write late = { .sdev = box_entry(line, HUB_AT) };

	INIT_WORK_ONSTACK(&late.work, late_write_work);
	init_completion(&late.begun);
	schedule_work(&late.work);
	wait_for_completion(&late.begun);
	fsleep(30000);
	fake_line_remove(line);
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_TRUE_MSG(test, late.ret == -ESHUTDOWN || late.ret == -ENODEV, "error %d",
			      late.ret);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			smappee_write_registers(late.sdev, SMAPPEE_PB_REG_PHASE, 1,
						&(const u16){ 1 }));
}

#define IDENTITY_MAP "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27"
#define OTHER_MAP "6 1 2 3 4 5 0 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27"

static void the_slot_map_is_written_at_once(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, -1)->dev;
	struct smappee_device *solid = box_entry(line, SOLID), *hub = box_entry(line, HUB_AT);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct fake_request request;

	KUNIT_EXPECT_STREQ(test, IDENTITY_MAP, bench_show(test, dev, "slot_map"));
	KUNIT_EXPECT_EQ(test, sizeof(OTHER_MAP) - 1, bench_store(test, dev, "slot_map", OTHER_MAP));
	KUNIT_ASSERT_TRUE(test, fake_line_find(line, BOX, SMAPPEE_FC_WRITE_REGISTERS, 0,
					       &request));
	KUNIT_EXPECT_EQ(test, SMAPPEE_PB_CHANNELS, request.count);
	KUNIT_EXPECT_EQ(test, 6, fake_box_get(line, SMAPPEE_PB_REG_SLOT_MAP));
	KUNIT_EXPECT_STREQ(test, OTHER_MAP, bench_show(test, dev, "slot_map"));
	/* the hub's inputs have other channels now, so it is a new device */
	flush_delayed_work(&segment->enumerate);
	async_synchronize_full();
	KUNIT_EXPECT_PTR_EQ(test, solid, box_entry(line, SOLID));
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, HUB_AT));
	KUNIT_EXPECT_PTR_NE(test, hub, box_entry(line, HUB_AT));
	KUNIT_EXPECT_EQ(test, 0, box_entry(line, HUB_AT)->input[0].channel);
}

static void a_slot_map_has_28_slots(struct kunit *test)
{
	static const char *const wrong[] = {
		"", "0", IDENTITY_MAP " 27", "x " IDENTITY_MAP, "28" OTHER_MAP, "-1" OTHER_MAP,
		"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 28",
		"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 2x",
		/* 27 in 16 bits */
		"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 65563",
	};
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, -1)->dev;

	for (int i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, bench_store(test, dev, "slot_map", wrong[i]),
				    "\"%s\"", wrong[i]);
	KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, BOX, SMAPPEE_FC_WRITE_REGISTERS));
}

static ssize_t mask_store(struct iio_dev *box, int meter, const char *text)
{
	const struct iio_chan_spec *chan = channel_of(box, METERING_ACTIVE, meter);

	return chan->ext_info->write(box, chan->ext_info->private, chan, text, strlen(text));
}

static void a_virtual_meter_has_a_mask_of_channels(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *box = iio_of(line, -1);
	const struct iio_chan_spec *chan = channel_of(box, METERING_ACTIVE, 26);
	char *page = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	page = PTR_ALIGN(page, PAGE_SIZE);
	fake_box_set32(line, SMAPPEE_PB_REG_METER_MASK + 2 * 26, 0x0800038);
	chan->ext_info->read(box, chan->ext_info->private, chan, page);
	KUNIT_EXPECT_STREQ(test, "0x0800038\n", page);
	KUNIT_EXPECT_EQ(test, 9, mask_store(box, 0, "0x8000001"));
	KUNIT_EXPECT_EQ(test, 1, fake_box_get(line, SMAPPEE_PB_REG_METER_MASK));
	KUNIT_EXPECT_EQ(test, 0x800, fake_box_get(line, SMAPPEE_PB_REG_METER_MASK + 1));
	KUNIT_EXPECT_EQ(test, 2, mask_store(box, 1, "56"));
	KUNIT_EXPECT_EQ(test, 56, fake_box_get(line, SMAPPEE_PB_REG_METER_MASK + 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, mask_store(box, 0, "0x10000000"));
	KUNIT_EXPECT_EQ(test, -EINVAL, mask_store(box, 0, "L1"));
	KUNIT_EXPECT_EQ(test, -EINVAL, mask_store(box, 0, ""));
}

static struct kunit_case settings_cases[] = {
	KUNIT_CASE(settings_of_an_input_are_those_of_its_channel),
	KUNIT_CASE(an_input_without_a_channel_has_no_settings_but_flashes),
	KUNIT_CASE(inputs_that_a_module_has_not_have_no_settings),
	KUNIT_CASE(phantom_voltages_have_names),
	KUNIT_CASE(a_save_ends_when_the_box_is_no_longer_busy),
	KUNIT_CASE(a_box_that_stays_busy_is_given_up),
	KUNIT_CASE(a_setting_is_read_once),
	KUNIT_CASE(a_box_that_was_away_may_have_other_settings),
	KUNIT_CASE(exceptions_are_errors_and_nothing_is_kept),
	KUNIT_CASE(a_setting_of_a_silent_box_fails),
	KUNIT_CASE(a_module_may_go_in_the_middle_of_a_write),
	KUNIT_CASE(the_slot_map_is_written_at_once),
	KUNIT_CASE(a_slot_map_has_28_slots),
	KUNIT_CASE(a_virtual_meter_has_a_mask_of_channels),
	{ }
};

static struct kunit_suite settings_suite = {
	.name = "smappee-settings",
	.test_cases = settings_cases,
};

kunit_test_suite(settings_suite);

MODULE_DESCRIPTION("Tests of the settings of a Power Box");
MODULE_LICENSE("GPL");
