/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reading - what the metering chain hands to everything that shows, stores or
 * sends it: the values of one publishing interval (about one second, a whole
 * number of 10/12-cycle windows).
 *
 * Signs: positive power is import (consumption), positive Q1 is inductive.
 * A value that is not known is NAN, never 0 and never the last value.
 */
#ifndef METERD_READING_H
#define METERD_READING_H

#include <stdbool.h>
#include <stdint.h>

#define READING_PHASES_MAX 3
#define READING_ELEMENTS_MAX 3

enum load_role {
	LOAD_GRID,
	LOAD_PRODUCTION,
	LOAD_STORAGE,
	LOAD_SUBMETER,
};

/**
 * struct element_reading - one CT input with its voltage slot
 * @input: name of the input, "hub1/A"
 * @phase: name of its voltage slot, "L1"
 * @v_v: RMS voltage, V
 * @i_a: RMS current, A
 * @p_w: active power, W
 * @q1_var: fundamental reactive power (IEEE 1459), var
 * @s_va: apparent power, VA
 * @pf: power factor P/S, signed, -1 to 1
 */
struct element_reading {
	const char *input;
	const char *phase;
	double v_v;
	double i_a;
	double p_w;
	double q1_var;
	double s_va;
	double pf;
};

/**
 * struct load_reading - one load: one to three elements and their sum
 * @name: name from the configuration
 * @role: what the load is in the installation
 * @elements: number of valid entries in @element
 * @element: the elements
 * @p_w: sum of active power, W
 * @q1_var: sum of fundamental reactive power, var
 * @s_va: vector apparent power |sum P + j sum Q1| of a load of several elements,
 *	V * I of a load of one, VA
 * @pf: @p_w / @s_va
 * @import_j: import energy register, J; never falls
 * @export_j: export energy register, J; never falls
 */
struct load_reading {
	const char *name;
	enum load_role role;
	unsigned int elements;
	struct element_reading element[READING_ELEMENTS_MAX];
	double p_w;
	double q1_var;
	double s_va;
	double pf;
	double import_j;
	double export_j;
};

/**
 * struct voltage_reading - one voltage slot
 * @phase: "L1", "L2" or "L3"
 * @ln_v: RMS voltage to neutral, V
 * @ll_v: RMS voltage to the next phase (L1-L2, L2-L3, L3-L1), V; NAN for 1P
 */
struct voltage_reading {
	const char *phase;
	double ln_v;
	double ll_v;
};

/**
 * struct reading - one publishing interval
 * @start_ns: time of its first window's start, on the samples' clock
 * @end_ns: time of its last window's end, on the samples' clock
 * @utc_ns: UTC of @end_ns, ns since 1970
 * @sequence: number of the interval, from 1
 * @windows: 10/12-cycle windows in it
 * @frequency_hz: frequency of the reference voltage, Hz
 * @voltages: number of valid entries in @voltage
 * @voltage: the voltage slots
 * @loads: number of entries in @load
 * @load: the loads, in the order of the configuration; owned by the chain
 * @lost_scans: scans that no block and no repair brought, or that were read too late,
 *	since start
 * @gaps: holes in the joined stream, since start
 * @repaired_blocks: blocks that were asked for again and then came, since start
 */
struct reading {
	int64_t start_ns;
	int64_t end_ns;
	int64_t utc_ns;
	uint64_t sequence;
	unsigned int windows;
	double frequency_hz;
	unsigned int voltages;
	struct voltage_reading voltage[READING_PHASES_MAX];
	unsigned int loads;
	const struct load_reading *load;
	uint64_t lost_scans;
	uint64_t gaps;
	uint64_t repaired_blocks;
};

#endif
