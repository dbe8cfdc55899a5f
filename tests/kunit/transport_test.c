// SPDX-License-Identifier: GPL-2.0
/*
 * The line under load: who waits for how long, what all its capacity carries,
 * transceivers that hear themselves, faults on request, several segments.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/iio/buffer.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "../../drivers/tty/serdev/smappee_bus/enumerate.h"
#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-io.h"

#define HUBS		7		/* on a full segment: 31 channels */

static struct smappee_segment *segment_of(struct fake_line *line)
{
	return dev_get_drvdata(fake_line_serdev(line));
}

#define COUNT(line, name) atomic64_read(&segment_of(line)->count.name)

/* A voltage module and hubs, all of one format and at one rate. */
static struct fake_line *full_line(struct kunit *test, int hubs, u16 format, u16 rate_hz)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	for (int i = 0; i < hubs; i++)
		fake_hub(line, HUB + i, 104233 + i);
	for (int i = 0; i <= hubs; i++) {
		line->module[i].formats = BIT(format);
		line->module[i].rates = SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000 |
					SMAPPEE_RATES_8000;
		/* a quarter second, as the specification asks for */
		line->module[i].depth = rate_hz / 4;
	}
	fake_line_add(line);
	bench_settle(line, 1 + hubs);
	if (rate_hz != 4000)
		KUNIT_ASSERT_EQ(test, 0, smappee_stream_set_rate(bench_module(line, HUB), rate_hz));
	return line;
}

struct load_row {
	int hubs;
	u16 format;
	u16 rate_hz;
};

static const struct load_row load_rows[] = {
	{ 7, SMAPPEE_FORMAT_S16, 2000 },
	{ 7, SMAPPEE_FORMAT_S16, 4000 },
	{ 7, SMAPPEE_FORMAT_S24_PACKED, 4000 },
	{ 7, SMAPPEE_FORMAT_S16_PACKED, 8000 },
	{ 4, SMAPPEE_FORMAT_S24_PACKED, 8000 },
	{ 2, SMAPPEE_FORMAT_S24, 8000 },
};

static void load_name(const struct load_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d channels, format %u, %u Hz",
		 3 + 4 * row->hubs, row->format, row->rate_hz);
}

KUNIT_ARRAY_PARAM(load, load_rows, load_name);

static void a_full_segment_streams_without_a_loss(struct kunit *test)
{
	const struct load_row *row = test->param_value;
	struct fake_line *line = full_line(test, row->hubs, row->format, row->rate_hz);
	struct bench_sink *sink[1 + HUBS];

	for (int i = 0; i <= row->hubs; i++)
		sink[i] = bench_stream(line, VOLTAGE + i);
	for (int i = 0; i <= row->hubs; i++)
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i], 5 * row->rate_hz));
	for (int i = 0; i <= row->hubs; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, bench_lost(line, VOLTAGE + i));
	}
}

/*
 * Payload: the samples, two bytes each. The rest: heads, checks and requests of blocks,
 * sync, looks at the modules, the search for new ones.
 */
static void nine_tenths_of_the_bytes_on_a_full_line_are_samples(struct kunit *test)
{
	struct fake_line *line = full_line(test, HUBS, SMAPPEE_FORMAT_S16, 4000);
	struct bench_sink *sink[1 + HUBS];
	u64 wire, samples;

	for (int i = 0; i <= HUBS; i++)
		sink[i] = bench_stream(line, VOLTAGE + i);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUBS], SECOND));
	spin_lock(&line->lock);
	wire = line->wire_bytes;
	samples = line->sample_bytes;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUBS], 10 * SECOND));
	spin_lock(&line->lock);
	wire = line->wire_bytes - wire;
	samples = line->sample_bytes - samples;
	spin_unlock(&line->lock);
	kunit_info(test, "31 channels at 4 kHz: %llu bytes of samples in %llu on the wire\n",
		   samples, wire);
	KUNIT_EXPECT_GT(test, samples, 10 * SECOND * 31 * 2 * 99 / 100);
	KUNIT_EXPECT_GE(test, samples * 10, wire * 9);
	for (int i = 0; i <= HUBS; i++)
		bench_expect_clean(test, sink[i]);
}

/* How long the slowest of some writes took, about one every 3 ms, each at another moment. */
static s64 slowest_write(struct kunit *test, struct smappee_device *sdev, unsigned int writes)
{
	s64 worst = 0, took;
	u16 led = 0;

	while (writes--) {
		took = ktime_get_ns();
		KUNIT_ASSERT_EQ(test, 0, smappee_write_registers(sdev, SMAPPEE_REG_LED, 1, &led));
		worst = max(worst, (s64)ktime_get_ns() - took);
		usleep_range(3100, 3101);
	}
	return worst;
}

static void control_waits_for_one_block_at_most(struct kunit *test)
{
	struct fake_line *line = full_line(test, HUBS, SMAPPEE_FORMAT_S16, 4000);
	struct smappee_segment *segment = segment_of(line);
	struct smappee_device *hub = bench_module(line, HUB);
	struct bench_sink *sink[1 + HUBS];
	unsigned int questions, absent;
	struct smappee_module *gone;
	s64 alone, streams, looks = 0, scan = 0, pulled = 0;
	unsigned long looked;
	s64 block;

	gone = to_smappee_module(&bench_module(line, VOLTAGE + HUBS)->dev);

	alone = slowest_write(test, hub, 20);
	for (int i = 0; i <= HUBS; i++)
		sink[i] = bench_stream(line, VOLTAGE + i);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUBS], SECOND));
	WRITE_ONCE(line->longest_bytes, 0);
	streams = slowest_write(test, hub, 100);

	/* Every 5 s the line is asked for new modules: two such searches. */
	questions = fake_line_count(line, 0, SMAPPEE_FC_DISCOVER);
	for (int i = 0; i < 2; i++) {
		looked = READ_ONCE(segment->look_at);
		while (READ_ONCE(segment->look_at) == looked)
			looks = max(looks, slowest_write(test, hub, 10));
		looks = max(looks, slowest_write(test, hub, 10));
	}
	questions = fake_line_count(line, 0, SMAPPEE_FC_DISCOVER) - questions;
	KUNIT_EXPECT_GE(test, questions, 2);

	/* All units, most of which are not there. */
	absent = fake_line_count(line, 20, SMAPPEE_FC_READ_REGISTERS);
	looked = READ_ONCE(segment->look_at);
	smappee_enumerate_again(segment);
	while (READ_ONCE(segment->look_at) == looked)
		scan = max(scan, slowest_write(test, hub, 10));
	KUNIT_EXPECT_EQ(test, 2, fake_line_count(line, 20, SMAPPEE_FC_READ_REGISTERS) - absent);

	/*
	 * 128 scans, those that came while it waited for its turn, and its request: what
	 * waits longest waits in the gaps of the scan of all units, and then takes 5 to
	 * 6 ms; the longest answer that there is takes 10.3 ms
	 */
	block = (s64)segment->line.byte_ns * READ_ONCE(line->longest_bytes) +
		line->turnaround_us * NSEC_PER_USEC;
	kunit_info(test, "one block is %lld us at most\n", div_s64(block, 1000));
	KUNIT_EXPECT_LT(test, block, 8 * (s64)NSEC_PER_MSEC);

	/* A module is pulled out; until it counts as silent it is asked for samples. */
	WRITE_ONCE(line->module[HUBS].silent, true);
	while (!test_bit(SMAPPEE_MODULE_SILENT, &gone->flags))
		pulled = max(pulled, slowest_write(test, hub, 1));
	kunit_info(test, "a write takes %lld us on an idle line; with 31 channels %lld us at most, during a search %lld, during a scan of all units %lld, after a module was pulled out %lld\n",
		   div_s64(alone, 1000), div_s64(streams, 1000), div_s64(looks, 1000),
		   div_s64(scan, 1000), div_s64(pulled, 1000));
	KUNIT_EXPECT_GT(test, streams, alone);
	KUNIT_EXPECT_LE(test, streams, alone + block);
	KUNIT_EXPECT_LE(test, looks, alone + block);
	KUNIT_EXPECT_LE(test, scan, alone + block);
	/* As long as the longest answer could have taken, 2 ms to begin it, and 1 to notice. */
	KUNIT_EXPECT_LE(test, pulled, alone + 3000 * (s64)NSEC_PER_USEC +
				      (s64)segment->line.byte_ns * SMAPPEE_FRAME_MAX_SAMPLES);
	for (int i = 0; i < HUBS; i++)
		bench_expect_clean(test, sink[i]);
}

/* What the streams of a full line leave is not all of it housekeeping's. */
static void a_rescan_of_a_full_line_costs_no_scan(struct kunit *test)
{
	struct fake_line *line = full_line(test, HUBS, SMAPPEE_FORMAT_S16, 4000);
	struct bench_sink *sink[1 + HUBS];
	u64 begin, took_ms;

	for (int i = 0; i <= HUBS; i++)
		sink[i] = bench_stream(line, VOLTAGE + i);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUBS], SECOND));
	begin = ktime_get_ns();
	for (int i = 0; i < 3; i++)
		bench_rescan(line);
	took_ms = div_u64(ktime_get_ns() - begin, 3 * NSEC_PER_MSEC);
	kunit_info(test, "a scan of all units takes %llu ms on a line with 31 channels\n", took_ms);
	KUNIT_EXPECT_LT(test, took_ms, 2000);
	/* as does a new module, which is found by a search and described */
	fake_input(line, 0, 777);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_modules(line) == HUBS + 2, 12000));
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUBS], SECOND));
	for (int i = 0; i <= HUBS; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, bench_lost(line, VOLTAGE + i));
	}
	KUNIT_EXPECT_EQ(test, 0, COUNT(line, bad_answers));
}

/* A host that is late, as an emulated one: it gives nobody up who is there. */
static void a_late_host_finds_whoever_is_there(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[3];

	for (int i = 0; i < 3; i++)
		sink[i] = bench_stream(line, VOLTAGE + i);
	line->jitter_us = 9000;
	KUNIT_ASSERT_TRUE(test, bench_get(sink[HUB2 - VOLTAGE], SECOND));
	for (int i = 0; i < 4; i++)
		fake_hub(line, 0, 555001 + i);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_modules(line) == 7, 12000));
	for (int i = 0; i < 3; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_EQ(test, 0, bench_lost(line, VOLTAGE + i));
	}
}

static struct fake_line *echoing(struct kunit *test, bool described, bool echoes)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233);
	line->echo = echoes;
	if (described)
		fake_line_local_echo(line);
	fake_line_add(line);
	return line;
}

static void the_echo_of_a_request_is_swallowed(struct kunit *test)
{
	struct fake_line *line = echoing(test, true, true);
	struct bench_sink *sink;

	line->read_chunk = 3;
	bench_settle(line, 2);
	line->read_chunk = 0;
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 3 * SECOND));
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, COUNT(line, echo_errors));
	KUNIT_EXPECT_EQ(test, 0, COUNT(line, stray_bytes));
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
}

static void an_echo_that_differs_is_a_collision_and_is_repaired(struct kunit *test)
{
	struct fake_line *line = echoing(test, true, true);
	struct bench_sink *sink;

	bench_settle(line, 2);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	for (int i = 1; i <= 5; i++) {
		line->echo_spoilt = 1;
		KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
		KUNIT_EXPECT_EQ(test, i, COUNT(line, echo_errors));
	}
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
}

static void a_wrong_description_of_the_echo_is_seen_in_the_counters(struct kunit *test)
{
	struct fake_line *mute = echoing(test, true, false);

	fake_line_wait(mute, false, 3000);
	KUNIT_EXPECT_EQ(test, 0, bench_modules(mute));
	KUNIT_EXPECT_GT(test, COUNT(mute, echo_errors), 0);

	fake_line_wait(echoing(test, false, true), false, 3000);
}

struct inject_row {
	enum smappee_fault fault;
	const char *counter;
};

static const struct inject_row inject_rows[] = {
	{ SMAPPEE_FAULT_DROP_BYTE, "timeouts" },
	{ SMAPPEE_FAULT_CORRUPT, "crc_errors" },
	{ SMAPPEE_FAULT_WRITE, "timeouts" },
	{ SMAPPEE_FAULT_LATE, "timeouts" },
};

static void inject_name(const struct inject_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "fault %u", row->fault);
}

KUNIT_ARRAY_PARAM(inject, inject_rows, inject_name);

static void a_fault_on_request_is_counted_and_costs_no_scan(struct kunit *test)
{
	const struct inject_row *row = test->param_value;
	struct fake_line *line = fake_line_new(test);
	struct bench_sink *sink;
	s64 before;

	fake_voltage(line, VOLTAGE, 100001);
	/* a late answer holds up the receive worker for 0.3 s */
	fake_hub(line, HUB, 104233)->depth = 4 * SECOND;
	fake_line_add(line);
	bench_settle(line, 2);
	sink = bench_stream(line, HUB);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	before = bench_number(test, fake_line_serdev(line), row->counter);
	for (int i = 0; i < 5; i++) {
		atomic_set(&segment_of(line)->line.fault[row->fault], 1);
		KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&segment_of(line)->line.fault[row->fault]));
	}
	KUNIT_EXPECT_GE(test, bench_number(test, fake_line_serdev(line), row->counter), before + 5);
	bench_expect_clean(test, sink);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
}

static void segments_do_not_disturb_each_other(struct kunit *test)
{
	struct fake_line *noisy = bench_new(test);
	struct fake_line *line = bench_new(test);
	struct bench_sink *a = bench_stream(noisy, HUB);
	struct bench_sink *b = bench_stream(line, HUB);

	KUNIT_EXPECT_NE(test, segment_of(noisy)->line.id, segment_of(line)->line.id);
	WRITE_ONCE(noisy->noise_percent, 20);
	KUNIT_ASSERT_TRUE(test, bench_get(a, 5 * SECOND));
	KUNIT_ASSERT_TRUE(test, bench_get(b, 1000));
	bench_expect_clean(test, a);
	bench_expect_clean(test, b);
	KUNIT_EXPECT_GT(test, COUNT(noisy, crc_errors), 10);
	KUNIT_EXPECT_EQ(test, 0, COUNT(line, crc_errors));
	fake_line_remove(noisy);
	KUNIT_ASSERT_TRUE(test, bench_get(b, 2 * SECOND));
	bench_expect_clean(test, b);
}

static void a_small_kfifo_that_nobody_reads_counts_each_scan(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *indio_dev = bench_iio(line, HUB);
	struct iio_dev *other = bench_iio(line, HUB2);
	struct iio_buffer *buffer = indio_dev->buffer;
	u64 from, begin, scans;

	KUNIT_ASSERT_NOT_NULL(test, buffer->scan_mask);
	KUNIT_ASSERT_EQ(test, 0, buffer->access->set_length(buffer, 64));
	*buffer->scan_mask = 0xf;
	buffer->scan_timestamp = true;
	KUNIT_ASSERT_EQ(test, 0, iio_update_buffers(indio_dev, buffer, NULL));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_number(test, &indio_dev->dev,
								  "overruns") > 2000, 5000));
	from = bench_number(test, &indio_dev->dev, "overruns");
	begin = ktime_get_ns();
	schedule_timeout_uninterruptible(HZ);
	iio_update_buffers(indio_dev, NULL, buffer);
	from = bench_number(test, &indio_dev->dev, "overruns") - from;
	/* as many as there were, but for a block that was on its way at either end */
	scans = div_u64((ktime_get_ns() - begin) * SECOND, NSEC_PER_SEC);
	KUNIT_EXPECT_GE(test, scans, SECOND);
	KUNIT_EXPECT_GE(test, from, scans - 400);
	KUNIT_EXPECT_LE(test, from, scans + 400);
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, &other->dev, "overruns"));
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB));
	KUNIT_EXPECT_EQ(test, COUNT(line, overruns),
			bench_number(test, &indio_dev->dev, "overruns"));
}

static void a_byte_time_is_right_at_all_speeds(struct kunit *test)
{
	static const unsigned int speeds[] = { 1200, 9600, 38400, 115200, 4000000, 12000000 };
	struct smappee_line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, line);
	for (int i = 0; i < ARRAY_SIZE(speeds); i++) {
		smappee_line_set_speed(line, speeds[i]);
		/* 10^10 does not fit in 32 bits */
		KUNIT_EXPECT_EQ(test, div_u64(10 * 1000000000ULL, speeds[i]), line->byte_ns);
		KUNIT_EXPECT_GT(test, line->byte_ns, 800);
	}
}

static struct kunit_case transport_cases[] = {
	KUNIT_CASE_PARAM(a_full_segment_streams_without_a_loss, load_gen_params),
	KUNIT_CASE(nine_tenths_of_the_bytes_on_a_full_line_are_samples),
	KUNIT_CASE(control_waits_for_one_block_at_most),
	KUNIT_CASE(a_rescan_of_a_full_line_costs_no_scan),
	KUNIT_CASE(a_late_host_finds_whoever_is_there),
	KUNIT_CASE(the_echo_of_a_request_is_swallowed),
	KUNIT_CASE(an_echo_that_differs_is_a_collision_and_is_repaired),
	KUNIT_CASE(a_wrong_description_of_the_echo_is_seen_in_the_counters),
	KUNIT_CASE_PARAM(a_fault_on_request_is_counted_and_costs_no_scan, inject_gen_params),
	KUNIT_CASE(segments_do_not_disturb_each_other),
	KUNIT_CASE(a_small_kfifo_that_nobody_reads_counts_each_scan),
	KUNIT_CASE(a_byte_time_is_right_at_all_speeds),
	{ }
};

static struct kunit_suite transport_suite = {
	.name = "smappee-transport",
	.test_cases = transport_cases,
};

kunit_test_suite(transport_suite);

MODULE_DESCRIPTION("Tests of the load of a metering segment");
MODULE_LICENSE("GPL");
