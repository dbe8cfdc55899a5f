// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sensors - the types of current sensors that meterd knows, and where their figures are from.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "command.h"

static void print_figure(const char *name, const char *unit, struct json_object *f)
{
	double value = answer_number(f, "value");

	printf("  %-6s ", name);
	if (isfinite(value))
		printf("%g %s", value, unit);
	else
		printf("not known");
	printf("  (%s%s)\n",
	       answer_bool(f, "estimated") && strncmp(answer_text(f, "source"), "estimate", 8)
		       ? "estimate: "
		       : "",
	       answer_text(f, "source"));
}

static void print_sensor(struct json_object *s)
{
	printf("%s%s\n", answer_text(s, "name"),
	       answer_bool(s, "rogowski") ? ", Rogowski coil" : "");
	print_figure("ratio", "A per A, or A per V", answer_member(s, "ratio"));
	print_figure("lead", "degrees at 50 Hz", answer_member(s, "lead_deg"));
	print_figure("delay", "us", answer_member(s, "delay_us"));
	print_figure("from", "A", answer_member(s, "min_a"));
	print_figure("to", "A", answer_member(s, "max_a"));
}

int command_sensors(const struct command_options *o)
{
	struct json_object *list = command_ask(o, "/api/v1/sensors");
	size_t k;

	if (!list)
		return EXIT_FAILURE;
	if (o->json)
		command_print_json(list);
	for (k = 0; !o->json && k < answer_count(list); k++)
		print_sensor(json_object_array_get_idx(list, k));
	json_object_put(list);
	return command_flush();
}
