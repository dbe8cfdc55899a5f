/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt - the connection to an MQTT 5 broker, and the live values on it.
 *
 * TOPIC/GATEWAY/live    QoS 0, not retained: the JSON of live.h, one per reading
 * TOPIC/GATEWAY/status  retained: "online" while readings come, "stale" when none came
 *			 for 4 s (then live has one reading of nulls); "offline" at the
 *			 end and by last will
 *
 * Other users of the connection (records, discovery, vendor topics) are its
 * listeners. Nothing here waits for the broker. A broker that is absent, goes away, or
 * does not read costs readings (counted as dropped), never time.
 */
#ifndef METERD_MQTT_H
#define METERD_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "reading.h"

struct mqtt;
struct mqtt_return;

#define MQTT_LISTENERS_MAX 8

/**
 * struct mqtt_listener - another user of the connection; any of the calls may be NULL
 * @connected: the broker has accepted the connection
 * @lost: it is gone; what was not acknowledged will not be
 * @acked: the message @mid of mqtt_send() was taken; MQTT reason code, from 0x80 on: refused
 * @message: a message on a topic of mqtt_subscribe(); @text has a NUL at its end
 * @tick: about once a second while connected
 * @user: first argument of these
 */
struct mqtt_listener {
	void (*connected)(void *user);
	void (*lost)(void *user);
	void (*acked)(void *user, int mid, int reason);
	void (*message)(void *user, const char *topic, const char *text);
	void (*tick)(void *user);
	void *user;
};

/**
 * struct mqtt_config - section [mqtt] of the configuration
 * @host: name or address of the broker, or the absolute path of its unix socket
 * @port: TCP port, 1 to 65535; ignored with a unix socket
 * @topic: first part of the topics, "meterd"; no wildcards
 * @user: name, or NULL
 * @password_file: file whose first line is the password, or NULL
 * @tls: "yes" or "no"
 * @ca_file: certificates of the authorities to trust, NULL: those of the system
 * @cert_file: own certificate, or NULL
 * @key_file: its key, or NULL
 * @discovery: first part of the topics of Home Assistant's discovery; "no": none
 * @vendor_uuid: location of the vendor's topics, NULL: none
 * @vendor_serial: serial number told there
 * @commands: "yes" or "no": take commands (mqtt-commands.h)
 */
struct mqtt_config {
	char *host;
	unsigned int port;
	char *topic;
	char *user;
	char *password_file;
	char *tls;
	char *ca_file;
	char *cert_file;
	char *key_file;
	char *discovery;
	char *vendor_uuid;
	char *vendor_serial;
	char *commands;
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
 * @config: must outlive it
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

/** mqtt_is_connected() - the broker has accepted the connection and it stands */
bool mqtt_is_connected(const struct mqtt *m);

/** mqtt_listen() - add a listener; it must outlive the connection. -ENOSPC: too many */
int mqtt_listen(struct mqtt *m, const struct mqtt_listener *listener);

/**
 * mqtt_send() - send a message with QoS 1 or 0
 * @m: connection
 * @topic: where to
 * @text: payload
 * @length: its bytes
 * @qos: 0 or 1
 * @retain: the broker keeps it
 * @mid: number for mqtt_listener.acked; may be NULL
 *
 * Return: 0, or -ENOTCONN: it was not sent.
 */
int mqtt_send(struct mqtt *m, const char *topic, const char *text, size_t length, int qos,
	      bool retain, int *mid);

/** mqtt_is_retained() - within mqtt_listener.message: the broker had kept this message */
bool mqtt_is_retained(const struct mqtt *m);

/**
 * mqtt_return_address() - where the answer to the message goes, within mqtt_listener.message
 * @m: connection
 * @topic: where to, if the message does not name a topic for its response
 *
 * The message's correlation data go with it. A topic that is not one to publish on is
 * answered on @topic, as is one that belongs to this gateway: nobody shall make it say
 * something in its own name.
 *
 * Return: for mqtt_respond() or mqtt_return_free() (mqtt-response.h); NULL when memory is short.
 */
struct mqtt_return *mqtt_return_address(struct mqtt *m, const char *topic);

/** mqtt_respond() - answer, at once or later; frees @to. 0, or -ENOTCONN: it was not sent */
int mqtt_respond(struct mqtt *m, struct mqtt_return *to, const char *text);

/** mqtt_subscribe() - get messages of a topic; again after every connect. 0 or -ENOTCONN */
int mqtt_subscribe(struct mqtt *m, const char *topic);

/** mqtt_reconnect() - the broker does not do what it should: leave it, and try again later */
void mqtt_reconnect(struct mqtt *m, const char *why);

/** mqtt_counters() - read the counters; NULL @m gives zeros */
void mqtt_counters(const struct mqtt *m, struct mqtt_counters *c);

/** mqtt_close() - say "offline", wait at most 0.5 s for that, and free; NULL @m is allowed */
void mqtt_close(struct mqtt *m);

#endif
