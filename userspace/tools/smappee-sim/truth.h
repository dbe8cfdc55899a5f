/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truth - what a perfect meter would read, from the definition of the signal:
 * integrals of products of phasor sums, never samples.
 */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include "signals.h"

/**
 * struct element_truth - one element over a stretch of time
 * @v_v: RMS voltage, V
 * @i_a: RMS current, A
 * @p_w: mean active power, W, positive into the load
 * @q1_var: mean fundamental reactive power, var, positive inductive
 * @s_va: v_v * i_a
 * @pf: p_w / s_va; NAN without current
 */
struct element_truth {
	double v_v;
	double i_a;
	double p_w;
	double q1_var;
	double s_va;
	double pf;
};

/**
 * struct load_truth - one load over a stretch of time
 * @element: its elements
 * @p_w: sum of active power, W
 * @q1_var: sum of reactive power, var
 * @s_va: of several elements |sum P + j sum Q1|; of one V * I
 * @pf: p_w / s_va; NAN without current
 * @import_wh: energy while the sum of the elements' power was positive
 * @export_wh: energy while it was negative, positive number
 */
struct load_truth {
	struct element_truth element[SIGNAL_ELEMENTS_MAX];
	double p_w;
	double q1_var;
	double s_va;
	double pf;
	double import_wh;
	double export_wh;
};

/**
 * struct truth_range - the stretch of time
 * @from_s: its begin, true time, s
 * @to_s: its end, later
 * @rate_hz: sampling rate; only a replayed recording depends on it (filter)
 * @exact: integrate from instant to instant. Without it the ends count as if
 *	whole cycles were added there, so that the result does not swing with
 *	where in a cycle the range happens to end; steps inside of the range are
 *	exact in both cases
 */
struct truth_range {
	double from_s;
	double to_s;
	double rate_hz;
	bool exact;
};

/** truth_voltage() - RMS voltage of slot @phase to neutral over @r, V */
double truth_voltage(const struct signal *s, unsigned int phase, const struct truth_range *r);

/** truth_line_voltage() - RMS voltage from slot @phase to the next one, V; NAN for 1P */
double truth_line_voltage(const struct signal *s, unsigned int phase, const struct truth_range *r);

/** truth_load() - everything of load number @load over @r */
void truth_load(const struct signal *s, unsigned int load, const struct truth_range *r,
		struct load_truth *out);

#endif
