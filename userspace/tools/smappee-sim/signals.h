/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals - everything electrical of the scenario: the mains voltages, the loads,
 * and which of them each input of each module sees.
 */
#ifndef SIM_SIGNALS_H
#define SIM_SIGNALS_H

#include "mains.h"
#include "profile.h"
#include "wave.h"

#include <stdbool.h>

#define SIGNAL_PHASES_MAX MAINS_SLOTS_MAX
#define SIGNAL_ELEMENTS_MAX 3
#define SIGNAL_LOADS_MAX 96
#define SIGNAL_NAME_MAX 48

/**
 * struct element - one CT input of a load
 * @input: name of the input, "hub1/A"
 * @phase: voltage slot, 0 for L1
 * @wave: current while the profile is 1, A, positive into the load
 */
struct element {
	char input[SIGNAL_NAME_MAX];
	unsigned int phase;
	struct wave wave;
};

/**
 * struct load - one load
 * @name: name, as in meterd's configuration
 * @elements: number of its inputs, 1 to 3
 * @element: its inputs
 * @profile: factor of all its currents in time
 * @reversed: the CTs are mounted the wrong way: they see the current negated;
 *	the load itself, and so the truth, is not changed
 */
struct load {
	char name[SIGNAL_NAME_MAX];
	unsigned int elements;
	struct element element[SIGNAL_ELEMENTS_MAX];
	struct profile profile;
	bool reversed;
};

/**
 * struct signal - the electrical part of a scenario
 * @frequency_hz: of the mains
 * @kind: how the mains are made up
 * @transformer: mains voltage per voltage at the terminals
 * @terminal: voltages at the terminals of voltage modules, V
 * @mains: voltages that loads are connected to, V
 * @loads: number of loads
 * @load: the loads
 */
struct signal {
	double frequency_hz;
	const struct mains_kind *kind;
	double transformer;
	struct wave terminal[MAINS_TERMINALS_MAX];
	struct wave mains[SIGNAL_PHASES_MAX];
	unsigned int loads;
	struct load load[SIGNAL_LOADS_MAX];
};

/**
 * struct input - what one input of a module sees
 * @wave: V or A; NULL: nothing is connected
 * @profile: factor in time, NULL: 1
 * @sign: 1, or -1 for a reversed CT
 */
struct input {
	const struct wave *wave;
	const struct profile *profile;
	double sign;
};

/** signal_voltage() - the input of a voltage module's terminal; nothing if it is open */
struct input signal_voltage(const struct signal *s, unsigned int terminal);

/** signal_current() - what the CT input called @name sees; nothing if no load uses it */
struct input signal_current(const struct signal *s, const char *name);

/**
 * signal_block() - values at an input at evenly spaced instants
 * @in: the input
 * @rate_hz: sampling rate, for the anti-alias filter
 * @t0: true time of the first, s
 * @dt: distance of two, s
 * @n: how many, 1 to 64
 * @out: gets the values, V or A
 */
void signal_block(const struct input *in, double rate_hz, double t0, double dt, unsigned int n,
		  double *out);

/** signal_free() - release what the waves own */
void signal_free(struct signal *s);

#endif
