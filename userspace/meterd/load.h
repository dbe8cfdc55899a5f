/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load - which input belongs to which load, and the values of a load.
 *
 * A topology is a table: how many voltages are measured, and the matrix that makes
 * the voltages of the slots out of them. An element is an input with a slot and a
 * sign. All else follows, so another wiring is another row of the table.
 */
#ifndef METERD_LOAD_H
#define METERD_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "inputs.h"
#include "reading.h"
#include "window.h"

/* longest name of a load, bytes; the registers know it by no more */
#define LOAD_NAME_MAX 63

/**
 * struct topology - a way to wire the mains
 * @name: in the configuration
 * @voltages: voltages measured
 * @slots: voltage slots
 * @phase: their names
 * @matrix: slot = sum of matrix[slot][k] * voltage[k]
 * @reference: weights of the slots in the reference for the tracker
 * @line_to_line: the difference of a slot and the next one is a line voltage
 */
struct topology {
	const char *name;
	unsigned int voltages;
	unsigned int slots;
	const char *phase[READING_PHASES_MAX];
	double matrix[READING_PHASES_MAX][READING_PHASES_MAX];
	double reference[READING_PHASES_MAX];
	bool line_to_line;
};

/** topology_find() - the topology of that name, or NULL */
const struct topology *topology_find(const char *name);

/** topology_slot() - the slot of that name, or -1 */
int topology_slot(const struct topology *t, const char *phase);

/**
 * struct load_element - a current input in its slot
 * @input: name, "hub1/A"
 * @slot: voltage slot
 * @sign: 1, or -1 for a reversed CT
 */
struct load_element {
	const char *input;
	unsigned int slot;
	double sign;
};

/**
 * struct load - a load
 * @name: its name
 * @role: its role
 * @elements: entries in @element
 * @first: number of the first element among all of the installation
 * @element: its elements
 */
struct load {
	const char *name;
	enum load_role role;
	unsigned int elements;
	unsigned int first;
	struct load_element element[READING_ELEMENTS_MAX];
};

/**
 * struct installation - what is measured; the strings belong to the configuration
 * @topology: wiring
 * @inputs: channels needed: the voltages, then one current per element, in order
 * @loads: entries in @load
 * @load: the loads
 * @pf_min_va: below this apparent power there is no power factor, VA
 * @text: texts of the channels' names and labels
 */
struct installation {
	const struct topology *topology;
	struct inputs inputs;
	unsigned int loads;
	struct load *load;
	double pf_min_va;
	char *text[INPUT_CHANNELS_MAX];
};

/**
 * struct element_sums - what is collected of an element during a reading
 * @seconds: duration of the windows in which it was measured
 * @v2s: sum of V^2 T
 * @i2s: sum of I^2 T
 * @ps: sum of P T
 * @qs: sum of Q1 T
 */
struct element_sums {
	double seconds;
	double v2s;
	double i2s;
	double ps;
	double qs;
};

/**
 * struct element_window - an element over one window
 * @v2: V^2, V^2
 * @i2: I^2, A^2
 * @p_w: active power, W
 * @q1_var: fundamental reactive power, var
 */
struct element_window {
	double v2;
	double i2;
	double p_w;
	double q1_var;
};

/**
 * element_window() - values of an element over one window
 * @e: the element
 * @slot: mean values of its slot
 * @input: mean values of its current
 * @scale: amperes per unit of the samples
 */
struct element_window element_window(const struct load_element *e, const struct slot_mean *slot,
				     const struct input_mean *input, double scale);

/** element_add() - add a window of @seconds to the sums of a reading */
void element_add(struct element_sums *sums, const struct element_window *w, double seconds);

/**
 * load_reading() - values of a load over a reading
 * @in: the installation
 * @load: the load
 * @sums: sums of its elements
 * @r: filled in, but for the registers; NAN where nothing was measured
 */
void load_reading(const struct installation *in, const struct load *load,
		  const struct element_sums *sums, struct load_reading *r);

#endif
