/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store-wire - messages between the store and its child, over a SOCK_SEQPACKET pair. */
#ifndef METERD_STORE_WIRE_H
#define METERD_STORE_WIRE_H

#include "database.h"
#include "store.h"

/**
 * enum store_order - what a message is
 * @STORE_PUT: to the child: store these records
 * @STORE_READ: to the child: give @count records after @sequence to @upstream
 * @STORE_ACK: to the child: @upstream has all up to @sequence
 * @STORE_REFUSE: to the child: @upstream refuses @sequence, reason in the first record's text
 * @STORE_LOOK: to the child: answer @query of place @upstream
 * @STORE_LAST: of the child: some of the last intervals, newest first; before STORE_HELLO
 * @STORE_HELLO: of the child: the database is open
 * @STORE_DONE: of the child: answer to STORE_PUT, @error
 * @STORE_RECORDS: of the child: answer to STORE_READ
 * @STORE_FOUND: of the child: answer to STORE_LOOK; @sequence is where to go on, or 0
 */
enum store_order {
	STORE_PUT,
	STORE_READ,
	STORE_ACK,
	STORE_REFUSE,
	STORE_LOOK,
	STORE_LAST,
	STORE_HELLO,
	STORE_DONE,
	STORE_RECORDS,
	STORE_FOUND,
};

/**
 * struct store_message - a message; @count records follow, where the order has any
 * @order: enum store_order
 * @upstream: whose
 * @sequence: see the order
 * @error: 0 or -errno
 * @count: records that follow, or are asked for
 * @state: in messages of the child
 * @query: of STORE_LOOK
 * @record: records
 */
struct store_message {
	uint32_t order;
	uint32_t upstream;
	uint64_t sequence;
	int32_t error;
	uint32_t count;
	struct database_state state;
	struct record_query query;
	struct record record[STORE_BATCH_MAX];
};

/* Last intervals that the child tells of: each load has one of either kind. */
#define STORE_LAST_MAX (2 * LOADS_MAX)

#define STORE_HEAD_BYTES offsetof(struct store_message, record)

/** store_message_bytes() - length of a message with @records records */
static inline size_t store_message_bytes(unsigned int records)
{
	return STORE_HEAD_BYTES + records * sizeof(struct record);
}

/**
 * store_work() - the child: serve @socket until it is closed; does not return
 * @socket: its end of the pair
 * @config: of the store
 * @names: of the upstreams
 * @upstreams: how many
 * @again: there was a database already: none is made where it is missing, which may be
 *	the folder that its file system was mounted on
 */
_Noreturn void store_work(int socket, const struct store_config *config, const char *const *names,
			  unsigned int upstreams, bool again);

/**
 * store_work_ends() - does the child end after this error of a transaction?
 *
 * A file system that has given up does not take this file again, but perhaps another one
 * that is mounted in its place; and it can be repaired only when nobody has files on it open.
 */
static inline bool store_work_ends(int error)
{
	return error == -EROFS || error == -EIO || error == -EACCES;
}

#endif
