/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-io - inputs and outputs on the broker.
 *
 * TOPIC/GATEWAY/io	retained: the JSON of /api/v1/io, whenever it changes
 */
#ifndef METERD_MQTT_IO_H
#define METERD_MQTT_IO_H

#include "io-reading.h"
#include "mqtt.h"

struct mqtt_io;

/**
 * mqtt_io_open() - begin
 * @x: where to put it
 * @m: connection; outlives it
 * @now: what is published at each connection; outlives it
 * @topic: first part of the topic
 * @gateway: its second part
 *
 * Return: 0 or -errno.
 */
int mqtt_io_open(struct mqtt_io **x, struct mqtt *m, const struct io_reading *now,
		 const char *topic, const char *gateway);

/** mqtt_io_publish() - it has changed; NULL @x is allowed */
void mqtt_io_publish(struct mqtt_io *x);

/** mqtt_io_close() - NULL is allowed */
void mqtt_io_close(struct mqtt_io *x);

#endif
