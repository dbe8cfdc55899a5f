// SPDX-License-Identifier: GPL-2.0-or-later
#include "store-json.h"

#include <json-c/json.h>

#include "clock-state.h"

static void put(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

/* Seconds since @ms of CLOCK_MONOTONIC; null when that is 0. */
static void put_age(struct json_object *o, const char *key, int64_t ms)
{
	int64_t now_ms = (int64_t)(clock_us(CLOCK_MONOTONIC) / 1000);

	json_object_object_add(o, key, ms ? json_object_new_int64((now_ms - ms) / 1000) : NULL);
}

static struct json_object *upstream(const struct store_counters *c, unsigned int k)
{
	const struct database_state *s = &c->database;
	const struct upstream_state *u = &s->upstream[k];
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(u->name));
	put(o, "queued", s->last > u->acked ? s->last - u->acked : 0);
	put(o, "acked", u->acked);
	put(o, "lost", u->lost);
	put(o, "refused", u->refused);
	put_age(o, "acked_age_s", c->acked_ms[k]);
	put_age(o, "behind_s", c->behind_ms[k]);
	return o;
}

struct json_object *store_json(const struct store *s)
{
	struct json_object *o;
	struct json_object *list;
	struct store_counters c;
	unsigned int k;

	if (!s)
		return NULL;
	store_counters(s, &c);
	o = json_object_new_object();
	list = json_object_new_array();
	json_object_object_add(o, "open", json_object_new_boolean(c.open));
	json_object_object_add(o, "id", json_object_new_string(c.database.id));
	put(o, "last", c.database.last);
	put(o, "records", c.database.records);
	put(o, "bytes", c.database.bytes);
	put(o, "thinned", c.database.thinned);
	put(o, "waiting", c.waiting);
	put(o, "dropped", c.dropped);
	put(o, "failed", c.failed);
	put(o, "restarts", c.restarts);
	for (k = 0; k < c.database.upstreams && k < STORE_UPSTREAMS_MAX; k++)
		json_object_array_add(list, upstream(&c, k));
	json_object_object_add(o, "upstreams", list);
	return o;
}
