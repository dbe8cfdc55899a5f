// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of a segment, fed by a reference whose true time is known: crystal
 * off by some ppm, sync events seen late by a variable, never negative time.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../../drivers/tty/serdev/smappee_bus/clock.h"

#define RATE_HZ		4000
#define START_NS	1700000000000LL
#define START_INDEX	12345ULL

/**
 * struct reference - a module whose time is known
 * @ppb: its crystal's error: positive runs fast, so that periods are short
 * @late_ns: events are seen 0 to so much late
 * @outlier_ns: one event in eight is seen so much later still, but not the first
 * @rnd: for both
 * @second: of the next event
 */
struct reference {
	s32 ppb;
	u32 late_ns;
	u32 outlier_ns;
	struct rnd_state rnd;
	unsigned int second;
};

static struct smappee_clock *new_clock(struct kunit *test)
{
	struct smappee_clock *clock = kunit_kzalloc(test, sizeof(*clock), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, clock);
	smappee_clock_init(clock, RATE_HZ);
	return clock;
}

/* When the reference sampled an index. */
static s64 true_time(const struct reference *ref, u64 index)
{
	s64 nominal = (index - START_INDEX) * (NSEC_PER_SEC / RATE_HZ);

	return START_NS + nominal - div_s64(nominal * ref->ppb, NSEC_PER_SEC);
}

/* The next event, a second after the one before. Return: of smappee_clock_add(). */
static int next_event(struct smappee_clock *clock, struct reference *ref)
{
	unsigned int second = ref->second++;
	u64 index = START_INDEX + (u64)second * RATE_HZ;
	s64 seen = true_time(ref, index);

	if (ref->late_ns)
		seen += prandom_u32_state(&ref->rnd) % ref->late_ns;
	if (ref->outlier_ns && second && !(prandom_u32_state(&ref->rnd) % 8))
		seen += ref->outlier_ns;
	return smappee_clock_add(clock, index, 0, seen);
}

static s64 distance(s64 a, s64 b)
{
	return a > b ? a - b : b - a;
}

static u64 last_index(const struct reference *ref)
{
	return START_INDEX + (u64)(ref->second - 1) * RATE_HZ;
}

/* Time of an index, asked as the sampler does. */
static s64 time_of(struct kunit *test, struct smappee_clock *clock, u64 index)
{
	const struct smappee_epoch *epoch;
	u64 until;

	epoch = smappee_clock_epoch(clock, index, index + 1, &until);
	KUNIT_ASSERT_NOT_NULL(test, epoch);
	return smappee_epoch_time(epoch, index);
}

static void a_clock_without_events_knows_no_time(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	u64 until;

	KUNIT_EXPECT_NULL(test, smappee_clock_newest(clock));
	KUNIT_EXPECT_NULL(test, smappee_clock_kept(clock, 0));
	KUNIT_EXPECT_NULL(test, smappee_clock_epoch(clock, 0, 1, &until));
}

static void an_index_before_the_first_event_has_no_time(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { };
	u64 until;

	KUNIT_ASSERT_EQ(test, 1, next_event(clock, &ref));
	KUNIT_EXPECT_NULL(test, smappee_clock_epoch(clock, START_INDEX - 1, START_INDEX, &until));
	KUNIT_EXPECT_EQ(test, START_NS, time_of(test, clock, START_INDEX));
}

struct drift_row {
	s32 ppb;
	u32 late_ns;
	u32 outlier_ns;
	u32 error_ns;		/* allowed after a minute */
};

static const struct drift_row drift_rows[] = {
	{ 0, 0, 0, 20 },
	{ 50000, 0, 0, 1000 },
	{ -50000, 0, 0, 1000 },
	{ 100000, 0, 0, 2000 },
	{ 50000, 200000, 0, 100000 },
	{ -50000, 2000000, 0, 1000000 },
	{ 30000, 200000, 30000000, 100000 },
};

static void drift_name(const struct drift_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d ppb late %u us outliers %u us", row->ppb,
		 row->late_ns / 1000, row->outlier_ns / 1000);
}

KUNIT_ARRAY_PARAM(drift, drift_rows, drift_name);

static void times_follow_a_drifting_reference_seen_late(struct kunit *test)
{
	const struct drift_row *row = test->param_value;
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { row->ppb, row->late_ns, row->outlier_ns };
	s64 worst = 0;

	prandom_seed_state(&ref.rnd, 5);
	while (ref.second < 60) {
		KUNIT_ASSERT_GE(test, next_event(clock, &ref), 0);
		time_of(test, clock, last_index(&ref));
	}
	for (; ref.second < 180; next_event(clock, &ref)) {
		u64 index = last_index(&ref) + RATE_HZ / 2;

		worst = max(worst, distance(time_of(test, clock, index), true_time(&ref, index)));
	}
	KUNIT_EXPECT_LE(test, worst, row->error_ns);
}

static void a_first_event_seen_late_is_steered_out_at_200_ppm(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	s64 left;

	KUNIT_ASSERT_EQ(test, 1, smappee_clock_add(clock, 0, 0, 10000000));
	for (unsigned int second = 1; second <= 60; second++) {
		time_of(test, clock, second * RATE_HZ - 1);
		smappee_clock_add(clock, (u64)second * RATE_HZ, 0, second * (s64)NSEC_PER_SEC);
		left = time_of(test, clock, second * RATE_HZ) - second * (s64)NSEC_PER_SEC;
		KUNIT_EXPECT_GE_MSG(test, left, 10000000 - 200000 * (s64)second - 1000,
				    "second %u", second);
	}
	KUNIT_EXPECT_LE(test, distance(left, 0), 1000);
}

static void a_late_first_event_is_forgotten_while_no_time_was_given(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	const s64 second_ns = NSEC_PER_SEC;

	KUNIT_ASSERT_EQ(test, 1, smappee_clock_add(clock, 0, 0, 30000000));
	KUNIT_ASSERT_EQ(test, 1, smappee_clock_add(clock, RATE_HZ, 0, second_ns));
	KUNIT_EXPECT_EQ(test, 2 * second_ns, time_of(test, clock, 2 * RATE_HZ));

	/* From now on times have been given: the next event is steered to. */
	smappee_clock_add(clock, 3 * RATE_HZ, 0, 3 * second_ns - 30000000);
	KUNIT_EXPECT_GT(test, time_of(test, clock, 3 * RATE_HZ), 3 * second_ns - 1000000);
}

static void the_first_second_is_already_within_the_lateness(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 50000, 1000000 };
	s64 error;

	prandom_seed_state(&ref.rnd, 6);
	next_event(clock, &ref);
	error = time_of(test, clock, START_INDEX + RATE_HZ - 1) -
		true_time(&ref, START_INDEX + RATE_HZ - 1);
	KUNIT_EXPECT_GE(test, error, 0);
	KUNIT_EXPECT_LE(test, error, 1000000 + 50000);
}

static void times_grow_strictly_with_the_index_whatever_the_events_do(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { -50000, 5000000, 200000000 };
	s64 before = S64_MIN, now;
	u64 index = START_INDEX;

	prandom_seed_state(&ref.rnd, 7);
	while (ref.second < 90) {
		if (next_event(clock, &ref) < 0)
			continue;
		for (; index < last_index(&ref); index += 100) {
			now = time_of(test, clock, index);
			KUNIT_ASSERT_GT_MSG(test, now, before, "index %llu", index);
			before = now;
		}
	}
}

static void no_period_is_off_by_more_than_a_crystal_and_the_steering(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 50000, 5000000, 100000000 };
	const u64 nominal = (NSEC_PER_SEC << 32) / RATE_HZ;
	u64 limit = div_u64(nominal, 1000000) * 900;

	prandom_seed_state(&ref.rnd, 8);
	while (ref.second < 90) {
		next_event(clock, &ref);
		time_of(test, clock, last_index(&ref));
		KUNIT_EXPECT_LE(test, smappee_clock_newest(clock)->period, nominal + limit);
		KUNIT_EXPECT_GE(test, smappee_clock_newest(clock)->period, nominal - limit);
	}
}

static void an_index_keeps_its_time_when_later_events_come(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 50000, 3000000 };
	s64 given[40];

	prandom_seed_state(&ref.rnd, 9);
	next_event(clock, &ref);
	for (int second = 0; second < 40; second++) {
		given[second] = time_of(test, clock, last_index(&ref) + RATE_HZ / 3);
		next_event(clock, &ref);
		/* scans of the last 15 s may be asked again for a slower module */
		for (int old = max(second - 15, 0); old <= second; old++) {
			u64 index = START_INDEX + (u64)old * RATE_HZ + RATE_HZ / 3;

			KUNIT_EXPECT_EQ_MSG(test, given[old], time_of(test, clock, index),
					    "second %d asked in second %d", old, second);
		}
	}
}

static void two_modules_get_the_same_time_in_any_order_of_asking(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 20000, 1000000 };
	const struct smappee_epoch *epoch;
	s64 times[100];
	u64 from, until;
	int n;

	prandom_seed_state(&ref.rnd, 10);
	for (int i = 0; i < 5; i++)
		next_event(clock, &ref);
	from = last_index(&ref) - 50;
	/* given one module that is asked for a whole block */
	for (n = 0; n < 100;) {
		epoch = smappee_clock_epoch(clock, from + n, from + 100, &until);
		KUNIT_ASSERT_NOT_NULL(test, epoch);
		KUNIT_ASSERT_GT(test, until, from + n);
		for (; from + n < until; n++)
			times[n] = smappee_epoch_time(epoch, from + n);
	}
	/* when the next event comes between it and another module's single scans */
	next_event(clock, &ref);
	for (n = 99; n >= 0; n--)
		KUNIT_EXPECT_EQ_MSG(test, times[n], time_of(test, clock, from + n), "scan %d", n);
}

static void epochs_join_without_a_step(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 50000, 3000000 };
	const struct smappee_epoch *a, *b;

	prandom_seed_state(&ref.rnd, 11);
	while (ref.second < 30) {
		next_event(clock, &ref);
		time_of(test, clock, last_index(&ref));
	}
	for (int n = 1; (b = smappee_clock_kept(clock, n)); n++) {
		a = smappee_clock_kept(clock, n - 1);
		KUNIT_EXPECT_EQ(test, smappee_epoch_time(a, b->index), b->time_ns);
	}
}

static void an_event_that_is_not_newer_is_refused(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);

	KUNIT_ASSERT_EQ(test, 1, smappee_clock_add(clock, 1000, 0, START_NS));
	KUNIT_EXPECT_EQ(test, -EINVAL, smappee_clock_add(clock, 1000, 0, START_NS + 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, smappee_clock_add(clock, 999, 0, START_NS + 1));
}

static void an_event_half_a_second_off_leaves_the_clock_as_it_was(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct smappee_clock *before = new_clock(test);
	struct reference ref = { };
	u64 index;

	for (int i = 0; i < 5; i++)
		next_event(clock, &ref);
	index = last_index(&ref) + RATE_HZ;
	*before = *clock;
	KUNIT_EXPECT_EQ(test, -ERANGE,
			smappee_clock_add(clock, index, 0, true_time(&ref, index) + 600000000));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			smappee_clock_add(clock, index, 0, true_time(&ref, index) - 600000000));
	KUNIT_EXPECT_MEMEQ(test, before, clock, sizeof(*clock));
}

static void times_after_a_restart_are_later_than_all_before(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { };
	s64 last;

	for (int i = 0; i < 5; i++)
		next_event(clock, &ref);
	/* given scans that were handed out a little ahead of true time */
	last = time_of(test, clock, last_index(&ref) + 2000);

	/* when the index starts again and its first event is seen before that */
	smappee_clock_restart(clock, 2000);
	KUNIT_EXPECT_NULL(test, smappee_clock_newest(clock));
	KUNIT_ASSERT_EQ(test, 1, smappee_clock_add(clock, 10, 0, last - 1000000));

	KUNIT_EXPECT_GT(test, time_of(test, clock, 10), last);
	KUNIT_EXPECT_GT(test, time_of(test, clock, 11), time_of(test, clock, 10));
}

static void the_phase_counts_as_part_of_a_period(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { };
	s64 error;

	/* the reference is half a period further at every event */
	for (; ref.second < 20; ref.second++) {
		u64 index = START_INDEX + (u64)ref.second * RATE_HZ;

		smappee_clock_add(clock, index, 0x80000000,
				  true_time(&ref, index) + NSEC_PER_SEC / RATE_HZ / 2);
		error = distance(time_of(test, clock, index + 1), true_time(&ref, index + 1));
		/* positions are kept in 1/256 of a period, 977 ns */
		if (ref.second)
			KUNIT_EXPECT_LE_MSG(test, error, 125000 + 2000, "second %u", ref.second);
	}
	KUNIT_EXPECT_LE(test, error, 2000);
}

static void an_index_from_the_wire_finds_its_upper_half(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0x100000005ULL, smappee_index_extend(0xfffffff0ULL, 5));
	KUNIT_EXPECT_EQ(test, 0xfffffff0ULL, smappee_index_extend(0x100000005ULL, 0xfffffff0));
	KUNIT_EXPECT_EQ(test, 0x17fffffffULL, smappee_index_extend(0x100000000ULL, 0x7fffffff));
	KUNIT_EXPECT_EQ(test, 7ULL, smappee_index_extend(7, 7));
}

static void a_time_finds_the_index_that_was_sampled_then(struct kunit *test)
{
	struct smappee_clock *clock = new_clock(test);
	struct reference ref = { 40000 };
	u64 index;
	s64 time;

	for (int i = 0; i < 20; i++) {
		next_event(clock, &ref);
		time_of(test, clock, last_index(&ref));
	}
	for (int ahead = -2000; ahead < 20000; ahead += 777) {
		index = smappee_clock_newest(clock)->index + ahead;
		if (ahead < 0)
			time = smappee_clock_newest(clock)->time_ns - (s64)-ahead * 250000;
		else
			time = time_of(test, clock, index);
		KUNIT_EXPECT_LE_MSG(test, distance(smappee_clock_index(clock, time), index), 1,
				    "%d scans from the epoch's start", ahead);
	}
	KUNIT_EXPECT_EQ(test, 0, smappee_clock_index(clock, 0));
}

static struct kunit_case clock_cases[] = {
	KUNIT_CASE(a_clock_without_events_knows_no_time),
	KUNIT_CASE(an_index_before_the_first_event_has_no_time),
	KUNIT_CASE_PARAM(times_follow_a_drifting_reference_seen_late, drift_gen_params),
	KUNIT_CASE(a_first_event_seen_late_is_steered_out_at_200_ppm),
	KUNIT_CASE(a_late_first_event_is_forgotten_while_no_time_was_given),
	KUNIT_CASE(the_first_second_is_already_within_the_lateness),
	KUNIT_CASE(times_grow_strictly_with_the_index_whatever_the_events_do),
	KUNIT_CASE(no_period_is_off_by_more_than_a_crystal_and_the_steering),
	KUNIT_CASE(an_index_keeps_its_time_when_later_events_come),
	KUNIT_CASE(two_modules_get_the_same_time_in_any_order_of_asking),
	KUNIT_CASE(epochs_join_without_a_step),
	KUNIT_CASE(an_event_that_is_not_newer_is_refused),
	KUNIT_CASE(an_event_half_a_second_off_leaves_the_clock_as_it_was),
	KUNIT_CASE(times_after_a_restart_are_later_than_all_before),
	KUNIT_CASE(the_phase_counts_as_part_of_a_period),
	KUNIT_CASE(an_index_from_the_wire_finds_its_upper_half),
	KUNIT_CASE(a_time_finds_the_index_that_was_sampled_then),
	{ }
};

static struct kunit_suite clock_suite = {
	.name = "smappee-clock",
	.test_cases = clock_cases,
};

kunit_test_suite(clock_suite);

MODULE_DESCRIPTION("Tests of the clock of a metering segment");
MODULE_LICENSE("GPL");
