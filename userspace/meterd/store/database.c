// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small pages, because every transaction writes whole ones: a minute of 28 loads is
 * about 1 kB. Each kind has a table of its own, so that thinning frees whole pages
 * from its begin. synchronous=FULL: a transaction that was reported as stored
 * survives a power cut. The file is opened alone, because the index of its log is then
 * memory of this process: shared, it is a file too, and the kernel writes out what each
 * transaction changes in it, which is more than the transaction itself.
 */
#include "database-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"

#define PAGE_BYTES 512
#define CACHE_KB 256
/* PRAGMA user_version of the files that are written here */
#define FORMAT 1
#define BUSY_MS 5000
/* SQLite moves its log into the file at 1000 pages; one that has become longer is cut */
#define LOG_BYTES 2097152
#define PATH_MORE 24

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

const char *const database_table[RECORD_KINDS] = { "interval_1m", "interval_5m", "event",
						   "input_total" };
const char *const database_count[RECORD_KINDS] = { "records", "records", "1", "1" };
const char *const database_end[RECORD_KINDS] = { "sequence+records-1", "sequence+records-1",
						 "sequence", "sequence" };

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS load(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, role "
	"INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS upstream(name TEXT PRIMARY KEY, acked INTEGER NOT NULL, "
	"lost INTEGER NOT NULL, refused INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS refused(upstream TEXT NOT NULL, sequence INTEGER NOT NULL, "
	"reason TEXT, PRIMARY KEY(upstream, sequence)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS event(sequence INTEGER PRIMARY KEY, utc_ms INTEGER NOT NULL, "
	"uptime_ms INTEGER NOT NULL, flags INTEGER NOT NULL, subject TEXT NOT NULL, "
	"text TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS input_total(sequence INTEGER PRIMARY KEY, utc_ms INTEGER NOT "
	"NULL, uptime_ms INTEGER NOT NULL, flags INTEGER NOT NULL, name TEXT NOT NULL, kind "
	"INTEGER NOT NULL, unit TEXT NOT NULL, pulses INTEGER NOT NULL, total_e6 INTEGER NOT "
	"NULL);";

static const char interval_schema[] =
	"CREATE TABLE IF NOT EXISTS %s(sequence INTEGER PRIMARY KEY, records INTEGER NOT NULL, "
	"utc_ms INTEGER NOT NULL, uptime_ms INTEGER NOT NULL, pack BLOB NOT NULL)";

int database_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

int database_run(struct database *db, const char *sql)
{
	return database_error(sqlite3_exec(db->sql, sql, NULL, NULL, NULL));
}

static int prepare(struct database *db, sqlite3_stmt **s, const char *sql)
{
	return database_error(
		sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL));
}

/* The first column of the first row. */
int64_t database_number(struct database *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t value = 0;

	if (!sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

/* A file without a format must be empty. */
static int check_format(struct database *db)
{
	int64_t format = database_number(db, "PRAGMA user_version");

	if (format == FORMAT)
		return 0;
	return format || database_number(db, "SELECT count(*) FROM sqlite_master") ? -EMEDIUMTYPE
										   : 0;
}

static void roll_back(struct database *db)
{
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

/* All or nothing: tables without a format would be another version's. */
static int add_tables(struct database *db)
{
	char text[256];
	unsigned int k;
	int error = database_run(db, "BEGIN IMMEDIATE");

	error = error ? error : database_run(db, schema);
	for (k = RECORD_1M; k <= RECORD_5M && !error; k++) {
		snprintf(text, sizeof(text), interval_schema, database_table[k]);
		error = database_run(db, text);
	}
	error = error ? error : database_run(db, "PRAGMA user_version=" NUMBER(FORMAT) "; COMMIT");
	if (error)
		roll_back(db);
	return error;
}

static int set_up(struct database *db)
{
	int keep = 1;
	char text[96];
	int error;

	sqlite3_busy_timeout(db->sql, BUSY_MS);
	/* a log that is written over costs less than one that grows: its size is no news */
	sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	error = database_run(db, "PRAGMA page_size=" NUMBER(PAGE_BYTES));
	error = error ? error : database_run(db, "PRAGMA locking_mode=EXCLUSIVE");
	error = error ? error : database_run(db, "PRAGMA journal_mode=WAL");
	error = error ? error : database_run(db, "PRAGMA synchronous=FULL");
	/* with a limit it is also emptied at the end: it is not to be read into another file */
	error = error ? error : database_run(db, "PRAGMA journal_size_limit=" NUMBER(LOG_BYTES));
	/* what was written is hardly ever read again; the default of 2 MB fills up all the same */
	error = error ? error : database_run(db, "PRAGMA cache_size=-" NUMBER(CACHE_KB));
	/* what is deleted was never secret, and is not worth being written over */
	error = error ? error : database_run(db, "PRAGMA secure_delete=OFF");
	snprintf(text, sizeof(text), "PRAGMA max_page_count=%" PRIu64,
		 (uint64_t)db->config->size_mb * 1024 * 1024 / PAGE_BYTES);
	error = error ? error : database_run(db, text);
	error = error ? error : check_format(db);
	if (!error && database_number(db, "PRAGMA user_version") != FORMAT)
		error = add_tables(db);
	return error;
}

static int prepare_interval(struct database *db, enum record_kind kind)
{
	char text[512];
	int error;

	snprintf(text, sizeof(text), "INSERT INTO %s VALUES(?,?,?,?,?)", database_table[kind]);
	error = prepare(db, &db->insert[kind], text);
	/* the row that has the next number need not begin with it */
	snprintf(text, sizeof(text),
		 "SELECT * FROM %s WHERE sequence>=coalesce((SELECT max(sequence) FROM %s WHERE "
		 "sequence<=?+1),0) ORDER BY sequence",
		 database_table[kind], database_table[kind]);
	error = error ? error : prepare(db, &db->read[kind], text);
	snprintf(text, sizeof(text), "SELECT * FROM %s ORDER BY sequence DESC",
		 database_table[kind]);
	return error ? error : prepare(db, &db->last[kind], text);
}

int database_prepare(struct database *db)
{
	int error = prepare_interval(db, RECORD_1M);

	error = error ? error : prepare_interval(db, RECORD_5M);
	error = error ? error
		      : prepare(db, &db->insert[RECORD_EVENT],
				"INSERT OR IGNORE INTO event VALUES(?,?,?,?,?,?)");
	error = error ? error
		      : prepare(db, &db->read[RECORD_EVENT],
				"SELECT * FROM event WHERE sequence>? ORDER BY sequence");
	error = error ? error
		      : prepare(db, &db->insert[RECORD_INPUT],
				"INSERT OR IGNORE INTO input_total VALUES(?,?,?,?,?,?,?,?,?)");
	return error ? error
		     : prepare(db, &db->read[RECORD_INPUT],
			       "SELECT * FROM input_total WHERE sequence>? ORDER BY sequence");
}

static void known_add(struct database *db, int64_t id, const char *name, uint32_t role)
{
	struct known_load *l;

	if (db->loads == LOADS_KNOWN_MAX)
		return;
	l = &db->load[db->loads++];
	l->id = id;
	l->role = role;
	snprintf(l->name, sizeof(l->name), "%s", name ? name : "");
}

int database_read_loads(struct database *db)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, "SELECT id, name, role FROM load", -1, &s, NULL);

	db->loads = 0;
	while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		known_add(db, sqlite3_column_int64(s, 0), (const char *)sqlite3_column_text(s, 1),
			  (uint32_t)sqlite3_column_int(s, 2));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return database_error(rc);
}

int database_read_upstream(struct database *db, struct upstream_state *u)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db->sql, "SELECT acked, lost, refused FROM upstream WHERE name=?", -1, &s, NULL);

	if (!rc) {
		sqlite3_bind_text(s, 1, u->name, -1, SQLITE_STATIC);
		rc = sqlite3_step(s);
		u->acked = db->state.last;
	}
	if (rc == SQLITE_ROW) {
		u->acked = (uint64_t)sqlite3_column_int64(s, 0);
		u->lost = (uint64_t)sqlite3_column_int64(s, 1);
		u->refused = (uint64_t)sqlite3_column_int64(s, 2);
	}
	sqlite3_finalize(s);
	return database_error(rc);
}

uint64_t database_greatest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Thinning may empty a table, so the greatest number is also kept in meta. */
int database_check_numbers(struct database *db)
{
	char text[128];
	unsigned int k;
	int error = database_run(db, "SELECT max(acked) FROM upstream");

	error = error ? error : database_run(db, "SELECT max(value) FROM meta");
	for (k = 0; k < RECORD_KINDS && !error; k++) {
		snprintf(text, sizeof(text), "SELECT max(sequence) FROM %s", database_table[k]);
		error = database_run(db, text);
	}
	return error;
}

void database_read_last(struct database *db)
{
	uint64_t last = (uint64_t)database_number(db, "SELECT value FROM meta WHERE key='last'");
	char text[128];
	unsigned int k;

	/* a number that an upstream has acknowledged is used, even if its record is lost */
	last = database_greatest(last,
				 (uint64_t)database_number(db, "SELECT max(acked) FROM upstream"));
	for (k = 0; k < RECORD_KINDS; k++) {
		snprintf(text, sizeof(text), "SELECT %s FROM %s ORDER BY sequence DESC LIMIT 1",
			 database_end[k], database_table[k]);
		last = database_greatest(last, (uint64_t)database_number(db, text));
		snprintf(text, sizeof(text), "SELECT sum(%s) FROM %s", database_count[k],
			 database_table[k]);
		db->state.records += (uint64_t)database_number(db, text);
	}
	db->state.last = database_greatest(db->state.last, last);
}

int database_read_id(struct database *db)
{
	char text[128];
	uint32_t random = 0;
	sqlite3_stmt *s = NULL;
	int rc;

	if (!db->state.id[0]) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		snprintf(text, sizeof(text), "INSERT OR IGNORE INTO meta VALUES('id','%08x')",
			 random);
	} else {
		snprintf(text, sizeof(text), "INSERT OR IGNORE INTO meta VALUES('id','%s')",
			 db->state.id);
	}
	rc = database_run(db, text);
	if (rc)
		return rc;
	rc = sqlite3_prepare_v2(db->sql, "SELECT value FROM meta WHERE key='id'", -1, &s, NULL);
	if (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW)
		snprintf(db->state.id, sizeof(db->state.id), "%.8s",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return database_error(rc);
}

void database_read_size(struct database *db)
{
	db->state.bytes = (uint64_t)(database_number(db, "PRAGMA page_count") -
				     database_number(db, "PRAGMA freelist_count")) *
			  PAGE_BYTES;
}

void database_shut(struct database *db)
{
	unsigned int k;

	for (k = 0; k < RECORD_KINDS; k++) {
		sqlite3_finalize(db->insert[k]);
		sqlite3_finalize(db->read[k]);
		sqlite3_finalize(db->last[k]);
		db->insert[k] = db->read[k] = db->last[k] = NULL;
	}
	sqlite3_close(db->sql);
	db->sql = NULL;
}

/* Open the file as it is. */
int database_open_file(struct database *db)
{
	unsigned int k;
	int error;

	db->state.records = 0;
	error = database_error(sqlite3_open(db->config->file, &db->sql));
	error = error ? error : set_up(db);
	error = error ? error : database_prepare(db);
	error = error ? error : database_read_loads(db);
	error = error ? error : database_check_numbers(db);
	error = error ? error : database_read_id(db);
	if (!error)
		database_read_last(db);
	for (k = 0; k < db->state.upstreams && !error; k++)
		error = database_read_upstream(db, &db->state.upstream[k]);
	if (error) {
		database_shut(db);
		return error;
	}
	memset(db->saved, 0xff, sizeof(db->saved));
	database_read_size(db);
	return 0;
}

static int open_lock(const struct store_config *config, int flags)
{
	size_t bytes = strlen(config->file) + PATH_MORE;
	char *path = malloc(bytes);
	int fd = -ENOMEM;

	if (path) {
		snprintf(path, bytes, "%s.lock", config->file);
		fd = open(path, O_RDWR | O_CLOEXEC | flags, 0644);
		fd = fd < 0 ? -errno : fd;
	}
	free(path);
	return fd;
}

/* Two daemons on one file would use the same sequence numbers. */
static int take_lock(struct database *db)
{
	db->lock = open_lock(db->config, O_CREAT);
	if (db->lock < 0)
		return db->lock;
	return flock(db->lock, LOCK_EX | LOCK_NB) ? -errno : 0;
}

int database_was_here(const struct store_config *config)
{
	int fd = open_lock(config, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int database_open(struct database **out, const struct store_config *config,
		  const char *const *names, unsigned int upstreams)
{
	struct database *db = calloc(1, sizeof(*db));
	unsigned int k;
	int error;

	if (!db)
		return -ENOMEM;
	db->config = config;
	db->lock = -1;
	for (k = 0; k < upstreams && k < STORE_UPSTREAMS_MAX; k++)
		snprintf(db->state.upstream[k].name, STORE_NAME_MAX, "%s", names[k]);
	db->state.upstreams = k;
	error = take_lock(db);
	if (!error)
		error = database_is_damaged(config) ? -EBADMSG : database_open_file(db);
	if (error == -EBADMSG)
		error = database_mend(db);
	if (error) {
		database_close(db);
		return error;
	}
	*out = db;
	return 0;
}

void database_close(struct database *db)
{
	if (!db)
		return;
	database_shut(db);
	if (db->lock >= 0)
		close(db->lock);
	free(db);
}

const struct database_state *database_state(const struct database *db)
{
	return &db->state;
}

int database_save_upstream(struct database *db, unsigned int k)
{
	const struct upstream_state *u = &db->state.upstream[k];
	sqlite3_stmt *s = NULL;
	int rc;

	if (!memcmp(u, &db->saved[k], sizeof(*u)))
		return 0;
	rc = sqlite3_prepare_v2(db->sql, "INSERT OR REPLACE INTO upstream VALUES(?,?,?,?)", -1, &s,
				NULL);
	if (!rc) {
		sqlite3_bind_text(s, 1, u->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, (int64_t)u->acked);
		sqlite3_bind_int64(s, 3, (int64_t)u->lost);
		sqlite3_bind_int64(s, 4, (int64_t)u->refused);
		rc = sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return database_error(rc);
}

/* Given a second time, because the answer of the first was lost? */
static bool is_stored(struct database *db, const struct record *r)
{
	char text[160];

	if (r->sequence > db->state.last || r->kind >= RECORD_KINDS)
		return false;
	snprintf(text, sizeof(text),
		 "SELECT %s FROM %s WHERE sequence<=%" PRIu64 " ORDER BY sequence DESC LIMIT 1",
		 database_end[r->kind], database_table[r->kind], r->sequence);
	return (uint64_t)database_number(db, text) >= r->sequence;
}

/* Those that are there already are left out; @inserted is how many are not. */
static int insert_new(struct database *db, const struct record *r, unsigned int n,
		      unsigned int *inserted)
{
	unsigned int from, to;
	int error = 0;

	*inserted = 0;
	for (from = 0; from < n && !error; from = to + 1) {
		for (to = from; to < n && !is_stored(db, &r[to]); to++)
			;
		error = database_insert(db, r + from, to - from);
		*inserted += to - from;
	}
	return error;
}

static int append_once(struct database *db, const struct record *r, unsigned int n,
		       unsigned int *inserted)
{
	int error = database_run(db, "BEGIN IMMEDIATE");
	unsigned int k;

	error = error ? error : insert_new(db, r, n, inserted);
	for (k = 0; k < db->state.upstreams && !error; k++)
		error = database_save_upstream(db, k);
	error = error ? error : database_run(db, "COMMIT");
	if (error) {
		roll_back(db);
		/* the numbers of loads that came with it are free again */
		database_read_loads(db);
	}
	return error;
}

int database_append(struct database *db, const struct record *r, unsigned int n)
{
	unsigned int k, inserted;
	int error;

	if (!db->sql)
		return -EBADMSG;
	error = append_once(db, r, n, &inserted);
	if (error == -ENOSPC && database_thin(db))
		error = append_once(db, r, n, &inserted);
	if (error)
		return error;
	memcpy(db->saved, db->state.upstream, sizeof(db->saved));
	for (k = 0; k < n; k++)
		db->state.last = database_greatest(db->state.last, r[k].sequence);
	db->state.records += inserted;
	if (n)
		database_keep_bounds(db);
	return 0;
}

void database_ack(struct database *db, unsigned int upstream, uint64_t sequence)
{
	if (upstream < db->state.upstreams && sequence > db->state.upstream[upstream].acked &&
	    sequence <= db->state.last)
		db->state.upstream[upstream].acked = sequence;
}

void database_refuse(struct database *db, unsigned int upstream, uint64_t sequence,
		     const char *reason)
{
	sqlite3_stmt *s = NULL;

	if (upstream >= db->state.upstreams || !db->sql)
		return;
	db->state.upstream[upstream].refused++;
	if (!sqlite3_prepare_v2(db->sql, "INSERT OR IGNORE INTO refused VALUES(?,?,?)", -1, &s,
				NULL)) {
		sqlite3_bind_text(s, 1, db->state.upstream[upstream].name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, (int64_t)sequence);
		sqlite3_bind_text(s, 3, reason, -1, SQLITE_STATIC);
		sqlite3_step(s);
	}
	sqlite3_finalize(s);
}
