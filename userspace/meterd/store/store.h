/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store - records on the medium, and the queue of each upstream.
 *
 * A child process owns the database, so that nothing here waits for the medium.
 * Records wait in memory until the child says that they are stored; they are given
 * to another child when it dies, and have the same number there. The queue of an
 * upstream is the database itself: what comes after the last record that the upstream
 * acknowledged.
 */
#ifndef METERD_STORE_H
#define METERD_STORE_H

#include <systemd/sd-event.h>

#include "database.h"

struct store;

/* Records that store_fetch() can bring at once. */
#define STORE_BATCH_MAX 128

/**
 * struct store_upstream_ops - what the store tells an upstream
 * @wake: there may be new records, or the answer to a store_fetch() will not come
 * @records: answer to store_fetch(); @n is 0 when there are none; valid during the call
 */
struct store_upstream_ops {
	void (*wake)(void *user);
	void (*records)(void *user, const struct record *r, unsigned int n);
};

/**
 * struct store_counters - for status pages
 * @open: the database can be used
 * @waiting: records in memory that are not stored yet
 * @dropped: records that were never stored, because there was no room in memory
 * @failed: transactions that failed
 * @restarts: of the child
 * @database: state of the file when it was written last
 * @acked_ms: CLOCK_MONOTONIC of the last acknowledgement of each upstream, 0: none yet
 * @behind_ms: CLOCK_MONOTONIC since which it does not have everything, 0: it has
 */
struct store_counters {
	bool open;
	unsigned int waiting;
	uint64_t dropped;
	uint64_t failed;
	uint64_t restarts;
	struct database_state database;
	int64_t acked_ms[STORE_UPSTREAMS_MAX];
	int64_t behind_ms[STORE_UPSTREAMS_MAX];
};

/**
 * store_open() - start the child and wait until the database is open, at most 10 s
 * @s: where to put it
 * @event: loop
 * @config: must outlive it
 * @names: names of the upstreams; their index is how they are called below
 * @upstreams: how many
 *
 * A database that cannot be opened (medium full or read-only) is not an error: records
 * wait in memory, and it is tried again.
 *
 * Return: 0 or -errno.
 */
int store_open(struct store **s, sd_event *event, const struct store_config *config,
	       const char *const *names, unsigned int upstreams);

/** store_id() - identity of the store, "" before it was ever open */
const char *store_id(const struct store *s);

/** store_last() - the last interval records of all loads, newest first; valid until the loop runs
 */
unsigned int store_last(const struct store *s, const struct record **r);

/** store_put() - store records; their numbers are given here. NULL @s is allowed */
void store_put(struct store *s, const struct record *r, unsigned int n);

/** store_event() - store an event; NULL @s is allowed */
void store_event(struct store *s, int64_t utc_ms, int64_t uptime_ms, uint32_t flags,
		 const char *subject, const char *text);

/** store_attach() - who is upstream number @upstream */
void store_attach(struct store *s, unsigned int upstream, const struct store_upstream_ops *ops,
		  void *user);

/**
 * struct store_mark - a record, by the number that one database gave it
 * @database: which one, counted from 0: another medium may be in its place
 * @sequence: its number; 0: before the first
 */
struct store_mark {
	unsigned int database;
	uint64_t sequence;
};

/** store_mark() - a record that ops->records just brought */
struct store_mark store_mark(const struct store *s, uint64_t sequence);

/**
 * store_fetch() - ask for at most @max records after @after; one request at a time
 *
 * What was acknowledged is left out. Of another database than the present one, @after says
 * nothing: the answer begins with what is not acknowledged. It comes by ops->records.
 *
 * Return: 0, -EBUSY: a request is on its way, -EAGAIN: wait for ops->wake.
 */
int store_fetch(struct store *s, unsigned int upstream, struct store_mark after, unsigned int max);

/** store_ack() - the upstream has everything up to a record; one of another database is ignored */
void store_ack(struct store *s, unsigned int upstream, struct store_mark upto);

/**
 * store_refuse() - the upstream refuses this record for good; it is noted, with the reason.
 *	One of another database is ignored
 */
void store_refuse(struct store *s, unsigned int upstream, struct store_mark record,
		  const char *reason);

/* Questions that can wait for their answer at a time. */
#define STORE_LOOKS_MAX 4

/**
 * store_found - the answer to a question
 * @user: of store_look()
 * @error: 0 or -errno: the database cannot be read, or its process has ended
 * @r: records, oldest first; valid during the call
 * @n: how many
 * @next: what to ask for as "after" to get more; 0: there are no more
 */
typedef void store_found(void *user, int error, const struct record *r, unsigned int n,
			 uint64_t next);

/**
 * store_look() - ask for records, whatever the upstreams have of them
 *
 * The answer comes by @found, once, from the loop; at the latest when the store is closed.
 *
 * Return: 0, -EAGAIN: there is no database now, -EBUSY: STORE_LOOKS_MAX wait.
 */
int store_look(struct store *s, const struct record_query *q, store_found *found, void *user);

/** store_counters() - NULL @s gives zeros */
void store_counters(const struct store *s, struct store_counters *c);

/** store_close() - store what waits, at most 5 s, and free; NULL is allowed */
void store_close(struct store *s);

#endif
