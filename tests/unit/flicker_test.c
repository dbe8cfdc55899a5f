// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flickermeter against the response that IEC 61000-4-15 demands: tables of Pinst and
 * of Pst.
 */
#include "chain.h"

#include "flicker.h"

#define BLOCK 200

struct lamp_system {
	enum flicker_lamp lamp;
	double volts;
	double mains_hz;
};

static const struct lamp_system systems[] = {
	{ FLICKER_230V, 230, 50 },
	{ FLICKER_120V, 120, 60 },
	{ FLICKER_120V, 120, 50 },
	{ FLICKER_230V, 230, 60 },
};

/*
 * Feed @seconds of a voltage whose amplitude changes @hz times a second by @change from
 * peak to peak (relative); returns the time after it.
 */
static double feed(struct flicker *f, const struct lamp_system *s, double rate_hz, double from,
		   double seconds, double hz, double change, bool rectangular)
{
	uint64_t first = (uint64_t)llround(from * rate_hz);
	uint64_t last = (uint64_t)llround((from + seconds) * rate_hz);
	float block[BLOCK];
	const float *const v[] = { block };
	double step = 2 * M_PI * s->mains_hz / rate_hz;
	double re = cos(first * step);
	double im = sin(first * step);
	double c = cos(step);
	double d = sin(step);
	unsigned int n = 0;
	uint64_t k;

	for (k = first; k < last; k++) {
		double turns = hz * k / rate_hz;
		double m = rectangular ? (turns - floor(turns) < 0.5 ? 1.0 : -1.0)
				       : sin(2 * M_PI * turns);
		double x = re * c - im * d;

		im = im * c + re * d;
		re = x;
		block[n++] = (float)(s->volts * M_SQRT2 * im * (1.0 + 0.5 * change * m));
		if (n == BLOCK || k + 1 == last) {
			flicker_scans(f, v, n);
			n = 0;
		}
	}
	return from + seconds;
}

static double largest_pinst(const struct lamp_system *s, double rate_hz, double hz, double percent)
{
	struct flicker *f;
	double pst;
	double counted;
	double t;
	double peak;

	assert_int_equal(flicker_create(&f, rate_hz, s->lamp, s->mains_hz, 1), 0);
	t = feed(f, s, rate_hz, 0.0, 50.0, hz, percent / 100, false);
	flicker_interval(f, &pst, &counted);
	feed(f, s, rate_hz, t, 20.0, hz, percent / 100, false);
	peak = flicker_peak(f, 0);
	flicker_destroy(f);
	return peak;
}

static void sinusoidal_changes_give_pinst_1(void **state)
{
	static const struct {
		unsigned int system;
		double hz;
		double percent;
	} point[] = {
		{ 0, 0.5, 2.325 },  { 0, 8.8, 0.250 }, { 0, 25.0, 1.037 },
		{ 0, 33.3, 2.128 }, { 1, 8.8, 0.321 },
	};
	static const double rates[] = { 2000.0, 4000.0, 8000.0, 3999.37 };
	unsigned int k;
	unsigned int r;

	for (r = 0; r < 4; r++) {
		for (k = 0; k < sizeof(point) / sizeof(point[0]); k++) {
			double p = largest_pinst(&systems[point[k].system], rates[r], point[k].hz,
						 point[k].percent);

			print_message("%.0f V, %.1f Hz, %.3f %%, %.2f Hz: Pinst,max %.3f\n",
				      systems[point[k].system].volts, point[k].hz, point[k].percent,
				      rates[r], p);
			if (!(fabs(p - 1.0) < 0.015))
				fail_msg("Pinst,max %.3f, not 1 +- 1.5 %%", p);
		}
	}
}

static void rectangular_changes_give_pst_1(void **state)
{
	/* changes per minute, and dV/V in % of the four systems */
	static const double table[7][5] = {
		{ 1, 2.715, 3.181, 3.178, 2.719 },    { 2, 2.191, 2.564, 2.561, 2.194 },
		{ 7, 1.450, 1.694, 1.694, 1.450 },    { 39, 0.894, 1.040, 1.045, 0.895 },
		{ 110, 0.722, 0.844, 0.844, 0.723 },  { 1620, 0.407, 0.548, 0.545, 0.409 },
		{ 4000, 2.343, 4.837, 3.426, 3.263 },
	};
	unsigned int s;
	unsigned int k;

	for (s = 0; s < 4; s++) {
		print_message("%.0f V %.0f Hz: Pst", systems[s].volts, systems[s].mains_hz);
		for (k = 0; k < 7; k++) {
			/* the last one is 4800 in 60-Hz systems */
			double changes = k == 6 && systems[s].mains_hz > 55 ? 4800 : table[k][0];
			double hz = changes / 120;
			struct flicker *f;
			double pst;
			double counted;
			double t;

			assert_int_equal(
				flicker_create(&f, 2000, systems[s].lamp, systems[s].mains_hz, 1),
				0);
			t = feed(f, &systems[s], 2000, 0.0, 60.0, hz, table[k][1 + s] / 100, true);
			assert_false(flicker_interval(f, &pst, &counted));
			assert_double_equal(counted, 40.0, 0.1);
			feed(f, &systems[s], 2000, t, 600.0, hz, table[k][1 + s] / 100, true);
			assert_true(flicker_interval(f, &pst, &counted));
			assert_double_equal(counted, 600.0, 0.1);
			print_message(" %.3f", pst);
			if (!(fabs(pst - 1.0) < 0.01))
				fail_msg("%g changes/min: Pst %.3f, not 1 +- 1 %%", changes, pst);
			flicker_destroy(f);
		}
		print_message("\n");
	}
}

static void a_steady_voltage_does_not_flicker(void **state)
{
	struct flicker *f;
	double pst;
	double counted;

	assert_int_equal(flicker_create(&f, 4000, FLICKER_230V, 50, 1), 0);
	feed(f, &systems[0], 4000, 0.0, 60.0, 8.8, 0.0, false);
	assert_false(flicker_interval(f, &pst, &counted));
	assert_true(pst < 0.02);
	/* lost samples: the interval is not complete, nor is the one of the settling */
	flicker_begin(f);
	assert_false(flicker_interval(f, &pst, &counted));
	assert_true(isnan(pst));
	flicker_destroy(f);
	assert_int_equal(flicker_create(&f, 300, FLICKER_230V, 50, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sinusoidal_changes_give_pinst_1),
		cmocka_unit_test(rectangular_changes_give_pst_1),
		cmocka_unit_test(a_steady_voltage_does_not_flicker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
