// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints fire when what they are named after happens.
 */

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/tracepoint.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "../../drivers/tty/serdev/smappee_bus/trace.h"
#include "bench.h"
#include "fake-box.h"

/* How often each of them fired. */
static struct {
	atomic_t transaction;
	atomic_t block;
	atomic_t gap;
	atomic_t clock;
	atomic_t epoch;
	atomic_t module;
	atomic_t poll;
	atomic_t overrun;
	atomic_t enumerate;
	atomic_t fault;
} fired;

static void probe_transaction(void *hits, unsigned int segment, const struct modbus_request *rq,
			      const u8 *answer, size_t len, int status, s64 took_ns)
{
	atomic_inc(hits);
}

static void probe_block(void *hits, unsigned int segment, u8 unit, u64 index, u16 scans,
			u16 held, u8 status)
{
	atomic_inc(hits);
}

static void probe_gap(void *hits, unsigned int segment, u8 unit, u64 index, u64 lost)
{
	atomic_inc(hits);
}

static void probe_clock(void *hits, unsigned int segment, u64 index, u32 phase, s64 seen_ns,
			s64 clock_ns, u64 period, int status)
{
	atomic_inc(hits);
}

static void probe_epoch(void *hits, unsigned int segment, u64 index, s64 time_ns, u64 period,
			s64 real_ns)
{
	atomic_inc(hits);
}

static void probe_module(void *hits, unsigned int segment, u8 unit, bool silent, u16 sync_state,
			 u8 boot)
{
	atomic_inc(hits);
}

static void probe_poll(void *hits, unsigned int segment, u8 unit, u16 address, u16 count,
		       int status, s64 late_ns)
{
	atomic_inc(hits);
}

static void probe_overrun(void *hits, unsigned int segment, u8 unit, u64 index,
			  u64 scans)
{
	atomic_inc(hits);
}

static void probe_enumerate(void *hits, unsigned int segment, u8 unit, u16 type, u32 serial,
			    u8 what)
{
	atomic_inc(hits);
}

static void probe_fault(void *hits, unsigned int segment, unsigned int fault)
{
	atomic_inc(hits);
}

static int trace_init(struct kunit *test)
{
	int ret = 0;

	memset(&fired, 0, sizeof(fired));
	ret |= register_trace_smappee_transaction(probe_transaction, &fired.transaction);
	ret |= register_trace_smappee_block(probe_block, &fired.block);
	ret |= register_trace_smappee_gap(probe_gap, &fired.gap);
	ret |= register_trace_smappee_clock(probe_clock, &fired.clock);
	ret |= register_trace_smappee_epoch(probe_epoch, &fired.epoch);
	ret |= register_trace_smappee_module(probe_module, &fired.module);
	ret |= register_trace_smappee_poll(probe_poll, &fired.poll);
	ret |= register_trace_smappee_overrun(probe_overrun, &fired.overrun);
	ret |= register_trace_smappee_enumerate(probe_enumerate, &fired.enumerate);
	ret |= register_trace_smappee_fault(probe_fault, &fired.fault);
	return ret;
}

static void trace_exit(struct kunit *test)
{
	unregister_trace_smappee_transaction(probe_transaction, &fired.transaction);
	unregister_trace_smappee_block(probe_block, &fired.block);
	unregister_trace_smappee_gap(probe_gap, &fired.gap);
	unregister_trace_smappee_clock(probe_clock, &fired.clock);
	unregister_trace_smappee_epoch(probe_epoch, &fired.epoch);
	unregister_trace_smappee_module(probe_module, &fired.module);
	unregister_trace_smappee_poll(probe_poll, &fired.poll);
	unregister_trace_smappee_overrun(probe_overrun, &fired.overrun);
	unregister_trace_smappee_enumerate(probe_enumerate, &fired.enumerate);
	unregister_trace_smappee_fault(probe_fault, &fired.fault);
	tracepoint_synchronize_unregister();
}

#define FIRED(event) atomic_read(&fired.event)

static void streaming_is_traced(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_EXPECT_EQ(test, 3, FIRED(enumerate));
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 5 * SECOND));
	KUNIT_EXPECT_GE(test, FIRED(block), 150);
	KUNIT_EXPECT_GT(test, FIRED(transaction), FIRED(block));
	KUNIT_EXPECT_GE(test, FIRED(clock), 4);
	KUNIT_EXPECT_GE(test, FIRED(epoch), 4);
	KUNIT_EXPECT_LE(test, FIRED(epoch), FIRED(clock));
	KUNIT_EXPECT_EQ(test, 0, FIRED(gap));
	KUNIT_EXPECT_EQ(test, 0, FIRED(overrun));
	KUNIT_EXPECT_EQ(test, 0, FIRED(fault));

	atomic_set(&segment->line.fault[SMAPPEE_FAULT_CORRUPT], 2);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 2, FIRED(fault));

	spin_lock(&line->lock);
	line->module[HUB - 1].oldest = (u32)sink->next + 77;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_EQ(test, 1, FIRED(gap));

	smappee_count_overruns(bench_module(line, HUB), sink->next, 5);
	KUNIT_EXPECT_EQ(test, 1, FIRED(overrun));
	fake_line_remove(line);
	KUNIT_EXPECT_EQ(test, 6, FIRED(enumerate));
}

static void a_module_that_falls_silent_is_traced(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	int before = FIRED(module);

	WRITE_ONCE(line->module[HUB - 1].silent, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, FIRED(module) > before, 60000));
}

static void polls_of_a_box_are_traced(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	box_scanned(line);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, FIRED(poll) > 20, 20000));
	KUNIT_EXPECT_EQ(test, 1, FIRED(enumerate));
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(streaming_is_traced),
	KUNIT_CASE(a_module_that_falls_silent_is_traced),
	KUNIT_CASE(polls_of_a_box_are_traced),
	{ }
};

static struct kunit_suite trace_suite = {
	.name = "smappee-trace",
	.init = trace_init,
	.exit = trace_exit,
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);

MODULE_DESCRIPTION("Tests of the tracepoints of the metering bus");
MODULE_LICENSE("GPL");
