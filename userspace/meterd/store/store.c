// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One transaction is on its way to the child at a time; what comes meanwhile waits in
 * a line in memory and is sent as the next one.
 */
#include "store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock-state.h"
#include "log.h"
#include "store-wire.h"
#include "utf8.h"

#define US_PER_S 1000000ULL
#define OPEN_WAIT_MS 10000
#define CLOSE_WAIT_MS 5000
#define RETRY_MIN_US US_PER_S
#define RETRY_MAX_US (60 * US_PER_S)
/* Records that wait in memory: two hours of 28 loads. */
#define LINE_MAX_RECORDS 4096
#define SOCKET_BYTES (1 << 20)

/* Messages have one field for both. */
_Static_assert(STORE_LOOKS_MAX <= STORE_UPSTREAMS_MAX, "more questions than places");

/**
 * struct attached - an upstream
 * @ops: what to tell it
 * @user: first argument
 * @fetching: a request is on its way
 */
struct attached {
	const struct store_upstream_ops *ops;
	void *user;
	bool fetching;
};

/**
 * struct looker - who waits for the answer to a question
 * @found: gets it; NULL: nobody
 * @user: first argument
 */
struct looker {
	store_found *found;
	void *user;
};

struct store {
	sd_event *event;
	const struct store_config *config;
	const char *names[STORE_UPSTREAMS_MAX];
	unsigned int upstreams;
	struct attached up[STORE_UPSTREAMS_MAX];
	struct looker looker[STORE_LOOKS_MAX];
	int fd; /* to the child, -1 */
	pid_t child;
	bool hello; /* the child has the database open */
	bool was_open;
	unsigned int database; /* how many there were before this one */
	char id[STORE_ID_MAX]; /* of the database that the numbers are of */
	int told;	       /* the error that was reported, 0: none */
	sd_event_source *io;
	sd_event_source *put;	/* all that a reading brings goes in one transaction */
	sd_event_source *timer; /* next child, or the same records again */
	uint64_t retry_us;
	uint64_t next;		    /* number of the next record */
	struct record *line;	    /* records that are not stored */
	unsigned int length;	    /* of them */
	unsigned int sent;	    /* the first ones, which the child has */
	unsigned int last;	    /* entries in last_record */
	struct record *last_record; /* before the first hello */
	struct store_message *m;    /* in */
	struct store_message *out;  /* out */
	struct store_counters counters;
};

static void start(struct store *s);
static void send_line(struct store *s);

static void retry_later(struct store *s)
{
	sd_event_source_set_time_relative(s->timer, s->retry_us);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
	s->retry_us = s->retry_us * 2 > RETRY_MAX_US ? RETRY_MAX_US : s->retry_us * 2;
}

/* Say a trouble once, and once when it is over. */
static void tell(struct store *s, int error)
{
	const char *file = s->config->file;

	if (error == s->told)
		return;
	s->told = error;
	if (!error)
		log_notice("store %s: can be written again, %u records waited", file, s->length);
	else if (error == -EWOULDBLOCK)
		log_error("store %s: another meterd uses it; end that, or give this one another "
			  "file, [store] file",
			  file);
	else if (error == -EMEDIUMTYPE)
		log_error("store %s: another version of meterd made it, and this one cannot read "
			  "it; use that, or give this one another file, [store] file; records wait "
			  "in memory",
			  file);
	else if (error == -EBUSY)
		log_error("store %s: another program has it open; end that: a copy of it can be "
			  "read; records wait in memory",
			  file);
	else
		log_error("store %s: cannot be written: %s; measuring goes on, up to %d records "
			  "wait in memory: make room, or repair the medium",
			  file, strerror(-error), LINE_MAX_RECORDS);
}

static void answer_looker(struct store *s, unsigned int place, int error)
{
	struct looker l = s->looker[place];

	s->looker[place].found = NULL;
	if (l.found)
		l.found(l.user, error, s->m->record, error ? 0 : s->m->count,
			error ? 0 : s->m->sequence);
}

static void refuse_lookers(struct store *s)
{
	unsigned int k;

	for (k = 0; k < STORE_LOOKS_MAX; k++)
		answer_looker(s, k, -EIO);
}

/* The child is gone, for whatever cause: what it had not stored is sent to the next one. */
static void lose_child(struct store *s)
{
	int status = 0;
	unsigned int k;

	s->io = sd_event_source_disable_unref(s->io);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->child > 0)
		waitpid(s->child, &status, 0);
	s->child = 0;
	s->sent = 0;
	s->counters.open = false;
	if (s->hello)
		log_warning("store %s: its process has ended; another one is started",
			    s->config->file);
	else if (WIFEXITED(status) && WEXITSTATUS(status) > EXIT_FAILURE)
		tell(s, -WEXITSTATUS(status));
	else
		tell(s, -EIO);
	s->hello = false;
	for (k = 0; k < s->upstreams; k++)
		s->up[k].fetching = false;
	refuse_lookers(s);
	retry_later(s);
}

static void wake_all(struct store *s)
{
	unsigned int k;

	for (k = 0; k < s->upstreams; k++)
		if (s->up[k].ops)
			s->up[k].ops->wake(s->up[k].user);
}

static void number_line(struct store *s)
{
	unsigned int k;

	for (k = 0; k < s->length; k++)
		if (!s->line[k].sequence)
			s->line[k].sequence = s->next++;
}

static void on_last(struct store *s)
{
	unsigned int k;

	for (k = 0; k < s->m->count && !s->was_open && s->last < STORE_LAST_MAX; k++)
		s->last_record[s->last++] = s->m->record[k];
}

/* Another medium: its numbers say nothing about what waits, nor about what others have of it. */
static void forget_numbers(struct store *s)
{
	unsigned int k;

	for (k = 0; k < s->length; k++)
		s->line[k].sequence = 0;
	s->database++;
	s->next = 1;
}

static void on_hello(struct store *s)
{
	s->hello = true;
	s->counters.open = true;
	s->retry_us = RETRY_MIN_US;
	if (s->was_open && strcmp(s->id, s->m->state.id))
		forget_numbers(s);
	if (s->next <= s->m->state.last)
		s->next = s->m->state.last + 1;
	s->was_open = true;
	number_line(s);
	send_line(s);
	wake_all(s);
}

/* After some errors the child ends, and another one will look for the file. */
static void on_failed(struct store *s)
{
	s->counters.failed++;
	s->sent = 0;
	if (store_work_ends(s->m->error))
		s->hello = false;
	else
		retry_later(s);
}

static void on_done(struct store *s)
{
	tell(s, s->m->error);
	if (s->m->error) {
		on_failed(s);
		return;
	}
	s->retry_us = RETRY_MIN_US;
	s->length -= s->sent;
	memmove(s->line, s->line + s->sent, s->length * sizeof(*s->line));
	s->sent = 0;
	send_line(s);
	wake_all(s);
}

static void on_records(struct store *s)
{
	struct attached *up = &s->up[s->m->upstream];

	up->fetching = false;
	if (up->ops)
		up->ops->records(up->user, s->m->record, s->m->count);
}

static int64_t clock_ms(void)
{
	return (int64_t)(clock_us(CLOCK_MONOTONIC) / 1000);
}

/* How long an upstream has not had everything, for status pages. */
static void note_queues(struct store *s)
{
	const struct database_state *d = &s->counters.database;
	unsigned int k;

	for (k = 0; k < d->upstreams && k < STORE_UPSTREAMS_MAX; k++) {
		if (d->upstream[k].acked >= d->last)
			s->counters.behind_ms[k] = 0;
		else if (!s->counters.behind_ms[k])
			s->counters.behind_ms[k] = clock_ms();
	}
}

/* Return: whether the message was one. */
static bool receive(struct store *s, int flags)
{
	ssize_t n = recv(s->fd, s->m, sizeof(*s->m), flags);

	if (n < (ssize_t)STORE_HEAD_BYTES || s->m->count > STORE_BATCH_MAX ||
	    n != (ssize_t)store_message_bytes(s->m->count) || s->m->upstream >= STORE_UPSTREAMS_MAX)
		return false;
	s->counters.database = s->m->state;
	note_queues(s);
	if (s->m->order == STORE_LAST)
		on_last(s);
	else if (s->m->order == STORE_HELLO)
		on_hello(s);
	else if (s->m->order == STORE_DONE)
		on_done(s);
	else if (s->m->order == STORE_RECORDS)
		on_records(s);
	else if (s->m->order == STORE_FOUND)
		answer_looker(s, s->m->upstream, s->m->error);
	/* mended by the same process, it may have another one, in which the numbers go on */
	if (s->hello)
		memcpy(s->id, s->counters.database.id, sizeof(s->id));
	return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct store *s = user;

	if (!receive(s, MSG_DONTWAIT))
		lose_child(s);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct store *s = user;

	if (s->fd < 0) {
		s->counters.restarts++;
		start(s);
	} else {
		send_line(s);
	}
	return 0;
}

static int on_put(sd_event_source *source, void *user)
{
	send_line(user);
	return 0;
}

static void start(struct store *s)
{
	int bytes = SOCKET_BYTES;
	int pair[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		tell(s, -errno);
		retry_later(s);
		return;
	}
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	s->last = s->was_open ? s->last : 0;
	s->child = fork();
	if (!s->child)
		store_work(pair[1], s->config, s->names, s->upstreams, s->was_open);
	close(pair[1]);
	s->fd = pair[0];
	error = s->child < 0 ? -errno : sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_io, s);
	if (error < 0)
		lose_child(s);
}

/* Return: whether the child has it. */
static bool give(struct store *s, unsigned int records)
{
	size_t bytes = store_message_bytes(records);

	return send(s->fd, s->out, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes;
}

static void send_line(struct store *s)
{
	unsigned int n = s->length < STORE_BATCH_MAX ? s->length : STORE_BATCH_MAX;

	s->counters.waiting = s->length;
	if (!s->hello || s->sent || !n)
		return;
	s->out->order = STORE_PUT;
	s->out->upstream = 0;
	s->out->count = n;
	memcpy(s->out->record, s->line, n * sizeof(*s->line));
	if (give(s, n))
		s->sent = n;
	else
		retry_later(s);
}

/* Room for one more: the oldest detail that the child does not have goes first. */
static void make_room(struct store *s)
{
	unsigned int k;

	if (s->length < LINE_MAX_RECORDS)
		return;
	for (k = s->sent; k < s->length && s->line[k].kind != RECORD_1M; k++)
		;
	if (k == s->length)
		k = s->sent;
	if (!s->counters.dropped++)
		log_error("store %s: %d records wait for the medium, memory holds no more; the "
			  "oldest are dropped from now on",
			  s->config->file, LINE_MAX_RECORDS);
	memmove(s->line + k, s->line + k + 1, (s->length - k - 1) * sizeof(*s->line));
	s->length--;
}

void store_put(struct store *s, const struct record *r, unsigned int n)
{
	unsigned int k;

	if (!s)
		return;
	for (k = 0; k < n; k++) {
		make_room(s);
		s->line[s->length] = r[k];
		s->line[s->length].sequence = s->was_open ? s->next++ : 0;
		s->length++;
	}
	s->counters.waiting = s->length;
	sd_event_source_set_enabled(s->put, SD_EVENT_ONESHOT);
}

void store_event(struct store *s, int64_t utc_ms, int64_t uptime_ms, uint32_t flags,
		 const char *subject, const char *text)
{
	struct record r = {
		.kind = RECORD_EVENT,
		.utc_ms = utc_ms,
		.uptime_ms = uptime_ms,
		.flags = flags,
	};

	snprintf(r.name, sizeof(r.name), "%s", subject);
	snprintf(r.text, sizeof(r.text), "%s", text);
	utf8_mend(r.name);
	utf8_mend(r.text);
	store_put(s, &r, 1);
}

const char *store_id(const struct store *s)
{
	return s->counters.database.id;
}

unsigned int store_last(const struct store *s, const struct record **r)
{
	*r = s->last_record;
	return s->last;
}

void store_attach(struct store *s, unsigned int upstream, const struct store_upstream_ops *ops,
		  void *user)
{
	s->up[upstream].ops = ops;
	s->up[upstream].user = user;
}

struct store_mark store_mark(const struct store *s, uint64_t sequence)
{
	return (struct store_mark){ s->database, sequence };
}

int store_fetch(struct store *s, unsigned int upstream, struct store_mark after, unsigned int max)
{
	if (!s->hello)
		return -EAGAIN;
	if (s->up[upstream].fetching)
		return -EBUSY;
	s->out->order = STORE_READ;
	s->out->upstream = upstream;
	s->out->sequence = after.database == s->database ? after.sequence : 0;
	s->out->count = max;
	if (!give(s, 0))
		return -EAGAIN;
	s->up[upstream].fetching = true;
	return 0;
}

int store_look(struct store *s, const struct record_query *q, store_found *found, void *user)
{
	unsigned int k;

	if (!s || !s->hello)
		return -EAGAIN;
	for (k = 0; k < STORE_LOOKS_MAX && s->looker[k].found; k++)
		;
	if (k == STORE_LOOKS_MAX)
		return -EBUSY;
	s->out->order = STORE_LOOK;
	s->out->upstream = k;
	s->out->query = *q;
	s->out->count = 0;
	if (!give(s, 0))
		return -EAGAIN;
	s->looker[k] = (struct looker){ found, user };
	return 0;
}

void store_ack(struct store *s, unsigned int upstream, struct store_mark upto)
{
	if (upstream < STORE_UPSTREAMS_MAX)
		s->counters.acked_ms[upstream] = clock_ms();
	if (!s->hello || upto.database != s->database)
		return;
	s->out->order = STORE_ACK;
	s->out->upstream = upstream;
	s->out->sequence = upto.sequence;
	s->out->count = 0;
	give(s, 0);
}

void store_refuse(struct store *s, unsigned int upstream, struct store_mark record,
		  const char *reason)
{
	if (!s->hello || record.database != s->database)
		return;
	s->out->order = STORE_REFUSE;
	s->out->upstream = upstream;
	s->out->sequence = record.sequence;
	s->out->count = 1;
	memset(&s->out->record[0], 0, sizeof(s->out->record[0]));
	snprintf(s->out->record[0].text, RECORD_TEXT_MAX, "%s", reason);
	give(s, 1);
}

void store_counters(const struct store *s, struct store_counters *c)
{
	*c = s ? s->counters : (struct store_counters){ 0 };
}

/* Outside of the loop: until the child has answered, or @ms have passed. */
static void wait_child(struct store *s, bool (*over)(const struct store *s), int64_t ms)
{
	int64_t end = clock_ms() + ms;

	while (s->fd >= 0 && !over(s) && clock_ms() < end) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		if (poll(&p, 1, (int)(end - clock_ms())) > 0 && !receive(s, MSG_DONTWAIT))
			lose_child(s);
	}
}

static bool is_open(const struct store *s)
{
	return s->hello;
}

static bool is_stored(const struct store *s)
{
	return !s->length || s->told;
}

int store_open(struct store **out, sd_event *event, const struct store_config *config,
	       const char *const *names, unsigned int upstreams)
{
	struct store *s = calloc(1, sizeof(*s));
	unsigned int k;
	int error = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->event = sd_event_ref(event);
	s->config = config;
	s->next = 1;
	s->retry_us = RETRY_MIN_US;
	for (k = 0; k < upstreams && k < STORE_UPSTREAMS_MAX; k++)
		s->names[k] = names[k];
	s->upstreams = k;
	s->line = calloc(LINE_MAX_RECORDS, sizeof(*s->line));
	s->last_record = calloc(STORE_LAST_MAX, sizeof(*s->last_record));
	s->m = calloc(1, sizeof(*s->m));
	s->out = calloc(1, sizeof(*s->out));
	if (s->line && s->last_record && s->m && s->out)
		error = sd_event_add_time_relative(event, &s->timer, CLOCK_MONOTONIC, 0, 0,
						   on_timer, s);
	if (error >= 0)
		error = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (error >= 0)
		error = sd_event_add_defer(event, &s->put, on_put, s);
	if (error >= 0)
		error = sd_event_source_set_enabled(s->put, SD_EVENT_OFF);
	if (error < 0) {
		store_close(s);
		return error;
	}
	start(s);
	wait_child(s, is_open, OPEN_WAIT_MS);
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	unsigned int k;

	if (!s)
		return;
	for (k = 0; k < STORE_UPSTREAMS_MAX; k++)
		s->up[k].ops = NULL;
	send_line(s);
	wait_child(s, is_stored, CLOSE_WAIT_MS);
	if (s->length)
		log_error("store %s: %u records were not stored and are lost", s->config->file,
			  s->length);
	refuse_lookers(s);
	sd_event_source_disable_unref(s->io);
	if (s->fd >= 0)
		close(s->fd);
	if (s->child > 0)
		waitpid(s->child, NULL, 0);
	sd_event_source_disable_unref(s->put);
	sd_event_source_disable_unref(s->timer);
	sd_event_unref(s->event);
	free(s->line);
	free(s->last_record);
	free(s->m);
	free(s->out);
	free(s);
}
