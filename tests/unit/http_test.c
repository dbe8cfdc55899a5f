// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local API with clients that behave, and with clients that do not. Server
 * and clients share this process: the loop is turned until the answer is there.
 */
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
#include "mqtt.h"
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
 * @log: standard error, while the test listens
 */
struct fixture {
	sd_event *loop;
	struct http *http;
	char dir[64];
	char web[80];
	char socket[80];
	int log;
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

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int start(void **state)
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

static int stop(void **state)
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

static struct client *connect_tcp(struct fixture *f, int receive_buffer)
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

static struct client *connect_unix(struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct client *c = calloc(1, sizeof(*c));

	strcpy(a.sun_path, f->socket);
	c->answer = calloc(1, ANSWER_MAX);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	return c;
}

static void hang_up(struct client *c)
{
	close(c->fd);
	free(c->answer);
	free(c);
}

static bool receive(void *context)
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

static void say(struct client *c, const char *text, size_t length)
{
	ssize_t n = send(c->fd, text, length, MSG_NOSIGNAL);

	/* A server that has hung up is what some tests are about. */
	assert_true(n == (ssize_t)length ||
		    (n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == EAGAIN)) || n > 0);
}

/* Send a request in one piece and return the status of the answer, 0 for none. */
static int exchange(struct fixture *f, struct client *c, const char *request)
{
	int status = 0;

	say(c, request, strlen(request));
	c->until = NULL;
	if (!turn_until(f->loop, receive, c, 5000))
		fail_msg("no end of the answer to \"%.60s\": \"%.200s\"", request, c->answer);
	sscanf(c->answer, "HTTP/1.%*d %d", &status);
	return status;
}

static const char *body(const struct client *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

static struct json_object *json(const struct client *c)
{
	struct json_object *o = json_tokener_parse(body(c));

	if (!o || !strstr(c->answer, "Content-Type: application/json"))
		fail_msg("no JSON: %s", c->answer);
	return o;
}

/* Status of a GET; its JSON in *out when that is asked for. */
static int get(struct fixture *f, const char *path, struct json_object **out)
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

static void error_says(struct json_object *o, const char *part)
{
	struct json_object *e = NULL;

	json_object_object_get_ex(o, "error", &e);
	if (!e || !strstr(json_object_get_string(e), part))
		fail_msg("error without \"%s\": %s", part, json_object_to_json_string(o));
	json_object_put(o);
}

static double number(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no %s in %s", key, json_object_to_json_string(o));
	return v ? json_object_get_double(v) : NAN;
}

/* ---- what it serves --------------------------------------------------- */

static void before_the_first_reading_live_is_unavailable(void **state)
{
	struct json_object *o;

	assert_int_equal(get(*state, "/api/v1/live", &o), 503);
	error_says(o, "no reading yet");
}

static void live_is_the_last_reading(void **state)
{
	struct fixture *f = *state;
	struct reading r = small_reading(41);
	struct json_object *o;

	http_publish(f->http, &r);
	r = small_reading(42);
	http_publish(f->http, &r);
	assert_int_equal(get(f, "/api/v1/live", &o), 200);
	assert_true(number(o, "sequence") == 42);
	json_object_put(o);
}

static void the_unix_socket_serves_the_same(void **state)
{
	struct fixture *f = *state;
	struct reading r = small_reading(7);
	struct client *c;
	struct json_object *o;
	struct stat st;

	http_publish(f->http, &r);
	c = connect_unix(f);
	assert_int_equal(exchange(f, c, "GET /api/v1/live HTTP/1.0\r\nHost: any.name\r\n\r\n"),
			 200);
	o = json(c);
	assert_true(number(o, "sequence") == 7);
	json_object_put(o);
	hang_up(c);
	assert_int_equal(stat(f->socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void status_tells_ages_and_counters(void **state)
{
	struct fixture *f = *state;
	struct mqtt_config config = { .host = "/nonexistent/socket", .topic = "meterd" };
	struct reading r = small_reading(1);
	struct json_object *o, *m = NULL;
	struct mqtt *mqtt;

	assert_int_equal(get(f, "/api/v1/status", &o), 200);
	assert_true(isnan(number(o, "source_age_s")));
	assert_true(isnan(number(o, "first_reading_s")));
	assert_true(number(o, "uptime_s") >= 0 && number(o, "uptime_s") < 600);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "gateway")),
			    "demo \"house\"");
	assert_true(json_object_object_get_ex(o, "mqtt", &m) && !m);
	json_object_put(o);

	assert_int_equal(mqtt_open(&mqtt, f->loop, &config, "house"), 0);
	http_watch_mqtt(f->http, mqtt);
	http_publish(f->http, &r);
	mqtt_publish(mqtt, &r);
	assert_int_equal(get(f, "/api/v1/status", &o), 200);
	assert_true(number(o, "source_age_s") >= 0 && number(o, "source_age_s") < 5);
	assert_true(number(o, "first_reading_s") > 0);
	m = json_object_object_get(o, "mqtt");
	assert_false(json_object_get_boolean(json_object_object_get(m, "connected")));
	assert_true(number(m, "published") == 0);
	assert_true(number(m, "dropped") == 1);
	json_object_put(o);
	http_watch_mqtt(f->http, NULL);
	mqtt_close(mqtt);
}

static void modules_are_listed(void **state)
{
	struct json_object *o;

	/* The folder of this test holds one folder, "web", and that is no module with values. */
	assert_int_equal(get(*state, "/api/v1/modules", &o), 200);
	assert_int_equal(json_object_array_length(o), 1);
	json_object_put(o);
}

static void history_grows_to_five_minutes(void **state)
{
	struct fixture *f = *state;
	struct json_object *o, *readings, *last;
	struct reading r;
	int i;

	for (i = 1; i <= 310; i++) {
		r = small_reading(i);
		http_publish(f->http, &r);
	}
	assert_int_equal(get(f, "/api/v1/history", &o), 200);
	readings = json_object_object_get(o, "readings");
	assert_int_equal(json_object_array_length(readings), 300);
	last = json_object_array_get_idx(readings, 299);
	assert_true(json_object_get_int64(json_object_array_get_idx(last, 0)) ==
		    1795197600000 + 310000);
	assert_true(json_object_get_double(json_object_array_get_idx(last, 1)) == 2000);
	json_object_put(o);
}

static void the_page_has_its_types_and_a_policy(void **state)
{
	static const char *const files[][2] = {
		{ "/", "text/html" },
		{ "/style.css", "text/css" },
		{ "/app.js", "text/javascript" },
	};
	struct fixture *f = *state;
	char request[128];
	struct client *c;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		c = connect_tcp(f, 0);
		snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", files[i][0]);
		assert_int_equal(exchange(f, c, request), 200);
		assert_non_null(strstr(c->answer, files[i][1]));
		assert_non_null(strstr(c->answer, "Content-Security-Policy: default-src 'none'"));
		assert_non_null(strstr(c->answer, "X-Content-Type-Options: nosniff"));
		hang_up(c);
	}
}

static void each_script_of_the_page_is_in_the_table(void **state)
{
	FILE *page = fopen("userspace/web/index.html", "r");
	struct fixture *f = *state;
	unsigned int scripts = 0;
	char request[128];
	char line[512];
	char name[64];

	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		struct client *c;

		if (sscanf(line, "<script src=\"%63[^\"]\"", name) != 1)
			continue;
		scripts++;
		c = connect_tcp(f, 0);
		snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\n\r\n", name);
		/* the folder of this test has one of them, and the others are missed */
		if (exchange(f, c, request) != 200 && !strstr(c->answer, "is not installed"))
			fail_msg("%s: %s", name, c->answer);
		hang_up(c);
	}
	fclose(page);
	assert_true(scripts > 1);
}

/* ---- events ----------------------------------------------------------- */

static struct client *open_stream(struct fixture *f, int receive_buffer)
{
	struct client *c = connect_tcp(f, receive_buffer);
	static const char request[] = "GET /api/v1/events HTTP/1.1\r\n" LOCAL "\r\n";

	say(c, request, sizeof(request) - 1);
	c->until = "\r\n\r\n";
	assert_true(turn_until(f->loop, receive, c, 5000));
	assert_non_null(strstr(c->answer, "Content-Type: text/event-stream"));
	return c;
}

static void every_reading_is_an_event(void **state)
{
	struct fixture *f = *state;
	struct client *c = open_stream(f, 0);
	char text[32];
	struct reading r;
	int i;

	for (i = 1; i <= 100; i++) {
		r = small_reading(i);
		http_publish(f->http, &r);
		snprintf(text, sizeof(text), "\"sequence\":%d,", i);
		c->until = text;
		if (!turn_until(f->loop, receive, c, 5000) || c->closed)
			fail_msg("event %d did not come", i);
	}
	assert_non_null(strstr(c->answer, "event: live\ndata: {"));
	hang_up(c);
}

static struct json_object *provide_seven(void *user)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "seven", json_object_new_int(*(int *)user));
	return o;
}

static void what_others_provide_is_answered(void **state)
{
	static const struct http_report report = { .path = "/api/v1/seven",
						   .summary = "a number",
						   .get = provide_seven };
	struct fixture *f = *state;
	struct json_object *o;
	int seven = 7;

	assert_int_equal(get(f, "/api/v1/seven", &o), 404);
	json_object_put(o);
	http_provide(f->http, &report, &seven);
	assert_int_equal(get(f, "/api/v1/seven", &o), 200);
	assert_double_equal(number(o, "seven"), 7.0, 0.0);
	json_object_put(o);
	http_provide(NULL, &report, &seven);
	/* and it is in the list of what there is */
	assert_int_equal(get(f, "/api/v1", &o), 200);
	assert_non_null(
		strstr(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE |
								 JSON_C_TO_STRING_PLAIN),
		       "{\"method\":\"GET\",\"path\":\"/api/v1/seven\",\"summary\":\"a number\"}"));
	json_object_put(o);
	assert_int_equal(get(f, "/api/v1/eight", &o), 404);
	error_says(o, "nothing at /api/v1/eight; see paths");
}

/**
 * struct asked - a question whose answer comes later
 */
struct asked {
	struct http_later *later;
	char argument[16];
};

static unsigned int ask_later(void *user, struct http_later *later, char *why)
{
	const char *argument = http_argument(later, "n");
	struct asked *a = user;

	if (!argument) {
		snprintf(why, HTTP_WHY_MAX, "there is no n");
		return 400;
	}
	snprintf(a->argument, sizeof(a->argument), "%s", argument);
	a->later = later;
	return 0;
}

static bool is_asked(void *context)
{
	return ((struct asked *)context)->later;
}

static void an_answer_may_come_later(void **state)
{
	static const struct http_report report = { .path = "/api/v1/slow",
						   .summary = "later",
						   .ask = ask_later };
	static const char request[] = "GET /api/v1/slow?n=a%20b HTTP/1.0\r\n\r\n";
	struct asked a = { 0 };
	struct fixture *f = *state;
	struct json_object *o;
	struct client *c;

	http_provide(f->http, &report, &a);
	assert_int_equal(get(f, "/api/v1/slow", &o), 400);
	error_says(o, "there is no n");
	/* others are answered while it waits */
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a, 5000));
	assert_string_equal(a.argument, "a b");
	assert_int_equal(get(f, "/api/v1", &o), 200);
	json_object_put(o);
	http_later_answer(a.later, 503, strdup("{\"slow\":8}"));
	assert_true(turn_until(f->loop, receive, c, 5000));
	assert_non_null(strstr(c->answer, " 503 "));
	o = json(c);
	assert_double_equal(number(o, "slow"), 8.0, 0.0);
	json_object_put(o);
	hang_up(c);
	/* there is none after all */
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a, 5000));
	http_later_answer(a.later, 200, NULL);
	assert_true(turn_until(f->loop, receive, c, 5000));
	hang_up(c);
	/* a client that leaves; and one that is there when the server closes */
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a, 5000));
	hang_up(c);
	turn_for(f->loop, 50);
	http_later_answer(a.later, 200, strdup("{}"));
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a, 5000));
	http_close(f->http);
	f->http = NULL;
	http_later_answer(a.later, 200, strdup("{}"));
	hang_up(c);
}

static void events_of_others_are_in_the_stream(void **state)
{
	struct fixture *f = *state;
	struct client *c = open_stream(f, 0);

	http_event(f->http, "event", json_tokener_parse("{\"type\":\"dip\"}"));
	http_event(NULL, "event", json_tokener_parse("{}"));
	c->until = "event: event\ndata: {\"type\":\"dip\"}\n\n";
	assert_true(turn_until(f->loop, receive, c, 5000));
	hang_up(c);
}

static void a_new_stream_begins_with_a_fresh_reading(void **state)
{
	struct fixture *f = *state;
	struct reading r = small_reading(5);
	struct client *c;

	http_publish(f->http, &r);
	c = open_stream(f, 0);
	c->until = "\"sequence\":5,";
	assert_true(turn_until(f->loop, receive, c, 5000));
	hang_up(c);
}

static double streams(struct fixture *f)
{
	struct json_object *o;
	double n;

	assert_int_equal(get(f, "/api/v1/status", &o), 200);
	n = number(o, "event_streams");
	json_object_put(o);
	return n;
}

static void a_slow_reader_is_disconnected_and_others_are_not(void **state)
{
	struct fixture *f = *state;
	struct client *slow = open_stream(f, 4096);
	struct client *good = open_stream(f, 0);
	struct reading r;
	char text[32];
	uint64_t begin;
	int i;

	assert_true(streams(f) == 2);
	for (i = 1; i <= 2000 && !good->closed; i++) {
		r = small_reading(i);
		begin = now_ms();
		http_publish(f->http, &r);
		/* The publisher does not wait for anybody. */
		assert_true(now_ms() - begin < 5000);
		snprintf(text, sizeof(text), "\"sequence\":%d,", i);
		good->until = text;
		good->length = 0;
		memset(good->answer, 0, 4096);
		if (!turn_until(f->loop, receive, good, 5000) || good->closed)
			fail_msg("the good reader did not get event %d", i);
	}
	assert_true(streams(f) == 1);
	slow->until = NULL;
	assert_true(turn_until(f->loop, receive, slow, 5000));
	assert_true(slow->closed);
	hang_up(slow);
	hang_up(good);
}

static void a_client_that_left_frees_its_place(void **state)
{
	struct fixture *f = *state;
	struct reading r = small_reading(1);
	struct client *c;
	int i;

	for (i = 0; i < 100; i++) {
		c = open_stream(f, 0);
		hang_up(c);
		turn_for(f->loop, 1);
		http_publish(f->http, &r);
		http_publish(f->http, &r);
	}
	turn_for(f->loop, 50);
	http_publish(f->http, &r);
	turn_for(f->loop, 50);
	assert_true(streams(f) == 0);
}

static void too_many_streams_are_refused(void **state)
{
	struct fixture *f = *state;
	struct client *c[32];
	struct json_object *o;
	int i;

	for (i = 0; i < 32; i++)
		c[i] = open_stream(f, 0);
	assert_int_equal(get(f, "/api/v1/events", &o), 503);
	error_says(o, "32 event streams are open");
	for (i = 0; i < 32; i++)
		hang_up(c[i]);
}

/* ---- bad requests ----------------------------------------------------- */

static void what_is_not_there_is_404(void **state)
{
	static const char *const paths[] = {
		"/nope",
		"/api",
		"/api/v1/",
		"/api/v1/live/",
		"/index.html/",
		"//",
		"/other",
		"/../secret",
		"/..%2fsecret",
		"/%2e%2e/secret",
		"/web/../secret",
		"/./app.js",
		"/style.css/../../secret",
		"/app.js%00.html",
		"/%00",
		"/etc/passwd",
		"/\xff\xfe",
	};
	struct json_object *o;
	unsigned int i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct client *c = connect_tcp(*state, 0);
		char request[256];
		int status;

		snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", paths[i]);
		status = exchange(*state, c, request);
		/* The library refuses some of them before they come to us. */
		if ((status != 404 && status != 400) || strstr(c->answer, "secret\n") ||
		    !strcmp(body(c), "secret"))
			fail_msg("%s: status %d: %s", paths[i], status, c->answer);
		if (status == 404) {
			o = json(c);
			error_says(o, "nothing at");
		}
		hang_up(c);
	}
}

static void only_get_and_head_are_possible(void **state)
{
	static const char *const methods[] = { "POST",	  "PUT",   "DELETE", "PATCH",
					       "OPTIONS", "TRACE", "BREW" };
	char request[256];
	struct client *c;
	unsigned int i;
	int status;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		c = connect_tcp(*state, 0);
		snprintf(request, sizeof(request),
			 "%s /api/v1/status HTTP/1.1\r\n" LOCAL
			 "Content-Length: 3\r\nConnection: close\r\n\r\na=b",
			 methods[i]);
		status = exchange(*state, c, request);
		if (status != 405 || !strstr(c->answer, "Allow: GET, HEAD"))
			fail_msg("%s: %s", methods[i], c->answer);
		error_says(json(c), methods[i]);
		hang_up(c);
	}
	c = connect_tcp(*state, 0);
	assert_int_equal(exchange(*state, c, "HEAD /api/v1/status HTTP/1.0\r\n\r\n"), 200);
	assert_string_equal(body(c), "");
	hang_up(c);
}

static void a_long_address_is_414(void **state)
{
	static const size_t lengths[] = { 1100, 10000, 200000 };
	struct client *c;
	char *request;
	unsigned int i;
	int status, n;

	for (i = 0; i < 3; i++) {
		request = malloc(lengths[i] + 64);
		n = sprintf(request, "GET /");
		memset(request + n, 'a', lengths[i]);
		strcpy(request + n + lengths[i], " HTTP/1.0\r\n\r\n");
		c = connect_tcp(*state, 0);
		status = exchange(*state, c, request);
		/* Beyond its memory per connection the library answers, or only hangs up. */
		if (status != 414 && !(i && (!status || status == 431 || status == 413)))
			fail_msg("%zu characters: %s", lengths[i], c->answer);
		if (!i)
			error_says(json(c), "longer than");
		hang_up(c);
		free(request);
	}
	assert_int_equal(get(*state, "/", NULL), 200);
}

static void a_foreign_host_name_is_refused(void **state)
{
	static const struct {
		const char *host;
		int status;
	} hosts[] = {
		{ "localhost", 200 },
		{ "localhost:8080", 200 },
		{ "127.0.0.1:1", 200 },
		{ "[::1]:8080", 200 },
		{ "192.0.2.7", 200 },
		{ "evil.example", 421 },
		{ "127.0.0.1.evil.example", 421 },
		{ "localhost.evil.example", 421 },
		{ "[evil]", 421 },
	};
	char request[256];
	struct client *c;
	unsigned int i;
	int status;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		c = connect_tcp(*state, 0);
		snprintf(request, sizeof(request),
			 "GET /api/v1/status HTTP/1.0\r\nHost: %s\r\n\r\n", hosts[i].host);
		status = exchange(*state, c, request);
		if (status != hosts[i].status)
			fail_msg("Host: %s: status %d, not %d", hosts[i].host, status,
				 hosts[i].status);
		hang_up(c);
	}
}

static void garbage_does_no_harm(void **state)
{
	static const char *const garbage[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"GET /api/v1/live HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	};
	struct fixture *f = *state;
	unsigned int seed = 20261120;
	char noise[2000];
	struct client *c;
	unsigned int i, j;

	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		c = connect_tcp(f, 0);
		say(c, garbage[i], strlen(garbage[i]));
		turn_for(f->loop, 5);
		hang_up(c);
	}
	for (i = 0; i < 200; i++) {
		for (j = 0; j < sizeof(noise); j++)
			noise[j] = rand_r(&seed);
		c = connect_tcp(f, 0);
		say(c, noise, 1 + rand_r(&seed) % sizeof(noise));
		turn_for(f->loop, 1);
		hang_up(c);
	}
	assert_int_equal(get(f, "/", NULL), 200);
}

static void two_hundred_idle_connections_lock_nobody_out(void **state)
{
	struct fixture *f = *state;
	static const char half[] = "GET / HTTP/1.1\r\nHo";
	struct client *c[200];
	uint64_t begin;
	int i;

	for (i = 0; i < 200; i++) {
		c[i] = connect_tcp(f, 0);
		if (i % 2)
			say(c[i], half, sizeof(half) - 1);
		turn_for(f->loop, 1);
	}
	begin = now_ms();
	assert_int_equal(get(f, "/api/v1/status", NULL), 200);
	if (now_ms() - begin > 3000)
		fail_msg("answered after %d ms", (int)(now_ms() - begin));
	for (i = 0; i < 200; i++)
		hang_up(c[i]);
}

static void a_request_in_single_bytes_is_answered(void **state)
{
	static const char request[] = "GET /api/v1/status HTTP/1.0\r\n\r\n";
	struct fixture *f = *state;
	struct client *c = connect_tcp(f, 0);
	size_t i;

	for (i = 0; i < sizeof(request) - 1; i++) {
		say(c, request + i, 1);
		sd_event_run(f->loop, 2000);
	}
	assert_true(turn_until(f->loop, receive, c, 5000));
	json_object_put(json(c));
	hang_up(c);
}

/* ---- configuration ---------------------------------------------------- */

static void an_impossible_address_is_refused(void **state)
{
	static const char *const addresses[] = {
		"8080",		":8080",	 "127.0.0.1",	   "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:-1", "127.0.0.1:80x", "example.org:80", "::1:8080",	 "[::1:8080",
		"1.2.3.4.5:80", "*:80",
	};
	struct fixture *f = *state;
	struct http *h;
	unsigned int i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct http_config config = { .listen = (char *)addresses[i] };

		if (http_open(&h, f->loop, &config, "house") != -EINVAL || h)
			fail_msg("listen = %s was accepted", addresses[i]);
	}
}

static void a_port_in_use_is_an_error(void **state)
{
	struct fixture *f = *state;
	char address[32];
	struct http_config config = { .listen = address };
	struct http *h;

	snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(f->http));
	assert_int_equal(http_open(&h, f->loop, &config, "house"), -EADDRINUSE);
}

static void a_socket_in_use_is_an_error_and_a_stale_one_is_not(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char path[80];
	struct http_config config = { .socket = f->socket };
	struct http *h;
	int fd;

	assert_int_equal(http_open(&h, f->loop, &config, "house"), -EADDRINUSE);
	assert_int_equal(access(f->socket, F_OK), 0);

	snprintf(path, sizeof(path), "%s/stale", f->dir);
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	config.socket = path;
	assert_int_equal(http_open(&h, f->loop, &config, "house"), 0);
	http_close(h);

	write_file(f->dir, "file", "not a socket");
	snprintf(path, sizeof(path), "%s/file", f->dir);
	assert_int_equal(http_open(&h, f->loop, &config, "house"), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
}

/* What the log says goes into a file, until heard(). */
static void hear(struct fixture *f)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/log", f->dir);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	f->log = dup(STDERR_FILENO);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

static void heard(struct fixture *f, char *text, size_t size)
{
	ssize_t n = pread(STDERR_FILENO, text, size - 1, 0);

	dup2(f->log, STDERR_FILENO);
	close(f->log);
	text[n > 0 ? n : 0] = '\0';
}

static void without_its_files_the_page_is_404_and_the_api_works(void **state)
{
	struct fixture *f = *state;
	struct http_config config = { .listen = "127.0.0.1:0", .web_dir = "/nonexistent" };
	struct http *first = f->http;
	struct json_object *o;
	char said[512];

	hear(f);
	assert_int_equal(http_open(&f->http, f->loop, &config, "house"), 0);
	heard(f, said, sizeof(said));
	assert_non_null(strstr(said, "cannot read index.html and others"));
	if (strchr(said, '\n') != strrchr(said, '\n'))
		fail_msg("more than one warning: %s", said);
	assert_int_equal(get(f, "/", &o), 404);
	error_says(o, "/nonexistent/index.html");
	assert_int_equal(get(f, "/api/v1/status", NULL), 200);
	http_close(f->http);
	f->http = first;
}

int main(void)
{
#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		SERVER_TEST(before_the_first_reading_live_is_unavailable),
		SERVER_TEST(live_is_the_last_reading),
		SERVER_TEST(the_unix_socket_serves_the_same),
		SERVER_TEST(status_tells_ages_and_counters),
		SERVER_TEST(modules_are_listed),
		SERVER_TEST(history_grows_to_five_minutes),
		SERVER_TEST(the_page_has_its_types_and_a_policy),
		SERVER_TEST(each_script_of_the_page_is_in_the_table),
		SERVER_TEST(every_reading_is_an_event),
		SERVER_TEST(what_others_provide_is_answered),
		SERVER_TEST(an_answer_may_come_later),
		SERVER_TEST(events_of_others_are_in_the_stream),
		SERVER_TEST(a_new_stream_begins_with_a_fresh_reading),
		SERVER_TEST(a_slow_reader_is_disconnected_and_others_are_not),
		SERVER_TEST(a_client_that_left_frees_its_place),
		SERVER_TEST(too_many_streams_are_refused),
		SERVER_TEST(what_is_not_there_is_404),
		SERVER_TEST(only_get_and_head_are_possible),
		SERVER_TEST(a_long_address_is_414),
		SERVER_TEST(a_foreign_host_name_is_refused),
		SERVER_TEST(garbage_does_no_harm),
		SERVER_TEST(two_hundred_idle_connections_lock_nobody_out),
		SERVER_TEST(a_request_in_single_bytes_is_answered),
		SERVER_TEST(an_impossible_address_is_refused),
		SERVER_TEST(a_port_in_use_is_an_error),
		SERVER_TEST(a_socket_in_use_is_an_error_and_a_stale_one_is_not),
		SERVER_TEST(without_its_files_the_page_is_404_and_the_api_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
