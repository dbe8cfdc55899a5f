/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * waveform - test signals with exact answers: sums of harmonics, quantised as a
 * converter does it, and random numbers from a seed that is printed.
 */
#ifndef TEST_WAVEFORM_H
#define TEST_WAVEFORM_H

#include <stdint.h>

#define WAVEFORM_HARMONICS 128

/**
 * struct waveform - sum of rms * sqrt(2) * cos(2 pi h f t + angle)
 * @harmonics: entries used
 * @order: h; 0 is a DC part of @rms
 * @rms: RMS value
 * @angle: radians
 */
struct waveform {
	unsigned int harmonics;
	double order[WAVEFORM_HARMONICS];
	double rms[WAVEFORM_HARMONICS];
	double angle[WAVEFORM_HARMONICS];
};

/** waveform_add() - add a harmonic, angle in degrees; aborts when there are too many */
void waveform_add(struct waveform *w, double order, double rms, double degrees);

/** waveform_at() - value at a phase of the fundamental, in turns */
double waveform_at(const struct waveform *w, double turns);

/** waveform_rms() - RMS value without the DC part */
double waveform_rms(const struct waveform *w);

/** random_seed() - a seed: $SEED, or 1, so that a run is as the last; prints it (scripts/soak) */
uint64_t random_seed(void);

/** random_part() - uniform in 0 ... 1 */
double random_part(uint64_t *state);

/** quantise() - nearest whole multiple of @lsb, as its number, limited to 16 bits */
float quantise(double value, double lsb);

/** quantise_to() - the same, limited to @bits bits, at most 24 */
float quantise_to(double value, double lsb, unsigned int bits);

/** shared_path() - path of a file of ../shared ($SMAPPEE_SHARED), NULL when it is not there */
const char *shared_path(const char *name);

#endif
