// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From words and percents to the numbers of quality.h, and what the topology says.
 */
#include "quality-config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURED 3

/* Currents in the waveforms of events: those of the first load of role grid, else the first. */
static void choose_captured(struct quality_config *to, const struct installation *in)
{
	unsigned int l;

	to->captured = to->inputs < CAPTURED ? to->inputs : CAPTURED;
	for (l = 0; l < in->loads; l++) {
		if (in->load[l].role != LOAD_GRID || !in->load[l].elements)
			continue;
		to->captured_first = in->load[l].first;
		to->captured = in->load[l].elements;
		return;
	}
}

static void of_topology(struct quality_config *to, const struct topology *t)
{
	to->slots = t->slots;
	if (t->three_phase)
		to->wiring = t->neutral ? QUALITY_STAR : QUALITY_LINE_PAIR;
	/* L12 is twice L1; the high leg is the height of the triangle over its half side */
	if (!strcmp(t->name, "2p+n"))
		to->part[2] = 2.0;
	if (!strcmp(t->name, "high-leg"))
		to->part[2] = sqrt(3.0);
}

bool quality_configure(struct quality_config *to, const struct quality_options *o,
		       const struct installation *in)
{
	quality_defaults(to);
	if (strcmp(o->enabled, "yes"))
		return false;
	of_topology(to, in->topology);
	to->inputs = in->inputs.channels - in->inputs.voltages;
	choose_captured(to, in);
	to->declared_v = in->nominal_v;
	to->mains_hz = in->nominal_hz;
	to->dip = o->dip_percent / 100.0;
	to->swell = o->swell_percent / 100.0;
	to->interruption = o->interruption_percent / 100.0;
	to->hysteresis = o->hysteresis_percent / 100.0;
	to->transient = o->transient_percent / 100.0;
	to->sliding = !strcmp(o->reference, "sliding");
	to->harmonics = !strcmp(o->harmonics, "yes");
	to->flicker = strcmp(o->flicker, "no");
	to->lamp_v = strtod(o->flicker, NULL); /* 0 of "auto" */
	to->state = o->state;
	return true;
}
