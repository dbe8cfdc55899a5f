/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-response - where the answer to a message of MQTT 5 goes, as that message says.
 */
#ifndef METERD_MQTT_RESPONSE_H
#define METERD_MQTT_RESPONSE_H

#include <mosquitto.h>

#define MQTT_TOPIC_MAX 256

/**
 * mqtt_response_topic() - the topic that the message wants its response on
 * @properties: of the message, NULL: none
 * @topic_status: TOPIC/GATEWAY/status; below TOPIC/GATEWAY, only command/ may be answered on
 *
 * Return: for free(), or NULL: none that can be used.
 */
char *mqtt_response_topic(const mosquitto_property *properties, const char *topic_status);

/** mqtt_response_properties() - correlation data of the message, for its response; NULL: none */
mosquitto_property *mqtt_response_properties(const mosquitto_property *properties);

#endif
