/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contacts - what an input module sees and makes of it: contacts that move, its
 * debounce, its pulse counters and the edges that it remembers. Times are true
 * time in seconds, handed in by the caller.
 */
#ifndef SIM_CONTACTS_H
#define SIM_CONTACTS_H

#include "scenario.h"

#include <linux/smappee.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct contact - one input
 * @built: what moves it
 * @halves: closings and openings of its pulses so far
 * @toggles: given times that have been
 * @raw: it is closed
 * @moved: when @raw changed, s
 * @level: the module takes it for closed
 * @counter: the module's pulse counter
 * @counted: pulses counted since the start, never wraps
 * @closings: times that @raw closed, counted or not
 * @closed_ms: shortest time that counts as closed
 * @open_ms: shortest time that counts as open
 */
struct contact {
	const struct scenario_contact *built;
	uint64_t halves;
	unsigned int toggles;
	bool raw;
	double moved;
	bool level;
	uint32_t counter;
	uint64_t counted;
	uint64_t closings;
	uint16_t closed_ms;
	uint16_t open_ms;
};

/**
 * struct contact_edge - an edge that the module remembers
 * @time_ms: when, on the module's clock
 * @input: which input
 * @closed: it closed
 */
struct contact_edge {
	uint32_t time_ms;
	uint8_t input;
	bool closed;
};

/**
 * struct contacts - all inputs of a module
 * @inputs: how many
 * @contact: the inputs
 * @started: when the module started last, s
 * @now: everything up to here has happened, s
 * @epoch: counter epoch
 * @edges: number of the next edge
 * @edge: the last ones, by number modulo SMAPPEE_EDGES
 */
struct contacts {
	unsigned int inputs;
	struct contact contact[SMAPPEE_INPUTS_MAX];
	double started;
	double now;
	uint16_t epoch;
	uint32_t edges;
	struct contact_edge edge[SMAPPEE_EDGES];
};

/** contacts_init() - a module that starts at true time 0; @built must outlive it */
void contacts_init(struct contacts *c, const struct scenario_module *built);

/** contacts_advance() - let happen what happens up to @t */
void contacts_advance(struct contacts *c, double t);

/** contacts_set() - close or open a contact by hand at @t, on top of its pulses */
void contacts_set(struct contacts *c, unsigned int input, bool closed, double t);

/** contacts_power() - no power from @off to @on: what moves meanwhile is not seen */
void contacts_power(struct contacts *c, double off, double on);

/** contacts_forget() - the memory is lost at @t: counters begin at 0, epoch is another */
void contacts_forget(struct contacts *c, uint16_t epoch, double t);

/** contacts_read() - register at @address of the input block at @t */
uint16_t contacts_read(const struct contacts *c, double t, uint16_t boot, unsigned int address);

/** contacts_write() - write one register at @t. Return: 0 or SMAPPEE_EX_* */
uint8_t contacts_write(struct contacts *c, unsigned int address, uint16_t value, bool check);

#endif
