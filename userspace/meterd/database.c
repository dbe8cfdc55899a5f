// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small pages, because every transaction writes whole ones: a minute of 28 loads is
 * about 2.5 kB. Each kind has a table of its own, so that thinning frees whole pages
 * from its begin. synchronous=FULL: a transaction that was reported as stored
 * survives a power cut.
 */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"

#define PAGE_BYTES 1024
#define MS_PER_DAY (24LL * 3600 * 1000)
#define BUSY_MS 5000
/* Records that are deleted at once, and how often in a row. */
#define THIN_RECORDS 512
#define THIN_STEPS 8
#define LOADS_KNOWN_MAX 256
/* Records read at once of a damaged file, and numbers skipped at damage. */
#define SALVAGE_RECORDS 64
#define SALVAGE_STEP 8
#define REASON_MAX 128
#define VALUES (RECORD_QUANTITIES * RECORD_STATISTICS)
#define PATH_MORE 24

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

static const char *const table_names[RECORD_KINDS] = { "interval_1m", "interval_5m", "event" };

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
	"text TEXT NOT NULL);";

static const char interval_schema[] =
	"CREATE TABLE IF NOT EXISTS %s(sequence INTEGER PRIMARY KEY, utc_ms INTEGER NOT NULL, "
	"uptime_ms INTEGER NOT NULL, flags INTEGER NOT NULL, covered_ms INTEGER NOT NULL, "
	"load INTEGER NOT NULL REFERENCES load, import_uwh INTEGER NOT NULL, "
	"export_uwh INTEGER NOT NULL, import_total_uwh INTEGER NOT NULL, "
	"export_total_uwh INTEGER NOT NULL, "
	"p_cw_mean INTEGER, p_cw_min INTEGER, p_cw_max INTEGER, "
	"v_mv_mean INTEGER, v_mv_min INTEGER, v_mv_max INTEGER, "
	"i_ma_mean INTEGER, i_ma_min INTEGER, i_ma_max INTEGER, "
	"pf_e4_mean INTEGER, pf_e4_min INTEGER, pf_e4_max INTEGER, "
	"thd_v_e4_mean INTEGER, thd_v_e4_min INTEGER, thd_v_e4_max INTEGER, "
	"thd_i_e4_mean INTEGER, thd_i_e4_min INTEGER, thd_i_e4_max INTEGER)";

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
 * @newest_ms: time of the newest record
 * @loads: entries in @load
 * @load: the loads known to the file
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
	int64_t newest_ms;
	unsigned int loads;
	struct known_load load[LOADS_KNOWN_MAX];
};

static int error_of(int rc)
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

static int run(struct database *db, const char *sql)
{
	return error_of(sqlite3_exec(db->sql, sql, NULL, NULL, NULL));
}

static int prepare(struct database *db, sqlite3_stmt **s, const char *sql)
{
	return error_of(sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL));
}

/* The first column of the first row. */
static int64_t number(struct database *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t value = 0;

	if (!sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static int set_up(struct database *db)
{
	char text[1024];
	unsigned int k;
	int error;

	sqlite3_busy_timeout(db->sql, BUSY_MS);
	error = run(db, "PRAGMA page_size=" NUMBER(PAGE_BYTES));
	error = error ? error : run(db, "PRAGMA journal_mode=WAL");
	error = error ? error : run(db, "PRAGMA synchronous=FULL");
	snprintf(text, sizeof(text), "PRAGMA max_page_count=%" PRIu64,
		 (uint64_t)db->config->size_mb * 1024 * 1024 / PAGE_BYTES);
	error = error ? error : run(db, text);
	error = error ? error : run(db, schema);
	for (k = RECORD_1M; k <= RECORD_5M && !error; k++) {
		snprintf(text, sizeof(text), interval_schema, table_names[k]);
		error = run(db, text);
	}
	return error;
}

static int prepare_interval(struct database *db, enum record_kind kind)
{
	char text[512];
	int error;

	snprintf(text, sizeof(text),
		 "INSERT OR IGNORE INTO %s VALUES(?,?,?,?,?,?,?,?,?,?"
		 ",?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		 table_names[kind]);
	error = prepare(db, &db->insert[kind], text);
	snprintf(text, sizeof(text),
		 "SELECT t.*, load.name, load.role FROM %s t JOIN load ON load.id=t.load WHERE "
		 "sequence>? ORDER BY sequence",
		 table_names[kind]);
	error = error ? error : prepare(db, &db->read[kind], text);
	snprintf(text, sizeof(text),
		 "SELECT t.*, load.name, load.role FROM %s t JOIN load ON load.id=t.load ORDER BY "
		 "sequence DESC LIMIT ?",
		 table_names[kind]);
	return error ? error : prepare(db, &db->last[kind], text);
}

static int prepare_all(struct database *db)
{
	int error = prepare_interval(db, RECORD_1M);

	error = error ? error : prepare_interval(db, RECORD_5M);
	error = error ? error
		      : prepare(db, &db->insert[RECORD_EVENT],
				"INSERT OR IGNORE INTO event VALUES(?,?,?,?,?,?)");
	return error ? error
		     : prepare(db, &db->read[RECORD_EVENT],
			       "SELECT * FROM event WHERE sequence>? ORDER BY sequence");
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

static int read_loads(struct database *db)
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
	return error_of(rc);
}

static int read_upstream(struct database *db, struct upstream_state *u)
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
	return error_of(rc);
}

static uint64_t greatest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Thinning may empty a table, so the greatest number is also kept in meta. */
static void read_last(struct database *db)
{
	uint64_t last = (uint64_t)number(db, "SELECT value FROM meta WHERE key='last'");
	char text[128];
	unsigned int k;

	/* a number that an upstream has acknowledged is used, even if its record is lost */
	last = greatest(last, (uint64_t)number(db, "SELECT max(acked) FROM upstream"));
	for (k = 0; k < RECORD_KINDS; k++) {
		int64_t ms;

		snprintf(text, sizeof(text), "SELECT max(sequence) FROM %s", table_names[k]);
		last = greatest(last, (uint64_t)number(db, text));
		snprintf(text, sizeof(text), "SELECT utc_ms FROM %s ORDER BY sequence DESC LIMIT 1",
			 table_names[k]);
		ms = number(db, text);
		if (ms > db->newest_ms)
			db->newest_ms = ms;
		snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table_names[k]);
		db->state.records += (uint64_t)number(db, text);
	}
	db->state.last = greatest(db->state.last, last);
}

static int read_id(struct database *db)
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
	rc = run(db, text);
	if (rc)
		return rc;
	rc = sqlite3_prepare_v2(db->sql, "SELECT value FROM meta WHERE key='id'", -1, &s, NULL);
	if (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW)
		snprintf(db->state.id, sizeof(db->state.id), "%.8s",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return error_of(rc);
}

static void read_size(struct database *db)
{
	db->state.bytes =
		(uint64_t)(number(db, "PRAGMA page_count") - number(db, "PRAGMA freelist_count")) *
		PAGE_BYTES;
}

static void shut(struct database *db)
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
static int open_file(struct database *db)
{
	unsigned int k;
	int error;

	db->state.records = 0;
	error = error_of(sqlite3_open(db->config->file, &db->sql));
	error = error ? error : set_up(db);
	error = error ? error : prepare_all(db);
	error = error ? error : read_loads(db);
	error = error ? error : read_id(db);
	if (!error)
		read_last(db);
	for (k = 0; k < db->state.upstreams && !error; k++)
		error = read_upstream(db, &db->state.upstream[k]);
	if (error) {
		shut(db);
		return error;
	}
	memset(db->saved, 0xff, sizeof(db->saved));
	read_size(db);
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
	error = error ? error : open_file(db);
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
	shut(db);
	if (db->lock >= 0)
		close(db->lock);
	free(db);
}

const struct database_state *database_state(const struct database *db)
{
	return &db->state;
}

static void bind_value(sqlite3_stmt *s, int column, int32_t value)
{
	if (value == RECORD_UNKNOWN)
		sqlite3_bind_null(s, column);
	else
		sqlite3_bind_int(s, column, value);
}

/* The row of a load, made when there is none. */
static int load_id(struct database *db, const struct record *r, int64_t *id)
{
	sqlite3_stmt *s = NULL;
	unsigned int k;
	int rc;

	for (k = 0; k < db->loads; k++) {
		*id = db->load[k].id;
		if (!strcmp(db->load[k].name, r->name) && db->load[k].role == r->role)
			return 0;
	}
	rc = sqlite3_prepare_v2(db->sql,
				"INSERT INTO load(name, role) VALUES(?,?) ON CONFLICT(name) DO "
				"UPDATE SET role=excluded.role RETURNING id",
				-1, &s, NULL);
	if (!rc) {
		sqlite3_bind_text(s, 1, r->name, -1, SQLITE_STATIC);
		sqlite3_bind_int(s, 2, (int)r->role);
		rc = sqlite3_step(s);
	}
	if (rc == SQLITE_ROW) {
		*id = sqlite3_column_int64(s, 0);
		rc = sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? read_loads(db) : error_of(rc);
}

static int insert_event(struct database *db, const struct record *r)
{
	sqlite3_stmt *s = db->insert[RECORD_EVENT];

	sqlite3_bind_int64(s, 1, (int64_t)r->sequence);
	sqlite3_bind_int64(s, 2, r->utc_ms);
	sqlite3_bind_int64(s, 3, r->uptime_ms);
	sqlite3_bind_int(s, 4, (int)r->flags);
	sqlite3_bind_text(s, 5, r->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 6, r->text, -1, SQLITE_STATIC);
	return 0;
}

static int insert_interval(struct database *db, const struct record *r)
{
	const int32_t *value = &r->value[0][0];
	sqlite3_stmt *s = db->insert[r->kind];
	int64_t id = 0;
	int error = load_id(db, r, &id);
	int k;

	if (error)
		return error;
	sqlite3_bind_int64(s, 1, (int64_t)r->sequence);
	sqlite3_bind_int64(s, 2, r->utc_ms);
	sqlite3_bind_int64(s, 3, r->uptime_ms);
	sqlite3_bind_int(s, 4, (int)r->flags);
	sqlite3_bind_int64(s, 5, r->covered_ms);
	sqlite3_bind_int64(s, 6, id);
	sqlite3_bind_int64(s, 7, r->import_uwh);
	sqlite3_bind_int64(s, 8, r->export_uwh);
	sqlite3_bind_int64(s, 9, r->import_total_uwh);
	sqlite3_bind_int64(s, 10, r->export_total_uwh);
	for (k = 0; k < VALUES; k++)
		bind_value(s, 11 + k, value[k]);
	return 0;
}

static int insert(struct database *db, const struct record *r)
{
	int error;

	if (r->kind >= RECORD_KINDS)
		return -EINVAL;
	error = r->kind == RECORD_EVENT ? insert_event(db, r) : insert_interval(db, r);
	if (!error) {
		error = error_of(sqlite3_step(db->insert[r->kind]));
		sqlite3_reset(db->insert[r->kind]);
	}
	return error;
}

static int save_upstream(struct database *db, unsigned int k)
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
	return error_of(rc);
}

static int append_once(struct database *db, const struct record *r, unsigned int n)
{
	int error = run(db, "BEGIN IMMEDIATE");
	unsigned int k;

	for (k = 0; k < n && !error; k++)
		error = insert(db, &r[k]);
	for (k = 0; k < db->state.upstreams && !error; k++)
		error = save_upstream(db, k);
	error = error ? error : run(db, "COMMIT");
	if (error && !sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

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
			 table_names[kind], u->acked, upto);
		u->lost += (uint64_t)number(db, text);
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
		 table_names[kind], THIN_RECORDS);
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
		 db->state.last, table_names[kind], upto);
	if (run(db, text)) {
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
		return false;
	}
	db->state.thinned += THIN_RECORDS;
	return true;
}

static void thin_by_age(struct database *db)
{
	const unsigned int days[RECORD_KINDS] = { db->config->days_1m, db->config->days_5m,
						  db->config->days_events };
	unsigned int kind;
	unsigned int k;

	for (kind = 0; kind < RECORD_KINDS; kind++) {
		int64_t limit_ms = db->newest_ms - days[kind] * MS_PER_DAY;

		for (k = 0; k < THIN_STEPS && thin(db, kind, &limit_ms); k++)
			;
	}
}

/* The detail of a minute goes before that of five minutes, and this before events. */
static bool thin_by_size(struct database *db)
{
	unsigned int kind;

	for (kind = 0; kind < RECORD_KINDS; kind++)
		if (thin(db, kind, NULL))
			return true;
	return false;
}

static void keep_bounds(struct database *db)
{
	uint64_t most = (uint64_t)db->config->size_mb * 1024 * 1024 / 16 * 15;
	unsigned int k;

	thin_by_age(db);
	read_size(db);
	for (k = 0; k < THIN_STEPS && db->state.bytes > most && thin_by_size(db); k++)
		read_size(db);
}

int database_append(struct database *db, const struct record *r, unsigned int n)
{
	unsigned int k;
	int error;

	if (!db->sql)
		return -EBADMSG;
	error = append_once(db, r, n);
	if (error == -ENOSPC && thin_by_size(db))
		error = append_once(db, r, n);
	if (error)
		return error;
	memcpy(db->saved, db->state.upstream, sizeof(db->saved));
	for (k = 0; k < n; k++) {
		db->state.last = greatest(db->state.last, r[k].sequence);
		if (r[k].utc_ms > db->newest_ms)
			db->newest_ms = r[k].utc_ms;
	}
	db->state.records += n;
	if (n)
		keep_bounds(db);
	return 0;
}

static void take_name(char *to, size_t size, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	snprintf(to, size, "%s", text ? text : "");
}

static void take_row(sqlite3_stmt *s, enum record_kind kind, struct record *r)
{
	int32_t *value = &r->value[0][0];
	int k;

	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->sequence = (uint64_t)sqlite3_column_int64(s, 0);
	r->utc_ms = sqlite3_column_int64(s, 1);
	r->uptime_ms = sqlite3_column_int64(s, 2);
	r->flags = (uint32_t)sqlite3_column_int(s, 3);
	if (kind == RECORD_EVENT) {
		take_name(r->name, sizeof(r->name), s, 4);
		take_name(r->text, sizeof(r->text), s, 5);
		return;
	}
	r->covered_ms = (uint32_t)sqlite3_column_int64(s, 4);
	r->import_uwh = sqlite3_column_int64(s, 6);
	r->export_uwh = sqlite3_column_int64(s, 7);
	r->import_total_uwh = sqlite3_column_int64(s, 8);
	r->export_total_uwh = sqlite3_column_int64(s, 9);
	for (k = 0; k < VALUES; k++)
		value[k] = sqlite3_column_type(s, 10 + k) == SQLITE_NULL
				   ? RECORD_UNKNOWN
				   : sqlite3_column_int(s, 10 + k);
	take_name(r->name, sizeof(r->name), s, 10 + VALUES);
	r->role = (uint32_t)sqlite3_column_int(s, 11 + VALUES);
}

/* The three tables are merged by their numbers. */
int database_read(struct database *db, uint64_t after, struct record *r, unsigned int max)
{
	int rc[RECORD_KINDS];
	unsigned int n = 0;
	int error = 0;
	unsigned int k;

	if (!db->sql)
		return -EBADMSG;
	for (k = 0; k < RECORD_KINDS; k++) {
		sqlite3_bind_int64(db->read[k], 1, (int64_t)after);
		rc[k] = sqlite3_step(db->read[k]);
	}
	while (n < max && !error) {
		int next = -1;

		for (k = 0; k < RECORD_KINDS; k++) {
			if (rc[k] != SQLITE_ROW) {
				error = error ? error : error_of(rc[k]);
				continue;
			}
			if (next < 0 || sqlite3_column_int64(db->read[k], 0) <
						sqlite3_column_int64(db->read[next], 0))
				next = (int)k;
		}
		if (next < 0)
			break;
		take_row(db->read[next], (enum record_kind)next, &r[n++]);
		rc[next] = sqlite3_step(db->read[next]);
	}
	for (k = 0; k < RECORD_KINDS; k++)
		sqlite3_reset(db->read[k]);
	return error && !n ? error : (int)n;
}

int database_last_intervals(struct database *db, enum record_kind kind, struct record *r,
			    unsigned int max)
{
	sqlite3_stmt *s = kind < RECORD_EVENT ? db->last[kind] : NULL;
	unsigned int n = 0;

	if (!s)
		return -EINVAL;
	sqlite3_bind_int(s, 1, (int)max);
	while (n < max && sqlite3_step(s) == SQLITE_ROW)
		take_row(s, kind, &r[n++]);
	sqlite3_reset(s);
	return (int)n;
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

static int move_aside(const char *file)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	size_t bytes = strlen(file) + PATH_MORE;
	char *from = malloc(bytes);
	char *to = malloc(bytes);
	unsigned int k;
	int error = from && to ? 0 : -ENOMEM;

	for (k = 0; k < 3 && !error; k++) {
		snprintf(from, bytes, "%s%s", file, parts[k]);
		snprintf(to, bytes, "%s.corrupt%s", file, parts[k]);
		unlink(to);
		if (rename(from, to) && errno != ENOENT)
			error = -errno;
	}
	free(from);
	free(to);
	return error;
}

/* The queues go on where they were, if the damaged file still tells where. */
static void salvage_queues(struct database *db, struct database *old)
{
	unsigned int k;

	for (k = 0; k < db->state.upstreams; k++) {
		snprintf(old->state.upstream[k].name, STORE_NAME_MAX, "%s",
			 db->state.upstream[k].name);
		if (!read_upstream(old, &old->state.upstream[k]))
			db->state.upstream[k] = old->state.upstream[k];
		save_upstream(db, k);
	}
}

/* Can the greatest number of each table be read? */
static bool tables_whole(struct database *old)
{
	static const char *const queries[] = {
		"SELECT max(sequence) FROM interval_1m", "SELECT max(sequence) FROM interval_5m",
		"SELECT max(sequence) FROM event",	 "SELECT max(acked) FROM upstream",
		"SELECT max(value) FROM meta",
	};
	unsigned int k;

	for (k = 0; k < sizeof(queries) / sizeof(queries[0]); k++)
		if (run(old, queries[k]))
			return false;
	return true;
}

static unsigned int salvage_records(struct database *db, struct database *old, struct record *r)
{
	unsigned int rows = 0;
	uint64_t at = 0;

	while (at < old->state.last) {
		int n = database_read(old, at, r, SALVAGE_RECORDS);
		int k;

		for (k = 0; k < n && !insert(db, &r[k]); k++)
			rows++;
		at = n > 0 ? r[n - 1].sequence : at + SALVAGE_STEP;
	}
	return rows;
}

/*
 * Copy what a damaged file still gives. A read that meets the damage gives what came
 * before it; the next one begins further on.
 */
static unsigned int salvage(struct database *db)
{
	struct database *old = calloc(1, sizeof(*old));
	struct record *r = calloc(SALVAGE_RECORDS, sizeof(*r));
	size_t bytes = strlen(db->config->file) + PATH_MORE;
	char *file = malloc(bytes);
	unsigned int rows = 0;
	char text[96];

	if (!old || !r || !file)
		goto out;
	snprintf(file, bytes, "%s.corrupt", db->config->file);
	if (sqlite3_open_v2(file, &old->sql, SQLITE_OPEN_READWRITE, NULL) || prepare_all(old))
		goto out;
	read_last(old);
	/* where not every number can be read, they begin anew under another identity */
	if (tables_whole(old) && !read_id(old))
		memcpy(db->state.id, old->state.id, sizeof(db->state.id));
	db->state.last = greatest(db->state.last, old->state.last);
	snprintf(text, sizeof(text),
		 "BEGIN; INSERT OR REPLACE INTO meta VALUES('last',%" PRIu64 ")", db->state.last);
	run(db, text);
	snprintf(text, sizeof(text), "INSERT OR REPLACE INTO meta VALUES('id','%s')", db->state.id);
	run(db, text);
	salvage_queues(db, old);
	rows = salvage_records(db, old, r);
	if (run(db, "COMMIT")) {
		run(db, "ROLLBACK");
		rows = 0;
	}
out:
	if (old)
		shut(old);
	free(old);
	free(r);
	free(file);
	return rows;
}

int database_mend(struct database *db)
{
	unsigned int rows;
	int error;

	shut(db);
	error = move_aside(db->config->file);
	if (!error)
		error = open_file(db);
	if (error) {
		log_error("store %s: damaged, and cannot be begun anew: %s; records are kept in "
			  "memory: repair the medium, or move the file away",
			  db->config->file, strerror(-error));
		return error;
	}
	rows = salvage(db);
	shut(db);
	error = open_file(db);
	log_error(
		"store %s: the file was damaged; it is now %s.corrupt, %u records of it were taken "
		"over into a new one; the energy registers are not in it and not affected",
		db->config->file, db->config->file, rows);
	return error;
}
