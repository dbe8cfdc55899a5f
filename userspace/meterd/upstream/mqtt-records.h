/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-records - an upstream of the store: records as JSON on TOPIC/GATEWAY/records, QoS 1.
 *
 * A record leaves the queue when the broker has acknowledged it (PUBACK) and all before
 * it. Only a few are on their way at a time, so that a long backlog leaves room for live
 * values. A broker that acknowledges nothing for 30 s is left; one that refuses records is
 * asked again after a minute, since records wait for its configuration to be mended.
 */
#ifndef METERD_MQTT_RECORDS_H
#define METERD_MQTT_RECORDS_H

#include "mqtt.h"
#include "store.h"

struct mqtt_records;

/** mqtt_records_open() - begin; @upstream is its number in the store. 0 or -errno */
int mqtt_records_open(struct mqtt_records **r, struct mqtt *m, struct store *s,
		      unsigned int upstream, const char *topic, const char *gateway);

/** mqtt_records_close() - after mqtt_close(), before store_close(); NULL is allowed */
void mqtt_records_close(struct mqtt_records *r);

#endif
