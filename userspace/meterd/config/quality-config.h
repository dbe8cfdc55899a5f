/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quality-config - section [quality] of the configuration.
 */
#ifndef METERD_QUALITY_CONFIG_H
#define METERD_QUALITY_CONFIG_H

#include "load.h"
#include "quality.h"

/**
 * struct quality_options - section [quality]; it applies whether it is there or not
 * @enabled: "yes" or "no"
 * @nominal_v: declared voltage of the first slot, V; 0: learned
 * @nominal_hz: 50 or 60; 0: learned
 * @harmonics: "yes" or "no"
 * @flicker: "auto", "230", "120" or "no"
 * @reference: "declared" or "sliding"
 * @dip_percent: thresholds, % of the reference
 * @swell_percent: likewise
 * @interruption_percent: likewise
 * @hysteresis_percent: likewise
 * @transient_percent: likewise, of its peak
 * @state: file of the weekly verdict, or NULL
 */
struct quality_options {
	char *enabled;
	double nominal_v;
	double nominal_hz;
	char *harmonics;
	char *flicker;
	char *reference;
	double dip_percent;
	double swell_percent;
	double interruption_percent;
	double hysteresis_percent;
	double transient_percent;
	char *state;
};

/**
 * quality_configure() - what power quality needs to know
 * @to: filled in, but for the rate and the functions
 * @o: options; must outlive @to
 * @in: the installation
 *
 * Return: false when power quality is off.
 */
bool quality_configure(struct quality_config *to, const struct quality_options *o,
		       const struct installation *in);

#endif
