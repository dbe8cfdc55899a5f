/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IIO names of metering values. Newer kernels have modifiers for RMS and for the
 * kinds of power, and a type for alternating current; older ones have the plain
 * types. These are different attributes for user space, so both are documented.
 */
#ifndef SMAPPEE_IIO_METERING_H
#define SMAPPEE_IIO_METERING_H

#include <linux/iio/iio.h>

enum metering_value {
	METERING_VOLTAGE_RMS,
	METERING_CURRENT_RMS,
	METERING_ACTIVE,
	METERING_REACTIVE,
	METERING_APPARENT,
};

/* Type and modifier of a value; false if this kernel has no name for it. */
static inline bool metering_name(struct iio_chan_spec *chan,
				 enum metering_value value)
{
#ifdef SMAPPEE_HAVE_METERING
	chan->modified = 1;
	chan->type = IIO_POWER;
	switch (value) {
	case METERING_VOLTAGE_RMS:
		chan->type = IIO_ALTVOLTAGE;
		chan->channel2 = IIO_MOD_RMS;
		break;
	case METERING_CURRENT_RMS:
		chan->type = IIO_ALTCURRENT;
		chan->channel2 = IIO_MOD_RMS;
		break;
	case METERING_ACTIVE:
		chan->channel2 = IIO_MOD_ACTIVE;
		break;
	case METERING_REACTIVE:
		chan->channel2 = IIO_MOD_REACTIVE;
		break;
	case METERING_APPARENT:
		chan->channel2 = IIO_MOD_APPARENT;
		break;
	}

	return true;
#else
	if (value == METERING_VOLTAGE_RMS)
		chan->type = IIO_ALTVOLTAGE;
	else if (value == METERING_ACTIVE)
		chan->type = IIO_POWER;
	else
		return false;

	return true;
#endif
}

#endif
