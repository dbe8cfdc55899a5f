/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modbus-power-box - a reading in the registers of a Power Box, for what was written for one.
 *
 * Floats and 32-bit integers have their low word first. A channel is an input, in the order
 * of the configuration. As there, unused channels and unpublished registers are 0; what is not
 * known is NaN, or the least integer for energies.
 */
#ifndef METERD_MODBUS_POWER_BOX_H
#define METERD_MODBUS_POWER_BOX_H

#include <stdint.h>

#include "reading.h"

#define POWER_BOX_UNIT 61

/**
 * power_box_register() - one register
 * @r: the reading, or NULL when none is known
 * @address: 0 to 0xffff
 * @value: filled in
 *
 * Return: 0, or -ENOENT: a Power Box has no register there.
 */
int power_box_register(const struct reading *r, uint16_t address, uint16_t *value);

#endif
