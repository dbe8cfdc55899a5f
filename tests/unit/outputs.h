/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outputs - what the tests of the outputs share: a small reading, time, and an
 * event loop that is turned until something has happened.
 */
#ifndef TESTS_OUTPUTS_H
#define TESTS_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "reading.h"

/* One reading of one load of one element; @sequence tells them apart. */
static inline struct reading small_reading(uint64_t sequence)
{
	static const struct load_reading load = {
		.name = "heat pump",
		.role = LOAD_SUBMETER,
		.elements = 1,
		.element = { { .input = "hub1/A",
			       .phase = "L1",
			       .v_v = 230,
			       .i_a = 10,
			       .p_w = 2000,
			       .q1_var = 1100,
			       .s_va = 2300,
			       .pf = 0.87 } },
		.p_w = 2000,
		.q1_var = 1100,
		.s_va = 2300,
		.pf = 0.87,
		.import_j = 3600000,
	};
	struct reading r = {
		.sequence = sequence,
		.utc_ns = 1795197600000000000 + (int64_t)sequence * 1000000000,
		.windows = 5,
		.frequency_hz = 50,
		.voltages = 1,
		.voltage = { { .phase = "L1", .ln_v = 230, .ll_v = 398 } },
		.loads = 1,
		.load = &load,
	};

	return r;
}

static inline uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Longer than anything stands still that does not hang, on however busy a machine. */
#define HUNG_MS 60000

/* Turn the loop until @done says so; false when that takes longer than @ms. */
static inline bool turn_within(sd_event *loop, bool (*done)(void *context), void *context,
			       unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (!done(context)) {
		if (now_ms() >= end)
			return false;
		sd_event_run(loop, 10000);
	}
	return true;
}

/* The same; false when it hangs. */
static inline bool turn_until(sd_event *loop, bool (*done)(void *context), void *context)
{
	return turn_within(loop, done, context, HUNG_MS);
}

static inline bool never(void *context)
{
	return false;
}

/* Let the loop work for a while. */
static inline void turn_for(sd_event *loop, unsigned int ms)
{
	turn_within(loop, never, NULL, ms);
}

#endif
