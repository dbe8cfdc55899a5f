// SPDX-License-Identifier: GPL-2.0-or-later
#include "mqtt-client.h"

#include <errno.h>
#include <inttypes.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "mqtt-live.h"

#define PASSWORD_MAX 1024

/*
 * MQTT 5, with a bound for what the broker may send. The only call that takes properties
 * also connects, and waits for that; without a host it keeps the properties for the
 * call that does not wait.
 */
static int set_version(struct mosquitto *client)
{
	mosquitto_property *properties = NULL;
	int rc = mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);

	if (!rc)
		rc = mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
						  MQTT_PACKET_MAX);
	if (!rc)
		mosquitto_connect_bind_v5(client, NULL, 0, MQTT_KEEPALIVE_S, NULL, properties);
	mosquitto_property_free_all(&properties);
	return rc;
}

static int log_in(struct mosquitto *client, const struct mqtt_config *c)
{
	char password[PASSWORD_MAX] = "";
	FILE *f;
	int rc;

	if (!c->user)
		return 0;
	if (c->password_file) {
		f = fopen(c->password_file, "re");
		if (!f || !fgets(password, sizeof(password), f))
			log_error("mqtt: password_file %s: %s", c->password_file,
				  f ? "is empty" : strerror(errno));
		if (f)
			fclose(f);
		password[strcspn(password, "\r\n")] = '\0';
	}
	rc = mosquitto_username_pw_set(client, c->user, c->password_file ? password : NULL);
	explicit_bzero(password, sizeof(password));
	return rc;
}

struct mosquitto *mqtt_client_new(const struct mqtt_config *config, const char *topic_status,
				  bool old_version, void *user)
{
	struct mosquitto *client;
	uint32_t unique = 0;
	char id[24];

	/* Two gateways of the same name must not push each other out. */
	if (getrandom(&unique, sizeof(unique), GRND_NONBLOCK) != sizeof(unique))
		unique = (uint32_t)(uintptr_t)user;
	snprintf(id, sizeof(id), "meterd-%08" PRIx32, unique);
	client = mosquitto_new(id, true, user);
	if (!client)
		return NULL;
	if ((!old_version && set_version(client)) || log_in(client, config) ||
	    mosquitto_will_set(client, topic_status, strlen(STATUS_OFFLINE), STATUS_OFFLINE, 1,
			       true)) {
		mosquitto_destroy(client);
		return NULL;
	}
	return client;
}
