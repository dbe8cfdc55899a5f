// SPDX-License-Identifier: GPL-2.0-or-later
#include "recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock-state.h"
#include "interval.h"
#include "log.h"

#define NS_PER_MS 1000000LL
#define NS_PER_S 1e9

struct recorder {
	struct store *store;
	struct interval *interval[RECORD_EVENT];
	bool begun;
	bool synchronised;
};

static void on_closed(void *user, const struct record *records, unsigned int n)
{
	struct recorder *r = user;

	store_put(r->store, records, n);
}

static void clock_event(struct recorder *r, const struct reading *reading, const char *text)
{
	store_event(r->store, reading->utc_ns / NS_PER_MS, reading->end_ns / NS_PER_MS,
		    r->synchronised ? 0 : RECORD_CLOCK_UNSYNC, "clock", text);
}

static void note_clock(struct recorder *r, const struct reading *reading, bool synchronised,
		       int64_t step_ns)
{
	char text[RECORD_TEXT_MAX];
	bool changed = !r->begun || synchronised != r->synchronised;

	r->synchronised = synchronised;
	if (step_ns) {
		snprintf(text, sizeof(text), "stepped by %+.3f s", step_ns / NS_PER_S);
		log_notice("clock: %s; the records of this interval have a flag", text);
		clock_event(r, reading, text);
	}
	if (changed && (r->begun || !synchronised))
		clock_event(r, reading, synchronised ? "synchronised" : "not synchronised");
	r->begun = true;
}

void recorder_add(struct recorder *r, const struct reading *reading)
{
	bool synchronised = clock_synchronised();
	int64_t step_ns;

	if (!r)
		return;
	step_ns = interval_add(r->interval[RECORD_1M], reading, synchronised);
	interval_add(r->interval[RECORD_5M], reading, synchronised);
	note_clock(r, reading, synchronised, step_ns);
}

/* Newest first: the first record of a load and kind is its last one. */
static void resume(struct recorder *r)
{
	const struct record *last;
	unsigned int n = store_last(r->store, &last);

	while (n--)
		if (last[n].kind < RECORD_EVENT)
			interval_resume(r->interval[last[n].kind], &last[n]);
}

int recorder_open(struct recorder **out, struct store *store, const struct installation *in,
		  const struct registers *registers)
{
	struct recorder *r = calloc(1, sizeof(*r));
	unsigned int k;
	int error = 0;

	if (!r)
		return -ENOMEM;
	r->store = store;
	for (k = 0; k < RECORD_EVENT && !error; k++)
		error = interval_create(&r->interval[k], in, k, registers, on_closed, r);
	if (error) {
		log_error("store: out of memory");
		recorder_close(r);
		return error;
	}
	resume(r);
	*out = r;
	return 0;
}

void recorder_close(struct recorder *r)
{
	unsigned int k;

	if (!r)
		return;
	for (k = 0; k < RECORD_EVENT; k++)
		interval_destroy(r->interval[k]);
	free(r);
}
