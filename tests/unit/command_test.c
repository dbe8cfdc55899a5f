// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands from outside: what is good is done once, and what is not is refused before
 * anybody sees it. Each is told with its origin.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "command.h"

#define SECOND 1000000ULL

/**
 * struct fixture - a table with one command
 * @c: table
 * @runs: how often it was run
 * @name: its argument of the last time
 * @told: events
 * @text: the last one
 */
struct fixture {
	struct commands *c;
	unsigned int runs;
	char name[32];
	unsigned int told;
	char text[512];
};

static void run_output(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct fixture *f = user;

	f->runs++;
	snprintf(f->name, sizeof(f->name), "%s", command_text(arguments, "name"));
	if (!strcmp(f->name, "gone"))
		command_fail(reply, -ENOENT, "there is no output \"%s\"", f->name);
	else
		reply->result = json_object_new_string(command_text(arguments, "state"));
}

static const struct command_row output = {
	.name = "output",
	.summary = "switch an output",
	.field = { { "name", COMMAND_TEXT, .most = 16 },
		   { "state", COMMAND_TEXT, .most = 8, .choices = "on|off" },
		   { "seconds", COMMAND_WHOLE, .least = 1, .most = 3600, .optional = true },
		   { "force", COMMAND_BOOL, .optional = true } },
	.run = run_output,
};

static void on_told(void *user, const char *text)
{
	struct fixture *f = user;

	f->told++;
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return commands_create(&f->c, on_told, f) || command_register(f->c, &output, f);
}

static int stop(void **state)
{
	struct fixture *f = *state;

	commands_destroy(f->c);
	free(f);
	return 0;
}

/* Give a command at a time of its own, so that none is too fast. */
static int give(struct fixture *f, const char *name, const char *text, char *json, size_t size)
{
	static uint64_t now = 1000 * SECOND;
	struct command_reply reply;
	char *line;

	command_run(f->c, "api 192.0.2.7", name, text, strlen(text), now += 2 * SECOND, &reply);
	line = command_reply_json(&reply);
	assert_non_null(line);
	snprintf(json, size, "%s", line);
	free(line);
	command_reply_end(&reply);
	return reply.error;
}

static void a_good_command_is_done_answered_and_told(void **state)
{
	struct fixture *f = *state;
	char json[512];

	assert_int_equal(give(f, "output", "{\"name\":\"boiler\",\"state\":\"on\"}", json, 512), 0);
	assert_int_equal(f->runs, 1);
	assert_string_equal(f->name, "boiler");
	assert_string_equal(json, "{\"ok\":true,\"result\":\"on\"}");
	assert_int_equal(f->told, 1);
	assert_string_equal(f->text, "output {\"name\":\"boiler\",\"state\":\"on\"} from "
				     "api 192.0.2.7: done");
}

static void the_command_may_be_named_in_its_arguments(void **state)
{
	struct fixture *f = *state;
	char json[512];

	assert_int_equal(give(f, NULL, "{\"command\":\"output\",\"name\":\"b\",\"state\":\"off\"}",
			      json, 512),
			 0);
	assert_int_equal(f->runs, 1);
	assert_int_equal(give(f, NULL, "{\"name\":\"b\",\"state\":\"off\"}", json, 512), -EINVAL);
	assert_int_equal(give(f, NULL, "{\"command\":7}", json, 512), -EINVAL);
	assert_int_equal(f->runs, 1);
}

static void a_failure_of_the_handler_is_the_answer(void **state)
{
	struct fixture *f = *state;
	char json[512];

	assert_int_equal(give(f, "output", "{\"name\":\"gone\",\"state\":\"on\"}", json, 512),
			 -ENOENT);
	assert_string_equal(json, "{\"ok\":false,\"error\":\"there is no output \\\"gone\\\"\"}");
	assert_non_null(strstr(f->text, "there is no output"));
}

static void bad_arguments_reach_no_handler(void **state)
{
	static const char *const bad[] = {
		"[]",
		"7",
		"null",
		"{",
		"{}x",
		"{\"name\":\"a\"}",
		"{\"state\":\"on\"}",
		"{\"name\":\"\",\"state\":\"on\"}",
		"{\"name\":\"seventeen bytes..\",\"state\":\"on\"}",
		"{\"name\":\"a\\u0000b\",\"state\":\"on\"}",
		"{\"name\":\"\xff\",\"state\":\"on\"}",
		"{\"name\":7,\"state\":\"on\"}",
		"{\"name\":{},\"state\":\"on\"}",
		"{\"name\":null,\"state\":\"on\"}",
		"{\"name\":\"a\",\"state\":\"o\"}",
		"{\"name\":\"a\",\"state\":\"on|off\"}",
		"{\"name\":\"a\",\"state\":\"on\",\"more\":1}",
		"{\"name\":\"a\",\"state\":\"on\",\"seconds\":0}",
		"{\"name\":\"a\",\"state\":\"on\",\"seconds\":3601}",
		"{\"name\":\"a\",\"state\":\"on\",\"seconds\":1.5}",
		"{\"name\":\"a\",\"state\":\"on\",\"seconds\":99999999999999999999}",
		"{\"name\":\"a\",\"state\":\"on\",\"force\":\"yes\"}",
		"{\"name\":[[[[[[[[]]]]]]]]}",
	};
	struct fixture *f = *state;
	char json[512];
	size_t k;

	for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		int error = give(f, "output", bad[k], json, sizeof(json));

		if (error != -EINVAL || f->runs)
			fail_msg("%s: %d, run %u times", bad[k], error, f->runs);
		assert_int_equal(f->told, k + 1);
	}
	assert_int_equal(give(f, "reboot", "{}", json, sizeof(json)), -ENOENT);
	assert_int_equal(give(f, "output", "{\"name\":\"a\"", json, sizeof(json)), -EINVAL);
	assert_non_null(strstr(json, "it ends too early"));
}

static void too_long_a_command_is_refused_unread(void **state)
{
	struct fixture *f = *state;
	static char text[COMMAND_TEXT_MAX + 2];
	char json[512];

	memset(text, ' ', COMMAND_TEXT_MAX + 1);
	memcpy(text, "{\"name\":\"b\",\"state\":\"on\"}", 25);
	assert_int_equal(give(f, "output", text, json, sizeof(json)), -EINVAL);
	assert_non_null(strstr(json, "at most 4096"));
	assert_int_equal(f->runs, 0);
}

static void an_origin_that_is_too_fast_is_refused_and_told_once(void **state)
{
	static const char text[] = "{\"name\":\"b\",\"state\":\"on\"}";
	struct fixture *f = *state;
	struct command_reply reply;
	unsigned int k;

	for (k = 0; k < 100; k++) {
		command_run(f->c, "mqtt", "output", text, strlen(text), SECOND, &reply);
		assert_int_equal(reply.error, k < COMMAND_BURST ? 0 : -EAGAIN);
		command_reply_end(&reply);
	}
	assert_int_equal(f->runs, COMMAND_BURST);
	assert_int_equal(f->told, COMMAND_BURST + 1);
	/* others are not disturbed */
	command_run(f->c, "api", "output", text, strlen(text), SECOND, &reply);
	assert_int_equal(reply.error, 0);
	command_reply_end(&reply);
	/* one a second comes back */
	command_run(f->c, "mqtt", "output", text, strlen(text), 2 * SECOND, &reply);
	assert_int_equal(reply.error, 0);
	command_reply_end(&reply);
	command_run(f->c, "mqtt", "output", text, strlen(text), 2 * SECOND, &reply);
	assert_int_equal(reply.error, -EAGAIN);
}

static void many_origins_take_no_memory_and_no_rights(void **state)
{
	struct fixture *f = *state;
	char origin[32];
	unsigned int allowed = 0;
	unsigned int k;

	for (k = 0; k < 1000; k++) {
		snprintf(origin, sizeof(origin), "api 192.0.2.%u", k);
		allowed += command_allowed(f->c, origin, SECOND);
	}
	assert_true(allowed < 100);
	/* who comes when they have gone is served */
	assert_true(command_allowed(f->c, "api 198.51.100.1", 60 * SECOND));
}

static void a_name_is_registered_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(command_register(f->c, &output, f), -EEXIST);
	assert_int_equal(command_register(NULL, &output, f), 0);
}

static void the_table_can_be_listed(void **state)
{
	struct fixture *f = *state;
	struct json_object *list = commands_json(f->c);

	assert_int_equal(json_object_array_length(list), 1);
	assert_non_null(strstr(json_object_to_json_string(list), "\"choices\": \"on|off\""));
	json_object_put(list);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_command_is_done_answered_and_told),
		TEST(the_command_may_be_named_in_its_arguments),
		TEST(a_failure_of_the_handler_is_the_answer),
		TEST(bad_arguments_reach_no_handler),
		TEST(too_long_a_command_is_refused_unread),
		TEST(an_origin_that_is_too_fast_is_refused_and_told_once),
		TEST(many_origins_take_no_memory_and_no_rights),
		TEST(a_name_is_registered_once),
		TEST(the_table_can_be_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
