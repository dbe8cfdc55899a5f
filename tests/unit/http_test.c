// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the local API serves: readings, reports, the page.
 */
#include "http-rig.h"
#include "mqtt.h"

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
	assert_true(turn_until(f->loop, is_asked, &a));
	assert_string_equal(a.argument, "a b");
	assert_int_equal(get(f, "/api/v1", &o), 200);
	json_object_put(o);
	http_later_answer(a.later, 503, strdup("{\"slow\":8}"));
	assert_true(turn_until(f->loop, receive, c));
	assert_non_null(strstr(c->answer, " 503 "));
	o = json(c);
	assert_double_equal(number(o, "slow"), 8.0, 0.0);
	json_object_put(o);
	hang_up(c);
	/* there is none after all */
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a));
	http_later_answer(a.later, 200, NULL);
	assert_true(turn_until(f->loop, receive, c));
	hang_up(c);
	/* a client that leaves; and one that is there when the server closes */
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a));
	hang_up(c);
	turn_for(f->loop, 50);
	http_later_answer(a.later, 200, strdup("{}"));
	a.later = NULL;
	c = connect_tcp(f, 0);
	say(c, request, strlen(request));
	assert_true(turn_until(f->loop, is_asked, &a));
	http_close(f->http);
	f->http = NULL;
	http_later_answer(a.later, 200, strdup("{}"));
	hang_up(c);
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
		SERVER_TEST(what_others_provide_is_answered),
		SERVER_TEST(an_answer_may_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
