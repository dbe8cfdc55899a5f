// SPDX-License-Identifier: GPL-2.0-or-later
/* See wiring-registers.h. A reading becomes a window whose phasors follow from it. */
#include "wiring-registers.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "site-check.h"

#define DEGREES (180.0 / M_PI)

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

void wiring_add_registers(struct wiring *w, const struct installation *in, const struct reading *r)
{
	struct meter_window window = {
		.start_ns = r->start_ns,
		.end_ns = r->end_ns,
		.frequency_hz = isfinite(r->frequency_hz) ? r->frequency_hz : 0.0,
		.voltages = true,
	};
	unsigned int l;
	unsigned int k;

	for (k = 0; k < r->voltages; k++) {
		double angle = site_degrees(in->topology, k) / DEGREES;

		window.voltages = window.voltages && isfinite(r->voltage[k].ln_v);
		window.slot[k].re = r->voltage[k].ln_v * cos(angle);
		window.slot[k].im = r->voltage[k].ln_v * sin(angle);
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
