// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All filters are second-order sections in double precision, computed for four lanes at
 * a time so that the voltages share one loop. Their coefficients follow from those of
 * the standard by the bilinear transform, the cut-off of the low-pass warped to its
 * place. The scale follows from the definition: Pinst,max is 1 at 8.8 Hz for the
 * relative change that the standard gives for the lamp.
 *
 * The classifier is a histogram in which a class is the number of a value's exponent
 * and its first mantissa bits: 64 classes per octave without a logarithm.
 */
#include "flicker.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TURN (2.0 * M_PI)
#define LANES 4
/* 0.05 Hz high-pass, three of low-pass, two of the weighting */
#define SECTIONS 6
#define DECIMATED_HZ 2000.0
#define MEAN_S 27.3
#define MEMORY_S 0.3
/* the mean square is seeded with the mean of this time */
#define SEED_S 1.0
#define REFERENCE_HZ 8.8
/* classes: 2^-20 to 2^20 */
#define CLASS_BITS 6
#define CLASS_SHIFT (23 - CLASS_BITS)
#define CLASS_FIRST ((127u - 20u) << CLASS_BITS)
#define CLASSES (40u << CLASS_BITS)

/**
 * struct section - b0 + b1 z^-1 + b2 z^-2 over 1 + a1 z^-1 + a2 z^-2
 * @b: numerator
 * @a: denominator, without its leading 1
 * @z: state of each lane (transposed form II)
 */
struct section {
	double b[3];
	double a[2];
	double z[2][LANES];
};

/**
 * struct lamp - weighting filter of a lamp, IEC 61000-4-15 table of block 3
 * @k: gain
 * @lambda: damping, Hz (over 2 pi)
 * @w: corner frequencies, Hz
 * @change: relative change of the voltage at 8.8 Hz at which Pinst,max is 1
 */
struct lamp {
	double k;
	double lambda;
	double w[4];
	double change;
};

static const struct lamp lamps[] = {
	[FLICKER_230V] = { 1.74802, 4.05981, { 9.15494, 2.27979, 1.22535, 21.9 }, 0.0025 },
	[FLICKER_120V] = { 1.6357, 4.167375, { 9.077169, 2.939902, 1.394468, 17.31512 }, 0.00321 },
};

struct flicker {
	unsigned int slots;
	unsigned int decimation;
	double rate_hz; /* after decimation */
	double mean_part;
	double memory_part;
	double scale;
	struct section section[SECTIONS];
	double square[LANES]; /* sum of the samples of one decimated value */
	unsigned int squares;
	double mean_square[LANES];
	double memory[LANES]; /* Pinst */
	uint64_t taken;	      /* decimated values since the begin */
	uint64_t seed;
	uint64_t settle;
	/* the interval */
	bool lost;
	uint64_t counted;
	double peak[LANES];
	uint32_t *class[LANES];
};

/* Bilinear transform of (b2 s^2 + b1 s + b0) / (a2 s^2 + a1 s + a0); c is 2 * rate. */
static void bilinear(struct section *to, const double *b, const double *a, double c)
{
	double n = a[0] + a[1] * c + a[2] * c * c;

	to->b[0] = (b[0] + b[1] * c + b[2] * c * c) / n;
	to->b[1] = 2.0 * (b[0] - b[2] * c * c) / n;
	to->b[2] = (b[0] - b[1] * c + b[2] * c * c) / n;
	to->a[0] = 2.0 * (a[0] - a[2] * c * c) / n;
	to->a[1] = (a[0] - a[1] * c + a[2] * c * c) / n;
}

static void make_sections(struct flicker *f, const struct lamp *lamp, double cutoff_hz)
{
	double c = 2.0 * f->rate_hz;
	double w = c * tan(M_PI * cutoff_hz / f->rate_hz);
	double high = TURN * 0.05;
	double w1 = TURN * lamp->w[0];
	double w2 = TURN * lamp->w[1];
	double w3 = TURN * lamp->w[2];
	double w4 = TURN * lamp->w[3];
	unsigned int k;

	bilinear(&f->section[0], (double[]){ 0.0, 1.0, 0.0 }, (double[]){ high, 1.0, 0.0 }, c);
	for (k = 0; k < 3; k++) {
		double damping = 2.0 * cos(M_PI * (2 * k + 1) / 12.0);

		bilinear(&f->section[1 + k], (double[]){ w * w, 0.0, 0.0 },
			 (double[]){ w * w, damping * w, 1.0 }, c);
	}
	/* k w1 s / (s^2 + 2 lambda s + w1^2) and (1 + s/w2) / ((1 + s/w3) (1 + s/w4)) */
	bilinear(&f->section[4], (double[]){ 0.0, lamp->k * w1, 0.0 },
		 (double[]){ w1 * w1, 2.0 * TURN * lamp->lambda, 1.0 }, c);
	bilinear(&f->section[5], (double[]){ 1.0, 1.0 / w2, 0.0 },
		 (double[]){ 1.0, 1.0 / w3 + 1.0 / w4, 1.0 / (w3 * w4) }, c);
}

/* Amplitude that a modulation of @hz has behind the sections. */
static double response(const struct flicker *f, double hz)
{
	double complex z = cexp(-I * TURN * hz / f->rate_hz);
	double complex h = 1.0;
	unsigned int k;

	for (k = 0; k < SECTIONS; k++) {
		const struct section *s = &f->section[k];

		h *= (s->b[0] + s->b[1] * z + s->b[2] * z * z) /
		     (1.0 + s->a[0] * z + s->a[1] * z * z);
	}
	return cabs(h);
}

/*
 * A voltage with the relative change d (from peak to peak) at a frequency has the
 * square 1 + d sin(wt) and the sensation d^2/2 |H|^2 (1 - cos(2wt)), of which the
 * memory leaves a part of the cosine.
 */
static double make_scale(const struct flicker *f, const struct lamp *lamp)
{
	double amplitude = lamp->change * response(f, REFERENCE_HZ);
	double ripple = 1.0 / hypot(1.0, 2.0 * TURN * REFERENCE_HZ * MEMORY_S);

	return 1.0 / (0.5 * amplitude * amplitude * (1.0 + ripple));
}

int flicker_create(struct flicker **out, double rate_hz, enum flicker_lamp lamp, double mains_hz,
		   unsigned int slots)
{
	struct flicker *f;
	unsigned int k;

	if (!(rate_hz >= 400.0))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->slots = slots;
	f->decimation = rate_hz < 2.0 * DECIMATED_HZ ? 1 : (unsigned int)(rate_hz / DECIMATED_HZ);
	f->rate_hz = rate_hz / f->decimation;
	f->mean_part = 1.0 - exp(-1.0 / (MEAN_S * f->rate_hz));
	f->memory_part = 1.0 - exp(-1.0 / (MEMORY_S * f->rate_hz));
	f->seed = (uint64_t)(SEED_S * f->rate_hz);
	f->settle = (uint64_t)(FLICKER_SETTLE_S * f->rate_hz);
	f->class[0] = calloc((size_t)slots * CLASSES, sizeof(*f->class[0]));
	if (!f->class[0]) {
		flicker_destroy(f);
		return -ENOMEM;
	}
	for (k = 1; k < slots; k++)
		f->class[k] = f->class[0] + (size_t)k * CLASSES;
	flicker_system(f, lamp, mains_hz);
	*out = f;
	return 0;
}

void flicker_system(struct flicker *f, enum flicker_lamp lamp, double mains_hz)
{
	make_sections(f, &lamps[lamp], mains_hz < 55.0 ? 35.0 : 42.0);
	f->scale = make_scale(f, &lamps[lamp]);
	flicker_begin(f);
}

void flicker_destroy(struct flicker *f)
{
	if (!f)
		return;
	free(f->class[0]);
	free(f);
}

void flicker_begin(struct flicker *f)
{
	unsigned int k;

	f->taken = 0;
	f->squares = 0;
	f->lost = true;
	memset(f->square, 0, sizeof(f->square));
	memset(f->mean_square, 0, sizeof(f->mean_square));
	memset(f->memory, 0, sizeof(f->memory));
	for (k = 0; k < SECTIONS; k++)
		memset(f->section[k].z, 0, sizeof(f->section[k].z));
}

static inline void filter(struct section *s, double *x)
{
	unsigned int k;

#pragma omp simd
	for (k = 0; k < LANES; k++) {
		double y = s->b[0] * x[k] + s->z[0][k];

		s->z[0][k] = s->b[1] * x[k] - s->a[0] * y + s->z[1][k];
		s->z[1][k] = s->b[2] * x[k] - s->a[1] * y;
		x[k] = y;
	}
}

static void count(struct flicker *f, unsigned int slot)
{
	float value = (float)f->memory[slot];
	uint32_t bits;
	uint32_t class;

	memcpy(&bits, &value, sizeof(bits));
	class = bits >> CLASS_SHIFT;
	class = class < CLASS_FIRST ? 0 : class - CLASS_FIRST;
	f->class[slot][class < CLASSES ? class : CLASSES - 1]++;
	f->peak[slot] = fmax(f->peak[slot], f->memory[slot]);
}

/* One decimated value of each lane: the mean of v^2. */
static void step(struct flicker *f, const double *square)
{
	double part = f->taken < f->seed ? 1.0 / (double)(f->taken + 1) : f->mean_part;
	double x[LANES];
	unsigned int k;

	for (k = 0; k < LANES; k++) {
		f->mean_square[k] += part * (square[k] - f->mean_square[k]);
		/* minus 1: the high-pass has nothing to settle from */
		x[k] = f->mean_square[k] > 0.0 && f->taken >= f->seed
			       ? square[k] / f->mean_square[k] - 1.0
			       : 0.0;
	}
	for (k = 0; k < SECTIONS; k++)
		filter(&f->section[k], x);
	for (k = 0; k < LANES; k++)
		f->memory[k] += f->memory_part * (f->scale * x[k] * x[k] - f->memory[k]);
	if (++f->taken < f->settle)
		return;
	f->counted++;
	for (k = 0; k < f->slots; k++)
		count(f, k);
}

void flicker_scans(struct flicker *f, const float *const *v, unsigned int scans)
{
	unsigned int done;
	unsigned int n;
	unsigned int j;
	unsigned int k;

	for (done = 0; done < scans; done += n) {
		n = f->decimation - f->squares;
		if (n > scans - done)
			n = scans - done;
		for (k = 0; k < f->slots; k++) {
			const float *x = v[k] + done;
			float sum = 0.0f;

			for (j = 0; j < n; j++)
				sum += x[j] * x[j];
			f->square[k] += sum;
		}
		f->squares += n;
		if (f->squares < f->decimation)
			return;
		step(f, f->square);
		f->squares = 0;
		memset(f->square, 0, sizeof(f->square));
	}
}

double flicker_pinst(const struct flicker *f, unsigned int slot)
{
	return f->memory[slot];
}

double flicker_peak(const struct flicker *f, unsigned int slot)
{
	return f->peak[slot];
}

static double class_begin(uint32_t class)
{
	uint32_t bits = (class + CLASS_FIRST) << CLASS_SHIFT;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return class ? value : 0.0;
}

/* The level that is exceeded for @percent of the time. */
static double percentile(const uint32_t *class, uint64_t total, double percent)
{
	double wanted = percent / 100.0 * (double)total;
	double above = 0.0;
	uint32_t k;

	for (k = CLASSES; k-- > 0;) {
		double begin = class_begin(k);

		if (above + class[k] >= wanted && class[k])
			return begin +
			       (class_begin(k + 1) - begin) * (1.0 - (wanted - above) / class[k]);
		above += class[k];
	}
	return 0.0;
}

static double mean_of(const uint32_t *class, uint64_t total, const double *percent, unsigned int n)
{
	double sum = 0.0;
	unsigned int k;

	for (k = 0; k < n; k++)
		sum += percentile(class, total, percent[k]);
	return sum / n;
}

static double pst(const uint32_t *class, uint64_t total)
{
	static const double p1[] = { 0.7, 1.0, 1.5 };
	static const double p3[] = { 2.2, 3.0, 4.0 };
	static const double p10[] = { 6.0, 8.0, 10.0, 13.0, 17.0 };
	static const double p50[] = { 30.0, 50.0, 80.0 };

	return sqrt(0.0314 * percentile(class, total, 0.1) + 0.0525 * mean_of(class, total, p1, 3) +
		    0.0657 * mean_of(class, total, p3, 3) + 0.28 * mean_of(class, total, p10, 5) +
		    0.08 * mean_of(class, total, p50, 3));
}

bool flicker_interval(struct flicker *f, double *value, double *seconds)
{
	bool complete = !f->lost;
	unsigned int k;

	for (k = 0; k < f->slots; k++)
		value[k] = f->counted ? pst(f->class[k], f->counted) : NAN;
	*seconds = (double)f->counted / f->rate_hz;
	memset(f->class[0], 0, (size_t)f->slots * CLASSES * sizeof(*f->class[0]));
	memset(f->peak, 0, sizeof(f->peak));
	f->counted = 0;
	f->lost = f->taken < f->settle;
	return complete;
}
