// SPDX-License-Identifier: GPL-2.0
/*
 * Enumeration: which devices the bus makes of the modules on a line, and what a
 * rescan changes.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "../../drivers/tty/serdev/smappee_bus/describe.h"
#include "../../drivers/tty/serdev/smappee_bus/enumerate.h"
#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"

static bool scan_is_over(struct fake_line *line)
{
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));

	return segment && READ_ONCE(segment->scanned);
}

/* Register the line and wait for the end of the first scan. */
static void scan(struct fake_line *line)
{
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, scan_is_over(line), 30000));
	async_synchronize_full();
}

static void modules_appear_with_their_identity(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct device *dev = &hub->dev;

	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
	KUNIT_EXPECT_STREQ(test, "9500", bench_show(test, dev, "type"));
	KUNIT_EXPECT_STREQ(test, "9500104233", bench_show(test, dev, "serial_number"));
	KUNIT_EXPECT_STREQ(test, "1.7", bench_show(test, dev, "firmware"));
	KUNIT_EXPECT_STREQ(test, "4", bench_show(test, dev, "slots"));
	KUNIT_EXPECT_STREQ(test, "2", bench_show(test, dev, "unit"));
	KUNIT_EXPECT_STREQ(test, "idle", bench_show(test, dev, "state"));
	KUNIT_EXPECT_STREQ(test, "locked", bench_show(test, dev, "sync_state"));
	KUNIT_EXPECT_STREQ(test, "12", bench_show(test, dev, "sync_offset_ns"));
	KUNIT_EXPECT_STREQ(test, "reference",
			   bench_show(test, &bench_module(line, VOLTAGE)->dev, "sync_state"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(dev_name(dev), "-002"));
}

static void the_modalias_begins_as_the_drivers_alias_says(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	KUNIT_EXPECT_STREQ(test, "smappee:t9500s4v1.7",
			   bench_show(test, &bench_module(line, HUB)->dev, "modalias"));
	KUNIT_EXPECT_STREQ(test, "smappee:t9400s3v1.7",
			   bench_show(test, &bench_module(line, VOLTAGE)->dev, "modalias"));
}

static void the_event_of_a_module_names_it(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct kobj_uevent_env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, env);
	KUNIT_ASSERT_EQ(test, 0, smappee_bus_type.uevent(&bench_module(line, HUB)->dev, env));
	KUNIT_ASSERT_EQ(test, 3, env->envp_idx);
	KUNIT_EXPECT_STREQ(test, "SMAPPEE_UNIT=2", env->envp[0]);
	KUNIT_EXPECT_STREQ(test, "SMAPPEE_SERIAL=9500104233", env->envp[1]);
	KUNIT_EXPECT_STREQ(test, "MODALIAS=smappee:t9500s4v1.7", env->envp[2]);
}

static void a_label_of_the_device_tree_names_a_module_and_the_serial_the_others(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	fake_hub(line, HUB2, 104234);
	fake_line_label(line, HUB2, "heat pump");
	scan(line);
	KUNIT_EXPECT_STREQ(test, "9500104233",
			   bench_show(test, &bench_module(line, HUB)->dev, "label"));
	KUNIT_EXPECT_STREQ(test, "heat pump",
			   bench_show(test, &bench_module(line, HUB2)->dev, "label"));
}

static void units_of_the_device_tree_are_asked_first_and_may_lie_beyond_the_scan(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_request request;

	fake_hub(line, HUB, 104233);
	fake_hub(line, 200, 104234);
	fake_line_label(line, 200, "far");
	scan(line);
	KUNIT_ASSERT_TRUE(test, fake_line_find(line, 0, SMAPPEE_FC_READ_REGISTERS, 0, &request));
	KUNIT_EXPECT_EQ(test, 200, request.unit);
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, 200));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, HUB));
}

static void all_units_of_the_scan_range_are_asked(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	scan(line);
	for (u8 unit = 1; unit <= SMAPPEE_UNIT_SCAN_MAX; unit++)
		KUNIT_EXPECT_GT_MSG(test, fake_line_count(line, unit, 0), 0, "unit %u", unit);
	KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, SMAPPEE_UNIT_SCAN_MAX + 1, 0));
}

static void a_line_where_nobody_answers_is_looked_at_again(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *hub = fake_hub(line, HUB, 104233);

	hub->silent = true;
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, fake_line_count(line, 32, 0) ||
					       fake_line_count(line, HUB, 0) > 3, 3000));
	KUNIT_EXPECT_EQ(test, 0, bench_modules(line));
	WRITE_ONCE(hub->silent, false);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_modules(line) == 1, 20000));
}

static void a_listed_unit_that_is_silent_is_found_when_it_comes(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *late;

	fake_hub(line, HUB, 104233);
	late = fake_hub(line, HUB2, 104234);
	late->silent = true;
	fake_line_label(line, HUB2, "late");
	scan(line);
	KUNIT_EXPECT_EQ(test, 1, bench_modules(line));
	WRITE_ONCE(late->silent, false);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_modules(line) == 2, 20000));
}

static void a_module_of_unknown_type_is_shown_but_has_no_driver(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct smappee_device *sdev;

	fake_hub(line, HUB, 104233)->type = 1234;
	scan(line);
	sdev = bench_module(line, HUB);
	KUNIT_ASSERT_NOT_NULL(test, sdev);
	KUNIT_EXPECT_STREQ(test, "1234104233", bench_show(test, &sdev->dev, "serial_number"));
	KUNIT_EXPECT_NULL(test, sdev->dev.driver);
}

struct identity_row {
	const char *what;
	u16 type;
	u16 slots;
	u32 serial;
	int verdict;
};

static const struct identity_row identity_rows[] = {
	{ "all right", 9500, 4, 104233, 0 },
	{ "largest values", 9999, 8, 999999, 0 },
	{ "type 0", 0, 4, 104233, -EPROTO },
	{ "type of five digits", 10000, 4, 104233, -EPROTO },
	{ "no slots", 9500, 0, 104233, -EPROTO },
	{ "nine slots", 9500, 9, 104233, -EPROTO },
	{ "serial 0", 9500, 4, 0, -EPROTO },
	{ "serial of seven digits", 9500, 4, 1000000, -EPROTO },
};

static void identity_name(const struct identity_row *row, char *desc)
{
	strscpy(desc, row->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(identity, identity_rows, identity_name);

static void an_identity_out_of_range_is_refused(struct kunit *test)
{
	const struct identity_row *row = test->param_value;
	const u16 regs[SMAPPEE_REG_IDENTITY_COUNT] = {
		row->type, row->slots, lower_16_bits(row->serial), upper_16_bits(row->serial), 7, 1,
	};
	struct smappee_identity id;

	KUNIT_EXPECT_EQ(test, row->verdict, smappee_identity_parse(regs, &id));
	if (row->verdict)
		return;
	KUNIT_EXPECT_EQ(test, row->serial, id.serial);
	KUNIT_EXPECT_EQ(test, 1, id.firmware_major);
	KUNIT_EXPECT_EQ(test, 7, id.firmware_minor);
}

static void a_module_with_an_impossible_identity_gets_no_device(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 0);
	fake_hub(line, HUB2, 104234);
	scan(line);
	KUNIT_EXPECT_NULL(test, bench_module(line, HUB));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, HUB2));
}

static void a_module_without_a_scale_or_with_a_strange_channel_is_not_used(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233)->scale = 0;
	fake_hub(line, HUB2, 104234)->kind = 3;
	fake_hub(line, 4, 104235);
	scan(line);
	KUNIT_EXPECT_NULL(test, bench_module(line, HUB));
	KUNIT_EXPECT_NULL(test, bench_module(line, HUB2));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, 4));
}

static void a_module_of_a_later_protocol_is_not_used(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233)->protocol = 2;
	fake_hub(line, HUB2, 104234);
	scan(line);
	KUNIT_EXPECT_NULL(test, bench_module(line, HUB));
}

static void a_listed_unit_that_cannot_be_used_is_named_in_the_log_once(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233)->protocol = 2;
	fake_line_label(line, HUB, "later");
	bench_log(test, "not usable");
	fake_line_add(line);
	fake_line_wait(line, false, 30000);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	/* it is still looked at: its firmware may be another one some day */
	line->module[1].protocol = SMAPPEE_PROTOCOL_VERSION;
	bench_settle(line, 2);
}

static void a_module_without_waveforms_is_shown_but_has_no_channels(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233)->protocol = 0;
	scan(line);
	KUNIT_ASSERT_NOT_NULL(test, bench_module(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, bench_module(line, HUB)->channels);
}

static void the_cheapest_known_format_is_chosen(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S16_PACKED, smappee_choose_format(0x1e));
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S16, smappee_choose_format(0x16));
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S24_PACKED, smappee_choose_format(0x14));
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S24, smappee_choose_format(0x04));
	KUNIT_EXPECT_EQ(test, 0, smappee_choose_format(0xffe1));
}

static void noise_during_the_scan_hides_no_module(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233);
	fake_line_fault(line, FAKE_CORRUPT, VOLTAGE, 0, 1, 0);
	fake_line_fault(line, FAKE_DROP, HUB, 0, 1, 0);
	scan(line);
	KUNIT_EXPECT_EQ(test, 2, bench_modules(line));
	KUNIT_EXPECT_GE(test, bench_number(test, fake_line_serdev(line), "crc_errors"), 1);
	KUNIT_EXPECT_GE(test, bench_number(test, fake_line_serdev(line), "retries"), 2);
}

static void a_module_whose_first_answers_are_all_damaged_is_found_later(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	fake_hub(line, HUB2, 104234);
	fake_line_fault(line, FAKE_CORRUPT, HUB2, SMAPPEE_FC_READ_REGISTERS, 2, 0);
	scan(line);
	KUNIT_EXPECT_EQ(test, 0, line->fault[0].count);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_module(line, HUB2), 20000));
}

static void the_segment_tells_its_speed_and_modules(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct device *dev = fake_line_serdev(line);

	KUNIT_EXPECT_STREQ(test, "4000000", bench_show(test, dev, "speed"));
	KUNIT_EXPECT_STREQ(test, "3", bench_show(test, dev, "modules"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "lost_scans"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "repaired_blocks"));
	KUNIT_EXPECT_GT(test, bench_number(test, dev, "transactions"), 32);
	KUNIT_EXPECT_GT(test, bench_number(test, dev, "timeouts"), 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "rescan", "perhaps"));
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "rescan", "0"));
}

static void a_rescan_finds_a_new_module_and_leaves_the_others_alone(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);

	fake_hub(line, 9, 104239);
	bench_rescan(line);
	KUNIT_EXPECT_EQ(test, 4, bench_modules(line));
	KUNIT_EXPECT_PTR_EQ(test, hub, bench_module(line, HUB));
	bench_settle(line, 4);
}

/**
 * struct waiter - somebody who waits for the end of a scan
 * @segment: the segment
 * @begun: he is there
 * @done: he is back
 * @ret: with this
 */
struct waiter {
	struct smappee_segment *segment;
	struct completion begun;
	struct completion done;
	int ret;
};

static int wait_for_rescan(void *data)
{
	struct waiter *waiter = data;

	allow_signal(SIGINT);
	complete(&waiter->begun);
	waiter->ret = smappee_enumerate_rescan(waiter->segment);
	complete(&waiter->done);
	return 0;
}

static void who_waits_for_a_rescan_may_be_interrupted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	unsigned long looked = READ_ONCE(segment->look_at);
	struct fake_module *late;
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	waiter->segment = segment;
	init_completion(&waiter->begun);
	init_completion(&waiter->done);
	late = fake_hub(line, 9, 104239);
	task = kthread_create(wait_for_rescan, waiter, "waiter");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&waiter->begun);
	msleep(20);
	send_sig(SIGINT, task, 1);
	wait_for_completion(&waiter->done);
	put_task_struct(task);
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, waiter->ret);
	KUNIT_EXPECT_EQ(test, looked, READ_ONCE(segment->look_at));
	/* The scan goes on, and the next one is waited for as ever. */
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_modules(line) == 4, 30000));
	late->silent = true;
	msleep(8000);
	bench_rescan(line);
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
}

static void a_rescan_replaces_a_module_whose_serial_number_is_another(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);

	line->module[1].serial = 555555;
	bench_rescan(line);
	KUNIT_EXPECT_PTR_NE(test, hub, bench_module(line, HUB));
	KUNIT_EXPECT_FALSE(test, device_is_registered(&hub->dev));
	KUNIT_EXPECT_STREQ(test, "9500555555",
			   bench_show(test, &bench_module(line, HUB)->dev, "serial_number"));
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
}

static bool is_silent(struct fake_line *line, u8 unit)
{
	struct smappee_device *sdev = bench_module(line, unit);

	return sdev && test_bit(SMAPPEE_MODULE_SILENT, &to_smappee_module(&sdev->dev)->flags);
}

static void a_module_that_falls_silent_is_removed_by_a_rescan_only(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	WRITE_ONCE(line->module[2].silent, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, is_silent(line, HUB2), 30000));
	KUNIT_EXPECT_STREQ(test, "silent",
			   bench_show(test, &bench_module(line, HUB2)->dev, "state"));
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
	bench_rescan(line);
	KUNIT_EXPECT_EQ(test, 2, bench_modules(line));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, HUB));
}

static void a_module_that_comes_back_keeps_its_device(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB2);

	WRITE_ONCE(line->module[2].silent, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, is_silent(line, HUB2), 30000));
	WRITE_ONCE(line->module[2].silent, false);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, !is_silent(line, HUB2), 10000));
	bench_settle(line, 3);
	KUNIT_EXPECT_PTR_EQ(test, hub, bench_module(line, HUB2));
}

static bool is_another(struct fake_line *line, u8 unit, u32 serial)
{
	struct smappee_device *sdev = bench_module(line, unit);

	return sdev && sdev->serial == serial;
}

static void a_module_that_was_exchanged_is_noticed_without_a_rescan(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	spin_lock(&line->lock);
	line->module[1].serial = 555555;
	line->module[1].boot++;
	spin_unlock(&line->lock);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, is_another(line, HUB, 555555), 30000));
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
}

static void a_module_that_was_exchanged_is_not_forgotten_when_it_is_not_ready(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	u32 scale = line->module[1].scale;

	spin_lock(&line->lock);
	line->module[1].serial = 555555;
	line->module[1].boot++;
	line->module[1].scale = 0;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, !bench_module(line, HUB), 30000));
	WRITE_ONCE(line->module[1].scale, scale);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, is_another(line, HUB, 555555), 20000));
}

static void modules_go_with_their_port(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	u16 type;

	fake_line_remove(line);
	KUNIT_EXPECT_FALSE(test, device_is_registered(&hub->dev));
	KUNIT_EXPECT_EQ(test, -ENODEV, smappee_read_registers(hub, SMAPPEE_REG_TYPE, 1, &type));
	KUNIT_EXPECT_EQ(test, -ENODEV, smappee_write_registers(hub, SMAPPEE_REG_RATE, 1, &type));
}

static void a_port_may_go_in_the_middle_of_the_scan(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	fake_hub(line, 30, 104234)->known = true;
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_modules(line) == 1, 3000));
	fake_line_remove(line);
	KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, 30, 0));
}

static void a_port_may_go_while_a_module_that_comes_back_answers(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	unsigned int asked;

	WRITE_ONCE(line->module[1].silent, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, is_silent(line, HUB), 30000));
	fake_line_fault(line, FAKE_DELAY, HUB, SMAPPEE_FC_READ_REGISTERS, 1, 9);
	asked = fake_line_count(line, HUB, SMAPPEE_FC_READ_REGISTERS);
	WRITE_ONCE(line->module[1].silent, false);
	while (fake_line_count(line, HUB, SMAPPEE_FC_READ_REGISTERS) == asked)
		usleep_range(200, 300);
	/* the answer is underway, and wants the module to be verified */
	fake_line_remove(line);
}

static void a_port_may_come_and_go_many_times(struct kunit *test)
{
	for (int round = 0; round < 5; round++) {
		struct fake_line *line = bench_new(test);

		fake_line_remove(line);
	}
}

static bool has_driver(struct fake_line *line)
{
	return device_is_bound(fake_line_serdev(line));
}

static void a_unit_that_cannot_be_is_refused_at_probe(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	fake_line_label(line, 0, "broadcast");
	fake_line_add(line);
	KUNIT_EXPECT_FALSE(test, has_driver(line));
	KUNIT_EXPECT_EQ(test, 0, line->requests);
}

static void an_impossible_speed_is_refused_at_probe(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	line->segment.cell = cpu_to_be32(300);
	fake_line_add(line);
	KUNIT_EXPECT_FALSE(test, has_driver(line));
}

static void the_speed_is_what_the_port_really_gives(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	line->baud_offset = 40000;
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, has_driver(line));
	KUNIT_EXPECT_STREQ(test, "4040000", bench_show(test, fake_line_serdev(line), "speed"));
}

static void a_port_that_cannot_do_the_speed_is_refused_at_probe(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	line->baud_offset = 200000;
	fake_line_add(line);
	KUNIT_EXPECT_FALSE(test, has_driver(line));
	KUNIT_EXPECT_FALSE(test, line->open);
}

static struct kunit_case enumerate_cases[] = {
	KUNIT_CASE(modules_appear_with_their_identity),
	KUNIT_CASE(the_modalias_begins_as_the_drivers_alias_says),
	KUNIT_CASE(the_event_of_a_module_names_it),
	KUNIT_CASE(a_label_of_the_device_tree_names_a_module_and_the_serial_the_others),
	KUNIT_CASE(units_of_the_device_tree_are_asked_first_and_may_lie_beyond_the_scan),
	KUNIT_CASE(all_units_of_the_scan_range_are_asked),
	KUNIT_CASE(a_line_where_nobody_answers_is_looked_at_again),
	KUNIT_CASE(a_listed_unit_that_is_silent_is_found_when_it_comes),
	KUNIT_CASE(a_module_of_unknown_type_is_shown_but_has_no_driver),
	KUNIT_CASE_PARAM(an_identity_out_of_range_is_refused, identity_gen_params),
	KUNIT_CASE(a_module_with_an_impossible_identity_gets_no_device),
	KUNIT_CASE(a_module_without_a_scale_or_with_a_strange_channel_is_not_used),
	KUNIT_CASE(a_module_of_a_later_protocol_is_not_used),
	KUNIT_CASE(a_listed_unit_that_cannot_be_used_is_named_in_the_log_once),
	KUNIT_CASE(a_module_without_waveforms_is_shown_but_has_no_channels),
	KUNIT_CASE(the_cheapest_known_format_is_chosen),
	KUNIT_CASE(noise_during_the_scan_hides_no_module),
	KUNIT_CASE(a_module_whose_first_answers_are_all_damaged_is_found_later),
	KUNIT_CASE(the_segment_tells_its_speed_and_modules),
	KUNIT_CASE(a_rescan_finds_a_new_module_and_leaves_the_others_alone),
	KUNIT_CASE(who_waits_for_a_rescan_may_be_interrupted),
	KUNIT_CASE(a_rescan_replaces_a_module_whose_serial_number_is_another),
	KUNIT_CASE(a_module_that_falls_silent_is_removed_by_a_rescan_only),
	KUNIT_CASE(a_module_that_comes_back_keeps_its_device),
	KUNIT_CASE(a_module_that_was_exchanged_is_noticed_without_a_rescan),
	KUNIT_CASE(a_module_that_was_exchanged_is_not_forgotten_when_it_is_not_ready),
	KUNIT_CASE(modules_go_with_their_port),
	KUNIT_CASE(a_port_may_go_in_the_middle_of_the_scan),
	KUNIT_CASE(a_port_may_go_while_a_module_that_comes_back_answers),
	KUNIT_CASE(a_port_may_come_and_go_many_times),
	KUNIT_CASE(a_unit_that_cannot_be_is_refused_at_probe),
	KUNIT_CASE(an_impossible_speed_is_refused_at_probe),
	KUNIT_CASE(the_speed_is_what_the_port_really_gives),
	KUNIT_CASE(a_port_that_cannot_do_the_speed_is_refused_at_probe),
	{ }
};

static struct kunit_suite enumerate_suite = {
	.name = "smappee-enumerate",
	.test_cases = enumerate_cases,
};

kunit_test_suite(enumerate_suite);

MODULE_DESCRIPTION("Tests of the enumeration of a metering segment");
MODULE_LICENSE("GPL");
