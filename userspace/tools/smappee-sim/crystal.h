/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crystal - the clock of one module: local time as a function of true time.
 * A constant error and an optional slow sinusoidal wander; both directions are
 * closed formulas, so that any instant can be asked for in any order.
 */
#ifndef SIM_CRYSTAL_H
#define SIM_CRYSTAL_H

/**
 * struct crystal - one oscillator
 * @ppm: constant frequency error, parts per million, positive runs fast
 * @wander_ppm: amplitude of the slow wander, ppm
 * @wander_period_s: its period, s, greater than 0
 * @wander_turns: its phase at true time 0, turns
 * @start_s: local time at true time 0, s
 */
struct crystal {
	double ppm;
	double wander_ppm;
	double wander_period_s;
	double wander_turns;
	double start_s;
};

/** crystal_local() - local time at true time @t, both in seconds */
double crystal_local(const struct crystal *c, double t);

/** crystal_true() - true time at local time @local, exact to below 1 ns */
double crystal_true(const struct crystal *c, double local);

#endif
