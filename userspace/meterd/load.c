// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of topologies, and the quantities of elements and loads
 * (IEEE 1459 names; positive power is import, positive Q1 inductive).
 */
#include "load.h"

#include <math.h>
#include <string.h>

static const struct topology topologies[] = {
	{
		.name = "1p",
		.voltages = 1,
		.slots = 1,
		.phase = { "L1" },
		.matrix = { { 1.0 } },
		.reference = { 1.0 },
	},
	{
		.name = "3p+n",
		.voltages = 3,
		.slots = 3,
		.phase = { "L1", "L2", "L3" },
		.matrix = { { 1.0, 0.0, 0.0 }, { 0.0, 1.0, 0.0 }, { 0.0, 0.0, 1.0 } },
		/* Clarke's alpha component: any one phase may be lost */
		.reference = { 2.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0 },
		.line_to_line = true,
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

struct element_window element_window(const struct load_element *e, const struct slot_mean *slot,
				     const struct input_mean *input, double scale)
{
	double gain = e->sign * scale;

	return (struct element_window){
		.v2 = slot->square,
		.i2 = input->square * scale * scale,
		.p_w = input->power * gain,
		/* Im(V conj(I)) */
		.q1_var = (slot->im * input->re - slot->re * input->im) * gain,
	};
}

void element_add(struct element_sums *sums, const struct element_window *w, double seconds)
{
	sums->seconds += seconds;
	sums->v2s += w->v2 * seconds;
	sums->i2s += w->i2 * seconds;
	sums->ps += w->p_w * seconds;
	sums->qs += w->q1_var * seconds;
}

static double power_factor(const struct installation *in, double p_w, double s_va)
{
	if (!(s_va >= in->pf_min_va))
		return NAN;
	return fmax(-1.0, fmin(1.0, p_w / s_va));
}

/* Rounding may leave a mean square just below zero. */
static double root(double square)
{
	return sqrt(square < 0.0 ? 0.0 : square);
}

static void element_reading(const struct installation *in, const struct load_element *e,
			    const struct element_sums *sums, struct element_reading *r)
{
	double t = sums->seconds > 0.0 ? sums->seconds : NAN;

	r->input = e->input;
	r->phase = in->topology->phase[e->slot];
	r->v_v = root(sums->v2s / t);
	r->i_a = root(sums->i2s / t);
	r->p_w = sums->ps / t;
	r->q1_var = sums->qs / t;
	r->s_va = r->v_v * r->i_a;
	r->pf = power_factor(in, r->p_w, r->s_va);
}

void load_reading(const struct installation *in, const struct load *load,
		  const struct element_sums *sums, struct load_reading *r)
{
	unsigned int k;

	r->name = load->name;
	r->role = load->role;
	r->elements = load->elements;
	r->p_w = 0.0;
	r->q1_var = 0.0;
	for (k = 0; k < load->elements; k++) {
		element_reading(in, &load->element[k], &sums[k], &r->element[k]);
		r->p_w += r->element[k].p_w;
		r->q1_var += r->element[k].q1_var;
	}
	r->s_va = load->elements == 1 ? r->element[0].s_va : hypot(r->p_w, r->q1_var);
	r->pf = power_factor(in, r->p_w, r->s_va);
}
