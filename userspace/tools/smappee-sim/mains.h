/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mains - ways in which mains are made up: the voltages at the terminals of a voltage
 * module, and those that loads are connected to.
 */
#ifndef SIM_MAINS_H
#define SIM_MAINS_H

#define MAINS_TERMINALS_MAX 3
#define MAINS_SLOTS_MAX 3

/**
 * struct mains_kind - one way
 * @name: in scenarios
 * @terminals: voltages that a module measures
 * @part: of each, part of the voltage that the scenario gives
 * @turn_deg: of each, angle, degrees
 * @slots: voltages that loads can be connected to
 * @slot: their names
 * @matrix: slot = sum of matrix[slot][k] * terminal[k]
 */
struct mains_kind {
	const char *name;
	unsigned int terminals;
	double part[MAINS_TERMINALS_MAX];
	double turn_deg[MAINS_TERMINALS_MAX];
	unsigned int slots;
	const char *slot[MAINS_SLOTS_MAX];
	double matrix[MAINS_SLOTS_MAX][MAINS_TERMINALS_MAX];
};

/** mains_kind() - the one of that name, or NULL */
const struct mains_kind *mains_kind(const char *name);

/** mains_turn() - angle of a slot's fundamental, rad */
double mains_turn(const struct mains_kind *kind, unsigned int slot);

#endif
