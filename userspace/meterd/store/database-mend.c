// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A damaged file is moved aside, and what can be read of it copied into a new one.
 */
#include "database-parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Records read at once of a damaged file: several marks; and numbers skipped at damage. */
#define SALVAGE_RECORDS (4 * RECORD_PACK_MAX)
#define SALVAGE_STEP 8
/* ".corrupt-wal" and its NUL */
#define PATH_MORE 24

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
		if (!database_read_upstream(old, &old->state.upstream[k]))
			db->state.upstream[k] = old->state.upstream[k];
		database_save_upstream(db, k);
	}
}

/* Of one kind, since the damage of one table says nothing about the others. */
static unsigned int salvage_records(struct database *db, struct database *old,
				    enum record_kind kind, struct record *r)
{
	unsigned int rows = 0;
	uint64_t at = 0;

	while (at < old->state.last) {
		int n = database_read_kinds(old, 1U << kind, at, r, SALVAGE_RECORDS);

		if (!n)
			break;
		if (n > 0 && !database_insert(db, r, (unsigned int)n))
			rows += (unsigned int)n;
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
	unsigned int kind;
	char text[96];

	if (!old || !r || !file)
		goto out;
	snprintf(file, bytes, "%s.corrupt", db->config->file);
	if (sqlite3_open_v2(file, &old->sql, SQLITE_OPEN_READWRITE, NULL))
		goto out;
	if (database_prepare(old) || database_read_loads(old))
		goto out;
	database_read_last(old);
	/* where not every number can be read, they begin anew under another identity */
	if (!database_check_numbers(old) && !database_read_id(old))
		memcpy(db->state.id, old->state.id, sizeof(db->state.id));
	db->state.last = database_greatest(db->state.last, old->state.last);
	snprintf(text, sizeof(text),
		 "BEGIN; INSERT OR REPLACE INTO meta VALUES('last',%" PRIu64 ")", db->state.last);
	database_run(db, text);
	snprintf(text, sizeof(text), "INSERT OR REPLACE INTO meta VALUES('id','%s')", db->state.id);
	database_run(db, text);
	salvage_queues(db, old);
	for (kind = 0; kind < RECORD_KINDS; kind++)
		rows += salvage_records(db, old, kind, r);
	if (database_run(db, "COMMIT")) {
		database_run(db, "ROLLBACK");
		rows = 0;
	}
out:
	if (old)
		database_shut(old);
	free(old);
	free(r);
	free(file);
	return rows;
}

int database_mend(struct database *db)
{
	unsigned int rows;
	int error;

	database_shut(db);
	error = move_aside(db->config->file);
	if (!error)
		error = database_open_file(db);
	if (error) {
		log_error("store %s: damaged, and cannot be begun anew: %s; records are kept in "
			  "memory: repair the medium, or move the file away",
			  db->config->file, strerror(-error));
		return error;
	}
	rows = salvage(db);
	database_shut(db);
	error = database_open_file(db);
	log_error(
		"store %s: the file was damaged; it is now %s.corrupt, %u records of it were taken "
		"over into a new one; the energy registers are not in it and not affected",
		db->config->file, db->config->file, rows);
	return error;
}
