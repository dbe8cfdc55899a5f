/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store-json - the state of the store and its queues as JSON: GET /api/v1/store. */
#ifndef METERD_STORE_JSON_H
#define METERD_STORE_JSON_H

#include "store.h"

struct json_object;

/**
 * store_json() - state of the store
 * @s: store, NULL: none is configured
 *
 * Return: an object for json_object_put(); NULL without a store.
 */
struct json_object *store_json(const struct store *s);

#endif
