/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contact-kind - what can be at an input, and the units that it is counted in. */
#ifndef METERD_CONTACT_KIND_H
#define METERD_CONTACT_KIND_H

#include <stdbool.h>

/**
 * enum contact_kind - what is at an input
 * @CONTACT_GAS: a gas meter with a pulse output, and so on
 * @CONTACT_WATER: water
 * @CONTACT_HEAT: heat
 * @CONTACT_ELECTRICITY: electricity
 * @CONTACT_STATE: a contact of which the state is of interest
 */
enum contact_kind {
	CONTACT_GAS,
	CONTACT_WATER,
	CONTACT_HEAT,
	CONTACT_ELECTRICITY,
	CONTACT_STATE,
};

/**
 * struct contact_unit - a unit that can be counted
 * @name: as in the configuration
 * @gas: of gas
 * @water: of water
 * @m3: of a volume: m3 that it is, 0: no volume; a gallon is that of the US
 * @wh: of energy: Wh that it is, 0: no energy
 */
struct contact_unit {
	const char *name;
	bool gas;
	bool water;
	double m3;
	double wh;
};

/** contact_kind_name() - as in the configuration; "unknown" for no kind */
const char *contact_kind_name(unsigned int kind);

/** contact_kind_find() - the kind of that name; CONTACT_STATE for any that is not counted */
enum contact_kind contact_kind_find(const char *name);

/** contact_kind_unit() - its default unit; NULL: it is not counted */
const char *contact_kind_unit(enum contact_kind kind);

/** contact_kind_units() - its units, for a message; NULL: it is not counted */
const char *contact_kind_units(enum contact_kind kind);

/** contact_unit_find() - the unit of that name that a counted kind may have; NULL: none */
const struct contact_unit *contact_unit_find(enum contact_kind kind, const char *name);

#endif
