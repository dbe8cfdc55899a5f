/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wiring - is every CT where the configuration says, and the right way round?
 *
 * All that there is to see is the angle of a current against the voltages. In three phases
 * a CT can be in six positions, three phases and two directions, 60 degrees apart, and
 * a load may have any angle from capacitive to inductive. So one angle alone does not
 * decide: a resistor seen reversed on L1 looks like a motor of power factor 0.5 on L2. The
 * positions of all CTs of a load are weighed together, by how likely their errors are and
 * how likely the angles are for the role of the load (metrology.rst, "Wiring"). What is
 * not decided is told as such, with the most likely answer.
 *
 * Pure: windows in, verdicts out; no time but that of the windows.
 */
#ifndef METERD_WIRING_H
#define METERD_WIRING_H

#include <stdbool.h>

#include "harmonics.h"
#include "load.h"
#include "meter-window.h"

/** Seconds of a steady current before there is a verdict */
#define WIRING_SECONDS 10.0
/**
 * Confidence that "in order" and "reversed?" need, and "wrong phase" where the load has one CT;
 * and that "reversed" needs, and any change where the load has several
 */
#define WIRING_SURE 0.9
#define WIRING_SURE_REVERSED 0.998
/** Beyond this angle a load is too reactive to be in order, degrees */
#define WIRING_REACTIVE_DEG 30.0
/** Beyond this angle in its new position it is too reactive for a change to be proposed */
#define WIRING_CHANGE_DEG 20.0
/** The same where there is one voltage, and so nothing but two directions */
#define WIRING_SINGLE_DEG 70.0
/** Within so much of 90 degrees a coil may be what nobody integrates */
#define WIRING_COIL_DEG 20.0
/** And it is asked where the current is no further from rising h-fold (coil.h) */
#define WIRING_COIL_MISFIT 0.4

/**
 * enum wiring_verdict - what is found of a CT
 * @WIRING_UNKNOWN: cannot tell yet
 * @WIRING_IN_ORDER: as configured
 * @WIRING_PERHAPS_REVERSED: most likely the right phase, the wrong way round; another mistake at
 *	another kind of load would look the same, so this is a question
 * @WIRING_REVERSED: the right phase, the wrong way round
 * @WIRING_WRONG_PHASE: in another slot
 * @WIRING_WRONG_BOTH: in another slot and the wrong way round
 * @WIRING_NO_VOLTAGE: the voltage of its slot is missing
 * @WIRING_PERHAPS_NOT_INTEGRATED: a Rogowski coil whose signal is that of one that nobody
 *	integrates; a capacitor would look the same, so this is a question
 * @WIRING_NOT_INTEGRATED: such a coil, beside heaters
 */
enum wiring_verdict {
	WIRING_UNKNOWN,
	WIRING_IN_ORDER,
	WIRING_PERHAPS_REVERSED,
	WIRING_REVERSED,
	WIRING_WRONG_PHASE,
	WIRING_WRONG_BOTH,
	WIRING_NO_VOLTAGE,
	WIRING_PERHAPS_NOT_INTEGRATED,
	WIRING_NOT_INTEGRATED,
};

/**
 * enum wiring_reason - why it cannot be told
 * @WIRING_NONE: it can
 * @WIRING_TOO_SMALL: the load is below its range
 * @WIRING_TOO_SHORT: it was not seen for long enough, or it is not steady
 * @WIRING_TOO_REACTIVE: even in the best position its angle is large
 * @WIRING_AMBIGUOUS: two positions explain it
 * @WIRING_LIKELY: a reversed CT explains it, and nothing else as well; but other mistakes with
 *	a motor would look the same, so it is not said without heaters
 * @WIRING_OUT: energy flows out at the grid
 * @WIRING_UNNAMED: it is on another phase, and nobody has seen the angles between the
 *	voltages that would tell on which one
 * @WIRING_LEADS: it leads by 90 degrees: a capacitor, or a coil that nobody integrates
 */
enum wiring_reason {
	WIRING_NONE,
	WIRING_TOO_SMALL,
	WIRING_TOO_SHORT,
	WIRING_TOO_REACTIVE,
	WIRING_AMBIGUOUS,
	WIRING_LIKELY,
	WIRING_OUT,
	WIRING_UNNAMED,
	WIRING_LEADS,
};

/**
 * enum wiring_rotation - order of the voltages
 * @WIRING_NO_ROTATION: not three phases, or a voltage is missing
 * @WIRING_FORWARD: L1, L2, L3
 * @WIRING_BACKWARD: L1, L3, L2
 * @WIRING_SAME: two voltages are in phase
 */
enum wiring_rotation {
	WIRING_NO_ROTATION,
	WIRING_FORWARD,
	WIRING_BACKWARD,
	WIRING_SAME,
};

/**
 * struct wiring_result - a CT
 * @verdict: what is found
 * @reason: why nothing is found, or only a question
 * @slot: most likely slot
 * @reversed: most likely it is mounted the wrong way round, as the configuration means it
 * @confidence: of this position, 0 to 1
 * @other_slot: slot of the second most likely position
 * @other_reversed: its direction
 * @other_confidence: of it; 0: there is none, or it cannot be named
 * @seconds: for how long the evidence was seen
 * @i_a: RMS current of the fundamental in it, A
 * @phi_deg: angle of each slot's voltage minus that of the current as it is mounted, degrees;
 *	NAN where there is none
 * @pf: cosine of the angle in the most likely position; NAN without evidence
 * @coil_misfit: of a current that is 90 degrees off, how far it is from rising with the order
 *	of the harmonics (coil.h); else NAN
 * @half: a single-phase load of a delta that reads half if it is resistive: wrong slot
 * @swapped: number of the element whose place it has taken, while that has its; -1: none
 */
struct wiring_result {
	enum wiring_verdict verdict;
	enum wiring_reason reason;
	unsigned int slot;
	bool reversed;
	double confidence;
	unsigned int other_slot;
	bool other_reversed;
	double other_confidence;
	double seconds;
	double i_a;
	double phi_deg[READING_PHASES_MAX];
	double pf;
	double coil_misfit;
	bool half;
	int swapped;
};

struct wiring;

/**
 * wiring_create() - begin to observe
 * @w: where to put it
 * @in: the installation; must outlive it; its slots and signs may change with wiring_reset()
 *
 * Return: 0 or -ENOMEM.
 */
int wiring_create(struct wiring **w, const struct installation *in);

/** wiring_destroy() - free; NULL is allowed */
void wiring_destroy(struct wiring *w);

/** wiring_reset() - forget what was seen */
void wiring_reset(struct wiring *w);

/**
 * wiring_assume_voltages() - the angles between the voltages in the windows to come are not
 *	measured, but those of the topology
 */
void wiring_assume_voltages(struct wiring *w);

/** wiring_assumes() - are they? */
bool wiring_assumes(const struct wiring *w);

/** wiring_add() - see a window; allocates nothing */
void wiring_add(struct wiring *w, const struct meter_window *window);

/**
 * wiring_spectra() - see the spectra of a window; allocates nothing
 * @w: the state
 * @r: of the slots, then of the current inputs; NULL, or the same again: nothing is done
 */
void wiring_spectra(struct wiring *w, const struct harmonics_result *r);

/**
 * wiring_result() - what is found of a CT
 * @w: the state
 * @load: index of the load
 * @element: index of its element
 * @resistive: somebody who knows says that the loads are heaters and lamps: then every
 *	position can be told from every other
 * @result: filled in
 */
void wiring_result(const struct wiring *w, unsigned int load, unsigned int element, bool resistive,
		   struct wiring_result *result);

/** wiring_rotation() - order of the voltages */
enum wiring_rotation wiring_rotation(const struct wiring *w);

/** wiring_verdict_name(), wiring_reason_name(), wiring_rotation_name() - for people and JSON */
const char *wiring_verdict_name(enum wiring_verdict verdict);
const char *wiring_reason_name(enum wiring_reason reason);
const char *wiring_rotation_name(enum wiring_rotation rotation);

#endif
