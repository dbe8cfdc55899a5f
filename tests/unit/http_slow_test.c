// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients that ask and do not read: what they cost together is bounded, others are still
 * answered, and nobody takes for ever. A meter that is slow, too: its last reading gets old.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "http-private.h"
#include "outputs.h"

#define GREAT 500000
#define CLIENTS 300

/**
 * struct fixture - a server, and clients of it
 * @fd: of them
 * @begun: requests that were taken
 */
struct fixture {
	sd_event *loop;
	struct http *http;
	int fd[CLIENTS];
	unsigned int begun;
};

static struct json_object *get_great(void *user)
{
	struct fixture *f = user;
	char *text = malloc(GREAT);
	struct json_object *o;

	f->begun++;
	memset(text, 'x', GREAT);
	o = json_object_new_string_len(text, GREAT);
	free(text);
	return o;
}

static char *get_great_text(void *user)
{
	struct fixture *f = user;
	char *text = malloc(GREAT + 1);

	f->begun++;
	memset(text, 'x', GREAT);
	text[GREAT] = '\0';
	return text;
}

static const struct http_report great = { .path = "/great", .summary = "", .get = get_great };
static const struct http_report great_text = {
	.path = "/text", .summary = "", .text = get_great_text, .type = "text/plain"
};

static int start(void **state)
{
	const struct http_config config = { .listen = "127.0.0.1:0" };
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (sd_event_new(&f->loop) < 0 || http_open(&f->http, f->loop, &config, "house"))
		return -1;
	http_provide(f->http, &great, f);
	http_provide(f->http, &great_text, f);
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	http_close(f->http);
	sd_event_unref(f->loop);
	free(f);
	return 0;
}

/* A client that has asked and reads only what the test reads. */
static int ask(struct fixture *f, const char *path)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(http_port(f->http)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/**
 * struct reader - a client that reads to the end
 */
struct reader {
	int fd;
	size_t length;
	char head[4096];
	bool closed;
};

static bool has_head(void *context)
{
	struct reader *r = context;
	ssize_t n = recv(r->fd, r->head + r->length, sizeof(r->head) - 1 - r->length, 0);

	r->closed |= !n;
	r->length += n > 0 ? (size_t)n : 0;
	return r->closed || strstr(r->head, "\r\n\r\n");
}

static bool is_closed(void *context)
{
	struct reader *r = context;
	char text[4096];
	ssize_t n;

	while ((n = recv(r->fd, text, sizeof(text), 0)) > 0)
		;
	r->closed |= !n;
	return r->closed;
}

static int status(struct fixture *f, const char *path)
{
	struct reader r = { .fd = ask(f, path) };
	int code = 0;

	assert_true(turn_until(f->loop, has_head, &r));
	sscanf(r.head, "HTTP/1.%*d %d", &code);
	close(r.fd);
	return code;
}

static bool nothing_is_held(void *context)
{
	return !((struct fixture *)context)->http->held;
}

static void what_is_not_read_is_bounded(struct fixture *f, const char *path)
{
	const struct listener *l = &f->http->listener[0];
	unsigned int k;

	for (k = 0; k < 40; k++) {
		f->fd[k] = ask(f, path);
		turn_for(f->loop, 5);
	}
	assert_true(f->begun >= 16);
	assert_in_range(f->http->held, 7 << 20, 8 << 20);
	assert_int_equal(status(f, path), 503);
	/* what is short is answered all the same */
	assert_int_equal(status(f, "/api/v1/history"), 200);
	assert_int_equal(status(f, "/api/v1/live"), 503);
	assert_in_range(l->connections, 1, 128);
	for (k = 0; k < 40; k++)
		close(f->fd[k]);
	assert_true(turn_until(f->loop, nothing_is_held, f));
	assert_int_equal(status(f, path), 200);
}

static void answers_that_are_not_read_are_bounded(void **state)
{
	what_is_not_read_is_bounded(*state, "/great");
}

static void texts_that_are_not_read_are_bounded(void **state)
{
	what_is_not_read_is_bounded(*state, "/text");
}

static bool none_is_left(void *context)
{
	return !((struct fixture *)context)->http->listener[0].connections;
}

/* More clients than there may be, all of them reading nothing. */
static void connections_are_bounded(void **state)
{
	struct fixture *f = *state;
	const struct listener *l = &f->http->listener[0];
	unsigned int k, most = 0;

	for (k = 0; k < CLIENTS; k++) {
		f->fd[k] = ask(f, "/great");
		turn_for(f->loop, 1);
		most = l->connections > most ? l->connections : most;
	}
	print_message("%u connections, %zu bytes held\n", most, f->http->held);
	assert_in_range(most, 96, 128);
	assert_true(f->http->held <= 8 << 20);
	for (k = 0; k < CLIENTS; k++)
		close(f->fd[k]);
	assert_true(turn_until(f->loop, none_is_left, f));
	assert_int_equal(f->http->held, 0);
}

/* It reads, and so is never idle; after a minute it is cut off. */
static void an_answer_is_read_within_a_minute(void **state)
{
	struct fixture *f = *state;
	struct reader r = { .fd = ask(f, "/great") };
	struct client *c;

	assert_true(turn_until(f->loop, has_head, &r));
	c = f->http->listener[0].oldest;
	assert_true(c->held >= GREAT);
	c->since_us -= 30 * US_PER_S;
	turn_for(f->loop, 100);
	assert_int_equal(f->http->listener[0].connections, 1);
	c->since_us -= 31 * US_PER_S;
	assert_true(turn_until(f->loop, none_is_left, f));
	assert_int_equal(f->http->held, 0);
	assert_true(turn_until(f->loop, is_closed, &r));
	close(r.fd);
}

static void an_old_reading_is_no_answer(void **state)
{
	struct fixture *f = *state;
	struct reading r = small_reading(41);

	http_publish(f->http, &r);
	f->http->reading_us -= 5 * US_PER_S;
	assert_int_equal(status(f, "/api/v1/live"), 200);
	f->http->reading_us -= 6 * US_PER_S;
	assert_int_equal(status(f, "/api/v1/live"), 503);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_that_are_not_read_are_bounded),
		TEST(texts_that_are_not_read_are_bounded),
		TEST(connections_are_bounded),
		TEST(an_answer_is_read_within_a_minute),
		TEST(an_old_reading_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
