/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event - dips, swells and interruptions of the voltage, as IEC 61000-4-30 defines them.
 *
 * With several phases, a dip or swell begins when the first phase passes the threshold
 * and ends when the last one is back by the hysteresis; an interruption begins when all
 * phases are below its threshold and ends when one of them is back. Thresholds are parts
 * of the declared voltage, or of a sliding reference: the mean of the last minute, as
 * long as no event is in progress. A phase that never was there has no events.
 *
 * An event begins with the cycle of the first Urms(1/2) beyond the threshold, and it
 * ends where the cycle of the first one that is back begins. So a dip that begins and
 * ends at zero crossings is half a cycle longer than it is.
 */
#ifndef METERD_EVENT_H
#define METERD_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"
#include "urms.h"

enum event_type {
	EVENT_DIP,
	EVENT_SWELL,
	EVENT_INTERRUPTION,
	EVENT_TRANSIENT,
};

#define EVENT_TYPES 4
/** Types that come from Urms(1/2) */
#define EVENT_URMS_TYPES 3

/**
 * struct pq_event - something that happened to the voltage
 * @number: of the event, from 1; 0: none
 * @type: what
 * @finished: it is over; else it has just begun
 * @interrupted: dip: all phases fell below the threshold of an interruption
 * @incomplete: samples were lost while it lasted
 * @start_ns: begin, on the samples' clock
 * @end_ns: end; the last time it was seen while it is not finished
 * @utc_ns: begin, UTC
 * @phases: mask of the slots that were affected
 * @reference_v: what the thresholds are parts of, V
 * @extreme_v: lowest Urms(1/2) of any phase (residual voltage), the highest one of a
 *	swell; of a transient the largest deviation from the cycle before, V
 * @slot_v: the same of each slot
 */
struct pq_event {
	uint64_t number;
	enum event_type type;
	bool finished;
	bool interrupted;
	bool incomplete;
	int64_t start_ns;
	int64_t end_ns;
	int64_t utc_ns;
	unsigned int phases;
	double reference_v;
	double extreme_v;
	double slot_v[READING_PHASES_MAX];
};

/** event_emit - an event began or is over */
typedef void event_emit(void *user, struct pq_event *event);

/**
 * struct event_config - thresholds
 * @slots: voltage slots
 * @dip: part of the reference, 0.9
 * @swell: 1.1
 * @interruption: 0.05
 * @hysteresis: 0.02
 * @sliding: take the mean of the last minute as the reference
 * @emit: gets begin and end of each event
 * @user: its first argument
 */
struct event_config {
	unsigned int slots;
	double dip;
	double swell;
	double interruption;
	double hysteresis;
	bool sliding;
	event_emit *emit;
	void *user;
};

/**
 * struct event_detector - the state
 * @config: thresholds
 * @declared_v: declared voltage of each slot; 0: unknown, then there are no events
 * @sliding_v: reference of each slot
 * @seen: mask of the slots that had their voltage once
 * @active: mask of the types in progress
 * @current: the events in progress, by type
 */
struct event_detector {
	struct event_config config;
	double declared_v[READING_PHASES_MAX];
	double sliding_v[READING_PHASES_MAX];
	unsigned int seen;
	unsigned int active;
	struct pq_event current[EVENT_URMS_TYPES];
};

/** event_init() - no events, no declared voltage */
void event_init(struct event_detector *d, const struct event_config *config);

/** event_declare() - set the declared voltage of each slot, V */
void event_declare(struct event_detector *d, const double *declared_v);

/** event_half() - take the next Urms(1/2) */
void event_half(struct event_detector *d, const struct urms_value *v);

/** event_window() - RMS of the slots over a 10/12-cycle window, for the sliding reference */
void event_window(struct event_detector *d, const double *rms_v);

/** event_gap() - samples were lost */
void event_gap(struct event_detector *d);

/**
 * event_describe() - what happened, for people: "L1 L3: 92.00 V (40.0 %), 0.1100 s"
 * @e: event
 * @phase: names of the slots
 * @text: filled in, cut to @size
 * @size: its size
 */
void event_describe(const struct pq_event *e, const char *const *phase, char *text, size_t size);

/** event_type_name() - "dip", "swell", "interruption", "transient" */
const char *event_type_name(enum event_type type);

#endif
