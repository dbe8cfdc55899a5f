/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers - the register map of a module (protocol.rst, "Registers").
 */
#ifndef SIM_REGISTERS_H
#define SIM_REGISTERS_H

#include "module.h"

/**
 * registers_read() - read @count registers from @address at true time @t
 * @values: gets them
 *
 * Return: 0, or the exception code to answer.
 */
uint8_t registers_read(struct module *m, double t, unsigned int address, unsigned int count,
		       uint16_t *values);

/**
 * registers_write() - write @count registers from @address at true time @t
 * @values: their values
 *
 * All are checked before the first takes effect. Return: 0, or the exception
 * code to answer.
 */
uint8_t registers_write(struct module *m, double t, unsigned int address, unsigned int count,
			const uint16_t *values);

#endif
