// SPDX-License-Identifier: GPL-2.0
/*
 * Modules without addresses, with addresses of others, and what does not belong on
 * a segment: found, placed or named, while the others stream on.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/errno.h>

#include "../../drivers/tty/serdev/smappee_bus/enumerate.h"
#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-box.h"
#include "fake-io.h"

static struct smappee_segment *segment_of(struct fake_line *line)
{
	return dev_get_drvdata(fake_line_serdev(line));
}

static bool scan_is_over(struct fake_line *line)
{
	struct smappee_segment *segment = segment_of(line);

	return segment && READ_ONCE(segment->scanned);
}

static void scan(struct fake_line *line)
{
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, scan_is_over(line), 30000));
	async_synchronize_full();
}

/* How many modules of the line have an address and a device that is theirs. */
static unsigned int placed(struct fake_line *line)
{
	unsigned int n = 0;

	for (int i = 0; i < FAKE_MODULES_MAX; i++) {
		const struct fake_module *module = &line->module[i];
		struct smappee_device *sdev;

		if (!module->used || !module->unit)
			continue;
		sdev = bench_module(line, module->unit);
		n += sdev && sdev->serial == module->serial && sdev->type == module->type;
	}
	return n;
}

static const char *problems(struct fake_line *line)
{
	return bench_show(line->test, fake_line_serdev(line), "problems");
}

static void cold_modules_get_addresses_of_their_own(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	u64 begin = ktime_get_ns();

	fake_voltage(line, 0, 100001);
	for (int i = 0; i < 7; i++)
		fake_hub(line, 0, 104233 + i);
	for (int i = 0; i < 5; i++) {
		fake_input(line, 0, 104233 + i);
		fake_output(line, 0, 104233 + i);
	}
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, placed(line) == 18, 20000));
	kunit_info(test, "18 modules in %llu ms, %u requests, %u collisions\n",
		   (ktime_get_ns() - begin) / NSEC_PER_MSEC, line->requests, line->clashes);
	KUNIT_EXPECT_GT(test, line->clashes, 10);
	/* A question per bit of a key for each of them, each as long as its time-out. */
	KUNIT_EXPECT_LT(test, line->requests, 18 * SMAPPEE_KEY_BITS);
	KUNIT_EXPECT_LT(test, ktime_get_ns() - begin,
			18 * SMAPPEE_KEY_BITS * 20 * (u64)NSEC_PER_MSEC);
	KUNIT_EXPECT_LT(test, ktime_get_ns() - begin, 5 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, 18, bench_modules(line));
	KUNIT_EXPECT_STREQ(test, "", problems(line));
	/* what finds them is no trouble of the line */
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, fake_line_serdev(line), "crc_errors"));
}

static void a_noisy_line_hides_nobody(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	for (int i = 0; i < 7; i++)
		fake_hub(line, 0, 104233 + i);
	line->noise_percent = 10;
	fake_line_add(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 7, 60000));
	KUNIT_EXPECT_EQ(test, 7, bench_modules(line));
}

static void a_module_that_is_plugged_in_appears_by_itself(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *hub = bench_stream(line, HUB), *voltage = bench_stream(line, VOLTAGE);
	struct smappee_device *sdev = bench_module(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(hub, 1000));
	fake_hub(line, 0, 555001);
	/* one that was used on another gateway */
	fake_hub(line, 20, 555002);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 5, 12000));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, 20));
	KUNIT_EXPECT_PTR_EQ(test, sdev, bench_module(line, HUB));
	KUNIT_ASSERT_TRUE(test, bench_get(hub, 8000));
	bench_stop(hub);
	bench_stop(voltage);
	bench_expect_clean(test, hub);
	bench_expect_clean(test, voltage);
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, fake_line_serdev(line), "lost_scans"));
}

static void of_two_with_one_address_the_newcomer_gets_another(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *hub2 = bench_stream(line, HUB2), *voltage = bench_stream(line, VOLTAGE);
	struct bench_sink *hub = bench_stream(line, HUB);
	struct smappee_device *sdev = bench_module(line, HUB);
	struct fake_module *twin;

	KUNIT_ASSERT_TRUE(test, bench_get(hub2, 1000));
	twin = fake_hub(line, HUB, 555001);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, placed(line) == 4, 20000));
	KUNIT_EXPECT_NE(test, HUB, twin->unit);
	KUNIT_EXPECT_PTR_EQ(test, sdev, bench_module(line, HUB));
	KUNIT_EXPECT_TRUE(test, bench_get(hub, 4000));
	KUNIT_ASSERT_TRUE(test, bench_get(hub2, 4000));
	bench_stop(hub2);
	bench_stop(voltage);
	bench_stop(hub);
	bench_expect_clean(test, hub2);
	bench_expect_clean(test, voltage);
	KUNIT_EXPECT_EQ(test, 0,
			bench_number(test, &bench_module(line, HUB2)->dev, "lost_scans"));
	KUNIT_EXPECT_EQ(test, 0,
			bench_number(test, &bench_module(line, VOLTAGE)->dev, "lost_scans"));
}

/* Modules that nobody samples: with a driver, and without one. */
static void inputs_and_relays_with_one_address_are_told_apart(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct fake_module *input = fake_input(line, 20, 777), *other = fake_input(line, 21, 888);
	struct fake_module *twin, *relays;

	other->type = 1234;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, placed(line) == 5, 12000));
	/* as if somebody had set them elsewhere: no restart, so they are not new */
	relays = fake_output(line, 20, 779);
	relays->known = true;
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 6, 20000));
	KUNIT_EXPECT_EQ(test, 20, input->unit);
	twin = fake_input(line, 21, 889);
	twin->known = true;
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 7, 20000));
	KUNIT_EXPECT_EQ(test, 21, other->unit);
	KUNIT_EXPECT_NE(test, 21, twin->unit);
	KUNIT_EXPECT_STREQ(test, "", problems(line));
}

static void two_with_one_address_that_nobody_knows_are_told_apart(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, 1, 100001);
	/* the host has restarted: nobody is new */
	for (int i = 0; i < 3; i++)
		fake_hub(line, 5, 104233 + i)->known = true;
	fake_line_add(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 4, 20000));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, 5));
}

static void released_modules_get_the_addresses_that_they_had(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);

	KUNIT_EXPECT_EQ(test, 1, bench_store(test, fake_line_serdev(line),
					     "release_addresses", "1"));
	KUNIT_EXPECT_EQ(test, HUB, line->module[1].unit);
	KUNIT_EXPECT_EQ(test, HUB2, line->module[2].unit);
	KUNIT_EXPECT_PTR_EQ(test, hub, bench_module(line, HUB));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, fake_line_serdev(line),
						   "release_addresses", "perhaps"));
}

static void a_serial_number_of_the_device_tree_decides_address_and_label(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, 0, 104233);
	fake_hub(line, 0, 104234);
	fake_line_label(line, 9, "heat pump");
	fake_line_serial(line, "9500104234");
	fake_line_label(line, 1, "reserved");
	fake_line_serial(line, "9500000001");
	scan(line);
	KUNIT_ASSERT_NOT_NULL(test, bench_module(line, 9));
	KUNIT_EXPECT_EQ(test, 104234, bench_module(line, 9)->serial);
	KUNIT_EXPECT_STREQ(test, "heat pump",
			   bench_show(test, &bench_module(line, 9)->dev, "label"));
	/* the lowest address is somebody else's */
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, 2));
}

static void a_module_swapped_for_one_of_its_type_changes_only_itself(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *hub2 = bench_stream(line, HUB2);
	struct smappee_device *hub = bench_module(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(hub2, 1000));
	spin_lock(&line->lock);
	line->module[1].serial = 555001;
	line->module[1].unit = 0;
	line->module[1].known = false;
	line->module[1].boot++;
	spin_unlock(&line->lock);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 3, 20000));
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, &hub->dev, "state"));
	bench_rescan(line);
	KUNIT_EXPECT_FALSE(test, device_is_registered(&hub->dev));
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
	KUNIT_ASSERT_TRUE(test, bench_get(hub2, 4000));
	bench_stop(hub2);
	bench_expect_clean(test, hub2);
}

static void more_inputs_than_a_gateway_has_are_named_once(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	unsigned long *flags;

	bench_log(test, "CT inputs");
	fake_voltage(line, 1, 100001);
	for (int i = 0; i < 8; i++)
		fake_hub(line, 2 + i, 104233 + i);
	scan(line);
	fake_line_wait(line, false, 11000);
	KUNIT_EXPECT_EQ(test, 8, bench_modules(line));
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_NOT_NULL(test, strstr(problems(line), "too-many-inputs"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(problems(line), "32 CT inputs"));
	/* one goes, and the one that was too much comes */
	WRITE_ONCE(line->module[3].silent, true);
	flags = &to_smappee_module(&bench_module(line, 4)->dev)->flags;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, test_bit(SMAPPEE_MODULE_SILENT, flags),
					       10000));
	bench_rescan(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_modules(line) == 8 &&
					       !bench_module(line, 4), 12000));
	KUNIT_EXPECT_STREQ(test, "", problems(line));
}

static void a_power_box_among_open_modules_is_named(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233);
	fake_hub(line, SMAPPEE_PB_UNIT, 777)->type = SMAPPEE_TYPE_POWER_BOX;
	bench_log(test, "is a Power Box");
	scan(line);
	fake_line_wait(line, false, 11000);
	KUNIT_EXPECT_EQ(test, 1, bench_modules(line));
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_NOT_NULL(test, strstr(problems(line), "wrong-segment 61"));
}

static void take_poll(struct smappee_sink *sink, const struct smappee_poll *poll)
{
}

static void an_open_module_beside_a_power_box_is_named(struct kunit *test)
{
	static struct smappee_sink sink = { .poll = take_poll };
	struct fake_line *line = fake_box_line(test);
	struct smappee_device *box;

	fake_hub(line, 0, 104233);
	fake_hub(line, 7, 104234);
	scan(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, strstr(problems(line), "9500104233") &&
					       strstr(problems(line), "9500104234"), 10000));
	KUNIT_EXPECT_NOT_NULL(test, strstr(problems(line), "wrong-segment 7"));
	/* and those that are connected later, while powers come ten times a second */
	box = bench_module(line, SMAPPEE_PB_UNIT);
	KUNIT_ASSERT_NOT_NULL(test, box);
	KUNIT_ASSERT_EQ(test, 0, smappee_stream_start(box, &sink));
	fake_input(line, 0, 777);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, strstr(problems(line), "9700000777"), 120000));
	smappee_stream_stop(box);
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, &box->dev, "lost_scans"));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, bench_store(test, fake_line_serdev(line),
						       "release_addresses", "1"));
}

static void a_module_that_answers_for_others_is_named_and_the_rest_runs(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *hub2 = bench_stream(line, HUB2);

	bench_log(test, "having been asked");
	WRITE_ONCE(line->module[1].babbles, true);
	/* it speaks up whenever somebody who is away is asked */
	WRITE_ONCE(line->module[0].babbles, false);
	bench_rescan(line);
	bench_rescan(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, strstr(problems(line), "babbling 2"), 30000));
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
	KUNIT_ASSERT_TRUE(test, bench_get(hub2, 4000));
	bench_stop(hub2);
	bench_expect_clean(test, hub2);
	WRITE_ONCE(line->module[1].babbles, false);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, !*problems(line), 60000));
}

static void two_modules_with_the_same_number_are_named(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	fake_hub(line, 0, 555001);
	fake_hub(line, 0, 555001);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, strstr(problems(line), "duplicate-serial"),
					       20000));
	KUNIT_EXPECT_NOT_NULL(test, strstr(problems(line), "9500555001"));
}

static void a_module_that_takes_no_address_hides_no_other(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	fake_hub(line, 0, 555001)->stubborn = true;
	fake_hub(line, 0, 555002);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, placed(line) == 4, 20000));
	KUNIT_EXPECT_EQ(test, 4, bench_modules(line));
}

/* Of a type that no driver is for, so nobody else asks it. */
static void a_module_without_a_driver_that_goes_and_comes_is_noticed(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct fake_module *input = fake_input(line, 0, 777);
	struct smappee_device *sdev;

	input->type = 1234;
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, placed(line) == 4, 12000));
	sdev = bench_module(line, input->unit);
	KUNIT_EXPECT_EQ(test, 0, sdev->channels);
	WRITE_ONCE(input->silent, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, !strcmp(bench_show(test, &sdev->dev, "state"),
							     "silent"), 30000));
	WRITE_ONCE(input->silent, false);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, !strcmp(bench_show(test, &sdev->dev, "state"),
							     "idle"), 12000));
	KUNIT_EXPECT_PTR_EQ(test, sdev, bench_module(line, input->unit));
}

static struct kunit_case discover_cases[] = {
	KUNIT_CASE(cold_modules_get_addresses_of_their_own),
	KUNIT_CASE(a_noisy_line_hides_nobody),
	KUNIT_CASE(a_module_that_is_plugged_in_appears_by_itself),
	KUNIT_CASE(of_two_with_one_address_the_newcomer_gets_another),
	KUNIT_CASE(inputs_and_relays_with_one_address_are_told_apart),
	KUNIT_CASE(two_with_one_address_that_nobody_knows_are_told_apart),
	KUNIT_CASE(released_modules_get_the_addresses_that_they_had),
	KUNIT_CASE(a_serial_number_of_the_device_tree_decides_address_and_label),
	KUNIT_CASE(a_module_swapped_for_one_of_its_type_changes_only_itself),
	KUNIT_CASE(more_inputs_than_a_gateway_has_are_named_once),
	KUNIT_CASE(a_power_box_among_open_modules_is_named),
	KUNIT_CASE(an_open_module_beside_a_power_box_is_named),
	KUNIT_CASE(a_module_that_answers_for_others_is_named_and_the_rest_runs),
	KUNIT_CASE(two_modules_with_the_same_number_are_named),
	KUNIT_CASE(a_module_that_takes_no_address_hides_no_other),
	KUNIT_CASE(a_module_without_a_driver_that_goes_and_comes_is_noticed),
	{ }
};

static struct kunit_suite discover_suite = {
	.name = "smappee-discover",
	.test_cases = discover_cases,
};

kunit_test_suite(discover_suite);

MODULE_DESCRIPTION("Tests of discovery on a metering segment");
MODULE_LICENSE("GPL");
