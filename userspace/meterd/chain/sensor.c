// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The public documents name ratings and, for two Rogowski coils, an output. No data
 * sheet of the CTs is public, so their poles and ranges are estimates from what such
 * sensors do: they tell what a calibration may find, and from which current on a
 * value means anything, but no reading is corrected with them.
 */
#include "sensor.h"

#include <complex.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define NAMEPLATE "type name in the public register map"
#define CLASS_1 "estimate: split core of class 1 (IEC 61869-2: 60' at rated current)"
#define CLASS_05 "estimate: closed core of class 0.5 (IEC 61869-2: 30' at rated current)"
#define COIL "estimate: a coil has no core, so no pole"
#define NO_DELAY "estimate: a CT itself has no delay; that of the module is to be calibrated"
#define START "estimate: 0.04 % of the rating, the starting current of such meters"
#define START_COIL "estimate: 0.1 % of the rating, 0.1 mV at its output"
#define OVER "estimate: 120 % of the rating, as IEC 61869-2 asks of the class"
#define NO_RATIO "not public; the module tells its scale in amperes"

#define UNKNOWN_RATIO { NAN, true, NO_RATIO }

#define CT(n, c, a, lead, lead_source)                                                             \
	{                                                                                          \
		.name = n,                                                                         \
		.code = c,                                                                         \
		.rating_a = a,                                                                     \
		.ratio = UNKNOWN_RATIO,                                                            \
		.lead_deg = { lead, true, lead_source },                                           \
		.delay_us = { 0.0, true, NO_DELAY },                                               \
		.min_a = { 0.0004 * (a), true, START },                                            \
		.max_a = { 1.2 * (a), true, OVER },                                                \
	}
#define SPLIT(n, c, a) CT(n, c, a, 1.0, CLASS_1)
#define ROGOWSKI(n, c, a, ...)                                                                     \
	{                                                                                          \
		.name = n,                                                                         \
		.code = c,                                                                         \
		.rogowski = true,                                                                  \
		.rating_a = a,                                                                     \
		.ratio = __VA_ARGS__,                                                              \
		.lead_deg = { 0.0, true, COIL },                                                   \
		.delay_us = { 0.0, true, NO_DELAY },                                               \
		.min_a = { 0.001 * (a), true, START_COIL },                                        \
		.max_a = { 1.2 * (a), true, OVER },                                                \
	}

static const struct sensor sensors[] = {
	{
		.name = "unknown",
		.code = SENSOR_UNKNOWN,
		.rating_a = NAN,
		.ratio = UNKNOWN_RATIO,
		.lead_deg = { 0.0, true, "no type, nothing to expect" },
		.delay_us = { 0.0, true, "no type, nothing to expect" },
		.min_a = { 0.02, true, "estimate: as the smallest CT" },
		.max_a = { INFINITY, true, "no type, no limit" },
	},
	SPLIT("sct01-200a", 0, 200.0),
	SPLIT("sct01-800a", 1, 800.0),
	ROGOWSKI("rogowski-600a", 2, 600.0, { 6000.0, false, NAMEPLATE }),
	SPLIT("sct02-50a", 3, 50.0),
	SPLIT("sct02-100a", 4, 100.0),
	SPLIT("sct02-200a", 5, 200.0),
	SPLIT("sct02-400a", 6, 400.0),
	SPLIT("sct02-800a", 7, 800.0),
	SPLIT("sct03-50a", 8, 50.0),
	SPLIT("sct03-100a", 9, 100.0),
	SPLIT("sct03-200a", 10, 200.0),
	ROGOWSKI("rogowski-400a", 11, 400.0, { 4000.0, false, NAMEPLATE }),
	CT("solid-core", 12, 50.0, 0.5, CLASS_05),
	ROGOWSKI("rogowski-200a", 15, 200.0, UNKNOWN_RATIO),
	/* of the manuals, without a code in the register map */
	ROGOWSKI("rogowski-1600a", SENSOR_UNKNOWN, 1600.0, UNKNOWN_RATIO),
	ROGOWSKI("rogowski-4000a", SENSOR_UNKNOWN, 4000.0, UNKNOWN_RATIO),
	ROGOWSKI("rogowski-10000a", SENSOR_UNKNOWN, 10000.0, UNKNOWN_RATIO),
};

#define SENSORS (sizeof(sensors) / sizeof(sensors[0]))

const struct sensor *sensor_row(unsigned int index)
{
	return index < SENSORS ? &sensors[index] : NULL;
}

const struct sensor *sensor_find(const char *name)
{
	unsigned int k;

	for (k = 0; k < SENSORS; k++)
		if (!strcmp(sensors[k].name, name))
			return &sensors[k];
	return NULL;
}

const struct sensor *sensor_of_code(int code)
{
	unsigned int k;

	for (k = 1; k < SENSORS; k++)
		if (code >= 0 && sensors[k].code == code)
			return &sensors[k];
	return &sensors[0];
}

bool sensor_has_pole(const struct sensor_model *m)
{
	return isfinite(m->tau_s) && m->tau_s > 0.0;
}

struct input_mean sensor_correct(const struct sensor_model *m, const struct input_mean *mean,
				 double hz)
{
	double w = 2.0 * M_PI * hz;
	double complex was = mean->re + I * mean->im;
	double complex is = was;
	struct input_mean out = *mean;

	if (m->delay_s != 0.0)
		is *= cexp(I * w * m->delay_s);
	if (sensor_has_pole(m)) {
		is *= 1.0 + 1.0 / (I * w * m->tau_s);
		out.power -= mean->integral / m->tau_s;
	}
	out.re = creal(is);
	out.im = cimag(is);
	out.square += creal(is * conj(is)) - creal(was * conj(was));
	return out;
}
