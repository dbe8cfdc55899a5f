/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary - the values of a reading out of its windows.
 *
 * Mean squares and powers are means weighted by time (IEC 61000-4-30 aggregates
 * this way), over the windows in which the value was known.
 */
#ifndef METERD_SUMMARY_H
#define METERD_SUMMARY_H

#include "load.h"
#include "meter-window.h"
#include "reading.h"
#include "registers.h"

struct summary;

/**
 * summary_create() - make a summary
 * @s: where to put it
 * @in: the installation; must outlive it
 *
 * Return: 0 or -ENOMEM.
 */
int summary_create(struct summary **s, const struct installation *in);

/** summary_destroy() - free; NULL is allowed */
void summary_destroy(struct summary *s);

/** summary_begin() - forget all windows */
void summary_begin(struct summary *s);

/** summary_windows() - windows since summary_begin() */
unsigned int summary_windows(const struct summary *s);

/** summary_add() - add a window that lasted @seconds */
void summary_add(struct summary *s, const struct meter_window *w, double seconds);

/**
 * summary_reading() - what the windows add up to
 * @s: the summary
 * @registers: energy
 * @r: frequency, voltages, loads, unbalance and totals are filled in; the loads are
 *	those of @s, valid until the next call
 */
void summary_reading(struct summary *s, const struct registers *registers, struct reading *r);

/**
 * summary_thd() - fill in the distortion
 * @s: the summary, after summary_reading()
 * @thd: THD as a ratio, of each slot, then of each current input; NAN where there is none
 * @r: voltages and loads get it, but for currents below their range
 */
void summary_thd(struct summary *s, const float *thd, struct reading *r);

#endif
