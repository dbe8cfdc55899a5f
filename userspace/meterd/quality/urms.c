// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Integrals of v^2 between fractional positions, by the trapezoid rule as in window.c.
 */
#include "urms.h"

#include <math.h>

#include "float4.h"

/* Part of the integral from scan 0 to @at that lies around @at. */
static double edge_term(const float *v, double at)
{
	unsigned int m = (unsigned int)at;
	double a = at - m;

	return (a - 0.5 - 0.5 * a * a) * v[m] * v[m] + 0.5 * a * a * v[m + 1] * v[m + 1];
}

static double integral(const float *v, double from, double to)
{
	const float *x = v + (size_t)from + 1;
	size_t n = (size_t)to - (size_t)from;
	float4 lanes = { 0 };
	double sum = 0.0;
	size_t k;

	for (k = 0; k + FLOAT4_LANES <= n; k += FLOAT4_LANES)
		lanes += float4_load(x + k) * float4_load(x + k);
	for (; k < n; k++)
		sum += (double)(x[k] * x[k]);
	return sum + float4_sum(lanes) + edge_term(v, to) - edge_term(v, from);
}

void urms_begin(struct urms *u)
{
	u->known = false;
}

bool urms_half(struct urms *u, unsigned int slots, const float *const *v, double from, double to,
	       int64_t start_ns, int64_t end_ns, struct urms_value *value)
{
	double scans = to - from;
	bool known = u->known;
	unsigned int k;

	value->start_ns = u->start_ns;
	value->middle_ns = start_ns;
	value->end_ns = end_ns;
	value->slots = slots;
	for (k = 0; k < slots; k++) {
		double square = integral(v[k], from, to);

		value->v[k] = sqrt(fmax(u->square[k] + square, 0.0) / (u->scans + scans));
		u->square[k] = square;
	}
	u->known = true;
	u->start_ns = start_ns;
	u->scans = scans;
	return known;
}
