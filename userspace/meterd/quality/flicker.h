/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flicker - the flickermeter of IEC 61000-4-15 for one to three voltages.
 *
 * Samples are squared, divided by their mean square of the last 27.3 s, and decimated to
 * 2 kHz or a little more; then the band-pass of 0.05 Hz and 35 Hz (42 Hz in 60-Hz systems), the
 * response of lamp, eye and brain, a square and 300 ms of memory give the instantaneous
 * sensation Pinst. Its distribution over an interval gives Pst:
 *
 *	Pst = sqrt(0.0314 P0.1 + 0.0525 P1s + 0.0657 P3s + 0.28 P10s + 0.08 P50s)
 *
 * with the smoothed percentiles of the standard. Nothing is allocated after
 * flicker_create().
 */
#ifndef METERD_FLICKER_H
#define METERD_FLICKER_H

#include <stdbool.h>

#include "reading.h"

/** enum flicker_lamp - the lamp that the weighting filter is for */
enum flicker_lamp {
	FLICKER_230V,
	FLICKER_120V,
};

/** Time after a begin in which Pinst is not counted, s */
#define FLICKER_SETTLE_S 20.0

struct flicker;

/**
 * flicker_create() - make the filters
 * @f: where to put it
 * @rate_hz: sampling rate, at least 400
 * @lamp: lamp
 * @mains_hz: 50 or 60
 * @slots: voltages
 *
 * Return: 0, -EINVAL when the rate is too low, -ENOMEM.
 */
int flicker_create(struct flicker **f, double rate_hz, enum flicker_lamp lamp, double mains_hz,
		   unsigned int slots);

/** flicker_system() - another lamp or mains; settles anew */
void flicker_system(struct flicker *f, enum flicker_lamp lamp, double mains_hz);

/** flicker_destroy() - free; NULL is allowed */
void flicker_destroy(struct flicker *f);

/** flicker_begin() - samples were lost: settle anew; the interval is not complete */
void flicker_begin(struct flicker *f);

/**
 * flicker_scans() - take samples
 * @f: filters
 * @v: voltages of the slots, V; arrays of @scans
 * @scans: how many
 */
void flicker_scans(struct flicker *f, const float *const *v, unsigned int scans);

/** flicker_pinst() - the instantaneous sensation now; 1 is just perceptible */
double flicker_pinst(const struct flicker *f, unsigned int slot);

/** flicker_peak() - the largest Pinst counted in the interval */
double flicker_peak(const struct flicker *f, unsigned int slot);

/**
 * flicker_interval() - the interval ends, and the next begins
 * @f: filters
 * @pst: of each slot; NAN when nothing was counted
 * @seconds: time that was counted
 *
 * Return: true when nothing was lost in it.
 */
bool flicker_interval(struct flicker *f, double *pst, double *seconds);

#endif
