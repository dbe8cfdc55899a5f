// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ramp of an offset shows as the difference of the means of two windows. Half of it
 * is taken back at a time, as the mean follows with the delay of half a window;
 * the mean itself decays over some windows.
 */
#include "integral.h"

#include <math.h>
#include <string.h>

/* part of the ramp that is taken back with a window */
#define RAMP_PART 0.5
/* windows over which a mean decays */
#define MEAN_WINDOWS 32.0

void integral_begin(struct integral *g)
{
	g->sum = 0.0;
	g->has_mean = false;
	memset(g->past, 0, sizeof(g->past));
}

void integral_run(struct integral *g, const float *x, float *y, unsigned int n)
{
	double step = g->gain / 24.0;
	double fixed = g->gain * g->offset;
	double sum = g->sum;
	double a = g->past[0];
	double b = g->past[1];
	double c = g->past[2];
	unsigned int k;

	for (k = 0; k < n; k++) {
		double now = (double)x[k];

		sum += step * (9.0 * now + 19.0 * a - 5.0 * b + c) - fixed;
		c = b;
		b = a;
		a = now;
		y[k] = (float)sum;
	}
	g->sum = sum;
	g->past[0] = a;
	g->past[1] = b;
	g->past[2] = c;
}

void integral_steer(struct integral *g, double mean, double scans)
{
	double per = g->gain * scans;

	if (g->has_mean)
		g->offset += (RAMP_PART * (mean - g->mean) + mean / MEAN_WINDOWS) / per;
	g->mean = mean;
	g->has_mean = true;
}

double integral_mean(const float *x, double centre, double half)
{
	int first = (int)ceil(centre - half);
	int last = (int)floor(centre + half);
	double weights = 0.0;
	double sum = 0.0;
	int k;

	for (k = first < 0 ? 0 : first; k <= last; k++) {
		double weight = 1.0 + cos(M_PI * (k - centre) / half);

		weights += weight;
		sum += weight * (double)x[k];
	}
	return weights > 0.0 ? sum / weights : 0.0;
}
