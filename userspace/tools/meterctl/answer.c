// SPDX-License-Identifier: GPL-2.0-or-later
/* See answer.h. */
#include "answer.h"

#include <math.h>

struct json_object *answer_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

double answer_number(struct json_object *object, const char *key)
{
	struct json_object *value = answer_member(object, key);

	if (json_object_is_type(value, json_type_double) ||
	    json_object_is_type(value, json_type_int))
		return json_object_get_double(value);
	return NAN;
}

double answer_rounded(double value, int digits)
{
	return fabs(value) * pow(10.0, digits) < 0.5 ? 0.0 : value;
}

const char *answer_text(struct json_object *object, const char *key)
{
	struct json_object *value = answer_member(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "-";
}

bool answer_bool(struct json_object *object, const char *key)
{
	struct json_object *value = answer_member(object, key);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

size_t answer_count(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}
