// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands by POST: who does not know the token reaches nothing, and a body of any size
 * and shape does no harm.
 */
#include <arpa/inet.h>
#include <errno.h>
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
#include <mosquitto.h>

#include "command.h"
#include "http.h"
#include "outputs.h"
#include "secret.h"

#define TOKEN "0123456789abcdef-right"
#define RIGHT "Authorization: Bearer " TOKEN "\r\n"

/**
 * struct fixture - a server with one command
 * @loop: event loop
 * @http: server
 * @commands: table
 * @dir: folder
 * @token: file
 * @runs: how often the command was run
 * @last: its argument
 * @call: a command that is not answered yet
 * @fd: connection of the test
 * @answer: what has come
 * @length: bytes of it
 * @told: the last event
 */
struct fixture {
	sd_event *loop;
	struct http *http;
	struct commands *commands;
	char dir[64];
	char token[80];
	unsigned int runs;
	char last[32];
	struct command_call *call;
	int fd;
	char answer[8192];
	size_t length;
	char told[512];
};

static void run_identify(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct fixture *f = user;

	f->runs++;
	snprintf(f->last, sizeof(f->last), "%s", command_text(arguments, "input"));
	if (!strcmp(f->last, "busy"))
		command_fail(reply, -EBUSY, "something else blinks");
}

static bool is_utf8(const char *text)
{
	return !mosquitto_validate_utf8(text, (int)strlen(text));
}

static void on_told(void *user, const char *text)
{
	struct fixture *f = user;

	snprintf(f->told, sizeof(f->told), "%s", text);
}

/* Answered when the test says so. */
static void run_slow(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct fixture *f = user;

	f->call = command_later(reply);
}

static const struct command_row slow = { .name = "slow",
					 .summary = "takes a while",
					 .run = run_slow };

static const struct command_row identify = {
	.name = "identify",
	.summary = "let an input blink",
	.field = { { "input", COMMAND_TEXT, .most = 31 } },
	.run = run_identify,
};

static void write_token(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->token, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int open_server(struct fixture *f, bool with_token)
{
	struct http_config config = { .listen = "127.0.0.1:0" };

	config.token_file = with_token ? f->token : NULL;
	return http_open(&f->http, f->loop, &config, "house");
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	strcpy(f->dir, "/tmp/http-command-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->loop) < 0 ||
	    commands_create(&f->commands, on_told, f) ||
	    command_register(f->commands, &identify, f) || command_register(f->commands, &slow, f))
		return -1;
	snprintf(f->token, sizeof(f->token), "%s/token", f->dir);
	write_token(f, TOKEN "\n");
	if (open_server(f, true))
		return -1;
	http_take_commands(f->http, f->commands);
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	http_close(f->http);
	commands_destroy(f->commands);
	sd_event_unref(f->loop);
	unlink(f->token);
	rmdir(f->dir);
	free(f);
	return 0;
}

static bool has_ended(void *context)
{
	struct fixture *f = context;
	ssize_t n;

	for (;;) {
		n = recv(f->fd, f->answer + f->length, sizeof(f->answer) - 1 - f->length,
			 MSG_DONTWAIT);
		if (n <= 0)
			return !n || errno != EAGAIN;
		f->length += (size_t)n;
		f->answer[f->length] = '\0';
	}
}

static void send_request(struct fixture *f, const char *text, size_t length)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(http_port(f->http)) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	f->length = 0;
	f->answer[0] = '\0';
	assert_int_equal(connect(f->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(send(f->fd, text, length, MSG_NOSIGNAL) > 0);
}

/* Send what is given and wait for the end of the connection. Return: the status, 0 for none. */
static int say(struct fixture *f, const char *text, size_t length)
{
	int status = 0;

	send_request(f, text, length);
	assert_true(turn_until(f->loop, has_ended, f));
	close(f->fd);
	sscanf(f->answer, "HTTP/1.%*d %d", &status);
	return status;
}

static int post(struct fixture *f, const char *name, const char *headers, const char *body)
{
	char text[8192];
	int n = snprintf(text, sizeof(text),
			 "POST /api/v1/commands/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s"
			 "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
			 name, headers, strlen(body), body);

	return say(f, text, (size_t)n);
}

static void the_right_token_does_the_command(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(post(f, "identify", RIGHT, "{\"input\":\"hub2/B\"}"), 200);
	assert_int_equal(f->runs, 1);
	assert_string_equal(f->last, "hub2/B");
	assert_non_null(strstr(f->answer, "{\"ok\":true}"));
}

static void any_other_token_does_not(void **state)
{
	static const char *const headers[] = {
		"",
		"Authorization: Bearer \r\n",
		"Authorization: Bearer 0123456789abcdef-righT\r\n",
		"Authorization: Bearer 0123456789abcdef-righ\r\n",
		"Authorization: Bearer 0123456789abcdef-right2\r\n",
		"Authorization: Basic " TOKEN "\r\n",
		"Cookie: token=" TOKEN "\r\n",
	};
	struct fixture *f = *state;
	size_t k;

	for (k = 0; k < sizeof(headers) / sizeof(headers[0]); k++) {
		int status = post(f, "identify", headers[k], "{\"input\":\"a\"}");

		if (status != 401 || f->runs)
			fail_msg("%s: %d, run %u times", headers[k], status, f->runs);
		assert_non_null(strstr(f->answer, "WWW-Authenticate: Bearer"));
	}
}

static void guesses_are_limited(void **state)
{
	struct fixture *f = *state;
	unsigned int k;
	int status = 0;

	for (k = 0; k < 2 * COMMAND_BURST; k++)
		status = post(f, "identify", "Authorization: Bearer wrong\r\n", "{}");
	assert_int_equal(status, 429);
}

static void errors_have_their_status(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(post(f, "identify", RIGHT, "{\"input\":7}"), 400);
	assert_int_equal(post(f, "identify", RIGHT, ""), 400);
	assert_int_equal(post(f, "reboot", RIGHT, ""), 404);
	assert_int_equal(post(f, "", RIGHT, ""), 404);
	assert_int_equal(post(f, "identify", RIGHT, "{\"input\":\"busy\"}"), 409);
	assert_non_null(strstr(f->answer, "something else blinks"));
	assert_int_equal(f->runs, 1);
}

static void a_great_body_is_refused_and_not_kept(void **state)
{
	static char text[1 << 20];
	struct fixture *f = *state;
	int n = sprintf(text, "POST /api/v1/commands/identify HTTP/1.1\r\nHost: 127.0.0.1\r\n" RIGHT
			      "Connection: close\r\nContent-Length: 60000\r\n\r\n");

	memset(text + n, ' ', 60000);
	assert_int_equal(say(f, text, (size_t)n + 60000), 400);
	assert_non_null(strstr(f->answer, "at most 4096"));
	assert_int_equal(f->runs, 0);
}

static void without_a_token_there_are_no_commands(void **state)
{
	struct fixture *f = *state;

	write_token(f, "short\n");
	assert_int_equal(post(f, "identify", "Authorization: Bearer short\r\n", "{}"), 403);
	write_token(f, "");
	assert_int_equal(post(f, "identify", RIGHT, "{}"), 403);
	unlink(f->token);
	assert_int_equal(post(f, "identify", RIGHT, "{}"), 403);
	http_close(f->http);
	assert_int_equal(open_server(f, false), 0);
	http_take_commands(f->http, f->commands);
	assert_int_equal(post(f, "identify", RIGHT, "{}"), 403);
	assert_non_null(strstr(f->answer, "set token_file"));
	assert_int_equal(f->runs, 0);
}

static void a_token_can_be_changed_at_any_time(void **state)
{
	struct fixture *f = *state;

	write_token(f, "another-token-of-some-length\n");
	assert_int_equal(post(f, "identify", RIGHT, "{\"input\":\"a\"}"), 401);
	assert_int_equal(post(f, "identify",
			      "Authorization: Bearer another-token-of-some-length\r\n",
			      "{\"input\":\"a\"}"),
			 200);
}

static const char ask_slowly[] =
	"POST /api/v1/commands/slow HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n" RIGHT "Connection: close\r\nContent-Length: 2\r\n\r\n{}";

static bool is_asked(void *context)
{
	struct fixture *f = context;

	return f->call;
}

static void an_answer_can_come_later(void **state)
{
	const struct command_reply reply = { .text = "it took a while" };
	struct fixture *f = *state;

	send_request(f, ask_slowly, strlen(ask_slowly));
	assert_true(turn_until(f->loop, is_asked, f));
	turn_for(f->loop, 50);
	assert_false(has_ended(f));
	assert_int_equal(f->length, 0);
	command_end(f->call, &reply);
	assert_true(turn_until(f->loop, has_ended, f));
	assert_non_null(strstr(f->answer, "200 OK"));
	assert_non_null(strstr(f->answer, "{\"ok\":true,\"text\":\"it took a while\"}"));
	close(f->fd);
}

/* As of a change of [http] itself: the server closes as soon as it is done. */
static void an_answer_is_given_before_the_server_closes(void **state)
{
	const struct command_reply reply = { .text = "the port is another one" };
	struct fixture *f = *state;

	send_request(f, ask_slowly, strlen(ask_slowly));
	assert_true(turn_until(f->loop, is_asked, f));
	command_end(f->call, &reply);
	http_close(f->http);
	f->http = NULL;
	assert_true(turn_until(f->loop, has_ended, f));
	assert_non_null(strstr(f->answer, "{\"ok\":true,\"text\":\"the port is another one\"}"));
	close(f->fd);
}

/* Who has asked is gone, or the server is, when the answer comes. */
static void an_answer_that_nobody_waits_for_does_no_harm(void **state)
{
	const struct command_reply reply = { 0 };
	struct fixture *f = *state;

	send_request(f, ask_slowly, strlen(ask_slowly));
	assert_true(turn_until(f->loop, is_asked, f));
	close(f->fd);
	turn_for(f->loop, 50);
	command_end(f->call, &reply);
	turn_for(f->loop, 50);
	f->call = NULL;
	send_request(f, ask_slowly, strlen(ask_slowly));
	assert_true(turn_until(f->loop, is_asked, f));
	http_close(f->http);
	f->http = NULL;
	command_end(f->call, &reply);
	close(f->fd);
}

static void a_foreign_page_cannot_command(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
		"POST /api/v1/commands/identify HTTP/1.1\r\n"
		"Host: evil.example\r\n" RIGHT "Connection: close\r\nContent-Length: 2\r\n\r\n{}";

	assert_int_equal(say(f, text, strlen(text)), 421);
}

static void body_is_utf8(struct fixture *f)
{
	const char *body = strstr(f->answer, "\r\n\r\n");
	struct json_object *o = body ? json_tokener_parse(body + 4) : NULL;

	if (!o || !is_utf8(body + 4))
		fail_msg("%s", f->answer);
	json_object_put(o);
}

/* What somebody sends is quoted in part, which may end within a character. */
static void what_is_quoted_is_still_utf8(void **state)
{
	static const char *const texts[] = {
		"GET /\xff\xfe HTTP/1.0\r\n\r\n",
		"\xe4\xc0 / HTTP/1.0\r\n\r\n",
	};
	struct fixture *f = *state;
	char body[512] = "{\"input\":\"x\",\"a";
	unsigned int k;

	for (k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		assert_in_range(say(f, texts[k], strlen(texts[k])), 400, 499);
		if (strstr(f->answer, "application/json"))
			body_is_utf8(f);
	}
	assert_int_equal(post(f, "\xff", RIGHT, "{}"), 404);
	body_is_utf8(f);
	for (k = 0; k < 40; k++)
		strcat(body, "\xc3\xa9");
	strcat(body, "\":1}");
	assert_int_equal(post(f, "identify", RIGHT, body), 400);
	assert_non_null(strstr(f->answer, "there is no argument"));
	body_is_utf8(f);
	assert_non_null(strstr(f->told, "identify"));
	assert_true(is_utf8(f->told));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_token_does_the_command),
		TEST(any_other_token_does_not),
		TEST(guesses_are_limited),
		TEST(errors_have_their_status),
		TEST(a_great_body_is_refused_and_not_kept),
		TEST(without_a_token_there_are_no_commands),
		TEST(a_token_can_be_changed_at_any_time),
		TEST(an_answer_can_come_later),
		TEST(an_answer_is_given_before_the_server_closes),
		TEST(an_answer_that_nobody_waits_for_does_no_harm),
		TEST(what_is_quoted_is_still_utf8),
		TEST(a_foreign_page_cannot_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
