/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wiring-registers - what the registers of a module that measures by itself tell of its
 * wiring.
 *
 * They have P, reactive power and current of each input, so the angle of the current
 * against the voltage that the module has given to it, and no angle between voltages. The
 * voltages are taken to be those of the topology. So "in order" and "reversed" are told
 * as with waveforms; that a CT is on another phase is told as well, but not on which one of
 * two, as this depends on their order.
 *
 * A load between two conductors has no register of its voltage. Its angle is in P and
 * reactive power as well, against the pair of conductors that the module has given to the
 * input, and S / I is that voltage; so it gets the same verdicts.
 */
#ifndef METERD_WIRING_REGISTERS_H
#define METERD_WIRING_REGISTERS_H

#include "reading.h"
#include "wiring.h"

/**
 * wiring_add_registers() - see a reading; allocates nothing
 * @w: the state; sees nothing else
 * @in: its installation
 * @r: a reading of registers
 */
void wiring_add_registers(struct wiring *w, const struct installation *in, const struct reading *r);

#endif
