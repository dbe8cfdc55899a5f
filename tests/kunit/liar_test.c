// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody on the line lies, or asks all the time: what that may cost.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/delay.h>
#include <linux/ktime.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-io.h"

#define CTS		7
#define IOS		5
#define MODULES		(1 + CTS + 2 * IOS)

/*
 * What a scan asks and how long a question takes at most: each unit of the range twice and
 * each module twice more, a search for new modules and one for shared addresses of a hundred
 * questions each. It is a question's turn when four of samples and one of control have
 * passed. Half of these six are blocks, or lies as long as one, half wait in vain for the
 * rest of an answer and then for a line that is quiet.
 */
#define QUESTIONS	(2 * SMAPPEE_UNIT_SCAN_MAX + 2 * MODULES + 200)
#define QUESTION_MS	(3 * 6 + 3 * (20 + 10))

static const unsigned int percents[] = { 0, 10, 50, 100 };

static void percent_name(const unsigned int *percent, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u_percent", *percent);
}

KUNIT_ARRAY_PARAM(percent, percents, percent_name);

static struct fake_line *full_line(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, 1, 100001);
	for (int i = 0; i < CTS; i++)
		fake_hub(line, 2 + i, 104233 + i);
	for (int i = 0; i < IOS; i++) {
		fake_input(line, 9 + i, 104233 + i);
		fake_output(line, 14 + i, 104233 + i);
	}
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_modules(line) == MODULES, 30000));
	bench_settle(line, CTS + 1);
	return line;
}

/* Somebody who reads registers all the time, as a shell does that shows all of sysfs. */
struct curious {
	struct work_struct work;
	struct fake_line *line;
	bool enough;
	unsigned int reads;
};

static void be_curious(struct work_struct *work)
{
	struct curious *c = container_of(work, struct curious, work);
	u16 value[4];

	while (!READ_ONCE(c->enough)) {
		for (int unit = 1; unit <= MODULES; unit++) {
			struct smappee_device *sdev = bench_module(c->line, unit);

			c->reads++;
			if (sdev)
				smappee_read_registers(sdev, SMAPPEE_REG_TYPE, 4, value);
		}
	}
}

static void a_rescan_among_lies_ends(struct kunit *test)
{
	const unsigned int *percent = test->param_value;
	struct fake_line *line = full_line(test);
	struct bench_sink *sink[1 + CTS];
	u64 worst_ms = 0;
	struct curious *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (int i = 0; i < 1 + CTS; i++)
		sink[i] = bench_stream(line, 1 + i);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[CTS], 1000));
	c->line = line;
	INIT_WORK(&c->work, be_curious);
	queue_work(system_unbound_wq, &c->work);
	for (int i = 0; i < 3; i++) {
		u64 took_ms;

		line->lies_percent = *percent;
		msleep(1500);
		took_ms = ktime_get_ns() / NSEC_PER_MSEC;
		bench_rescan(line);
		took_ms = ktime_get_ns() / NSEC_PER_MSEC - took_ms;
		line->lies_percent = 0;
		worst_ms = max(worst_ms, took_ms);
		msleep(6000);
	}
	WRITE_ONCE(c->enough, true);
	flush_work(&c->work);
	kunit_info(test, "%llu ms at most", worst_ms);
	KUNIT_EXPECT_LE(test, worst_ms, QUESTIONS * QUESTION_MS);
	/* Those who read got their share, too. */
	KUNIT_EXPECT_GT(test, c->reads, 1000);
}

/* Anybody may read what a module says. */
static void who_reads_all_the_time_costs_no_scan(struct kunit *test)
{
	struct fake_line *line = full_line(test);
	struct bench_sink *sink[1 + CTS];
	struct curious *c = kunit_kcalloc(test, 4, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (int i = 0; i < 1 + CTS; i++)
		sink[i] = bench_stream(line, 1 + i);
	KUNIT_ASSERT_TRUE(test, bench_get(sink[CTS], 1000));
	for (int i = 0; i < 4; i++) {
		c[i].line = line;
		INIT_WORK(&c[i].work, be_curious);
		queue_work(system_unbound_wq, &c[i].work);
	}
	msleep(5000);
	for (int i = 0; i < 4; i++) {
		WRITE_ONCE(c[i].enough, true);
		flush_work(&c[i].work);
		KUNIT_EXPECT_GT(test, c[i].reads, 100);
	}
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, fake_line_serdev(line), "lost_scans"));
	for (int i = 0; i < 1 + CTS; i++) {
		KUNIT_EXPECT_GE(test, READ_ONCE(sink[i]->scans), 4000 * 5);
		bench_expect_clean(test, sink[i]);
	}
}

static struct kunit_case liar_cases[] = {
	KUNIT_CASE(who_reads_all_the_time_costs_no_scan),
	KUNIT_CASE_PARAM(a_rescan_among_lies_ends, percent_gen_params),
	{ }
};

static struct kunit_suite liar_suite = {
	.name = "smappee-liar",
	.test_cases = liar_cases,
};

kunit_test_suite(liar_suite);

MODULE_DESCRIPTION("Tests of a metering segment on which somebody lies");
MODULE_LICENSE("GPL");
