/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site-check - do the voltages that are measured fit the mains that were described?
 *
 * Angles between the conductors, their voltages and the frequency, over some seconds, against
 * those of the topology and the nominal values. What contradicts is told in words; nothing is
 * changed by it. The order of the phases is no contradiction here (wiring.h tells it).
 *
 * Pure: windows in, sentences out; no time but that of the windows.
 */
#ifndef METERD_SITE_CHECK_H
#define METERD_SITE_CHECK_H

#include "load.h"
#include "meter-window.h"
#include "site.h"

/** Seconds that are looked at together; two of these in a row must say the same */
#define SITE_CHECK_SECONDS 3.0

/**
 * struct site_check - state
 * @in: what is expected
 * @says: who describes the mains, for the sentences: "the device tree"
 * @re: sums of the phasors of the slots against the first that is there, V s
 * @im: imaginary parts
 * @hertz: sum of the frequency, Hz s
 * @seconds: seen
 * @looks: how often all was looked at
 * @found: what the last look found
 * @told: what two looks in a row found
 * @candidate: the sentences of the last look
 * @notes: those of @told
 */
struct site_check {
	const struct installation *in;
	const char *says;
	double re[READING_PHASES_MAX];
	double im[READING_PHASES_MAX];
	double hertz;
	double seconds;
	unsigned int looks;
	unsigned int found;
	unsigned int told;
	struct site_notes candidate;
	struct site_notes notes;
};

/** site_degrees() - angle of a slot's voltage against L1 as the topology means it, degrees */
double site_degrees(const struct topology *t, unsigned int slot);

/** site_check_init() - begin; @in and @says must outlive @c */
void site_check_init(struct site_check *c, const struct installation *in, const char *says);

/**
 * site_check_add() - see a window
 *
 * Return: whether @c->notes are others now.
 */
bool site_check_add(struct site_check *c, const struct meter_window *window);

#endif
