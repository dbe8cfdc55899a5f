// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of mains.h. */
#include "mains.h"

#include <complex.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define SQRT3 1.7320508075688772
#define EACH { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }

static const struct mains_kind kinds[] = {
	{ "1p", 1, { 1 }, { 0 }, 1, { "L1" }, EACH },
	{ "2p+n",
	  2,
	  { 1, 1 },
	  { 0, -180 },
	  3,
	  { "L1", "L2", "L12" },
	  { { 1 }, { 0, 1 }, { 1, -1 } } },
	{ "3p+n", 3, { 1, 1, 1 }, { 0, -120, -240 }, 3, { "L1", "L2", "L3" }, EACH },
	/* Voltages against a star point; loads are between conductors, L3 is their return. */
	{ "3p",
	  3,
	  { 1 / SQRT3, 1 / SQRT3, 1 / SQRT3 },
	  { 0, -120, -240 },
	  3,
	  { "L1", "L2", "L3" },
	  { { 1, 0, -1 }, { 0, 1, -1 }, { 1, -1, 0 } } },
	{ "high-leg", 3, { 1, 1, SQRT3 }, { 0, -180, -90 }, 3, { "L1", "L2", "L3" }, EACH },
};

const struct mains_kind *mains_kind(const char *name)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (!strcmp(kinds[k].name, name))
			return &kinds[k];
	return NULL;
}

double mains_turn(const struct mains_kind *kind, unsigned int slot)
{
	double complex sum = 0;

	for (unsigned int k = 0; k < kind->terminals; k++)
		sum += kind->matrix[slot][k] * kind->part[k] *
		       cexp(I * kind->turn_deg[k] / 180 * M_PI);
	return carg(sum);
}
