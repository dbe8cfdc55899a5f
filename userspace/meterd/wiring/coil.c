// SPDX-License-Identifier: GPL-2.0-or-later
/* See coil.h. */
#include "coil.h"

#include <math.h>

/* a harmonic of the voltage that is too small tells of noise, part of the fundamental */
#define VOLTAGE_PART 0.002
/* so much of the current of an order follows the voltage: coherence */
#define COHERENCE 0.5
#define ORDERS_LEAST 2

static unsigned int order_of(unsigned int k)
{
	return 2 * k + 3;
}

static void fade(struct coil_order *o, double keep)
{
	o->cross *= keep;
	o->v2 *= keep;
	o->i2 *= keep;
}

void coil_fade(struct coil_sight *s, double keep)
{
	unsigned int k;

	fade(&s->first, keep);
	for (k = 0; k < COIL_ORDERS; k++)
		fade(&s->order[k], keep);
}

static void add(struct coil_order *o, double complex v, double complex i)
{
	o->cross += i * conj(v);
	o->v2 += creal(v * conj(v));
	o->i2 += creal(i * conj(i));
}

static double complex phasor(const struct spectrum *s, unsigned int order)
{
	return s->re[order] + I * s->im[order];
}

void coil_add(struct coil_sight *s, const struct spectrum *v, const struct spectrum *i,
	      unsigned int orders)
{
	unsigned int k;

	add(&s->first, phasor(v, 1), phasor(i, 1));
	for (k = 0; k < COIL_ORDERS && order_of(k) <= orders; k++)
		add(&s->order[k], phasor(v, order_of(k)), phasor(i, order_of(k)));
}

static bool tells(const struct coil_sight *s, const struct coil_order *o)
{
	return o->v2 > VOLTAGE_PART * VOLTAGE_PART * s->first.v2 &&
	       creal(o->cross * conj(o->cross)) >= COHERENCE * o->v2 * o->i2;
}

double coil_misfit(const struct coil_sight *s)
{
	double complex first = s->first.cross / s->first.v2;
	unsigned int orders = 0;
	double most = 0.0;
	unsigned int k;

	for (k = 0; k < COIL_ORDERS; k++) {
		const struct coil_order *o = &s->order[k];

		if (!tells(s, o))
			continue;
		most = fmax(most, cabs(o->cross / o->v2 / (first * order_of(k)) - 1.0));
		orders++;
	}
	return orders >= ORDERS_LEAST ? most : NAN;
}
