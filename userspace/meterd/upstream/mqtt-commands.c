// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "log.h"
#include "mqtt-response.h"

#define ORIGIN "mqtt"

/**
 * struct waiting - a command whose answer comes later
 * @ways: way in
 * @next: another one
 * @call: the command
 * @to: where the answer goes
 */
struct waiting {
	struct mqtt_commands *ways;
	struct waiting *next;
	struct command_call *call;
	struct mqtt_return *to;
};

/**
 * struct mqtt_commands - the way in
 * @mqtt: connection
 * @commands: table
 * @topic: of commands
 * @response: of answers that no one named a topic for
 * @listener: at the connection
 * @waiting: commands whose answers come later
 */
struct mqtt_commands {
	struct mqtt *mqtt;
	struct commands *commands;
	char *topic;
	char *response;
	struct mqtt_listener listener;
	struct waiting *waiting;
};

static void on_connected(void *user)
{
	struct mqtt_commands *x = user;

	mqtt_subscribe(x->mqtt, x->topic);
}

static void run(struct mqtt_commands *x, const char *text, struct command_reply *reply)
{
	if (!mqtt_is_retained(x->mqtt)) {
		command_run(x->commands, ORIGIN, NULL, text, strlen(text),
			    clock_us(CLOCK_MONOTONIC), reply);
		return;
	}
	*reply = (struct command_reply){ 0 };
	if (!command_allowed(x->commands, ORIGIN, clock_us(CLOCK_MONOTONIC))) {
		command_fail(reply, -EAGAIN, "too many commands");
		return;
	}
	log_warning("mqtt: a retained command on %s is refused; publish commands without retain, "
		    "and clear that one",
		    x->topic);
	command_fail(reply, -EINVAL, "retained: a command must not be kept by the broker");
}

/* One that comes too fast is not answered: the answers would be as many. */
static void respond(struct mqtt_commands *x, struct mqtt_return *to,
		    const struct command_reply *reply)
{
	char *answer = reply->error == -EAGAIN ? NULL : command_reply_json(reply);

	if (answer)
		mqtt_respond(x->mqtt, to, answer);
	else
		mqtt_return_free(to);
	free(answer);
}

static void on_answered(void *user, const struct command_reply *reply)
{
	struct waiting *w = user;
	struct waiting **at;

	for (at = &w->ways->waiting; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	respond(w->ways, w->to, reply);
	free(w);
}

/* Without memory for it there is no answer; the command is done all the same. */
static void wait_for_answer(struct mqtt_commands *x, struct command_call *call,
			    struct mqtt_return *to)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w) {
		mqtt_return_free(to);
		return;
	}
	*w = (struct waiting){ .ways = x, .next = x->waiting, .call = call, .to = to };
	x->waiting = w;
	command_await(call, on_answered, w);
}

static void on_message(void *user, const char *topic, const char *text)
{
	struct mqtt_commands *x = user;
	struct command_reply reply;
	struct mqtt_return *to;

	if (strcmp(topic, x->topic))
		return;
	to = mqtt_return_address(x->mqtt, x->response);
	if (!to)
		return;
	run(x, text, &reply);
	if (reply.later)
		wait_for_answer(x, reply.later, to);
	else
		respond(x, to, &reply);
	command_reply_end(&reply);
}

int mqtt_commands_open(struct mqtt_commands **out, struct mqtt *m, struct commands *c,
		       const char *topic, const char *gateway)
{
	struct mqtt_commands *x = calloc(1, sizeof(*x));
	int ret = -ENOMEM;

	*out = x;
	if (!x)
		return ret;
	x->mqtt = m;
	x->commands = c;
	x->listener = (struct mqtt_listener){ .connected = on_connected,
					      .message = on_message,
					      .user = x };
	if (asprintf(&x->topic, "%s/%s/command", topic, gateway) < 0)
		x->topic = NULL;
	if (asprintf(&x->response, "%s/%s/command/response", topic, gateway) < 0)
		x->response = NULL;
	if (x->topic && x->response)
		ret = mqtt_listen(m, &x->listener);
	if (!ret)
		return 0;
	mqtt_commands_close(x);
	*out = NULL;
	return ret;
}

void mqtt_commands_close(struct mqtt_commands *x)
{
	struct waiting *w;

	if (!x)
		return;
	while ((w = x->waiting)) {
		x->waiting = w->next;
		command_forget(w->call);
		mqtt_return_free(w->to);
		free(w);
	}
	free(x->topic);
	free(x->response);
	free(x);
}
