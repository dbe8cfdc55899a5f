// SPDX-License-Identifier: GPL-2.0
/*
 * Time on a whole segment: how well the clock knows when a scan was sampled, and
 * what a jump of the wall clock and a sleep of the host do to it.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/pm.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-box.h"

/* When the fake voltage module sampled an index. */
static s64 sampled_ns(const struct fake_line *line, u64 index)
{
	return line->module[VOLTAGE - 1].start_ns + (u64)(u32)index * (NSEC_PER_SEC / SECOND);
}

/* Errors of the times of scans that a sink keeps. */
struct errors {
	unsigned int n;
	s64 sum;
	s64 most;
	s64 least;
};

static void take_errors(struct errors *errors, struct bench_sink *sink)
{
	spin_lock(&sink->lock);
	for (unsigned int i = 0; i < SINK_KEPT; i++) {
		s64 error = sink->time_ns[i] - sampled_ns(sink->line, sink->index[i]);

		errors->sum += error;
		errors->most = errors->n ? max(errors->most, error) : error;
		errors->least = errors->n ? min(errors->least, error) : error;
		errors->n++;
	}
	spin_unlock(&sink->lock);
}

struct jitter_row {
	unsigned int jitter_us;
	s64 mean_ns;		/* allowed */
	s64 worst_ns;
};

static const struct jitter_row jitter_rows[] = {
	{ 0, 20000, 50000 },
	{ 1000, 40000, 300000 },
};

static void jitter_name(const struct jitter_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u us of jitter", row->jitter_us);
}

KUNIT_ARRAY_PARAM(jitter, jitter_rows, jitter_name);

static void stamps_are_right_with_receive_jitter(struct kunit *test)
{
	const struct jitter_row *row = test->param_value;
	struct fake_line *line = bench_new(test);
	struct errors errors = { };
	struct bench_sink *sink;
	unsigned int syncs;

	WRITE_ONCE(line->jitter_us, row->jitter_us);
	sink = bench_stream(line, HUB);
	/* more than half a minute to forget how it began, then two minutes */
	for (int i = 0; i < 7; i++)
		KUNIT_ASSERT_TRUE(test, bench_get(sink, 10 * SECOND));
	syncs = fake_line_count(line, VOLTAGE, SMAPPEE_FC_SYNC);
	for (int i = 0; i < 29; i++) {
		KUNIT_ASSERT_TRUE(test, bench_get(sink, SINK_KEPT));
		take_errors(&errors, sink);
	}
	bench_expect_clean(test, sink);
	/* four a second */
	syncs = fake_line_count(line, VOLTAGE, SMAPPEE_FC_SYNC) - syncs;
	KUNIT_EXPECT_GE(test, syncs, 29 * SINK_KEPT / SECOND * 4 * 9 / 10);
	KUNIT_EXPECT_LE(test, syncs, 29 * SINK_KEPT * 4 / SECOND + 8);
	kunit_info(test, "%u scans with %u us of jitter: mean error %lld ns, %lld to %lld ns\n",
		   errors.n, row->jitter_us, div_s64(errors.sum, errors.n), errors.least,
		   errors.most);
	KUNIT_EXPECT_LE(test, abs(div_s64(errors.sum, errors.n)), row->mean_ns);
	KUNIT_EXPECT_LE(test, max(-errors.least, errors.most), row->worst_ns);
}

static void wall_clock_back(void *data)
{
	s64 *jump_ns = data;
	struct timespec64 ts;

	ktime_get_real_ts64(&ts);
	ts = timespec64_sub(ts, ns_to_timespec64(*jump_ns));
	do_settimeofday64(&ts);
}

static void jump_wall_clock(s64 jump_ns)
{
	s64 back_ns = -jump_ns;

	wall_clock_back(&back_ns);
}

static void a_jump_of_the_wall_clock_moves_realtime_only(struct kunit *test)
{
	static s64 jump_ns = 3600LL * NSEC_PER_SEC;
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink[] = { bench_stream(line, HUB), bench_stream(line, HUB2) };
	s64 before;

	KUNIT_ASSERT_TRUE(test, bench_get(sink[0], 2 * SECOND));
	before = READ_ONCE(sink[0]->real_ns);
	jump_wall_clock(jump_ns);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, wall_clock_back, &jump_ns));
	/* from the next epoch on */
	KUNIT_ASSERT_TRUE(test, bench_get(sink[0], 2 * SECOND));
	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 1000));
	KUNIT_EXPECT_LE(test, abs(sink[0]->real_ns - before - jump_ns), 1000);
	KUNIT_EXPECT_EQ(test, sink[0]->real_ns, sink[1]->real_ns);
	for (int i = 0; i < 2; i++) {
		bench_expect_clean(test, sink[i]);
		KUNIT_EXPECT_LE(test, sink[i]->gap_ns, 251 * NSEC_PER_USEC);
	}
}

static void power(struct kunit *test, struct fake_line *line, bool on)
{
	struct device *dev = fake_line_serdev(line);
	const struct dev_pm_ops *pm = dev->driver->pm;

	KUNIT_ASSERT_NOT_NULL(test, pm);
	KUNIT_ASSERT_EQ(test, 0, on ? pm->resume(dev) : pm->suspend(dev));
}

/* The modules go on while the host's clock stands still. */
static void time_passes_for_modules(struct fake_line *line, unsigned int seconds)
{
	spin_lock(&line->lock);
	for (int i = 0; i < FAKE_MODULES_MAX; i++)
		line->module[i].start_ns -= seconds * NSEC_PER_SEC;
	spin_unlock(&line->lock);
}

/*
 * Which request from number @from on is the first of that kind? UINT_MAX: none yet.
 * @index: first register or scan; -1: any
 */
static unsigned int request_after(struct fake_line *line, unsigned int from, u8 unit, u8 function,
				  s64 index)
{
	unsigned int found = UINT_MAX;

	spin_lock(&line->lock);
	for (unsigned int i = from; i != line->requests && found == UINT_MAX; i++)
		if (line->log[i % FAKE_LOG].unit == unit &&
		    line->log[i % FAKE_LOG].function == function &&
		    (index < 0 || line->log[i % FAKE_LOG].index == index))
			found = i;
	spin_unlock(&line->lock);
	return found;
}

static void a_sleeping_host_sends_nothing_and_goes_on_when_it_wakes(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct bench_sink *sink[] = { bench_stream(line, VOLTAGE), bench_stream(line, HUB) };
	struct fake_request first;
	unsigned long switches;
	unsigned int requests;
	u64 woken;

	KUNIT_ASSERT_TRUE(test, bench_get(sink[1], 2 * SECOND));
	bench_log(test, "begins anew");
	power(test, line, false);
	requests = READ_ONCE(line->requests);
	/* neither the thread nor the work runs, be it only to be refused the line */
	switches = READ_ONCE(segment->task->nvcsw);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&segment->enumerate));
	schedule_timeout_uninterruptible(10 * HZ);
	KUNIT_EXPECT_EQ(test, switches, READ_ONCE(segment->task->nvcsw));
	KUNIT_EXPECT_EQ(test, requests, READ_ONCE(line->requests));
	time_passes_for_modules(line, 10);
	woken = ktime_get_ns();
	power(test, line, true);
	/* who knows what is on the line? */
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, READ_ONCE(line->requests) > requests, 1000));
	spin_lock(&line->lock);
	first = line->log[requests % FAKE_LOG];
	spin_unlock(&line->lock);
	KUNIT_EXPECT_GE(test, first.time_ns, woken + NSEC_PER_MSEC);

	for (int i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, bench_get(sink[i], 2 * SECOND));
		KUNIT_EXPECT_EQ_MSG(test, 0, sink[i]->backwards, "unit %u", sink[i]->unit);
		KUNIT_EXPECT_EQ_MSG(test, 0, sink[i]->wrong, "unit %u", sink[i]->unit);
		/* the clock is right at once: nothing has to be steered out */
		KUNIT_EXPECT_LE_MSG(test, abs(sink[i]->last_ns -
					      sampled_ns(line, sink[i]->next - 1)),
				    NSEC_PER_MSEC, "unit %u", sink[i]->unit);
	}
	KUNIT_EXPECT_EQ(test, 0, bench_log_lines());
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
}

static void scans_that_a_sleep_costs_are_counted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	power(test, line, false);
	schedule_timeout_uninterruptible(10 * HZ);
	power(test, line, true);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, 2 * SECOND));
	KUNIT_EXPECT_GE(test, sink->missing, 10 * SECOND);
	KUNIT_EXPECT_GE(test, bench_lost(line, HUB), (s64)sink->missing - 2);
	KUNIT_EXPECT_LE(test, bench_lost(line, HUB), (s64)sink->missing + 2);
	KUNIT_EXPECT_EQ(test, 0, bench_lost(line, HUB2));
}

static void nobody_uses_the_line_of_a_sleeping_host(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_device *hub = bench_module(line, HUB);
	u16 type;

	power(test, line, false);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, smappee_read_registers(hub, SMAPPEE_REG_TYPE, 1, &type));
	power(test, line, true);
	KUNIT_EXPECT_EQ(test, 0, smappee_read_registers(hub, SMAPPEE_REG_TYPE, 1, &type));
}

static void after_a_sleep_nobody_is_believed_before_he_has_said_who_he_is(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct bench_sink *sink;
	unsigned int requests;

	/* far behind units that nobody has: the scan comes to it after the clock is there */
	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, 30, 104233);
	fake_line_add(line);
	bench_settle(line, 2);
	sink = bench_stream(line, 30);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	power(test, line, false);
	requests = READ_ONCE(line->requests);
	power(test, line, true);
	KUNIT_ASSERT_TRUE(test, bench_get(sink, SECOND));
	KUNIT_EXPECT_LT(test, request_after(line, requests, 30, SMAPPEE_FC_READ_REGISTERS,
					    SMAPPEE_REG_IDENTITY),
			request_after(line, requests, 30, SMAPPEE_FC_READ_SAMPLES, -1));
}

struct reader {
	struct work_struct work;
	struct smappee_device *sdev;
	int ret;
};

static void read_type(struct work_struct *work)
{
	struct reader *reader = container_of(work, struct reader, work);
	u16 type;

	reader->ret = smappee_read_registers(reader->sdev, SMAPPEE_REG_TYPE, 1, &type);
}

static void a_sleep_waits_for_the_transaction_in_flight(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct reader *reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	unsigned int before;

	KUNIT_ASSERT_NOT_NULL(test, reader);
	INIT_WORK(&reader->work, read_type);
	reader->sdev = bench_module(line, HUB);
	/* the line has just been used by the thread, which now sleeps for a while */
	fake_line_pause(line);
	WRITE_ONCE(line->turnaround_us, 15000);
	before = fake_line_count(line, HUB, SMAPPEE_FC_READ_REGISTERS);
	schedule_work(&reader->work);
	for (int i = 0; i < 100; i++) {
		if (fake_line_count(line, HUB, SMAPPEE_FC_READ_REGISTERS) > before)
			break;
		usleep_range(100, 101);
	}
	KUNIT_EXPECT_TRUE(test, READ_ONCE(segment->line.busy));
	power(test, line, false);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(segment->line.busy));
	flush_work(&reader->work);
	KUNIT_EXPECT_EQ(test, 0, reader->ret);
	WRITE_ONCE(line->turnaround_us, 200);
	power(test, line, true);
}

static void a_module_that_came_during_a_sleep_is_found(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	power(test, line, false);
	spin_lock(&line->lock);
	fake_hub(line, HUB2 + 8, 104777);
	spin_unlock(&line->lock);
	power(test, line, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_modules(line) == 4, 3000));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, HUB2 + 8));
}

static void a_module_that_was_exchanged_during_a_sleep_is_noticed(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *other = bench_stream(line, HUB2);

	KUNIT_ASSERT_TRUE(test, bench_get(other, 1000));
	power(test, line, false);
	spin_lock(&line->lock);
	line->module[HUB - 1].serial = 104299;
	spin_unlock(&line->lock);
	power(test, line, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, bench_module(line, HUB) &&
					       bench_module(line, HUB)->serial == 104299, 10000));
	KUNIT_EXPECT_TRUE(test, bench_get(other, SECOND));
	KUNIT_EXPECT_EQ(test, 0, other->backwards);
}

static void a_port_may_go_while_the_host_sleeps(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct bench_sink *sink = bench_stream(line, HUB);

	KUNIT_ASSERT_TRUE(test, bench_get(sink, 1000));
	power(test, line, false);
	fake_line_remove(line);
	KUNIT_EXPECT_EQ(test, 0, sink->wrong);
}

static void a_box_is_polled_again_after_a_sleep(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);
	unsigned int requests;

	box_scanned(line);
	power(test, line, false);
	requests = READ_ONCE(line->requests);
	schedule_timeout_uninterruptible(10 * HZ);
	KUNIT_EXPECT_EQ(test, requests, READ_ONCE(line->requests));
	power(test, line, true);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, READ_ONCE(line->requests) > requests + 30,
					       20000));
	KUNIT_EXPECT_NOT_NULL(test, box_entry(line, -1));
}

static struct kunit_case time_cases[] = {
	KUNIT_CASE_PARAM(stamps_are_right_with_receive_jitter, jitter_gen_params),
	KUNIT_CASE(a_jump_of_the_wall_clock_moves_realtime_only),
	KUNIT_CASE(a_sleeping_host_sends_nothing_and_goes_on_when_it_wakes),
	KUNIT_CASE(scans_that_a_sleep_costs_are_counted),
	KUNIT_CASE(nobody_uses_the_line_of_a_sleeping_host),
	KUNIT_CASE(after_a_sleep_nobody_is_believed_before_he_has_said_who_he_is),
	KUNIT_CASE(a_sleep_waits_for_the_transaction_in_flight),
	KUNIT_CASE(a_module_that_came_during_a_sleep_is_found),
	KUNIT_CASE(a_module_that_was_exchanged_during_a_sleep_is_noticed),
	KUNIT_CASE(a_port_may_go_while_the_host_sleeps),
	KUNIT_CASE(a_box_is_polled_again_after_a_sleep),
	{ }
};

static struct kunit_suite time_suite = {
	.name = "smappee-time",
	.test_cases = time_cases,
};

kunit_test_suite(time_suite);

MODULE_DESCRIPTION("Tests of time on a metering segment");
MODULE_LICENSE("GPL");
