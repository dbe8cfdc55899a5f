// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records that somebody wants to see. A question is answered in pieces, because the process
 * that looks is the one that stores.
 */
#include "database-parts.h"

#include <string.h>

/* Records that are looked at for one answer, and how many at a time. */
#define LOOK_RECORDS 4096
#define LOOK_STEP RECORD_PACK_MAX
/* 2020: a clock that shows less was never set */
#define NEVER_SET_MS 1577836800000LL

/* A number before the first record that is asked for, and not long before. */
static uint64_t begin(struct database *db, const struct record_query *q)
{
	const struct date_span wanted = { q->since_ms, INT64_MAX, NEVER_SET_MS };
	uint64_t first = db->state.last;
	unsigned int kind;

	/* it goes on where an answer ended */
	if (q->after)
		return q->after;
	for (kind = 0; kind < RECORD_KINDS; kind++) {
		uint64_t at =
			q->kinds & 1U << kind ? database_row_before(db, kind, 0, &wanted) : first;

		first = at < first ? at : first;
	}
	return first;
}

static bool is_wanted(const struct record_query *q, const struct record *r)
{
	return r->utc_ms >= q->since_ms && r->utc_ms < q->until_ms &&
	       (!q->load[0] || !strcmp(q->load, r->name));
}

/* Of a time before the end, by a clock that was set. */
static bool is_before_end(const struct record_query *q, const struct record *r)
{
	return r->utc_ms >= NEVER_SET_MS && r->utc_ms < q->until_ms;
}

int database_look(struct database *db, const struct record_query *q, struct record *r,
		  uint64_t *next)
{
	static struct record seen[LOOK_STEP];
	uint64_t at = begin(db, q);
	unsigned int looked, found = 0;
	bool late = false, early = false;
	int k, n = 0;

	*next = 0;
	for (looked = 0; looked < LOOK_RECORDS; looked += LOOK_STEP) {
		n = database_read_kinds(db, q->kinds, at, seen, LOOK_STEP);
		for (k = 0; k < n && found < q->max; k++) {
			at = seen[k].sequence;
			early |= is_before_end(q, &seen[k]);
			late |= seen[k].utc_ms >= q->until_ms;
			if (is_wanted(q, &seen[k]))
				r[found++] = seen[k];
		}
		if (n <= 0 || found == q->max)
			break;
	}
	if (n < 0)
		return n;
	/* all of a whole look were later: so are those after it */
	if (n && (found == q->max || early || !late))
		*next = at;
	return (int)found;
}
