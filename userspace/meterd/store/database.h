/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database - the SQLite file of the store. Only the store's own process uses it:
 * every call may wait for the medium.
 *
 * A file that is damaged is moved aside to FILE.corrupt, what can be read of it is
 * taken over, and a new one is begun.
 */
#ifndef METERD_DATABASE_H
#define METERD_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "store-config.h"

#define STORE_UPSTREAMS_MAX 4
#define STORE_ID_MAX 16
#define STORE_NAME_MAX 32

/**
 * struct upstream_state - what is kept of an upstream
 * @name: its name
 * @acked: everything up to this sequence number was acknowledged
 * @lost: records that had to be deleted before they were acknowledged
 * @refused: records that the upstream refused for good
 */
struct upstream_state {
	char name[STORE_NAME_MAX];
	uint64_t acked;
	uint64_t lost;
	uint64_t refused;
};

/**
 * struct database_state - the whole
 * @id: made with the store; a sequence number is unique in it
 * @last: greatest sequence number ever used
 * @records: in the file
 * @bytes: used of the file
 * @thinned: records deleted since it was opened, for age or size
 * @upstreams: entries in @upstream
 * @upstream: the upstreams of database_upstreams()
 */
struct database_state {
	char id[STORE_ID_MAX];
	uint64_t last;
	uint64_t records;
	uint64_t bytes;
	uint64_t thinned;
	unsigned int upstreams;
	struct upstream_state upstream[STORE_UPSTREAMS_MAX];
};

/**
 * struct record_query - which records somebody wants to see
 * @after: those with greater numbers
 * @since_ms: with this time or a later one, ms since 1970
 * @until_ms: with an earlier time than this
 * @kinds: bit per enum record_kind
 * @max: at most this many
 * @load: of this load, input or subject of an event; empty: of all
 */
struct record_query {
	uint64_t after;
	int64_t since_ms;
	int64_t until_ms;
	uint32_t kinds;
	uint32_t max;
	char load[LOAD_NAME_MAX + 1];
};

struct database;

/**
 * database_open() - open, mend or make the file
 * @db: where to put it
 * @config: must outlive it
 * @names: names of the upstreams in use; an unknown one begins with the next record
 * @upstreams: how many
 *
 * Return: 0, or -errno after printing the error once per cause.
 */
int database_open(struct database **db, const struct store_config *config, const char *const *names,
		  unsigned int upstreams);

/** database_was_here() - 0 when the folder is one that a database was opened in, or -errno */
int database_was_here(const struct store_config *config);

/** database_state() - read the state */
const struct database_state *database_state(const struct database *db);

/**
 * database_append() - store records and what was acknowledged, in one transaction
 * @db: database
 * @r: records with a sequence number; those that are there already are left as they are
 * @n: how many; may be 0
 *
 * Return: 0 when all is on the medium; -ENOSPC, -EROFS, -EIO, -EBUSY, -EBADMSG: none is.
 */
int database_append(struct database *db, const struct record *r, unsigned int n);

/**
 * database_read() - records after a sequence number, oldest first
 *
 * Return: how many, at most @max; or -errno.
 */
int database_read(struct database *db, uint64_t after, struct record *r, unsigned int max);

/** database_last_intervals() - the last records of 1 min and 5 min, newest first, at most @max */
int database_last_intervals(struct database *db, enum record_kind kind, struct record *r,
			    unsigned int max);

/**
 * database_look() - some of the records that were asked for, oldest first
 * @db: database
 * @q: the question
 * @r: room for @q->max
 * @next: what to ask for as @q->after to get more; 0: there are no more
 *
 * It looks at a bounded number of records, so there may be none, and more nevertheless.
 * Without @q->after, the first of @q->since_ms is found by halving, as if the clock had
 * never gone back by more than what one row covers. The end is where all records of a
 * whole look are of @q->until_ms or later: a clock that was ahead for less hides nothing.
 * Times before 2020, of a gateway that did not know better, are passed over in both.
 *
 * Return: how many, or -errno.
 */
int database_look(struct database *db, const struct record_query *q, struct record *r,
		  uint64_t *next);

/** database_ack() - @upstream has all up to @sequence; kept with the next database_append() */
void database_ack(struct database *db, unsigned int upstream, uint64_t sequence);

/**
 * database_refuse() - @upstream refuses a record for good: it is noted with the reason,
 *	and the record stays where it is; kept with the next database_append()
 */
void database_refuse(struct database *db, unsigned int upstream, uint64_t sequence,
		     const char *reason);

/** database_mend() - after -EBADMSG: move the file aside and begin another; 0 or -errno */
int database_mend(struct database *db);

/** database_close() - NULL is allowed */
void database_close(struct database *db);

#endif
