// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child of the store: opens the database, answers one message after the other, and
 * ends when its socket is closed. Acknowledgements are kept with the next records, or
 * alone when there are many, or at the end: losing one costs a record sent twice with
 * the same number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "store-wire.h"

#define ACKS_MAX 2000

/**
 * struct worker - the child
 * @db: database
 * @m: the message that is answered; its room is used for the answer
 * @unsaved: acknowledged records since the last transaction
 * @error: of the last transaction
 * @unreadable: it was said that something cannot be read
 */
struct worker {
	struct database *db;
	struct store_message m;
	uint64_t unsaved;
	int error;
	bool unreadable;
};

static bool reply(struct worker *w, enum store_order order, unsigned int count)
{
	ssize_t bytes = (ssize_t)store_message_bytes(count);

	w->m.order = order;
	w->m.count = count;
	w->m.state = *database_state(w->db);
	return send(STDIN_FILENO, &w->m, (size_t)bytes, MSG_NOSIGNAL) == bytes;
}

/* The newest intervals of a kind, of as many loads as there may be. */
static bool tell_last(struct worker *w, enum record_kind kind)
{
	struct record *r = calloc(LOADS_MAX, sizeof(*r));
	int n = r ? database_last_intervals(w->db, kind, r, LOADS_MAX) : 0;
	bool told = true;
	int k, some;

	for (k = 0; k < n && told; k += some) {
		some = n - k < STORE_BATCH_MAX ? n - k : STORE_BATCH_MAX;
		memcpy(w->m.record, r + k, (size_t)some * sizeof(*r));
		told = reply(w, STORE_LAST, (unsigned int)some);
	}
	free(r);
	return told;
}

static bool say_hello(struct worker *w)
{
	return tell_last(w, RECORD_1M) && tell_last(w, RECORD_5M) && reply(w, STORE_HELLO, 0);
}

static int append(struct worker *w, unsigned int n)
{
	int error = database_append(w->db, w->m.record, n);

	if (error == -EBADMSG && !database_mend(w->db))
		error = database_append(w->db, w->m.record, n);
	if (!error)
		w->unsaved = 0;
	w->error = error;
	return error;
}

/*
 * What cannot be read is no reason to end: the next transaction tells whether the medium is
 * gone, or it is only a part of it.
 */
static bool reply_read(struct worker *w, enum store_order order, int n)
{
	w->m.error = n < 0 ? n : 0;
	if (n < 0 && !w->unreadable)
		log_error("store: cannot be read: %s; records there are not given to anyone, "
			  "recording goes on: look after the medium",
			  strerror(-n));
	w->unreadable |= n < 0;
	return reply(w, order, n < 0 ? 0 : (unsigned int)n);
}

static bool answer_read(struct worker *w)
{
	const struct database_state *s = database_state(w->db);
	uint64_t after = w->m.sequence;
	unsigned int max = w->m.count < STORE_BATCH_MAX ? w->m.count : STORE_BATCH_MAX;
	int n;

	if (w->m.upstream >= s->upstreams)
		return false;
	if (after < s->upstream[w->m.upstream].acked)
		after = s->upstream[w->m.upstream].acked;
	n = database_read(w->db, after, w->m.record, max);
	if (n == -EBADMSG && !database_mend(w->db))
		n = database_read(w->db, after, w->m.record, max);
	return reply_read(w, STORE_RECORDS, n);
}

static bool answer_look(struct worker *w)
{
	struct record_query q = w->m.query;
	int n;

	q.max = q.max < STORE_BATCH_MAX ? q.max : STORE_BATCH_MAX;
	q.load[LOAD_NAME_MAX] = '\0';
	n = database_look(w->db, &q, w->m.record, &w->m.sequence);
	if (n == -EBADMSG && !database_mend(w->db))
		n = database_look(w->db, &q, w->m.record, &w->m.sequence);
	return reply_read(w, STORE_FOUND, n);
}

static bool serve(struct worker *w, ssize_t bytes)
{
	bool whole = bytes >= (ssize_t)STORE_HEAD_BYTES;

	if (whole && w->m.order != STORE_READ)
		whole = w->m.count <= STORE_BATCH_MAX &&
			bytes == (ssize_t)store_message_bytes(w->m.count);
	if (!whole)
		return false;
	switch (w->m.order) {
	case STORE_PUT:
		w->m.error = append(w, w->m.count);
		return reply(w, STORE_DONE, 0);
	case STORE_READ:
		return answer_read(w);
	case STORE_LOOK:
		return answer_look(w);
	case STORE_ACK:
		database_ack(w->db, w->m.upstream, w->m.sequence);
		if (++w->unsaved >= ACKS_MAX)
			append(w, 0);
		return true;
	case STORE_REFUSE:
		if (!w->m.count)
			return false;
		w->m.record[0].text[RECORD_TEXT_MAX - 1] = '\0';
		database_refuse(w->db, w->m.upstream, w->m.sequence, w->m.record[0].text);
		return true;
	default:
		return false;
	}
}

_Noreturn void store_work(int socket, const struct store_config *config, const char *const *names,
			  unsigned int upstreams, bool again)
{
	struct worker *w = calloc(1, sizeof(*w));
	ssize_t bytes;
	int error;

	prctl(PR_SET_NAME, "meterd-store");
	if (!w || dup2(socket, STDIN_FILENO) < 0)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	error = again ? database_was_here(config) : 0;
	error = error ? error : database_open(&w->db, config, names, upstreams);
	if (error)
		_exit(-error < 126 ? -error : EXIT_FAILURE);
	if (say_hello(w))
		while ((bytes = recv(STDIN_FILENO, &w->m, sizeof(w->m), 0)) > 0)
			if (!serve(w, bytes) || store_work_ends(w->error))
				break;
	error = w->error;
	append(w, 0);
	database_close(w->db);
	_exit(store_work_ends(error) ? -error : EXIT_SUCCESS);
}
