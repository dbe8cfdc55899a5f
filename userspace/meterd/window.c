// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sums of products over planar blocks. A block of at most 64 scans is summed in
 * single precision, in several lanes, and folded into double: the relative
 * error stays below 1e-8 (metrology.rst), and the loops vectorise.
 */
#include "window.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TURN (2.0 * M_PI)

/*
 * Sums per slot: v, v^2, v * next slot, sin * v, cos * v. Per input: i, i^2, v * i,
 * sin * i, cos * i; and, where a pole of the sensor is corrected, W and W * i with the
 * integral W of v.
 */
enum { SUM_X, SUM_XX, SUM_P, SUM_S, SUM_C, SUM_W, SUM_WX, SUMS };

/**
 * struct sums - one value per product
 * @slot: of the voltages
 * @input: of the currents
 * @pair: of the products of two currents
 * @sine: of the reference's sine and cosine
 */
struct sums {
	double slot[READING_PHASES_MAX][SUMS];
	double input[INPUT_CHANNELS_MAX][SUMS];
	double pair[WINDOW_PAIRS_MAX];
	double sine[2];
};

struct window {
	unsigned int slots;
	unsigned int inputs;
	unsigned int slot_of[INPUT_CHANNELS_MAX];
	const float *partner[INPUT_CHANNELS_MAX];  /* NULL: the voltage of the slot */
	const float *integral[INPUT_CHANNELS_MAX]; /* NULL: none */
	unsigned int pairs;
	unsigned int pair_of[WINDOW_PAIRS_MAX][2];
	double scans;	  /* length so far */
	struct sums sum;  /* whole intervals */
	struct sums edge; /* term of the edge at which the window begins */
	struct sums end;  /* scratch: that at which it ends */
	float sine[WINDOW_BLOCK];
	float cosine[WINDOW_BLOCK];
};

int window_create(struct window **out, unsigned int slots, unsigned int inputs,
		  const unsigned int *slot_of)
{
	struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->slots = slots;
	w->inputs = inputs;
	if (inputs)
		memcpy(w->slot_of, slot_of, inputs * sizeof(*slot_of));
	*out = w;
	return 0;
}

int window_pair(struct window *w, unsigned int a, unsigned int b)
{
	if (w->pairs == WINDOW_PAIRS_MAX)
		return -ENOSPC;
	w->pair_of[w->pairs][0] = a;
	w->pair_of[w->pairs][1] = b;
	return (int)w->pairs++;
}

void window_partner(struct window *w, unsigned int input, unsigned int slot, const float *v,
		    const float *integral)
{
	w->slot_of[input] = slot;
	w->partner[input] = v;
	w->integral[input] = integral;
}

void window_destroy(struct window *w)
{
	free(w);
}

/*
 * Sine and cosine of the reference for a block. The angle is wrapped to a quarter
 * turn either side, then two polynomials (Chebyshev fits); the error is below 3e-7.
 */
static void reference(struct window *w, double turns, double per_scan, unsigned int n)
{
	float *restrict sine = w->sine;
	float *restrict cosine = w->cosine;
	float start = (float)(turns - floor(turns));
	float step = (float)per_scan;
	int k;

#pragma omp simd
	for (k = 0; k < (int)n; k++) {
		float t = start + step * (float)k;
		float whole = (float)(int)(t * 2.0f + 0.5f);
		float sign = 1.0f - 2.0f * (float)((int)whole & 1);
		float a = (t - 0.5f * whole) * (float)TURN;
		float q = a * a;
		float s = (2.6051076e-6f * q - 1.9809017e-4f) * q + 8.3330502e-3f;
		float c = (2.3152417e-5f * q - 1.3853630e-3f) * q + 4.1663573e-2f;

		s = ((s * q - 1.6666658e-1f) * q + 1.0f) * a;
		c = (c * q - 4.9999905e-1f) * q + 9.9999995e-1f;
		sine[k] = sign * s;
		cosine[k] = sign * c;
	}
}

/* Add the five sums of one signal @x with the partner @y to @sum. */
static void add_block(const float *restrict x, const float *restrict y, const float *restrict s,
		      const float *restrict c, unsigned int n, double *sum)
{
	float sx = 0.0f;
	float sxx = 0.0f;
	float sxy = 0.0f;
	float ss = 0.0f;
	float sc = 0.0f;
	int k;

#pragma omp simd reduction(+ : sx, sxx, sxy, ss, sc)
	for (k = 0; k < (int)n; k++) {
		sx += x[k];
		sxx += x[k] * x[k];
		sxy += x[k] * y[k];
		ss += x[k] * s[k];
		sc += x[k] * c[k];
	}
	sum[SUM_X] += sx;
	sum[SUM_XX] += sxx;
	sum[SUM_P] += sxy;
	sum[SUM_S] += ss;
	sum[SUM_C] += sc;
}

static double product(const float *restrict x, const float *restrict y, unsigned int n)
{
	float sum = 0.0f;
	int k;

#pragma omp simd reduction(+ : sum)
	for (k = 0; k < (int)n; k++)
		sum += x[k] * y[k];
	return sum;
}

/* The two sums of an input with the integral of its voltage. */
static void add_integral(const float *restrict x, const float *restrict v, unsigned int n,
			 double *sum)
{
	float sw = 0.0f;
	float swx = 0.0f;
	int k;

#pragma omp simd reduction(+ : sw, swx)
	for (k = 0; k < (int)n; k++) {
		sw += v[k];
		swx += v[k] * x[k];
	}
	sum[SUM_W] += sw;
	sum[SUM_WX] += swx;
}

/* The voltage that an input is multiplied with. */
static const float *partner(const struct window *w, const float *const *v, unsigned int k)
{
	return w->partner[k] ? w->partner[k] : v[w->slot_of[k]];
}

static unsigned int next_slot(const struct window *w, unsigned int slot)
{
	return slot + 1 < w->slots ? slot + 1 : 0;
}

/* Scans @at ... @at + @n - 1; the phase at @at is @turns. */
static void add(struct window *w, const float *const *v, const float *const *i, unsigned int at,
		unsigned int n, double turns, double per_scan)
{
	unsigned int k;

	reference(w, turns, per_scan, n);
	for (k = 0; k < n; k++) {
		w->sum.sine[0] += w->sine[k];
		w->sum.sine[1] += w->cosine[k];
	}
	for (k = 0; k < w->slots; k++)
		add_block(v[k] + at, v[next_slot(w, k)] + at, w->sine, w->cosine, n,
			  w->sum.slot[k]);
	for (k = 0; k < w->inputs; k++)
		add_block(i[k] + at, partner(w, v, k) + at, w->sine, w->cosine, n, w->sum.input[k]);
	for (k = 0; k < w->inputs; k++)
		if (w->integral[k])
			add_integral(i[k] + at, w->integral[k] + at, n, w->sum.input[k]);
	for (k = 0; k < w->pairs; k++)
		w->sum.pair[k] += product(i[w->pair_of[k][0]] + at, i[w->pair_of[k][1]] + at, n);
}

/* Term of an edge for one signal: the products at the scans around it, weighted. */
static void edge_term(const float *x, const float *y, const double *weight, const double *s,
		      const double *c, double *sum)
{
	double x0 = weight[0] * x[0];
	double x1 = weight[1] * x[1];

	sum[SUM_X] = x0 + x1;
	sum[SUM_XX] = x0 * x[0] + x1 * x[1];
	sum[SUM_P] = x0 * y[0] + x1 * y[1];
	sum[SUM_S] = x0 * s[0] + x1 * s[1];
	sum[SUM_C] = x0 * c[0] + x1 * c[1];
}

static void edge_terms(struct window *w, const float *const *v, const float *const *i, double edge,
		       double per_scan, struct sums *sum)
{
	unsigned int m = (unsigned int)floor(edge);
	double a = edge - m;
	double weight[2] = { a - 0.5 - 0.5 * a * a, 0.5 * a * a };
	double s[2] = { -sin(TURN * per_scan * a), sin(TURN * per_scan * (1.0 - a)) };
	double c[2] = { cos(TURN * per_scan * a), cos(TURN * per_scan * (1.0 - a)) };
	unsigned int k;

	sum->sine[0] = weight[0] * s[0] + weight[1] * s[1];
	sum->sine[1] = weight[0] * c[0] + weight[1] * c[1];
	for (k = 0; k < w->slots; k++)
		edge_term(v[k] + m, v[next_slot(w, k)] + m, weight, s, c, sum->slot[k]);
	for (k = 0; k < w->inputs; k++) {
		const float *u = w->integral[k] ? w->integral[k] + m : NULL;

		edge_term(i[k] + m, partner(w, v, k) + m, weight, s, c, sum->input[k]);
		sum->input[k][SUM_W] = u ? weight[0] * u[0] + weight[1] * u[1] : 0.0;
		sum->input[k][SUM_WX] =
			u ? weight[0] * u[0] * i[k][m] + weight[1] * u[1] * i[k][m + 1] : 0.0;
	}
	for (k = 0; k < w->pairs; k++) {
		const float *x = i[w->pair_of[k][0]] + m;
		const float *y = i[w->pair_of[k][1]] + m;

		sum->pair[k] = weight[0] * x[0] * y[0] + weight[1] * x[1] * y[1];
	}
}

void window_begin(struct window *w, const float *const *v, const float *const *i, double edge,
		  double per_scan)
{
	memset(&w->sum, 0, sizeof(w->sum));
	w->scans = 0.0;
	edge_terms(w, v, i, edge, per_scan, &w->edge);
}

void window_cycle(struct window *w, const float *const *v, const float *const *i, double from,
		  double to)
{
	unsigned int at = (unsigned int)floor(from) + 1;
	unsigned int end = (unsigned int)floor(to) + 1;
	double per_scan = 1.0 / (to - from);

	w->scans += to - from;
	while (at < end) {
		unsigned int blocks = (end - at + WINDOW_BLOCK - 1) / WINDOW_BLOCK;
		unsigned int n = (end - at + blocks - 1) / blocks;

		add(w, v, i, at, n, (at - from) * per_scan, per_scan);
		at += n;
	}
}

/* Mean of a product over the window. */
#define MEAN(part) ((w->sum.part + w->end.part - w->edge.part) / w->scans)

static void slot_mean(const struct window *w, unsigned int k, struct slot_mean *m)
{
	double sine = MEAN(sine[0]);
	double cosine = MEAN(sine[1]);

	m->dc = MEAN(slot[k][SUM_X]);
	m->square = MEAN(slot[k][SUM_XX]) - m->dc * m->dc;
	m->next = MEAN(slot[k][SUM_P]) - m->dc * MEAN(slot[next_slot(w, k)][SUM_X]);
	m->re = M_SQRT2 * (MEAN(slot[k][SUM_S]) - m->dc * sine);
	m->im = M_SQRT2 * (MEAN(slot[k][SUM_C]) - m->dc * cosine);
}

static void input_mean(const struct window *w, unsigned int k, struct input_mean *m)
{
	double sine = MEAN(sine[0]);
	double cosine = MEAN(sine[1]);

	m->dc = MEAN(input[k][SUM_X]);
	m->square = MEAN(input[k][SUM_XX]) - m->dc * m->dc;
	m->power = MEAN(input[k][SUM_P]) - m->dc * MEAN(slot[w->slot_of[k]][SUM_X]);
	m->re = M_SQRT2 * (MEAN(input[k][SUM_S]) - m->dc * sine);
	m->im = M_SQRT2 * (MEAN(input[k][SUM_C]) - m->dc * cosine);
	m->w_mean = MEAN(input[k][SUM_W]);
	m->integral = MEAN(input[k][SUM_WX]) - m->dc * m->w_mean;
}

void window_end(struct window *w, const float *const *v, const float *const *i, double edge,
		double per_scan, struct window_mean *mean)
{
	unsigned int k;

	edge_terms(w, v, i, edge, per_scan, &w->end);
	mean->scans = w->scans;
	for (k = 0; k < w->slots; k++)
		slot_mean(w, k, &mean->slot[k]);
	for (k = 0; k < w->inputs; k++)
		input_mean(w, k, &mean->input[k]);
	for (k = 0; k < w->pairs; k++)
		mean->pair[k] = MEAN(pair[k]) -
				mean->input[w->pair_of[k][0]].dc * mean->input[w->pair_of[k][1]].dc;
	w->edge = w->end;
	memset(&w->sum, 0, sizeof(w->sum));
	w->scans = 0.0;
}
