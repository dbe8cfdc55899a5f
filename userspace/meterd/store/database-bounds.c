// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is deleted, and when: what is too old and every upstream has, and what is too much
 * in any case. Some hundred records at a time, so that no transaction is long.
 */
#include "database-parts.h"

#include <inttypes.h>
#include <stdio.h>

#define MS_PER_DAY (24LL * 3600 * 1000)
/* Records that are deleted at once, and how often in a row. */
#define THIN_RECORDS 512
#define THIN_STEPS 8

static void count_lost(struct database *db, enum record_kind kind, uint64_t upto)
{
	char text[160];
	unsigned int k;

	for (k = 0; k < db->state.upstreams; k++) {
		struct upstream_state *u = &db->state.upstream[k];

		if (u->acked >= upto)
			continue;
		snprintf(text, sizeof(text),
			 "SELECT count(*) FROM %s WHERE sequence>%" PRIu64
			 " AND sequence<=%" PRIu64,
			 database_table[kind], u->acked, upto);
		u->lost += (uint64_t)database_number(db, text);
	}
}

/*
 * Delete at most THIN_RECORDS of the oldest of a kind. With @limit_ms only when all of
 * them are older, and every upstream has them.
 */
static bool thin(struct database *db, enum record_kind kind, const int64_t *limit_ms)
{
	sqlite3_stmt *s = NULL;
	char text[224];
	uint64_t upto = 0;
	bool old = false;
	unsigned int k;

	snprintf(text, sizeof(text),
		 "SELECT max(sequence), max(utc_ms) FROM (SELECT sequence, utc_ms FROM %s ORDER BY "
		 "sequence LIMIT %d)",
		 database_table[kind], THIN_RECORDS);
	if (!sqlite3_prepare_v2(db->sql, text, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW) {
		upto = (uint64_t)sqlite3_column_int64(s, 0);
		old = !limit_ms || sqlite3_column_int64(s, 1) < *limit_ms;
	}
	sqlite3_finalize(s);
	for (k = 0; limit_ms && k < db->state.upstreams; k++)
		old &= db->state.upstream[k].acked >= upto;
	if (!upto || !old)
		return false;
	count_lost(db, kind, upto);
	snprintf(text, sizeof(text),
		 "BEGIN; INSERT OR REPLACE INTO meta VALUES('last',%" PRIu64
		 "); DELETE FROM %s WHERE sequence<=%" PRIu64 "; COMMIT",
		 db->state.last, database_table[kind], upto);
	if (database_run(db, text)) {
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
		return false;
	}
	db->state.thinned += THIN_RECORDS;
	return true;
}

static void thin_by_age(struct database *db)
{
	const unsigned int days[RECORD_KINDS] = { db->config->days_1m, db->config->days_5m,
						  db->config->days_events, db->config->days_5m };
	unsigned int kind;
	unsigned int k;

	for (kind = 0; kind < RECORD_KINDS; kind++) {
		int64_t limit_ms = db->newest_ms - days[kind] * MS_PER_DAY;

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
