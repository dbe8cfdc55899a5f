/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * integral - the running integral of a sampled signal without mean: of a voltage, for
 * the phase of a CT, or of the output of a Rogowski coil, which is di/dt.
 *
 * Adams-Moulton of fourth order, so that a value needs no later scan:
 *
 *	y[n] = y[n-1] + g / 24 (9 x[n] + 19 x[n-1] - 5 x[n-2] + x[n-3])
 *
 * Its error is 19/720 (w T)^4 of the signal, 1e-6 at 50 Hz and 4 kHz. The offset of the
 * converter, which would make a ramp, is found from the ramp and taken away.
 */
#ifndef METERD_INTEGRAL_H
#define METERD_INTEGRAL_H

#include <stdbool.h>

/**
 * struct integral - the state
 * @gain: integral per scan of a signal of 1
 * @offset: taken from the signal before
 * @sum: last value
 * @past: the last three scans
 * @mean: of the window before
 * @has_mean: it is known
 */
struct integral {
	double gain;
	double offset;
	double sum;
	double past[3];
	double mean;
	bool has_mean;
};

/** integral_begin() - forget the past; gain and offset are kept */
void integral_begin(struct integral *g);

/** integral_run() - integrate @n scans of @x into @y */
void integral_run(struct integral *g, const float *x, float *y, unsigned int n);

/**
 * integral_steer() - correct the offset after a window
 * @g: the integral
 * @mean: mean of the integral over the window
 * @scans: its length
 */
void integral_steer(struct integral *g, double mean, double scans);

/**
 * integral_mean() - mean of a periodic signal around a position, by a Hann window
 * @x: the signal
 * @centre: position
 * @half: half the length of the window, scans: whole cycles
 */
double integral_mean(const float *x, double centre, double half);

#endif
