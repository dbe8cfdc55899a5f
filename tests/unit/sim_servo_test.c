// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Discipline of the modules' sample clocks, on a virtual clock: what the
 * specification of a module in protocol.rst promises.
 */
#include "frame.h"
#include "random.h"
#include "scenario-rig.h"
#include "segment.h"

#include <linux/smappee.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define FOLLOWERS 7
#define SEEDS 40
#define LIMIT_S 0.5e-6

static struct scenario s;
static struct segment g;
static double t;

/* A voltage module and seven hubs with crystals of random error. */
static void build(uint64_t seed, double wander_ppm)
{
	uint64_t random = seed;

	plain_scenario(&s, 1 + FOLLOWERS, seed);
	for (unsigned int i = 0; i < s.modules; i++) {
		struct scenario_module *m = &s.module[i];

		snprintf(m->name, sizeof(m->name), "m%u", i);
		m->type = i ? SMAPPEE_TYPE_OPEN_CT_HUB : SMAPPEE_TYPE_OPEN_VOLTAGE;
		m->unit = (uint8_t)(i + 1);
		m->serial = i + 1;
		m->channels = i ? 4 : 3;
		m->reference = !i;
		m->crystal_ppm = 100 * random_unit(&random) - 50;
		m->wander_ppm = wander_ppm;
		m->wander_period_s = 600;
		m->capture_ns = 10;
		for (unsigned int c = 0; c < m->channels; c++)
			m->full_scale[c] = 100;
	}
	assert_int_equal(segment_init(&g, &s), 0);
	t = 0.1;
}

static int tear_down(void **state)
{
	(void)state;
	segment_free(&g);
	return 0;
}

/* One sync transaction at t, then let @pause seconds pass. */
static void sync(double pause)
{
	uint8_t request[4] = { 1, SMAPPEE_FC_SYNC };
	static struct reply reply;

	frame_seal(request, 2);
	segment_request(&g, request, sizeof(request), t, &reply);
	t += pause;
}

static bool all_locked(void)
{
	for (unsigned int i = 1; i <= FOLLOWERS; i++)
		if (module_sync_state(&g.module[i], t) != SMAPPEE_SYNC_LOCKED)
			return false;
	return true;
}

/* Greatest true offset of a locked follower's sample from the reference's, s. */
static double worst_skew(double at)
{
	double worst = 0;

	for (unsigned int i = 1; i <= FOLLOWERS; i++) {
		double offset = segment_true_offset(&g, &g.module[i], at);

		if (!isnan(offset))
			worst = fmax(worst, fabs(offset));
	}
	return worst;
}

/* Worst skew over @seconds with an answer every @interval; looked at ten times between. */
static double watch(double seconds, double interval)
{
	double worst = 0, end = t + seconds;

	while (t < end) {
		double before = t + 1e-3;

		sync(interval);
		for (double at = before; at < t; at += interval / 10)
			worst = fmax(worst, worst_skew(at));
	}
	return worst;
}

static void modules_lock_within_three_pairs(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		build(seed, 0);
		/* Three pairs are four answers: the first describes nothing. */
		for (int answer = 0; answer < 4; answer++) {
			if (answer < 3)
				assert_false(all_locked());
			sync(0.1);
		}
		if (!all_locked() || worst_skew(t) > LIMIT_S)
			fail_msg("seed %lu: locked %d, skew %.0f ns after three pairs",
				 (unsigned long)seed, all_locked(), worst_skew(t) * 1e9);
		segment_free(&g);
	}
}

static void skew_stays_in_the_budget(void **state)
{
	double worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		double skew;

		build(seed, 0.2);
		for (int answer = 0; answer < 4; answer++)
			sync(0.1);
		/* as often as the driver asks, and less */
		skew = fmax(watch(60, 0.25), watch(60, 1));
		worst = fmax(worst, skew);
		if (!all_locked() || skew > LIMIT_S)
			fail_msg("seed %lu: locked %d, skew %.0f ns in 120 s", (unsigned long)seed,
				 all_locked(), skew * 1e9);
		segment_free(&g);
	}
	print_message("worst skew over 60 s of one answer a second: %.0f ns\n", worst * 1e9);
}

static void skew_stays_in_the_budget_when_every_fifth_answer_is_missed(void **state)
{
	double worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct fault_rule rule = { .kind = FAULT_MISS_SYNC, .rate = 0.2, .count = -1 };
		double skew;
		int answers = 0;

		build(seed, 0.2);
		assert_int_equal(segment_fault(&g, &rule, t), 0);
		while (!all_locked() && answers++ < 100)
			sync(0.1);
		skew = watch(60, 1);
		worst = fmax(worst, skew);
		if (!all_locked() || skew > LIMIT_S)
			fail_msg("seed %lu: locked %d, skew %.0f ns in 60 s", (unsigned long)seed,
				 all_locked(), skew * 1e9);
		assert_true(g.faults.done[FAULT_MISS_SYNC] > 40);
		segment_free(&g);
	}
	print_message("the same with 20 %% missed: %.0f ns\n", worst * 1e9);
}

static void skew_stays_in_the_budget_at_three_seconds(void **state)
{
	double worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		build(seed, 0);
		for (int answer = 0; answer < 4; answer++)
			sync(0.1);
		worst = fmax(worst, watch(30, 3));
		segment_free(&g);
	}
	if (worst > LIMIT_S)
		fail_msg("skew %.0f ns", worst * 1e9);
}

static void module_runs_free_after_ten_seconds_and_comes_back(void **state)
{
	(void)state;
	build(5, 0);
	for (int answer = 0; answer < 6; answer++)
		sync(0.1);
	assert_true(all_locked());
	t += 9.5;
	assert_true(all_locked());
	t += 0.6;
	for (unsigned int i = 1; i <= FOLLOWERS; i++)
		assert_int_equal(module_sync_state(&g.module[i], t), SMAPPEE_SYNC_FREE);
	for (int answer = 0; answer < 4; answer++)
		sync(0.1);
	assert_true(all_locked());
	assert_true(worst_skew(t) < LIMIT_S);
}

static void restarted_reference_is_followed_from_its_new_index(void **state)
{
	struct fault_rule rule = { .kind = FAULT_RESTART, .unit = 1 };

	(void)state;
	build(6, 0);
	t += 20;
	for (int answer = 0; answer < 6; answer++)
		sync(0.1);
	assert_int_equal(segment_fault(&g, &rule, t), 0);
	t += 0.5;
	sync(0.1);
	for (unsigned int i = 1; i <= FOLLOWERS; i++)
		assert_int_equal(module_sync_state(&g.module[i], t), SMAPPEE_SYNC_LOCKING);
	for (int answer = 0; answer < 3; answer++)
		sync(0.1);
	assert_true(all_locked());
	assert_true(worst_skew(t) < LIMIT_S);
	assert_true(module_position(&g.module[3], t).index < 4000 * 2);
}

static void index_wraps_at_32_bits_on_all_modules_alike(void **state)
{
	(void)state;
	build(7, 0);
	segment_free(&g);
	s.first_index = UINT32_MAX - 4000;
	assert_int_equal(segment_init(&g, &s), 0);
	for (int answer = 0; answer < 40; answer++)
		sync(0.1);
	assert_true(module_position(&g.module[0], t).index > UINT32_MAX);
	assert_true(all_locked());
	assert_true(worst_skew(t) < LIMIT_S);
}

static void measured_offset_is_near_the_true_one(void **state)
{
	(void)state;
	build(8, 0.2);
	for (int answer = 0; answer < 4; answer++)
		sync(0.1);
	for (int answer = 0; answer < 30; answer++) {
		double before[1 + FOLLOWERS];

		for (unsigned int i = 1; i <= FOLLOWERS; i++)
			before[i] = segment_true_offset(&g, &g.module[i], t + 240e-6);
		sync(1);
		for (unsigned int i = 1; i <= FOLLOWERS; i++)
			if (fabs(before[i] - g.module[i].offset_s) > 60e-9)
				fail_msg("module %u: measured %.0f ns, true %.0f ns", i,
					 g.module[i].offset_s * 1e9, before[i] * 1e9);
	}
}

static void crystal_runs_both_ways(void **state)
{
	struct crystal c = { 37, 0.8, 77, 0.3, 1.5 };
	uint64_t random = 99;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		double at = 1e5 * random_unit(&random);
		double rate = (crystal_local(&c, at + 1) - crystal_local(&c, at - 1)) / 2;

		if (fabs(crystal_true(&c, crystal_local(&c, at)) - at) > 1e-10)
			fail_msg("at %.3f s", at);
		assert_true(fabs(rate - 1 - 37e-6) < 0.81e-6);
	}
}

static void samples_already_taken_keep_their_instants(void **state)
{
	double before[1000];
	int64_t first;

	(void)state;
	build(9, 0.2);
	for (int answer = 0; answer < 4; answer++)
		sync(0.1);
	t += 0.5;
	first = module_position(&g.module[2], t).index - 999;
	for (int i = 0; i < 1000; i++)
		before[i] = module_sample_time(&g.module[2], first + i);
	sync(0);
	for (int i = 0; i < 1000; i++)
		assert_true(module_sample_time(&g.module[2], first + i) == before[i]);
}

/* A wrong pair, or the wrap of a reference, can put a clock below 0. */
static void samples_below_index_0_have_a_place(void **state)
{
	static int32_t codes[SMAPPEE_CHANNELS_MAX * 64], again[SMAPPEE_CHANNELS_MAX * 64];
	struct module *m = &g.module[1];

	(void)state;
	build(7, 0);
	for (int64_t first = -3000; first < 200; first += 50) {
		module_scans(m, first, 64, codes, 64);
		for (int64_t k = first; k < first + 64; k++)
			assert_true(m->ring_index[(k + 1000000LL * m->depth) % m->depth] == k);
		module_scans(m, first, 64, again, 64);
		assert_memory_equal(codes, again, sizeof(codes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crystal_runs_both_ways),
		cmocka_unit_test(modules_lock_within_three_pairs),
		cmocka_unit_test(skew_stays_in_the_budget),
		cmocka_unit_test(skew_stays_in_the_budget_when_every_fifth_answer_is_missed),
		cmocka_unit_test(skew_stays_in_the_budget_at_three_seconds),
		cmocka_unit_test_teardown(module_runs_free_after_ten_seconds_and_comes_back,
					  tear_down),
		cmocka_unit_test_teardown(restarted_reference_is_followed_from_its_new_index,
					  tear_down),
		cmocka_unit_test_teardown(index_wraps_at_32_bits_on_all_modules_alike, tear_down),
		cmocka_unit_test_teardown(measured_offset_is_near_the_true_one, tear_down),
		cmocka_unit_test_teardown(samples_already_taken_keep_their_instants, tear_down),
		cmocka_unit_test_teardown(samples_below_index_0_have_a_place, tear_down),
	};

	return cmocka_run_group_tests_name("sim_servo", tests, NULL, NULL);
}
