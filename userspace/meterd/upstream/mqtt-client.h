/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-client - a client of libmosquitto for one attempt to connect: version, name and
 * password, last will.
 */
#ifndef METERD_MQTT_CLIENT_H
#define METERD_MQTT_CLIENT_H

#include <stdbool.h>

#include "mqtt.h"

struct mosquitto;

#define MQTT_KEEPALIVE_S 20
/* We tell the broker that we take no greater packet, bytes; none of ours is needed. */
#define MQTT_PACKET_MAX (64 * 1024)

/**
 * mqtt_client_new() - make one
 * @config: user and password; the password's file is read anew each time
 * @topic_status: where the broker says STATUS_OFFLINE for us when we are gone
 * @old_version: MQTT 3.1.1, not 5
 * @user: first argument of its callbacks
 *
 * Return: for mosquitto_destroy(), or NULL.
 */
struct mosquitto *mqtt_client_new(const struct mqtt_config *config, const char *topic_status,
				  bool old_version, void *user);

#endif
