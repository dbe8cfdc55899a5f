// SPDX-License-Identifier: GPL-2.0-or-later
#include "discovery.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery-parts.h"
#include "version.h"

#define LOAD_ID_MAX (DISCOVERY_DEVICE_MAX + DISCOVERY_SLUG_MAX + 10)
#define ID_MAX (LOAD_ID_MAX + 48)
#define EXPIRE_S 10

/**
 * struct entity - a quantity as Home Assistant wants it
 * @key: in the id and in the JSON of live
 * @name: shown after the name of the load
 * @class: device_class, NULL: none
 * @unit: unit_of_measurement, NULL: none
 * @total: a counter
 * @diagnostic: not one of the main values
 * @digits: shown after the point
 */
struct entity {
	const char *key;
	const char *name;
	const char *class;
	const char *unit;
	bool total;
	bool diagnostic;
	int digits;
};

static const struct entity load_entities[] = {
	{ "p_w", "power", "power", "W", false, false, 0 },
	{ "q1_var", "reactive power", "reactive_power", "var", false, true, 0 },
	{ "s_va", "apparent power", "apparent_power", "VA", false, true, 0 },
	{ "pf", "power factor", "power_factor", NULL, false, false, 2 },
	{ "import_wh", "import", "energy", "Wh", true, false, 0 },
	{ "export_wh", "export", "energy", "Wh", true, false, 0 },
};

static const struct entity element_entities[] = {
	{ "v_v", "voltage", "voltage", "V", false, false, 1 },
	{ "i_a", "current", "current", "A", false, false, 2 },
	{ "thd_i_percent", "current THD", NULL, "%", false, true, 1 },
	{ "thd_v_percent", "voltage THD", NULL, "%", false, true, 1 },
};

/**
 * struct discovery - the message
 * @topic: its topic
 * @birth: where Home Assistant says that it has started
 * @text: the message
 * @mid: of one that the broker has not acknowledged, 0: none
 * @wanted: it is to be sent once more
 */
struct discovery {
	struct mqtt *mqtt;
	struct mqtt_listener listener;
	char *topic;
	char *birth;
	char *text;
	int mid;
	bool wanted;
};

void discovery_slug(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++)
		to[n++] = isalnum((unsigned char)*text) ? (char)tolower((unsigned char)*text) : '_';
	to[n] = '\0';
}

void discovery_add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

struct json_object *discovery_component(struct json_object *components, const char *id,
					const char *platform, const char *name)
{
	struct json_object *c = json_object_new_object();

	discovery_add(c, "platform", platform);
	discovery_add(c, "unique_id", id);
	discovery_add(c, "name", name);
	json_object_object_add(components, id, c);
	return c;
}

/* @path is where the value is in the JSON; one that is not there is as unknown as null. */
static void add_sensor(struct json_object *components, const struct entity *e, const char *id,
		       const char *name, const char *path)
{
	struct json_object *c = discovery_component(components, id, "sensor", name);
	char text[256];

	snprintf(text, sizeof(text), "{{ value_json.%s.%s | default(none) }}", path, e->key);
	discovery_add(c, "value_template", text);
	discovery_add(c, "state_class", e->total ? DISCOVERY_TOTAL : "measurement");
	if (e->class)
		discovery_add(c, "device_class", e->class);
	if (e->unit)
		discovery_add(c, "unit_of_measurement", e->unit);
	if (e->diagnostic)
		discovery_add(c, "entity_category", "diagnostic");
	json_object_object_add(c, "suggested_display_precision", json_object_new_int(e->digits));
	json_object_object_add(c, "expire_after", json_object_new_int(EXPIRE_S));
}

static void add_problem(struct json_object *components, const char *id, const char *name,
			const char *path)
{
	struct json_object *c = discovery_component(components, id, "binary_sensor", name);
	char text[256];

	snprintf(text, sizeof(text), "{{ 'ON' if value_json.%s is none else 'OFF' }}", path);
	discovery_add(c, "value_template", text);
	discovery_add(c, "device_class", "problem");
	discovery_add(c, "entity_category", "diagnostic");
	json_object_object_add(c, "expire_after", json_object_new_int(EXPIRE_S));
}

static void load_id(char *to, size_t size, const char *device, const struct load *l)
{
	char own[DISCOVERY_SLUG_MAX];

	discovery_slug(own, sizeof(own), l->elements ? l->element[0].input : l->name);
	snprintf(to, size, "%s_%s%s", device, l->elements ? "" : "virtual_", own);
}

static void add_load(struct json_object *components, const char *device, const struct load *l,
		     unsigned int at)
{
	char load[LOAD_ID_MAX];
	char path[64];
	char id[ID_MAX];
	char name[256];
	unsigned int k;
	unsigned int e;

	load_id(load, sizeof(load), device, l);
	for (k = 0; k < sizeof(load_entities) / sizeof(load_entities[0]); k++) {
		snprintf(path, sizeof(path), "loads[%u]", at);
		snprintf(id, sizeof(id), "%s_%s", load, load_entities[k].key);
		snprintf(name, sizeof(name), "%s %s", l->name, load_entities[k].name);
		add_sensor(components, &load_entities[k], id, name, path);
	}
	for (e = 0; e < l->elements; e++) {
		for (k = 0; k < sizeof(element_entities) / sizeof(element_entities[0]); k++) {
			snprintf(path, sizeof(path), "loads[%u].elements[%u]", at, e);
			snprintf(id, sizeof(id), "%s_%u_%s", load, e + 1, element_entities[k].key);
			snprintf(name, sizeof(name), l->elements > 1 ? "%s %s %u" : "%s %s",
				 l->name, element_entities[k].name, e + 1);
			add_sensor(components, &element_entities[k], id, name, path);
		}
	}
	snprintf(path, sizeof(path), "loads[%u].p_w", at);
	snprintf(id, sizeof(id), "%s_problem", load);
	snprintf(name, sizeof(name), "%s is not measured", l->name);
	add_problem(components, id, name, path);
}

static void add_gateway(struct json_object *components, const char *device)
{
	static const struct entity frequency = {
		"frequency_hz", "frequency", "frequency", "Hz", false, false, 3
	};
	struct json_object *c;
	char id[ID_MAX];

	snprintf(id, sizeof(id), "%s_frequency", device);
	add_sensor(components, &frequency, id, "frequency", "");
	json_object_object_get_ex(components, id, &c);
	discovery_add(c, "value_template", "{{ value_json.frequency_hz | default(none) }}");
	snprintf(id, sizeof(id), "%s_lost_scans", device);
	c = discovery_component(components, id, "sensor", "lost samples");
	discovery_add(c, "value_template", "{{ value_json.lost_scans }}");
	discovery_add(c, "state_class", DISCOVERY_TOTAL);
	discovery_add(c, "entity_category", "diagnostic");
	json_object_object_add(c, "expire_after", json_object_new_int(EXPIRE_S));
}

static void add_device(struct json_object *root, const char *id, const char *gateway)
{
	struct json_object *device = json_object_new_object();
	struct json_object *origin = json_object_new_object();
	struct json_object *ids = json_object_new_array();

	json_object_array_add(ids, json_object_new_string(id));
	json_object_object_add(device, "identifiers", ids);
	discovery_add(device, "name", gateway);
	discovery_add(device, "manufacturer", "meterd");
	discovery_add(device, "model", "energy meter");
	discovery_add(device, "sw_version", SMAPPEE_VERSION);
	json_object_object_add(root, "device", device);
	discovery_add(origin, "name", "meterd");
	discovery_add(origin, "sw_version", SMAPPEE_VERSION);
	json_object_object_add(root, "origin", origin);
}

/* "stale" is neither of the payloads, so a template makes it one. */
static void add_topics(struct json_object *root, const char *topic, const char *gateway)
{
	struct json_object *list = json_object_new_array();
	struct json_object *a = json_object_new_object();
	char text[600];

	snprintf(text, sizeof(text), "%s/%s/status", topic, gateway);
	discovery_add(a, "topic", text);
	discovery_add(a, "value_template", "{{ 'online' if value == 'online' else 'offline' }}");
	json_object_array_add(list, a);
	json_object_object_add(root, "availability", list);
	snprintf(text, sizeof(text), "%s/%s/live", topic, gateway);
	discovery_add(root, "state_topic", text);
	json_object_object_add(root, "qos", json_object_new_int(0));
}

static void device_id(char *to, size_t size, const char *gateway)
{
	char own[DISCOVERY_SLUG_MAX];

	discovery_slug(own, sizeof(own), gateway);
	snprintf(to, size, "meterd_%s", own);
}

/* The message; for free(), or NULL when memory is short. */
static char *message_of(const struct discovery_config *config)
{
	const struct installation *in = config->in;
	struct json_object *root = json_object_new_object();
	struct json_object *components = json_object_new_object();
	char id[DISCOVERY_DEVICE_MAX];
	unsigned int k;
	char *text;

	if (!root || !components)
		return NULL;
	device_id(id, sizeof(id), config->gateway);
	add_device(root, id, config->gateway);
	add_topics(root, config->mqtt->topic, config->gateway);
	add_gateway(components, id);
	for (k = 0; k < in->loads; k++)
		add_load(components, id, &in->load[k], k);
	discovery_io(components, id, config);
	json_object_object_add(root, "components", components);
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text;
}

static void send_text(struct discovery *d)
{
	d->wanted = false;
	if (mqtt_send(d->mqtt, d->topic, d->text, strlen(d->text), 1, true, &d->mid))
		d->mid = 0;
}

static void on_connected(void *user)
{
	struct discovery *d = user;

	mqtt_subscribe(d->mqtt, d->birth);
	send_text(d);
}

static void on_lost(void *user)
{
	((struct discovery *)user)->mid = 0;
}

static void on_acked(void *user, int mid, int reason)
{
	struct discovery *d = user;

	d->mid = d->mid == mid ? 0 : d->mid;
}

/* Home Assistant says "online" when it has started, and wants to be told again. */
static void on_message(void *user, const char *topic, const char *text)
{
	struct discovery *d = user;

	d->wanted |= !strcmp(topic, d->birth) && !strcmp(text, "online");
}

/* It is long, and anybody may say "online" as often as he likes: one after the other. */
static void on_tick(void *user)
{
	struct discovery *d = user;

	if (d->wanted && !d->mid)
		send_text(d);
}

int discovery_open(struct discovery **out, struct mqtt *m, const struct discovery_config *config)
{
	const char *prefix = config->mqtt->discovery;
	struct discovery *d = calloc(1, sizeof(*d));
	char id[DISCOVERY_DEVICE_MAX];
	int error = 0;

	if (!d)
		return -ENOMEM;
	device_id(id, sizeof(id), config->gateway);
	d->mqtt = m;
	d->listener = (struct mqtt_listener){
		.connected = on_connected,
		.lost = on_lost,
		.acked = on_acked,
		.message = on_message,
		.tick = on_tick,
		.user = d,
	};
	d->text = message_of(config);
	if (!d->text || asprintf(&d->topic, "%s/device/%s/config", prefix, id) < 0 ||
	    asprintf(&d->birth, "%s/status", prefix) < 0)
		error = -ENOMEM;
	error = error ? error : mqtt_listen(m, &d->listener);
	if (error) {
		discovery_close(d);
		return error;
	}
	*out = d;
	return 0;
}

void discovery_close(struct discovery *d)
{
	if (!d)
		return;
	free(d->topic);
	free(d->birth);
	free(d->text);
	free(d);
}
