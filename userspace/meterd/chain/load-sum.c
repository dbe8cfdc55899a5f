// SPDX-License-Identifier: GPL-2.0-or-later
#include "load-sum.h"

#include <math.h>

double load_power_factor(const struct installation *in, double p_w, double s_va, bool below)
{
	if (below || !isfinite(p_w) || !(s_va >= in->pf_min_va))
		return NAN;
	return fmax(-1.0, fmin(1.0, p_w / s_va));
}

void load_sum_elements(struct load_reading *r)
{
	unsigned int k;

	r->p_w = 0.0;
	r->q1_var = 0.0;
	r->p1_w = 0.0;
	r->sa_va = 0.0;
	r->below_range = true;
	for (k = 0; k < r->elements; k++) {
		r->p_w += r->element[k].p_w;
		r->q1_var += r->element[k].q1_var;
		r->p1_w += r->element[k].p1_w;
		r->sa_va += r->element[k].s_va;
		r->below_range = r->below_range && r->element[k].below_range;
	}
}

void load_sum_factors(const struct installation *in, struct load_reading *r)
{
	r->pf = load_power_factor(in, r->p_w, r->s_va, r->below_range);
	r->dpf = load_power_factor(in, r->p1_w, hypot(r->p1_w, r->q1_var), r->below_range);
}

void load_sum_virtual(const struct installation *in, struct load_reading *load, unsigned int l)
{
	const struct load *of = &in->load[l];
	struct load_reading *r = &load[l];
	unsigned int k;

	load_sum_elements(r);
	for (k = 0; k < of->terms; k++) {
		const struct load_reading *part = &load[of->term[k].load];

		r->p_w += of->term[k].factor * part->p_w;
		r->q1_var += of->term[k].factor * part->q1_var;
		r->p1_w += of->term[k].factor * part->p1_w;
		r->below_range = r->below_range && part->below_range;
	}
	r->s_va = hypot(r->p_w, r->q1_var);
	r->sa_va = NAN;
	r->se_va = NAN;
	r->n_var = NAN;
	r->neutral_a = NAN;
	load_sum_factors(in, r);
}
