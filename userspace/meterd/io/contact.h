/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contact - counts the pulses of an input out of what its module has counted, and finds
 * how fast they come. Pure: no clock, no file.
 *
 * The module counts whether or not anybody reads, and keeps its counter; what it has
 * counted since the last look is added, modulo 2^32. So a look that is missed, a restart of
 * meterd, of the host or of the module neither loses nor doubles a pulse. Only a module
 * that lost its memory, or was replaced, begins anew.
 */
#ifndef METERD_CONTACT_H
#define METERD_CONTACT_H

#include <stdint.h>

#include "registers.h"

/* no pulse for so long: the flow is 0 */
#define CONTACT_STILL_S 3600
/* the flow is taken over at least so long */
#define CONTACT_FLOW_S 10

/**
 * enum contact_news - what a look has brought
 * @CONTACT_NOTHING: no pulse
 * @CONTACT_PULSES: pulses
 * @CONTACT_BEGUN: the first look ever: what the module had counted before is not counted
 * @CONTACT_MOVED: it is at another input or another module, where it begins anew
 * @CONTACT_FORGOT: the module has lost its memory: pulses that came after the last look and
 *	before that are lost
 */
enum contact_news {
	CONTACT_NOTHING,
	CONTACT_PULSES,
	CONTACT_BEGUN,
	CONTACT_MOVED,
	CONTACT_FORGOT,
};

/**
 * struct contact_look - what a module said
 * @place: which input it is: contact_place()
 * @epoch: of its counters
 * @pulses: its counter; its low 32 bits are looked at
 * @at_us: when, CLOCK_MONOTONIC
 */
struct contact_look {
	uint64_t place;
	uint32_t epoch;
	uint64_t pulses;
	uint64_t at_us;
};

/**
 * struct contact_flow - how fast pulses come
 * @mark_us: since when they are counted for it, 0: since never
 * @pulses: since then
 * @per_s: pulses per second; NAN: not known yet
 */
struct contact_flow {
	uint64_t mark_us;
	uint64_t pulses;
	double per_s;
};

/** contact_place() - one number for an input, 0 for none; @input from 0 to 6 */
static inline uint64_t contact_place(uint64_t serial, unsigned int input)
{
	return serial * 8 + input + 1;
}

/** contact_count() - take in a look; @flow is put right as well */
enum contact_news contact_count(struct pulse_register *r, struct contact_flow *flow,
				const struct contact_look *look);

#endif
