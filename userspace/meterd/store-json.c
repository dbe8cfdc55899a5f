// SPDX-License-Identifier: GPL-2.0-or-later
#include "store-json.h"

#include <json-c/json.h>

static void put(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

static struct json_object *upstream(const struct database_state *s, const struct upstream_state *u)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(u->name));
	put(o, "queued", s->last > u->acked ? s->last - u->acked : 0);
	put(o, "acked", u->acked);
	put(o, "lost", u->lost);
	put(o, "refused", u->refused);
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
		json_object_array_add(list, upstream(&c.database, &c.database.upstream[k]));
	json_object_object_add(o, "upstreams", list);
	return o;
}
