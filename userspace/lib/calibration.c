// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two unknowns: for small leads atan(1 / (w tau)) is 1 / (w tau), so the leads are linear in
 * a = 1 / tau and d: lead = a / w - w d. Least squares, then refined for the arc tangent.
 */
#include "calibration.h"

#include <errno.h>
#include <math.h>

#define TURN (2.0 * M_PI)
#define ROUNDS 20

double calibration_lead(double tau_s, double delay_s, double hz)
{
	double w = TURN * hz;

	return (tau_s > 0.0 ? atan(1.0 / (w * tau_s)) : 0.0) - w * delay_s;
}

/* Without a pole: what the leads have in proportion to the frequency. */
static double delay_of(const struct calibration_point *p, unsigned int n)
{
	double wl = 0.0;
	double ww = 0.0;
	unsigned int k;

	for (k = 0; k < n; k++) {
		wl += TURN * p[k].hz * p[k].lead;
		ww += TURN * p[k].hz * TURN * p[k].hz;
	}
	return -wl / ww;
}

static void fit_one(double lead, double hz, struct calibration_result *r)
{
	double w = TURN * hz;

	if (lead > 0.0)
		r->tau_s = 1.0 / (w * tan(lead));
	else
		r->delay_s = -lead / w;
}

static void fit_both(const struct calibration_point *p, unsigned int n,
		     struct calibration_result *r)
{
	double a = 0.0;
	double d = 0.0;
	unsigned int round;
	unsigned int k;

	for (round = 0; round < ROUNDS; round++) {
		double xx = 0.0;
		double xy = 0.0;
		double yy = 0.0;
		double xr = 0.0;
		double yr = 0.0;
		double det;

		for (k = 0; k < n; k++) {
			double w = TURN * p[k].hz;
			double rest = p[k].lead - (atan(a / w) - w * d);

			xx += 1.0 / (w * w);
			xy -= 1.0;
			yy += w * w;
			xr += rest / w;
			yr -= rest * w;
		}
		det = xx * yy - xy * xy;
		a += (xr * yy - yr * xy) / det;
		d += (yr * xx - xr * xy) / det;
	}
	/* a pole leads at all frequencies; one that lags is none */
	r->tau_s = a > 0.0 ? 1.0 / a : 0.0;
	r->delay_s = a > 0.0 ? d : delay_of(p, n);
}

int calibration_fit(const struct calibration_point *p, unsigned int n, struct calibration_result *r)
{
	double least = INFINITY;
	double most = 0.0;
	double lead = 0.0;
	double hz = 0.0;
	unsigned int k;

	*r = (struct calibration_result){ 0 };
	if (!n || n > CALIBRATION_POINTS_MAX)
		return -EINVAL;
	for (k = 0; k < n; k++) {
		if (!isfinite(p[k].gain) || !isfinite(p[k].lead) || !(p[k].hz > 0.0))
			return -EINVAL;
		least = fmin(least, p[k].hz);
		most = fmax(most, p[k].hz);
		r->gain += p[k].gain / n;
		lead += p[k].lead / n;
		hz += p[k].hz / n;
	}
	if (most - least >= CALIBRATION_APART_HZ)
		fit_both(p, n, r);
	else
		fit_one(lead, hz, r);
	if (r->tau_s > CALIBRATION_TAU_MAX_S)
		r->tau_s = 0.0;
	if (!(fabs(r->delay_s) <= CALIBRATION_DELAY_MAX_S))
		return -ERANGE;
	for (k = 0; k < n; k++) {
		double rest = p[k].lead - calibration_lead(r->tau_s, r->delay_s, p[k].hz);

		r->spread_gain = fmax(r->spread_gain, fabs(p[k].gain / r->gain - 1.0));
		r->spread_lead = fmax(r->spread_lead, fabs(rest));
	}
	/* the correction of the pole makes the current larger */
	r->gain *= cos(calibration_lead(r->tau_s, 0.0, hz));
	return 0;
}
