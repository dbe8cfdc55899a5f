// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as rows of their tables, and back. The intervals that end at one mark are one
 * row, and a name of a load is stored once.
 */
#include "database-parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	return rc == SQLITE_DONE ? database_read_loads(db) : database_error(rc);
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

static int insert_input(struct database *db, const struct record *r)
{
	sqlite3_stmt *s = db->insert[RECORD_INPUT];

	sqlite3_bind_int64(s, 1, (int64_t)r->sequence);
	sqlite3_bind_int64(s, 2, r->utc_ms);
	sqlite3_bind_int64(s, 3, r->uptime_ms);
	sqlite3_bind_int(s, 4, (int)r->flags);
	sqlite3_bind_text(s, 5, r->name, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 6, (int)r->role);
	sqlite3_bind_text(s, 7, r->text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 8, r->pulses);
	sqlite3_bind_int64(s, 9, r->total_e6);
	return 0;
}

/* How many of the records can share a row. */
static unsigned int row_length(const struct record *r, unsigned int n)
{
	unsigned int k;

	for (k = 1; k < n && k < RECORD_PACK_MAX; k++)
		if (r[k].kind != r->kind || r[k].sequence != r->sequence + k ||
		    r[k].utc_ms != r->utc_ms || r[k].uptime_ms != r->uptime_ms)
			break;
	return k;
}

static int insert_intervals(struct database *db, const struct record *r, unsigned int n)
{
	sqlite3_stmt *s = db->insert[r->kind];
	int64_t load[RECORD_PACK_MAX] = { 0 };
	unsigned int k;
	int error = 0;
	int bytes;

	for (k = 0; k < n && !error; k++)
		error = load_id(db, &r[k], &load[k]);
	if (error)
		return error;
	bytes = record_pack(r, load, n, db->pack);
	if (bytes < 0)
		return bytes;
	sqlite3_bind_int64(s, 1, (int64_t)r->sequence);
	sqlite3_bind_int(s, 2, (int)n);
	sqlite3_bind_int64(s, 3, r->utc_ms);
	sqlite3_bind_int64(s, 4, r->uptime_ms);
	sqlite3_bind_blob(s, 5, db->pack, bytes, SQLITE_STATIC);
	return 0;
}

static int insert_row(struct database *db, const struct record *r, unsigned int n)
{
	int error;

	if (r->kind == RECORD_EVENT)
		error = insert_event(db, r);
	else if (r->kind == RECORD_INPUT)
		error = insert_input(db, r);
	else
		error = insert_intervals(db, r, n);
	if (!error) {
		error = database_error(sqlite3_step(db->insert[r->kind]));
		sqlite3_reset(db->insert[r->kind]);
	}
	return error;
}

int database_insert(struct database *db, const struct record *r, unsigned int n)
{
	unsigned int k, length;
	int error = 0;

	for (k = 0; k < n && !error; k += length) {
		if (r[k].kind >= RECORD_KINDS)
			return -EINVAL;
		length = record_seconds(r[k].kind) ? row_length(r + k, n - k) : 1;
		error = insert_row(db, r + k, length);
	}
	return error;
}

static void take_text(char *to, size_t size, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	snprintf(to, size, "%s", text ? text : "");
}

/* The load of an interval; one that is not known makes the record worthless. */
static int take_load(struct database *db, int64_t id, struct record *r)
{
	sqlite3_stmt *s = NULL;
	unsigned int k;
	int rc;

	for (k = 0; k < db->loads; k++)
		if (db->load[k].id == id) {
			memcpy(r->name, db->load[k].name, sizeof(r->name));
			r->role = db->load[k].role;
			return 0;
		}
	/* there are more of them than are kept in memory */
	rc = sqlite3_prepare_v2(db->sql, "SELECT name, role FROM load WHERE id=?", -1, &s, NULL);
	if (!rc) {
		sqlite3_bind_int64(s, 1, id);
		rc = sqlite3_step(s);
	}
	if (rc == SQLITE_ROW) {
		take_text(r->name, sizeof(r->name), s, 0);
		r->role = (uint32_t)sqlite3_column_int(s, 1);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? -EBADMSG : database_error(rc);
}

/* Return: how many are now in db->unpacked, or -errno. */
static int take_intervals(struct database *db, sqlite3_stmt *s, enum record_kind kind)
{
	int64_t records = sqlite3_column_int64(s, 1);
	const unsigned char *pack = sqlite3_column_blob(s, 4);
	int64_t load[RECORD_PACK_MAX];
	unsigned int k, n;
	int error;

	if (records < 1 || records > RECORD_PACK_MAX || !pack)
		return -EBADMSG;
	n = (unsigned int)records;
	memset(db->unpacked, 0, n * sizeof(db->unpacked[0]));
	error = record_unpack(pack, (size_t)sqlite3_column_bytes(s, 4), db->unpacked, load, n);
	for (k = 0; k < n && !error; k++) {
		struct record *r = &db->unpacked[k];

		r->kind = kind;
		r->sequence = (uint64_t)sqlite3_column_int64(s, 0) + k;
		r->utc_ms = sqlite3_column_int64(s, 2);
		r->uptime_ms = sqlite3_column_int64(s, 3);
		error = take_load(db, load[k], r);
	}
	return error ? error : (int)n;
}

/* Return: as take_intervals(), which is 1. */
static int take_other(struct database *db, sqlite3_stmt *s, enum record_kind kind)
{
	struct record *r = db->unpacked;

	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->sequence = (uint64_t)sqlite3_column_int64(s, 0);
	r->utc_ms = sqlite3_column_int64(s, 1);
	r->uptime_ms = sqlite3_column_int64(s, 2);
	r->flags = (uint32_t)sqlite3_column_int(s, 3);
	take_text(r->name, sizeof(r->name), s, 4);
	if (kind == RECORD_EVENT) {
		take_text(r->text, sizeof(r->text), s, 5);
		return 1;
	}
	r->role = (uint32_t)sqlite3_column_int(s, 5);
	take_text(r->text, sizeof(r->text), s, 6);
	r->pulses = sqlite3_column_int64(s, 7);
	r->total_e6 = sqlite3_column_int64(s, 8);
	return 1;
}

static int take_row(struct database *db, sqlite3_stmt *s, enum record_kind kind)
{
	return record_seconds(kind) ? take_intervals(db, s, kind) : take_other(db, s, kind);
}

/* The table whose row comes next; RECORD_KINDS: none has any more. Or -errno. */
static int next_row(struct database *db, const int *rc)
{
	int next = RECORD_KINDS;
	int k;

	for (k = 0; k < RECORD_KINDS; k++) {
		if (database_error(rc[k]))
			return database_error(rc[k]);
		if (rc[k] == SQLITE_ROW &&
		    (next == RECORD_KINDS || sqlite3_column_int64(db->read[k], 0) <
						     sqlite3_column_int64(db->read[next], 0)))
			next = k;
	}
	return next;
}

/* The tables are merged by their numbers; those of a row have none of others between them. */
int database_read_kinds(struct database *db, unsigned int kinds, uint64_t after, struct record *r,
			unsigned int max)
{
	int rc[RECORD_KINDS];
	unsigned int n = 0;
	int taken = 0;
	int k;

	if (!db->sql)
		return -EBADMSG;
	for (k = 0; k < RECORD_KINDS; k++) {
		sqlite3_bind_int64(db->read[k], 1, (int64_t)after);
		rc[k] = kinds & 1U << k ? sqlite3_step(db->read[k]) : SQLITE_DONE;
	}
	while (n < max && taken >= 0) {
		int kind = next_row(db, rc);

		if (kind == RECORD_KINDS)
			break;
		taken = kind < 0 ? kind : take_row(db, db->read[kind], (enum record_kind)kind);
		for (k = 0; k < taken && n < max; k++)
			if (db->unpacked[k].sequence > after)
				r[n++] = db->unpacked[k];
		if (taken >= 0)
			rc[kind] = sqlite3_step(db->read[kind]);
	}
	for (k = 0; k < RECORD_KINDS; k++)
		sqlite3_reset(db->read[k]);
	return taken < 0 && !n ? taken : (int)n;
}

int database_read(struct database *db, uint64_t after, struct record *r, unsigned int max)
{
	return database_read_kinds(db, ~0U, after, r, max);
}

int database_last_intervals(struct database *db, enum record_kind kind, struct record *r,
			    unsigned int max)
{
	sqlite3_stmt *s = kind < RECORD_EVENT ? db->last[kind] : NULL;
	unsigned int n = 0;
	int taken = 0;

	if (!s)
		return -EINVAL;
	while (n < max && taken >= 0 && sqlite3_step(s) == SQLITE_ROW) {
		taken = take_row(db, s, kind);
		while (taken > 0 && n < max)
			r[n++] = db->unpacked[--taken];
	}
	sqlite3_reset(s);
	return (int)n;
}
