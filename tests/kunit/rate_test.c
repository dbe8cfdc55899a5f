// SPDX-License-Identifier: GPL-2.0
/*
 * The rate of a segment: all modules have it, or it is refused.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/ktime.h>

#include "bench.h"

static void the_rate_is_set_on_all_modules_and_restarts_their_clock(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink;
	s64 begin;

	KUNIT_EXPECT_EQ(test, SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000, smappee_stream_rates(hub));
	KUNIT_ASSERT_EQ(test, 0, smappee_stream_set_rate(hub, 2000));
	KUNIT_EXPECT_EQ(test, 2000, smappee_stream_rate(hub));
	for (u8 unit = VOLTAGE; unit <= HUB2; unit++)
		KUNIT_EXPECT_EQ_MSG(test, 2000, bench_fake(line, unit)->rate, "unit %u", unit);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	begin = ktime_get_ns();
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2000));
	KUNIT_EXPECT_GE(test, ktime_get_ns() - begin, 900 * NSEC_PER_MSEC);
	bench_expect_clean(test, sink);
}

static void the_rate_stays_while_a_module_streams(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_EXPECT_EQ(test, -EBUSY, smappee_stream_set_rate(bench_module(line, HUB2), 2000));
	bench_stop(sink);
	KUNIT_EXPECT_EQ(test, 0, smappee_stream_set_rate(bench_module(line, HUB2), 2000));
	KUNIT_EXPECT_EQ(test, 0, smappee_stream_set_rate(bench_module(line, HUB2), 2000));
}

static void a_rate_that_one_module_lacks_is_refused(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233)->rates = SMAPPEE_RATES_4000 | SMAPPEE_RATES_8000;
	fake_line_add(line);
	bench_settle(line, 2);
	KUNIT_EXPECT_EQ(test, SMAPPEE_RATES_4000, smappee_stream_rates(bench_module(line, HUB)));
	KUNIT_EXPECT_EQ(test, -EINVAL, smappee_stream_set_rate(bench_module(line, HUB), 2000));
	KUNIT_EXPECT_EQ(test, -EINVAL, smappee_stream_set_rate(bench_module(line, HUB), 8000));
	KUNIT_EXPECT_EQ(test, -EINVAL, smappee_stream_set_rate(bench_module(line, HUB), 3999));
}

static void a_module_with_another_rate_is_brought_to_that_of_the_segment(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001)->rate = 2000;
	fake_hub(line, HUB, 104233)->rate = 2000;
	fake_line_add(line);
	bench_settle(line, 2);
	KUNIT_EXPECT_EQ(test, 4000, bench_fake(line, VOLTAGE)->rate);
	KUNIT_EXPECT_EQ(test, 4000, bench_fake(line, HUB)->rate);
}

static void a_module_that_refuses_the_rate_is_named_in_the_log_once(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *hub;

	fake_voltage(line, VOLTAGE, 100001);
	hub = fake_hub(line, HUB, 104233);
	hub->rate = 2000;
	hub->rates = SMAPPEE_RATES_2000;
	bench_log(test, "refuses rate 4000 Hz");
	fake_line_add(line);
	fake_line_wait(line, false, 30000);
	KUNIT_EXPECT_EQ(test, 1, bench_log_lines());
}

static struct kunit_case rate_cases[] = {
	KUNIT_CASE(the_rate_is_set_on_all_modules_and_restarts_their_clock),
	KUNIT_CASE(the_rate_stays_while_a_module_streams),
	KUNIT_CASE(a_rate_that_one_module_lacks_is_refused),
	KUNIT_CASE(a_module_with_another_rate_is_brought_to_that_of_the_segment),
	KUNIT_CASE(a_module_that_refuses_the_rate_is_named_in_the_log_once),
	{ }
};

static struct kunit_suite rate_suite = {
	.name = "smappee-rate",
	.test_cases = rate_cases,
};

kunit_test_suite(rate_suite);

MODULE_DESCRIPTION("Tests of the rate of a metering segment");
MODULE_LICENSE("GPL");
