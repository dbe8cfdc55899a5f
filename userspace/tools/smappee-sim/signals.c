// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values at the inputs: the wave of the load, in stretches between the steps of
 * its profile.
 */
#include "signals.h"

#include <math.h>
#include <string.h>

struct input signal_voltage(const struct signal *s, unsigned int terminal)
{
	const struct wave *wave = terminal < s->kind->terminals ? &s->terminal[terminal] : NULL;

	return (struct input){ .wave = wave, .sign = 1 };
}

struct input signal_current(const struct signal *s, const char *name)
{
	for (unsigned int i = 0; i < s->loads; i++) {
		const struct load *l = &s->load[i];

		for (unsigned int e = 0; e < l->elements; e++)
			if (!strcmp(l->element[e].input, name))
				return (struct input){ &l->element[e].wave, &l->profile,
						       l->reversed ? -1 : 1 };
	}
	return (struct input){ .wave = NULL };
}

/* Samples from @from on, of @n, that come before @until; at least one. */
static unsigned int before(double t0, double dt, unsigned int from, unsigned int n, double until)
{
	double k;

	if (t0 + dt * (n - 1) < until)
		return n - from;
	k = ceil((until - t0) / dt);
	return k > from + 1 ? (unsigned int)k - from : 1;
}

void signal_block(const struct input *in, double rate_hz, double t0, double dt, unsigned int n,
		  double *out)
{
	memset(out, 0, n * sizeof(*out));
	for (unsigned int k = 0; k < n && in->wave;) {
		double t = t0 + k * dt, until = INFINITY;
		double gain = in->profile ? profile_at(in->profile, t, &until) : 1;
		unsigned int m = before(t0, dt, k, n, until);

		wave_block(in->wave, rate_hz, t, dt, m, gain * in->sign, out + k);
		k += m;
	}
}

void signal_free(struct signal *s)
{
	for (unsigned int p = 0; p < SIGNAL_PHASES_MAX; p++)
		wave_free(&s->mains[p]);
	for (unsigned int k = 0; k < MAINS_TERMINALS_MAX; k++)
		wave_free(&s->terminal[k]);
	for (unsigned int i = 0; i < s->loads; i++)
		for (unsigned int e = 0; e < s->load[i].elements; e++)
			wave_free(&s->load[i].element[e].wave);
}
