// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows by their dates. Numbers grow with time, and dates need not: the clock may be set.
 * So a date is looked for among the numbers by halving, and what is found is a place where
 * dates pass it, the only one unless the clock went back.
 */
#include "database-parts.h"

#include <inttypes.h>
#include <stdio.h>

/* Rows that are passed over for the first one with a date. */
#define PASSED_OVER 64

uint64_t database_row_from(struct database *db, enum record_kind kind, uint64_t sequence,
			   int64_t least_ms, int64_t *utc_ms)
{
	sqlite3_stmt *s = NULL;
	uint64_t found = 0;
	char text[224];

	snprintf(text, sizeof(text),
		 "SELECT sequence, utc_ms FROM (SELECT sequence, utc_ms FROM %s WHERE "
		 "sequence>=%" PRIu64 " ORDER BY sequence LIMIT %d) WHERE utc_ms>=%" PRId64
		 " LIMIT 1",
		 database_table[kind], sequence, PASSED_OVER, least_ms);
	if (!sqlite3_prepare_v2(db->sql, text, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW) {
		found = (uint64_t)sqlite3_column_int64(s, 0);
		*utc_ms = sqlite3_column_int64(s, 1);
	}
	sqlite3_finalize(s);
	return found;
}

uint64_t database_row_before(struct database *db, enum record_kind kind, uint64_t low,
			     const struct date_span *span)
{
	uint64_t high = db->state.last + 1;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		int64_t ms;
		uint64_t row = database_row_from(db, kind, middle, span->least_ms, &ms);

		if (row && (ms < span->from_ms || ms > span->to_ms))
			low = row;
		else
			high = middle;
	}
	return low;
}
