// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Truth against numeric integration of the same definition, against exact
 * answers worked out by hand, and the signals against their phasors.
 */
#include "random.h"
#include "truth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define RATE 4000

static struct signal s;

static void assert_near(const char *what, double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%s: %.9g, expected %.9g within %.2g", what, got, expected, tolerance);
}

static void set_wave(struct wave *w, double hz)
{
	wave_free(w);
	w->base_hz = hz;
	w->fundamental = 1;
}

static void add(struct wave *w, unsigned int order, double rms, double degrees)
{
	assert_int_equal(wave_add(w, order, M_SQRT2 * rms, degrees * M_PI / 180), 0);
}

static int tear_down(void **state)
{
	(void)state;
	signal_free(&s);
	memset(&s, 0, sizeof(s));
	return 0;
}

/* Power factor 0.5, 30 % current and 3.8 % voltage distortion. */
static void build_distorted(void)
{
	struct wave *v = &s.mains[0], *i = &s.load[0].element[0].wave;

	s.kind = mains_kind("1p");
	s.loads = 1;
	s.load[0].elements = 1;
	set_wave(v, 49.87);
	add(v, 1, 230, 0);
	add(v, 3, 5, 0);
	add(v, 5, 6, 180);
	add(v, 7, 4, 0);
	set_wave(i, 49.87);
	add(i, 1, 10, -60);
	add(i, 3, 2.4, -10);
	add(i, 5, 1.5, 30);
	add(i, 7, 0.8, 100);
	add(i, 11, 0.5, 20);
}

static void distorted_load_has_the_exact_answers(void **state)
{
	struct truth_range r = { 1.2345, 7.5, RATE, false };
	struct load_truth t;

	(void)state;
	build_distorted();
	truth_load(&s, 0, &r, &t);
	assert_near("U", t.element[0].v_v, 230.16733043592438, 1e-9);
	assert_near("I", t.element[0].i_a, 10.435516278555651, 1e-10);
	assert_near("P", t.p_w, 1153.4677902335527, 1e-8);
	assert_near("Q1", t.q1_var, 1991.8584287042088, 1e-8);
	assert_near("S", t.s_va, 2401.9149235557866, 1e-8);
	assert_near("PF", t.pf, 0.4802284123061124, 1e-12);
	assert_near("import", t.import_wh, 1153.4677902335527 * 6.2655 / 3600, 1e-9);
	assert_near("export", t.export_wh, 0, 0);
}

/* Midpoint rule, steps of the profile seen through signal_block(). */
static void integrate(const struct load *l, double from, double to, unsigned int n, double *vi,
		      double *vv, double *ii)
{
	struct input in = { &l->element[0].wave, &l->profile, 1 };
	struct input mains = { &s.mains[l->element[0].phase], NULL, 1 };
	double dt = (to - from) / n;

	*vi = *vv = *ii = 0;
	for (unsigned int k = 0; k < n; k += 64) {
		unsigned int m = n - k < 64 ? n - k : 64;
		double v[64], i[64];

		signal_block(&mains, RATE, from + (k + 0.5) * dt, dt, m, v);
		signal_block(&in, RATE, from + (k + 0.5) * dt, dt, m, i);
		for (unsigned int j = 0; j < m; j++) {
			*vi += v[j] * i[j] / n;
			*vv += v[j] * v[j] / n;
			*ii += i[j] * i[j] / n;
		}
	}
}

static void exact_truth_equals_numeric_integration(void **state)
{
	uint64_t random = 4711;

	(void)state;
	build_distorted();
	s.load[0].profile = (struct profile){
		.steps = 3, .at_s = { 0, 0.31, 0.47 }, .value = { 1, 0.25, -2 }, .repeat_s = 0.66
	};
	for (int round = 0; round < 30; round++) {
		struct truth_range r = { .rate_hz = RATE, .exact = true };
		struct load_truth t;
		double vi, vv, ii;

		r.from_s = 3 * random_unit(&random);
		r.to_s = r.from_s + 0.003 + 2 * random_unit(&random);
		truth_load(&s, 0, &r, &t);
		integrate(&s.load[0], r.from_s, r.to_s, 400000, &vi, &vv, &ii);
		/* A step falls within one of 400 000 slices: 1e-5 of the range. */
		assert_near("P", t.p_w, vi, 0.15);
		assert_near("U", t.element[0].v_v, sqrt(vv), 1e-6);
		assert_near("I", t.element[0].i_a, sqrt(ii), 1e-3);
		assert_near("energy", (t.import_wh - t.export_wh) * 3600,
			    t.p_w * (r.to_s - r.from_s), 1e-6);
	}
}

static void ends_of_the_range_do_not_swing(void **state)
{
	(void)state;
	build_distorted();
	for (int k = 0; k < 100; k++) {
		struct truth_range r = { 0.1, 0.3 + 1e-4 * k, RATE, false };
		struct load_truth t;

		truth_load(&s, 0, &r, &t);
		assert_near("P", t.p_w, 1153.4677902335527, 1e-8);
	}
}

static void steps_within_the_range_are_exact(void **state)
{
	/* Whole cycles and the same load at both ends: nothing swings there. */
	struct truth_range r = { 0.0123, 0.0123 + 60 / 49.87, RATE, true };
	struct load_truth exact, t;

	(void)state;
	build_distorted();
	s.load[0].profile =
		(struct profile){ .steps = 3, .at_s = { 0, 0.3137, 0.4562 }, .value = { 1, 3, 1 } };
	truth_load(&s, 0, &r, &exact);
	r.exact = false;
	truth_load(&s, 0, &r, &t);
	assert_near("P", t.p_w, exact.p_w, 1e-7);
	assert_near("I", t.element[0].i_a, exact.element[0].i_a, 1e-9);
	assert_near("U", t.element[0].v_v, exact.element[0].v_v, 1e-9);
}

static void export_is_counted_apart(void **state)
{
	struct truth_range r = { 0, 20, RATE, false };
	struct load_truth t;

	(void)state;
	build_distorted();
	/* 12 s at +1, 8 s at -0.5, steps on crests of both: no swing from them. */
	s.load[0].profile = (struct profile){ .steps = 2, .at_s = { 0, 12 }, .value = { 1, -0.5 } };
	truth_load(&s, 0, &r, &t);
	assert_near("import", t.import_wh, 1153.46779 * 12 / 3600, 0.002);
	assert_near("export", t.export_wh, 1153.46779 * 0.5 * 8 / 3600, 0.002);
	assert_near("balance", t.import_wh - t.export_wh, t.p_w * 20 / 3600, 1e-9);
}

static void three_phase_load_sums_as_vectors(void **state)
{
	struct truth_range r = { 0, 1, RATE, false };
	struct load_truth t;

	(void)state;
	s.kind = mains_kind("3p+n");
	s.loads = 1;
	s.load[0].elements = 3;
	for (unsigned int p = 0; p < 3; p++) {
		struct wave *i = &s.load[0].element[p].wave;

		s.load[0].element[p].phase = p;
		set_wave(&s.mains[p], 50);
		add(&s.mains[p], 1, 230, -120.0 * p);
		set_wave(i, 50);
		add(i, 1, 10, -120.0 * p - acos(0.8) * 180 / M_PI);
	}
	truth_load(&s, 0, &r, &t);
	assert_near("P", t.p_w, 5520, 1e-6);
	assert_near("Q1", t.q1_var, 4140, 1e-6);
	assert_near("S", t.s_va, 6900, 1e-6);
	assert_near("PF", t.pf, 0.8, 1e-9);
	assert_near("U12", truth_line_voltage(&s, 0, &r), 230 * sqrt(3), 1e-6);
}

static void samples_follow_the_phasors(void **state)
{
	struct input in;
	double out[64];

	(void)state;
	build_distorted();
	s.load[0].profile = (struct profile){ .steps = 2, .at_s = { 0, 5.004 }, .value = { 1, 3 } };
	in = (struct input){ &s.load[0].element[0].wave, &s.load[0].profile, -1 };
	for (double t0 = 0; t0 < 10; t0 += 0.777) {
		signal_block(&in, RATE, t0, 250e-6, 64, out);
		for (unsigned int k = 0; k < 64; k++) {
			double t = t0 + 250e-6 * k;
			double w = 2 * M_PI * 49.87 * t, d = M_PI / 180;
			double i = 10 * cos(w - 60 * d) + 2.4 * cos(3 * w - 10 * d) +
				   1.5 * cos(5 * w + 30 * d) + 0.8 * cos(7 * w + 100 * d) +
				   0.5 * cos(11 * w + 20 * d);

			/* The step lies between two samples by construction. */
			assert_near("i", out[k], -M_SQRT2 * i * (t < 5.004 ? 1 : 3), 1e-9);
		}
	}
}

static void profile_steps_where_it_says(void **state)
{
	struct profile p = { .steps = 2, .at_s = { 1, 4 }, .value = { 10, 20 }, .repeat_s = 6 };
	double until;

	(void)state;
	assert_near("before the first", profile_at(&p, 0.5, &until), 20, 0);
	assert_near("its end", until, 1, 0);
	assert_near("first", profile_at(&p, 1, &until), 10, 0);
	assert_near("its end", until, 4, 0);
	assert_near("second", profile_at(&p, 5.9, &until), 20, 0);
	assert_near("its end", until, 7, 0);
	assert_near("in the second round", profile_at(&p, 6.5, &until), 20, 0);
	assert_near("its end", until, 7, 0);
	p.repeat_s = 0;
	assert_near("once", profile_at(&p, 100, &until), 20, 0);
	assert_true(isinf(until));
	for (double t = 0; t < 1e5; t += 313.13) {
		p.repeat_s = 7.3;
		profile_at(&p, t, &until);
		assert_true(until > t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(distorted_load_has_the_exact_answers, tear_down),
		cmocka_unit_test_teardown(exact_truth_equals_numeric_integration, tear_down),
		cmocka_unit_test_teardown(ends_of_the_range_do_not_swing, tear_down),
		cmocka_unit_test_teardown(steps_within_the_range_are_exact, tear_down),
		cmocka_unit_test_teardown(export_is_counted_apart, tear_down),
		cmocka_unit_test_teardown(three_phase_load_sums_as_vectors, tear_down),
		cmocka_unit_test_teardown(samples_follow_the_phasors, tear_down),
		cmocka_unit_test(profile_steps_where_it_says),
	};

	return cmocka_run_group_tests_name("sim_truth", tests, NULL, NULL);
}
