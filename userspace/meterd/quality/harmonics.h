/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harmonics - the spectrum of voltages and currents over a window, in the groups of
 * IEC 61000-4-7.
 *
 * The window is the one of the meter, 10 or 12 cycles, so its bins are 5 Hz apart and a
 * harmonic of order h is bin 10 h or 12 h. What is not a harmonic is the sum of
 * several bins:
 *
 *	subgroup h		bins N h - 1 ... N h + 1
 *	group h			bins N h - N/2 ... N h + N/2, the outer two at half power
 *	interharmonic		bins N h + 2 ... N (h + 1) - 2: centred subgroup
 *	subgroup h
 *
 * IEC 61000-4-30 takes subgroups. The highest order is that of 0.45 times the sampling
 * rate, at most 50: 18 at 2 kHz, 36 at 4 kHz, 50 at 8 kHz (50 Hz). What lies above half
 * the sampling rate must be taken away before the converter; here nobody can see it.
 *
 * The transforms of a window are done during the window after it, a few with each
 * cycle. Nothing is allocated after harmonics_create().
 */
#ifndef METERD_HARMONICS_H
#define METERD_HARMONICS_H

#include <stdbool.h>
#include <stdint.h>

#include "resample.h"

/** Highest order that is reported */
#define HARMONICS_MAX 50
/** Highest order that counts in THD */
#define HARMONICS_THD_MAX 40
/** Most cycles of a window */
#define HARMONICS_CYCLES_MAX 12

struct harmonics;

/**
 * struct spectrum - of one signal over one window, in the units of the signal
 * @subgroup: RMS of the harmonic subgroups; [0] is the mean
 * @group: RMS of the harmonic groups
 * @inter: RMS of the interharmonic centred subgroup between order h and h + 1
 * @re: real part of the phasor of the harmonic itself, RMS; the reference is the sine
 *	of that order which crosses zero upwards at the begin of the window
 * @im: imaginary part
 */
struct spectrum {
	float subgroup[HARMONICS_MAX + 1];
	float group[HARMONICS_MAX + 1];
	float inter[HARMONICS_MAX + 1];
	float re[HARMONICS_MAX + 1];
	float im[HARMONICS_MAX + 1];
};

/**
 * struct harmonics_result - the spectra of one window
 * @window: the number given to harmonics_end()
 * @orders: highest valid order; @inter is valid below it
 * @signals: entries in @spectrum
 * @spectrum: of each signal; valid until the next result
 */
struct harmonics_result {
	uint64_t window;
	unsigned int orders;
	unsigned int signals;
	const struct spectrum *spectrum;
};

/**
 * harmonics_create() - plan the transforms
 * @h: where to put it
 * @points: points of a cycle, of resample_points_per_cycle()
 * @signals: how many, at least 1
 *
 * Return: 0 or -ENOMEM.
 */
int harmonics_create(struct harmonics **h, unsigned int points, unsigned int signals);

/** harmonics_destroy() - free; NULL is allowed */
void harmonics_destroy(struct harmonics *h);

/** harmonics_begin() - forget the window in progress */
void harmonics_begin(struct harmonics *h);

/**
 * harmonics_target() - where the points of a signal's next cycle go
 *
 * Return: an array for one cycle.
 */
float *harmonics_target(struct harmonics *h, unsigned int signal);

/**
 * harmonics_cycle() - a cycle of all signals was written
 *
 * Does a part of the transforms of the window before.
 *
 * Return: true when the last of them was done and harmonics_result() is new.
 */
bool harmonics_cycle(struct harmonics *h);

/**
 * harmonics_end() - the window is complete; the next one begins
 * @h: with 10 or 12 cycles, else the window is dropped
 * @r: gives the gain of the points
 * @scans_per_cycle: mean of the window
 * @window: number of the window, for the result
 */
void harmonics_end(struct harmonics *h, const struct resample *r, double scans_per_cycle,
		   uint64_t window);

/** harmonics_result() - the last one, or NULL */
const struct harmonics_result *harmonics_result(const struct harmonics *h);

/**
 * harmonics_thd() - total distortion of the subgroups 2 ... 40, or as far as there are
 * @s: the spectrum
 * @orders: highest valid order
 *
 * THDS of IEC 61000-4-7.
 *
 * Return: a ratio; NAN without a fundamental.
 */
double harmonics_thd(const struct spectrum *s, unsigned int orders);

/**
 * harmonics_k_factor() - sum(h^2 I_h^2) / sum(I_h^2), of the subgroups (UL 1561)
 *
 * Return: at least 1; NAN without a fundamental.
 */
double harmonics_k_factor(const struct spectrum *s, unsigned int orders);

/**
 * harmonics_power() - active power of one order, Re(V I*)
 * @v: spectrum of a voltage
 * @i: spectrum of a current
 * @order: 1 to the highest valid one
 *
 * Return: in the units of @v times those of @i; positive flows towards the load.
 */
double harmonics_power(const struct spectrum *v, const struct spectrum *i, unsigned int order);

#endif
