/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cycle - finds the cycles of the mains in the reference voltage.
 *
 * The tracker gives, one after the other, the positions at which the fundamental
 * of the reference crosses zero upwards, as fractions of a scan. The position
 * comes from the phase of the fundamental, measured over three cycles around it
 * with a Hann window as long as three cycles, which has its zeros on the mirror
 * image and on all harmonics (metrology.rst, "Cycles"). So an edge is known 1.5
 * cycles after it.
 *
 * Positions count in scans from the begin of the array that the caller holds;
 * cycle_shift() follows when it drops scans at the front.
 */
#ifndef METERD_CYCLE_H
#define METERD_CYCLE_H

#include <stdbool.h>

/** Range of lock, Hz */
#define CYCLE_MIN_HZ 42.5
#define CYCLE_MAX_HZ 86.0

/**
 * enum cycle_state - how an edge was found
 * @CYCLE_FREE: no usable signal: edges follow each other at the last known
 *	frequency, or 50 Hz, and mean nothing
 * @CYCLE_HOLD: a dip below 10 % for at most a second: edges are continued
 * @CYCLE_LOCKED: measured
 */
enum cycle_state {
	CYCLE_FREE,
	CYCLE_HOLD,
	CYCLE_LOCKED,
};

/**
 * struct cycle_edge - begin of a cycle
 * @position: in scans, fractional
 * @per_scan: frequency, cycles per scan, robust against a phase jump
 * @state: how it was found
 * @begin: it does not end the cycle before it: tracking begins here
 * @jump: the phase of the reference jumped by more than 5 degrees in the cycle
 *	that it ends
 */
struct cycle_edge {
	double position;
	double per_scan;
	enum cycle_state state;
	bool begin;
	bool jump;
};

struct cycle;

/**
 * cycle_create() - make a tracker
 * @c: where to put it
 * @rate_hz: nominal sampling rate, at least 6 times CYCLE_MAX_HZ
 *
 * Return: 0, -EINVAL when the rate is too low, -ENOMEM.
 */
int cycle_create(struct cycle **c, double rate_hz);

/** cycle_destroy() - free; NULL is allowed */
void cycle_destroy(struct cycle *c);

/** cycle_reset() - the array is empty and what comes is not connected; the frequency is kept */
void cycle_reset(struct cycle *c);

/** cycle_shift() - the caller dropped @scans at the front of its array */
void cycle_shift(struct cycle *c, unsigned int scans);

/** cycle_keep() - the first scan of the array that the tracker still needs */
unsigned int cycle_keep(const struct cycle *c);

/** cycle_history() - most scans that the tracker needs at a time */
unsigned int cycle_history(const struct cycle *c);

/**
 * cycle_next() - the next edge
 * @c: the tracker
 * @x: reference voltage, V
 * @scans: how many there are
 * @edge: filled in
 *
 * Return: true when an edge was found, false when more scans are needed.
 */
bool cycle_next(struct cycle *c, const float *x, unsigned int scans, struct cycle_edge *edge);

/**
 * cycle_amplitude() - RMS of the fundamental at the middle of an array
 * @c: the tracker
 * @x: a voltage, V
 * @scans: at least cycle_history()
 *
 * At the frequency last known; for choosing a reference.
 *
 * Return: volts.
 */
double cycle_amplitude(struct cycle *c, const float *x, unsigned int scans);

#endif
