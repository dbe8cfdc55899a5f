// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold for any input: random loads with harmonics, at random angles, that
 * change from second to second.
 */
#include "chain-config.h"

#define RATE 4000.0
#define ELEMENTS 6

static const char *const conf = "[load grid]\nrole = grid\ninputs = h/A, h/B, h/C\n"
				"phases = L1, L2, L3\n"
				"[load solar]\nrole = production\ninputs = h/D\nphases = L2\n"
				"[load pump]\ninputs = g/A, g/B\nphases = L1, L3\n"
				"[load house]\nrole = virtual\nformula = grid - solar - pump\n";

static struct chain c;
static struct chain other;
static struct config config;
static struct config other_config;
static uint64_t seed;

/* A random house; a pure function of the scan, so that it can be measured twice. */
struct house {
	double hz;
	double start;
	double volts[3];
	double distortion;
	double amperes[ELEMENTS][8]; /* of eight seconds, in turn */
	double angle[ELEMENTS][8];
	double part[ELEMENTS]; /* of the fifth harmonic */
	double turned;	       /* -1: input 1 is turned round */
};

static struct house make_house(void)
{
	struct house h = { .hz = 45 + 20 * random_part(&seed),
			   .start = random_part(&seed),
			   .distortion = 0.1 * random_part(&seed),
			   .turned = 1.0 };
	unsigned int k;
	unsigned int s;

	for (k = 0; k < 3; k++)
		h.volts[k] = 100 + 140 * random_part(&seed);
	for (k = 0; k < ELEMENTS; k++) {
		h.part[k] = random_part(&seed);
		for (s = 0; s < 8; s++) {
			h.amperes[k][s] = 15 * random_part(&seed);
			h.angle[k][s] = random_part(&seed);
		}
	}
	return h;
}

static double wave(double turns, double part)
{
	return M_SQRT2 * (sin(2 * M_PI * turns) + part * sin(2 * M_PI * 5 * turns));
}

static double sample(void *user, unsigned int channel, double scan)
{
	const struct house *h = user;
	double turns = h->start + h->hz * scan / RATE;
	unsigned int second = (unsigned int)(scan / RATE) % 8;
	unsigned int k = channel - 3;
	double sign = k == 1 ? h->turned : 1.0;

	if (channel < 3)
		return h->volts[channel] * wave(turns - channel / 3.0, h->distortion);
	return sign * h->amperes[k][second] * wave(turns - h->angle[k][second], h->part[k]);
}

static void measure(struct chain *to, struct config *with, struct house *h, double seconds)
{
	chain_feed(to, seconds, sample, h);
	/* of ten cycles in 0.2 s, less what the lock takes */
	assert_true(to->windows > 3.5 * seconds);
	assert_non_null(with->file);
}

static void energy_is_the_integral_of_power(void **state)
{
	struct house h = make_house();
	double exact[ELEMENTS] = { 0 };
	double through[ELEMENTS] = { 0 };
	unsigned int l;
	unsigned int k;
	unsigned int w;

	chain_open_config(&c, &config, conf, 500, RATE);
	measure(&c, &config, &h, 90.0);
	assert_true(c.windows < CHAIN_WINDOWS);
	for (w = 0; w < c.windows; w++) {
		double s = (double)(c.window[w].end_ns - c.window[w].start_ns) / 1e9;

		for (k = 0; k < ELEMENTS; k++) {
			exact[k] += c.window[w].element[k].p_w * s;
			through[k] += fabs(c.window[w].element[k].p_w) * s;
		}
	}
	for (l = 0; l < 3; l++) {
		const struct load *load = &c.in.load[l];
		struct energy_reading e;
		int64_t sum = 0;

		for (k = 0; k < load->elements; k++) {
			int64_t uwh = registers_element_uwh(c.registers, l, k);
			double error = uwh * 0.0036 - exact[load->first + k];

			/* 1e-9 of what went through, and the last uWh */
			assert_true(fabs(error) <= 1e-9 * through[load->first + k] + 0.0036);
			registers_element(c.registers, l, k, &e);
			assert_double_equal(e.import_j - e.export_j, e.net_j, 1e-6);
			sum += uwh;
		}
		registers_load(c.registers, l, &e);
		assert_double_equal(e.net_j, sum * 0.0036, 1e-6);
		assert_double_equal(e.import_j - e.export_j, e.net_j, 1e-6);
		assert_double_equal(e.phases_import_j - e.phases_export_j, e.net_j, 1e-6);
		assert_double_equal(e.absolute_j, e.phases_import_j + e.phases_export_j, 1e-6);
		assert_true(e.import_j <= e.phases_import_j + 0.01);
	}
	chain_close_config(&c, &config);
}

static void a_virtual_load_is_the_sum_of_its_parts(void **state)
{
	struct house h = make_house();
	const struct load_reading *l = c.reading_load;

	chain_open_config(&c, &config, conf, 500, RATE);
	measure(&c, &config, &h, 12.0);
	assert_double_equal(l[3].p_w, l[0].p_w - l[1].p_w - l[2].p_w, 1e-9 * fabs(l[0].p_w));
	assert_double_equal(l[3].q1_var, l[0].q1_var - l[1].q1_var - l[2].q1_var,
			    1e-9 * hypot(l[0].p_w, l[0].q1_var));
	assert_double_equal(l[3].energy.net_j,
			    l[0].energy.net_j - l[1].energy.net_j - l[2].energy.net_j, 1e-6);
	assert_double_equal(c.reading.totals.consumption_w, l[0].p_w - l[1].p_w, 1e-6);
	chain_close_config(&c, &config);
}

/* A CT that looks the other way: the sign of P and Q1, import for export, nothing else. */
static void reversing_a_ct_flips_the_sign_and_nothing_else(void **state)
{
	struct house h = make_house();
	const struct element_reading *a;
	const struct element_reading *b;
	unsigned int w;
	unsigned int k;

	chain_open_config(&c, &config, conf, 500, RATE);
	chain_open_config(&other, &other_config, conf, 500, RATE);
	measure(&c, &config, &h, 12.0);
	other.in.load[0].element[1].sign = -1.0;
	measure(&other, &other_config, &h, 12.0);
	assert_int_equal(c.windows, other.windows);
	for (w = 0; w < c.windows; w++) {
		for (k = 0; k < ELEMENTS; k++) {
			const struct element_window *x = &c.window[w].element[k];
			const struct element_window *y = &other.window[w].element[k];
			double sign = k == 1 ? -1.0 : 1.0;

			assert_true(x->p_w == sign * y->p_w && x->q1_var == sign * y->q1_var);
			assert_true(x->p1_w == sign * y->p1_w);
			assert_true(x->i2 == y->i2 && x->v2 == y->v2 && x->i12 == y->i12);
		}
	}
	a = &c.reading_load[0].element[1];
	b = &other.reading_load[0].element[1];
	assert_true(a->s_va == b->s_va && a->n_var == b->n_var && a->pf == -b->pf);
	assert_true(a->energy.import_j == b->energy.export_j);
	assert_true(a->energy.export_j == b->energy.import_j);
	assert_true(c.reading_load[1].p_w == other.reading_load[1].p_w);
	chain_close_config(&c, &config);
	chain_close_config(&other, &other_config);

	/* "reversed = yes" takes a turned CT back */
	h.turned = -1.0;
	chain_open_config(&other, &other_config, conf, 500, RATE);
	other.in.load[0].element[1].sign = -1.0;
	measure(&other, &other_config, &h, 12.0);
	assert_true(other.reading_load[0].p_w == c.reading_load[0].p_w);
	chain_close_config(&other, &other_config);
}

static void shifting_all_time_stamps_changes_only_the_marks(void **state)
{
	const int64_t shift = 86400000000000LL * 365;
	struct house h = make_house();
	unsigned int l;
	unsigned int k;

	chain_open_config(&c, &config, conf, 500, RATE);
	chain_open_config(&other, &other_config, conf, 500, RATE);
	other.epoch_ns = shift;
	measure(&c, &config, &h, 10.0);
	measure(&other, &other_config, &h, 10.0);
	assert_int_equal(c.windows, other.windows);
	for (k = 0; k < c.windows; k++) {
		struct meter_window *w = &other.window[k];

		assert_int_equal(w->start_ns, c.window[k].start_ns + shift);
		assert_int_equal(w->end_ns, c.window[k].end_ns + shift);
		assert_memory_equal(w->element, c.window[k].element,
				    ELEMENTS * sizeof(w->element[0]));
		assert_memory_equal(w->slot, c.window[k].slot, sizeof(w->slot));
	}
	for (l = 0; l < 4; l++)
		assert_memory_equal(&c.reading_load[l].energy, &other.reading_load[l].energy,
				    sizeof(struct energy_reading));
	chain_close_config(&c, &config);
	chain_close_config(&other, &other_config);
}

/* Outside the range of lock windows go on at the last frequency: f unknown, energy right. */
static void a_frequency_outside_the_range_is_said_and_its_energy_counted(void **state)
{
	static const double frequencies[] = { 30.0, CYCLE_MIN_HZ - 2.5, CYCLE_MAX_HZ + 5.0, 100.0 };
	unsigned int n;
	unsigned int k;
	unsigned int w;

	for (n = 0; n < 4; n++) {
		struct house h = make_house();
		double exact = 0.0;
		double ratio;

		h.hz = frequencies[n];
		for (k = 0; k < 8; k++) {
			h.amperes[3][k] = 10.0;
			h.angle[3][k] = 1.0 / 3.0 + 1.0 / 6.0;
		}
		h.part[3] = 0.0;
		chain_open_config(&c, &config, conf, 500, RATE);
		chain_feed(&c, 30.0, sample, &h);
		assert_true(isnan(c.reading.frequency_hz));
		for (w = 0; w < c.windows; w++)
			exact += h.volts[1] * 10.0 * 0.5 *
				 (double)(c.window[w].end_ns - c.window[w].start_ns) / 1e9;
		ratio = registers_element_uwh(c.registers, 1, 0) * 0.0036 / exact;
		print_message("%.0f Hz: f %g, energy %.5f of the exact one\n", h.hz,
			      c.reading.frequency_hz, ratio);
		assert_double_equal(ratio, 1.0, 0.001);
		chain_close_config(&c, &config);
	}
}

/* One scan of a day with mains and no load: two of three are noise of the converter. */
static double no_load(void *user, unsigned int channel, double scan)
{
	const float *noise = user;
	uint64_t n = (uint64_t)scan;

	if (channel == 0)
		return noise[n % 16];
	return noise[16 + (n * 2654435761U >> 7) % 4096] * 50.0 / 32768;
}

static void no_load_for_a_day_does_not_creep(void **state)
{
	static float noise[16 + 4096];
	struct energy_reading e;
	unsigned int k;

	for (k = 0; k < 16; k++)
		noise[k] = (float)(325.27 * sin(2 * M_PI * k / 16));
	for (k = 16; k < 16 + 4096; k++)
		noise[k] = (float)(4.0 * random_part(&seed) - 2.0);
	chain_open_config(&c, &config,
			  "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n", 500,
			  800.0);
	chain_feed(&c, 86400.0, no_load, noise);
	registers_load(c.registers, 0, &e);
	print_message("a day: net %.6f Wh, import %.6f Wh, export %.6f Wh\n", e.net_j / 3600,
		      e.import_j / 3600, e.export_j / 3600);
	/* 0.001 of 35 A for a day would be 193 Wh */
	assert_true(fabs(e.net_j) < 3600.0);
	assert_true(e.import_j + e.export_j <= fabs(e.net_j) + 360.0);
	assert_true(c.reading.load[0].below_range);
	chain_close_config(&c, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(energy_is_the_integral_of_power),
		cmocka_unit_test(a_virtual_load_is_the_sum_of_its_parts),
		cmocka_unit_test(reversing_a_ct_flips_the_sign_and_nothing_else),
		cmocka_unit_test(shifting_all_time_stamps_changes_only_the_marks),
		cmocka_unit_test(a_frequency_outside_the_range_is_said_and_its_energy_counted),
		cmocka_unit_test(no_load_for_a_day_does_not_creep),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
