// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that are not good ones do the local API no harm.
 */
#include "http-rig.h"

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
	if (now_ms() - begin > HUNG_MS)
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
	assert_true(turn_until(f->loop, receive, c));
	json_object_put(json(c));
	hang_up(c);
}

int main(void)
{
#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		SERVER_TEST(what_is_not_there_is_404),
		SERVER_TEST(only_get_and_head_are_possible),
		SERVER_TEST(a_long_address_is_414),
		SERVER_TEST(a_foreign_host_name_is_refused),
		SERVER_TEST(garbage_does_no_harm),
		SERVER_TEST(two_hundred_idle_connections_lock_nobody_out),
		SERVER_TEST(a_request_in_single_bytes_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
