/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * positions - where the CTs of a load are, by the angles that were seen.
 *
 * A hypothesis gives each CT of a load a slot and a sign. Its weight is
 *
 *	prior(errors) * density(angles)
 *
 * where the angles of a load are either alike, as those of a motor, or independent, as those
 * of the phases of a house. The confidence of a position is its share of all weights.
 *
 * Pure: evidence in, a result out.
 */
#ifndef METERD_POSITIONS_H
#define METERD_POSITIONS_H

#include <complex.h>

#include "wiring.h"

/**
 * struct position_evidence - what was seen of a CT
 * @either_way: while energy could flow either way through it
 * @seconds: for so long; below WIRING_SECONDS the others of the load are told without it
 * @angle: of the current against the base, degrees
 * @ampere: RMS current, A
 */
struct position_evidence {
	bool either_way;
	double seconds;
	double angle;
	double ampere;
};

/**
 * struct position_view - what is known of a load
 * @in: the installation
 * @load: the load
 * @slot: phasors of the slots against the base
 * @missing: slots without a voltage
 * @assumed: the angles between the slots are those of the topology, not measured
 * @resistive: the loads are said to be heaters
 * @evidence: of its elements
 */
struct position_view {
	const struct installation *in;
	const struct load *load;
	const double complex *slot;
	bool missing[READING_PHASES_MAX];
	bool assumed;
	bool resistive;
	struct position_evidence evidence[READING_ELEMENTS_MAX];
};

/**
 * positions_weigh() - where is the CT of an element?
 * @v: what is known
 * @element: index of the element within the load; it has evidence
 * @r: the evidence is in it, phi_deg too; the rest is filled in
 */
void positions_weigh(const struct position_view *v, unsigned int element, struct wiring_result *r);

/** positions_wrapped() - degrees within -180 ... 180 */
double positions_wrapped(double degrees);

#endif
