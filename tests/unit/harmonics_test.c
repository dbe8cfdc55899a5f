// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Harmonics against the amplitudes that the signal was made of.
 */
#include "chain.h"

#include "harmonics.h"
#include "resample.h"

#define ROOM 16000
#define SIGNALS 2

static uint64_t seed;
static float signal[SIGNALS][ROOM];
static const double rates[] = { 2000.0, 3999.37, 4000.0, 8000.0 };

struct bench {
	struct resample *resample;
	struct harmonics *harmonics;
	uint64_t windows;
	double edge;
};

static void open_bench(struct bench *b, double rate_hz)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(resample_create(&b->resample, rate_hz), 0);
	assert_int_equal(
		harmonics_create(&b->harmonics, resample_points_per_cycle(b->resample), SIGNALS),
		0);
	b->edge = 20.0 + 100.0 * random_part(&seed);
}

static void close_bench(struct bench *b)
{
	harmonics_destroy(b->harmonics);
	resample_destroy(b->resample);
}

/* One cycle more; the number of results. */
static bool step(struct bench *b, double length)
{
	unsigned int k;

	assert_true(b->edge + length + 10 < ROOM);
	resample_cycle(b->resample, ROOM, b->edge, b->edge + length);
	for (k = 0; k < SIGNALS; k++)
		resample_points(b->resample, signal[k], harmonics_target(b->harmonics, k));
	b->edge += length;
	return harmonics_cycle(b->harmonics);
}

/* A window of @cycles, then cycles until its result is there. */
static const struct harmonics_result *measure(struct bench *b, unsigned int cycles, double length)
{
	unsigned int k;

	for (k = 0; k < cycles; k++)
		step(b, length);
	harmonics_end(b->harmonics, b->resample, length, ++b->windows);
	for (k = 0; k < cycles; k++)
		if (step(b, length))
			return harmonics_result(b->harmonics);
	return NULL;
}

static void make(const struct waveform *w, unsigned int to, double hz, double rate_hz, double start,
		 double lsb)
{
	unsigned int k;

	for (k = 0; k < ROOM; k++)
		signal[to][k] =
			(float)lsb * quantise(waveform_at(w, start + hz * k / rate_hz), lsb);
}

/* Turns from the begin of the arrays to the window's begin: the first edge of the bench. */
static double wrap(double turns)
{
	return turns - floor(turns + 0.5);
}

static void every_order_has_its_amplitude_and_angle(void **state)
{
	unsigned int r;
	unsigned int n;

	for (r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		double worst = 0.0;
		double worst_angle = 0.0;
		double worst_between = 0.0;
		unsigned int orders = 0;

		for (n = 0; n < 40; n++) {
			double hz = n & 1 ? 57.5 + 5 * random_part(&seed)
					  : 47.5 + 5 * random_part(&seed);
			double length = rates[r] / hz;
			double start = random_part(&seed);
			double first;
			unsigned int cycles = hz < 55.0 ? 10 : 12;
			unsigned int top = (unsigned int)fmin(50, floor(0.45 * length));
			const struct harmonics_result *result;
			struct waveform w = { 0 };
			struct bench b;
			unsigned int h;

			waveform_add(&w, 1, 230, 0);
			for (h = 2; h <= top; h++)
				waveform_add(&w, h, 11.5, 360 * random_part(&seed));
			open_bench(&b, rates[r]);
			make(&w, 0, hz, rates[r], start, 800.0 / 32768);
			make(&w, 1, hz, rates[r], start, 800.0 / 32768);
			first = start + b.edge / length;
			result = measure(&b, cycles, length);
			assert_non_null(result);
			assert_int_equal(result->window, 1);
			assert_int_equal(result->orders, top);
			orders = top;
			for (h = 1; h <= top; h++) {
				const struct spectrum *s = &result->spectrum[n & 1];
				/* cosine of @angle at the begin; the reference is the sine */
				double angle = h * first + w.angle[h - 1] / (2 * M_PI) + 0.25;
				double turns = atan2(s->im[h], s->re[h]) / (2 * M_PI);
				double error = fabs(s->subgroup[h] / w.rms[h - 1] - 1.0);

				worst = fmax(worst, error);
				worst_angle = fmax(worst_angle, fabs(wrap(turns - angle)));
				if (h < top)
					worst_between = fmax(worst_between, s->inter[h] / 230.0);
			}
			close_bench(&b);
		}
		print_message("%.2f Hz: up to order %u: worst %.4f %% of the amplitude, %.3f "
			      "degrees; %.4f %% of U between the orders\n",
			      rates[r], orders, 100 * worst, 360 * worst_angle,
			      100 * worst_between);
		/* half of what class II of IEC 61000-4-7 leaves below 3 % of U */
		assert_true(worst_between < 0.00075);
		assert_true(worst < 0.005);
		assert_true(worst_angle < 0.5 / 360);
	}
}

static void what_is_between_two_orders_is_interharmonic(void **state)
{
	const struct harmonics_result *result;
	struct waveform w = { 0 };
	struct bench b;

	waveform_add(&w, 1, 230, 0);
	waveform_add(&w, 7.5, 2.3, 30);
	waveform_add(&w, 5, 11.5, 30);
	/* a bin beside order 5 belongs to its subgroup, two beside to its group only */
	waveform_add(&w, 5.1, 4.6, 0);
	waveform_add(&w, 4.8, 6.9, 0);
	/* the last bin before the one that two groups share */
	waveform_add(&w, 5.4, 3.4, 60);
	open_bench(&b, 4000.0);
	make(&w, 0, 50.0, 4000.0, 0.1, 1e-3 * 16);
	result = measure(&b, 10, 80.0);
	assert_non_null(result);
	assert_double_equal(result->spectrum[0].inter[7], 2.3, 0.005);
	assert_double_equal(result->spectrum[0].subgroup[7], 0.0, 0.005);
	assert_double_equal(result->spectrum[0].subgroup[5], hypot(11.5, 4.6), 0.01);
	assert_double_equal(result->spectrum[0].group[5],
			    sqrt(11.5 * 11.5 + 4.6 * 4.6 + 6.9 * 6.9 + 3.4 * 3.4), 0.01);
	assert_double_equal(result->spectrum[0].group[6], 0.0, 0.01);
	assert_double_equal(result->spectrum[0].inter[5], 3.4, 0.01);
	/* 7.5 is bin 75: half of its power in group 7, half in group 8 */
	assert_double_equal(result->spectrum[0].group[7], 2.3 * M_SQRT1_2, 0.005);
	assert_double_equal(result->spectrum[0].group[8], 2.3 * M_SQRT1_2, 0.005);
	assert_double_equal(result->spectrum[0].inter[4], 6.9, 0.01);
	close_bench(&b);
}

static void thd_and_powers_follow_from_the_spectrum(void **state)
{
	const struct harmonics_result *result;
	struct waveform u = { 0 };
	struct waveform i = { 0 };
	double k = 0.0;
	double total = 0.0;
	unsigned int n;
	struct bench b;

	waveform_add(&u, 1, 230, 0);
	waveform_add(&u, 5, 11.5, 0);
	waveform_add(&i, 1, 10, -60);
	waveform_add(&i, 3, 8, 20);
	waveform_add(&i, 5, 6, 150);
	for (n = 0; n < i.harmonics; n++) {
		k += pow(i.order[n] * i.rms[n], 2);
		total += i.rms[n] * i.rms[n];
	}
	open_bench(&b, 4000.0);
	make(&u, 0, 50.3, 4000.0, 0.3, 0.015);
	make(&i, 1, 50.3, 4000.0, 0.3, 0.0015);
	result = measure(&b, 10, 4000.0 / 50.3);
	assert_non_null(result);
	assert_double_equal(harmonics_thd(&result->spectrum[0], result->orders), 0.05, 2e-5);
	assert_double_equal(harmonics_thd(&result->spectrum[1], result->orders), 1.0, 2e-4);
	assert_double_equal(harmonics_k_factor(&result->spectrum[1], result->orders), k / total,
			    2e-3);
	assert_double_equal(harmonics_power(&result->spectrum[0], &result->spectrum[1], 1), 1150.0,
			    0.1);
	/* against the current: this load gives back at the fifth */
	assert_double_equal(harmonics_power(&result->spectrum[0], &result->spectrum[1], 5),
			    11.5 * 6 * cos(150 * M_PI / 180), 0.05);
	close_bench(&b);
}

static void a_window_of_another_length_is_dropped(void **state)
{
	struct waveform w = { 0 };
	struct bench b;
	unsigned int k;

	waveform_add(&w, 1, 230, 0);
	make(&w, 0, 50.0, 4000.0, 0.0, 0.01);
	open_bench(&b, 4000.0);
	for (k = 0; k < 30; k++)
		assert_false(step(&b, 80.0));
	harmonics_end(b.harmonics, b.resample, 80.0, 1);
	for (k = 0; k < 9; k++)
		assert_false(step(&b, 80.0));
	harmonics_end(b.harmonics, b.resample, 80.0, 2);
	assert_null(measure(&b, 3, 80.0));
	assert_null(harmonics_result(b.harmonics));
	harmonics_begin(b.harmonics);
	assert_non_null(measure(&b, 12, 80.0));
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_has_its_amplitude_and_angle),
		cmocka_unit_test(what_is_between_two_orders_is_interharmonic),
		cmocka_unit_test(thd_and_powers_follow_from_the_spectrum),
		cmocka_unit_test(a_window_of_another_length_is_dropped),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
