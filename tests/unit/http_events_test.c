// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams of events: each reading, to readers that are slow, that leave, that are too many.
 */
#include "http-rig.h"

static struct client *open_stream(struct fixture *f, int receive_buffer)
{
	struct client *c = connect_tcp(f, receive_buffer);
	static const char request[] = "GET /api/v1/events HTTP/1.1\r\n" LOCAL "\r\n";

	say(c, request, sizeof(request) - 1);
	c->until = "\r\n\r\n";
	assert_true(turn_until(f->loop, receive, c));
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
		if (!turn_until(f->loop, receive, c) || c->closed)
			fail_msg("event %d did not come", i);
	}
	assert_non_null(strstr(c->answer, "event: live\ndata: {"));
	hang_up(c);
}

static void events_of_others_are_in_the_stream(void **state)
{
	struct fixture *f = *state;
	struct client *c = open_stream(f, 0);

	http_event(f->http, "event", json_tokener_parse("{\"type\":\"dip\"}"));
	http_event(NULL, "event", json_tokener_parse("{}"));
	c->until = "event: event\ndata: {\"type\":\"dip\"}\n\n";
	assert_true(turn_until(f->loop, receive, c));
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
	assert_true(turn_until(f->loop, receive, c));
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
		assert_true(now_ms() - begin < HUNG_MS);
		snprintf(text, sizeof(text), "\"sequence\":%d,", i);
		good->until = text;
		good->length = 0;
		memset(good->answer, 0, 4096);
		if (!turn_until(f->loop, receive, good) || good->closed)
			fail_msg("the good reader did not get event %d", i);
	}
	assert_true(streams(f) == 1);
	slow->until = NULL;
	assert_true(turn_until(f->loop, receive, slow));
	assert_true(slow->closed);
	hang_up(slow);
	hang_up(good);
}

/* A server may learn that a reader has left when it sends something. */
static bool has_no_stream(void *context)
{
	struct fixture *f = context;
	struct reading r = small_reading(1);

	http_publish(f->http, &r);
	return streams(f) == 0;
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
	assert_true(turn_until(f->loop, has_no_stream, f));
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

int main(void)
{
#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		SERVER_TEST(every_reading_is_an_event),
		SERVER_TEST(events_of_others_are_in_the_stream),
		SERVER_TEST(a_new_stream_begins_with_a_fresh_reading),
		SERVER_TEST(a_slow_reader_is_disconnected_and_others_are_not),
		SERVER_TEST(a_client_that_left_frees_its_place),
		SERVER_TEST(too_many_streams_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
