/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coil - does a current rise with the order of the harmonics, as what a Rogowski coil gives
 * does when nobody integrates it?
 *
 * The transfer of an order is Y_h = sum(I_h V_h*) / sum(|V_h|^2), over all spectra seen. A
 * coil gives di/dt: beside a resistor Y_h / Y_1 = h, where an integrated current has 1. A
 * capacitor has h, too: the two are one signal. A motor has 1 / h, a capacitor bank with a
 * reactor anything but h, and rectifiers, which make harmonics of their own, much more.
 *
 * Pure: spectra in, a figure out.
 */
#ifndef METERD_COIL_H
#define METERD_COIL_H

#include <complex.h>

#include "harmonics.h"

/** Orders that are looked at: the odd ones from 3 on */
#define COIL_ORDERS 6

/**
 * struct coil_order - sums of one order over the spectra seen, fading
 * @cross: I V*
 * @v2: |V|^2
 * @i2: |I|^2
 */
struct coil_order {
	double complex cross;
	double v2;
	double i2;
};

/**
 * struct coil_sight - what was seen of an input
 * @first: the fundamental
 * @order: orders 3, 5, 7, ...
 */
struct coil_sight {
	struct coil_order first;
	struct coil_order order[COIL_ORDERS];
};

/** coil_fade() - what was seen counts @keep times as much, 0 to 1 */
void coil_fade(struct coil_sight *s, double keep);

/**
 * coil_add() - see the spectra of a window
 * @s: what was seen
 * @v: voltage
 * @i: current
 * @orders: highest valid order
 */
void coil_add(struct coil_sight *s, const struct spectrum *v, const struct spectrum *i,
	      unsigned int orders);

/**
 * coil_misfit() - how far is the current from rising h-fold?
 *
 * The largest |Y_h / (h Y_1) - 1| of the orders that tell: at least 0.2 % of the voltage, and
 * the current follows it.
 *
 * Return: 0 for a coil beside a resistor and for a capacitor, 0.67 and more for an integrated
 * current of a resistor or motor; NAN where fewer than two orders tell.
 */
double coil_misfit(const struct coil_sight *s);

#endif
