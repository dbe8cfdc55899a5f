// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The moving average is a running sum over the difference, shortened at the rims of
 * the cycle.
 */
#include "transient.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reading.h"

/* half the length of the moving average, parts of a cycle */
#define HALF_PART 32

struct transient {
	unsigned int points;
	unsigned int slots;
	bool known[READING_PHASES_MAX];
	float *last[READING_PHASES_MAX];
	float *difference;
};

int transient_create(struct transient **out, unsigned int points, unsigned int slots)
{
	struct transient *t = calloc(1, sizeof(*t));
	unsigned int k;

	if (!t)
		return -ENOMEM;
	t->points = points;
	t->slots = slots;
	t->difference = calloc((size_t)points * (slots + 1), sizeof(float));
	if (!t->difference) {
		free(t);
		return -ENOMEM;
	}
	for (k = 0; k < slots; k++)
		t->last[k] = t->difference + (size_t)points * (k + 1);
	*out = t;
	return 0;
}

void transient_destroy(struct transient *t)
{
	if (!t)
		return;
	free(t->difference);
	free(t);
}

void transient_begin(struct transient *t)
{
	memset(t->known, 0, sizeof(t->known));
}

static void find_peak(const struct transient *t, struct transient_peak *peak)
{
	const float *d = t->difference;
	int points = (int)t->points;
	int half = points / HALF_PART;
	float sum = 0.0f;
	float best = -1.0f;
	int at = 0;
	int from;
	int to;
	int k;

	for (k = 0; k < half; k++)
		sum += d[k];
	for (k = 0; k < points; k++) {
		float quick;

		if (k + half < points)
			sum += d[k + half];
		if (k > half)
			sum -= d[k - half - 1];
		from = k - half < 0 ? 0 : k - half;
		to = k + half < points ? k + half : points - 1;
		quick = fabsf(d[k] - sum / (float)(to - from + 1));
		if (quick > best) {
			best = quick;
			at = k;
		}
	}
	peak->quick_v = best;
	peak->part = (double)at / points;
	peak->deviation_v = 0.0;
	for (k = at - half < 0 ? 0 : at - half; k <= at + half && k < points; k++)
		peak->deviation_v = fmax(peak->deviation_v, fabsf(d[k]));
}

bool transient_cycle(struct transient *t, unsigned int slot, const float *points,
		     struct transient_peak *peak)
{
	float *restrict last = t->last[slot];
	float *restrict d = t->difference;
	bool known = t->known[slot];
	unsigned int k;

	for (k = 0; k < t->points; k++) {
		d[k] = points[k] - last[k];
		last[k] = points[k];
	}
	t->known[slot] = true;
	if (known)
		find_peak(t, peak);
	return known;
}
