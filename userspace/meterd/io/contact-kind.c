// SPDX-License-Identifier: GPL-2.0-or-later
#include "contact-kind.h"

#include <string.h>

static const struct contact_unit units[] = {
	{ "m3", .gas = true, .water = true, .m3 = 1 },
	{ "ft3", .gas = true, .water = true, .m3 = 0.028316846592 },
	{ "l", .water = true, .m3 = 0.001 },
	{ "gal", .water = true, .m3 = 0.003785411784 },
	{ "Wh", .wh = 1 },
	{ "kWh", .wh = 1e3 },
	{ "MWh", .wh = 1e6 },
	{ "MJ", .wh = 1e6 / 3600 },
	{ "GJ", .wh = 1e9 / 3600 },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

/**
 * struct kind_row - what a kind is called, and counted in
 * @name: as in the configuration
 * @unit: default, NULL: none
 * @allowed: units, for messages
 */
static const struct kind_row {
	const char *name;
	const char *unit;
	const char *allowed;
} kinds[] = {
	[CONTACT_GAS] = { "gas", "m3", "m3 or ft3" },
	[CONTACT_WATER] = { "water", "m3", "m3, ft3, l or gal" },
	[CONTACT_HEAT] = { "heat", "kWh", "Wh, kWh, MWh, MJ or GJ" },
	[CONTACT_ELECTRICITY] = { "electricity", "kWh", "Wh, kWh, MWh, MJ or GJ" },
	[CONTACT_STATE] = { "state", NULL, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *contact_kind_name(unsigned int kind)
{
	return kind < KINDS ? kinds[kind].name : "unknown";
}

const char *contact_kind_unit(enum contact_kind kind)
{
	return kinds[kind].unit;
}

const char *contact_kind_units(enum contact_kind kind)
{
	return kinds[kind].allowed;
}

enum contact_kind contact_kind_find(const char *name)
{
	unsigned int k;

	for (k = 0; k < KINDS - 1 && strcmp(kinds[k].name, name); k++)
		;
	return (enum contact_kind)k;
}

const struct contact_unit *contact_unit_find(enum contact_kind kind, const char *name)
{
	unsigned int k;

	for (k = 0; k < UNITS; k++) {
		const struct contact_unit *u = &units[k];
		bool fits = kind == CONTACT_GAS	    ? u->gas
			    : kind == CONTACT_WATER ? u->water
						    : u->wh > 0;

		if (fits && !strcmp(u->name, name))
			return u;
	}
	return NULL;
}
