/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cases - cases with exact answers: guide/cases.json of ../shared.
 */
#ifndef TEST_CASES_H
#define TEST_CASES_H

#include "chain.h"

#include <json-c/json.h>

static struct json_object *file; /* NULL: it is not there */

static inline void cases_open(void)
{
	const char *path = shared_path("guide/cases.json");

	file = path ? json_object_from_file(path) : NULL;
}

static inline void cases_close(void)
{
	json_object_put(file);
}

static inline struct json_object *find_case(const char *id)
{
	size_t k;

	for (k = 0; k < json_object_array_length(file); k++) {
		struct json_object *o = json_object_array_get_idx(file, k);

		if (!strcmp(json_object_get_string(json_object_object_get(o, "id")), id))
			return o;
	}
	fail_msg("no case %s", id);
	return NULL;
}

/* A number of a case. */
static inline double number(struct json_object *o, const char *key)
{
	return json_object_get_double(json_object_object_get(o, key));
}

#endif
