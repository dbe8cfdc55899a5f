// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modules come, go, are exchanged and readdressed.
 */
#include "plug.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct call {
	struct segment *segment;
	struct json_object *command;
	double t;
	struct module *module;
	char *error;
	size_t size;
};

static struct module *find(struct segment *g, const char *name)
{
	for (unsigned int i = 0; name && i < g->modules; i++)
		if (!strcmp(g->module[i].built->name, name))
			return &g->module[i];
	return NULL;
}

/* A whole number of the command, within its bounds; @value stays if it is not given. */
static bool take(struct call *c, const char *key, long min, long max, long *value)
{
	struct json_object *o;
	double number;

	if (!json_object_object_get_ex(c->command, key, &o))
		return true;
	number = json_object_get_double(o);
	if (number >= (double)min && number <= (double)max && floor(number) == number) {
		*value = (long)number;
		return true;
	}
	snprintf(c->error, c->size, "%s = %s: give %ld to %ld", key, json_object_get_string(o), min,
		 max);
	return false;
}

static bool take_unit(struct call *c, uint8_t fallback)
{
	long unit = fallback;

	if (!take(c, "unit", 0, SMAPPEE_UNIT_MAX, &unit))
		return false;
	c->module->unit = (uint8_t)unit;
	return true;
}

static void do_unplug(struct call *c)
{
	module_unplug(c->module);
}

static void do_plug(struct call *c)
{
	if (take_unit(c, c->module->unit))
		module_plug(c->module, c->t);
}

/* Another module of the same type in its place, fresh from its box. */
static void do_swap(struct call *c)
{
	long serial = 0;

	if (!take(c, "serial", 1, SMAPPEE_SERIAL_MAX, &serial))
		return;
	if (!serial) {
		snprintf(c->error, c->size, "swap needs \"serial\", a number");
		return;
	}
	if (!take_unit(c, 0))
		return;
	module_set_serial(c->module, (uint32_t)serial);
	module_plug(c->module, c->t);
}

/* As if somebody had set it on another gateway: no restart. */
static void do_address(struct call *c)
{
	if (take_unit(c, 0))
		c->module->known = false;
}

bool plug_command(struct segment *g, const char *name, struct json_object *command, double t,
		  char *error, size_t size)
{
	static const struct {
		const char *name;
		void (*run)(struct call *c);
	} commands[] = {
		{ "unplug", do_unplug },
		{ "plug", do_plug },
		{ "swap", do_swap },
		{ "address", do_address },
	};
	struct call c = { .segment = g, .command = command, .t = t, .error = error, .size = size };
	struct json_object *o;
	unsigned int i = 0;

	while (i < sizeof(commands) / sizeof(commands[0]) && strcmp(commands[i].name, name))
		i++;
	if (i == sizeof(commands) / sizeof(commands[0]))
		return false;
	error[0] = '\0';
	if (!json_object_object_get_ex(command, "module", &o)) {
		snprintf(error, size, "%s needs \"module\", a name of the scenario", name);
		return true;
	}
	c.module = find(g, json_object_get_string(o));
	if (!c.module || c.module->box)
		snprintf(error, size, "%s: \"%s\" is no open module of this scenario", name,
			 json_object_get_string(o));
	else
		commands[i].run(&c);
	return true;
}
