/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discovery - tells Home Assistant what is measured (device-based MQTT discovery, from its
 * release 2024.11 on): one retained message on PREFIX/device/ID/config.
 *
 * Ids come from the gateway's name and the inputs, never from the names of loads; a
 * virtual load has no input, so its name is what it has. An entity is available while
 * TOPIC/GATEWAY/status is "online"; a value that is null there is unknown. Inputs and relays
 * have TOPIC/GATEWAY/io as their state, and are available also while nothing is measured.
 */
#ifndef METERD_DISCOVERY_H
#define METERD_DISCOVERY_H

#include "io-plan.h"
#include "load.h"
#include "mqtt.h"

struct discovery;

/**
 * struct discovery_config - what is told
 * @mqtt: topics, and whether commands are taken; switches and buttons are only there then
 * @in: what is measured
 * @plan: inputs and relays
 * @gateway: name of the gateway
 */
struct discovery_config {
	const struct mqtt_config *mqtt;
	const struct installation *in;
	const struct io_plan *plan;
	const char *gateway;
};

/** discovery_open() - publish it at every connection, and when Home Assistant was restarted */
int discovery_open(struct discovery **d, struct mqtt *m, const struct discovery_config *config);

/** discovery_close() - after mqtt_close(); NULL is allowed */
void discovery_close(struct discovery *d);

#endif
