// SPDX-License-Identifier: GPL-2.0-or-later
#include "vendor-plugs.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock-state.h"
#include "command.h"
#include "log.h"

#define ORIGIN "mqtt vendor"
#define TOPIC_MAX 160
#define TEXT_MAX 256
#define UNTOLD (-2)

struct vendor_plugs {
	struct mqtt *mqtt;
	struct mqtt_listener listener;
	const char *uuid;
	const struct io_reading *now;
	struct commands *commands;
	int told_on[RELAYS_MAX];	/* state that was told, or UNTOLD */
	int told_connected[RELAYS_MAX]; /* likewise */
};

static void topic_of(const struct vendor_plugs *p, char *topic, unsigned int relay,
		     const char *last)
{
	snprintf(topic, TOPIC_MAX, "servicelocation/%s/plug/%u/%s", p->uuid, relay + 1, last);
}

static void send_value(struct vendor_plugs *p, unsigned int relay, const char *last,
		       const char *value, int64_t since_ms)
{
	char topic[TOPIC_MAX], text[TEXT_MAX];
	int n = snprintf(text, sizeof(text), "{\"value\":\"%s\",\"since\":%" PRId64 "}", value,
			 since_ms);

	topic_of(p, topic, relay, last);
	mqtt_send(p->mqtt, topic, text, (size_t)n, 0, true, NULL);
}

void vendor_plugs_publish(struct vendor_plugs *p)
{
	int64_t now_ms = (int64_t)(clock_us(CLOCK_REALTIME) / 1000);
	unsigned int k;

	for (k = 0; p && p->now && k < p->now->relays; k++) {
		const struct relay_reading *r = &p->now->relay[k];
		int connected = r->on >= 0;

		if (connected && r->on != p->told_on[k]) {
			send_value(p, k, "state", r->on ? "ON" : "OFF", r->since_ms);
			p->told_on[k] = r->on;
		}
		if (connected == p->told_connected[k])
			continue;
		send_value(p, k, "connectionState", connected ? "CONNECTED" : "DISCONNECTED",
			   now_ms);
		p->told_connected[k] = connected;
	}
}

static void send_home(struct vendor_plugs *p)
{
	struct json_object *o = json_object_new_object();
	struct json_object *plugs = json_object_new_array();
	char topic[TOPIC_MAX];
	const char *text;
	unsigned int k;

	for (k = 0; p->now && k < p->now->relays; k++) {
		struct json_object *plug = json_object_new_object();

		json_object_object_add(plug, "nodeId", json_object_new_int((int)k + 1));
		json_object_object_add(plug, "name",
				       json_object_new_string(p->now->relay[k].relay->name));
		json_object_array_add(plugs, plug);
	}
	json_object_object_add(o, "utcTimeStamp",
			       json_object_new_int64((int64_t)(clock_us(CLOCK_REALTIME) / 1000)));
	json_object_object_add(o, "switchActuators", json_object_new_array());
	json_object_object_add(o, "smartplugActuators", plugs);
	json_object_object_add(o, "maximumAmpere", json_object_new_int(0));
	snprintf(topic, sizeof(topic), "servicelocation/%s/homeControlConfig", p->uuid);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	mqtt_send(p->mqtt, topic, text, strlen(text), 0, true, NULL);
	json_object_put(o);
}

static void on_connected(void *user)
{
	struct vendor_plugs *p = user;
	char topic[TOPIC_MAX];
	unsigned int k;

	send_home(p);
	for (k = 0; k < RELAYS_MAX; k++)
		p->told_on[k] = p->told_connected[k] = UNTOLD;
	vendor_plugs_publish(p);
	for (k = 0; p->commands && p->now && k < p->now->relays; k++) {
		topic_of(p, topic, k, "setstate");
		mqtt_subscribe(p->mqtt, topic);
	}
}

/* The relay of a topic, or -1: it is not ours. */
static int relay_of(const struct vendor_plugs *p, const char *topic)
{
	char own[TOPIC_MAX];
	unsigned int k;

	for (k = 0; p->now && k < p->now->relays; k++) {
		topic_of(p, own, k, "setstate");
		if (!strcmp(own, topic))
			return (int)k;
	}
	return -1;
}

/* "on", "off", or NULL when the text says neither. */
static const char *state_of(const char *text)
{
	struct json_object *o = strlen(text) < COMMAND_TEXT_MAX ? json_tokener_parse(text) : NULL;
	struct json_object *value;
	const char *state = NULL;

	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "value", &value) &&
	    json_object_is_type(value, json_type_string)) {
		if (!strcasecmp(json_object_get_string(value), "on"))
			state = "on";
		else if (!strcasecmp(json_object_get_string(value), "off"))
			state = "off";
	}
	json_object_put(o);
	return state;
}

static void give(struct vendor_plugs *p, const char *name, const char *state)
{
	struct json_object *o = json_object_new_object();
	struct command_reply reply;
	const char *text;

	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "state", json_object_new_string(state));
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	command_run(p->commands, ORIGIN, "output", text, strlen(text), clock_us(CLOCK_MONOTONIC),
		    &reply);
	command_reply_end(&reply);
	json_object_put(o);
}

static void on_message(void *user, const char *topic, const char *text)
{
	struct vendor_plugs *p = user;
	int relay = relay_of(p, topic);
	const char *state;

	if (relay < 0)
		return;
	state = mqtt_is_retained(p->mqtt) ? NULL : state_of(text);
	if (state)
		give(p, p->now->relay[relay].relay->name, state);
	else if (command_allowed(p->commands, ORIGIN, clock_us(CLOCK_MONOTONIC)))
		log_warning("mqtt: %s: refused: not {\"value\":\"ON\"} or \"OFF\", or retained",
			    topic);
}

int vendor_plugs_open(struct vendor_plugs **out, struct mqtt *m, const char *uuid,
		      const struct io_reading *now, struct commands *commands)
{
	struct vendor_plugs *p = calloc(1, sizeof(*p));
	int error;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct vendor_plugs){ .mqtt = m, .uuid = uuid, .now = now, .commands = commands };
	p->listener = (struct mqtt_listener){ .connected = on_connected,
					      .message = on_message,
					      .user = p };
	error = mqtt_listen(m, &p->listener);
	if (error) {
		free(p);
		return error;
	}
	*out = p;
	return 0;
}

void vendor_plugs_close(struct vendor_plugs *p)
{
	free(p);
}
