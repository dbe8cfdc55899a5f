// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of topologies, and the quantities of an element in one window
 * (IEEE 1459 names; positive power is import, positive Q1 inductive).
 */
#include "load.h"

#include <math.h>
#include <string.h>

#define STAR_MATRIX { { 1.0, 0.0, 0.0 }, { 0.0, 1.0, 0.0 }, { 0.0, 0.0, 1.0 } }
#define STAR_LINES { { 1.0, -1.0, 0.0 }, { 0.0, 1.0, -1.0 }, { -1.0, 0.0, 1.0 } }
/* Clarke's alpha component of three phases: any one of them may be lost */
#define STAR_REFERENCE { 2.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0 }

static const struct topology topologies[] = {
	{
		.name = "1p",
		.voltages = 1,
		.slots = 1,
		.phase = { "L1" },
		.matrix = { { 1.0 } },
		.reference = { 1.0 },
		.neutral = true,
	},
	{
		/* 120/240 V: L12 is for a load between both conductors with one CT */
		.name = "2p+n",
		.voltages = 2,
		.slots = 3,
		.phase = { "L1", "L2", "L12" },
		.matrix = { { 1.0, 0.0 }, { 0.0, 1.0 }, { 1.0, -1.0 } },
		.reference = { 0.0, 0.0, 0.5 },
		.lines = 1,
		.line = { { 0.0, 0.0, 1.0 } },
		.neutral = true,
	},
	{
		.name = "3p+n",
		.voltages = 3,
		.slots = 3,
		.phase = { "L1", "L2", "L3" },
		.matrix = STAR_MATRIX,
		.reference = STAR_REFERENCE,
		.lines = 3,
		.line = STAR_LINES,
		.three_phase = true,
		.neutral = true,
		.zero_sequence = true,
	},
	{
		/*
		 * Without neutral: L3 is the common return of the slots, V13, V23 and, for
		 * what lies between L1 and L2 with its clamp on L1, V12. The differences
		 * are the same with the neutral terminal open and with it on L3.
		 */
		.name = "3p",
		.voltages = 3,
		.slots = 3,
		.phase = { "L1", "L2", "L3" },
		.matrix = { { 1.0, 0.0, -1.0 }, { 0.0, 1.0, -1.0 }, { 1.0, -1.0, 0.0 } },
		/* Clarke's alpha again: (V12 + V13) / 3 */
		.reference = { 1.0 / 3.0, 0.0, 1.0 / 3.0 },
		.lines = 3,
		.line = { { 0.0, 0.0, 1.0 }, { 0.0, 1.0, 0.0 }, { -1.0, 0.0, 0.0 } },
		.three_phase = true,
	},
	{
		/* 120/208/240 V: a delta with the middle of one winding as neutral */
		.name = "high-leg",
		.voltages = 3,
		.slots = 3,
		.phase = { "L1", "L2", "L3" },
		.matrix = STAR_MATRIX,
		.reference = STAR_REFERENCE,
		.lines = 3,
		.line = STAR_LINES,
		.three_phase = true,
		.neutral = true,
	},
};

#define TOPOLOGIES (sizeof(topologies) / sizeof(topologies[0]))

const struct topology *topology_find(const char *name)
{
	unsigned int k;

	for (k = 0; k < TOPOLOGIES; k++)
		if (!strcmp(topologies[k].name, name))
			return &topologies[k];
	return NULL;
}

int topology_slot(const struct topology *t, const char *phase)
{
	unsigned int k;

	for (k = 0; k < t->slots; k++)
		if (!strcmp(t->phase[k], phase))
			return (int)k;
	return -1;
}

enum load_shape load_shape(const struct topology *t, const struct load *l)
{
	unsigned int slots = 0;
	unsigned int k;

	for (k = 0; k < l->elements; k++)
		slots |= 1U << l->element[k].slot;
	if (t->three_phase && t->neutral && l->elements == 3 && slots == 7)
		return LOAD_STAR;
	/* V13 and V23 */
	if (t->three_phase && !t->neutral && l->elements == 2 && slots == 3)
		return LOAD_ARON;
	return LOAD_SINGLE;
}

void element_sensor(struct load_element *e, int code)
{
	e->type = e->sensor ? e->sensor : sensor_of_code(code);
	if (!e->min_given)
		e->min_a = e->type->min_a.value * e->ratio;
}

static double gain_of(const struct load_element *e, double scale)
{
	return element_gain(e) * scale;
}

struct element_window element_window(const struct load_element *e, const struct slot_mean *slot,
				     const struct input_mean *input, double scale)
{
	double amperes = gain_of(e, scale);
	double power = amperes * e->multiplier;
	double i2 = input->square * amperes * amperes;

	return (struct element_window){
		.v2 = slot->square,
		.i2 = i2,
		.p_w = input->power * power,
		/* Im(V conj(I)) and Re(V conj(I)) */
		.q1_var = (slot->im * input->re - slot->re * input->im) * power,
		.p1_w = (slot->re * input->re + slot->im * input->im) * power,
		.v12 = slot->re * slot->re + slot->im * slot->im,
		.re = e->sign * amperes * input->re,
		.im = e->sign * amperes * input->im,
		.i12 = (input->re * input->re + input->im * input->im) * amperes * amperes,
		.below_range = i2 < e->min_a * e->min_a,
	};
}

double load_current2(const struct load *l, const struct input_mean *input, const double *scale,
		     const double *pair)
{
	double sum = 0.0;
	unsigned int k;

	for (k = 0; k < l->elements; k++) {
		unsigned int next = (k + 1) % l->elements;
		double gain = gain_of(&l->element[k], scale[k]);

		sum += input[k].square * gain * gain;
		/* two elements have one product, three have three */
		if (l->elements == 3 || !k)
			sum += 2.0 * pair[k] * gain * gain_of(&l->element[next], scale[next]);
	}
	return sum;
}
