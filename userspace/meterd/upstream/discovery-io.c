// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pulse inputs are sensors, contacts binary sensors, relays switches; whatever has a LED that
 * flashes gets a button for it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "discovery-parts.h"

#define ID_MAX (DISCOVERY_DEVICE_MAX + DISCOVERY_SLUG_MAX + 24)
#define TEXT_MAX 512
#define NAME_MAX_BYTES (LOAD_NAME_MAX + 24)

/**
 * struct maker - what all of these need
 * @components: where they go
 * @device: id of the gateway
 * @base: "TOPIC/GATEWAY"
 */
struct maker {
	struct json_object *components;
	const char *device;
	char base[TEXT_MAX / 2];
};

/* As Home Assistant writes them. */
static const char *unit_of(const char *unit)
{
	static const struct {
		const char *ours;
		const char *theirs;
	} units[] = { { "m3", "m\302\263" }, { "ft3", "ft\302\263" }, { "l", "L" } };
	size_t k;

	for (k = 0; k < sizeof(units) / sizeof(units[0]); k++)
		if (!strcmp(units[k].ours, unit))
			return units[k].theirs;
	return unit;
}

static const char *class_of(enum contact_kind kind)
{
	switch (kind) {
	case CONTACT_GAS:
		return "gas";
	case CONTACT_WATER:
		return "water";
	default:
		return "energy";
	}
}

static void add_topic(struct json_object *o, const char *key, const struct maker *m,
		      const char *last)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s/%s", m->base, last);
	discovery_add(o, key, text);
}

/* Also while nothing is measured, "stale"; and, with @template, only while that is "online". */
static void add_availability(struct json_object *c, const struct maker *m, const char *template)
{
	struct json_object *list = json_object_new_array();
	struct json_object *a = json_object_new_object();

	add_topic(a, "topic", m, "status");
	discovery_add(a, "value_template", "{{ 'offline' if value == 'offline' else 'online' }}");
	json_object_array_add(list, a);
	if (template) {
		a = json_object_new_object();
		add_topic(a, "topic", m, "io");
		discovery_add(a, "value_template", template);
		json_object_array_add(list, a);
		discovery_add(c, "availability_mode", "all");
	}
	json_object_object_add(c, "availability", list);
}

static void make_id(char *id, const struct maker *m, const char *what, const char *place)
{
	char own[DISCOVERY_SLUG_MAX];

	discovery_slug(own, sizeof(own), place);
	snprintf(id, ID_MAX, "%s_%s_%s", m->device, what, own);
}

static void add_state(const struct maker *m, const struct contact *c, unsigned int at)
{
	struct json_object *o;
	char text[TEXT_MAX];
	char id[ID_MAX];

	make_id(id, m, "input", c->place);
	o = discovery_component(m->components, id, "binary_sensor", c->name);
	add_topic(o, "state_topic", m, "io");
	snprintf(text, sizeof(text),
		 "{{ {'closed': 'ON', 'open': 'OFF'}.get(value_json.inputs[%u].state, 'None') }}",
		 at);
	discovery_add(o, "value_template", text);
	add_availability(o, m, NULL);
}

static struct json_object *add_sensor(const struct maker *m, const struct contact *c,
				      const char *what, const char *name, const char *key,
				      unsigned int at)
{
	struct json_object *o;
	char text[TEXT_MAX];
	char id[ID_MAX];

	make_id(id, m, what, c->place);
	o = discovery_component(m->components, id, "sensor", name);
	add_topic(o, "state_topic", m, "io");
	snprintf(text, sizeof(text),
		 "{{ none if value_json.inputs[%u].problem else value_json.inputs[%u].%s }}", at,
		 at, key);
	discovery_add(o, "value_template", text);
	add_availability(o, m, NULL);
	return o;
}

static void add_pulses(const struct maker *m, const struct contact *c, unsigned int at)
{
	struct json_object *o = add_sensor(m, c, "input", c->name, "total", at);
	char name[NAME_MAX_BYTES];

	discovery_add(o, "device_class", class_of(c->kind));
	discovery_add(o, "state_class", DISCOVERY_TOTAL);
	discovery_add(o, "unit_of_measurement", unit_of(c->unit->name));
	json_object_object_add(o, "suggested_display_precision", json_object_new_int(3));
	if (!(c->unit->wh > 0))
		return;
	snprintf(name, sizeof(name), "%s power", c->name);
	o = add_sensor(m, c, "input_power", name, "power_w", at);
	discovery_add(o, "device_class", "power");
	discovery_add(o, "state_class", "measurement");
	discovery_add(o, "unit_of_measurement", "W");
	json_object_object_add(o, "suggested_display_precision", json_object_new_int(0));
}

static void add_payload(struct json_object *o, const char *key, const char *command,
			const char *argument, const char *value, const char *state)
{
	struct json_object *payload = json_object_new_object();

	discovery_add(payload, "command", command);
	discovery_add(payload, argument, value);
	if (state)
		discovery_add(payload, "state", state);
	discovery_add(o, key,
		      json_object_to_json_string_ext(
			      payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(payload);
}

static void add_switch(const struct maker *m, const struct relay *r, unsigned int at)
{
	struct json_object *o;
	char text[TEXT_MAX];
	char id[ID_MAX];

	make_id(id, m, "output", r->place);
	o = discovery_component(m->components, id, "switch", r->name);
	add_topic(o, "state_topic", m, "io");
	snprintf(text, sizeof(text), "{{ value_json.outputs[%u].state | default('None', true) }}",
		 at);
	discovery_add(o, "value_template", text);
	discovery_add(o, "state_on", "on");
	discovery_add(o, "state_off", "off");
	add_topic(o, "command_topic", m, "command");
	add_payload(o, "payload_on", "output", "name", r->name, "on");
	add_payload(o, "payload_off", "output", "name", r->name, "off");
	snprintf(text, sizeof(text),
		 "{{ 'online' if value_json.outputs[%u].state else 'offline' }}", at);
	add_availability(o, m, text);
}

static void add_button(const struct maker *m, const char *what, const char *of)
{
	struct json_object *o;
	char name[TEXT_MAX];
	char id[ID_MAX];

	make_id(id, m, "identify", what);
	snprintf(name, sizeof(name), "identify %s (%s)", of, what);
	o = discovery_component(m->components, id, "button", name);
	add_topic(o, "command_topic", m, "command");
	add_payload(o, "payload_press", "identify", "what", what, NULL);
	discovery_add(o, "device_class", "identify");
	discovery_add(o, "entity_category", "diagnostic");
	add_availability(o, m, NULL);
}

static void add_buttons(const struct maker *m, const struct discovery_config *config)
{
	const struct io_plan *plan = config->plan;
	unsigned int k, e;

	for (k = 0; k < config->in->loads; k++)
		for (e = 0; e < config->in->load[k].elements; e++)
			add_button(m, config->in->load[k].element[e].input,
				   config->in->load[k].name);
	for (k = 0; k < plan->contacts; k++)
		add_button(m, plan->contact[k].place, plan->contact[k].name);
	/* relays have no LED of their own */
	for (k = 0; k < plan->relays; k++)
		add_button(m, plan->module[plan->relay[k].module], "relays");
}

void discovery_io(struct json_object *components, const char *device,
		  const struct discovery_config *config)
{
	const struct io_plan *plan = config->plan;
	struct maker m = { .components = components, .device = device };
	unsigned int k;

	snprintf(m.base, sizeof(m.base), "%s/%s", config->mqtt->topic, config->gateway);
	for (k = 0; k < plan->contacts; k++) {
		if (plan->contact[k].kind == CONTACT_STATE)
			add_state(&m, &plan->contact[k], k);
		else
			add_pulses(&m, &plan->contact[k], k);
	}
	if (strcmp(config->mqtt->commands, "yes"))
		return;
	for (k = 0; k < plan->relays; k++)
		add_switch(&m, &plan->relay[k], k);
	add_buttons(&m, config);
}
