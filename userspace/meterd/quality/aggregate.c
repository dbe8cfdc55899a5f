// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each kind has its sums. An interval is found by the number of its mark, the UTC time
 * over its length, so a step of the clock ends an interval and begins another.
 */
#include "aggregate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000LL
#define WINDOWS_150 15
/* an interval with less than this part of its time measured is flagged */
#define COVERED 0.99
#define INTERVALS_2H 12

/**
 * struct mean - sum of squares, or of values, and how many
 * @sum: sum
 * @n: summands
 */
struct mean {
	double sum;
	unsigned int n;
};

/**
 * struct sums - an interval in progress
 * @open: there is one
 * @mark: number of its mark
 * @value: what needs no sum
 * @seconds: measured time, s
 */
struct sums {
	bool open;
	int64_t mark;
	struct aggregate_value value;
	double seconds;
	struct mean f;
	struct mean u2;
	struct mean u0;
	struct mean rms[READING_PHASES_MAX];
	struct mean thd[READING_PHASES_MAX];
	struct mean flicker[READING_PHASES_MAX];
	double harmonic[READING_PHASES_MAX][HARMONICS_MAX + 1];
	unsigned int spectra;
	unsigned int cycles; /* 10 s: good ones, and their time */
	double cycle_seconds;
};

struct aggregate {
	struct aggregate_config config;
	struct sums sums[AGGREGATE_KINDS];
	int64_t last_end_ns;
};

static const int64_t length_ns[AGGREGATE_KINDS] = {
	[AGGREGATE_150] = 3 * NS_PER_S,
	[AGGREGATE_10MIN] = 600 * NS_PER_S,
	[AGGREGATE_2H] = 7200 * NS_PER_S,
	[AGGREGATE_10S] = 10 * NS_PER_S,
};

int aggregate_create(struct aggregate **out, const struct aggregate_config *config)
{
	struct aggregate *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->config = *config;
	*out = a;
	return 0;
}

void aggregate_destroy(struct aggregate *a)
{
	free(a);
}

static void add(struct mean *m, double x)
{
	if (!isfinite(x))
		return;
	m->sum += x;
	m->n++;
}

static void add_square(struct mean *m, double x)
{
	add(m, x * x);
}

static double mean(const struct mean *m)
{
	return m->n ? m->sum / m->n : NAN;
}

static double root(const struct mean *m)
{
	return sqrt(mean(m));
}

static int64_t mark_of(enum aggregate_kind kind, int64_t utc_ns)
{
	int64_t mark = utc_ns / length_ns[kind];

	return utc_ns < mark * length_ns[kind] ? mark - 1 : mark;
}

static struct sums *sums_open(struct aggregate *a, enum aggregate_kind kind, int64_t utc_ns)
{
	struct sums *s = &a->sums[kind];
	unsigned int k;

	memset(s, 0, sizeof(*s));
	s->open = true;
	s->mark = mark_of(kind, utc_ns);
	s->value.kind = kind;
	s->value.start_utc_ns = kind == AGGREGATE_150 ? utc_ns : s->mark * length_ns[kind];
	s->value.end_utc_ns = s->value.start_utc_ns + length_ns[kind];
	for (k = 0; k < READING_PHASES_MAX; k++) {
		s->value.min_v[k] = INFINITY;
		s->value.max_v[k] = -INFINITY;
		s->value.flicker[k] = NAN;
	}
	return s;
}

static void add_window(struct aggregate *a, struct sums *s, const struct aggregate_window *w)
{
	struct aggregate_value *v = &s->value;
	unsigned int h;
	unsigned int k;

	v->windows++;
	v->flagged_windows += w->flagged;
	s->seconds += (double)(w->end_ns - w->start_ns) / NS_PER_S;
	add(&s->f, w->frequency_hz);
	add_square(&s->u2, w->u2_percent);
	add_square(&s->u0, w->u0_percent);
	for (k = 0; k < a->config.slots; k++) {
		add_square(&s->rms[k], w->rms_v[k]);
		v->min_v[k] = fmin(v->min_v[k], w->rms_v[k]);
		v->max_v[k] = fmax(v->max_v[k], w->rms_v[k]);
		if (!w->orders)
			continue;
		add_square(&s->thd[k], w->thd[k]);
		for (h = 1; h <= w->orders; h++)
			s->harmonic[k][h] += (double)w->harmonic[k][h] * w->harmonic[k][h];
	}
	if (!w->orders)
		return;
	/* the highest order changes with the frequency: what all windows have */
	v->orders = s->spectra && v->orders < w->orders ? v->orders : w->orders;
	s->spectra++;
}

static void finish(struct aggregate *a, struct sums *s)
{
	struct aggregate_value *v = &s->value;
	unsigned int h;
	unsigned int k;

	v->frequency_hz = s->cycles ? s->cycles / s->cycle_seconds : mean(&s->f);
	v->u2_percent = root(&s->u2);
	v->u0_percent = root(&s->u0);
	for (k = 0; k < READING_PHASES_MAX; k++) {
		v->rms_v[k] = root(&s->rms[k]);
		v->thd[k] = root(&s->thd[k]);
		if (!s->rms[k].n) {
			v->min_v[k] = NAN;
			v->max_v[k] = NAN;
		}
		for (h = 1; h <= HARMONICS_MAX; h++)
			v->harmonic[k][h] =
				h <= v->orders ? (float)sqrt(s->harmonic[k][h] / s->spectra) : NAN;
	}
	if (v->kind == AGGREGATE_150)
		s->seconds = v->windows == WINDOWS_150 ? 3.0 : 0.0;
	v->covered = fmin(s->seconds * NS_PER_S / (double)length_ns[v->kind], 1.0);
	v->flagged = v->flagged || v->flagged_windows || v->covered < COVERED;
	s->open = false;
	a->config.emit(a->config.user, v);
}

static void finish_2h(struct aggregate *a, struct sums *s)
{
	unsigned int k;

	/* cube root of the mean of the cubes, of all twelve only */
	for (k = 0; k < a->config.slots; k++)
		if (s->flicker[k].n == INTERVALS_2H)
			s->value.flicker[k] = cbrt(mean(&s->flicker[k]));
	finish(a, s);
}

/* A 10-min interval is an element of the 2-h interval that its mark lies in. */
static void add_10min(struct aggregate *a, const struct aggregate_value *v, double seconds)
{
	struct sums *s = &a->sums[AGGREGATE_2H];
	unsigned int h;
	unsigned int k;

	if (s->open && s->mark != mark_of(AGGREGATE_2H, v->start_utc_ns))
		finish_2h(a, s);
	if (!s->open)
		s = sums_open(a, AGGREGATE_2H, v->start_utc_ns);
	s->value.windows++;
	s->value.flagged_windows += v->flagged;
	s->seconds += fmin(seconds, 600.0);
	add(&s->f, v->frequency_hz);
	add_square(&s->u2, v->u2_percent);
	add_square(&s->u0, v->u0_percent);
	for (k = 0; k < a->config.slots; k++) {
		add_square(&s->rms[k], v->rms_v[k]);
		s->value.min_v[k] = fmin(s->value.min_v[k], v->min_v[k]);
		s->value.max_v[k] = fmax(s->value.max_v[k], v->max_v[k]);
		add_square(&s->thd[k], v->thd[k]);
		add(&s->flicker[k], pow(v->flicker[k], 3));
		for (h = 1; v->orders && h <= v->orders; h++)
			s->harmonic[k][h] += (double)v->harmonic[k][h] * v->harmonic[k][h];
	}
	if (v->orders) {
		s->value.orders =
			s->spectra && s->value.orders < v->orders ? s->value.orders : v->orders;
		s->spectra++;
	}
	if (mark_of(AGGREGATE_2H, v->end_utc_ns) != s->mark)
		finish_2h(a, s);
}

static void finish_10min(struct aggregate *a)
{
	struct sums *s = &a->sums[AGGREGATE_10MIN];
	double seconds = s->seconds;
	bool complete = true;
	unsigned int k;

	if (a->config.flicker)
		a->config.flicker(a->config.user, s->value.flicker, &complete);
	if (!complete)
		for (k = 0; k < READING_PHASES_MAX; k++)
			s->value.flicker[k] = NAN;
	finish(a, s);
	add_10min(a, &s->value, seconds);
}

static void add_to_150(struct aggregate *a, const struct aggregate_window *w)
{
	struct sums *s = &a->sums[AGGREGATE_150];

	if (s->open && w->start_ns != a->last_end_ns)
		finish(a, s);
	if (!s->open)
		s = sums_open(a, AGGREGATE_150, w->start_utc_ns);
	add_window(a, s, w);
	s->value.end_utc_ns = w->end_utc_ns;
	if (s->value.windows == WINDOWS_150)
		finish(a, s);
}

void aggregate_add(struct aggregate *a, const struct aggregate_window *w)
{
	struct sums *s = &a->sums[AGGREGATE_10MIN];

	add_to_150(a, w);
	if (s->open && s->mark != mark_of(AGGREGATE_10MIN, w->start_utc_ns))
		finish_10min(a);
	if (!s->open)
		s = sums_open(a, AGGREGATE_10MIN, w->start_utc_ns);
	add_window(a, s, w);
	if (s->mark != mark_of(AGGREGATE_10MIN, w->end_utc_ns))
		finish_10min(a);
	a->last_end_ns = w->end_ns;
}

static void finish_10s(struct aggregate *a)
{
	struct sums *s = &a->sums[AGGREGATE_10S];

	/* the cycles in which the marks lie are in none */
	s->seconds += 0.04;
	finish(a, s);
}

void aggregate_cycle(struct aggregate *a, int64_t start_utc_ns, int64_t end_utc_ns, double seconds,
		     bool good)
{
	struct sums *s = &a->sums[AGGREGATE_10S];
	int64_t mark = mark_of(AGGREGATE_10S, start_utc_ns);

	if (s->open && s->mark != mark)
		finish_10s(a);
	if (mark_of(AGGREGATE_10S, end_utc_ns - 1) != mark)
		return;
	if (!s->open)
		s = sums_open(a, AGGREGATE_10S, start_utc_ns);
	s->value.windows++;
	s->value.flagged_windows += !good;
	s->seconds += seconds;
	if (!good)
		return;
	s->cycles++;
	s->cycle_seconds += seconds;
}

const char *aggregate_name(enum aggregate_kind kind)
{
	static const char *const name[AGGREGATE_KINDS] = { "150/180 cycles", "10 min", "2 h",
							   "10 s" };

	return name[kind];
}
