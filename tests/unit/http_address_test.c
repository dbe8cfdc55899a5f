// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the local API listens, and what it says when it cannot.
 */
#include "http-rig.h"
#include "support/overhear.h"

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

static void without_its_files_the_page_is_404_and_the_api_works(void **state)
{
	struct fixture *f = *state;
	struct http_config config = { .listen = "127.0.0.1:0", .web_dir = "/nonexistent" };
	struct http *first = f->http;
	struct json_object *o;
	char said[512];

	overhear();
	assert_int_equal(http_open(&f->http, f->loop, &config, "house"), 0);
	overheard(said, sizeof(said));
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
		SERVER_TEST(an_impossible_address_is_refused),
		SERVER_TEST(a_port_in_use_is_an_error),
		SERVER_TEST(a_socket_in_use_is_an_error_and_a_stale_one_is_not),
		SERVER_TEST(without_its_files_the_page_is_404_and_the_api_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
