// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as rows of their tables, and back. A name of a load is stored once.
 */
#include "database-parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VALUES (RECORD_QUANTITIES * RECORD_STATISTICS)

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

int database_insert(struct database *db, const struct record *r)
{
	int error;

	if (r->kind >= RECORD_KINDS)
		return -EINVAL;
	if (r->kind == RECORD_EVENT)
		error = insert_event(db, r);
	else if (r->kind == RECORD_INPUT)
		error = insert_input(db, r);
	else
		error = insert_interval(db, r);
	if (!error) {
		error = database_error(sqlite3_step(db->insert[r->kind]));
		sqlite3_reset(db->insert[r->kind]);
	}
	return error;
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
	if (kind == RECORD_INPUT) {
		take_name(r->name, sizeof(r->name), s, 4);
		r->role = (uint32_t)sqlite3_column_int(s, 5);
		take_name(r->text, sizeof(r->text), s, 6);
		r->pulses = sqlite3_column_int64(s, 7);
		r->total_e6 = sqlite3_column_int64(s, 8);
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

/* The tables are merged by their numbers. */
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
				error = error ? error : database_error(rc[k]);
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
