// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracker is feed-forward: the next edge is expected one cycle after the last
 * one, the phase of the fundamental is measured at the scan next to that place,
 * and the edge is where this phase is zero. Nothing is filtered over time except
 * the frequency used for the window (median of the last nine cycles), so a phase
 * jump is over as soon as the window has passed it.
 */
#include "cycle.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "float4.h"

#define TURN (2.0 * M_PI)
/* half the length of the window, cycles */
#define HALF_CYCLES 1.5
/* the search needs a window and one cycle more */
#define SEARCH_CYCLES (2.0 * HALF_CYCLES + 1.0)
/* below this nothing is tracked, V */
#define LEAST_V 5.0
/* a dip to below this part of the amplitude before it is held over */
#define DIP 0.1
/* longest hold-over, s */
#define HOLD_S 1.0
/* the window is made anew when the frequency is off by this part */
#define RETUNE 3e-4
/*
 * An amplitude that changed by more than this part since the cycle before is a step
 * within the window, whose zeros are gone: count on, but not longer than UNSTEADY_MAX
 */
#define STEADY 0.03
#define UNSTEADY_MAX 8
/* the same in a search */
#define STEADY_SEARCH 0.1
/* the signal in the search must be a fundamental by this part of its power */
#define PURITY 0.5
/* a cycle longer or shorter than the median by this part is a phase jump; 5 degrees */
#define JUMP (5.0 / 360.0)
#define NOMINAL_HZ 50.0
#define RECENT 9
/* without lock a search is made once in this many cycles */
#define SEEK_CYCLES 4.0

/**
 * struct phase - what a window shows
 * @turns: phase from the upward zero crossing, -0.5 to 0.5 turns
 * @rms: of the fundamental
 */
struct phase {
	double turns;
	double rms;
};

struct cycle {
	double rate_hz;
	double per_scan;       /* cycles per scan, last known */
	double last;	       /* last edge */
	double recent[RECENT]; /* lengths of the last cycles, scans */
	unsigned int recents;  /* of them valid */
	double usual_rms;      /* amplitude while locked, slow mean */
	double last_rms;       /* of the last cycle */
	unsigned int unsteady; /* cycles counted in a row because of a step */
	double held;	       /* cycles since the last measured edge */
	enum cycle_state state;
	bool started;		   /* last is valid */
	unsigned int search_scans; /* needed for a search */
	/* the window: w(k) cos, w(k) sin for k = 0 ... half */
	double window_per_scan;
	unsigned int half;
	unsigned int half_max;
	float *even;
	float *odd;
	double gain; /* from the sum to the peak value */
};

int cycle_create(struct cycle **out, double rate_hz)
{
	struct cycle *c;

	if (!(rate_hz >= 6.0 * CYCLE_MAX_HZ))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->rate_hz = rate_hz;
	c->per_scan = NOMINAL_HZ / rate_hz;
	c->search_scans = (unsigned int)ceil(SEARCH_CYCLES * rate_hz / CYCLE_MIN_HZ) + 4;
	/* the search begins below the range of lock */
	c->half_max = (unsigned int)ceil(HALF_CYCLES * rate_hz / (CYCLE_MIN_HZ - 3.0)) + 2;
	c->even = calloc(c->half_max + 1, sizeof(*c->even));
	c->odd = calloc(c->half_max + 1, sizeof(*c->odd));
	if (!c->even || !c->odd) {
		cycle_destroy(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void cycle_destroy(struct cycle *c)
{
	if (!c)
		return;
	free(c->even);
	free(c->odd);
	free(c);
}

void cycle_reset(struct cycle *c)
{
	c->started = false;
	c->recents = 0;
	c->state = CYCLE_FREE;
}

void cycle_shift(struct cycle *c, unsigned int scans)
{
	c->last -= scans;
}

unsigned int cycle_history(const struct cycle *c)
{
	return c->search_scans;
}

unsigned int cycle_keep(const struct cycle *c)
{
	double before = HALF_CYCLES / c->per_scan;
	double first;

	if (c->state == CYCLE_FREE && before < c->search_scans / 2.0)
		before = c->search_scans / 2.0;
	first = c->last + 1.0 / c->per_scan - before - 4.0;
	if (!c->started || first < 0.0)
		return 0;
	return (unsigned int)first;
}

static void tune(struct cycle *c, double per_scan)
{
	double length = 2.0 * HALF_CYCLES / per_scan;
	double sum = 0.0;
	unsigned int k;

	if (fabs(per_scan - c->window_per_scan) <= RETUNE * per_scan)
		return;
	c->window_per_scan = per_scan;
	c->half = (unsigned int)(length / 2.0);
	if (c->half > c->half_max)
		c->half = c->half_max;
	for (k = 0; k <= c->half; k++) {
		double w = 0.5 + 0.5 * cos(TURN * k / length);

		c->even[k] = (float)(w * cos(TURN * per_scan * k));
		c->odd[k] = (float)(w * sin(TURN * per_scan * k));
		sum += k ? 2.0 * w : w;
	}
	c->gain = 2.0 / sum;
}

/* Phase at x[0]; half a window of scans on both sides must be there. */
static struct phase measure(const struct cycle *c, const float *x)
{
	float4 re = { 0 };
	float4 im = { 0 };
	double r = (double)c->even[0] * x[0];
	double i = 0.0;
	size_t k;

	for (k = 1; k + FLOAT4_LANES <= c->half + 1; k += FLOAT4_LANES) {
		float4 after = float4_load(x + k);
		float4 back = float4_load(x - k - (FLOAT4_LANES - 1));
		float4 before = __builtin_shufflevector(back, back, 3, 2, 1, 0);

		re += float4_load(c->even + k) * (after + before);
		im += float4_load(c->odd + k) * (before - after);
	}
	for (; k <= c->half; k++) {
		float after = x[k];
		float before = x[-(int)k];

		r += (double)(c->even[k] * (after + before));
		i += (double)(c->odd[k] * (before - after));
	}
	r += float4_sum(re);
	i += float4_sum(im);
	/* x = A sin(theta) has the phasor A exp(j theta) / j */
	return (struct phase){
		.turns = atan2(r, -i) / TURN,
		.rms = hypot(r, i) * c->gain * M_SQRT1_2,
	};
}

static double wrap(double turns)
{
	return turns - floor(turns + 0.5);
}

static double mean_square(const float *x, unsigned int scans)
{
	double sum = 0.0;
	double square = 0.0;
	unsigned int k;

	for (k = 0; k < scans; k++) {
		sum += x[k];
		square += (double)x[k] * x[k];
	}
	sum /= scans;
	return square / scans - sum * sum;
}

/*
 * Look for a fundamental in the first search_scans of @x: a coarse scan over the
 * range, then the phase advance over one cycle, twice.
 *
 * Return: true, with the window tuned to it.
 */
static bool search(struct cycle *c, const float *x)
{
	double power = mean_square(x, c->search_scans);
	unsigned int middle = c->search_scans / 2;
	double best_hz = 0.0;
	struct phase best = { 0 };
	bool steady = false;
	double hz;
	int pass;

	if (power < LEAST_V * LEAST_V)
		return false;
	for (hz = CYCLE_MIN_HZ - 1.5; hz < CYCLE_MAX_HZ + 3.0; hz += 2.0) {
		struct phase p;

		tune(c, hz / c->rate_hz);
		p = measure(c, x + middle);
		if (p.rms > best.rms) {
			best = p;
			best_hz = hz;
		}
	}
	if (best.rms < LEAST_V || best.rms * best.rms < PURITY * power)
		return false;
	for (pass = 0; pass < 3; pass++) {
		double per_scan = best_hz / c->rate_hz;
		unsigned int step = (unsigned int)lrint(0.9 / per_scan);
		const float *first = x + (c->search_scans - step) / 2;
		struct phase before;
		struct phase after;

		tune(c, per_scan);
		before = measure(c, first);
		after = measure(c, first + step);
		best_hz += wrap(after.turns - before.turns - per_scan * step) / step * c->rate_hz;
		if (best_hz < CYCLE_MIN_HZ - 1.0 || best_hz > CYCLE_MAX_HZ + 1.0)
			return false;
		steady = fabs(after.rms - before.rms) < STEADY_SEARCH * after.rms;
	}
	if (!steady || best_hz < CYCLE_MIN_HZ || best_hz > CYCLE_MAX_HZ)
		return false;
	c->per_scan = best_hz / c->rate_hz;
	tune(c, c->per_scan);
	return true;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Remember the length of a cycle; the frequency is the median of the last ones. */
static void learn(struct cycle *c, double length)
{
	double sorted[RECENT];
	unsigned int n;

	memmove(c->recent + 1, c->recent, (RECENT - 1) * sizeof(*c->recent));
	c->recent[0] = length;
	if (c->recents < RECENT)
		c->recents++;
	n = c->recents;
	memcpy(sorted, c->recent, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	c->per_scan = 2.0 / (sorted[(n - 1) / 2] + sorted[n / 2]);
}

/* Begin at the scan @at, which has half a window on both sides. */
static void lock(struct cycle *c, const float *x, unsigned int at, struct cycle_edge *edge)
{
	struct phase p = measure(c, x + at);

	c->last = at - p.turns / c->per_scan;
	c->started = true;
	c->state = CYCLE_LOCKED;
	c->recents = 0;
	c->held = 0.0;
	c->usual_rms = p.rms;
	c->last_rms = p.rms;
	c->unsteady = 0;
	*edge = (struct cycle_edge){
		.position = c->last,
		.per_scan = c->per_scan,
		.state = CYCLE_LOCKED,
		.begin = true,
	};
}

/* An edge that is only counted, one cycle after the last. */
static void coast(struct cycle *c, struct cycle_edge *edge)
{
	c->last += 1.0 / c->per_scan;
	c->held += 1.0;
	if (c->state == CYCLE_LOCKED)
		c->state = CYCLE_HOLD;
	if (c->state == CYCLE_HOLD && c->held > HOLD_S * c->per_scan * c->rate_hz)
		c->state = CYCLE_FREE;
	*edge = (struct cycle_edge){
		.position = c->last,
		.per_scan = c->per_scan,
		.state = c->state,
	};
}

static bool start(struct cycle *c, const float *x, unsigned int scans, struct cycle_edge *edge)
{
	if (scans < c->search_scans)
		return false;
	if (search(c, x)) {
		lock(c, x, c->half + 1, edge);
		return true;
	}
	c->last = 1.0;
	c->started = true;
	c->state = CYCLE_FREE;
	*edge = (struct cycle_edge){
		.position = c->last,
		.per_scan = c->per_scan,
		.begin = true,
	};
	return true;
}

/* Did the amplitude hold since the last cycle? */
static bool is_steady(struct cycle *c, double rms)
{
	bool steady = fabs(rms - c->last_rms) <= STEADY * rms;

	c->last_rms = rms;
	if (steady || c->unsteady >= UNSTEADY_MAX) {
		c->unsteady = 0;
		return true;
	}
	c->unsteady++;
	return false;
}

static void follow(struct cycle *c, const float *x, unsigned int at, struct cycle_edge *edge)
{
	struct phase p = measure(c, x + at);
	bool steady = is_steady(c, p.rms);
	double expected = 1.0 / c->per_scan;
	double length;

	if (p.rms < DIP * c->usual_rms || p.rms < LEAST_V || !steady) {
		coast(c, edge);
		return;
	}
	length = at - p.turns / c->per_scan - c->last;
	c->last += length;
	edge->jump = fabs(length / expected - 1.0) > JUMP;
	if (c->state == CYCLE_LOCKED) {
		c->usual_rms += (p.rms - c->usual_rms) / 32.0;
		learn(c, length);
	}
	c->state = CYCLE_LOCKED;
	c->held = 0.0;
	edge->position = c->last;
	edge->per_scan = c->per_scan;
	edge->state = CYCLE_LOCKED;
	edge->begin = false;
	tune(c, c->per_scan);
	if (c->per_scan * c->rate_hz < CYCLE_MIN_HZ || c->per_scan * c->rate_hz > CYCLE_MAX_HZ)
		c->state = CYCLE_FREE;
}

/*
 * Without lock: look for a signal around the next place, but only at every fourth
 * cycle, since a search costs as much as a hundred measurements.
 */
static bool seek(struct cycle *c, const float *x, unsigned int at, unsigned int scans,
		 struct cycle_edge *edge)
{
	unsigned int before = c->search_scans / 2;

	if (at + c->search_scans - before >= scans)
		return false;
	if (at >= before && fmod(c->held, SEEK_CYCLES) == 0.0 && search(c, x + at - before))
		lock(c, x, at, edge);
	else
		coast(c, edge);
	return true;
}

bool cycle_next(struct cycle *c, const float *x, unsigned int scans, struct cycle_edge *edge)
{
	unsigned int at;
	unsigned int half;

	if (!c->started)
		return start(c, x, scans, edge);
	at = (unsigned int)lrint(c->last + 1.0 / c->per_scan);
	if (c->state == CYCLE_FREE)
		return seek(c, x, at, scans, edge);
	half = (unsigned int)(HALF_CYCLES / c->per_scan) + 2;
	if (at + half >= scans)
		return false;
	if (at < half)
		coast(c, edge);
	else
		follow(c, x, at, edge);
	return true;
}

double cycle_amplitude(struct cycle *c, const float *x, unsigned int scans)
{
	tune(c, c->per_scan);
	return measure(c, x + scans / 2).rms;
}
