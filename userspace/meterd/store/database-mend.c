// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A damaged file is moved aside, and what can be read of it copied into a new one.
 *
 * It is FILE.damaged until all that can be read of it is in the new one, and FILE.corrupt
 * from then on: where this ends in between, or the medium has no room, the new one is
 * thrown away, and begun again.
 */
#include "database-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Records read at once of a damaged file: several marks. */
#define SALVAGE_RECORDS (4 * RECORD_PACK_MAX)
/* Numbers skipped at damage; further on an eighth of the gap: a last number may be any. */
#define SALVAGE_STEP 8
#define SALVAGE_NEAR 2048
/* Reads whose records share a transaction: the log keeps the size of the longest one. */
#define SALVAGE_READS 64
/* greatest of PRAGMA max_page_count: what is too much is thinned later */
#define PAGES_MAX "1073741823"

#define DAMAGED ".damaged"
#define CORRUPT ".corrupt"

/* A file is not the same without its log. */
static const char *const parts[] = { "", "-wal", "-shm" };

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void remove_part(const char *file, const char *suffix, const char *part)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s%s", file, suffix, part);
	unlink(name);
}

static bool is_there(const char *file, const char *suffix)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", file, suffix);
	return !access(name, F_OK);
}

/* Rename the parts that there are. */
static int move(const char *file, const char *from, const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	unsigned int k;

	for (k = 0; k < PARTS; k++) {
		snprintf(old, sizeof(old), "%s%s%s", file, from, parts[k]);
		snprintf(new, sizeof(new), "%s%s%s", file, to, parts[k]);
		if (rename(old, new) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

bool database_is_damaged(const struct store_config *config)
{
	return is_there(config->file, DAMAGED);
}

static int move_aside(const char *file)
{
	if (!is_there(file, DAMAGED)) {
		remove_part(file, DAMAGED, "-wal");
		remove_part(file, DAMAGED, "-shm");
	} else if (is_there(file, "")) {
		/* one that was not finished; alone, a log is that of the damaged one */
		remove_part(file, "", "-wal");
		remove_part(file, "", "-shm");
		remove_part(file, "", "");
	}
	return move(file, "", DAMAGED);
}

/* From here on the new file is the only one, and that is on the medium. */
static int finish(const char *file)
{
	char folder[PATH_MAX];
	unsigned int k;
	int error, fd;

	for (k = 0; k < PARTS; k++)
		remove_part(file, CORRUPT, parts[k]);
	error = move(file, DAMAGED, CORRUPT);
	if (error)
		return error;
	snprintf(folder, sizeof(folder), "%s", file);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
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
static int salvage_records(struct database *db, struct database *old, enum record_kind kind,
			   struct record *r, unsigned int *taken)
{
	unsigned int reads = 0;
	uint64_t begin = 0, gap = 0, at = 0;
	int error = 0;

	while (at < old->state.last && !error) {
		int n = database_read_kinds(old, 1U << kind, at, r, SALVAGE_RECORDS);

		if (!n)
			break;
		if (n > 0)
			error = database_insert(db, r, (unsigned int)n);
		*taken += n > 0 && !error ? (unsigned int)n : 0;
		/* a record that is none is no reason to end, the end of the transaction is */
		if (error != -ENOSPC && !sqlite3_get_autocommit(db->sql))
			error = 0;
		if (!error && ++reads % SALVAGE_READS == 0)
			error = database_run(db, "COMMIT; BEGIN");
		gap = n > 0 ? 0 : gap + (gap < SALVAGE_NEAR ? SALVAGE_STEP : gap / 8);
		at = n > 0 ? r[n - 1].sequence : begin + gap;
		begin = n > 0 ? at : begin;
	}
	return error;
}

static int salvage_identity(struct database *db, struct database *old)
{
	char text[160];

	database_read_last(old);
	/* where not every number can be read, they begin anew under another identity */
	if (!database_check_numbers(old) && !database_read_id(old))
		memcpy(db->state.id, old->state.id, sizeof(db->state.id));
	db->state.last = database_greatest(db->state.last, old->state.last);
	snprintf(text, sizeof(text),
		 "INSERT OR REPLACE INTO meta VALUES('last',%" PRIu64 "), ('id','%s')",
		 db->state.last, db->state.id);
	return database_run(db, text);
}

/*
 * Open the damaged file, alone: an index of its log might not get room. Return: 0, -EBADMSG:
 * nothing of it can be read, or another error: not now.
 */
static int open_damaged(struct database *old, const char *file)
{
	char name[PATH_MAX];
	int error, rc;

	snprintf(name, sizeof(name), "%s" DAMAGED, file);
	error = database_error(sqlite3_open_v2(name, &old->sql, SQLITE_OPEN_READWRITE, NULL));
	error = error ? error : database_run(old, "PRAGMA locking_mode=EXCLUSIVE");
	error = error ? error : database_prepare(old);
	error = error ? error : database_read_loads(old);
	rc = sqlite3_extended_errcode(old->sql);
	/* a table that is not there, a part that the medium does not give */
	return rc == SQLITE_ERROR || rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ
		       ? -EBADMSG
		       : error;
}

/*
 * Copy what a damaged file still gives. A read that meets the damage gives what came
 * before it; the next one begins further on.
 */
static int salvage(struct database *db, unsigned int *taken)
{
	struct database *old = calloc(1, sizeof(*old));
	struct record *r = calloc(SALVAGE_RECORDS, sizeof(*r));
	unsigned int kind;
	int error = old && r ? open_damaged(old, db->config->file) : -ENOMEM;

	if (error) {
		error = error == -EBADMSG ? 0 : error;
		goto out;
	}
	error = database_run(db, "PRAGMA max_page_count=" PAGES_MAX "; BEGIN");
	error = error ? error : salvage_identity(db, old);
	if (!error)
		salvage_queues(db, old);
	for (kind = 0; kind < RECORD_KINDS && !error; kind++)
		error = salvage_records(db, old, kind, r, taken);
	error = error ? error : database_run(db, "COMMIT");
out:
	if (old)
		database_shut(old);
	free(old);
	free(r);
	return error;
}

int database_mend(struct database *db)
{
	const char *file = db->config->file;
	unsigned int taken = 0;
	int error;

	database_shut(db);
	error = move_aside(file);
	error = error ? error : database_open_file(db);
	error = error ? error : salvage(db, &taken);
	database_shut(db);
	error = error ? error : finish(file);
	error = error ? error : database_open_file(db);
	if (error) {
		log_error("store %s: damaged, and cannot be begun anew: %s; records are kept in "
			  "memory: make room, repair the medium, or move it and %s.damaged away",
			  file, strerror(-error), file);
		return error;
	}
	log_error(
		"store %s: the file was damaged; it is now %s.corrupt, %u records of it were taken "
		"over into a new one; the energy registers are not in it and not affected",
		file, file, taken);
	return 0;
}
