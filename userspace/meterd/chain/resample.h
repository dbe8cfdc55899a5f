/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resample - one cycle of the mains as a fixed number of points.
 *
 * A cycle lies between two edges at fractions of a scan. Its points are at even
 * distances between them, so that ten cycles one after the other are a window that
 * is locked to the mains, as IEC 61000-4-7 asks for, at any sampling rate.
 *
 * Each point is the product of RESAMPLE_TAPS scans and a windowed sinc. The weights
 * depend on the edges only, so they are made once per cycle for all signals. The
 * loss of the filter at a frequency is known and divided out (resample_gain()).
 */
#ifndef METERD_RESAMPLE_H
#define METERD_RESAMPLE_H

/** Scans that make one point */
#define RESAMPLE_TAPS 12

/** Highest frequency at which resample_gain() is meant to be used, cycles per scan */
#define RESAMPLE_BAND 0.45

struct resample;

/**
 * resample_create() - make the table of weights
 * @r: where to put it
 * @rate_hz: nominal sampling rate, above 0
 *
 * Return: 0 or -ENOMEM.
 */
int resample_create(struct resample **r, double rate_hz);

/** resample_destroy() - free; NULL is allowed */
void resample_destroy(struct resample *r);

/**
 * resample_points_per_cycle() - points of a cycle
 *
 * Return: a power of two from 32 to 1024, not less than the scans of a cycle of
 * CYCLE_MIN_HZ, as long as these are not more than 1024.
 */
unsigned int resample_points_per_cycle(const struct resample *r);

/**
 * resample_cycle() - make the weights of a cycle
 * @r: the table
 * @scans: scans in the arrays that resample_points() will get, at least RESAMPLE_TAPS
 * @from: edge at which the cycle begins, in scans from the begin of the arrays
 * @to: edge at which it ends, at most @scans
 *
 * Where the arrays end too early for a point, the scans next to it are taken.
 */
void resample_cycle(struct resample *r, unsigned int scans, double from, double to);

/**
 * resample_points() - the points of a signal
 * @r: with the weights of the cycle
 * @x: the signal, as long as resample_cycle() was told
 * @points: filled in
 */
void resample_points(const struct resample *r, const float *x, float *points);

/**
 * resample_gain() - what is left of an amplitude
 * @r: the table
 * @per_scan: frequency, cycles per scan, 0 to 0.5
 *
 * Return: a factor; 1 at 0, above 0.5 up to RESAMPLE_BAND.
 */
double resample_gain(const struct resample *r, double per_scan);

#endif
