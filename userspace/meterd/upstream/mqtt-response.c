// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-response.h"

#include <mqtt_protocol.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Below our own topics, responses may go here only. */
#define COMMAND_TOPIC "command/"

static bool is_own_topic(const char *topic_status, const char *topic)
{
	size_t own = strlen(topic_status) - strlen("status");

	return !strncmp(topic, topic_status, own) &&
	       strncmp(topic + own, COMMAND_TOPIC, strlen(COMMAND_TOPIC));
}

static char *response_topic(const mosquitto_property *properties, const char *topic_status)
{
	char *topic = NULL;

	if (!properties)
		return NULL;
	mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &topic, false);
	if (topic && (!*topic || strlen(topic) > MQTT_TOPIC_MAX || topic[0] == '$' ||
		      mosquitto_pub_topic_check(topic) || is_own_topic(topic_status, topic))) {
		free(topic);
		topic = NULL;
	}
	return topic;
}

static mosquitto_property *correlation(const mosquitto_property *properties)
{
	mosquitto_property *response = NULL;
	uint16_t length = 0;
	void *data = NULL;

	if (properties)
		mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &data,
					       &length, false);
	if (data)
		mosquitto_property_add_binary(&response, MQTT_PROP_CORRELATION_DATA, data, length);
	free(data);
	return response;
}

struct mqtt_return *mqtt_return_make(const mosquitto_property *properties, const char *topic_status,
				     const char *topic)
{
	struct mqtt_return *to = calloc(1, sizeof(*to));

	if (!to)
		return NULL;
	to->topic = response_topic(properties, topic_status);
	if (!to->topic)
		to->topic = strdup(topic);
	to->properties = correlation(properties);
	if (to->topic)
		return to;
	mqtt_return_free(to);
	return NULL;
}

void mqtt_return_free(struct mqtt_return *to)
{
	if (!to)
		return;
	mosquitto_property_free_all(&to->properties);
	free(to->topic);
	free(to);
}
