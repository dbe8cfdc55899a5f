/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quality-rig - power quality fed with synthesised voltages whose edges are known.
 */
#ifndef TEST_QUALITY_RIG_H
#define TEST_QUALITY_RIG_H

#include "chain.h"

#include "quality.h"
#include "window.h"

#define RIG_ROOM 2048
#define RIG_EVENTS 32
#define RIG_INTERVALS 1024
#define RIG_BEFORE 16

/* Voltage of a slot at a time; @turns is the phase of the mains. */
typedef double rig_signal(void *user, unsigned int slot, double seconds, double turns);

struct rig {
	struct quality_config config;
	struct quality *quality;
	double rate_hz;
	double hz;
	int64_t utc_ns; /* of scan 0 */
	double edge;	/* next, in scans since start */
	uint64_t taken; /* scans given */
	unsigned int cycles;
	double begin; /* of the window */
	struct window *window;
	rig_signal *signal;
	void *user;
	float slot[READING_PHASES_MAX][RIG_ROOM];
	float input[RIG_ROOM];
	int64_t time_ns[RIG_ROOM];
	unsigned int events;
	struct pq_event event[RIG_EVENTS];
	unsigned int intervals;
	struct aggregate_value interval[RIG_INTERVALS];
};

static inline int64_t rig_utc(void *user, int64_t sample_ns)
{
	struct rig *r = user;

	return sample_ns + r->utc_ns;
}

static inline void rig_event(void *user, const struct pq_event *e)
{
	struct rig *r = user;

	if (r->events < RIG_EVENTS)
		r->event[r->events++] = *e;
}

static inline void rig_interval(void *user, const struct aggregate_value *v)
{
	struct rig *r = user;

	if (r->intervals < RIG_INTERVALS)
		r->interval[r->intervals++] = *v;
}

static inline void rig_prepare(struct rig *r, double rate_hz, unsigned int slots, double hz)
{
	memset(r, 0, sizeof(*r));
	quality_defaults(&r->config);
	r->config.rate_hz = rate_hz;
	r->config.slots = slots;
	r->config.inputs = 1;
	r->config.captured = 1;
	r->config.wiring = slots == 3 ? QUALITY_STAR : QUALITY_OTHER;
	r->config.declared_v = 230;
	r->config.mains_hz = hz < 55 ? 50 : 60;
	r->config.utc_ns = rig_utc;
	r->config.event = rig_event;
	r->config.interval = rig_interval;
	r->config.user = r;
	r->rate_hz = rate_hz;
	r->hz = hz;
	r->edge = 20.25;
	r->begin = r->edge;
}

static inline void rig_open(struct rig *r, rig_signal *signal, void *user)
{
	r->signal = signal;
	r->user = user;
	assert_int_equal(quality_create(&r->quality, &r->config), 0);
	assert_int_equal(window_create(&r->window, r->config.slots, 0, NULL), 0);
}

static inline void rig_close(struct rig *r)
{
	quality_destroy(r->quality);
	window_destroy(r->window);
}

/* Scans from RIG_BEFORE before the edge to 10 after the next one. */
static inline struct quality_view rig_view(struct rig *r, uint64_t first, uint64_t end,
					   const float **slots, const float **inputs)
{
	unsigned int n = (unsigned int)(end - first);
	unsigned int j;
	unsigned int k;

	assert_true(n <= RIG_ROOM);
	for (j = 0; j < n; j++) {
		double seconds = (double)(first + j) / r->rate_hz;
		double turns = ((double)(first + j) - 20.25) / r->rate_hz * r->hz;

		for (k = 0; k < r->config.slots; k++)
			r->slot[k][j] = (float)r->signal(r->user, k, seconds, turns - k / 3.0);
		r->input[j] = r->slot[0][j] / 23.0f;
		r->time_ns[j] = llround(seconds * 1e9);
	}
	for (k = 0; k < r->config.slots; k++)
		slots[k] = r->slot[k];
	inputs[0] = r->input;
	return (struct quality_view){ n, slots, inputs, r->time_ns };
}

static inline void rig_window(struct rig *r, const struct quality_view *v, double edge)
{
	struct window_mean mean;
	double end = r->edge;

	window_end(r->window, v->slot, v->input, edge, r->hz / r->rate_hz, &mean);
	quality_window(r->quality,
		       &(struct quality_window){ .start_ns = llround(r->begin / r->rate_hz * 1e9),
						 .end_ns = llround(end / r->rate_hz * 1e9),
						 .scans = mean.scans,
						 .cycles = r->cycles,
						 .frequency_hz = r->hz,
						 .slot = mean.slot });
	r->begin = end;
	r->cycles = 0;
}

/* Go on for so many seconds. */
static inline void rig_run(struct rig *r, double seconds)
{
	double end = r->edge + seconds * r->rate_hz;
	unsigned int wanted = r->hz < 55 ? 10 : 12;
	const float *slots[READING_PHASES_MAX];
	const float *inputs[1];

	while (r->edge < end - 1.0) {
		double length = r->rate_hz / r->hz;
		uint64_t first = (uint64_t)r->edge - RIG_BEFORE;
		uint64_t last = (uint64_t)(r->edge + length) + 10;
		struct quality_view v = rig_view(r, first, last, slots, inputs);
		double from = r->edge - (double)first;

		if (r->taken < first)
			r->taken = first;
		quality_scans(r->quality, &v, (unsigned int)(r->taken - first), true);
		r->taken = last;
		if (!r->cycles)
			window_begin(r->window, v.slot, v.input, from, 1.0 / length);
		window_cycle(r->window, v.slot, v.input, from, from + length);
		quality_cycle(r->quality, &v, from, from + length, true, true);
		r->edge += length;
		r->cycles++;
		if (r->cycles == wanted)
			rig_window(r, &v, from + length);
	}
}

#endif
