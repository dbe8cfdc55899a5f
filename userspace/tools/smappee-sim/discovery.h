/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discovery - a module's part in being found and given an address (protocol.rst,
 * "Discover").
 */
#ifndef SIM_DISCOVERY_H
#define SIM_DISCOVERY_H

#include "module.h"

/**
 * discovery_hear() - an intact discover request was on the line
 * @m: the module; a Power Box does not know the function
 * @request: SMAPPEE_DISCOVER_LEN bytes
 * @out: room for SMAPPEE_DISCOVER_LEN bytes
 *
 * Does what it says. Return: length of the answer, 0 for none.
 */
size_t discovery_hear(struct module *m, const uint8_t *request, uint8_t *out);

#endif
