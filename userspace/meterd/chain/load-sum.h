/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load-sum - a load out of its elements, a virtual load out of its parts.
 */
#ifndef METERD_LOAD_SUM_H
#define METERD_LOAD_SUM_H

#include "load.h"
#include "reading.h"

/** load_power_factor() - a ratio of powers, -1 to 1; NAN where it has no meaning */
double load_power_factor(const struct installation *in, double p_w, double s_va, bool below);

/** load_sum_elements() - P, Q1, P1, arithmetic S and range of a load from its elements */
void load_sum_elements(struct load_reading *r);

/** load_sum_factors() - power factors of a load whose powers are known */
void load_sum_factors(const struct installation *in, struct load_reading *r);

/**
 * load_sum_virtual() - powers and power factors of a virtual load
 * @in: the installation
 * @load: its loads; those that are measured are complete
 * @l: index of the virtual one
 */
void load_sum_virtual(const struct installation *in, struct load_reading *load, unsigned int l);

#endif
