/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-live - live values and status on a connection; a part of mqtt.h, which tells the
 * topics. The status is that of the readings, not that of the connection.
 */
#ifndef METERD_MQTT_LIVE_H
#define METERD_MQTT_LIVE_H

#include "live.h"
#include "mqtt.h"

#define STATUS_ONLINE "online"
#define STATUS_STALE "stale"
#define STATUS_OFFLINE "offline"

/* Readings that may wait inside libmosquitto for a broker that reads slowly. */
#define UNSENT_MAX 4

/**
 * struct mqtt_live - what was published, and what is to be
 * @mqtt: connection
 * @event: loop, for its clock
 * @listener: what the connection tells
 * @topic: topic of the readings
 * @topic_status: topic of the status
 * @status: what was published last as status, NULL: nothing on this connection
 * @status_us: when that was
 * @fed_us: when the last reading came
 * @blank: the last reading without its values
 * @blank_load: its loads
 * @mid: message ids of readings that are not yet sent, 0: free
 * @unsent: readings handed to the library and not yet written to the socket
 * @published: readings that were written
 * @dropped: readings that were not
 * @json: text of the last reading
 */
struct mqtt_live {
	struct mqtt *mqtt;
	sd_event *event;
	struct mqtt_listener listener;
	char *topic;
	char *topic_status;
	const char *status;
	uint64_t status_us;
	uint64_t fed_us;
	struct reading blank;
	struct load_reading *blank_load;
	int mid[UNSENT_MAX];
	unsigned int unsent;
	uint64_t published;
	uint64_t dropped;
	struct live_buffer json;
};

/** mqtt_live_open() - begin, as a listener of @m; mqtt_live_close() also after an error */
int mqtt_live_open(struct mqtt_live *l, struct mqtt *m, sd_event *event, const char *topic,
		   const char *gateway);

/** mqtt_live_publish() - send a reading, or count it as dropped */
void mqtt_live_publish(struct mqtt_live *l, const struct reading *r);

/** mqtt_live_close() - free */
void mqtt_live_close(struct mqtt_live *l);

#endif
