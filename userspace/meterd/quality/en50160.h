/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * en50160 - does the supply keep EN 50160 in this week?
 *
 * Counts intervals instead of keeping them: of each requirement how many intervals there
 * were and how many kept it, and the worst value. Flagged intervals do not count. A
 * week begins on Monday at 0:00 UTC; when one is over it becomes the last week.
 *
 * All of it is a few hundred numbers, written to a text file and read at start, so a
 * restart loses no more than what came after the last 10-min mark.
 */
#ifndef METERD_EN50160_H
#define METERD_EN50160_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "event.h"

/** Highest order that has a limit */
#define EN50160_ORDERS 25

enum en50160_item {
	EN50160_FREQUENCY,	/* +-1 % for 99.5 % of the time */
	EN50160_FREQUENCY_WIDE, /* -6 ... +4 %, always */
	EN50160_VOLTAGE,	/* +-10 % for 95 % */
	EN50160_VOLTAGE_WIDE,	/* -15 ... +10 %, always */
	EN50160_PLT,		/* <= 1 for 95 % */
	EN50160_UNBALANCE,	/* u2 <= 2 % for 95 % */
	EN50160_THD,		/* <= 8 % for 95 % */
	EN50160_HARMONICS,	/* order 2 is EN50160_HARMONICS, 25 the last: for 95 % */
	EN50160_ITEMS = EN50160_HARMONICS + EN50160_ORDERS - 1,
};

enum en50160_count {
	EN50160_DIPS,
	EN50160_SWELLS,
	EN50160_SHORT_INTERRUPTIONS, /* up to 3 min */
	EN50160_LONG_INTERRUPTIONS,
	EN50160_TRANSIENTS,
	EN50160_COUNTS,
};

enum en50160_verdict {
	EN50160_UNKNOWN, /* nothing was measured */
	EN50160_KEPT,
	EN50160_MISSED,
};

/**
 * struct en50160_tally - one requirement, for all phases together
 * @intervals: how many there were
 * @kept: in how many all phases kept it
 * @worst: largest deviation (V and f: from the declared value, in %; Plt: itself; all
 *	others: %)
 */
struct en50160_tally {
	uint32_t intervals;
	uint32_t kept;
	double worst;
};

/**
 * struct en50160_week - a week
 * @start_utc_s: Monday 0:00 UTC; 0: none
 * @flagged: 10-min intervals left out because they are flagged
 * @tally: by enum en50160_item
 * @count: events, by enum en50160_count
 */
struct en50160_week {
	int64_t start_utc_s;
	uint32_t flagged;
	struct en50160_tally tally[EN50160_ITEMS];
	uint32_t count[EN50160_COUNTS];
};

/**
 * struct en50160 - the state
 * @declared_v: declared voltage of each slot; 0: not known yet, then nothing is counted
 * @declared_hz: 50 or 60
 * @slots: voltages
 * @week: this week
 * @last: the week before
 */
struct en50160 {
	double declared_v[READING_PHASES_MAX];
	double declared_hz;
	unsigned int slots;
	struct en50160_week week;
	struct en50160_week last;
};

/** en50160_add() - take an interval of 10 min, 2 h or 10 s; others are ignored */
void en50160_add(struct en50160 *e, const struct aggregate_value *v);

/** en50160_event() - take an event that is over */
void en50160_event(struct en50160 *e, const struct pq_event *event);

/** en50160_required() - the part of the intervals that must keep @item, 0.95 to 1 */
double en50160_required(enum en50160_item item);

/** en50160_limit() - its limit: % or, of Plt, 1 */
double en50160_limit(enum en50160_item item);

/** en50160_item_verdict() - of one requirement */
enum en50160_verdict en50160_item_verdict(const struct en50160_week *w, enum en50160_item item);

/** en50160_verdict() - of the week: missed when one is missed, kept when V, f, THD are kept */
enum en50160_verdict en50160_verdict(const struct en50160_week *w);

/** en50160_item_name() - "voltage", "harmonic 5"; valid until the next call */
const char *en50160_item_name(enum en50160_item item);

/**
 * en50160_save() - write the state
 * @e: state
 * @path: the file; replaced as a whole
 *
 * Return: 0 or -errno.
 */
int en50160_save(const struct en50160 *e, const char *path);

/**
 * en50160_load() - read it
 * @e: with the declared values; weeks are filled in when the file is good and was made with
 *	the same declared values
 *
 * Return: 0, -ENOENT when there is no file, -ESTALE when the declared values are others,
 * -EBADMSG when it is damaged, or another -errno. Then the state begins anew.
 */
int en50160_load(struct en50160 *e, const char *path);

#endif
