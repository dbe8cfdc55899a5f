/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transient - finds what is short and quick in a voltage, as of a capacitor that is
 * switched on.
 *
 * Each cycle is compared with the cycle before it, point by point; of the difference,
 * what is slower than 1/16 of a cycle is taken away by a moving average. What is the
 * same in every cycle, harmonics and notches, is not seen, nor is a slow change.
 */
#ifndef METERD_TRANSIENT_H
#define METERD_TRANSIENT_H

#include <stdbool.h>

struct transient;

/**
 * struct transient_peak - the largest deviation in a cycle
 * @deviation_v: how much the voltage differs from the cycle before, V, without sign
 * @quick_v: the quick part of it, by which it was chosen, V
 * @part: where in the cycle, 0 to 1
 */
struct transient_peak {
	double deviation_v;
	double quick_v;
	double part;
};

/**
 * transient_create() - make the memory of a cycle
 * @t: where to put it
 * @points: points of a cycle, at least 32
 * @slots: voltages
 *
 * Return: 0 or -ENOMEM.
 */
int transient_create(struct transient **t, unsigned int points, unsigned int slots);

/** transient_destroy() - free; NULL is allowed */
void transient_destroy(struct transient *t);

/** transient_begin() - the next cycle does not follow the last one */
void transient_begin(struct transient *t);

/**
 * transient_cycle() - take a cycle of a slot
 * @t: state
 * @slot: which
 * @points: its points, V
 * @peak: filled in
 *
 * Return: true when there was a cycle before it, so that @peak is valid.
 */
bool transient_cycle(struct transient *t, unsigned int slot, const float *points,
		     struct transient_peak *peak);

#endif
