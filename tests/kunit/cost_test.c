// SPDX-License-Identifier: GPL-2.0
/*
 * What the way of the samples costs, on the clock of the host: run by "make bench",
 * not with the tests, whose time is none.
 *
 * The sampler's thread is parked, and the fake line hands over each answer from
 * within the write of its request. So one thread goes the whole way of the bytes:
 * receive_buf, the line, CRCs, decoder, times, the IIO core, the kfifo. The floor,
 * right after it in the same run: a CRC-16 over the same frame, a copy of it, and a
 * kfifo that gets as many records of the same size.
 */

#include <kunit/test.h>
#include <linux/align.h>
#include <linux/crc16.h>
#include <linux/iio/buffer.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sort.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "../../drivers/tty/serdev/smappee_bus/sampler-parts.h"
#include "bench.h"
#include "serdev-controller.h"

#define HUBS		7	/* and a voltage module: 31 channels */
#define MODULES		(1 + HUBS)
#define ROUNDS		9
#define BLOCKS		28	/* of each module, in a round */
#define BLOCK		128	/* scans, as the sampler asks for them at 4 kHz */
#define SCANS		(BLOCKS * BLOCK)

/* Time of a round, in ns, and what for. */
struct round {
	u64 receive_ns;
	u64 whole_ns;
	u64 floor_ns;
	u64 bytes;
};

/**
 * struct cost - the bench
 * @line: the line
 * @real: what the fake line's controller does otherwise
 * @ops: what it does here
 * @chunk: bytes that receive_buf gets at once, 0 for all
 * @frame: the answer
 * @len: its length
 * @begin_ns: when its first byte was handed over
 * @received_ns: when its last byte had been
 * @fifo: of the floor
 * @copy: of the floor
 * @sum: keeps the compiler from leaving out the floor's CRC
 */
struct cost {
	struct fake_line *line;
	const struct serdev_controller_ops *real;
	struct serdev_controller_ops ops;
	size_t chunk;
	u8 frame[2 * SMAPPEE_FRAME_MAX_SAMPLES];
	size_t len;
	u64 begin_ns;
	u64 received_ns;
	struct kfifo fifo;
	u8 copy[2 * SMAPPEE_FRAME_MAX_SAMPLES];
	u16 sum;
};

/* serdev gives its controller only. */
static struct cost *the_cost;

static serdev_written_t cost_write(struct serdev_controller *ctrl, const u8 *bytes, size_t len)
{
	struct cost *cost = the_cost;
	size_t n;

	/* somebody looks for new modules: there are none */
	if (bytes[1] != SMAPPEE_FC_READ_SAMPLES)
		return len;
	cost->len = fake_module_answer(cost->line, bytes, len, cost->frame);
	cost->begin_ns = ktime_get_ns();
	for (size_t at = 0; at < cost->len; at += n) {
		n = min(cost->chunk ?: cost->len, cost->len - at);
		serdev_controller_receive_buf(ctrl, cost->frame + at, n);
	}
	cost->received_ns = ktime_get_ns();
	return len;
}

static u64 cost_floor(struct cost *cost, unsigned int record)
{
	u64 begin_ns = ktime_get_ns();
	const u8 *from = cost->copy;

	cost->sum ^= crc16(0xffff, cost->frame, cost->len);
	memcpy(cost->copy, cost->frame, cost->len);
	for (int i = 0; i < BLOCK; i++)
		kfifo_in(&cost->fifo, from, record);
	begin_ns = ktime_get_ns() - begin_ns;
	kfifo_reset(&cost->fifo);
	return begin_ns;
}

static unsigned int cost_drain(struct iio_dev *indio_dev)
{
	u8 scan[32] __aligned(8);
	unsigned int n = 0;

	while (!indio_dev->buffer->access->remove_from(indio_dev->buffer, scan))
		n++;
	return n;
}

static void cost_enable(struct kunit *test, struct iio_dev *indio_dev)
{
	struct iio_buffer *buffer = indio_dev->buffer;

	KUNIT_ASSERT_EQ(test, 0, buffer->access->set_length(buffer, 2 * SCANS));
	*buffer->scan_mask = *indio_dev->available_scan_masks;
	buffer->scan_timestamp = true;
	KUNIT_ASSERT_EQ(test, 0, iio_update_buffers(indio_dev, buffer, NULL));
}

static void cost_end(void *data)
{
	struct cost *cost = data;
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(cost->line));

	cost->line->ctrl->ops = cost->real;
	kthread_unpark(segment->task);
	for (int i = 0; i < MODULES; i++) {
		struct iio_dev *indio_dev = bench_iio(cost->line, VOLTAGE + i);

		iio_update_buffers(indio_dev, NULL, indio_dev->buffer);
	}
	kfifo_free(&cost->fifo);
}

static struct cost *cost_begin(struct kunit *test)
{
	struct cost *cost = kunit_kzalloc(test, sizeof(*cost), GFP_KERNEL);
	struct fake_line *line = fake_line_new(test);
	struct smappee_segment *segment;

	KUNIT_ASSERT_NOT_NULL(test, cost);
	KUNIT_ASSERT_EQ(test, 0, kfifo_alloc(&cost->fifo, 32 * BLOCK, GFP_KERNEL));
	cost->line = line;
	fake_voltage(line, VOLTAGE, 100001);
	for (int i = 0; i < HUBS; i++)
		fake_hub(line, HUB + i, 104233 + i);
	for (int i = 0; i < MODULES; i++)
		line->module[i].depth = 100000;
	fake_line_add(line);
	bench_settle(line, MODULES);
	for (int i = 0; i < MODULES; i++)
		cost_enable(test, bench_iio(line, VOLTAGE + i));
	/* all have joined, and their blocks come */
	msleep(2000);
	segment = dev_get_drvdata(fake_line_serdev(line));
	kthread_park(segment->task);
	the_cost = cost;
	cost->real = line->ctrl->ops;
	cost->ops = *cost->real;
	cost->ops.write_buf = cost_write;
	line->ctrl->ops = &cost->ops;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, cost_end, cost));
	return cost;
}

static void cost_block(struct cost *cost, struct smappee_module *module, struct round *round)
{
	unsigned int record = ALIGN(module->sdev.channels * sizeof(s16), 8) + sizeof(s64);
	u64 end_ns;

	module->ask = BLOCK;
	smappee_block_ask(module->segment, module);
	end_ns = ktime_get_ns();
	round->receive_ns += cost->received_ns - cost->begin_ns;
	round->whole_ns += end_ns - cost->begin_ns;
	round->bytes += cost->len;
	round->floor_ns += cost_floor(cost, record);
}

static void cost_round(struct kunit *test, struct cost *cost, struct round *round)
{
	memset(round, 0, sizeof(*round));
	for (int i = 0; i < MODULES; i++)
		cost_drain(bench_iio(cost->line, VOLTAGE + i));
	msleep(1000);
	for (int block = 0; block < BLOCKS; block++) {
		for (int i = 0; i < MODULES; i++)
			cost_block(cost, to_smappee_module(&bench_module(cost->line,
									 VOLTAGE + i)->dev),
				   round);
	}
	for (int i = 0; i < MODULES; i++)
		KUNIT_EXPECT_EQ(test, SCANS, cost_drain(bench_iio(cost->line, VOLTAGE + i)));
}

static int by_ratio(const void *a, const void *b)
{
	const struct round *x = a, *y = b;
	u64 left = x->whole_ns * y->floor_ns, right = y->whole_ns * x->floor_ns;

	return left < right ? -1 : left > right;
}

/* One line for tests/vm/bench.py: a value and its floor, in picoseconds. */
static void cost_say(struct kunit *test, const char *name, u64 ns, u64 floor_ns, u64 of)
{
	kunit_info(test, "figure: %s: %llu %llu\n", name, div64_u64(ns * 1000, of),
		   div64_u64(floor_ns * 1000, of));
}

static void cost_of(struct kunit *test, size_t chunk, const char *how)
{
	struct cost *cost = cost_begin(test);
	struct round rounds[ROUNDS];
	const struct round *middle = &rounds[ROUNDS / 2];
	char name[80];

	cost->chunk = chunk;
	for (int i = 0; i < ROUNDS; i++)
		cost_round(test, cost, &rounds[i]);
	sort(rounds, ROUNDS, sizeof(rounds[0]), by_ratio, NULL);
	snprintf(name, sizeof(name), "a byte in receive_buf, %s", how);
	cost_say(test, name, middle->receive_ns, middle->floor_ns, middle->bytes);
	snprintf(name, sizeof(name), "a byte from receive_buf to kfifo, %s", how);
	cost_say(test, name, middle->whole_ns, middle->floor_ns, middle->bytes);
	snprintf(name, sizeof(name), "a scan of 31 channels from receive_buf to kfifo, %s", how);
	cost_say(test, name, middle->whole_ns, middle->floor_ns, SCANS);
}

static void answers_in_pieces_of_a_fifo(struct kunit *test)
{
	cost_of(test, 16, "16 at once");
}

static void answers_in_one_piece(struct kunit *test)
{
	cost_of(test, 0, "all at once");
}

static struct kunit_case cost_cases[] = {
	KUNIT_CASE(answers_in_pieces_of_a_fifo),
	KUNIT_CASE(answers_in_one_piece),
	{ }
};

static struct kunit_suite cost_suite = {
	.name = "kernel-cost",
	.test_cases = cost_cases,
};

kunit_test_suite(cost_suite);

MODULE_DESCRIPTION("Cost of a byte and of a scan");
MODULE_LICENSE("GPL");
