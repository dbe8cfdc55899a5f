/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * urms - Urms(1/2) of IEC 61000-4-30: the RMS value of one cycle, anew each half cycle.
 *
 * The half cycles are those of the tracker's edges and the places in the middle
 * between them, the same ones for all phases. The DC part of a voltage is in its value.
 */
#ifndef METERD_URMS_H
#define METERD_URMS_H

#include <stdbool.h>
#include <stdint.h>

#include "reading.h"

/**
 * struct urms_value - one cycle
 * @start_ns: its begin, on the samples' clock
 * @middle_ns: where its second half begins
 * @end_ns: its end
 * @slots: entries in @v
 * @v: RMS voltage of each slot, V
 */
struct urms_value {
	int64_t start_ns;
	int64_t middle_ns;
	int64_t end_ns;
	unsigned int slots;
	double v[READING_PHASES_MAX];
};

/**
 * struct urms - the last half cycle; zero it to begin
 * @known: there is one
 * @start_ns: its begin
 * @scans: its length
 * @square: integral of v^2 over it
 */
struct urms {
	bool known;
	int64_t start_ns;
	double scans;
	double square[READING_PHASES_MAX];
};

/** urms_begin() - the next half cycle does not follow the last one */
void urms_begin(struct urms *u);

/**
 * urms_half() - take a half cycle
 * @u: state
 * @slots: voltage slots
 * @v: their voltages, arrays of scans
 * @from: begin of the half cycle, a fractional position in the arrays
 * @to: its end; the scan after it must be there
 * @start_ns: time of @from
 * @end_ns: time of @to
 * @value: filled in
 *
 * Return: true when there was a half cycle before, so that @value is valid.
 */
bool urms_half(struct urms *u, unsigned int slots, const float *const *v, double from, double to,
	       int64_t start_ns, int64_t end_ns, struct urms_value *value);

#endif
