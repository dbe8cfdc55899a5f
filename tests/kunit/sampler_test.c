// SPDX-License-Identifier: GPL-2.0
/*
 * The sampler: scans of modules that stream arrive once, in order, with the right values and
 * times, beside whatever else the line is used for.
 */

#include <kunit/test.h>
#include <linux/errno.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "formats.h"

static void scans_come_in_order_with_their_values(struct kunit *test)
{
	const u16 format = *(const u16 *)test->param_value;
	struct fake_line *line = fake_line_new(test);
	struct bench_sink *sink;

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233)->formats = BIT(format);
	fake_line_add(line);
	bench_settle(line, 2);
	KUNIT_EXPECT_EQ(test, format, bench_fake(line, HUB)->format);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 5 * SECOND));
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, bench_repaired(line, HUB));
}

static void the_state_tells_whether_a_module_streams(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct device *dev = &bench_module(line, HUB)->dev;
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_EXPECT_STREQ(test, "streaming", bench_show(test, dev, "state"));
	bench_stop(sink);
	KUNIT_EXPECT_STREQ(test, "idle", bench_show(test, dev, "state"));
}

static void streams_begin_at_a_block_so_that_they_share_indices(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *a = bench_stream(line, HUB);
	struct bench_sink *b;

	KUNIT_ASSERT_TRUE(test, bench_get(a, 1000));
	b = bench_stream(line, HUB2);
	KUNIT_ASSERT_TRUE(test, bench_get(b, 1000));
	KUNIT_EXPECT_EQ(test, 0, a->first % 128);
	KUNIT_EXPECT_EQ(test, 0, b->first % 128);
}

static void one_index_has_one_time_on_all_modules(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[] = {
		bench_stream(line, VOLTAGE), bench_stream(line, HUB), bench_stream(line, HUB2),
	};
	unsigned int compared = 0;

	/* one of them is often late with its blocks */
	fake_line_fault(line, FAKE_DROP, HUB2, SMAPPEE_FC_READ_SAMPLES, 3, 0);
	for (int i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i], 3 * SECOND));
	for (int i = 0; i < 3; i++)
		bench_stop(sink[i]);
	for (u64 index = sink[0]->next - 2 * SECOND; index < sink[0]->next; index += 7) {
		s64 time = bench_time(sink[0], index);

		for (int i = 1; i < 3; i++) {
			if (bench_time(sink[i], index) == S64_MIN)
				continue;
			compared++;
			KUNIT_EXPECT_EQ_MSG(test, time, bench_time(sink[i], index),
					    "index %llu", index);
		}
	}
	KUNIT_EXPECT_GT(test, compared, 1000);
}

static void times_are_those_at_which_the_module_sampled(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	const struct fake_module *reference = bench_fake(line, VOLTAGE);
	s64 error;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 3 * SECOND));
	bench_stop(sink);
	for (u64 index = sink->next - SECOND; index < sink->next; index += 100) {
		s64 sampled = reference->start_ns + (u64)(u32)index * 250000;

		error = bench_time(sink, index) - sampled;
		KUNIT_EXPECT_GE_MSG(test, error, -50000, "index %llu", index);
		KUNIT_EXPECT_LE_MSG(test, error, 1000000, "index %llu", index);
	}
}

static void an_unlocked_module_gives_nothing_until_it_is_locked(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);
	u64 scans;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(bench_fake(line, HUB)->sync_state, SMAPPEE_SYNC_LOCKING);
	KUNIT_ASSERT_TRUE(test, bench_get(other, 1000));
	scans = sink->scans;
	KUNIT_ASSERT_TRUE(test, bench_get(other, SECOND));
	KUNIT_EXPECT_EQ(test, scans, sink->scans);
	KUNIT_EXPECT_STREQ(test, "locking",
			   bench_show(test, &bench_module(line, HUB)->dev, "sync_state"));
	WRITE_ONCE(bench_fake(line, HUB)->sync_state, SMAPPEE_SYNC_LOCKED);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, sink->missing, bench_lost(line, HUB));
}

static void takes_nothing(struct smappee_sink *sink, const struct smappee_block *block)
{
}

static void a_module_has_one_sink_at_a_time(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct smappee_sink second = { .push = takes_nothing }, polls = { };

	KUNIT_EXPECT_EQ(test, -EBUSY, smappee_stream_start(hub, &second));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, smappee_stream_start(hub, &polls));
	bench_stop(sink);
	/* stopping twice does no harm */
	smappee_stream_stop(hub);
}

static void a_module_without_waveforms_cannot_stream(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct smappee_sink sink = { .push = takes_nothing };
	struct smappee_segment *segment;

	fake_hub(line, HUB, 104233)->protocol = 0;
	fake_line_add(line);
	segment = dev_get_drvdata(fake_line_serdev(line));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, READ_ONCE(segment->scanned), 10000));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, smappee_stream_start(bench_module(line, HUB), &sink));
}

static void no_scan_comes_after_a_stream_was_stopped(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *other = bench_stream(line, HUB2);

	for (int round = 0; round < 50; round++) {
		struct bench_sink *sink = bench_stream(line, HUB);
		u64 scans;

		KUNIT_ASSERT_TRUE(test, bench_get(sink, 1));
		bench_stop(sink);
		scans = sink->scans;
		KUNIT_ASSERT_TRUE(test, bench_get(other, 300));
		KUNIT_EXPECT_EQ(test, scans, READ_ONCE(sink->scans));
	}
}

static void a_failure_that_passes_does_not_exclude_a_module(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233);
	/* of the request that sets the format */
	fake_line_fault(line, FAKE_EXCEPTION, HUB, SMAPPEE_FC_WRITE_REGISTERS, 1,
			SMAPPEE_EX_DEVICE_FAILURE);
	fake_line_add(line);
	bench_settle(line, 2);
	KUNIT_EXPECT_EQ(test, 0, line->fault[0].count);
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S16_PACKED, bench_fake(line, HUB)->format);
	KUNIT_EXPECT_TRUE(test, bench_get(bench_stream(line, HUB), SECOND));
}

static void registers_are_read_while_all_modules_stream(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);
	u16 regs[4];

	for (int i = 0; i < 100; i++) {
		KUNIT_EXPECT_EQ(test, 0, smappee_read_registers(hub, SMAPPEE_REG_TYPE, 4, regs));
		KUNIT_EXPECT_EQ(test, SMAPPEE_TYPE_OPEN_CT_HUB, regs[0]);
	}
	KUNIT_EXPECT_EQ(test, -ENXIO, smappee_read_registers(hub, 0x4000, 1, regs));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	bench_expect_clean(test, sink);
	bench_expect_clean(test, other);
}

static void a_rescan_does_not_disturb_the_streams(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, VOLTAGE);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	bench_rescan(line);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	bench_expect_clean(test, sink);
	bench_expect_clean(test, other);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
}

static void streams_end_with_their_port(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	u64 scans;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fake_line_remove(line);
	scans = READ_ONCE(sink->scans);
	schedule_timeout_uninterruptible(HZ);
	KUNIT_EXPECT_EQ(test, scans, READ_ONCE(sink->scans));
}

static struct kunit_case sampler_cases[] = {
	KUNIT_CASE_PARAM(scans_come_in_order_with_their_values, format_gen_params),
	KUNIT_CASE(the_state_tells_whether_a_module_streams),
	KUNIT_CASE(streams_begin_at_a_block_so_that_they_share_indices),
	KUNIT_CASE(one_index_has_one_time_on_all_modules),
	KUNIT_CASE(times_are_those_at_which_the_module_sampled),
	KUNIT_CASE(an_unlocked_module_gives_nothing_until_it_is_locked),
	KUNIT_CASE(a_module_has_one_sink_at_a_time),
	KUNIT_CASE(a_module_without_waveforms_cannot_stream),
	KUNIT_CASE(no_scan_comes_after_a_stream_was_stopped),
	KUNIT_CASE(a_failure_that_passes_does_not_exclude_a_module),
	KUNIT_CASE(registers_are_read_while_all_modules_stream),
	KUNIT_CASE(a_rescan_does_not_disturb_the_streams),
	KUNIT_CASE(streams_end_with_their_port),
	{ }
};

static struct kunit_suite sampler_suite = {
	.name = "smappee-sampler",
	.test_cases = sampler_cases,
};

kunit_test_suite(sampler_suite);

MODULE_DESCRIPTION("Tests of the sampler of a metering segment");
MODULE_LICENSE("GPL");
