/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meter-window - what the chain knows of one window of 10 or 12 cycles.
 */
#ifndef METERD_METER_WINDOW_H
#define METERD_METER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "device-set.h"
#include "load.h"

/**
 * struct meter_window - one window
 * @start_ns: begin
 * @end_ns: end
 * @cycles: 10 or 12
 * @frequency_hz: NAN without lock
 * @present: the devices that were there all the time
 * @voltages: the devices of all voltages were
 * @slot: means of the voltage slots
 * @element: values of the elements and neutrals, numbered as the current inputs
 * @current2: of each load in three phases, the mean square of the sum of its
 *	currents, A^2; else NAN
 */
struct meter_window {
	int64_t start_ns;
	int64_t end_ns;
	unsigned int cycles;
	double frequency_hz;
	struct device_set present;
	bool voltages;
	struct slot_mean slot[READING_PHASES_MAX];
	struct element_window element[INPUT_CHANNELS_MAX];
	double current2[LOADS_MAX];
};

#endif
