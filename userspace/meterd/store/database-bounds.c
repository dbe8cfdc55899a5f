// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is deleted, and when: what is too old and every upstream has, and what is too much
 * in any case. Some rows at a time, so that no transaction is long.
 */
#include "database-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_DAY (24LL * 3600 * 1000)
/* Rows that are deleted at once, by kind, and how often one after the other. */
static const int thin_rows[RECORD_KINDS] = { 16, 16, 256, 256 };
#define THIN_STEPS 8

static void count_lost(struct database *db, enum record_kind kind, uint64_t upto)
{
	char text[224];
	unsigned int k;

	for (k = 0; k < db->state.upstreams; k++) {
		struct upstream_state *u = &db->state.upstream[k];

		if (u->acked >= upto)
			continue;
		snprintf(text, sizeof(text),
			 "SELECT sum(min(%s, %s-%" PRIu64 ")) FROM %s WHERE %s>%" PRIu64
			 " AND sequence<=%" PRIu64,
			 database_count[kind], database_end[kind], u->acked, database_table[kind],
			 database_end[kind], u->acked, upto);
		u->lost += (uint64_t)database_number(db, text);
	}
}

/* What the newest record of a kind says. What is dated later is of a clock that was ahead. */
static int64_t newest_ms(struct database *db, enum record_kind kind)
{
	char text[96];

	snprintf(text, sizeof(text), "SELECT utc_ms FROM %s ORDER BY sequence DESC LIMIT 1",
		 database_table[kind]);
	return database_number(db, text);
}

/*
 * Are the rows up to @upto, dated before @limit_ms, as old as that? A clock that was not set
 * dates them anywhere, but numbers grow with time. So look for the first row that is not as
 * old: when the one before it is near in time, it was reached by and by. When there is a
 * jump, the clock was set there, or the gateway was off, and what is before it is taken to be
 * as young as what is after it.
 */
static bool is_aged(struct database *db, enum record_kind kind, uint64_t upto, int64_t limit_ms)
{
	const int64_t jump_ms =
		kind == RECORD_EVENT ? db->config->days_events * MS_PER_DAY : MS_PER_DAY;
	const int64_t now_ms = newest_ms(db, kind);
	const struct date_span young = { limit_ms, now_ms, INT64_MIN };
	int64_t before_ms = 0, after_ms = now_ms;
	uint64_t row = database_row_from(db, kind, upto, INT64_MIN, &before_ms);

	if (!row || now_ms < limit_ms)
		return false;
	row = database_row_before(db, kind, row, &young);
	database_row_from(db, kind, row, INT64_MIN, &before_ms);
	database_row_from(db, kind, row + 1, INT64_MIN, &after_ms);
	return llabs(after_ms - before_ms) <= jump_ms;
}

/*
 * Delete some of the oldest rows of a kind. With @limit_ms only when all of them are
 * older, and every upstream has them.
 */
static bool thin(struct database *db, enum record_kind kind, const int64_t *limit_ms)
{
	struct upstream_state before[STORE_UPSTREAMS_MAX];
	sqlite3_stmt *s = NULL;
	char text[320];
	uint64_t upto = 0, end = 0, records = 0;
	bool old = false;
	unsigned int k;

	snprintf(text, sizeof(text),
		 "SELECT max(sequence), max(CASE WHEN utc_ms<=%" PRId64
		 " THEN utc_ms END), max(last), sum(n) FROM (SELECT sequence, utc_ms, %s "
		 "AS last, %s AS n FROM %s ORDER BY sequence LIMIT %d)",
		 newest_ms(db, kind), database_end[kind], database_count[kind],
		 database_table[kind], thin_rows[kind]);
	if (!sqlite3_prepare_v2(db->sql, text, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW) {
		upto = (uint64_t)sqlite3_column_int64(s, 0);
		old = !limit_ms || sqlite3_column_int64(s, 1) < *limit_ms;
		end = (uint64_t)sqlite3_column_int64(s, 2);
		records = (uint64_t)sqlite3_column_int64(s, 3);
	}
	sqlite3_finalize(s);
	for (k = 0; limit_ms && k < db->state.upstreams; k++)
		old &= db->state.upstream[k].acked >= end;
	if (!upto || !old || (limit_ms && !is_aged(db, kind, upto, *limit_ms)))
		return false;
	memcpy(before, db->state.upstream, sizeof(before));
	count_lost(db, kind, upto);
	snprintf(text, sizeof(text),
		 "BEGIN; INSERT OR REPLACE INTO meta VALUES('last',%" PRIu64
		 "); DELETE FROM %s WHERE sequence<=%" PRIu64 "; COMMIT",
		 db->state.last, database_table[kind], upto);
	if (database_run(db, text)) {
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
		memcpy(db->state.upstream, before, sizeof(before));
		return false;
	}
	db->state.thinned += records;
	db->state.records -= records;
	return true;
}

static void thin_by_age(struct database *db)
{
	const unsigned int days[RECORD_KINDS] = { db->config->days_1m, db->config->days_5m,
						  db->config->days_events, db->config->days_5m };
	unsigned int kind;
	unsigned int k;

	for (kind = 0; kind < RECORD_KINDS; kind++) {
		int64_t limit_ms = newest_ms(db, kind) - days[kind] * MS_PER_DAY;

		for (k = 0; k < THIN_STEPS && thin(db, kind, &limit_ms); k++)
			;
	}
}

/* The detail of a minute goes before that of five minutes, this before events, and inputs last. */
bool database_thin(struct database *db)
{
	unsigned int kind;

	for (kind = 0; kind < RECORD_KINDS; kind++)
		if (thin(db, kind, NULL))
			return true;
	return false;
}

void database_keep_bounds(struct database *db)
{
	uint64_t most = (uint64_t)db->config->size_mb * 1024 * 1024 / 16 * 15;
	unsigned int k;

	thin_by_age(db);
	database_read_size(db);
	for (k = 0; k < THIN_STEPS && db->state.bytes > most && database_thin(db); k++)
		database_read_size(db);
}
