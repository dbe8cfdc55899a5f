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
	LOAD_VIRTUAL,
};

/**
 * enum reading_origin - what the values were computed from
 * @READING_WAVEFORM: samples of voltage and current, by this program
 * @READING_REGISTER: registers of a module that computes by itself; what it has no
 *	register for is NAN
 */
enum reading_origin {
	READING_WAVEFORM,
	READING_REGISTER,
};

/** Quadrants of reactive energy, IEC: I import inductive, II export inductive, ... */
#define READING_QUADRANTS 4

/**
 * struct energy_reading - the registers of an element or a load, kept over restarts
 * @net_j: signed energy, J; what all others are derived from
 * @import_j: import: the sum of the elements is split by its sign, window by window
 *	(vectorial); never falls
 * @export_j: export, likewise; never falls
 * @phases_import_j: sum of the imports of the elements, each split by its own sign
 *	(arithmetic); that of an element is @import_j. NAN where an element alone has no
 *	meaning (three-phase load without neutral on two clamps)
 * @phases_export_j: sum of the exports of the elements
 * @absolute_j: sum of the energies of the elements without their signs
 * @estimated_j: the part of it, without its sign, that was not measured but
 *	continued over a hole
 * @reactive_vars: fundamental reactive energy by quadrant, I to IV, var s; never falls
 */
struct energy_reading {
	double net_j;
	double import_j;
	double export_j;
	double phases_import_j;
	double phases_export_j;
	double absolute_j;
	double estimated_j;
	double reactive_vars[READING_QUADRANTS];
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
 * @pf: power factor P/S, signed, -1 to 1; NAN below the range
 * @below_range: the current is too small for power factor, angle and THD
 * @saturated: the current, or a voltage of its slot, was at the rail of its converter:
 *	the values are too small
 * @v1_v: RMS voltage of the fundamental, V
 * @i1_a: RMS current of the fundamental, A
 * @p1_w: active power of the fundamental, W
 * @n_var: non-active power sqrt(S^2 - P^2), var
 * @dpf: displacement power factor P1/S1, signed; NAN below the range
 * @phi_deg: angle of the voltage minus that of the current, fundamentals, -180 to
 *	180; positive is inductive import; NAN below the range
 * @thd_v: THD of the voltage, % of the fundamental; NAN unless it is computed
 * @thd_i: THD of the current, % of the fundamental; NAN unless it is computed
 * @energy: its registers
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
	bool below_range;
	bool saturated;
	double v1_v;
	double i1_a;
	double p1_w;
	double n_var;
	double dpf;
	double phi_deg;
	float thd_v;
	float thd_i;
	struct energy_reading energy;
};

/**
 * struct load_reading - one load: its elements and their sum, or, for a virtual load,
 *	the sum of other loads
 * @name: name from the configuration
 * @role: what the load is in the installation
 * @elements: number of valid entries in @element; 0: virtual load
 * @element: the elements
 * @p_w: sum of active power, W
 * @q1_var: sum of fundamental reactive power, var
 * @s_va: vector apparent power |sum P + j sum Q1| of a load of several elements,
 *	V * I of a load of one, VA
 * @pf: @p_w / @s_va; NAN below the range
 * @import_j: as in @energy
 * @export_j: as in @energy
 * @below_range: all its elements, or all its parts, are below their range
 * @p1_w: sum of active power of the fundamental, W
 * @n_var: non-active power sqrt(S^2 - P^2), var; with the effective apparent power
 *	where it is known, else NAN for several elements
 * @dpf: displacement power factor, P1 / |P1 + j Q1| of the sums; NAN below the range
 * @sa_va: arithmetic apparent power, the sum of V * I of the elements, VA
 * @se_va: effective apparent power (IEEE 1459) of a three-phase load, VA; else NAN
 * @neutral_a: RMS current of the neutral: that of its own input where there is one,
 *	else the sum of the currents of a load in three phases, A; else NAN
 * @energy: its registers
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
	bool below_range;
	double p1_w;
	double n_var;
	double dpf;
	double sa_va;
	double se_va;
	double neutral_a;
	struct energy_reading energy;
};

/**
 * struct voltage_reading - one voltage slot
 * @phase: "L1", "L2" or "L3"; "L12" of a split phase
 * @ln_v: RMS voltage of the slot: to neutral, or that of a topology without one, V
 * @ll_v: RMS voltage to the next phase (L1-L2, L2-L3, L3-L1), V; NAN where there is
 *	none
 * @v1_v: RMS voltage of the fundamental, V
 * @angle_deg: angle of the fundamental against that of the first slot, -180 to 180
 * @thd_v: THD, % of the fundamental; NAN unless it is computed
 */
struct voltage_reading {
	const char *phase;
	double ln_v;
	double ll_v;
	double v1_v;
	double angle_deg;
	float thd_v;
};

/**
 * struct totals_reading - what the roles of the loads add up to
 * @grid_w: sum of the loads with role grid, W; positive is import
 * @grid_import_w: @grid_w, or 0 when it is negative
 * @grid_export_w: -@grid_w, or 0 when it is positive
 * @production_w: what the loads with role production give, W; positive is production
 *	(their active power is negative then)
 * @storage_w: what the loads with role storage take, W; positive is charging
 * @consumption_w: @grid_w + @production_w - @storage_w
 * @self_consumption_w: part of @production_w that does not leave by the grid
 * @grid_import_j: import registers of the grid, J
 * @grid_export_j: export registers of the grid, J
 * @production_j: export registers of production, J
 * @storage_charged_j: import registers of storage, J
 * @storage_discharged_j: export registers of storage, J
 * @consumption_j: from the signed registers as @consumption_w, J
 *
 * NAN when there is no load of the role, or one of them is unknown. Without
 * production or storage the consumption is that of the others.
 */
struct totals_reading {
	double grid_w;
	double grid_import_w;
	double grid_export_w;
	double production_w;
	double storage_w;
	double consumption_w;
	double self_consumption_w;
	double grid_import_j;
	double grid_export_j;
	double production_j;
	double storage_charged_j;
	double storage_discharged_j;
	double consumption_j;
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
 * @origin: what the values were computed from
 * @u2_percent: negative-sequence unbalance of three phases, %; else NAN
 * @u0_percent: zero-sequence unbalance, %; NAN without neutral
 * @totals: what the roles add up to
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
	enum reading_origin origin;
	double u2_percent;
	double u0_percent;
	struct totals_reading totals;
};

/**
 * reading_blank() - a reading of the same shape in which no value is known
 * @blank: filled in
 * @load: room for as many loads as @r has
 * @r: a reading; its names must outlive @blank
 */
void reading_blank(struct reading *blank, struct load_reading *load, const struct reading *r);

#endif
