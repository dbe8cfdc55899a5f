/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site - what is known of the place before anything is measured: the mains as the device
 * tree describes them (mains.yaml of the bindings, by way of the attributes mains_* of the
 * segment), and the inputs that there are.
 *
 * What the configuration says wins; where it says nothing, this is used.
 */
#ifndef METERD_SITE_H
#define METERD_SITE_H

#include <stdbool.h>

#include "inputs.h"
#include "reading.h"

struct config;

#define SITE_NAME_MAX 64
#define SITE_CONDUCTOR_MAX 16
#define SITE_NOTES_MAX 8
#define SITE_NOTE_BYTES 224

/**
 * struct site_input - a current input
 * @name: "LABEL/CHANNEL", as in the configuration
 * @load: name of the load that it is where the configuration has no loads
 * @number: among those of its module
 */
struct site_input {
	char name[SITE_NAME_MAX];
	char load[SITE_NAME_MAX];
	unsigned int number;
};

/**
 * struct site - all that is known; what is not is 0 or empty
 * @segment: the port whose segment it is
 * @topology: as of [topology] type
 * @nominal_v: as of [quality] nominal_v
 * @nominal_hz: as of [quality] nominal_hz
 * @ratio: of potential transformers, in the scale of the voltages already; 1 without
 * @conductors: entries in @conductor
 * @conductor: names of the conductors, which are labels of the voltage channels
 * @terminals: voltage channels of the module
 * @inputs: entries in @input
 * @input: the current inputs, by module and channel
 */
struct site {
	char segment[SITE_NAME_MAX];
	char topology[SITE_CONDUCTOR_MAX];
	double nominal_v;
	double nominal_hz;
	double ratio;
	unsigned int conductors;
	char conductor[READING_PHASES_MAX][SITE_CONDUCTOR_MAX];
	unsigned int terminals;
	unsigned int inputs;
	struct site_input input[INPUT_CHANNELS_MAX];
};

/**
 * struct site_notes - what contradicts what, for people
 * @count: entries in @text
 * @text: one sentence each
 */
struct site_notes {
	unsigned int count;
	char text[SITE_NOTES_MAX][SITE_NOTE_BYTES];
};

/** site_note() - add a sentence; what is too much is left out */
__attribute__((format(printf, 2, 3))) void site_note(struct site_notes *notes, const char *format,
						     ...);

/**
 * site_read() - look what there is
 * @site: filled in; nothing is known where there is no voltage module
 * @sysfs: "/sys"
 * @config: which devices may be used, and which one has the voltages
 */
void site_read(struct site *site, const char *sysfs, const struct config *config);

/**
 * site_wait() - the same, after waiting for what the configuration leaves open
 * @site: filled in
 * @sysfs: "/sys"
 * @config: without a topology the voltage module is waited for, for ten seconds at most;
 *	without loads CT modules are, without end, until no more come for some seconds
 *
 * Tells the service manager that it waits. Waits for nothing in a context that is not local.
 *
 * Return: false: SIGHUP, which the caller has blocked, came meanwhile, and ended the wait.
 */
bool site_wait(struct site *site, const char *sysfs, const struct config *config);

/**
 * site_compare() - what the configuration contradicts
 * @site: what is known
 * @config: wins
 * @notes: gets a sentence for each contradiction
 */
void site_compare(const struct site *site, const struct config *config, struct site_notes *notes);

#endif
