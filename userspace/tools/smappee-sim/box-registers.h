/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box-registers - where a Power Box shows what: the read side of its register
 * map (power-box.rst).
 */
#ifndef SIM_BOX_REGISTERS_H
#define SIM_BOX_REGISTERS_H

#include "power-box.h"

/** box_register() - the register at @address, 0 to 65535; 0 for what means nothing */
uint16_t box_register(const struct power_box *b, unsigned int address);

#endif
