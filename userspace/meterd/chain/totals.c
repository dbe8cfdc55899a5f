// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sums by role. A role that no load has is NAN, and counts as nothing in the
 * consumption; a load that is unknown makes its role unknown.
 */
#include "totals.h"

#include <math.h>
#include <stdbool.h>

/**
 * struct role_sum - the loads of one role
 * @any: there is one
 * @p_w: active power
 * @net_j: signed energy
 * @import_j: import registers
 * @export_j: export registers
 */
struct role_sum {
	bool any;
	double p_w;
	double net_j;
	double import_j;
	double export_j;
};

static struct role_sum sum_of(const struct load_reading *load, unsigned int loads,
			      enum load_role role)
{
	struct role_sum s = { 0 };
	unsigned int k;

	for (k = 0; k < loads; k++) {
		if (load[k].role != role)
			continue;
		s.any = true;
		s.p_w += load[k].p_w;
		s.net_j += load[k].energy.net_j;
		s.import_j += load[k].energy.import_j;
		s.export_j += load[k].energy.export_j;
	}
	return s;
}

/* The larger one; NAN when one of them is, unlike fmax(). */
static double at_least(double value, double least)
{
	return value < least ? least : value;
}

static double known(const struct role_sum *s, double value)
{
	return s->any ? value : NAN;
}

struct totals_reading totals_of(const struct load_reading *load, unsigned int loads)
{
	struct role_sum grid = sum_of(load, loads, LOAD_GRID);
	struct role_sum sun = sum_of(load, loads, LOAD_PRODUCTION);
	struct role_sum store = sum_of(load, loads, LOAD_STORAGE);
	double exported = at_least(-grid.p_w, 0.0);
	double produced = at_least(-sun.p_w, 0.0);

	return (struct totals_reading){
		.grid_w = known(&grid, grid.p_w),
		.grid_import_w = known(&grid, at_least(grid.p_w, 0.0)),
		.grid_export_w = known(&grid, exported),
		.production_w = known(&sun, -sun.p_w),
		.storage_w = known(&store, store.p_w),
		.consumption_w = known(&grid, grid.p_w - sun.p_w - store.p_w),
		.self_consumption_w =
			grid.any ? known(&sun, at_least(produced - exported, 0.0)) : NAN,
		.grid_import_j = known(&grid, grid.import_j),
		.grid_export_j = known(&grid, grid.export_j),
		.production_j = known(&sun, sun.export_j),
		.storage_charged_j = known(&store, store.import_j),
		.storage_discharged_j = known(&store, store.export_j),
		.consumption_j = known(&grid, grid.net_j - sun.net_j - store.net_j),
	};
}
