// SPDX-License-Identifier: GPL-2.0-or-later
#include "reading.h"

#include <math.h>

static struct energy_reading no_energy(void)
{
	struct energy_reading e = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, { NAN, NAN, NAN, NAN } };

	return e;
}

static void blank_element(struct element_reading *b, const struct element_reading *e)
{
	*b = (struct element_reading){
		.input = e->input,
		.phase = e->phase,
		.v_v = NAN,
		.i_a = NAN,
		.p_w = NAN,
		.q1_var = NAN,
		.s_va = NAN,
		.pf = NAN,
		.v1_v = NAN,
		.i1_a = NAN,
		.p1_w = NAN,
		.n_var = NAN,
		.dpf = NAN,
		.phi_deg = NAN,
		.thd_v = (float)NAN,
		.thd_i = (float)NAN,
		.energy = no_energy(),
	};
}

static void blank_load(struct load_reading *b, const struct load_reading *l)
{
	unsigned int k;

	*b = (struct load_reading){
		.name = l->name,
		.role = l->role,
		.elements = l->elements,
		.p_w = NAN,
		.q1_var = NAN,
		.s_va = NAN,
		.pf = NAN,
		.import_j = NAN,
		.export_j = NAN,
		.p1_w = NAN,
		.n_var = NAN,
		.dpf = NAN,
		.sa_va = NAN,
		.se_va = NAN,
		.neutral_a = NAN,
		.energy = no_energy(),
	};
	for (k = 0; k < l->elements; k++)
		blank_element(&b->element[k], &l->element[k]);
}

void reading_blank(struct reading *blank, struct load_reading *load, const struct reading *r)
{
	unsigned int k;

	*blank = *r;
	blank->windows = 0;
	blank->frequency_hz = NAN;
	blank->u2_percent = NAN;
	blank->u0_percent = NAN;
	blank->totals = (struct totals_reading){ NAN, NAN, NAN, NAN, NAN, NAN, NAN,
						 NAN, NAN, NAN, NAN, NAN, NAN };
	for (k = 0; k < r->voltages; k++)
		blank->voltage[k] = (struct voltage_reading){
			.phase = r->voltage[k].phase,
			.ln_v = NAN,
			.ll_v = NAN,
			.v1_v = NAN,
			.angle_deg = NAN,
			.thd_v = (float)NAN,
		};
	for (k = 0; k < r->loads; k++)
		blank_load(&load[k], &r->load[k]);
	blank->load = load;
}
