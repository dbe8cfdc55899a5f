/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sunspec - a load as a SunSpec meter: the image of its registers.
 *
 * From register SUNSPEC_BASE on: "SunS", the common model (1), a meter model with floats
 * (211 one phase, 212 split phase, 213 three phases with neutral, 214 three phases
 * without), and the end model. Positive active power is import, positive reactive power
 * inductive. What is not known is NaN, as the specification has it.
 */
#ifndef METERD_SUNSPEC_H
#define METERD_SUNSPEC_H

#include <stdint.h>

#include "load.h"
#include "reading.h"

#define SUNSPEC_BASE 40000
#define SUNSPEC_COMMON_LENGTH 66
#define SUNSPEC_METER_LENGTH 124
/* mark, two models with their heads, end */
#define SUNSPEC_REGISTERS (2 + 2 + SUNSPEC_COMMON_LENGTH + 2 + SUNSPEC_METER_LENGTH + 2)

/** sunspec_model() - number of the meter model of a topology */
uint16_t sunspec_model(const struct topology *t);

/**
 * sunspec_image() - all registers
 * @image: filled in; image[0] is register SUNSPEC_BASE
 * @t: topology
 * @gateway: name of the gateway, told as serial number
 * @unit: unit address
 * @r: the reading, or NULL when none is known
 * @load: index of the load in it
 */
void sunspec_image(uint16_t image[SUNSPEC_REGISTERS], const struct topology *t, const char *gateway,
		   uint8_t unit, const struct reading *r, unsigned int load);

#endif
