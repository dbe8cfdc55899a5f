/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discovery - tells Home Assistant what is measured (device-based MQTT discovery, from its
 * release 2024.11 on): one retained message on PREFIX/device/ID/config.
 *
 * Ids come from the gateway's name and the inputs, never from the names of loads; a
 * virtual load has no input, so its name is what it has. An entity is available while
 * TOPIC/GATEWAY/status is "online"; a value that is null there is unknown.
 */
#ifndef METERD_DISCOVERY_H
#define METERD_DISCOVERY_H

#include "load.h"
#include "mqtt.h"

struct discovery;

/**
 * discovery_text() - the message
 * @in: what is measured
 * @topic: first part of the topics
 * @gateway: name of the gateway
 *
 * Return: text for free(), or NULL when memory is short.
 */
char *discovery_text(const struct installation *in, const char *topic, const char *gateway);

/** discovery_open() - publish it at every connection, and when Home Assistant was restarted */
int discovery_open(struct discovery **d, struct mqtt *m, const struct mqtt_config *config,
		   const struct installation *in, const char *gateway);

/** discovery_close() - after mqtt_close(); NULL is allowed */
void discovery_close(struct discovery *d);

#endif
