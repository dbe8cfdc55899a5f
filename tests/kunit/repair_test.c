// SPDX-License-Identifier: GPL-2.0
/*
 * The sampler when answers are lost and modules are silent: blocks are asked for again, and
 * what is really gone is counted.
 */

#include <kunit/test.h>
#include <linux/ktime.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"

struct fault_row {
	const char *what;
	enum fake_fault_kind kind;
	int value;
};

static const struct fault_row fault_rows[] = {
	{ "missing", FAKE_DROP, 0 },
	{ "damaged", FAKE_CORRUPT, 0 },
	{ "cut off", FAKE_TRUNCATE, 0 },
	{ "late by 25 ms", FAKE_DELAY, 25 },
	{ "late by 60 ms", FAKE_DELAY, 60 },
	{ "from another unit", FAKE_WRONG_UNIT, HUB2 },
	{ "of another function", FAKE_WRONG_FUNCTION, SMAPPEE_FC_SYNC },
	{ "busy", FAKE_EXCEPTION, SMAPPEE_EX_BUSY },
	{ "a failure of the module", FAKE_EXCEPTION, SMAPPEE_EX_DEVICE_FAILURE },
	{ "of a later block", FAKE_WRONG_INDEX, 128 },
	{ "of an earlier block", FAKE_WRONG_INDEX, -128 },
	{ "there twice", FAKE_DOUBLE, 0 },
	{ "behind noise", FAKE_GARBAGE, 20 },
};

static void fault_name(const struct fault_row *row, char *desc)
{
	strscpy(desc, row->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fault, fault_rows, fault_name);

static void nothing_is_lost_when_an_answer_is(struct kunit *test)
{
	const struct fault_row *row = test->param_value;
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fake_line_fault(line, row->kind, HUB, SMAPPEE_FC_READ_SAMPLES, 1, row->value);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, line->fault[0].count);
}

static void a_damaged_block_is_asked_for_again_with_the_same_index(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct fake_request request, again;
	unsigned int before;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	before = fake_line_count(line, HUB, SMAPPEE_FC_READ_SAMPLES);
	fake_line_fault(line, FAKE_CORRUPT, HUB, SMAPPEE_FC_READ_SAMPLES, 1, 0);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_ASSERT_TRUE(test, fake_line_find(line, HUB, SMAPPEE_FC_READ_SAMPLES, before,
					       &request));
	KUNIT_ASSERT_TRUE(test, fake_line_find(line, HUB, SMAPPEE_FC_READ_SAMPLES, before + 1,
					       &again));
	KUNIT_EXPECT_EQ(test, request.index, again.index);
	KUNIT_EXPECT_LE(test, again.time_ns - request.time_ns, 20 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, 1, bench_repaired(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, bench_repaired(line, HUB2));
	KUNIT_EXPECT_EQ(test, 1, bench_number(test, &bench_module(line, HUB)->dev, "crc_errors"));
	KUNIT_EXPECT_EQ(test, 1, bench_number(test, fake_line_serdev(line), "repaired_blocks"));
}

static void nothing_is_lost_while_one_answer_in_five_is_damaged(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[] = {
		bench_stream(line, VOLTAGE), bench_stream(line, HUB), bench_stream(line, HUB2),
	};

	WRITE_ONCE(line->noise_percent, 20);
	for (int i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i], 10 * SECOND));
	for (int i = 0; i < 3; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, bench_lost(line, sink[i]->unit));
		KUNIT_EXPECT_GT(test, bench_repaired(line, sink[i]->unit), 10);
	}
}

static void scans_that_were_overwritten_are_counted_exactly(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	spin_lock(&line->lock);
	/* the module forgets all but its last ten scans, while a block is due */
	bench_fake(line, HUB)->oldest = (u32)sink->next + 77;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	KUNIT_EXPECT_EQ(test, 77, sink->missing);
	KUNIT_EXPECT_EQ(test, 77, bench_lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 77, bench_number(test, fake_line_serdev(line), "lost_scans"));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB2));
}

/* Whatever else it is asked in that time: blocks, its status, sync. */
static void a_silence_shorter_than_the_modules_memory_loses_nothing(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[2] = { bench_stream(line, VOLTAGE), bench_stream(line, HUB) };

	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 1000));
	for (int i = 0; i < 20; i++) {
		struct fake_module *module = bench_fake(line, i % 2 ? HUB : VOLTAGE);

		WRITE_ONCE(module->silent, true);
		/* half of what it keeps */
		schedule_timeout_uninterruptible(msecs_to_jiffies(250));
		WRITE_ONCE(module->silent, false);
		/* each time at another moment of the 2 s between two looks */
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i % 2], 2 * SECOND + 333));
	}
	for (int i = 0; i < 2; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, bench_lost(line, sink[i]->unit));
	}
}

static void after_a_long_silence_every_missing_scan_is_counted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(bench_fake(line, HUB)->silent, true);
	KUNIT_ASSERT_TRUE(test, bench_get(other, 5 * SECOND));
	WRITE_ONCE(bench_fake(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_GT(test, sink->missing, 0);
	KUNIT_EXPECT_EQ(test, sink->missing, bench_lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->restarts);
	bench_expect_clean(test, other);
}

static bool is_silent(struct fake_line *line, u8 unit)
{
	return test_bit(SMAPPEE_MODULE_SILENT,
			&to_smappee_module(&bench_module(line, unit)->dev)->flags);
}

static void fall_silent(struct fake_line *line, u8 unit)
{
	WRITE_ONCE(bench_fake(line, unit)->silent, true);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, is_silent(line, unit), 30000));
}

static void scans_older_than_the_clock_are_counted_and_not_delivered(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	/* it keeps 200 s, the clock 16 s */
	bench_fake(line, HUB)->depth = 200 * SECOND;
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fall_silent(line, HUB);
	fake_line_wait(line, false, 100000);
	WRITE_ONCE(bench_fake(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 20 * SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, 0, sink->restarts);
	KUNIT_EXPECT_GT(test, sink->missing, 20 * SECOND);
	KUNIT_EXPECT_EQ(test, sink->missing, bench_lost(line, HUB));
}

static void a_module_away_for_longer_than_the_index_counts_streams_again(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	const s64 away = 3000000000LL;	/* 8.7 days */

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fall_silent(line, HUB);
	to_smappee_module(&bench_module(line, HUB)->dev)->next -= away;
	WRITE_ONCE(bench_fake(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, away + sink->missing, bench_lost(line, HUB));
}

static void a_silent_module_does_not_hold_up_the_others(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);
	s64 begin;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(bench_fake(line, HUB)->silent, true);
	begin = ktime_get_ns();
	KUNIT_ASSERT_TRUE(test, bench_get(other, 4 * SECOND));
	KUNIT_EXPECT_LE(test, ktime_get_ns() - begin, 4200 * NSEC_PER_MSEC);
	bench_expect_clean(test, other);
}

static void modules_behind_a_port_that_does_not_send_are_silent(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct device *hub = &bench_module(line, HUB)->dev;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(line->stalled, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, is_silent(line, HUB), 30000));
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, hub, "state"));
	KUNIT_EXPECT_GE(test, bench_number(test, hub, "timeouts"), 6);
	fake_line_resume(line);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, sink->missing, bench_lost(line, HUB));
}

static void a_hub_that_restarts_is_verified_and_goes_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fake_module_restart(line, bench_fake(line, HUB));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, sink->missing, bench_lost(line, HUB));
	KUNIT_EXPECT_STREQ(test, "6", bench_show(test, &hub->dev, "boot_count"));
	KUNIT_EXPECT_PTR_EQ(test, hub, bench_module(line, HUB));
}

static struct kunit_case repair_cases[] = {
	KUNIT_CASE_PARAM(nothing_is_lost_when_an_answer_is, fault_gen_params),
	KUNIT_CASE(a_damaged_block_is_asked_for_again_with_the_same_index),
	KUNIT_CASE(nothing_is_lost_while_one_answer_in_five_is_damaged),
	KUNIT_CASE(scans_that_were_overwritten_are_counted_exactly),
	KUNIT_CASE(a_silence_shorter_than_the_modules_memory_loses_nothing),
	KUNIT_CASE(after_a_long_silence_every_missing_scan_is_counted),
	KUNIT_CASE(scans_older_than_the_clock_are_counted_and_not_delivered),
	KUNIT_CASE(a_module_away_for_longer_than_the_index_counts_streams_again),
	KUNIT_CASE(a_silent_module_does_not_hold_up_the_others),
	KUNIT_CASE(modules_behind_a_port_that_does_not_send_are_silent),
	KUNIT_CASE(a_hub_that_restarts_is_verified_and_goes_on),
	{ }
};

static struct kunit_suite repair_suite = {
	.name = "smappee-repair",
	.test_cases = repair_cases,
};

kunit_test_suite(repair_suite);

MODULE_DESCRIPTION("Tests of what the sampler asks for again");
MODULE_LICENSE("GPL");
