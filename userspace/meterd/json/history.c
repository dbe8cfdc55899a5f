// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * history - a ring of fixed size; its memory is allocated when the loads become
 * known, and never again while they stay the same.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define NS_PER_MS 1000000LL

/**
 * struct history - a ring of readings
 * @loads: loads per reading
 * @name: their names, owned
 * @utc_ms: time of each reading
 * @p_w: active power, @loads values per reading
 * @first: index of the oldest reading
 * @count: readings in the ring
 */
struct history {
	unsigned int loads;
	char **name;
	int64_t utc_ms[HISTORY_READINGS];
	double *p_w;
	unsigned int first;
	unsigned int count;
};

static void forget(struct history *h)
{
	unsigned int i;

	for (i = 0; h->name && i < h->loads; i++)
		free(h->name[i]);
	free(h->name);
	free(h->p_w);
	*h = (struct history){ 0 };
}

static bool same_loads(const struct history *h, const struct reading *r)
{
	unsigned int i;

	if (h->loads != r->loads)
		return false;
	for (i = 0; i < r->loads; i++)
		if (strcmp(h->name[i], r->load[i].name))
			return false;
	return true;
}

static bool begin(struct history *h, const struct reading *r)
{
	unsigned int i;

	forget(h);
	h->name = calloc(r->loads, sizeof(*h->name));
	h->p_w = calloc((size_t)HISTORY_READINGS * r->loads, sizeof(*h->p_w));
	if (!h->name || !h->p_w)
		return false;
	h->loads = r->loads;
	for (i = 0; i < r->loads; i++) {
		h->name[i] = strdup(r->load[i].name);
		if (!h->name[i])
			return false;
	}
	return true;
}

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_add(struct history *h, const struct reading *r)
{
	unsigned int at, i;

	if (!r->loads || (!same_loads(h, r) && !begin(h, r))) {
		forget(h);
		return;
	}
	at = (h->first + h->count) % HISTORY_READINGS;
	if (h->count < HISTORY_READINGS)
		h->count++;
	else
		h->first = (h->first + 1) % HISTORY_READINGS;
	h->utc_ms[at] = r->utc_ns / NS_PER_MS;
	for (i = 0; i < r->loads; i++)
		h->p_w[(size_t)at * h->loads + i] = r->load[i].p_w;
}

static struct json_object *power(double p_w)
{
	char text[352];

	if (!isfinite(p_w))
		return NULL;
	snprintf(text, sizeof(text), "%.1f", p_w);
	return json_object_new_double_s(p_w, text);
}

static struct json_object *one_reading(const struct history *h, unsigned int at)
{
	struct json_object *list = json_object_new_array();
	unsigned int i;

	if (!list)
		return NULL;
	json_object_array_add(list, json_object_new_int64(h->utc_ms[at]));
	for (i = 0; i < h->loads; i++)
		json_object_array_add(list, power(h->p_w[(size_t)at * h->loads + i]));
	return list;
}

struct json_object *history_json(const struct history *h)
{
	struct json_object *object = json_object_new_object();
	struct json_object *loads = json_object_new_array();
	struct json_object *readings = json_object_new_array();
	unsigned int i;

	if (!object || !loads || !readings) {
		json_object_put(object);
		json_object_put(loads);
		json_object_put(readings);
		return NULL;
	}
	for (i = 0; i < h->loads; i++)
		json_object_array_add(loads, json_object_new_string(h->name[i]));
	for (i = 0; i < h->count; i++)
		json_object_array_add(readings, one_reading(h, (h->first + i) % HISTORY_READINGS));
	json_object_object_add(object, "loads", loads);
	json_object_object_add(object, "readings", readings);
	return object;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	forget(h);
	free(h);
}
