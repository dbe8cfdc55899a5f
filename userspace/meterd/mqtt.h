/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt - publishes readings to an MQTT broker.
 *
 * TOPIC/GATEWAY/live    QoS 0, not retained: the JSON of live.h, one per reading
 * TOPIC/GATEWAY/status  retained: "online"; "offline" at the end and by last will
 *
 * Nothing here waits for the broker. A broker that is absent, goes away, or
 * does not read costs readings (counted as dropped), never time.
 */
#ifndef METERD_MQTT_H
#define METERD_MQTT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "reading.h"

struct mqtt;

/**
 * struct mqtt_config - section [mqtt] of the configuration
 * @host: name or address of the broker, or the absolute path of its unix socket
 * @port: TCP port, 1 to 65535; ignored with a unix socket
 * @topic: first part of the topics, "meterd"; no wildcards
 */
struct mqtt_config {
	char *host;
	unsigned int port;
	char *topic;
};

/**
 * struct mqtt_counters - what became of the readings
 * @connected: the broker has accepted the connection and it stands
 * @published: readings that were written to the broker's connection
 * @dropped: readings that were not, because there was no connection or the
 *	broker did not take them
 */
struct mqtt_counters {
	bool connected;
	uint64_t published;
	uint64_t dropped;
};

/**
 * mqtt_open() - begin to connect; never waits for the broker
 * @m: where to put the publisher
 * @event: loop in which it lives; held until mqtt_close()
 * @config: copied
 * @gateway: name of the gateway, a part of the topics; copied
 *
 * An absent broker is not an error: it is tried again, after 1 s at first and
 * up to 60 s later.
 *
 * Return: 0, or -errno after printing what is wrong with the configuration.
 */
int mqtt_open(struct mqtt **m, sd_event *event, const struct mqtt_config *config,
	      const char *gateway);

/** mqtt_publish() - publish one reading, or count it as dropped; NULL @m is allowed */
void mqtt_publish(struct mqtt *m, const struct reading *r);

/** mqtt_counters() - read the counters; NULL @m gives zeros */
void mqtt_counters(const struct mqtt *m, struct mqtt_counters *c);

/** mqtt_close() - say "offline", wait at most 0.5 s for that, and free; NULL @m is allowed */
void mqtt_close(struct mqtt *m);

#endif
