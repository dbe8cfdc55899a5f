/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relays - an output module: its relays, the fail-safe state that they take when
 * nobody says any more that he is alive, and what a restart does. Times are true
 * time in seconds, handed in by the caller.
 */
#ifndef SIM_RELAYS_H
#define SIM_RELAYS_H

#include <linux/smappee.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct relays - all relays of a module
 * @relays: how many
 * @on: bit n: relay n is on
 * @cause: SMAPPEE_CAUSE_* of the last change
 * @timeout_s: fail-safe time-out, s, 0: none
 * @safe: fail-safe state, as in its register
 * @start: state after a restart, as in its register
 * @beat: when the time-out began last, s
 * @in_force: the fail-safe state is
 * @off_until: no power before this, s
 * @switched: how often any relay moved
 */
struct relays {
	unsigned int relays;
	uint16_t on;
	uint16_t cause;
	uint16_t timeout_s;
	uint16_t safe;
	uint16_t start;
	double beat;
	bool in_force;
	double off_until;
	uint64_t switched;
};

/** relays_init() - a module that nobody has written to, started at true time 0 */
void relays_init(struct relays *r, unsigned int relays);

/** relays_advance() - let the fail-safe state come if it is time at @t */
void relays_advance(struct relays *r, double t);

/** relays_state() - the relays as they are at @t: all off without power */
uint16_t relays_state(struct relays *r, double t);

/** relays_power() - no power from @off to @on */
void relays_power(struct relays *r, double off, double on);

/** relays_read() - register at @address of the output block at @t */
uint16_t relays_read(struct relays *r, double t, uint16_t boot, unsigned int address);

/** relays_write() - write one register at @t, or only check it. Return: 0 or SMAPPEE_EX_* */
uint8_t relays_write(struct relays *r, double t, unsigned int address, uint16_t value, bool check);

#endif
