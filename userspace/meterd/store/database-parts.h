/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database-parts - what the files of the database share; for database*.c only.
 *
 *   database.c		the file: open, append, acknowledge
 *   database-rows.c	records as rows; the intervals of a mark share one (record-pack.h)
 *   database-look.c	records for people
 *   database-dates.c	rows by their dates
 *   database-bounds.c	age and size
 *   database-mend.c	a damaged file
 *
 * Functions that return int give 0 or -errno (database_error()).
 */
#ifndef METERD_DATABASE_PARTS_H
#define METERD_DATABASE_PARTS_H

#include <sqlite3.h>

#include "database.h"
#include "record-pack.h"

#define LOADS_KNOWN_MAX 512

/* By kind: its table, and what a row has of records and as its last number. */
extern const char *const database_table[RECORD_KINDS];
extern const char *const database_count[RECORD_KINDS];
extern const char *const database_end[RECORD_KINDS];

/**
 * struct known_load - a row of table load
 */
struct known_load {
	int64_t id;
	uint32_t role;
	char name[LOAD_NAME_MAX + 1];
};

/**
 * struct database - the open file
 * @config: configuration
 * @sql: connection
 * @lock: fd of FILE.lock
 * @insert: by kind
 * @read: by kind
 * @last: newest intervals, by kind
 * @state: what others see
 * @saved: the upstreams as they are in the file
 * @loads: entries in @load
 * @load: the loads known to the file
 * @pack: room for one
 * @unpacked: records of one
 */
struct database {
	const struct store_config *config;
	sqlite3 *sql;
	int lock;
	sqlite3_stmt *insert[RECORD_KINDS];
	sqlite3_stmt *read[RECORD_KINDS];
	sqlite3_stmt *last[RECORD_KINDS];
	struct database_state state;
	struct upstream_state saved[STORE_UPSTREAMS_MAX];
	unsigned int loads;
	struct known_load load[LOADS_KNOWN_MAX];
	unsigned char pack[RECORD_PACK_BYTES];
	struct record unpacked[RECORD_PACK_MAX];
};

/** database_error() - -errno of a result of SQLite; 0 for OK, ROW and DONE */
int database_error(int rc);

/** database_run() - run statements that give no rows */
int database_run(struct database *db, const char *sql);

/** database_number() - the first column of the first row; 0 when there is none, or an error */
int64_t database_number(struct database *db, const char *sql);

/** database_greatest() - the greater of two sequence numbers */
uint64_t database_greatest(uint64_t a, uint64_t b);

/** database_open_file() - open or make the file, whole or not */
int database_open_file(struct database *db);

/** database_prepare() - prepare the statements of the open file */
int database_prepare(struct database *db);

/** database_shut() - close the file, keep the state */
void database_shut(struct database *db);

/**
 * database_check_numbers() - the greatest number of each table can be read
 *
 * Where it cannot, a number might be used again for another record.
 */
int database_check_numbers(struct database *db);

/** database_read_last() - state.last and state.records from the file */
void database_read_last(struct database *db);

/** database_read_id() - state.id from the file; made, or that of the state, when it has none */
int database_read_id(struct database *db);

/** database_read_loads() - the loads known to the file */
int database_read_loads(struct database *db);

/** database_read_size() - state.bytes */
void database_read_size(struct database *db);

/** database_read_upstream() - what is kept of the upstream @u->name; unknown: begins here */
int database_read_upstream(struct database *db, struct upstream_state *u);

/** database_save_upstream() - write the state of an upstream, if it has changed */
int database_save_upstream(struct database *db, unsigned int k);

/** database_insert() - records in the order of their numbers, within a transaction */
int database_insert(struct database *db, const struct record *r, unsigned int n);

/** database_read_kinds() - as database_read(), of the kinds whose bit is set in @kinds */
int database_read_kinds(struct database *db, unsigned int kinds, uint64_t after, struct record *r,
			unsigned int max);

/**
 * database_row_from() - the first row from a number on
 * @least_ms: some rows that are dated before are passed over; INT64_MIN: none
 * @utc_ms: its date; left alone when there is none
 *
 * Return: its sequence; 0: there is none.
 */
uint64_t database_row_from(struct database *db, enum record_kind kind, uint64_t sequence,
			   int64_t least_ms, int64_t *utc_ms);

/**
 * struct date_span - dates, ms since 1970
 * @from_ms: the first
 * @to_ms: the last
 * @least_ms: rows dated before that have no date
 */
struct date_span {
	int64_t from_ms;
	int64_t to_ms;
	int64_t least_ms;
};

/**
 * database_row_before() - the last row before those that are dated within @span
 * @low: a row that is not, or 0
 *
 * Return: its sequence, or @low.
 */
uint64_t database_row_before(struct database *db, enum record_kind kind, uint64_t low,
			     const struct date_span *span);

/** database_is_damaged() - a file was found damaged, and not all of it is taken over yet */
bool database_is_damaged(const struct store_config *config);

/** database_thin() - delete some of the oldest detail, for room; false: there is none */
bool database_thin(struct database *db);

/** database_keep_bounds() - delete what is too old or too much */
void database_keep_bounds(struct database *db);

#endif
