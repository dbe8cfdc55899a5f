/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregate - 10/12-cycle windows put together to the intervals of IEC 61000-4-30.
 *
 *	150/180 cycles	15 windows in a row
 *	10 min		all windows between two marks of UTC
 *	2 h		twelve 10-min intervals between two marks of UTC
 *	10 s		frequency: whole cycles over their time, between marks of UTC
 *
 * Voltages, harmonics and unbalance are the root of the mean of the squares. Windows are
 * not begun anew at a mark: the window in which a mark lies belongs to the interval that
 * ends there, so each one counts once, and no interval begins in the middle of one.
 *
 * An interval is flagged when one of its windows is, or when a part of it was not
 * measured.
 */
#ifndef METERD_AGGREGATE_H
#define METERD_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "harmonics.h"
#include "reading.h"

enum aggregate_kind {
	AGGREGATE_150,
	AGGREGATE_10MIN,
	AGGREGATE_2H,
	AGGREGATE_10S,
};

#define AGGREGATE_KINDS 4

/**
 * struct aggregate_window - a 10/12-cycle window
 * @start_ns: begin, on the samples' clock
 * @end_ns: end
 * @start_utc_ns: begin, UTC
 * @end_utc_ns: end, UTC
 * @flagged: touched by a dip, swell or interruption, or without lock
 * @frequency_hz: NAN without lock
 * @u2_percent: unbalance; NAN when it is not known
 * @u0_percent: likewise
 * @rms_v: voltage of each slot
 * @orders: highest order in @harmonic; 0: no spectrum
 * @thd: of each slot, as a ratio
 * @harmonic: subgroups of each slot, V
 */
struct aggregate_window {
	int64_t start_ns;
	int64_t end_ns;
	int64_t start_utc_ns;
	int64_t end_utc_ns;
	bool flagged;
	double frequency_hz;
	double u2_percent;
	double u0_percent;
	double rms_v[READING_PHASES_MAX];
	unsigned int orders;
	float thd[READING_PHASES_MAX];
	float harmonic[READING_PHASES_MAX][HARMONICS_MAX + 1];
};

/**
 * struct aggregate_value - an interval; what is not known is NAN
 * @kind: which
 * @start_utc_ns: begin: the mark, or that of its first window
 * @end_utc_ns: end
 * @flagged: see above
 * @windows: windows in it; cycles of a 10-s interval
 * @flagged_windows: flagged ones of them
 * @covered: measured part of the time between the marks, 0 to 1
 * @frequency_hz: mean, or that of the whole cycles of a 10-s interval
 * @u2_percent: negative-sequence unbalance
 * @u0_percent: zero-sequence unbalance
 * @rms_v: voltage of each slot
 * @min_v: lowest window of each slot
 * @max_v: highest window
 * @orders: highest order
 * @thd: of each slot, as a ratio
 * @harmonic: subgroups of each slot, V
 * @flicker: Pst of a 10-min interval, Plt of a 2-h interval, of each slot
 */
struct aggregate_value {
	enum aggregate_kind kind;
	int64_t start_utc_ns;
	int64_t end_utc_ns;
	bool flagged;
	unsigned int windows;
	unsigned int flagged_windows;
	double covered;
	double frequency_hz;
	double u2_percent;
	double u0_percent;
	double rms_v[READING_PHASES_MAX];
	double min_v[READING_PHASES_MAX];
	double max_v[READING_PHASES_MAX];
	unsigned int orders;
	double thd[READING_PHASES_MAX];
	float harmonic[READING_PHASES_MAX][HARMONICS_MAX + 1];
	double flicker[READING_PHASES_MAX];
};

struct aggregate;

/**
 * struct aggregate_config - what it needs
 * @slots: voltage slots
 * @flicker: asked for the Pst of each slot at the end of a 10-min interval, in which
 *	@complete says whether all of it was seen; may be NULL
 * @emit: gets every interval; it may change @value->flicker only
 * @user: first argument of both
 */
struct aggregate_config {
	unsigned int slots;
	void (*flicker)(void *user, double *pst, bool *complete);
	void (*emit)(void *user, const struct aggregate_value *value);
	void *user;
};

/** aggregate_create() - Return: 0 or -ENOMEM. */
int aggregate_create(struct aggregate **a, const struct aggregate_config *config);

/** aggregate_destroy() - free; NULL is allowed */
void aggregate_destroy(struct aggregate *a);

/** aggregate_add() - take the next window */
void aggregate_add(struct aggregate *a, const struct aggregate_window *w);

/**
 * aggregate_cycle() - take the next cycle, for the frequency
 * @a: state
 * @start_utc_ns: its begin, UTC
 * @end_utc_ns: its end, UTC
 * @seconds: its length by the samples' clock
 * @good: measured, and not in an event
 */
void aggregate_cycle(struct aggregate *a, int64_t start_utc_ns, int64_t end_utc_ns, double seconds,
		     bool good);

/** aggregate_name() - "150/180 cycles", "10 min", "2 h", "10 s" */
const char *aggregate_name(enum aggregate_kind kind);

#endif
