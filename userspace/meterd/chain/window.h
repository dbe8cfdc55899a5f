/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window - means of products over a whole number of cycles, whose ends lie between
 * two scans.
 *
 * The integral of a product p from an edge to the next one, edges at m + a with
 * 0 <= a < 1, is the trapezoid sum of the whole intervals and, at each end, the
 * part of an interval (metrology.rst, "Windows"):
 *
 *	I(m + a) = sum(p[0..m]) - (p[0] + p[m]) / 2 + a p[m] + a^2 / 2 (p[m+1] - p[m])
 *
 * The term of an edge is computed once and used as the end of one window and as
 * the begin of the next, so contiguous windows add up to the whole: no time is
 * counted twice or left out.
 */
#ifndef METERD_WINDOW_H
#define METERD_WINDOW_H

#include "inputs.h"
#include "reading.h"

/** Scans that are summed in single precision before they are folded into double */
#define WINDOW_BLOCK 96

/** Scans after the last one of a cycle that are read, but not used: they may be anything */
#define WINDOW_BEYOND 7

struct window;

/**
 * struct slot_mean - one voltage slot over a window; the DC part is removed
 * @square: mean of v^2, V^2
 * @next: mean of v times the voltage of the next slot, V^2
 * @re: real part of the phasor of the fundamental, RMS, V
 * @im: imaginary part; the reference is the sine that crosses zero at the edges
 * @dc: mean, V
 */
struct slot_mean {
	double square;
	double next;
	double re;
	double im;
	double dc;
};

/**
 * struct input_mean - one current input over a window, in units of the samples
 * @square: mean of i^2
 * @power: mean of v i, with v in V
 * @re: real part of the phasor of the fundamental, RMS
 * @im: imaginary part
 * @dc: mean
 * @integral: mean of the integral of v times i, with it in V s; 0 without one
 * @w_mean: mean of the integral of v, V s
 */
struct input_mean {
	double square;
	double power;
	double re;
	double im;
	double dc;
	double integral;
	double w_mean;
};

/**
 * struct window_mean - the result of a window
 * @scans: its length
 * @slot: voltages
 * @input: currents, in the order of window_create()
 * @pair: means of products of two currents, in the order of window_pair()
 */
struct window_mean {
	double scans;
	struct slot_mean slot[READING_PHASES_MAX];
	struct input_mean input[INPUT_CHANNELS_MAX];
	double pair[INPUT_CHANNELS_MAX];
};

/**
 * window_create() - make the accumulators
 * @w: where to put it
 * @slots: voltage slots, 1 to READING_PHASES_MAX
 * @inputs: current inputs, 0 to INPUT_CHANNELS_MAX
 * @slot_of: slot of each input
 *
 * Return: 0 or -ENOMEM.
 */
int window_create(struct window **w, unsigned int slots, unsigned int inputs,
		  const unsigned int *slot_of);

/**
 * window_pair() - compute the mean of the product of two inputs as well
 *
 * Return: number of the pair, or -ENOSPC when there are as many as inputs.
 */
int window_pair(struct window *w, unsigned int a, unsigned int b);

/**
 * window_partner() - the voltage of an input, for the correction of its sensor
 * @w: the window
 * @input: the input
 * @slot: its slot
 * @v: voltage to multiply it with, as long as those of the slots; NULL: that of the slot
 * @integral: integral of the voltage, V s; NULL: not needed
 *
 * What was summed before is void: window_begin() must follow.
 */
void window_partner(struct window *w, unsigned int input, unsigned int slot, const float *v,
		    const float *integral);

/** window_destroy() - free; NULL is allowed */
void window_destroy(struct window *w);

/**
 * window_begin() - forget everything and begin at an edge
 * @w: the window
 * @v: voltages of the slots, V; arrays of scans
 * @i: currents of the inputs; arrays of scans
 * @edge: position of the edge, at least 0; the scans around it must be there
 * @per_scan: frequency, cycles per scan
 */
void window_begin(struct window *w, const float *const *v, const float *const *i, double edge,
		  double per_scan);

/**
 * window_cycle() - add one cycle
 * @w: the window
 * @v: voltages, as in window_begin()
 * @i: currents
 * @from: edge at which the cycle begins: that of the call before
 * @to: edge at which it ends; the scan after it must be there, and memory for
 *	WINDOW_BEYOND more
 */
void window_cycle(struct window *w, const float *const *v, const float *const *i, double from,
		  double to);

/**
 * window_end() - end the window and begin the next one at the same edge
 * @w: the window
 * @v: voltages
 * @i: currents
 * @edge: the last edge given to window_cycle()
 * @per_scan: frequency, cycles per scan
 * @mean: filled in
 */
void window_end(struct window *w, const float *const *v, const float *const *i, double edge,
		double per_scan, struct window_mean *mean);

#endif
