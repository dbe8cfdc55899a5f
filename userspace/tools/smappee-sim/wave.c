// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sums of phasors. Samples come from rotating each phasor step by step, at one
 * complex product per term and sample; integrals are closed formulas.
 */
#include "wave.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int wave_add(struct wave *w, unsigned int order, double peak, double angle)
{
	struct component *c;
	unsigned int i = 0;

	while (i < w->components && w->component[i].order != order)
		i++;
	if (i == w->components) {
		c = realloc(w->component, (i + 1) * sizeof(*c));
		if (!c)
			return -ENOMEM;
		w->component = c;
		w->component[i] = (struct component){ .order = order };
		w->components++;
	}
	w->component[i].re += peak * cos(angle);
	w->component[i].im += peak * sin(angle);
	return 0;
}

int wave_add_delayed(struct wave *w, const struct wave *a, double gain, double turns)
{
	int ret = 0;

	w->base_hz = a->base_hz;
	w->fundamental = a->fundamental;
	w->filtered = a->filtered;
	for (unsigned int i = 0; i < a->components && !ret; i++) {
		const struct component *c = &a->component[i];

		ret = wave_add(w, c->order, gain * hypot(c->re, c->im),
			       atan2(c->im, c->re) - 2 * M_PI * turns * c->order / a->fundamental);
	}
	return ret;
}

void wave_free(struct wave *w)
{
	free(w->component);
	*w = (struct wave){ 0 };
}

static bool passes(const struct wave *w, unsigned int order, double rate_hz)
{
	return !w->filtered || order * w->base_hz <= WAVE_BANDWIDTH * rate_hz;
}

/* exp(2 pi j order base t); whole turns go first, to keep the digits. */
static void rotation(const struct wave *w, unsigned int order, double t, double *re, double *im)
{
	double turns = order * (w->base_hz * t);

	sincos(2 * M_PI * (turns - floor(turns)), im, re);
}

void wave_block(const struct wave *w, double rate_hz, double t0, double dt, unsigned int n,
		double gain, double *out)
{
	for (unsigned int i = 0; i < w->components; i++) {
		const struct component *c = &w->component[i];
		double re, im, step_re, step_im;

		if (!passes(w, c->order, rate_hz))
			continue;
		rotation(w, c->order, t0, &re, &im);
		rotation(w, c->order, dt, &step_re, &step_im);
		double x = gain * (c->re * re - c->im * im);
		double y = gain * (c->re * im + c->im * re);

		for (unsigned int k = 0; k < n; k++) {
			double next = x * step_re - y * step_im;

			out[k] += x;
			y = x * step_im + y * step_re;
			x = next;
		}
	}
}

double wave_product_mean(const struct wave *a, const struct wave *b, double rate_hz)
{
	double sum = 0;

	for (unsigned int i = 0; i < a->components; i++) {
		const struct component *x = &a->component[i];

		if (!passes(a, x->order, rate_hz))
			continue;
		for (unsigned int k = 0; k < b->components; k++) {
			const struct component *y = &b->component[k];

			if (y->order == x->order)
				sum += x->order ? (x->re * y->re + x->im * y->im) / 2
						: x->re * y->re;
		}
	}
	return sum;
}

/* Integral of Re(z exp(2 pi j m base t)) / 2: Im(...) / (2 w m). */
static double swing_term(const struct wave *w, int m, double re, double im, double t)
{
	double c, s;

	if (!m)
		return 0;
	rotation(w, (unsigned int)abs(m), t, &c, &s);
	if (m < 0)
		s = -s;
	return (re * s + im * c) / (4 * M_PI * w->base_hz * m);
}

double wave_product_swing(const struct wave *a, const struct wave *b, double rate_hz, double t)
{
	double sum = 0;

	for (unsigned int i = 0; i < a->components; i++) {
		const struct component *x = &a->component[i];

		if (!passes(a, x->order, rate_hz))
			continue;
		for (unsigned int k = 0; k < b->components; k++) {
			const struct component *y = &b->component[k];

			if (!passes(b, y->order, rate_hz))
				continue;
			/* Re(x)Re(y) = Re(x y)/2 + Re(x conj y)/2 */
			sum += swing_term(a, (int)(x->order + y->order),
					  x->re * y->re - x->im * y->im,
					  x->re * y->im + x->im * y->re, t);
			sum += swing_term(a, (int)x->order - (int)y->order,
					  x->re * y->re + x->im * y->im,
					  x->im * y->re - x->re * y->im, t);
		}
	}
	return sum;
}

static const struct component *find(const struct wave *w, unsigned int order)
{
	static const struct component none;

	for (unsigned int i = 0; i < w->components; i++)
		if (w->component[i].order == order)
			return &w->component[i];
	return &none;
}

double wave_reactive(const struct wave *v, const struct wave *i)
{
	const struct component *u = find(v, v->fundamental);
	const struct component *c = find(i, i->fundamental);

	return (u->im * c->re - u->re * c->im) / 2;
}

double wave_active(const struct wave *v, const struct wave *i)
{
	const struct component *u = find(v, v->fundamental);
	const struct component *c = find(i, i->fundamental);

	return (u->re * c->re + u->im * c->im) / 2;
}

double wave_reactive_sum(const struct wave *v, const struct wave *i, double rate_hz)
{
	double sum = 0;

	for (unsigned int k = 0; k < v->components; k++) {
		const struct component *u = &v->component[k];
		const struct component *c = find(i, u->order);

		if (u->order && passes(v, u->order, rate_hz))
			sum += (u->im * c->re - u->re * c->im) / 2;
	}
	return sum;
}
