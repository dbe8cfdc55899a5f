// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an InfluxDB, or what stands in its place, answers: which records leave the queue, and
 * which are left out. The store is the test's, the server a process of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "influx.h"
#include "outputs.h"
#include "store.h"

#define RECORDS 400
#define PLAIN_MAX (1 << 19)

/* ---- the store --------------------------------------------------------- */

struct store {
	const struct store_upstream_ops *ops;
	void *user;
	sd_event_source *answer;
	uint64_t after;
	unsigned int max;
	bool fetching;
	unsigned int records; /* that there are */
	uint64_t acked;
	unsigned int refused;
	uint64_t refused_last;
};

void store_attach(struct store *s, unsigned int upstream, const struct store_upstream_ops *ops,
		  void *user)
{
	s->ops = ops;
	s->user = user;
}

const char *store_id(const struct store *s)
{
	return "0123abcd";
}

struct store_mark store_mark(const struct store *s, uint64_t sequence)
{
	return (struct store_mark){ 0, sequence };
}

int store_fetch(struct store *s, unsigned int upstream, struct store_mark after, unsigned int max)
{
	if (s->fetching)
		return -EBUSY;
	s->fetching = true;
	s->after = after.sequence > s->acked ? after.sequence : s->acked;
	s->max = max;
	sd_event_source_set_enabled(s->answer, SD_EVENT_ONESHOT);
	return 0;
}

void store_ack(struct store *s, unsigned int upstream, struct store_mark upto)
{
	assert_true(upto.sequence > s->acked);
	s->acked = upto.sequence;
}

void store_refuse(struct store *s, unsigned int upstream, struct store_mark record,
		  const char *reason)
{
	assert_non_null(strstr(reason, "400 no"));
	s->refused++;
	s->refused_last = record.sequence;
}

static int on_answer(sd_event_source *source, void *user)
{
	static struct record r[STORE_BATCH_MAX];
	struct store *s = user;
	unsigned int n = 0;

	s->fetching = false;
	for (; n < s->max && n < STORE_BATCH_MAX && s->after + n < s->records; n++)
		r[n] = (struct record){ .kind = RECORD_1M,
					.sequence = s->after + n + 1,
					.name = "load" };
	if (s->ops)
		s->ops->records(s->user, r, n);
	return 0;
}

/* ---- the server -------------------------------------------------------- */

/**
 * struct script - what the server does, shared with it
 * @refuse_all: 400 to everything
 * @page: 200 with a text
 * @poison: records that it refuses, as "sequence=7i,"; empty: none
 * @requests: that it got
 */
struct script {
	volatile bool refuse_all;
	volatile bool page;
	char poison[3][24];
	volatile unsigned int requests;
};

static struct script *script;

static bool has_poison(const char *plain)
{
	unsigned int k;

	for (k = 0; k < 3; k++)
		if (script->poison[k][0] && strstr(plain, script->poison[k]))
			return true;
	return false;
}

static void serve_one(int fd)
{
	static unsigned char in[PLAIN_MAX];
	static char plain[PLAIN_MAX];
	z_stream z = { .next_out = (unsigned char *)plain, .avail_out = sizeof(plain) - 1 };
	size_t length = 0, wanted = SIZE_MAX;
	char *body = NULL, *at;
	ssize_t n = 1;

	while (n > 0 && length < wanted) {
		n = read(fd, in + length, sizeof(in) - 1 - length);
		length += n > 0 ? (size_t)n : 0;
		body = memmem(in, length, "\r\n\r\n", 4);
		at = body ? strcasestr((char *)in, "content-length:") : NULL;
		if (at)
			wanted = (size_t)(body + 4 - (char *)in) + strtoul(at + 15, NULL, 10);
	}
	if (!body || n <= 0 || inflateInit2(&z, 15 + 16))
		_exit(1);
	z.next_in = (unsigned char *)body + 4;
	z.avail_in = (unsigned int)(length - (size_t)(body + 4 - (char *)in));
	if (inflate(&z, Z_FINISH) != Z_STREAM_END)
		_exit(1);
	plain[z.total_out] = '\0';
	inflateEnd(&z);
	script->requests++;
	if (script->refuse_all || has_poison(plain))
		dprintf(fd, "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
	else if (script->page)
		dprintf(fd,
			"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>");
	else
		dprintf(fd, "HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n");
}

static pid_t start_server(unsigned int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t length = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t child;
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &length), 0);
	*port = ntohs(a.sin_port);
	child = fork();
	if (child) {
		close(listener);
		return child;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		serve_one(fd);
		close(fd);
	}
	_exit(1);
}

/* ---- tests ------------------------------------------------------------- */

/**
 * struct fixture - an upstream, its store and its server
 */
struct fixture {
	sd_event *loop;
	struct store store;
	struct influx_config config;
	struct influx *influx;
	char url[64];
	pid_t server;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned int port;

	*state = f;
	memset(script, 0, sizeof(*script));
	f->server = start_server(&port);
	if (sd_event_new(&f->loop) < 0 ||
	    sd_event_add_defer(f->loop, &f->store.answer, on_answer, &f->store) < 0)
		return -1;
	sd_event_source_set_enabled(f->store.answer, SD_EVENT_OFF);
	f->store.records = RECORDS;
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", port);
	f->config = (struct influx_config){
		.url = f->url, .version = 1, .database = "meterd", .bucket = "meterd"
	};
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	influx_close(f->influx);
	sd_event_source_disable_unref(f->store.answer);
	sd_event_unref(f->loop);
	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	free(f);
	return 0;
}

static void begin(struct fixture *f)
{
	assert_int_equal(influx_open(&f->influx, f->loop, &f->config, &f->store, 0, "house"), 0);
}

static bool all_acked(void *context)
{
	return ((struct fixture *)context)->store.acked == RECORDS;
}

static void what_is_taken_leaves_the_queue(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_true(turn_until(f->loop, all_acked, f));
	assert_int_equal(f->store.refused, 0);
	assert_int_equal(script->requests, 4);
}

/* Two on end, and another one: the others are taken, and these noted. */
static void records_that_are_refused_are_left_out(void **state)
{
	struct fixture *f = *state;

	strcpy(script->poison[0], "sequence=70i,");
	strcpy(script->poison[1], "sequence=71i,");
	strcpy(script->poison[2], "sequence=200i,");
	begin(f);
	assert_true(turn_until(f->loop, all_acked, f));
	assert_int_equal(f->store.refused, 3);
	assert_int_equal(f->store.refused_last, 200);
}

static bool has_retried(void *context)
{
	struct fixture *f = context;
	struct influx_counters c;

	influx_counters(f->influx, &c);
	return c.failures > 0;
}

static void who_refuses_all_refuses_none(void **state)
{
	struct fixture *f = *state;

	script->refuse_all = true;
	begin(f);
	assert_true(turn_until(f->loop, has_retried, f));
	assert_int_equal(f->store.acked, 0);
	assert_int_equal(f->store.refused, 0);
	script->refuse_all = false;
	assert_true(turn_until(f->loop, all_acked, f));
	assert_int_equal(f->store.refused, 0);
}

static bool asks_behind_the_last(void *context)
{
	const struct store *s = &((struct fixture *)context)->store;

	return s->acked == 9 && s->after == 10 && !s->fetching;
}

/* The last one is refused, and what comes after it tells whether it was that one. */
static void a_record_waits_for_the_next_one(void **state)
{
	struct fixture *f = *state;
	unsigned int requests;

	f->store.records = 10;
	strcpy(script->poison[0], "sequence=10i,");
	begin(f);
	assert_true(turn_until(f->loop, asks_behind_the_last, f));
	assert_int_equal(f->store.refused, 0);
	/* it is not asked about in the meantime */
	requests = script->requests;
	f->store.ops->wake(f->store.user);
	turn_for(f->loop, 200);
	assert_int_equal(script->requests, requests);
	f->store.records = RECORDS;
	f->store.ops->wake(f->store.user);
	assert_true(turn_until(f->loop, all_acked, f));
	assert_int_equal(f->store.refused, 1);
	assert_int_equal(f->store.refused_last, 10);
}

static void a_page_is_no_acknowledgement(void **state)
{
	struct fixture *f = *state;

	script->page = true;
	begin(f);
	assert_true(turn_until(f->loop, has_retried, f));
	assert_int_equal(f->store.acked, 0);
	script->page = false;
	assert_true(turn_until(f->loop, all_acked, f));
	assert_int_equal(f->store.refused, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_taken_leaves_the_queue), TEST(records_that_are_refused_are_left_out),
		TEST(who_refuses_all_refuses_none),   TEST(a_record_waits_for_the_next_one),
		TEST(a_page_is_no_acknowledgement),
	};

	script = mmap(NULL, sizeof(*script), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	signal(SIGPIPE, SIG_IGN);
	return script == MAP_FAILED || cmocka_run_group_tests(tests, NULL, NULL);
}
