/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers-rig - energy registers of two loads, and a folder for their file.
 */
#ifndef TEST_REGISTERS_RIG_H
#define TEST_REGISTERS_RIG_H

#include "chain.h"

#include <unistd.h>

#include "registers.h"

static char folder[64];
static char path[128];

static struct load loads[2] = {
	{ .name = "heat pump",
	  .elements = 3,
	  .element = { { .input = "hub1/A" }, { .input = "hub1/B" }, { .input = "hub1/C" } } },
	{ .name = "roof", .elements = 1, .first = 3, .element = { { .input = "hub1/D" } } },
};

static struct installation in = { .loads = 2, .load = loads };

/* Book @energy_j in the elements of one load, nothing in the others. */
static inline void add(struct registers *r, const struct installation *of, unsigned int l,
		       const double *energy_j)
{
	struct energy_step step[INPUT_CHANNELS_MAX];
	unsigned int k;

	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		step[k] = (struct energy_step){ .below_range = true };
	for (k = 0; k < of->load[l].elements; k++)
		step[of->load[l].first + k] =
			(struct energy_step){ energy_j[k], energy_j[k] / 2, false };
	registers_add(r, step);
}

static inline struct registers *open_registers(void)
{
	struct registers *r = NULL;

	assert_int_equal(registers_open(&r, &in, path), 0);
	return r;
}

static inline int setup(void **state)
{
	strcpy(folder, "/tmp/registers-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/registers", folder);
	return 0;
}

static inline int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
