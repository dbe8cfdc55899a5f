// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Points of two windows are held: that which is being filled, and that which is
 * being transformed. The plans are estimated and not measured, so that every run takes
 * the same ones and gives the same bits.
 */
#include "harmonics.h"

#include <errno.h>
#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a window's transforms are spread over this many cycles of the next one */
#define SPREAD 8
/* window lengths: 10 and 12 cycles */
enum { LENGTH_50, LENGTH_60, LENGTHS };

static const unsigned int length_cycles[LENGTHS] = { 10, 12 };

/**
 * struct job - the window that is being transformed
 * @length: of the window, LENGTH_50 or LENGTH_60
 * @next: first signal that is still to be done; all are when it is the number of signals
 * @window: its number
 * @orders: highest order
 * @scale: from a bin to an RMS value, by order
 */
struct job {
	unsigned int length;
	unsigned int next;
	uint64_t window;
	unsigned int orders;
	float scale[HARMONICS_MAX + 1];
};

struct harmonics {
	unsigned int points;
	unsigned int signals;
	unsigned int cycles; /* of the window in progress */
	unsigned int filling;
	float *window[2];
	fftwf_complex *bin;
	fftwf_plan plan[LENGTHS];
	struct job job;
	struct spectrum *spectrum[2]; /* the result, and the one in progress */
	unsigned int done;	      /* which of them is the result */
	bool have_result;
	struct harmonics_result result;
};

static size_t window_floats(const struct harmonics *h)
{
	return (size_t)HARMONICS_CYCLES_MAX * h->points;
}

static int allocate(struct harmonics *h)
{
	size_t floats = window_floats(h);
	unsigned int k;

	for (k = 0; k < 2; k++) {
		h->window[k] = fftwf_alloc_real(h->signals * floats);
		h->spectrum[k] = calloc(h->signals, sizeof(*h->spectrum[k]));
		if (!h->window[k] || !h->spectrum[k])
			return -ENOMEM;
		memset(h->window[k], 0, h->signals * floats * sizeof(float));
	}
	h->bin = fftwf_alloc_complex(floats / 2 + 1);
	if (!h->bin)
		return -ENOMEM;
	for (k = 0; k < LENGTHS; k++) {
		h->plan[k] =
			fftwf_plan_dft_r2c_1d((int)(length_cycles[k] * h->points), h->window[0],
					      h->bin, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
		if (!h->plan[k])
			return -ENOMEM;
	}
	return 0;
}

int harmonics_create(struct harmonics **out, unsigned int points, unsigned int signals)
{
	struct harmonics *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->points = points;
	h->signals = signals;
	h->job.next = signals;
	h->result.signals = signals;
	if (allocate(h)) {
		harmonics_destroy(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void harmonics_destroy(struct harmonics *h)
{
	unsigned int k;

	if (!h)
		return;
	for (k = 0; k < LENGTHS; k++)
		if (h->plan[k])
			fftwf_destroy_plan(h->plan[k]);
	for (k = 0; k < 2; k++) {
		fftwf_free(h->window[k]);
		free(h->spectrum[k]);
	}
	fftwf_free(h->bin);
	free(h);
}

void harmonics_begin(struct harmonics *h)
{
	h->cycles = 0;
}

float *harmonics_target(struct harmonics *h, unsigned int signal)
{
	unsigned int cycle =
		h->cycles < HARMONICS_CYCLES_MAX ? h->cycles : HARMONICS_CYCLES_MAX - 1;

	return h->window[h->filling] + signal * window_floats(h) + (size_t)cycle * h->points;
}

static float square(const fftwf_complex *x)
{
	return (*x)[0] * (*x)[0] + (*x)[1] * (*x)[1];
}

/* Power of the bins @from ... @to. */
static float power(const fftwf_complex *x, unsigned int from, unsigned int to)
{
	float sum = 0.0f;

	for (; from <= to; from++)
		sum += square(&x[from]);
	return sum;
}

static void evaluate(const struct harmonics *h, struct spectrum *s)
{
	const struct job *job = &h->job;
	const fftwf_complex *x = h->bin;
	unsigned int n = length_cycles[job->length];
	unsigned int order;

	s->subgroup[0] = x[0][0] / (float)(n * h->points);
	for (order = 1; order <= job->orders; order++) {
		const fftwf_complex *c = x + order * n;
		float scale = job->scale[order];
		float near = power(c - 1, 0, 2);
		float half = 0.5f * (square(c - n / 2) + square(c + n / 2));

		s->subgroup[order] = scale * sqrtf(near);
		s->group[order] = scale * sqrtf(near + power(c - n / 2 + 1, 0, n / 2 - 3) +
						power(c + 2, 0, n / 2 - 3) + half);
		s->inter[order] = scale * sqrtf(power(c + 2, 0, n - 4));
		/* A sin(x) is the real part of A exp(jx) / j */
		s->re[order] = -scale * (*c)[1];
		s->im[order] = scale * (*c)[0];
	}
	s->inter[0] = job->scale[0] * sqrtf(power(x + 2, 0, n - 4));
}

/* Transform up to @most signals. Return: true when it was the last. */
static bool work(struct harmonics *h, unsigned int most)
{
	struct job *job = &h->job;
	struct spectrum *to = h->spectrum[!h->done];

	if (job->next == h->signals)
		return false;
	for (; most && job->next < h->signals; most--, job->next++) {
		fftwf_execute_dft_r2c(h->plan[job->length],
				      h->window[!h->filling] + job->next * window_floats(h),
				      h->bin);
		evaluate(h, &to[job->next]);
	}
	if (job->next < h->signals)
		return false;
	h->done = !h->done;
	h->have_result = true;
	h->result.window = job->window;
	h->result.orders = job->orders;
	h->result.spectrum = h->spectrum[h->done];
	return true;
}

bool harmonics_cycle(struct harmonics *h)
{
	/* one more than a window has: too long, harmonics_end() drops it */
	if (h->cycles <= HARMONICS_CYCLES_MAX)
		h->cycles++;
	return work(h, (h->signals + SPREAD - 1) / SPREAD);
}

void harmonics_end(struct harmonics *h, const struct resample *r, double scans_per_cycle,
		   uint64_t window)
{
	unsigned int length = h->cycles == length_cycles[LENGTH_60] ? LENGTH_60 : LENGTH_50;
	double orders = fmin(floor(RESAMPLE_BAND * scans_per_cycle), HARMONICS_MAX);
	struct job *job = &h->job;
	unsigned int order;

	/* the window before is done by now, unless this one is too short to be used */
	if (h->cycles != length_cycles[length] || job->next < h->signals || orders < 1.0) {
		harmonics_begin(h);
		return;
	}
	job->length = length;
	job->next = 0;
	job->window = window;
	job->orders = (unsigned int)orders;
	/* the group of the highest order must be below half the points */
	if (job->orders > h->points / 2 - 1)
		job->orders = h->points / 2 - 1;
	for (order = 0; order <= job->orders; order++)
		job->scale[order] = (float)(M_SQRT2 / (h->cycles * h->points) /
					    resample_gain(r, order / scans_per_cycle));
	h->filling = !h->filling;
	harmonics_begin(h);
}

const struct harmonics_result *harmonics_result(const struct harmonics *h)
{
	return h->have_result ? &h->result : NULL;
}

double harmonics_thd(const struct spectrum *s, unsigned int orders)
{
	double sum = 0.0;
	unsigned int order;

	for (order = 2; order <= orders && order <= HARMONICS_THD_MAX; order++)
		sum += (double)s->subgroup[order] * s->subgroup[order];
	return s->subgroup[1] > 0.0f ? sqrt(sum) / s->subgroup[1] : NAN;
}

double harmonics_k_factor(const struct spectrum *s, unsigned int orders)
{
	double weighted = 0.0;
	double sum = 0.0;
	unsigned int order;

	for (order = 1; order <= orders; order++) {
		double square_h = (double)s->subgroup[order] * s->subgroup[order];

		weighted += order * order * square_h;
		sum += square_h;
	}
	return s->subgroup[1] > 0.0f ? weighted / sum : NAN;
}

double harmonics_power(const struct spectrum *v, const struct spectrum *i, unsigned int order)
{
	return (double)v->re[order] * i->re[order] + (double)v->im[order] * i->im[order];
}
