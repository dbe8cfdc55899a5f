// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-io.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mqtt_io {
	struct mqtt *mqtt;
	const struct io_reading *now;
	char *topic;
	struct mqtt_listener listener;
};

void mqtt_io_publish(struct mqtt_io *x)
{
	struct json_object *o;
	const char *text;

	if (!x)
		return;
	o = io_reading_json(x->now);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	mqtt_send(x->mqtt, x->topic, text, strlen(text), 1, true, NULL);
	json_object_put(o);
}

static void on_connected(void *user)
{
	mqtt_io_publish(user);
}

int mqtt_io_open(struct mqtt_io **out, struct mqtt *m, const struct io_reading *now,
		 const char *topic, const char *gateway)
{
	struct mqtt_io *x = calloc(1, sizeof(*x));
	int error = -ENOMEM;

	*out = NULL;
	if (!x)
		return error;
	*x = (struct mqtt_io){ .mqtt = m, .now = now };
	x->listener = (struct mqtt_listener){ .connected = on_connected, .user = x };
	if (asprintf(&x->topic, "%s/%s/io", topic, gateway) < 0)
		x->topic = NULL;
	if (x->topic)
		error = mqtt_listen(m, &x->listener);
	if (error) {
		mqtt_io_close(x);
		return error;
	}
	*out = x;
	return 0;
}

void mqtt_io_close(struct mqtt_io *x)
{
	if (!x)
		return;
	free(x->topic);
	free(x);
}
