/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario-draft - a scenario on its way from the file to waves: first key by
 * key into a draft (scenario-read.c, scenario-keys.c), then the draft is put
 * together (scenario-modules.c, scenario-signal.c).
 */
#ifndef SIM_SCENARIO_DRAFT_H
#define SIM_SCENARIO_DRAFT_H

#include "replay.h"
#include "scenario.h"

#include <stdio.h>

#define HARMONIC_MAX 40
#define MAPS_MAX 32

/**
 * struct harmonics - harmonics of one section
 * @count: how many
 * @order: order of each
 * @ratio: part of the fundamental
 * @angle: angle when the voltage fundamental of the phase is at its crest, rad
 */
struct harmonics {
	unsigned int count;
	unsigned int order[HARMONIC_MAX];
	double ratio[HARMONIC_MAX];
	double angle[HARMONIC_MAX];
};

struct load_draft {
	char name[SIGNAL_NAME_MAX];
	unsigned int line;
	char inputs[SIGNAL_ELEMENTS_MAX][SIGNAL_NAME_MAX];
	unsigned int input_count;
	unsigned int inputs_line;
	char phases[SIGNAL_ELEMENTS_MAX][SIGNAL_NAME_MAX];
	unsigned int phase_count;
	unsigned int phases_line;
	double current_a[SIGNAL_ELEMENTS_MAX];
	unsigned int current_count;
	char pf[SIGNAL_ELEMENTS_MAX][SIGNAL_NAME_MAX];
	unsigned int pf_count;
	struct harmonics harmonics;
	struct profile steps;
	bool reversed;
};

/* Kinds of modules: which keys they take. */
enum {
	OPEN = 1,
	BOX = 2,
	BEHIND = 4,
	INPUT = 8,
	OUTPUT = 16,
	ALL = OPEN | BOX | BEHIND | INPUT | OUTPUT,
	KINDS = 5,
};

/**
 * struct stray - a key that a kind of modules does not take
 * @name: the first one in the section, NULL for none
 * @line: its line
 */
struct stray {
	const char *name;
	unsigned int line;
};

struct module_draft {
	struct scenario_module m;
	unsigned int line;
	unsigned int terminals; /* of a voltage module; 0: those of the mains */
	double full_scale[SMAPPEE_CHANNELS_MAX];
	unsigned int full_scale_count;
	char behind[SIGNAL_NAME_MAX];
	unsigned int behind_line;
	unsigned int slots;
	unsigned int slots_line;
	bool has_entry;
	bool has_sensor;
	uint16_t model;
	struct stray stray[KINDS];
};

struct map {
	char to[SIGNAL_NAME_MAX];
	char column[16];
	unsigned int line;
};

/**
 * struct draft - the file, key by key
 * @s: the scenario being made
 * @path: name of the file
 * @in: the open file
 * @line: number of the line being read
 * @long_line: number of the line that is too long and ended the reading, 0 for none
 * @error: one line, empty as long as all is well
 * @seen: "section key" strings read so far, each ended by a newline
 */
struct draft {
	struct scenario *s;
	const char *path;
	FILE *in;
	unsigned int line;
	unsigned int long_line;
	char *error;
	char *seen;
	size_t seen_len;
	double voltage_v[SIGNAL_PHASES_MAX];
	unsigned int voltage_count;
	unsigned int voltage_line;
	struct harmonics mains;
	unsigned int loads;
	struct load_draft load[SIGNAL_LOADS_MAX];
	unsigned int modules;
	struct module_draft module[SCENARIO_MODULES_MAX];
	char replay_file[256];
	unsigned int replay_line;
	long replay_cycles;
	unsigned int maps;
	struct map map[MAPS_MAX];
	struct replay replay;
};

struct place {
	struct draft *d;
	struct load_draft *load;
	struct module_draft *module;
	const char *argument;
};

/**
 * struct key - one row of the table of keys
 * @section: "segment", "mains", "module", "load", "replay"
 * @name: the key; one that ends in a dot takes an argument after it
 * @take: parses the value, false when it is not allowed
 * @allowed: what is, for the error message
 * @kinds: kinds of modules that take it, of keys of modules
 */
struct key {
	const char *section;
	const char *name;
	bool (*take)(struct place *p, const char *value);
	const char *allowed;
	unsigned int kinds;
};

/** draft_fail() - say what is wrong in @line, unless something was before. Return: -EINVAL */
__attribute__((format(printf, 3, 4))) int draft_fail(struct draft *d, unsigned int line,
						     const char *format, ...);

/**
 * draft_key() - the row of the table of keys
 * @kind: name of the section, without that of the thing
 * @name: the key
 * @argument: gets what follows the dot
 *
 * Return: the row, NULL for none.
 */
const struct key *draft_key(const char *kind, const char *name, const char **argument);

/** draft_unknown_key() - say that there is no such key, and which there are */
void draft_unknown_key(struct draft *d, const char *section, const char *kind, const char *name);

/** draft_read() - read the file at @d->path. Return: 0 or a negative error number */
int draft_read(struct draft *d);

/** draft_make_modules() - check the modules and add them to the scenario */
int draft_make_modules(struct draft *d);

/** draft_load_replay() - read the recording, if there is one; @data as of scenario_load() */
int draft_load_replay(struct draft *d, const char *data);

/** draft_make_signal() - mains and loads to waves */
int draft_make_signal(struct draft *d);

/** draft_is_voltage() - do its channels measure voltages? */
static inline bool draft_is_voltage(const struct scenario_module *m)
{
	return m->type == SMAPPEE_TYPE_OPEN_VOLTAGE || m->type == SMAPPEE_TYPE_POWER_BOX;
}

#endif
