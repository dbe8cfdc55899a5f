/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http-rig - the local API and its clients in one process: the loop is turned until the
 * answer is there.
 */
#ifndef TEST_HTTP_RIG_H
#define TEST_HTTP_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "http.h"
#include "outputs.h"

#define ANSWER_MAX (1 << 18)
#define LOCAL "Host: 127.0.0.1\r\n"

/**
 * struct fixture - a server in a folder of its own
 * @loop: event loop
 * @http: server
 * @dir: folder
 * @web: its web_dir
 * @socket: its unix socket
 */
struct fixture {
	sd_event *loop;
	struct http *http;
	char dir[64];
	char web[80];
	char socket[80];
};

/**
 * struct client - a connection of the test
 * @fd: socket
 * @answer: what has come, NUL-terminated
 * @length: bytes of it
 * @closed: the server has closed it
 * @until: text that is waited for, NULL for the end of the connection
 */
struct client {
	int fd;
	char *answer;
	size_t length;
	bool closed;
	const char *until;
};

static inline void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_config config = { .listen = "127.0.0.1:0" };

	strcpy(f->dir, "/tmp/http-test-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->web, sizeof(f->web), "%s/web", f->dir);
	snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
	mkdir(f->web, 0700);
	write_file(f->web, "index.html", "<!DOCTYPE html><title>page</title>");
	write_file(f->web, "style.css", "body {}");
	write_file(f->web, "app.js", "'use strict';");
	write_file(f->dir, "secret", "secret");
	write_file(f->web, "other", "secret");
	config.socket = f->socket;
	config.web_dir = f->web;
	config.modules_dir = f->dir;
	*state = f;
	return http_open(&f->http, f->loop, &config, "demo \"house\"");
}

static inline int stop(void **state)
{
	struct fixture *f = *state;
	char command[128];

	http_close(f->http);
	assert_int_equal(access(f->socket, F_OK), -1);
	sd_event_unref(f->loop);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static inline struct client *connect_tcp(struct fixture *f, int receive_buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(http_port(f->http)) };
	struct client *c = calloc(1, sizeof(*c));

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->answer = calloc(1, ANSWER_MAX);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (receive_buffer)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	return c;
}

static inline void hang_up(struct client *c)
{
	close(c->fd);
	free(c->answer);
	free(c);
}

static inline bool receive(void *context)
{
	struct client *c = context;
	ssize_t n;

	while (!c->closed && c->length < ANSWER_MAX - 1) {
		n = recv(c->fd, c->answer + c->length, ANSWER_MAX - 1 - c->length, 0);
		if (n > 0)
			c->length += n;
		else if (!n || errno != EAGAIN)
			c->closed = true;
		else
			break;
	}
	return c->closed || (c->until && strstr(c->answer, c->until));
}

static inline void say(struct client *c, const char *text, size_t length)
{
	ssize_t n = send(c->fd, text, length, MSG_NOSIGNAL);

	/* A server that has hung up is what some tests are about. */
	assert_true(n == (ssize_t)length ||
		    (n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == EAGAIN)) || n > 0);
}

/* Send a request in one piece and return the status of the answer, 0 for none. */
static inline int exchange(struct fixture *f, struct client *c, const char *request)
{
	int status = 0;

	say(c, request, strlen(request));
	c->until = NULL;
	if (!turn_until(f->loop, receive, c))
		fail_msg("no end of the answer to \"%.60s\": \"%.200s\"", request, c->answer);
	sscanf(c->answer, "HTTP/1.%*d %d", &status);
	return status;
}

static inline const char *body(const struct client *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

static inline struct json_object *json(const struct client *c)
{
	struct json_object *o = json_tokener_parse(body(c));

	if (!o || !strstr(c->answer, "Content-Type: application/json"))
		fail_msg("no JSON: %s", c->answer);
	return o;
}

/* Status of a GET; its JSON in *out when that is asked for. */
static inline int get(struct fixture *f, const char *path, struct json_object **out)
{
	struct client *c = connect_tcp(f, 0);
	char request[512];
	int status;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" LOCAL "Connection: close\r\n\r\n",
		 path);
	status = exchange(f, c, request);
	if (out)
		*out = json(c);
	hang_up(c);
	return status;
}

static inline void error_says(struct json_object *o, const char *part)
{
	struct json_object *e = NULL;

	json_object_object_get_ex(o, "error", &e);
	if (!e || !strstr(json_object_get_string(e), part))
		fail_msg("error without \"%s\": %s", part, json_object_to_json_string(o));
	json_object_put(o);
}

static inline double number(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no %s in %s", key, json_object_to_json_string(o));
	return v ? json_object_get_double(v) : NAN;
}

#endif
