// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel is a sinc under a Kaiser window, tabulated at PHASES places between
 * two scans; between two rows the weights are linear, which costs 5e-6. Every row
 * has the sum 1, so that DC passes as it is.
 */
#include "resample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cycle.h"
#include "float4.h"

#define PHASES 512
#define POINTS_MIN 32
#define POINTS_MAX 1024
/* of the Kaiser window: images of the fundamental below 1e-5 */
#define BETA 8.0
/* steps of the gain's table over half the sampling rate */
#define GAINS 256
/* rows from one to the next that are looked at for it: the kernel is smooth */
#define GAIN_STEP 8

struct resample {
	unsigned int points;
	float row[PHASES + 1][RESAMPLE_TAPS];
	float gain[GAINS + 1];
	/* of the cycle */
	unsigned int *first; /* scan of the first weight of each point */
	float *weight;	     /* RESAMPLE_TAPS of each point */
};

/* Modified Bessel function of the first kind and order 0, by its series. */
static double bessel(double x)
{
	double term = 1.0;
	double sum = 1.0;
	int k;

	for (k = 1; term > 1e-12 * sum; k++) {
		term *= x * x / (4.0 * k * k);
		sum += term;
	}
	return sum;
}

static double kernel(double t)
{
	double x = t / (RESAMPLE_TAPS / 2);
	double sinc = fabs(t) < 1e-9 ? 1.0 : sin(M_PI * t) / (M_PI * t);

	return fabs(x) >= 1.0 ? 0.0 : sinc * bessel(BETA * sqrt(1.0 - x * x)) / bessel(BETA);
}

/* Row k is for a point k / PHASES after the scan RESAMPLE_TAPS / 2 - 1 of its weights. */
static double place(unsigned int tap, unsigned int row)
{
	return (double)tap - (RESAMPLE_TAPS / 2 - 1) - (double)row / PHASES;
}

static void make_rows(struct resample *r)
{
	unsigned int k;
	unsigned int j;

	for (k = 0; k <= PHASES; k++) {
		double sum = 0.0;

		for (j = 0; j < RESAMPLE_TAPS; j++)
			sum += kernel(place(j, k));
		for (j = 0; j < RESAMPLE_TAPS; j++)
			r->row[k][j] = (float)(kernel(place(j, k)) / sum);
	}
}

/* The gain is the Fourier transform of the kernel; its sine part cancels. */
static void make_gains(struct resample *r)
{
	unsigned int g;
	unsigned int k;
	unsigned int j;

	for (g = 0; g <= GAINS; g++) {
		double sum = 0.0;

		for (k = 0; k < PHASES; k += GAIN_STEP)
			for (j = 0; j < RESAMPLE_TAPS; j++)
				sum += r->row[k][j] * cos(M_PI * g / GAINS * place(j, k));
		r->gain[g] = (float)(sum * GAIN_STEP / PHASES);
	}
}

int resample_create(struct resample **out, double rate_hz)
{
	struct resample *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->points = POINTS_MIN;
	while (r->points < POINTS_MAX && r->points < rate_hz / CYCLE_MIN_HZ)
		r->points *= 2;
	r->first = calloc(r->points, sizeof(*r->first));
	r->weight = aligned_alloc(sizeof(float4), r->points * RESAMPLE_TAPS * sizeof(*r->weight));
	if (!r->first || !r->weight) {
		resample_destroy(r);
		return -ENOMEM;
	}
	memset(r->weight, 0, r->points * RESAMPLE_TAPS * sizeof(*r->weight));
	make_rows(r);
	make_gains(r);
	*out = r;
	return 0;
}

void resample_destroy(struct resample *r)
{
	if (!r)
		return;
	free(r->first);
	free(r->weight);
	free(r);
}

unsigned int resample_points_per_cycle(const struct resample *r)
{
	return r->points;
}

void resample_cycle(struct resample *r, unsigned int scans, double from, double to)
{
	double step = (to - from) / r->points;
	unsigned int p;
	unsigned int j;

	for (p = 0; p < r->points; p++) {
		double at = from + p * step;
		double whole = floor(at);
		double first = whole - (RESAMPLE_TAPS / 2 - 1);
		float phase = (float)((at - whole) * PHASES);
		unsigned int k = phase < PHASES ? (unsigned int)phase : PHASES - 1;
		float part = phase - (float)k;
		const float *restrict a = r->row[k];
		const float *restrict b = r->row[k + 1];
		float *restrict weight = r->weight + (size_t)p * RESAMPLE_TAPS;

		first = fmax(0.0, fmin(first, (double)scans - RESAMPLE_TAPS));
		r->first[p] = (unsigned int)first;
		for (j = 0; j < RESAMPLE_TAPS; j++)
			weight[j] = a[j] + part * (b[j] - a[j]);
	}
}

void resample_points(const struct resample *r, const float *x, float *points)
{
	const float *weight = r->weight;
	unsigned int p;

	for (p = 0; p < r->points; p++, weight += RESAMPLE_TAPS) {
		const float *scan = x + r->first[p];
		float4 sum = float4_load(scan) * float4_load(weight);

		sum += float4_load(scan + 4) * float4_load(weight + 4);
		sum += float4_load(scan + 8) * float4_load(weight + 8);
		points[p] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
	}
}

double resample_gain(const struct resample *r, double per_scan)
{
	double at = fmax(0.0, fmin(per_scan, 0.5)) * (2 * GAINS);
	unsigned int k = at < GAINS ? (unsigned int)at : GAINS - 1;

	return r->gain[k] + (at - k) * (double)(r->gain[k + 1] - r->gain[k]);
}
