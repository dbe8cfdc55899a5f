// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Windows: ends between two scans, and what contiguous windows add up to.
 */
#include "chain.h"

#include "window.h"

#define SCANS 40000
#define RATE 4000.0

struct signal {
	float v[SCANS];
	float i[SCANS];
};

static uint64_t seed;
static struct signal s;
static const unsigned int first_slot[1];
static const float *const v[] = { s.v };
static const float *const i[] = { s.i };

/* PF 0.5, 30 % current distortion, at a random frequency and phase. Returns P. */
static double make(double hz)
{
	struct waveform u = { 0 };
	struct waveform c = { 0 };
	double start = random_part(&seed);
	unsigned int k;

	waveform_add(&u, 1, 230, 0);
	waveform_add(&u, 5, 6, 180);
	waveform_add(&c, 1, 10, -60);
	waveform_add(&c, 3, 2.4, -10);
	waveform_add(&c, 5, 1.5, 30);
	for (k = 0; k < SCANS; k++) {
		s.v[k] = (float)waveform_at(&u, start + hz * k / RATE);
		s.i[k] = (float)waveform_at(&c, start + hz * k / RATE);
	}
	return 1150.0 + 6 * 1.5 * cos((180 - 30) * M_PI / 180);
}

static struct window *make_window(void)
{
	struct window *w;

	assert_int_equal(window_create(&w, 1, 1, first_slot), 0);
	return w;
}

/* P of one window of @cycles cycles that begins at @edge. */
static double power(struct window *w, double edge, double hz, unsigned int cycles, bool whole)
{
	struct window_mean m;
	double length = RATE / hz;
	unsigned int k;
	double from = edge;

	window_begin(w, v, i, whole ? rint(edge) : edge, 1.0 / length);
	for (k = 1; k <= cycles; k++) {
		double to = edge + k * length;

		window_cycle(w, v, i, whole ? rint(from) : from, whole ? rint(to) : to);
		from = to;
	}
	window_end(w, v, i, whole ? rint(from) : from, 1.0 / length, &m);
	return m.input[0].power;
}

static void fractional_ends_are_100_times_better_than_whole_scans(void **state)
{
	struct window *w = make_window();
	double worst = 0.0;
	double worst_whole = 0.0;
	unsigned int n;

	for (n = 0; n < 100; n++) {
		double hz = 45.0 + 20.0 * random_part(&seed);
		double p = make(hz);
		double edge = 100.0 + 100.0 * random_part(&seed);
		unsigned int cycles = hz < 55.0 ? 10 : 12;

		worst = fmax(worst, fabs(power(w, edge, hz, cycles, false) / p - 1.0));
		worst_whole = fmax(worst_whole, fabs(power(w, edge, hz, cycles, true) / p - 1.0));
	}
	print_message("P at PF 0.5, 30 %% THDi, 45-65 Hz, 4 kHz: fractional %.5f %%, whole scans "
		      "%.3f %%\n",
		      100 * worst, 100 * worst_whole);
	assert_true(100 * worst < 0.0012);
	assert_true(worst_whole > 100 * worst);
	window_destroy(w);
}

static void contiguous_windows_add_up_to_the_whole(void **state)
{
	struct window *w = make_window();
	struct window_mean part;
	struct window_mean all;
	double edge[401];
	double sum[3] = { 0 };
	unsigned int k;

	make(50.3);
	/* edges anywhere: the sum of the windows is the integral from the first to the last */
	edge[0] = 10.0 + random_part(&seed);
	for (k = 1; k <= 400; k++)
		edge[k] = edge[k - 1] + 60.0 + 30.0 * random_part(&seed);
	window_begin(w, v, i, edge[0], 1.0 / 80);
	for (k = 1; k <= 400; k++) {
		window_cycle(w, v, i, edge[k - 1], edge[k]);
		if (k % 10 && k != 400)
			continue;
		window_end(w, v, i, edge[k], 1.0 / 80, &part);
		/* the raw mean of v i, DC put back */
		sum[0] += (part.input[0].power + part.slot[0].dc * part.input[0].dc) * part.scans;
		sum[1] += part.input[0].dc * part.scans;
		sum[2] += part.scans;
	}
	window_begin(w, v, i, edge[0], 1.0 / 80);
	for (k = 1; k <= 400; k++)
		window_cycle(w, v, i, edge[k - 1], edge[k]);
	window_end(w, v, i, edge[400], 1.0 / 80, &all);
	assert_double_equal(sum[2], all.scans, 1e-6);
	assert_double_equal(sum[0] / sum[2], all.input[0].power + all.slot[0].dc * all.input[0].dc,
			    1e-7);
	assert_double_equal(sum[1] / sum[2], all.input[0].dc, 1e-9);
	window_destroy(w);
}

static void dc_is_removed_exactly(void **state)
{
	struct window *w = make_window();
	struct window_mean m;
	double without;
	unsigned int k;

	make(50.0);
	without = power(w, 200.25, 50.0, 10, false);
	for (k = 0; k < SCANS; k++) {
		s.v[k] += 20.0f;
		s.i[k] -= 3.0f;
	}
	window_begin(w, v, i, 200.25, 1.0 / 80);
	for (k = 0; k < 10; k++)
		window_cycle(w, v, i, 200.25 + 80 * k, 280.25 + 80 * k);
	window_end(w, v, i, 1000.25, 1.0 / 80, &m);
	/* the samples are in single precision: 6e-8 of 20 V and 14 A */
	assert_double_equal(m.input[0].power, without, 2e-3);
	assert_double_equal(m.slot[0].dc, 20.0, 1e-4);
	assert_double_equal(m.input[0].dc, -3.0, 1e-5);
	window_destroy(w);
}

/* Error of the mean square of the samples in s.i, over 400 cycles of 80 scans. */
static double square_error(struct window *w)
{
	struct window_mean m;
	double sum;
	unsigned int k;

	window_begin(w, v, i, 1.0, 1.0 / 80);
	for (k = 0; k < 400; k++)
		window_cycle(w, v, i, 1.0 + 80 * k, 81.0 + 80 * k);
	window_end(w, v, i, 32001.0, 1.0 / 80, &m);
	sum = -0.5 * (double)s.i[1] * s.i[1] - 0.5 * (double)s.i[32001] * s.i[32001];
	for (k = 1; k <= 32001; k++)
		sum += (double)s.i[k] * s.i[k];
	return fabs((m.input[0].square + m.input[0].dc * m.input[0].dc) / (sum / 32000) - 1.0);
}

/*
 * The hardest case is exactly 50 Hz: all blocks of 80 have the same samples, so the errors of
 * their sums are the same and do not cancel. At 61.803 Hz no two are alike, and they do.
 */
static void block_sums_are_as_good_as_double(void **state)
{
	struct window *w = make_window();
	double worst[2] = { 0 };
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 60; n++) {
		make(n % 2 ? 61.803 : 50.0);
		for (k = 0; k < SCANS; k++)
			s.i[k] = rintf(s.i[k] * 500000.0f);
		worst[n % 2] = fmax(worst[n % 2], square_error(w));
	}
	print_message("error of a sum of squares: %.1e at 50 Hz, %.1e at 61.8 Hz\n", worst[0],
		      worst[1]);
	assert_true(worst[0] < 2e-7);
	assert_true(worst[1] < 1e-8);
	window_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fractional_ends_are_100_times_better_than_whole_scans),
		cmocka_unit_test(contiguous_windows_add_up_to_the_whole),
		cmocka_unit_test(dc_is_removed_exactly),
		cmocka_unit_test(block_sums_are_as_good_as_double),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
