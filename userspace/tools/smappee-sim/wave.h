/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wave - a periodic signal as a sum of rotating phasors, and the integrals of
 * products of two of them. Samples and truth both start here and share nothing
 * after it.
 */
#ifndef SIM_WAVE_H
#define SIM_WAVE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct component - one term, re cos(x) - im sin(x), x = 2 pi order base t
 * @order: multiple of the base frequency; 0 is a constant
 * @re: real part of the phasor, peak value
 * @im: imaginary part of the phasor, peak value
 */
struct component {
	unsigned int order;
	double re;
	double im;
};

/**
 * struct wave - a periodic signal
 * @base_hz: frequency of order 1
 * @fundamental: order of the mains fundamental: 1, or the mains cycles in the
 *	loop of a recording
 * @filtered: the modules' anti-alias filter takes away what they cannot sample
 * @components: number of entries in @component
 * @component: the terms, no order twice; owned by the wave
 */
struct wave {
	double base_hz;
	unsigned int fundamental;
	bool filtered;
	unsigned int components;
	struct component *component;
};

/* Highest frequency that passes the anti-alias filter, of the sampling rate. */
#define WAVE_BANDWIDTH 0.45

/**
 * wave_add() - add a term
 * @w: the wave
 * @order: order; adds to a term that is there
 * @peak: peak value
 * @angle: angle at time 0, rad; cosine
 *
 * Return: 0, or -ENOMEM.
 */
int wave_add(struct wave *w, unsigned int order, double peak, double angle);

/**
 * wave_add_delayed() - add another wave, later
 * @w: the sum; takes base frequency, fundamental and filter of @a
 * @a: what is added, of the same base frequency as what is there
 * @gain: factor
 * @turns: delay in turns of the fundamental, of any sign
 *
 * Return: 0, or -ENOMEM.
 */
int wave_add_delayed(struct wave *w, const struct wave *a, double gain, double turns);

/** wave_free() - release the terms */
void wave_free(struct wave *w);

/**
 * wave_block() - add @n samples of the wave to @out
 * @w: the wave
 * @rate_hz: sampling rate, for the anti-alias filter
 * @t0: time of the first, s
 * @dt: distance of two, s
 * @n: how many, at most 64 so that rounding errors do not pile up
 * @gain: factor
 * @out: where they are added
 */
void wave_block(const struct wave *w, double rate_hz, double t0, double dt, unsigned int n,
		double gain, double *out);

/**
 * wave_product_mean() - mean of a(t) b(t) over whole periods
 * @a: a wave
 * @b: a wave of the same base frequency
 * @rate_hz: sampling rate, for the anti-alias filter
 */
double wave_product_mean(const struct wave *a, const struct wave *b, double rate_hz);

/**
 * wave_product_swing() - the part of the integral of a(t) b(t) that does not grow
 *
 * The integral from t1 to t2 is mean * (t2 - t1) + swing(t2) - swing(t1).
 * Arguments as wave_product_mean(); @t in s.
 */
double wave_product_swing(const struct wave *a, const struct wave *b, double rate_hz, double t);

/**
 * wave_reactive() - fundamental reactive power of voltage @v and current @i
 *
 * Return: var, positive when the current lags (IEEE 1459).
 */
double wave_reactive(const struct wave *v, const struct wave *i);

/** wave_active() - fundamental active power of @v and @i, W; of a wave with itself RMS squared */
double wave_active(const struct wave *v, const struct wave *i);

/**
 * wave_reactive_sum() - reactive power of @v and @i, summed over all orders
 * @rate_hz: sampling rate, for the anti-alias filter
 *
 * Return: var, Budeanu's sum; positive when the currents lag.
 */
double wave_reactive_sum(const struct wave *v, const struct wave *i, double rate_hz);

#endif
