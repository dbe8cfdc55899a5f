// SPDX-License-Identifier: GPL-2.0-or-later
/* See wiring-registers.h. A reading becomes a window whose phasors follow from it. */
#include "wiring-registers.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "site-check.h"

#define DEGREES (180.0 / M_PI)
/* between two conductors, where nothing tells it */
#define UNTOLD_V 230.0

/* The current as its CT is mounted; its voltage is that of its slot. */
static void see_element(const struct load_element *e, const struct element_reading *r,
			const struct slot_mean *slot, struct element_window *to)
{
	double complex v = slot->re + I * slot->im;
	double complex s = r->p_w + I * r->q1_var;
	double complex i;

	*to = (struct element_window){ .below_range = r->below_range };
	to->known = isfinite(r->p_w) && isfinite(r->q1_var) && isfinite(r->i_a) && r->i_a > 0.0 &&
		    cabs(s) > 0.0 && cabs(v) > 0.0;
	if (!to->known)
		return;
	i = e->sign * r->i_a * conj(s) / cabs(s) * v / cabs(v);
	to->re = creal(i);
	to->im = cimag(i);
}

/* Is the voltage of the slot a difference of two, which no register shows? */
static bool is_between(const struct topology *t, unsigned int slot)
{
	unsigned int terms = 0;
	unsigned int k;

	for (k = 0; k < t->voltages; k++)
		terms += t->matrix[slot][k] != 0.0;
	return terms > 1;
}

/*
 * The voltage that the module has given to the inputs at a slot: S / I, while a current
 * flows. NAN: none does, or there is no S.
 */
static double told_by_inputs(const struct installation *in, const struct reading *r,
			     unsigned int slot)
{
	double volts = NAN;
	unsigned int l;
	unsigned int k;

	for (l = 0; l < in->loads; l++)
		for (k = 0; k < in->load[l].elements; k++) {
			const struct element_reading *e = &r->load[l].element[k];

			if (in->load[l].element[k].slot == slot && !e->below_range && e->i_a > 0.0)
				volts = fmax(volts, e->s_va / e->i_a);
		}
	return volts;
}

/* Has any input a current, if only 0? Without one the modules are away. */
static bool is_read(const struct installation *in, const struct reading *r)
{
	unsigned int l;
	unsigned int k;

	for (l = 0; l < in->loads; l++)
		for (k = 0; k < in->load[l].elements; k++)
			if (isfinite(r->load[l].element[k].i_a))
				return true;
	return false;
}

void wiring_add_registers(struct wiring *w, const struct installation *in, const struct reading *r)
{
	struct meter_window window = {
		.start_ns = r->start_ns,
		.end_ns = r->end_ns,
		.frequency_hz = isfinite(r->frequency_hz) ? r->frequency_hz : 0.0,
		.voltages = is_read(in, r),
	};
	unsigned int l;
	unsigned int k;

	for (k = 0; k < r->voltages; k++) {
		double angle = site_degrees(in->topology, k) / DEGREES;
		double volts = r->voltage[k].ln_v;

		if (is_between(in->topology, k)) {
			volts = told_by_inputs(in, r, k);
			/* its angle is seen all the same; that there is none is not */
			if (isnan(volts))
				volts = UNTOLD_V;
		}
		window.voltages = window.voltages && isfinite(volts);
		window.slot[k].re = volts * cos(angle);
		window.slot[k].im = volts * sin(angle);
	}
	for (l = 0; l < in->loads; l++)
		for (k = 0; k < in->load[l].elements; k++) {
			const struct load_element *e = &in->load[l].element[k];

			see_element(e, &r->load[l].element[k], &window.slot[e->slot],
				    &window.element[in->load[l].first + k]);
		}
	wiring_assume_voltages(w);
	wiring_add(w, &window);
}
