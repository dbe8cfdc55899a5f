// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is not known is null.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "io-reading.h"

static void put_text(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value && *value ? json_object_new_string(value) : NULL);
}

static void put_number(struct json_object *o, const char *key, double value, int digits)
{
	char text[48];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	json_object_object_add(o, key,
			       isfinite(value) ? json_object_new_double_s(value, text) : NULL);
}

/* 1 and 0 in words. */
static void put_state(struct json_object *o, const char *key, int value, const char *yes,
		      const char *no)
{
	put_text(o, key, value < 0 ? NULL : value ? yes : no);
}

static void put_since(struct json_object *o, int64_t ms)
{
	json_object_object_add(o, "since_ms", ms ? json_object_new_int64(ms) : NULL);
}

static struct json_object *contact_json(const struct contact_reading *r)
{
	struct json_object *o = json_object_new_object();
	const struct contact *c = r->contact;

	put_text(o, "name", c->name);
	put_text(o, "input", c->place);
	put_text(o, "kind", contact_kind_name(c->kind));
	put_text(o, "problem", r->problem);
	if (c->kind == CONTACT_STATE) {
		put_state(o, "state", r->closed, "closed", "open");
		put_since(o, r->since_ms);
		return o;
	}
	put_text(o, "unit", c->unit->name);
	put_number(o, "total", r->total, 6);
	json_object_object_add(o, "pulses", json_object_new_int64(r->pulses));
	put_number(o, "flow_per_h", r->flow_per_h, 4);
	if (c->unit->wh > 0)
		put_number(o, "power_w", r->power_w, 1);
	return o;
}

static struct json_object *relay_json(const struct relay_reading *r)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "name", r->relay->name);
	put_text(o, "output", r->relay->place);
	put_text(o, "problem", r->problem);
	put_state(o, "state", r->on, "on", "off");
	put_since(o, r->since_ms);
	json_object_object_add(o, "fail_safe", json_object_new_boolean(r->fail_safe));
	json_object_object_add(o, "fail_safe_timeout_s", json_object_new_int((int)r->timeout_s));
	json_object_object_add(o, "heartbeat", json_object_new_boolean(r->beating));
	put_text(o, "cause", r->cause);
	return o;
}

struct json_object *io_reading_json(const struct io_reading *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *inputs = json_object_new_array();
	struct json_object *outputs = json_object_new_array();
	unsigned int k;

	for (k = 0; k < r->contacts; k++)
		json_object_array_add(inputs, contact_json(&r->contact[k]));
	for (k = 0; k < r->relays; k++)
		json_object_array_add(outputs, relay_json(&r->relay[k]));
	json_object_object_add(o, "inputs", inputs);
	json_object_object_add(o, "outputs", outputs);
	return o;
}
