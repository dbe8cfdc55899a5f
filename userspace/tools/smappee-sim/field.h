/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * field - values of the scenario file: text to numbers, lists, phasors. Every
 * function wants the whole text to match and says only whether it did.
 */
#ifndef SIM_FIELD_H
#define SIM_FIELD_H

#include "profile.h"

#include <stdbool.h>
#include <stddef.h>

/** field_number() - one number in [@min, @max] */
bool field_number(const char *text, double min, double max, double *out);

/** field_whole() - one whole number in [@min, @max] */
bool field_whole(const char *text, long min, long max, long *out);

/** field_yes() - "yes" or "no" */
bool field_yes(const char *text, bool *out);

/**
 * field_numbers() - one number or a comma list
 * @count: gets how many, 1 to @most
 */
bool field_numbers(const char *text, double min, double max, unsigned int most, double *out,
		   unsigned int *count);

/**
 * field_names() - one name or a comma list, blanks around names dropped
 * @out: @most names of @size bytes
 * @count: gets how many, 1 to @most
 */
bool field_names(const char *text, unsigned int most, size_t size, char *out, unsigned int *count);

/**
 * field_harmonic() - "24 % @ -10": percent of the fundamental, degrees
 * @ratio: gets the part of the fundamental
 * @angle: gets the angle, rad
 */
bool field_harmonic(const char *text, double *ratio, double *angle);

/**
 * field_power_factor() - "0.5 lag", "0.9 lead", "1"
 * @angle: gets the angle by which the current lags, rad; negative leads
 */
bool field_power_factor(const char *text, double *angle);

/** field_steps() - "0:10, 30:5, 60:10" and optionally "repeat 90" at the end */
bool field_steps(const char *text, struct profile *out);

#endif
