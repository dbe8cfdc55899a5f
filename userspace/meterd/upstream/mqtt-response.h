/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-response - where the answer to a message of MQTT 5 goes, as that message says.
 */
#ifndef METERD_MQTT_RESPONSE_H
#define METERD_MQTT_RESPONSE_H

#include <mosquitto.h>

#define MQTT_TOPIC_MAX 256

/**
 * struct mqtt_return - where an answer goes
 * @topic: topic
 * @properties: correlation data of the message; NULL: none
 */
struct mqtt_return {
	char *topic;
	mosquitto_property *properties;
};

/**
 * mqtt_return_make() - where the answer to a message goes
 * @properties: of the message, NULL: none
 * @topic_status: TOPIC/GATEWAY/status; below TOPIC/GATEWAY, only command/ may be answered on
 * @topic: where to when the message names no topic that can be used
 *
 * Return: for mqtt_return_free(), or NULL when memory is short.
 */
struct mqtt_return *mqtt_return_make(const mosquitto_property *properties, const char *topic_status,
				     const char *topic);

/** mqtt_return_free() - NULL is allowed */
void mqtt_return_free(struct mqtt_return *to);

#endif
