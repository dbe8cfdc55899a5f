// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sums of products over planar blocks. A block of at most WINDOW_BLOCK scans is summed in
 * single precision, eight scans at a time in four lanes, and folded into double: the
 * relative error stays below 2e-7, and that of a long mean below 1e-8 (metrology.rst).
 */
#include "window.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "float4.h"

#define TURN (2.0 * M_PI)
/* scans that are added at a time */
#define STRIDE (2 * FLOAT4_LANES)

/*
 * Sums per slot: v, v^2, v * next slot, sin * v, cos * v. Per input: i, i^2, v * i,
 * sin * i, cos * i; and, where a pole of the sensor is corrected, W and W * i with the
 * integral W of v.
 */
enum { SUM_X, SUM_XX, SUM_P, SUM_S, SUM_C, SUM_W, SUM_WX, SUMS };

/**
 * struct sums - one value per product
 * @slot: of the voltages
 * @sine: of the reference's sine and cosine
 * @input: of the currents
 * @pair: of the products of two currents
 */
struct sums {
	double slot[READING_PHASES_MAX][SUMS];
	double sine[2];
	double (*input)[SUMS];
	double *pair;
};

/**
 * struct partner - what a current is multiplied with
 * @slot: its slot
 * @v: its voltage; NULL: that of the slot
 * @integral: the integral of it; NULL: none
 */
struct partner {
	unsigned int slot;
	const float *v;
	const float *integral;
};

/**
 * struct couple - two currents with the same voltage, which are summed together
 * @a: the one
 * @b: the other; @a again: it is alone
 */
struct couple {
	unsigned int a;
	unsigned int b;
};

struct window {
	unsigned int slots;
	unsigned int inputs;
	unsigned int pairs;
	unsigned int couples; /* 0: to be found anew */
	struct partner *partner;
	struct couple *couple;
	unsigned int (*pair_of)[2];
	double scans;	  /* length so far */
	struct sums sum;  /* whole intervals */
	struct sums edge; /* term of the edge at which the window begins */
	struct sums end;  /* scratch: that at which it ends */
	float sine[WINDOW_BLOCK + WINDOW_BEYOND];
	float cosine[WINDOW_BLOCK + WINDOW_BEYOND];
};

static int sums_create(struct sums *s, unsigned int inputs)
{
	s->input = calloc(inputs + 1, sizeof(*s->input));
	s->pair = calloc(inputs + 1, sizeof(*s->pair));
	return s->input && s->pair ? 0 : -ENOMEM;
}

static void sums_clear(struct sums *s, unsigned int inputs, unsigned int pairs)
{
	memset(s->slot, 0, sizeof(s->slot));
	memset(s->sine, 0, sizeof(s->sine));
	memset(s->input, 0, inputs * sizeof(*s->input));
	memset(s->pair, 0, pairs * sizeof(*s->pair));
}

static void sums_destroy(struct sums *s)
{
	free(s->input);
	free(s->pair);
}

int window_create(struct window **out, unsigned int slots, unsigned int inputs,
		  const unsigned int *slot_of)
{
	struct window *w = calloc(1, sizeof(*w));
	unsigned int k;

	if (!w)
		return -ENOMEM;
	w->slots = slots;
	w->inputs = inputs;
	w->partner = calloc(inputs + 1, sizeof(*w->partner));
	w->couple = calloc(inputs + 1, sizeof(*w->couple));
	w->pair_of = calloc(inputs + 1, sizeof(*w->pair_of));
	if (!w->partner || !w->couple || !w->pair_of || sums_create(&w->sum, inputs) ||
	    sums_create(&w->edge, inputs) || sums_create(&w->end, inputs)) {
		window_destroy(w);
		return -ENOMEM;
	}
	for (k = 0; k < inputs; k++)
		w->partner[k].slot = slot_of[k];
	*out = w;
	return 0;
}

int window_pair(struct window *w, unsigned int a, unsigned int b)
{
	if (w->pairs == w->inputs)
		return -ENOSPC;
	w->pair_of[w->pairs][0] = a;
	w->pair_of[w->pairs][1] = b;
	return (int)w->pairs++;
}

void window_partner(struct window *w, unsigned int input, unsigned int slot, const float *v,
		    const float *integral)
{
	w->partner[input] = (struct partner){ .slot = slot, .v = v, .integral = integral };
	w->couples = 0;
}

void window_destroy(struct window *w)
{
	if (!w)
		return;
	sums_destroy(&w->sum);
	sums_destroy(&w->edge);
	sums_destroy(&w->end);
	free(w->partner);
	free(w->couple);
	free(w->pair_of);
	free(w);
}

/* The voltage that an input is multiplied with. */
static const float *partner(const struct window *w, const float *const *v, unsigned int k)
{
	return w->partner[k].v ? w->partner[k].v : v[w->partner[k].slot];
}

/* Each current joins one that is still alone and has the same voltage. */
static void find_couples(struct window *w, const float *const *v)
{
	unsigned int k;
	unsigned int c;

	for (k = 0; k < w->inputs; k++) {
		for (c = 0; c < w->couples; c++)
			if (w->couple[c].a == w->couple[c].b &&
			    partner(w, v, w->couple[c].a) == partner(w, v, k))
				break;
		if (c == w->couples)
			w->couple[w->couples++].a = k;
		w->couple[c].b = k;
	}
}

/* Sine and cosine of an angle. */
struct turn {
	double sine;
	double cosine;
};

static struct turn turn_of(double turns)
{
	struct turn t;

	sincos(TURN * turns, &t.sine, &t.cosine);
	return t;
}

static struct turn turn_by(struct turn a, struct turn b)
{
	return (struct turn){ a.sine * b.cosine + a.cosine * b.sine,
			      a.cosine * b.cosine - a.sine * b.sine };
}

/*
 * Sine and cosine of the reference for a block: those of four scans are computed, and
 * turned by four scans again and again. The error stays below 1e-6 in a block.
 */
static void reference(struct window *w, double turns, double per_scan, size_t n)
{
	struct turn by = turn_of(per_scan);
	struct turn at = turn_of(turns);
	float4 sine = { 0 };
	float4 cosine = { 0 };
	float step_sine;
	float step_cosine;
	size_t k;

	for (k = 0; k < FLOAT4_LANES; k++, at = turn_by(at, by)) {
		sine[k] = (float)at.sine;
		cosine[k] = (float)at.cosine;
	}
	by = turn_by(by, by);
	by = turn_by(by, by);
	step_sine = (float)by.sine;
	step_cosine = (float)by.cosine;
	for (k = 0; k < n; k += FLOAT4_LANES) {
		float4 next = sine * step_cosine + cosine * step_sine;

		float4_store(w->sine + k, sine);
		float4_store(w->cosine + k, cosine);
		cosine = cosine * step_cosine - sine * step_sine;
		sine = next;
	}
}

/* The scans of a block that are left over after whole strides, as masks of their lanes. */
struct rest {
	int4 first;
	int4 second;
};

static struct rest rest_of(size_t n)
{
	const int4 lane = { 0, 1, 2, 3 };
	int left = (int)(n % STRIDE);

	return (struct rest){ .first = lane < left, .second = lane + FLOAT4_LANES < left };
}

/* A stride of a signal: two vectors. */
struct stride {
	float4 first;
	float4 second;
};

static ALWAYS_INLINE struct stride stride_at(const float *x)
{
	return (struct stride){ float4_load(x), float4_load(x + FLOAT4_LANES) };
}

static ALWAYS_INLINE struct stride stride_rest(const float *x, const struct rest *rest)
{
	struct stride s = stride_at(x);

	return (struct stride){ float4_only(s.first, rest->first),
				float4_only(s.second, rest->second) };
}

static ALWAYS_INLINE float4 product_of(struct stride x, struct stride y)
{
	return x.first * y.first + x.second * y.second;
}

/**
 * struct lanes - the five sums of a signal, in lanes
 */
struct lanes {
	float4 x;
	float4 xx;
	float4 xy;
	float4 xs;
	float4 xc;
};

static ALWAYS_INLINE void lanes_add(struct lanes *l, struct stride x, struct stride y,
				    struct stride s, struct stride c)
{
	l->x += x.first + x.second;
	l->xx += product_of(x, x);
	l->xy += product_of(x, y);
	l->xs += product_of(x, s);
	l->xc += product_of(x, c);
}

static ALWAYS_INLINE void lanes_fold(const struct lanes *l, double *sum)
{
	sum[SUM_X] += float4_sum(l->x);
	sum[SUM_XX] += float4_sum(l->xx);
	sum[SUM_P] += float4_sum(l->xy);
	sum[SUM_S] += float4_sum(l->xs);
	sum[SUM_C] += float4_sum(l->xc);
}

/* The same of two signals with one partner, whose values are loaded once for both. */
static void add_couple(const float *x1, const float *x2, const float *y, const float *s,
		       const float *c, size_t n, double *sum1, double *sum2)
{
	struct lanes l1 = { 0 };
	struct lanes l2 = { 0 };
	struct rest rest = rest_of(n);
	size_t k;

	for (k = 0; k + STRIDE <= n; k += STRIDE) {
		lanes_add(&l1, stride_at(x1 + k), stride_at(y + k), stride_at(s + k),
			  stride_at(c + k));
		lanes_add(&l2, stride_at(x2 + k), stride_at(y + k), stride_at(s + k),
			  stride_at(c + k));
	}
	if (k < n) {
		struct stride u = stride_rest(y + k, &rest);
		struct stride a = stride_rest(s + k, &rest);
		struct stride b = stride_rest(c + k, &rest);

		lanes_add(&l1, stride_rest(x1 + k, &rest), u, a, b);
		lanes_add(&l2, stride_rest(x2 + k, &rest), u, a, b);
	}
	lanes_fold(&l1, sum1);
	lanes_fold(&l2, sum2);
}

/* Add the five sums of one signal @x with the partner @y to @sum. */
static void add_block(const float *x, const float *y, const float *s, const float *c, size_t n,
		      double *sum)
{
	struct lanes l = { 0 };
	struct rest rest = rest_of(n);
	size_t k;

	for (k = 0; k + STRIDE <= n; k += STRIDE)
		lanes_add(&l, stride_at(x + k), stride_at(y + k), stride_at(s + k),
			  stride_at(c + k));
	if (k < n)
		lanes_add(&l, stride_rest(x + k, &rest), stride_rest(y + k, &rest),
			  stride_rest(s + k, &rest), stride_rest(c + k, &rest));
	lanes_fold(&l, sum);
}

static double product(const float *x, const float *y, size_t n)
{
	float4 sum = { 0 };
	struct rest rest = rest_of(n);
	size_t k;

	for (k = 0; k + STRIDE <= n; k += STRIDE)
		sum += product_of(stride_at(x + k), stride_at(y + k));
	if (k < n)
		sum += product_of(stride_rest(x + k, &rest), stride_rest(y + k, &rest));
	return float4_sum(sum);
}

/* The sum of a signal. */
static double total(const float *x, size_t n)
{
	float4 sum = { 0 };
	struct rest rest = rest_of(n);
	struct stride s;
	size_t k;

	for (k = 0; k + STRIDE <= n; k += STRIDE) {
		s = stride_at(x + k);
		sum += s.first + s.second;
	}
	if (k < n) {
		s = stride_rest(x + k, &rest);
		sum += s.first + s.second;
	}
	return float4_sum(sum);
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
	w->sum.sine[0] += total(w->sine, n);
	w->sum.sine[1] += total(w->cosine, n);
	for (k = 0; k < w->slots; k++)
		add_block(v[k] + at, v[next_slot(w, k)] + at, w->sine, w->cosine, n,
			  w->sum.slot[k]);
	for (k = 0; k < w->couples; k++) {
		unsigned int a = w->couple[k].a;
		unsigned int b = w->couple[k].b;
		const float *y = partner(w, v, a) + at;

		if (a == b)
			add_block(i[a] + at, y, w->sine, w->cosine, n, w->sum.input[a]);
		else
			add_couple(i[a] + at, i[b] + at, y, w->sine, w->cosine, n, w->sum.input[a],
				   w->sum.input[b]);
	}
	for (k = 0; k < w->inputs; k++) {
		const float *u = w->partner[k].integral;

		if (!u)
			continue;
		w->sum.input[k][SUM_W] += total(u + at, n);
		w->sum.input[k][SUM_WX] += product(u + at, i[k] + at, n);
	}
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
		const float *u = w->partner[k].integral ? w->partner[k].integral + m : NULL;

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
	sums_clear(&w->sum, w->inputs, w->pairs);
	w->scans = 0.0;
	if (!w->couples)
		find_couples(w, v);
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
	m->power = MEAN(input[k][SUM_P]) - m->dc * MEAN(slot[w->partner[k].slot][SUM_X]);
	m->re = M_SQRT2 * (MEAN(input[k][SUM_S]) - m->dc * sine);
	m->im = M_SQRT2 * (MEAN(input[k][SUM_C]) - m->dc * cosine);
	m->w_mean = MEAN(input[k][SUM_W]);
	m->integral = MEAN(input[k][SUM_WX]) - m->dc * m->w_mean;
}

void window_end(struct window *w, const float *const *v, const float *const *i, double edge,
		double per_scan, struct window_mean *mean)
{
	struct sums edge_was;
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
	edge_was = w->edge;
	w->edge = w->end;
	w->end = edge_was;
	sums_clear(&w->sum, w->inputs, w->pairs);
	w->scans = 0.0;
}
