/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io-reading - what is known of inputs and outputs, for all who publish it.
 */
#ifndef METERD_IO_READING_H
#define METERD_IO_READING_H

#include <stdint.h>

#include "io-plan.h"

/**
 * struct contact_reading - an input
 * @contact: what it is
 * @problem: why nothing is known of it now, for people; NULL: all is well
 * @total: what the meter shows, in the contact's unit; NAN: of a state, or before the first
 *	look ever. It is kept while there is a problem
 * @pulses: counted since it was configured
 * @flow_per_h: units per hour, NAN: not known
 * @power_w: of energy, NAN: not known
 * @closed: of a state: 1, 0, or -1: not known
 * @since_ms: of a state: UTC since which it is so, 0: not known
 */
struct contact_reading {
	const struct contact *contact;
	const char *problem;
	double total;
	int64_t pulses;
	double flow_per_h;
	double power_w;
	int closed;
	int64_t since_ms;
};

/**
 * struct relay_reading - an output
 * @relay: what it is
 * @problem: why nothing is known of it now, or what is wrong with it; NULL: all is well
 * @on: 1, 0, or -1: not known
 * @since_ms: UTC since which it is so, 0: not known
 * @fail_safe: it is in its fail-safe state
 * @timeout_s: fail-safe time-out of its module, 0: none
 * @beating: its module gets heartbeats: what it needs is measured
 * @cause: why it is as it is: "host", "fail-safe", "restart"; "" not known
 */
struct relay_reading {
	const struct relay *relay;
	const char *problem;
	int on;
	int64_t since_ms;
	bool fail_safe;
	unsigned int timeout_s;
	bool beating;
	const char *cause;
};

/**
 * struct io_reading - all of them, in the order of the configuration
 * @contacts: entries in @contact
 * @contact: inputs
 * @relays: entries in @relay
 * @relay: outputs
 */
struct io_reading {
	unsigned int contacts;
	struct contact_reading contact[CONTACTS_MAX];
	unsigned int relays;
	struct relay_reading relay[RELAYS_MAX];
};

struct json_object;

/** io_reading_json() - as JSON, {"inputs":[...],"outputs":[...]}; put by the caller */
struct json_object *io_reading_json(const struct io_reading *r);

#endif
