/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io-plan - what is wired to the inputs and relays of which modules: sections
 * [contact NAME] and [relay NAME], checked.
 */
#ifndef METERD_IO_PLAN_H
#define METERD_IO_PLAN_H

#include <stdbool.h>

#include "contact-kind.h"
#include "load.h"

/* of a gateway, input and output modules together; all of them may be of one kind */
#define IO_MODULES_MAX 10
#define IO_INPUTS 4
#define IO_RELAYS 2
#define IO_LABEL_MAX 64
#define CONTACTS_MAX (IO_MODULES_MAX * IO_INPUTS)
#define RELAYS_MAX (IO_MODULES_MAX * IO_RELAYS)

/**
 * struct contact - a section [contact NAME]
 * @name: NAME, of the configuration
 * @place: "label/number", of the configuration
 * @kind: what it is
 * @unit: of @per_unit, NULL for a state
 * @per_unit: pulses per unit
 * @start: what the meter showed when its pulses began to be counted
 * @module: number of its module in the plan
 * @input: of the module, from 0
 * @min_closed_ms: shorter closings are none
 * @min_open_ms: shorter openings are none
 */
struct contact {
	const char *name;
	const char *place;
	enum contact_kind kind;
	const struct contact_unit *unit;
	double per_unit;
	double start;
	unsigned int module;
	unsigned int input;
	unsigned int min_closed_ms;
	unsigned int min_open_ms;
};

/**
 * struct relay - a section [relay NAME]
 * @name: NAME, of the configuration
 * @place: "label/number", of the configuration
 * @module: number of its module in the plan
 * @relay: of the module, from 0
 * @needs: bits of the loads that must be measured, or its module gets no heartbeat: those
 *	of the configuration; if there are none, the loads at the grid; if there are none
 *	of these, all that have inputs
 */
struct relay {
	const char *name;
	const char *place;
	unsigned int module;
	unsigned int relay;
	bool needs[LOADS_MAX];
};

/**
 * struct io_plan - all of them
 * @modules: entries in @module
 * @module: label, serial number or device name of each module
 * @contacts: entries in @contact
 * @contact: in the order of the file
 * @relays: entries in @relay
 * @relay: in the order of the file
 */
struct io_plan {
	unsigned int modules;
	char module[IO_MODULES_MAX][IO_LABEL_MAX];
	unsigned int contacts;
	struct contact contact[CONTACTS_MAX];
	unsigned int relays;
	struct relay relay[RELAYS_MAX];
};

#endif
