/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources-json - which devices give values: GET /api/v1/sources. */
#ifndef METERD_SOURCES_JSON_H
#define METERD_SOURCES_JSON_H

#include "load.h"
#include "reading.h"

struct json_object;

/**
 * sources_json() - a list of the devices that the configuration names
 * @in: what is measured
 * @r: the present reading, NULL when there is none
 *
 * Each has its label, the number of channels that are needed of it, and of how many of
 * them the values are known; the state is "measuring", "partly" or "silent".
 *
 * Return: an object for json_object_put().
 */
struct json_object *sources_json(const struct installation *in, const struct reading *r);

#endif
