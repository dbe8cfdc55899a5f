/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sensor - the types of current sensors as rows of a table, and the correction of one.
 *
 * A CT with the magnetising inductance L and the resistance R of its secondary circuit
 * lets pass j w tau / (1 + j w tau), tau = L / R: it leads by atan(1 / (w tau)). The inverse
 * is i = g (J + integral of J / tau), so the power over whole cycles is
 *
 *	P = g (<v J> - <W J> / tau),	W = integral of v without mean
 *
 * (by parts; metrology.rst, "Sensors"). A delay of the current against the voltage is
 * not a pole: there the voltage is delayed as well (strip.h).
 */
#ifndef METERD_SENSOR_H
#define METERD_SENSOR_H

#include <stdbool.h>

#include "window.h"

/* a sensor whose type is not known */
#define SENSOR_UNKNOWN (-1)

/**
 * struct sensor_figure - a number and where it is from
 * @value: the number; NAN: not known
 * @estimated: nobody measured it: it shows what to expect, and corrects nothing
 * @source: where it is from
 */
struct sensor_figure {
	double value;
	bool estimated;
	const char *source;
};

/**
 * struct sensor - a row
 * @name: in the configuration
 * @code: CT type code of the modules, SENSOR_UNKNOWN: none
 * @rogowski: a coil: its output is di/dt unless the module integrates
 * @rating_a: rated primary current, A
 * @ratio: primary current per ampere of secondary, or A per V of a coil
 * @lead_deg: phase error at 50 Hz by the pole, degrees
 * @delay_us: delay, us
 * @min_a: from here on it is linear, A: below it a load is below its range
 * @max_a: to here, A
 */
struct sensor {
	const char *name;
	int code;
	bool rogowski;
	double rating_a;
	struct sensor_figure ratio;
	struct sensor_figure lead_deg;
	struct sensor_figure delay_us;
	struct sensor_figure min_a;
	struct sensor_figure max_a;
};

/** sensor_row() - row @index of the table, NULL after the last */
const struct sensor *sensor_row(unsigned int index);

/** sensor_find() - the type of that name, or NULL */
const struct sensor *sensor_find(const char *name);

/** sensor_of_code() - the type of a module's CT type code; the row "unknown" for others */
const struct sensor *sensor_of_code(int code);

/**
 * struct sensor_model - the correction of an input
 * @gain: current per current that the module tells
 * @tau_s: pole, s; INFINITY: none
 * @delay_s: delay of the current against the voltage, s
 */
struct sensor_model {
	double gain;
	double tau_s;
	double delay_s;
};

/** SENSOR_IDEAL - a model that corrects nothing */
#define SENSOR_IDEAL ((struct sensor_model){ 1.0, INFINITY, 0.0 })

/** sensor_has_pole() - is there a pole to correct? */
bool sensor_has_pole(const struct sensor_model *m);

/**
 * sensor_correct() - means of the true current out of those of the measured one
 * @m: the model; its gain is not applied
 * @mean: of the measured current; @power is that with the delayed voltage
 * @hz: frequency
 *
 * Power is corrected at all frequencies. The phasor, and with it the RMS value, at the
 * fundamental: a pole changes the size of harmonics by less than 0.01 % at 1 degree.
 *
 * Return: the corrected means.
 */
struct input_mean sensor_correct(const struct sensor_model *m, const struct input_mean *mean,
				 double hz);

#endif
