// SPDX-License-Identifier: GPL-2.0
/*
 * The sampler: scans arrive once, in order, with the right values and times,
 * whatever happens on the line; what is really gone is counted.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/ktime.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"

#define SECOND		4000ULL		/* scans at the rate of the bench */

static struct fake_module *fake_of(struct fake_line *line, u8 unit)
{
	return &line->module[unit - 1];
}

static s64 lost(struct fake_line *line, u8 unit)
{
	return bench_number(line->test, &bench_module(line, unit)->dev, "lost_scans");
}

static s64 repaired(struct fake_line *line, u8 unit)
{
	return bench_number(line->test, &bench_module(line, unit)->dev, "repaired_blocks");
}

static const u16 all_formats[] = {
	SMAPPEE_FORMAT_S16, SMAPPEE_FORMAT_S24, SMAPPEE_FORMAT_S16_PACKED,
	SMAPPEE_FORMAT_S24_PACKED,
};

static void format_name(const u16 *format, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "format %u", *format);
}

KUNIT_ARRAY_PARAM(format, all_formats, format_name);

static void scans_come_in_order_with_their_values(struct kunit *test)
{
	const u16 format = *(const u16 *)test->param_value;
	struct fake_line *line = fake_line_new(test);
	struct bench_sink *sink;

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233)->formats = BIT(format);
	fake_line_add(line);
	bench_settle(line, 2);
	KUNIT_EXPECT_EQ(test, format, fake_of(line, HUB)->format);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 5 * SECOND));
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, repaired(line, HUB));
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
	const struct fake_module *reference = fake_of(line, VOLTAGE);
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
	KUNIT_EXPECT_EQ(test, 0, lost(line, HUB));
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
	KUNIT_EXPECT_EQ(test, 1, repaired(line, HUB));
	KUNIT_EXPECT_EQ(test, 0, repaired(line, HUB2));
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
		KUNIT_EXPECT_EQ(test, 0, lost(line, sink[i]->unit));
		KUNIT_EXPECT_GT(test, repaired(line, sink[i]->unit), 10);
	}
}

static void scans_that_were_overwritten_are_counted_exactly(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	spin_lock(&line->lock);
	/* the module forgets all but its last ten scans, while a block is due */
	fake_of(line, HUB)->oldest = (u32)sink->next + 77;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	KUNIT_EXPECT_EQ(test, 77, sink->missing);
	KUNIT_EXPECT_EQ(test, 77, lost(line, HUB));
	KUNIT_EXPECT_EQ(test, 77, bench_number(test, fake_line_serdev(line), "lost_scans"));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, lost(line, HUB2));
}

/* Whatever else it is asked in that time: blocks, its status, sync. */
static void a_silence_shorter_than_the_modules_memory_loses_nothing(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[2] = { bench_stream(line, VOLTAGE), bench_stream(line, HUB) };

	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 1000));
	for (int i = 0; i < 20; i++) {
		struct fake_module *module = fake_of(line, i % 2 ? HUB : VOLTAGE);

		WRITE_ONCE(module->silent, true);
		/* half of what it keeps */
		schedule_timeout_uninterruptible(msecs_to_jiffies(250));
		WRITE_ONCE(module->silent, false);
		/* each time at another moment of the 2 s between two looks */
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i % 2], 2 * SECOND + 333));
	}
	for (int i = 0; i < 2; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, lost(line, sink[i]->unit));
	}
}

static void after_a_long_silence_every_missing_scan_is_counted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(fake_of(line, HUB)->silent, true);
	KUNIT_ASSERT_TRUE(test, bench_get(other, 5 * SECOND));
	WRITE_ONCE(fake_of(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_GT(test, sink->missing, 0);
	KUNIT_EXPECT_EQ(test, sink->missing, lost(line, HUB));
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
	WRITE_ONCE(fake_of(line, unit)->silent, true);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, is_silent(line, unit), 30000));
}

static void scans_older_than_the_clock_are_counted_and_not_delivered(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	/* it keeps 200 s, the clock 16 s */
	fake_of(line, HUB)->depth = 200 * SECOND;
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fall_silent(line, HUB);
	fake_line_wait(line, false, 100000);
	WRITE_ONCE(fake_of(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 20 * SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, 0, sink->restarts);
	KUNIT_EXPECT_GT(test, sink->missing, 20 * SECOND);
	KUNIT_EXPECT_EQ(test, sink->missing, lost(line, HUB));
}

static void a_module_away_for_longer_than_the_index_counts_streams_again(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	const s64 away = 3000000000LL;	/* 8.7 days */

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fall_silent(line, HUB);
	to_smappee_module(&bench_module(line, HUB)->dev)->next -= away;
	WRITE_ONCE(fake_of(line, HUB)->silent, false);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, away + sink->missing, lost(line, HUB));
}

static void a_silent_module_does_not_hold_up_the_others(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);
	s64 begin;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(fake_of(line, HUB)->silent, true);
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
	KUNIT_EXPECT_EQ(test, sink->missing, lost(line, HUB));
}

static void a_hub_that_restarts_is_verified_and_goes_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	fake_module_restart(line, fake_of(line, HUB));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, 0, sink->backwards);
	KUNIT_EXPECT_EQ(test, sink->missing, lost(line, HUB));
	KUNIT_EXPECT_STREQ(test, "6", bench_show(test, &hub->dev, "boot_count"));
	KUNIT_EXPECT_PTR_EQ(test, hub, bench_module(line, HUB));
}

static void after_a_restart_of_the_reference_all_streams_go_on_later_in_time(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[] = { bench_stream(line, VOLTAGE), bench_stream(line, HUB) };

	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 2 * SECOND));
	fake_module_restart(line, fake_of(line, VOLTAGE));
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
	fake_module_restart(line, fake_of(line, VOLTAGE));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_EQ(test, 1, sink->restarts);
	skipped = div_s64(sink->gap_ns, 250000) - 1;
	KUNIT_EXPECT_GT(test, skipped, 100);
	KUNIT_EXPECT_GE(test, lost(line, HUB), skipped - 2);
	KUNIT_EXPECT_LE(test, lost(line, HUB), skipped + 2);
	/* a stream that begins has lost nothing */
	KUNIT_ASSERT_TRUE(test, bench_get(bench_stream(line, HUB2), 1000));
	KUNIT_EXPECT_EQ(test, 0, lost(line, HUB2));
}

static void an_unlocked_module_gives_nothing_until_it_is_locked(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);
	struct bench_sink *other = bench_stream(line, HUB2);
	u64 scans;

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	WRITE_ONCE(fake_of(line, HUB)->sync_state, SMAPPEE_SYNC_LOCKING);
	KUNIT_ASSERT_TRUE(test, bench_get(other, 1000));
	scans = sink->scans;
	KUNIT_ASSERT_TRUE(test, bench_get(other, SECOND));
	KUNIT_EXPECT_EQ(test, scans, sink->scans);
	KUNIT_EXPECT_STREQ(test, "locking",
			   bench_show(test, &bench_module(line, HUB)->dev, "sync_state"));
	WRITE_ONCE(fake_of(line, HUB)->sync_state, SMAPPEE_SYNC_LOCKED);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
	KUNIT_EXPECT_EQ(test, sink->missing, lost(line, HUB));
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
		KUNIT_EXPECT_EQ_MSG(test, 2000, fake_of(line, unit)->rate, "unit %u", unit);
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
	KUNIT_EXPECT_EQ(test, 4000, fake_of(line, VOLTAGE)->rate);
	KUNIT_EXPECT_EQ(test, 4000, fake_of(line, HUB)->rate);
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
	KUNIT_EXPECT_EQ(test, SMAPPEE_FORMAT_S16_PACKED, fake_of(line, HUB)->format);
	KUNIT_EXPECT_TRUE(test, bench_get(bench_stream(line, HUB), SECOND));
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
	KUNIT_EXPECT_EQ(test, 1, fake_of(line, 2)->reference);
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
	KUNIT_EXPECT_EQ(test, 0, lost(line, HUB));
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
	KUNIT_CASE(after_a_restart_of_the_reference_all_streams_go_on_later_in_time),
	KUNIT_CASE(scans_skipped_at_a_restart_of_the_reference_are_counted),
	KUNIT_CASE(an_unlocked_module_gives_nothing_until_it_is_locked),
	KUNIT_CASE(a_module_has_one_sink_at_a_time),
	KUNIT_CASE(a_module_without_waveforms_cannot_stream),
	KUNIT_CASE(no_scan_comes_after_a_stream_was_stopped),
	KUNIT_CASE(the_rate_is_set_on_all_modules_and_restarts_their_clock),
	KUNIT_CASE(the_rate_stays_while_a_module_streams),
	KUNIT_CASE(a_rate_that_one_module_lacks_is_refused),
	KUNIT_CASE(a_module_with_another_rate_is_brought_to_that_of_the_segment),
	KUNIT_CASE(a_module_that_refuses_the_rate_is_named_in_the_log_once),
	KUNIT_CASE(a_failure_that_passes_does_not_exclude_a_module),
	KUNIT_CASE(exactly_one_voltage_module_is_the_reference),
	KUNIT_CASE(a_voltage_module_without_waveforms_is_not_the_reference),
	KUNIT_CASE(the_reference_is_asked_for_sync_four_times_a_second),
	KUNIT_CASE(another_voltage_module_takes_over_when_the_reference_falls_silent),
	KUNIT_CASE(lost_sync_answers_cost_no_scans),
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
