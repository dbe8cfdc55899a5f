/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accuracy - what the cases of the accuracy suite have in common: signals as lists of
 * harmonics, a chain at a rate and a width of samples, and the table of results.
 */
#ifndef TEST_ACCURACY_H
#define TEST_ACCURACY_H

#include "chain-config.h"

#define ACCURACY_CHANNELS 12
#define ACCURACY_ROWS 320

static const double accuracy_rates[] = { 2000.0, 3906.25, 4000.0, 8000.0 };
static const unsigned int accuracy_bits[] = { 16, 24 };
#define ACCURACY_RATES 4
#define ACCURACY_BITS 2

/**
 * struct row - a quantity of a case: its worst result
 * @id: "A01"
 * @quantity: "P, W"
 * @exact: truth
 * @measured: what came out where it was worst
 * @error: of that, in @unit
 * @tolerance: likewise
 * @unit: "%"
 * @rate_hz: where it was worst
 * @bits: likewise
 * @part: largest error per tolerance at each rate and width; negative: not done
 */
struct row {
	char id[8];
	char quantity[48];
	double exact;
	double measured;
	double error;
	double tolerance;
	const char *unit;
	double rate_hz;
	unsigned int bits;
	double part[ACCURACY_RATES][ACCURACY_BITS];
};

/**
 * struct accuracy - the suite
 * @rows: entries in @row
 * @row: results
 * @seed: of random numbers
 * @thorough: the long form
 * @rate: index of the present rate
 * @width: index of the present width
 */
static struct {
	unsigned int rows;
	struct row row[ACCURACY_ROWS];
	uint64_t seed;
	bool thorough;
	unsigned int rate;
	unsigned int width;
} suite;

static inline double suite_rate(void)
{
	return accuracy_rates[suite.rate];
}

static inline unsigned int suite_bits(void)
{
	return accuracy_bits[suite.width];
}

static inline struct row *find_row(const char *id, const char *quantity)
{
	struct row *r;
	unsigned int k;

	for (k = 0; k < suite.rows; k++)
		if (!strcmp(suite.row[k].id, id) && !strcmp(suite.row[k].quantity, quantity))
			return &suite.row[k];
	assert_true(suite.rows < ACCURACY_ROWS);
	r = &suite.row[suite.rows++];
	snprintf(r->id, sizeof(r->id), "%s", id);
	snprintf(r->quantity, sizeof(r->quantity), "%s", quantity);
	r->error = -1.0;
	for (k = 0; k < ACCURACY_RATES * ACCURACY_BITS; k++)
		r->part[k / ACCURACY_BITS][k % ACCURACY_BITS] = -1.0;
	return r;
}

/* A result; what is not a number is as wrong as can be. */
static inline void note(const char *id, const char *quantity, double exact, double measured,
			double error, double tolerance, const char *unit)
{
	struct row *r = find_row(id, quantity);
	double part;

	error = isfinite(error) ? fabs(error) : INFINITY;
	part = tolerance > 0.0 ? error / tolerance : error > 0.0 ? INFINITY : 0.0;
	r->part[suite.rate][suite.width] = fmax(r->part[suite.rate][suite.width], part);
	if (r->error >= 0.0 && part <= (r->tolerance > 0.0 ? r->error / r->tolerance : r->error))
		return;
	r->exact = exact;
	r->measured = measured;
	r->error = error;
	r->tolerance = tolerance;
	r->unit = unit;
	r->rate_hz = suite_rate();
	r->bits = suite_bits();
}

/* In percent of @base. */
static inline void note_percent(const char *id, const char *quantity, double exact, double measured,
				double base, double tolerance)
{
	note(id, quantity, exact, measured, 100.0 * (measured - exact) / base, tolerance, "%");
}

/**
 * struct signal - what the module sees
 * @hz: fundamental
 * @start: phase at scan 0, turns
 * @w: channels, voltages first
 * @noise: standard deviation, V or A, of each channel
 */
struct signal {
	double hz;
	double start;
	struct waveform w[ACCURACY_CHANNELS];
	double noise[ACCURACY_CHANNELS];
};

static struct chain ac;
static struct config ac_config;

/* About normal: the sum of twelve. */
static inline double noise(void)
{
	double sum = -6.0;
	unsigned int k;

	for (k = 0; k < 12; k++)
		sum += random_part(&suite.seed);
	return sum;
}

static inline double signal_at(void *user, unsigned int channel, double scan)
{
	const struct signal *s = user;
	double turns = s->start + s->hz * scan / ac.rate_hz;
	double x = waveform_at(&s->w[channel], turns);

	return s->noise[channel] > 0.0 ? x + s->noise[channel] * noise() : x;
}

/* A chain as @conf says; full scale of voltages and currents @volts and @amperes, peak. */
static inline void open_at(const char *conf, double volts, double amperes)
{
	unsigned int k;

	chain_open_config(&ac, &ac_config, conf, volts, suite_rate());
	ac.bits = suite_bits();
	for (k = 0; k < ac.in.inputs.channels; k++)
		ac.scale[k] = (k < ac.in.inputs.voltages ? volts : amperes) /
			      (double)(1 << (ac.bits - 1));
}

static inline void close_it(void)
{
	chain_close_config(&ac, &ac_config);
}

/* Tolerances that the guide does not give, or gives without a figure: the project's own. */
static const struct own_tolerance {
	const char *id;
	const char *quantity; /* NULL: all */
	double least;	      /* when it is larger than that of the guide */
} own_tolerances[] = {
	{ "A17", "u2, %", 0 }, { "A17", "u0, %", 0 },	{ "A18", NULL, 0 },
	{ "A19", NULL, 0 },    { "A..", NULL, 0 },	{ "A32", NULL, 0.05 },
	{ "A33", NULL, 0.05 }, { "share", NULL, 0.02 },
};

static inline bool is_own(const struct row *r)
{
	size_t k;

	for (k = 0; k < sizeof(own_tolerances) / sizeof(own_tolerances[0]); k++) {
		const struct own_tolerance *o = &own_tolerances[k];

		if (!strcmp(o->id, r->id) && (!o->quantity || !strcmp(o->quantity, r->quantity)) &&
		    r->tolerance > o->least)
			return true;
	}
	return false;
}

/* The tables of the page, as reStructuredText. */
static inline void write_tables(FILE *f)
{
	unsigned int k;
	unsigned int r;

	fputs(".. list-table:: Every quantity, where it was worst\n   :header-rows: 1\n\n"
	      "   * - case\n     - quantity\n     - exact\n     - measured\n     - error\n"
	      "     - tolerance\n     - at\n",
	      f);
	for (k = 0; k < suite.rows; k++) {
		const struct row *w = &suite.row[k];

		fprintf(f,
			"   * - %s\n     - %s\n     - %.6g\n     - %.6g\n     - %.2g %s\n"
			"     - %.4g %s%s\n     - %.6g Hz, %u bit\n",
			w->id, w->quantity, w->exact, w->measured, w->error, w->unit, w->tolerance,
			w->unit, is_own(w) ? " (own)" : "", w->rate_hz, w->bits);
	}
	fputs("\n.. list-table:: Largest error as a part of its tolerance\n   :header-rows: 1\n\n"
	      "   * - case\n",
	      f);
	for (r = 0; r < ACCURACY_RATES * ACCURACY_BITS; r++)
		fprintf(f, "     - %.6g Hz, %u bit\n", accuracy_rates[r / ACCURACY_BITS],
			accuracy_bits[r % ACCURACY_BITS]);
	for (k = 0; k < suite.rows; k++) {
		if (k && !strcmp(suite.row[k].id, suite.row[k - 1].id))
			continue;
		fprintf(f, "   * - %s\n", suite.row[k].id);
		for (r = 0; r < ACCURACY_RATES * ACCURACY_BITS; r++) {
			double worst = -1.0;
			unsigned int j;

			for (j = k; j < suite.rows && !strcmp(suite.row[j].id, suite.row[k].id);
			     j++)
				worst = fmax(
					worst,
					suite.row[j].part[r / ACCURACY_BITS][r % ACCURACY_BITS]);
			if (worst < 0.0)
				fputs("     - ..\n", f);
			else
				fprintf(f, "     - %.3f\n", worst);
		}
	}
}

#endif
