// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands by MQTT, with a real broker and its own request-response client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "mqtt-commands.h"
#include "outputs.h"

#define BROKER "/usr/sbin/mosquitto"

/**
 * struct fixture - a broker, and a gateway that has one command
 * @loop: event loop
 * @broker: its process
 * @port: of the broker, and as text
 * @mqtt: connection of the gateway
 * @config: of it
 * @commands: table
 * @ways: way in
 * @runs: how often the command was run
 * @told: last event
 * @call: a command that is not answered yet
 * @tube: output of a client
 * @answer: what has come
 * @length: bytes of it
 */
struct fixture {
	sd_event *loop;
	pid_t broker;
	unsigned int port;
	char port_text[8];
	struct mqtt *mqtt;
	struct mqtt_config config;
	struct commands *commands;
	struct mqtt_commands *ways;
	unsigned int runs;
	char told[256];
	struct command_call *call;
	int tube;
	char answer[4096];
	size_t length;
};

static void run_identify(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct fixture *f = user;

	f->runs++;
	reply->result = json_object_new_string(command_text(arguments, "input"));
}

static int on_slow_done(sd_event_source *source, uint64_t usec, void *user)
{
	struct fixture *f = user;
	struct command_reply reply = { .result = json_object_new_string("slowly") };

	command_end(f->call, &reply);
	command_reply_end(&reply);
	f->call = NULL;
	return 0;
}

/* Answered by the loop, after the message that asked is gone. */
static void run_slow(void *user, struct json_object *arguments, struct command_reply *reply)
{
	struct fixture *f = user;

	f->call = command_later(reply);
	if (!command_text(arguments, "never"))
		sd_event_add_time_relative(f->loop, NULL, CLOCK_MONOTONIC, 20000, 0, on_slow_done,
					   f);
}

static const struct command_row slow = {
	.name = "slow",
	.summary = "takes a while",
	.field = { { "never", COMMAND_TEXT, .most = 8, .optional = true } },
	.run = run_slow,
};

static const struct command_row identify = {
	.name = "identify",
	.summary = "let an input blink",
	.field = { { "input", COMMAND_TEXT, .most = 31 } },
	.run = run_identify,
};

static void on_told(void *user, const char *text)
{
	struct fixture *f = user;

	snprintf(f->told, sizeof(f->told), "%s", text);
}

static unsigned int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t length = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static bool has_answered(void *context)
{
	struct fixture *f = context;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(f->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ok = !connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return ok;
}

static void spawn(struct fixture *f, char *const *argv, pid_t *child)
{
	int tube[2];

	assert_int_equal(pipe2(tube, O_CLOEXEC), 0);
	*child = fork();
	if (!*child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(tube[1], STDOUT_FILENO);
		dup2(tube[1], STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(tube[1]);
	f->tube = tube[0];
}

static bool is_connected(void *context)
{
	struct fixture *f = context;
	struct mqtt_counters c;

	mqtt_counters(f->mqtt, &c);
	return c.connected;
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *const argv[] = { BROKER, "-p", f->port_text, NULL };

	*state = f;
	if (access(BROKER, X_OK))
		return 0;
	f->port = free_port();
	snprintf(f->port_text, sizeof(f->port_text), "%u", f->port);
	assert_true(sd_event_new(&f->loop) >= 0);
	spawn(f, argv, &f->broker);
	close(f->tube);
	assert_true(turn_until(f->loop, has_answered, f));
	f->config = (struct mqtt_config){ .host = "127.0.0.1", .port = f->port, .topic = "meterd" };
	assert_int_equal(commands_create(&f->commands, on_told, f), 0);
	assert_int_equal(command_register(f->commands, &identify, f), 0);
	assert_int_equal(command_register(f->commands, &slow, f), 0);
	assert_int_equal(mqtt_open(&f->mqtt, f->loop, &f->config, "house"), 0);
	assert_int_equal(mqtt_commands_open(&f->ways, f->mqtt, f->commands, "meterd", "house"), 0);
	assert_true(turn_until(f->loop, is_connected, f));
	/* the subscription is sent before anything that a client sends now can come */
	turn_for(f->loop, 50);
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	if (f->broker) {
		mqtt_close(f->mqtt);
		mqtt_commands_close(f->ways);
		commands_destroy(f->commands);
		kill(f->broker, SIGKILL);
		waitpid(f->broker, NULL, 0);
		sd_event_unref(f->loop);
	}
	free(f);
	return 0;
}

static void need_broker(const struct fixture *f)
{
	if (f->broker)
		return;
	print_message("SKIP: " BROKER " is missing; install mosquitto\n");
	skip();
}

static bool has_ended(void *context)
{
	struct fixture *f = context;
	ssize_t n = read(f->tube, f->answer + f->length, sizeof(f->answer) - 1 - f->length);

	if (n > 0)
		f->length += (size_t)n;
	f->answer[f->length] = '\0';
	return !n || (n < 0 && errno != EAGAIN);
}

/* Ask with a response topic, or publish without one; what the client prints is the answer. */
static void ask(struct fixture *f, const char *response, const char *text)
{
	char *const rr[] = { "mosquitto_rr",
			     "-V",
			     "5",
			     "-p",
			     f->port_text,
			     "-t",
			     "meterd/house/command",
			     "-e",
			     (char *)response,
			     "-W",
			     "3",
			     "-m",
			     (char *)text,
			     "-D",
			     "publish",
			     "correlation-data",
			     "seven",
			     "-F",
			     "%t %D %p",
			     NULL };
	char *const pub[] = { "mosquitto_pub",	      "-V", "5", "-p", f->port_text, "-t",
			      "meterd/house/command", "-q", "1", "-m", (char *)text, NULL };
	pid_t child;

	f->length = 0;
	spawn(f, response ? rr : pub, &child);
	fcntl(f->tube, F_SETFL, O_NONBLOCK);
	assert_true(turn_until(f->loop, has_ended, f));
	turn_for(f->loop, 50);
	close(f->tube);
	waitpid(child, NULL, 0);
}

static void an_answer_goes_to_the_response_topic_with_its_correlation(void **state)
{
	struct fixture *f = *state;

	need_broker(f);
	ask(f, "my/answers", "{\"command\":\"identify\",\"input\":\"hub2/B\"}");
	assert_string_equal(f->answer, "my/answers seven {\"ok\":true,\"result\":\"hub2/B\"}\n");
	assert_int_equal(f->runs, 1);
	assert_string_equal(f->told, "identify {\"command\":\"identify\",\"input\":\"hub2/B\"} "
				     "from mqtt: done");
}

static void an_answer_that_comes_later_goes_there_too(void **state)
{
	struct fixture *f = *state;

	need_broker(f);
	ask(f, "my/answers", "{\"command\":\"slow\"}");
	assert_string_equal(f->answer, "my/answers seven {\"ok\":true,\"result\":\"slowly\"}\n");
	assert_non_null(strstr(f->told, "from mqtt: done"));
}

static bool is_asked(void *context)
{
	struct fixture *f = context;

	return f->call;
}

/* As by a reload of [mqtt] meanwhile. */
static void an_answer_whose_connection_is_gone_does_no_harm(void **state)
{
	const struct command_reply reply = { 0 };
	struct fixture *f = *state;

	need_broker(f);
	ask(f, NULL, "{\"command\":\"slow\",\"never\":\"x\"}");
	assert_true(turn_until(f->loop, is_asked, f));
	mqtt_close(f->mqtt);
	mqtt_commands_close(f->ways);
	f->mqtt = NULL;
	f->ways = NULL;
	command_end(f->call, &reply);
	assert_non_null(strstr(f->told, "from mqtt: done"));
}

static bool has_run(void *context)
{
	struct fixture *f = context;

	return f->runs;
}

static void without_a_response_topic_it_is_done_as_well(void **state)
{
	struct fixture *f = *state;

	need_broker(f);
	ask(f, NULL, "{\"command\":\"identify\",\"input\":\"hub2/B\"}");
	assert_true(turn_until(f->loop, has_run, f));
	assert_int_equal(f->runs, 1);
}

static void bad_commands_are_answered_with_what_is_wrong(void **state)
{
	struct fixture *f = *state;

	need_broker(f);
	ask(f, "my/answers", "{\"command\":\"reboot\"}");
	assert_non_null(strstr(f->answer, "\"ok\":false,\"error\":\"there is no command"));
	ask(f, "my/answers", "garbage");
	assert_non_null(strstr(f->answer, "must be a JSON object"));
	assert_int_equal(f->runs, 0);
}

static void a_response_in_the_name_of_the_gateway_is_not_given(void **state)
{
	struct fixture *f = *state;

	need_broker(f);
	/* the client hears what is retained there, "stale", and nothing of the answer */
	ask(f, "meterd/house/status", "{\"command\":\"identify\",\"input\":\"online\"}");
	assert_null(strstr(f->answer, "ok"));
	assert_int_equal(f->runs, 1);
}

static void a_retained_command_is_refused(void **state)
{
	struct fixture *f = *state;
	char command[256];

	need_broker(f);
	/* the gateway is away while somebody leaves a command for later */
	mqtt_close(f->mqtt);
	mqtt_commands_close(f->ways);
	snprintf(command, sizeof(command),
		 "mosquitto_pub -p %u -r -q 1 -t meterd/house/command -m "
		 "'{\"command\":\"identify\",\"input\":\"a\"}'",
		 f->port);
	assert_int_equal(system(command), 0);
	assert_int_equal(mqtt_open(&f->mqtt, f->loop, &f->config, "house"), 0);
	assert_int_equal(mqtt_commands_open(&f->ways, f->mqtt, f->commands, "meterd", "house"), 0);
	assert_true(turn_until(f->loop, is_connected, f));
	turn_for(f->loop, 200);
	assert_int_equal(f->runs, 0);
	/* and one that is meant now is done */
	ask(f, NULL, "{\"command\":\"identify\",\"input\":\"b\"}");
	assert_true(turn_until(f->loop, has_run, f));
	assert_int_equal(f->runs, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_goes_to_the_response_topic_with_its_correlation),
		TEST(an_answer_that_comes_later_goes_there_too),
		TEST(an_answer_whose_connection_is_gone_does_no_harm),
		TEST(without_a_response_topic_it_is_done_as_well),
		TEST(bad_commands_are_answered_with_what_is_wrong),
		TEST(a_response_in_the_name_of_the_gateway_is_not_given),
		TEST(a_retained_command_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
