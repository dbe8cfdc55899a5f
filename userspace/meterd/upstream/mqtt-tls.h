/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqtt-tls - TLS of the connection to the broker.
 *
 * libmosquitto is given an address, since it would wait for the name server, and so
 * cannot check the broker's name. OpenSSL does it instead, with a context of ours.
 */
#ifndef METERD_MQTT_TLS_H
#define METERD_MQTT_TLS_H

struct mosquitto;
struct mqtt_config;
struct mqtt_tls;

/** mqtt_tls_create() - check that the files can be used; 0, or -EINVAL after printing why not */
int mqtt_tls_create(struct mqtt_tls **tls, const struct mqtt_config *config);

/**
 * mqtt_tls_use() - TLS for a client that is not connected yet; files are read anew, so that a
 *	renewed certificate is used with the next connection
 *
 * Return: 0, or -1: see mqtt_tls_error().
 */
int mqtt_tls_use(struct mqtt_tls *tls, struct mosquitto *client);

/** mqtt_tls_error() - what was wrong with the last connection, or NULL */
const char *mqtt_tls_error(const struct mqtt_tls *tls);

/** mqtt_tls_destroy() - after the client; NULL is allowed */
void mqtt_tls_destroy(struct mqtt_tls *tls);

#endif
