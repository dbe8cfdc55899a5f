// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scans as a module gives them, for those who check what arrived.
 */
#include "scans.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static bool take_whole(struct json_object *command, const char *key, double min, double max,
		       int64_t *value)
{
	struct json_object *o;
	double number;

	if (!json_object_object_get_ex(command, key, &o))
		return false;
	number = json_object_get_double(o);
	if (!(number >= min && number <= max) || floor(number) != number)
		return false;
	*value = (int64_t)number;
	return true;
}

static struct json_object *channel_json(const int32_t *codes, int64_t count)
{
	struct json_object *list = json_object_new_array();

	for (int64_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_int64(codes[i]));
	return list;
}

struct json_object *scans_command(struct segment *g, struct json_object *command, double t,
				  char *error, size_t size)
{
	static int32_t codes[SMAPPEE_CHANNELS_MAX * SCANS_MAX];
	int64_t unit, from, count, oldest, newest;
	struct json_object *o, *channels;
	struct module *m = NULL;

	if (!take_whole(command, "unit", SMAPPEE_UNIT_MIN, SMAPPEE_UNIT_MAX, &unit) ||
	    !take_whole(command, "from", 0, 9e15, &from) ||
	    !take_whole(command, "count", 1, SCANS_MAX, &count)) {
		snprintf(error, size,
			 "scans needs \"unit\", \"from\", an index, and \"count\", 1 to %d",
			 SCANS_MAX);
		return NULL;
	}
	m = segment_unit(g, (uint8_t)unit);
	if (!m || !module_samples(m)) {
		snprintf(error, size, "unit %" PRId64 ": no module that samples is there", unit);
		return NULL;
	}
	module_range(m, t, &oldest, &newest);
	if (from < oldest || from + count - 1 > newest) {
		snprintf(error, size,
			 "scans %" PRId64 " to %" PRId64 ": the module holds %" PRId64
			 " to %" PRId64,
			 from, from + count - 1, oldest, newest);
		return NULL;
	}
	module_scans(m, from, (unsigned int)count, codes, SCANS_MAX);
	o = json_object_new_object();
	channels = json_object_new_array();
	for (unsigned int c = 0; c < m->built->channels; c++)
		json_object_array_add(channels, channel_json(codes + c * SCANS_MAX, count));
	json_object_object_add(o, "from", json_object_new_int64(from));
	json_object_object_add(o, "format", json_object_new_int64(m->format));
	json_object_object_add(o, "channels", channels);
	return o;
}
