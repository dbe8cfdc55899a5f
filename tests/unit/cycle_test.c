// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracker: where the cycles are and how long, in clean mains, ramps, phase
 * jumps, dips and without a signal.
 */
#include "chain.h"

#include "cycle.h"

#define SCANS_MAX 160000
#define EDGES_MAX 1200

struct track {
	double rate_hz;
	unsigned int scans;
	float x[SCANS_MAX];
	double turns[SCANS_MAX]; /* true phase; upward crossing at whole turns */
	unsigned int edges;
	struct cycle_edge edge[EDGES_MAX];
};

static struct track t;
static uint64_t seed;

/* A signal whose frequency and amplitude are functions of time. */
static void make(double rate_hz, double seconds, double (*hz)(double), double (*rms)(double),
		 double jump_s, double jump_turns)
{
	double turns = random_part(&seed);
	double noise;
	unsigned int k;

	t.rate_hz = rate_hz;
	t.scans = (unsigned int)(seconds * rate_hz);
	assert_true(t.scans <= SCANS_MAX);
	for (k = 0; k < t.scans; k++) {
		double now = k / rate_hz;

		if (k && now >= jump_s && now - 1.0 / rate_hz < jump_s)
			turns += jump_turns;
		t.turns[k] = turns;
		noise = 0.1 * (random_part(&seed) - 0.5);
		/* 4 % THD, as 61000-4-30 tests have it */
		t.x[k] = (float)(noise +
				 rms(now) * M_SQRT2 *
					 (sin(2 * M_PI * turns) + 0.03 * sin(6 * M_PI * turns + 1) +
					  0.025 * sin(10 * M_PI * turns) +
					  0.01 * sin(22 * M_PI * turns)));
		turns += hz(now + 0.5 / rate_hz) / rate_hz;
	}
}

/* Feed in blocks, dropping what is no longer needed, as the chain does. */
static void follow(void)
{
	static float window[SCANS_MAX];
	struct cycle *c;
	struct cycle_edge e;
	unsigned int base = 0;
	unsigned int end = 0;

	assert_int_equal(cycle_create(&c, t.rate_hz), 0);
	t.edges = 0;
	while (end < t.scans) {
		unsigned int n = t.scans - end < 160 ? t.scans - end : 160;
		unsigned int keep = cycle_keep(c);

		memmove(window, window + keep, (end - base - keep) * sizeof(float));
		base += keep;
		cycle_shift(c, keep);
		memcpy(window + end - base, t.x + end, n * sizeof(float));
		end += n;
		while (cycle_next(c, window, end - base, &e)) {
			e.position += base;
			assert_true(t.edges < EDGES_MAX);
			t.edge[t.edges++] = e;
		}
		assert_true(end - base < 0.4 * t.rate_hz + 1024);
	}
	cycle_destroy(c);
}

/* True phase at an edge, turns away from a whole number. */
static double phase_error(const struct cycle_edge *e)
{
	unsigned int m = (unsigned int)e->position;
	double a = e->position - m;
	double turns = t.turns[m] + a * (t.turns[m + 1] - t.turns[m]);

	return turns - rint(turns);
}

static double test_hz;

static double steady_hz(double now)
{
	return test_hz;
}

static double mains_v(double now)
{
	return 230.0;
}

static void frequency_of_a_window_is_good_to_2_5_mhz(void **state)
{
	static const double rates[] = { 2000, 3999.37, 4000, 8000 };
	double worst = 0.0;
	double worst_phase = 0.0;
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 60; n++) {
		test_hz = CYCLE_MIN_HZ + 0.2 +
			  (CYCLE_MAX_HZ - CYCLE_MIN_HZ - 0.4) * random_part(&seed);
		make(rates[n % 4], 2.0, steady_hz, mains_v, 9.0, 0.0);
		follow();
		assert_true(t.edges > 70);
		for (k = 0; k < t.edges; k++) {
			double hz;

			assert_int_equal(t.edge[k].state, CYCLE_LOCKED);
			assert_true(t.edge[k].begin == (k == 0));
			worst_phase = fmax(worst_phase, fabs(phase_error(&t.edge[k])));
			if (k < 10)
				continue;
			hz = 10.0 * t.rate_hz / (t.edge[k].position - t.edge[k - 10].position);
			worst = fmax(worst, fabs(hz - test_hz));
		}
	}
	print_message("42.5 to 69 Hz, THDu 4 %%: f over 10 cycles %.4f mHz, edge %.1e cycle\n",
		      1000 * worst, worst_phase);
	assert_true(worst < 0.0025);
	assert_true(worst_phase < 5e-4);
}

static double ramp_hz(double now)
{
	return now < 1.0 ? 49.0 : now < 3.0 ? 49.0 + (now - 1.0) : 51.0;
}

static void a_ramp_of_1_hz_per_second_is_followed(void **state)
{
	double worst = 0.0;
	unsigned int k;

	make(4000, 4.0, ramp_hz, mains_v, 9.0, 0.0);
	follow();
	for (k = 0; k < t.edges; k++) {
		assert_int_equal(t.edge[k].state, CYCLE_LOCKED);
		assert_false(t.edge[k].jump);
		worst = fmax(worst, fabs(phase_error(&t.edge[k])));
	}
	print_message("ramp 49 to 51 Hz, 1 Hz/s: edge %.1e cycle\n", worst);
	assert_true(worst < 5e-4);
	assert_double_equal(t.edge[t.edges - 1].per_scan * 4000, 51.0, 0.001);
}

static void a_phase_jump_is_over_after_three_cycles(void **state)
{
	static const double degrees[] = { 30, -30, 90, -90, 150, -120 };
	unsigned int n;
	unsigned int k;

	test_hz = 50.02;
	for (n = 0; n < 6; n++) {
		bool seen = false;

		make(4000, 2.0, steady_hz, mains_v, 1.0, degrees[n] / 360.0);
		follow();
		for (k = 0; k < t.edges; k++) {
			double now = t.edge[k].position / 4000;

			seen = seen || t.edge[k].jump;
			if (now > 0.97 && now < 1.0 + 3.0 / 50)
				continue;
			assert_true(fabs(phase_error(&t.edge[k])) < 5e-4);
			assert_double_equal(t.edge[k].per_scan * 4000, 50.02, 0.1);
		}
		assert_true(seen);
	}
}

static double dip_v(double now)
{
	return now > 1.0 && now < 1.2 ? 11.5 : 230.0;
}

static double out_v(double now)
{
	return now > 1.0 && now < 3.5 ? 0.0 : 230.0;
}

static void a_dip_is_held_over(void **state)
{
	double worst = 0.0;
	unsigned int n;
	unsigned int k;

	test_hz = 49.93;
	for (n = 0; n < 20; n++) {
		unsigned int held = 0;

		make(4000, 2.0, steady_hz, dip_v, 9.0, 0.0);
		follow();
		for (k = 0; k < t.edges; k++) {
			double now = t.edge[k].position / 4000;

			assert_true(t.edge[k].state != CYCLE_FREE);
			assert_true(t.edge[k].begin == (k == 0));
			held += t.edge[k].state == CYCLE_HOLD;
			worst = fmax(worst, fabs(phase_error(&t.edge[k])));
			if (now < 0.95 || now > 1.25)
				assert_true(fabs(phase_error(&t.edge[k])) < 5e-4);
		}
		assert_in_range(held, 5, 18);
	}
	print_message("dip to 5 %% for 0.2 s: edge %.1e cycle at its rims\n", worst);
	assert_true(worst < 5e-3);
}

static void after_an_interruption_it_locks_again(void **state)
{
	double locked_at = 0.0;
	unsigned int free_edges = 0;
	unsigned int k;

	test_hz = 50.07;
	make(4000, 5.0, steady_hz, out_v, 3.0, 0.3);
	follow();
	for (k = 0; k < t.edges; k++) {
		free_edges += t.edge[k].state == CYCLE_FREE;
		if (t.edge[k].begin)
			locked_at = t.edge[k].position / 4000;
		if (t.edge[k].position / 4000 > 3.75)
			assert_true(fabs(phase_error(&t.edge[k])) < 5e-4);
	}
	assert_in_range(free_edges, 60, 100);
	assert_true(locked_at > 3.45 && locked_at < 3.75);
}

static double silent_v(double now)
{
	return 0.0;
}

static void without_a_signal_edges_are_free_and_come_at_50_hz(void **state)
{
	unsigned int k;

	test_hz = 50.0;
	make(4000, 2.0, steady_hz, silent_v, 9.0, 0.0);
	follow();
	assert_true(t.edges > 90);
	for (k = 1; k < t.edges; k++) {
		assert_int_equal(t.edge[k].state, CYCLE_FREE);
		assert_double_equal(t.edge[k].position - t.edge[k - 1].position, 80.0, 1e-6);
	}
}

static void out_of_range_is_no_lock(void **state)
{
	static const double hz[] = { 20, 38, 41.5, 87.5, 92, 100, 150 };
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 7; n++) {
		test_hz = hz[n];
		make(4000, 1.0, steady_hz, mains_v, 9.0, 0.0);
		follow();
		for (k = 0; k < t.edges; k++)
			if (t.edge[k].state != CYCLE_FREE)
				fail_msg("locked at %g Hz", hz[n]);
	}
}

static void too_low_a_rate_is_refused(void **state)
{
	struct cycle *c;

	assert_int_equal(cycle_create(&c, 500.0), -EINVAL);
	assert_int_equal(cycle_create(&c, NAN), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frequency_of_a_window_is_good_to_2_5_mhz),
		cmocka_unit_test(a_ramp_of_1_hz_per_second_is_followed),
		cmocka_unit_test(a_phase_jump_is_over_after_three_cycles),
		cmocka_unit_test(a_dip_is_held_over),
		cmocka_unit_test(after_an_interruption_it_locks_again),
		cmocka_unit_test(without_a_signal_edges_are_free_and_come_at_50_hz),
		cmocka_unit_test(out_of_range_is_no_lock),
		cmocka_unit_test(too_low_a_rate_is_refused),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
