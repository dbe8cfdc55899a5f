// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Local time is the integral of the frequency:
 *   t (1 + e) + w T/2pi (cos p - cos(2pi t/T + p)),  e, w relative errors.
 */
#include "crystal.h"

#include <math.h>

static double wander(const struct crystal *c, double t)
{
	double p = 2 * M_PI * c->wander_turns;

	if (c->wander_ppm == 0)
		return 0;
	return c->wander_ppm * 1e-6 * c->wander_period_s / (2 * M_PI) *
	       (cos(p) - cos(2 * M_PI * t / c->wander_period_s + p));
}

double crystal_local(const struct crystal *c, double t)
{
	return c->start_s + t + t * c->ppm * 1e-6 + wander(c, t);
}

double crystal_true(const struct crystal *c, double local)
{
	double t = (local - c->start_s) / (1 + c->ppm * 1e-6);

	if (c->wander_ppm == 0)
		return t;
	/* Converges by a factor of the relative error, 1e-6, in each round. */
	for (int round = 0; round < 3; round++)
		t = (local - c->start_s - wander(c, t)) / (1 + c->ppm * 1e-6);
	return t;
}
