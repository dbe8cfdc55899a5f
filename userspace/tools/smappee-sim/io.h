/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io - an input or output module: its registers, and what happens when it is
 * without power.
 */
#ifndef SIM_IO_H
#define SIM_IO_H

#include "contacts.h"
#include "relays.h"
#include "scenario.h"

/**
 * struct io - one such module
 * @built: how it is built
 * @serial: serial number that it shows
 * @boot: boot counter
 * @started: true time of the last start, s
 * @contacts: of an input module
 * @relays: of an output module
 */
struct io {
	const struct scenario_module *built;
	uint32_t serial;
	uint16_t boot;
	double started;
	struct contacts contacts;
	struct relays relays;
};

/** io_is() - is @type an input or output module? */
bool io_is(uint16_t type);

/** io_new() - build and start a module at true time 0; NULL: no memory */
struct io *io_new(const struct scenario_module *built);

/** io_knows() - is it a function that input and output modules have? */
bool io_knows(uint8_t function);

/** io_power() - no power from @off to @on, true time */
void io_power(struct io *io, double off, double on);

/** io_read() - read registers at @t. Return: 0 or SMAPPEE_EX_* */
uint8_t io_read(struct io *io, double t, unsigned int address, unsigned int count,
		uint16_t *values);

/** io_write() - write registers at @t, all or none. Return: 0 or SMAPPEE_EX_* */
uint8_t io_write(struct io *io, double t, unsigned int address, unsigned int count,
		 const uint16_t *values);

#endif
