/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IIO names of metering values. Newer kernels have modifiers for RMS and for the
 * kinds of power, and a type for alternating current; older ones have the plain
 * types. These are different attributes for user space, so both are documented.
 *
 * Values of one type have ranges of indices of their own: input 3 of the second value
 * is channel 35. Older kernels tell them apart by that only; and libiio 0.x, which
 * does not know the modifiers, gives up on the whole system if two scan elements
 * differ in nothing else.
 */
#ifndef SMAPPEE_IIO_METERING_H
#define SMAPPEE_IIO_METERING_H

#include <linux/iio/iio.h>

/* From a value's index to that of the next one that has the same name. */
#define METERING_RANGE	32

enum metering_value {
	METERING_VOLTAGE_RMS,
	METERING_CURRENT_RMS,
	METERING_ACTIVE,	/* the shortest mean there is */
	METERING_ACTIVE_MEAN,	/* a longer one */
	METERING_REACTIVE,
	METERING_APPARENT,
	METERING_IMPORT,
	METERING_EXPORT,
};

/* Type, modifier and index of the value of an input, 0 to METERING_RANGE - 1. */
static inline void metering_name(struct iio_chan_spec *chan,
				 enum metering_value value, int input)
{
	chan->indexed = 1;
	chan->channel = input;
	switch (value) {
	case METERING_VOLTAGE_RMS:
		chan->type = IIO_ALTVOLTAGE;
		break;
	case METERING_CURRENT_RMS:
		chan->type = IIO_CURRENT;
		break;
	case METERING_ACTIVE:
	case METERING_ACTIVE_MEAN:
	case METERING_REACTIVE:
	case METERING_APPARENT:
		chan->type = IIO_POWER;
		break;
	case METERING_IMPORT:
	case METERING_EXPORT:
		chan->type = IIO_ENERGY;
		break;
	}
	if (value == METERING_ACTIVE_MEAN || value == METERING_EXPORT)
		chan->channel += METERING_RANGE;
	else if (value == METERING_REACTIVE)
		chan->channel += 2 * METERING_RANGE;
	else if (value == METERING_APPARENT)
		chan->channel += 3 * METERING_RANGE;

#ifdef SMAPPEE_HAVE_METERING
	chan->modified = 1;
	if (value == METERING_CURRENT_RMS)
		chan->type = IIO_ALTCURRENT;
	if (chan->type == IIO_ALTVOLTAGE || chan->type == IIO_ALTCURRENT)
		chan->channel2 = IIO_MOD_RMS;
	else if (value == METERING_REACTIVE)
		chan->channel2 = IIO_MOD_REACTIVE;
	else if (value == METERING_APPARENT)
		chan->channel2 = IIO_MOD_APPARENT;
	else if (chan->type == IIO_POWER)
		chan->channel2 = IIO_MOD_ACTIVE;
	else
		chan->modified = 0;
#endif
}

/* Is it a current, by whichever of its names? */
static inline bool metering_is_current(const struct iio_chan_spec *chan)
{
#ifdef SMAPPEE_HAVE_METERING
	if (chan->type == IIO_ALTCURRENT)
		return true;
#endif
	return chan->type == IIO_CURRENT;
}

#endif
