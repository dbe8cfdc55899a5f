// SPDX-License-Identifier: GPL-2.0
/*
 * The voltage module that gives a segment its time: there is one, another takes over, and
 * streams go on when it restarts.
 */

#include <kunit/test.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"

static void after_a_restart_of_the_reference_all_streams_go_on_later_in_time(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[] = { bench_stream(line, VOLTAGE), bench_stream(line, HUB) };

	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 2 * SECOND));
	fake_module_restart(line, bench_fake(line, VOLTAGE));
	for (int i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i], 2 * SECOND));
		KUNIT_EXPECT_EQ_MSG(test, 0, sink[i]->backwards, "unit %u", sink[i]->unit);
		KUNIT_EXPECT_EQ_MSG(test, 0, sink[i]->wrong, "unit %u", sink[i]->unit);
	}
}

static void scans_skipped_at_a_restart_of_the_reference_are_counted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	s64 skipped;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	fake_module_restart(line, bench_fake(line, VOLTAGE));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_EQ(test, 1, sink->restarts);
	skipped = div_s64(sink->gap_ns, 250000) - 1;
	KUNIT_EXPECT_GT(test, skipped, 100);
	KUNIT_EXPECT_GE(test, bench_lost(line, HUB), skipped - 2);
	KUNIT_EXPECT_LE(test, bench_lost(line, HUB), skipped + 2);
	/* a stream that begins has lost nothing */
	KUNIT_ASSERT_TRUE(test, bench_get(bench_stream(line, HUB2), 1000));
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB2));
}

static void exactly_one_voltage_module_is_the_reference(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, 1, 100001);
	fake_voltage(line, 2, 100002)->reference = 1;
	fake_voltage(line, 3, 100003);
	for (int i = 0; i < 3; i++)
		line->module[i].sync_state = SMAPPEE_SYNC_LOCKED;
	fake_line_add(line);
	bench_settle(line, 3);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, line->module[0].reference +
					       line->module[1].reference +
					       line->module[2].reference == 1, 10000));
}

static void a_voltage_module_without_waveforms_is_not_the_reference(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct smappee_segment *segment;

	fake_voltage(line, 1, 100001)->protocol = 0;
	fake_voltage(line, 2, 100002);
	fake_hub(line, 3, 104233);
	fake_line_add(line);
	bench_settle(line, 2);
	segment = dev_get_drvdata(fake_line_serdev(line));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, READ_ONCE(segment->scanned), 10000));
	KUNIT_EXPECT_EQ(test, 1, bench_fake(line, 2)->reference);
	KUNIT_EXPECT_TRUE(test, bench_get(bench_stream(line, 3), SECOND));
}

static void the_reference_is_asked_for_sync_four_times_a_second(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	unsigned int before, asked;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	before = fake_line_count(line, VOLTAGE, SMAPPEE_FC_SYNC);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 6 * SECOND));
	asked = fake_line_count(line, VOLTAGE, SMAPPEE_FC_SYNC) - before;
	KUNIT_EXPECT_GE(test, asked, 20);
	KUNIT_EXPECT_LE(test, asked, 26);
	KUNIT_EXPECT_EQ(test, 0, fake_line_count(line, HUB, SMAPPEE_FC_SYNC));
}

static void another_voltage_module_takes_over_when_the_reference_falls_silent(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct bench_sink *sink;

	fake_voltage(line, 1, 100001);
	fake_hub(line, HUB, 104233);
	fake_voltage(line, 3, 100003)->sync_state = SMAPPEE_SYNC_LOCKED;
	fake_line_add(line);
	bench_settle(line, 3);
	KUNIT_ASSERT_EQ(test, 1, line->module[0].reference);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));

	WRITE_ONCE(line->module[0].silent, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, READ_ONCE(line->module[2].reference), 20000));
	KUNIT_EXPECT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
}

static void lost_sync_answers_cost_no_scans(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	fake_line_fault(line, FAKE_DROP, VOLTAGE, SMAPPEE_FC_SYNC, 2, 0);
	fake_line_fault(line, FAKE_CORRUPT, VOLTAGE, SMAPPEE_FC_SYNC, 2, 0);
	fake_line_fault(line, FAKE_DOUBLE, VOLTAGE, SMAPPEE_FC_SYNC, 2, 0);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 8 * SECOND));
	bench_expect_clean(test, sink);
}

static struct kunit_case reference_cases[] = {
	KUNIT_CASE(after_a_restart_of_the_reference_all_streams_go_on_later_in_time),
	KUNIT_CASE(scans_skipped_at_a_restart_of_the_reference_are_counted),
	KUNIT_CASE(exactly_one_voltage_module_is_the_reference),
	KUNIT_CASE(a_voltage_module_without_waveforms_is_not_the_reference),
	KUNIT_CASE(the_reference_is_asked_for_sync_four_times_a_second),
	KUNIT_CASE(another_voltage_module_takes_over_when_the_reference_falls_silent),
	KUNIT_CASE(lost_sync_answers_cost_no_scans),
	{ }
};

static struct kunit_suite reference_suite = {
	.name = "smappee-reference",
	.test_cases = reference_cases,
};

kunit_test_suite(reference_suite);

MODULE_DESCRIPTION("Tests of the reference of a metering segment");
MODULE_LICENSE("GPL");
