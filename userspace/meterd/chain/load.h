/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load - which input belongs to which load, and the values of its elements.
 *
 * A topology is a table: how many voltages are measured, and the matrix that makes
 * the voltages of the slots out of them. An element is an input with a slot, a
 * sign, a ratio and a multiplier. All else follows, so another wiring is another row
 * of the table.
 */
#ifndef METERD_LOAD_H
#define METERD_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "inputs.h"
#include "reading.h"
#include "sensor.h"
#include "window.h"

/* longest name of a load, bytes; the registers know it by no more */
#define LOAD_NAME_MAX 63

#define LOADS_MAX 320

/* current inputs of a load: its elements and one in the neutral */
#define LOAD_INPUTS_MAX (READING_ELEMENTS_MAX + 1)

/**
 * struct topology - a way to wire the mains
 * @name: in the configuration
 * @voltages: voltages measured
 * @slots: voltage slots
 * @phase: their names; the measured voltages have those of the first ones
 * @matrix: slot = sum of matrix[slot][k] * voltage[k]
 * @reference: weights of the slots in the reference for the tracker
 * @lines: line voltages: L1-L2, L2-L3, L3-L1
 * @line: line = sum of line[line][slot] * slot
 * @three_phase: the three lines are a three-phase system
 * @neutral: loads of three phases have a neutral conductor
 * @zero_sequence: the slots are the phases of a star, so u0 is defined
 */
struct topology {
	const char *name;
	unsigned int voltages;
	unsigned int slots;
	const char *phase[READING_PHASES_MAX];
	double matrix[READING_PHASES_MAX][READING_PHASES_MAX];
	double reference[READING_PHASES_MAX];
	unsigned int lines;
	double line[READING_PHASES_MAX][READING_PHASES_MAX];
	bool three_phase;
	bool neutral;
	bool zero_sequence;
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
 * @ratio: current of the conductor per current of the input
 * @multiplier: equal elements that this one stands for: powers and energies are
 *	multiplied with it, the current is not; 0 for a neutral
 * @min_a: below this current the element is below its range, A
 * @min_given: the configuration says @min_a; else it is that of the sensor
 * @sensor: type given by the configuration; NULL: that which the module tells
 * @type: what the sensor is, by one of the two; NULL of a neutral that nobody told yet
 * @integrate: a Rogowski coil whose output nobody integrated: the scale of its samples is
 *	that at 50 Hz
 * @model: correction of its sensor
 */
struct load_element {
	const char *input;
	unsigned int slot;
	double sign;
	double ratio;
	double multiplier;
	double min_a;
	bool min_given;
	const struct sensor *sensor;
	const struct sensor *type;
	bool integrate;
	struct sensor_model model;
};

/**
 * enum load_shape - what the elements of a load are to each other
 * @LOAD_SINGLE: nothing but a sum
 * @LOAD_STAR: one in each of three phases with neutral
 * @LOAD_ARON: two clamps of a three-phase load without neutral: only their sum has a
 *	meaning
 */
enum load_shape {
	LOAD_SINGLE,
	LOAD_STAR,
	LOAD_ARON,
};

/**
 * struct load_term - a part of a virtual load
 * @load: index of a load that is measured
 * @factor: how often it counts
 */
struct load_term {
	unsigned int load;
	int factor;
};

/**
 * struct load - a load
 * @name: its name
 * @role: its role
 * @elements: entries in @element; 0: a virtual load
 * @first: number of the first element among all current inputs of the installation
 * @element: its elements, then its neutral where it has an input for it
 * @has_neutral: it has
 * @terms: entries in @term
 * @term: parts of a virtual load; owned by the installation
 */
struct load {
	const char *name;
	enum load_role role;
	unsigned int elements;
	unsigned int first;
	struct load_element element[LOAD_INPUTS_MAX];
	bool has_neutral;
	unsigned int terms;
	struct load_term *term;
};

/** load_inputs() - current inputs of a load */
static inline unsigned int load_inputs(const struct load *l)
{
	return l->elements + l->has_neutral;
}

/** load_shape() - what the elements are to each other in that topology */
enum load_shape load_shape(const struct topology *t, const struct load *l);

/**
 * struct installation - what is measured; the strings belong to the configuration
 * @topology: wiring
 * @topology_from: who says so, for messages
 * @nominal_v: nominal voltage of the first slot, V; 0: not known
 * @nominal_hz: nominal frequency; 0: not known
 * @voltage_ratio: mains voltage per voltage measured, of a potential transformer that the
 *	scale does not have in it
 * @inputs: channels needed: the voltages, then the current inputs of the loads, in order
 * @loads: entries in @load
 * @load: the loads
 * @pf_min_va: below this apparent power there is no power factor, VA
 * @text: texts of the channels' names and labels
 */
struct installation {
	const struct topology *topology;
	const char *topology_from;
	double nominal_v;
	double nominal_hz;
	double voltage_ratio[READING_PHASES_MAX];
	struct inputs inputs;
	unsigned int loads;
	struct load *load;
	double pf_min_va;
	char *text[INPUT_CHANNELS_MAX];
};

/**
 * struct element_window - an element over one window
 * @v2: V^2, V^2
 * @i2: I^2, A^2
 * @p_w: active power, W
 * @q1_var: fundamental reactive power, var
 * @p1_w: fundamental active power, W
 * @v12: V1^2, V^2
 * @i12: I1^2, A^2
 * @re: real part of the phasor of the fundamental of the current, RMS, A; that of the
 *	conductor as the CT is mounted: without the sign of the element
 * @im: imaginary part
 * @known: slot and current were there all the time
 * @below_range: the current is below the range
 * @saturated: the current, or a voltage of its slot, was at the rail of its converter
 */
struct element_window {
	double v2;
	double i2;
	double p_w;
	double q1_var;
	double p1_w;
	double v12;
	double i12;
	double re;
	double im;
	bool known;
	bool below_range;
	bool saturated;
};

/**
 * element_sensor() - the module told the type of an element's sensor
 * @e: the element; gets the type, and the range of it unless the configuration says another
 * @code: CT type code, or SENSOR_UNKNOWN
 */
void element_sensor(struct load_element *e, int code);

/** element_gain() - current of the conductor per ampere of the input, with its sign */
static inline double element_gain(const struct load_element *e)
{
	return e->sign * e->ratio * e->model.gain;
}

/**
 * element_window() - values of an element over one window
 * @e: the element
 * @slot: mean values of its slot
 * @input: mean values of its current, corrected (sensor.h)
 * @scale: amperes per unit of the samples
 *
 * Return: the values; all but @known and @saturated.
 */
struct element_window element_window(const struct load_element *e, const struct slot_mean *slot,
				     const struct input_mean *input, double scale);

/**
 * load_current2() - mean square of the sum of the currents of a load's elements
 * @l: the load
 * @input: mean values of its inputs
 * @scale: amperes per unit of the samples, of its inputs
 * @pair: means of the products of its inputs: 0 and 1, then 1 and 2, then 2 and 0
 *
 * That of the neutral of three phases, or of the third conductor of two clamps.
 *
 * Return: A^2.
 */
double load_current2(const struct load *l, const struct input_mean *input, const double *scale,
		     const double *pair);

#endif
