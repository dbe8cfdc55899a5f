// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records that somebody wants to see. A question is answered in pieces, because the process
 * that looks is the one that stores.
 */
#include "database-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Records that are looked at for one answer, and how many at a time. */
#define LOOK_RECORDS 4096
#define LOOK_STEP RECORD_PACK_MAX
/* 2020: a clock that shows less was never set */
#define NEVER_SET_MS 1577836800000LL

/* Rows that are passed over for the first one with a time. */
#define PASSED_OVER 64

/* Is the first row from that number on older? Not, when none near it has a time. */
static bool is_before(struct database *db, enum record_kind kind, uint64_t sequence, int64_t ms)
{
	char text[192];
	int64_t at;

	snprintf(text, sizeof(text),
		 "SELECT utc_ms FROM (SELECT utc_ms FROM %s WHERE sequence>=%" PRIu64
		 " ORDER BY sequence LIMIT %d) WHERE utc_ms>=%lld LIMIT 1",
		 database_table[kind], sequence, PASSED_OVER, NEVER_SET_MS);
	at = database_number(db, text);
	return at && at < ms;
}

/* A number before the first record of that time, and not long before. */
static uint64_t before_time(struct database *db, enum record_kind kind, int64_t ms)
{
	uint64_t low = 0, high = db->state.last + 1;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (is_before(db, kind, middle, ms))
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint64_t begin(struct database *db, const struct record_query *q)
{
	uint64_t first = db->state.last;
	unsigned int kind;

	for (kind = 0; kind < RECORD_KINDS; kind++) {
		uint64_t at = q->kinds & 1U << kind ? before_time(db, kind, q->since_ms) : first;

		first = at < first ? at : first;
	}
	return database_greatest(first, q->after);
}

static bool is_wanted(const struct record_query *q, const struct record *r)
{
	return r->utc_ms >= q->since_ms && r->utc_ms < q->until_ms &&
	       (!q->load[0] || !strcmp(q->load, r->name));
}

int database_look(struct database *db, const struct record_query *q, struct record *r,
		  uint64_t *next)
{
	static struct record seen[LOOK_STEP];
	uint64_t at = begin(db, q);
	unsigned int looked, found = 0;
	int k, n = 0;

	*next = 0;
	for (looked = 0; looked < LOOK_RECORDS; looked += LOOK_STEP) {
		n = database_read_kinds(db, q->kinds, at, seen, LOOK_STEP);
		for (k = 0; k < n && found < q->max; k++) {
			at = seen[k].sequence;
			if (is_wanted(q, &seen[k]))
				r[found++] = seen[k];
		}
		if (n <= 0 || found == q->max)
			break;
	}
	if (n < 0)
		return n;
	if (n)
		*next = at;
	return (int)found;
}
