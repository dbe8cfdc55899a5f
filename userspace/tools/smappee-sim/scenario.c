// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reader of scenarios. The file is first taken key by key into a draft, each
 * value checked against its row of the key table; then the draft is put together
 * to waves, and what only shows then (an input that does not exist or is used
 * twice) is reported with the line that it came from.
 */
#include "scenario.h"

#include "field.h"
#include "replay.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HARMONIC_MAX 40
#define MAPS_MAX 32
#define LINE_MAX_LEN 199

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
	ALL = OPEN | BOX | BEHIND,
	KINDS = 3,
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

__attribute__((format(printf, 3, 4))) static int fail(struct draft *d, unsigned int line,
						      const char *format, ...)
{
	int used;
	va_list ap;

	if (d->error[0])
		return -EINVAL;
	used = snprintf(d->error, SCENARIO_ERROR_MAX, "%s:%u: ", d->path, line);
	if (used < 0 || used >= SCENARIO_ERROR_MAX)
		return -EINVAL;
	va_start(ap, format);
	vsnprintf(d->error + used, SCENARIO_ERROR_MAX - (size_t)used, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* [segment] */

static bool take_bit_rate(struct place *p, const char *value)
{
	return field_number(value, 1200, 20e6, &p->d->s->bit_rate);
}

static bool take_turnaround(struct place *p, const char *value)
{
	double us;

	if (!field_number(value, 0, 2000, &us))
		return false;
	p->d->s->turnaround_s = us * 1e-6;
	return true;
}

static bool take_seed(struct place *p, const char *value)
{
	long seed;

	if (!field_whole(value, 0, INT32_MAX, &seed))
		return false;
	p->d->s->seed = (uint64_t)seed;
	return true;
}

static bool take_rate(struct place *p, const char *value)
{
	long hz;

	if (!field_whole(value, 2000, 8000, &hz) || (hz != 2000 && hz != 4000 && hz != 8000))
		return false;
	p->d->s->rate_hz = (unsigned int)hz;
	return true;
}

static bool take_depth(struct place *p, const char *value)
{
	double ms;

	if (!field_number(value, 250, 4000, &ms))
		return false;
	p->d->s->depth_s = ms * 1e-3;
	return true;
}

static bool take_first_index(struct place *p, const char *value)
{
	long index;

	if (!field_whole(value, 0, UINT32_MAX, &index))
		return false;
	p->d->s->first_index = (uint32_t)index;
	return true;
}

/* [mains] */

static bool take_topology(struct place *p, const char *value)
{
	p->d->s->signal.phases = !strcmp(value, "1p") ? 1 : 3;
	return !strcmp(value, "1p") || !strcmp(value, "3p+n");
}

static bool take_frequency(struct place *p, const char *value)
{
	return field_number(value, 40, 70, &p->d->s->signal.frequency_hz);
}

static bool take_voltage(struct place *p, const char *value)
{
	p->d->voltage_line = p->d->line;
	return field_numbers(value, 0, 1000, SIGNAL_PHASES_MAX, p->d->voltage_v,
			     &p->d->voltage_count);
}

static bool take_harmonic(struct harmonics *h, const char *order, const char *value)
{
	long number;

	if (h->count == HARMONIC_MAX || !field_whole(order, 2, HARMONIC_MAX, &number))
		return false;
	h->order[h->count] = (unsigned int)number;
	if (!field_harmonic(value, &h->ratio[h->count], &h->angle[h->count]))
		return false;
	h->count++;
	return true;
}

static bool take_mains_harmonic(struct place *p, const char *value)
{
	return take_harmonic(&p->d->mains, p->argument, value);
}

/* [module NAME] */

static bool take_type(struct place *p, const char *value)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned int channels;
	} types[] = {
		{ "voltage", SMAPPEE_TYPE_OPEN_VOLTAGE, 0 },
		{ "ct_hub", SMAPPEE_TYPE_OPEN_CT_HUB, 4 },
		{ "solid_core", SMAPPEE_TYPE_OPEN_SOLID_CORE, 3 },
		{ "power_box", SMAPPEE_TYPE_POWER_BOX, 0 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, value))
			continue;
		p->module->m.type = types[i].type;
		p->module->m.channels = types[i].channels;
		return true;
	}
	return false;
}

static bool take_unit(struct place *p, const char *value)
{
	long unit;

	if (!field_whole(value, SMAPPEE_UNIT_MIN, SMAPPEE_UNIT_MAX, &unit))
		return false;
	p->module->m.unit = (uint8_t)unit;
	return true;
}

static bool take_serial(struct place *p, const char *value)
{
	long serial;

	if (!field_whole(value, 1, 999999, &serial))
		return false;
	p->module->m.serial = (uint32_t)serial;
	return true;
}

static bool take_firmware(struct place *p, const char *value)
{
	unsigned int major, minor;
	int used = 0;

	if (sscanf(value, "%u.%u%n", &major, &minor, &used) != 2 || value[used] ||
	    major > UINT16_MAX || minor > UINT16_MAX)
		return false;
	p->module->m.fw_major = (uint16_t)major;
	p->module->m.fw_minor = (uint16_t)minor;
	return true;
}

static bool take_crystal(struct place *p, const char *value)
{
	return field_number(value, -200, 200, &p->module->m.crystal_ppm);
}

static bool take_wander(struct place *p, const char *value)
{
	return field_number(value, 0, 5, &p->module->m.wander_ppm);
}

static bool take_wander_period(struct place *p, const char *value)
{
	return field_number(value, 10, 1e6, &p->module->m.wander_period_s);
}

static bool take_capture(struct place *p, const char *value)
{
	return field_number(value, 0, 1000, &p->module->m.capture_ns);
}

static bool take_noise(struct place *p, const char *value)
{
	return field_number(value, 0, 1000, &p->module->m.noise_lsb);
}

static bool take_full_scale(struct place *p, const char *value)
{
	return field_numbers(value, 0.001, 100000, SMAPPEE_CHANNELS_MAX, p->module->full_scale,
			     &p->module->full_scale_count);
}

static bool take_sensor(struct place *p, const char *value)
{
	long sensor;

	if (!field_whole(value, 0, UINT16_MAX, &sensor))
		return false;
	p->module->m.sensor = (uint16_t)sensor;
	p->module->has_sensor = true;
	return true;
}

static bool take_reference(struct place *p, const char *value)
{
	return field_yes(value, &p->module->m.reference);
}

/* [module NAME] of a Power Box, and behind one */

static bool take_behind(struct place *p, const char *value)
{
	p->module->behind_line = p->d->line;
	snprintf(p->module->behind, sizeof(p->module->behind), "%s", value);
	return *value && strlen(value) < sizeof(p->module->behind);
}

static bool take_entry(struct place *p, const char *value)
{
	long entry;

	if (!field_whole(value, 0, SMAPPEE_PB_ENTRIES - 1, &entry))
		return false;
	p->module->m.entry = (unsigned int)entry;
	p->module->has_entry = true;
	return true;
}

/* A list of slot numbers, at most @most. */
static bool take_slot_numbers(const char *value, unsigned int most, uint16_t *out,
			      unsigned int *count)
{
	double number[SMAPPEE_PB_SLOTS];

	if (!field_numbers(value, 0, SMAPPEE_PB_SLOTS - 1, most, number, count))
		return false;
	for (unsigned int i = 0; i < *count; i++) {
		if (number[i] != floor(number[i]))
			return false;
		out[i] = (uint16_t)number[i];
	}
	return true;
}

static bool take_slots(struct place *p, const char *value)
{
	p->module->slots_line = p->d->line;
	return take_slot_numbers(value, SMAPPEE_PB_ENTRY_SLOTS_MAX, p->module->m.slot,
				 &p->module->slots);
}

static bool take_model(struct place *p, const char *value)
{
	long model;

	if (!field_whole(value, 1, 9999, &model))
		return false;
	p->module->model = (uint16_t)model;
	return true;
}

static bool take_slot_map(struct place *p, const char *value)
{
	struct scenario_box *b = &p->module->m.box;

	return take_slot_numbers(value, SMAPPEE_PB_CHANNELS, b->slot_map, &b->slot_map_count);
}

static bool take_wired(struct place *p, const char *value)
{
	char name[SIGNAL_PHASES_MAX][SIGNAL_NAME_MAX];
	unsigned int count;

	if (!field_names(value, SIGNAL_PHASES_MAX, SIGNAL_NAME_MAX, name[0], &count))
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (name[i][0] != 'L' || name[i][1] < '1' || name[i][1] > '3' || name[i][2])
			return false;
		p->module->m.box.wired |= 1u << (name[i][1] - '1');
	}
	return true;
}

static bool take_phantom(struct place *p, const char *value)
{
	long mode;

	if (!field_whole(value, 0, SMAPPEE_PB_PHANTOM_STAR, &mode))
		return false;
	p->module->m.box.phantom = (uint16_t)mode;
	return true;
}

static bool take_commissioned(struct place *p, const char *value)
{
	return field_yes(value, &p->module->m.box.commissioned);
}

static bool take_box_turnaround(struct place *p, const char *value)
{
	double us;

	if (!field_number(value, 0, 100000, &us))
		return false;
	p->module->m.box.turnaround_s = us * 1e-6;
	return true;
}

static bool take_busy(struct place *p, const char *value)
{
	double ms;

	if (!field_number(value, 0, 10000, &ms))
		return false;
	p->module->m.box.busy_s = ms * 1e-3;
	return true;
}

/* [load NAME] */

static bool take_inputs(struct place *p, const char *value)
{
	p->load->inputs_line = p->d->line;
	return field_names(value, SIGNAL_ELEMENTS_MAX, SIGNAL_NAME_MAX, p->load->inputs[0],
			   &p->load->input_count);
}

static bool take_phases(struct place *p, const char *value)
{
	p->load->phases_line = p->d->line;
	return field_names(value, SIGNAL_ELEMENTS_MAX, SIGNAL_NAME_MAX, p->load->phases[0],
			   &p->load->phase_count);
}

static bool take_current(struct place *p, const char *value)
{
	return field_numbers(value, -10000, 10000, SIGNAL_ELEMENTS_MAX, p->load->current_a,
			     &p->load->current_count);
}

static bool take_power_factor(struct place *p, const char *value)
{
	double angle;

	if (!field_names(value, SIGNAL_ELEMENTS_MAX, SIGNAL_NAME_MAX, p->load->pf[0],
			 &p->load->pf_count))
		return false;
	for (unsigned int i = 0; i < p->load->pf_count; i++)
		if (!field_power_factor(p->load->pf[i], &angle))
			return false;
	return true;
}

static bool take_load_harmonic(struct place *p, const char *value)
{
	return take_harmonic(&p->load->harmonics, p->argument, value);
}

static bool take_steps(struct place *p, const char *value)
{
	return field_steps(value, &p->load->steps);
}

static bool take_reversed(struct place *p, const char *value)
{
	return field_yes(value, &p->load->reversed);
}

/* [replay] */

static bool take_file(struct place *p, const char *value)
{
	p->d->replay_line = p->d->line;
	snprintf(p->d->replay_file, sizeof(p->d->replay_file), "%s", value);
	return *value && strlen(value) < sizeof(p->d->replay_file);
}

static bool take_cycles(struct place *p, const char *value)
{
	return field_whole(value, 1, 10000, &p->d->replay_cycles);
}

static bool take_map(struct place *p, const char *value)
{
	struct map *m = &p->d->map[p->d->maps];

	if (p->d->maps == MAPS_MAX || !*value || strlen(value) >= sizeof(m->column) ||
	    strlen(p->argument) >= sizeof(m->to))
		return false;
	snprintf(m->to, sizeof(m->to), "%s", p->argument);
	snprintf(m->column, sizeof(m->column), "%s", value);
	m->line = p->d->line;
	p->d->maps++;
	return true;
}

#define HARMONIC_ALLOWED "harmonic.2 to harmonic.40 = PERCENT % @ DEGREES, for example 24 % @ -10"

static const struct key keys[] = {
	{ "segment", "bit_rate", take_bit_rate, "1200 to 20000000 bits per second", 0 },
	{ "segment", "turnaround_us", take_turnaround, "0 to 2000 microseconds", 0 },
	{ "segment", "seed", take_seed, "a whole number from 0 to 2147483647", 0 },
	{ "segment", "rate_hz", take_rate, "2000, 4000 or 8000", 0 },
	{ "segment", "depth_ms", take_depth, "250 to 4000 milliseconds", 0 },
	{ "segment", "first_index", take_first_index, "a whole number from 0 to 4294967295", 0 },
	{ "mains", "topology", take_topology, "1p or 3p+n", 0 },
	{ "mains", "frequency_hz", take_frequency, "40 to 70 Hz", 0 },
	{ "mains", "voltage_v", take_voltage, "one RMS voltage or one per phase, 0 to 1000 V", 0 },
	{ "mains", "harmonic.", take_mains_harmonic, HARMONIC_ALLOWED, 0 },
	{ "module", "type", take_type, "voltage, ct_hub, solid_core or power_box", ALL },
	{ "module", "unit", take_unit, "an address from 1 to 247", OPEN | BOX },
	{ "module", "serial", take_serial, "a whole number from 1 to 999999", ALL },
	{ "module", "firmware", take_firmware, "MAJOR.MINOR, for example 1.7", ALL },
	{ "module", "crystal_ppm", take_crystal, "-200 to 200 ppm", OPEN },
	{ "module", "wander_ppm", take_wander, "0 to 5 ppm", OPEN },
	{ "module", "wander_period_s", take_wander_period, "10 to 1000000 s", OPEN },
	{ "module", "capture_ns", take_capture, "0 to 1000 ns", OPEN },
	{ "module", "noise_lsb", take_noise, "0 to 1000 LSB RMS", OPEN },
	{ "module", "full_scale", take_full_scale,
	  "one peak value or one per channel, 0.001 to 100000 V or A", OPEN },
	{ "module", "sensor", take_sensor, "a CT type code from 0 to 65535", OPEN | BEHIND },
	{ "module", "reference", take_reference, "yes or no", OPEN },
	{ "module", "behind", take_behind, "the name of the Power Box", BEHIND },
	{ "module", "entry", take_entry, "an entry of the device table, 0 to 9", BEHIND },
	{ "module", "slots", take_slots, "the slot of each input, 0 to 27, at most 21", BEHIND },
	{ "module", "model", take_model, "another type code, 1 to 9999", BEHIND },
	{ "module", "slot_map", take_slot_map, "the slot of each channel, 0 to 27, at most 28",
	  BOX },
	{ "module", "wired", take_wired, "phases: L1, L2, L3", BOX },
	{ "module", "phantom", take_phantom, "0 to 3", BOX },
	{ "module", "commissioned", take_commissioned, "yes or no", BOX },
	{ "module", "turnaround_us", take_box_turnaround, "0 to 100000 microseconds", BOX },
	{ "module", "busy_ms", take_busy, "0 to 10000 milliseconds", BOX },
	{ "load", "inputs", take_inputs, "one to three inputs, for example hub1/A, hub1/B", 0 },
	{ "load", "phases", take_phases, "one phase per input: L1, L2 or L3", 0 },
	{ "load", "current_a", take_current,
	  "RMS of the fundamental, one or one per input, A; negative for export", 0 },
	{ "load", "pf", take_power_factor,
	  "displacement power factor, one or one per input: 0 to 1, lag or lead", 0 },
	{ "load", "harmonic.", take_load_harmonic, HARMONIC_ALLOWED, 0 },
	{ "load", "steps", take_steps,
	  "SECONDS:AMPERES, ... with rising seconds, optionally repeat SECONDS at the end", 0 },
	{ "load", "reversed", take_reversed, "yes or no", 0 },
	{ "replay", "file", take_file, "name of a CSV, below 256 characters", 0 },
	{ "replay", "cycles", take_cycles, "whole mains cycles in the recording, 1 to 10000", 0 },
	{ "replay", "voltage.", take_map, "voltage.L1 = COLUMN, at most 15 characters", 0 },
	{ "replay", "current.", take_map, "current.hub1/A = COLUMN, at most 15 characters", 0 },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const struct key *find_key(const char *kind, const char *name, const char **argument)
{
	for (size_t i = 0; i < KEYS; i++) {
		size_t len = strlen(keys[i].name);
		bool dotted = keys[i].name[len - 1] == '.';

		if (strcmp(keys[i].section, kind))
			continue;
		if (dotted ? strncmp(keys[i].name, name, len) : strcmp(keys[i].name, name))
			continue;
		*argument = name + len;
		return &keys[i];
	}
	return NULL;
}

static void unknown_key(struct draft *d, const char *section, const char *kind, const char *name)
{
	char known[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].section, kind) && len < sizeof(known))
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						len ? ", " : "", keys[i].name);
	if (!len)
		fail(d, d->line,
		     "[%s]: unknown section; known: segment, mains, module NAME, "
		     "load NAME, replay",
		     section);
	else
		fail(d, d->line, "[%s] %s: unknown key; known: %s", section, name, known);
}

/* Remember "section key"; false if it was there before. */
static bool first_time(struct draft *d, const char *section, const char *name)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "\n%s\t%s\n", section, name);
	char *more;

	if (d->seen && strstr(d->seen, text))
		return false;
	more = realloc(d->seen, d->seen_len + (size_t)len + 1);
	if (!more)
		return true;
	d->seen = more;
	memcpy(d->seen + d->seen_len, text, (size_t)len + 1);
	d->seen_len += (size_t)len;
	return true;
}

static struct load_draft *load_named(struct draft *d, const char *name)
{
	struct load_draft *l;

	for (unsigned int i = 0; i < d->loads; i++)
		if (!strcmp(d->load[i].name, name))
			return &d->load[i];
	if (d->loads == SIGNAL_LOADS_MAX || strlen(name) >= SIGNAL_NAME_MAX) {
		fail(d, d->line,
		     "[load %s]: too many loads (at most %d) or a name of more than %d "
		     "characters",
		     name, SIGNAL_LOADS_MAX, SIGNAL_NAME_MAX - 1);
		return NULL;
	}
	l = &d->load[d->loads++];
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->line = d->line;
	return l;
}

static struct module_draft *module_named(struct draft *d, const char *name)
{
	struct module_draft *m;

	for (unsigned int i = 0; i < d->modules; i++)
		if (!strcmp(d->module[i].m.name, name))
			return &d->module[i];
	if (d->modules == SCENARIO_MODULES_MAX || strlen(name) > 32) {
		fail(d, d->line,
		     "[module %s]: too many modules (at most %d) or a name of more than "
		     "32 characters",
		     name, SCENARIO_MODULES_MAX);
		return NULL;
	}
	m = &d->module[d->modules++];
	snprintf(m->m.name, sizeof(m->m.name), "%s", name);
	m->line = d->line;
	m->m.box.commissioned = true;
	m->m.box.turnaround_s = 3e-3;
	m->m.box.busy_s = 0.2;
	m->m.noise_lsb = 0.5;
	m->m.capture_ns = 10;
	m->m.wander_period_s = 600;
	m->m.reference = true;
	return m;
}

/* Split "load heat pump" and find the draft of the thing. */
static bool find_place(struct draft *d, const char *section, char kind[16], struct place *p)
{
	const char *blank = strchr(section, ' ');
	size_t len = blank ? (size_t)(blank - section) : strlen(section);
	const char *name = blank ? blank + strspn(blank, " ") : "";

	snprintf(kind, 16, "%.*s", len < 16 ? (int)len : 15, section);
	p->d = d;
	if (!strcmp(kind, "load") && *name)
		p->load = load_named(d, name);
	else if (!strcmp(kind, "module") && *name)
		p->module = module_named(d, name);
	else if (!strcmp(kind, "load") || !strcmp(kind, "module"))
		fail(d, d->line, "[%s]: the name is missing; write [%s NAME]", section, kind);
	else if (*name)
		fail(d, d->line, "[%s]: unknown section; only module and load have names", section);
	return !d->error[0];
}

/* Which kind the module is shows only at the end of its section. */
static void note_strays(const struct key *k, struct module_draft *m, unsigned int line)
{
	for (unsigned int kind = 0; kind < KINDS; kind++)
		if (!(k->kinds & 1u << kind) && !m->stray[kind].name)
			m->stray[kind] = (struct stray){ k->name, line };
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct draft *d = user;
	struct place p = { 0 };
	const struct key *k;
	char kind[16];

	if (d->error[0] || !find_place(d, section, kind, &p))
		return 0;
	k = find_key(kind, name, &p.argument);
	if (!k)
		unknown_key(d, section, kind, name);
	else if (!first_time(d, section, name))
		fail(d, d->line, "[%s] %s: given twice; keep one", section, name);
	else if (!k->take(&p, value))
		fail(d, d->line, "[%s] %s = %s: not allowed; give %s", section, name, value,
		     k->allowed);
	else if (p.module)
		note_strays(k, p.module, d->line);
	return !d->error[0];
}

/* inih's own line counter is not handed to the handler in Debian's build. */
static char *next_line(char *text, int size, void *user)
{
	struct draft *d = user;
	char *got = fgets(text, size, d->in);

	if (!got)
		return NULL;
	d->line++;
	if (strlen(text) + 1 == (size_t)size && !strchr(text, '\n')) {
		d->long_line = d->line;
		return NULL;
	}
	return got;
}

static int read_file(struct draft *d)
{
	int ret;

	d->in = fopen(d->path, "re");
	if (!d->in) {
		ret = -errno;
		snprintf(d->error, SCENARIO_ERROR_MAX, "%s: %s", d->path, strerror(-ret));
		return ret;
	}
	ret = ini_parse_stream(next_line, d, take, d);
	fclose(d->in);
	if (d->long_line)
		fail(d, d->long_line, "line longer than %d characters", LINE_MAX_LEN - 1);
	else if (ret > 0)
		fail(d, (unsigned int)ret, "neither [section] nor key = value");
	return d->error[0] ? -EINVAL : 0;
}

static int check_strays(struct draft *d, const struct module_draft *m)
{
	static const char *const kinds[KINDS] = { "an open module", "a Power Box",
						  "a module behind a Power Box" };
	unsigned int kind = m->behind[0] ? 2 : m->m.type == SMAPPEE_TYPE_POWER_BOX ? 1 : 0;

	if (!m->stray[kind].name)
		return 0;
	return fail(d, m->stray[kind].line, "[module %s] %s: %s has no such key; remove it",
		    m->m.name, m->stray[kind].name, kinds[kind]);
}

static int check_rails(struct draft *d, struct module_draft *m)
{
	struct scenario_module *out = &m->m;

	if (!m->full_scale_count)
		return fail(d, m->line, "[module %s]: full_scale is missing", out->name);
	if (m->full_scale_count != 1 && m->full_scale_count != out->channels)
		return fail(d, m->line,
			    "[module %s] full_scale: %u values for %u channels; give 1 "
			    "or %u",
			    out->name, m->full_scale_count, out->channels, out->channels);
	for (unsigned int c = 0; c < out->channels; c++)
		out->full_scale[c] = m->full_scale[m->full_scale_count == 1 ? 0 : c];
	return 0;
}

static int check_box(struct draft *d, struct module_draft *m)
{
	unsigned int all = (1u << d->s->signal.phases) - 1;

	if (!m->m.box.wired)
		m->m.box.wired = all;
	if (m->m.box.wired & ~all)
		return fail(d, m->line, "[module %s] wired: this topology has only L1", m->m.name);
	m->m.reference = false;
	m->m.channels = d->s->signal.phases;
	return 0;
}

static int find_box(struct draft *d, struct module_draft *m)
{
	for (unsigned int i = 0; i < d->modules; i++) {
		if (strcmp(d->module[i].m.name, m->behind))
			continue;
		if (d->module[i].m.type != SMAPPEE_TYPE_POWER_BOX)
			break;
		m->m.behind = i + 1;
		return 0;
	}
	return fail(d, m->behind_line, "[module %s] behind = %s: no such module of type power_box",
		    m->m.name, m->behind);
}

/* No entry and no slot of a Power Box belongs to two modules. */
static int check_neighbours(struct draft *d, const struct module_draft *m)
{
	for (const struct module_draft *o = d->module; o < m; o++) {
		if (o->m.behind != m->m.behind)
			continue;
		if (o->m.entry == m->m.entry)
			return fail(d, m->line,
				    "[module %s] entry = %u: module %s has it already; give "
				    "another",
				    m->m.name, m->m.entry, o->m.name);
		for (unsigned int i = 0; i < m->m.channels; i++)
			for (unsigned int k = 0; k < o->m.channels; k++)
				if (m->m.slot[i] == o->m.slot[k])
					return fail(d, m->slots_line,
						    "[module %s] slots: module %s has slot %u "
						    "already; give another",
						    m->m.name, o->m.name, m->m.slot[i]);
	}
	return 0;
}

static int check_behind(struct draft *d, struct module_draft *m)
{
	struct scenario_module *out = &m->m;
	bool hub = out->type == SMAPPEE_TYPE_OPEN_CT_HUB;

	if (!hub && out->type != SMAPPEE_TYPE_OPEN_SOLID_CORE)
		return fail(d, m->behind_line,
			    "[module %s] behind = %s: only CT hubs and solid cores are behind a "
			    "Power Box",
			    out->name, m->behind);
	if (!m->has_entry)
		return fail(d, m->line, "[module %s]: entry is missing", out->name);
	if (!m->slots)
		return fail(d, m->line, "[module %s]: slots is missing", out->name);
	if (!m->has_sensor)
		out->sensor = hub ? SMAPPEE_PB_CT_SCT02_50A : SMAPPEE_PB_CT_CLOSED;
	if (out->sensor >= SMAPPEE_PB_CT_TYPES)
		return fail(d, m->line, "[module %s] sensor = %u: a Power Box knows 0 to 15",
			    out->name, out->sensor);
	out->type = m->model ? m->model : hub ? SMAPPEE_TYPE_CT_HUB : SMAPPEE_TYPE_SOLID_CORE;
	out->channels = m->slots;
	out->reference = false;
	return find_box(d, m) ? -EINVAL : check_neighbours(d, m);
}

static int check_module(struct draft *d, struct module_draft *m)
{
	struct scenario_module *out = &m->m;
	bool box = out->type == SMAPPEE_TYPE_POWER_BOX;

	if (!out->type)
		return fail(d, m->line, "[module %s]: type is missing", out->name);
	if (check_strays(d, m))
		return -EINVAL;
	if (box && !out->unit)
		out->unit = SMAPPEE_PB_UNIT;
	if (!out->unit && !m->behind[0])
		return fail(d, m->line, "[module %s]: unit is missing", out->name);
	if (!out->serial)
		return fail(d, m->line, "[module %s]: serial is missing", out->name);
	if (!out->fw_major && !out->fw_minor) {
		out->fw_major = 1;
		out->fw_minor = box ? 76 : 0;
	}
	if (box)
		return check_box(d, m);
	if (m->behind[0])
		return check_behind(d, m);
	if (out->type == SMAPPEE_TYPE_OPEN_VOLTAGE)
		out->channels = d->s->signal.phases;
	else
		out->reference = false;
	return check_rails(d, m);
}

static int make_modules(struct draft *d)
{
	struct scenario *s = d->s;
	bool reference = false;

	if (!d->modules)
		return fail(d, d->line, "no module; add a [module NAME]");
	for (unsigned int i = 0; i < d->modules; i++) {
		struct module_draft *m = &d->module[i];

		if (check_module(d, m))
			return -EINVAL;
		for (unsigned int k = 0; k < i; k++)
			if (m->m.unit && d->module[k].m.unit == m->m.unit)
				return fail(d, m->line,
					    "[module %s] unit = %u: module %s has it "
					    "already; give another",
					    m->m.name, m->m.unit, d->module[k].m.name);
		/* One voltage module is enough to start the segment's time. */
		m->m.reference &= !reference;
		reference |= m->m.reference;
		s->module[s->modules++] = m->m;
	}
	return 0;
}

static bool is_voltage(const struct scenario_module *m)
{
	return m->type == SMAPPEE_TYPE_OPEN_VOLTAGE || m->type == SMAPPEE_TYPE_POWER_BOX;
}

static bool input_exists(const struct draft *d, const char *input)
{
	for (unsigned int i = 0; i < d->modules; i++) {
		const struct scenario_module *m = &d->module[i].m;

		for (unsigned int c = 0; c < m->channels; c++) {
			char name[SIGNAL_NAME_MAX + 8], channel[4];

			if (is_voltage(m))
				continue;
			scenario_channel_name(m, c, channel);
			snprintf(name, sizeof(name), "%s/%s", m->name, channel);
			if (!strcmp(name, input))
				return true;
		}
	}
	return false;
}

static const struct map *find_map(const struct draft *d, const char *to)
{
	for (unsigned int i = 0; i < d->maps; i++)
		if (!strcmp(d->map[i].to, to))
			return &d->map[i];
	return NULL;
}

static int make_harmonics(const struct harmonics *h, double peak, double turn, double sign,
			  struct wave *w)
{
	int ret = 0;

	for (unsigned int i = 0; i < h->count && !ret; i++)
		ret = wave_add(w, h->order[i], peak * h->ratio[i] * sign,
			       h->order[i] * turn + h->angle[i]);
	return ret;
}

static double phase_turn(unsigned int phase)
{
	return -2 * M_PI / 3 * phase;
}

static int make_replayed(struct draft *d, const struct map *m, struct wave *w)
{
	int ret = replay_wave(&d->replay, m->column, (unsigned int)d->replay_cycles,
			      WAVE_BANDWIDTH * 8000, w);

	if (ret == -ENOENT)
		return fail(d, m->line, "[replay] %s = %s: %s has no such column", m->to, m->column,
			    d->replay_file);
	return ret;
}

static int make_mains(struct draft *d)
{
	struct signal *s = &d->s->signal;

	if (!d->replay_file[0] && d->voltage_count != 1 && d->voltage_count != s->phases)
		return fail(d, d->voltage_line ? d->voltage_line : d->line,
			    "[mains] voltage_v: %u values for %u phases; give 1 or %u",
			    d->voltage_count, s->phases, s->phases);
	for (unsigned int p = 0; p < s->phases; p++) {
		struct wave *w = &s->mains[p];
		double peak = M_SQRT2 * d->voltage_v[d->voltage_count == 1 ? 0 : p];
		const char name[] = { 'L', (char)('1' + p), '\0' };
		const struct map *m = find_map(d, name);
		int ret;

		if (d->replay_file[0]) {
			if (!m)
				return fail(d, d->replay_line, "[replay]: voltage.%s is missing",
					    name);
			ret = make_replayed(d, m, w);
		} else {
			w->base_hz = s->frequency_hz;
			w->fundamental = 1;
			ret = wave_add(w, 1, peak, phase_turn(p));
			if (!ret)
				ret = make_harmonics(&d->mains, peak, phase_turn(p), 1, w);
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int check_load(struct draft *d, struct load_draft *l)
{
	if (!l->input_count)
		return fail(d, l->line, "[load %s]: inputs is missing", l->name);
	if (l->phase_count != l->input_count)
		return fail(d, l->phases_line ? l->phases_line : l->line,
			    "[load %s] phases: %u phases for %u inputs; give one each", l->name,
			    l->phase_count, l->input_count);
	if (l->current_count > 1 && l->current_count != l->input_count)
		return fail(d, l->line, "[load %s] current_a: %u values for %u inputs", l->name,
			    l->current_count, l->input_count);
	if (l->pf_count > 1 && l->pf_count != l->input_count)
		return fail(d, l->line, "[load %s] pf: %u values for %u inputs", l->name,
			    l->pf_count, l->input_count);
	if (!l->current_count && !l->steps.steps && !d->replay_file[0])
		return fail(d, l->line, "[load %s]: current_a is missing", l->name);
	if (l->current_count && l->steps.steps && l->current_a[0] == 0)
		return fail(d, l->line,
			    "[load %s] current_a: 0 for the first input gives the steps "
			    "no measure",
			    l->name);
	return 0;
}

/* Steps are in ampere of the first input; the wave holds current_a. */
static void make_profile(const struct load_draft *l, struct profile *out)
{
	*out = l->steps;
	for (unsigned int i = 0; i < out->steps && l->current_count; i++)
		out->value[i] /= l->current_a[0];
}

static int check_input(struct draft *d, const struct load_draft *l, const char *input)
{
	const struct signal *s = &d->s->signal;

	if (!input_exists(d, input))
		return fail(d, l->inputs_line,
			    "[load %s] inputs: no input %s; a CT hub has A to D, a "
			    "solid core A to C, for example hub1/A",
			    l->name, input);
	for (unsigned int i = 0; i < s->loads; i++)
		for (unsigned int e = 0; e < s->load[i].elements; e++)
			if (!strcmp(s->load[i].element[e].input, input))
				return fail(d, l->inputs_line,
					    "[load %s] inputs: %s is used twice (also in load %s); "
					    "remove one of them",
					    l->name, input, s->load[i].name);
	return 0;
}

static int make_current(struct draft *d, const struct load_draft *l, unsigned int e,
			struct element *out)
{
	double rms = !l->current_count ? 1 : l->current_a[l->current_count == 1 ? 0 : e];
	double peak = M_SQRT2 * fabs(rms), sign = rms < 0 ? -1 : 1, lag = 0;
	double turn = phase_turn(out->phase);
	struct wave *w = &out->wave;
	int ret;

	if (l->pf_count)
		field_power_factor(l->pf[l->pf_count == 1 ? 0 : e], &lag);
	w->base_hz = d->s->signal.frequency_hz;
	w->fundamental = 1;
	ret = wave_add(w, 1, peak * sign, turn - lag);
	if (!ret)
		ret = make_harmonics(&l->harmonics, peak, turn, sign, w);
	return ret;
}

static int make_element(struct draft *d, const struct load_draft *l, unsigned int e,
			struct load *load)
{
	struct element *out = &load->element[e];
	const char *phase = l->phases[e];
	const struct map *m = find_map(d, l->inputs[e]);
	int ret = check_input(d, l, l->inputs[e]);

	if (ret)
		return ret;
	if (phase[0] != 'L' || phase[1] < '1' || phase[1] >= (char)('1' + d->s->signal.phases) ||
	    phase[2])
		return fail(d, l->phases_line,
			    "[load %s] phases: no phase %s; this topology has %s", l->name, phase,
			    d->s->signal.phases == 1 ? "L1" : "L1, L2, L3");
	out->phase = (unsigned int)(phase[1] - '1');
	if (d->replay_file[0] && !m)
		return fail(d, l->inputs_line, "[load %s] inputs: [replay] has no current.%s",
			    l->name, l->inputs[e]);
	ret = m ? make_replayed(d, m, &out->wave) : make_current(d, l, e, out);
	if (ret)
		return ret;
	snprintf(out->input, sizeof(out->input), "%s", l->inputs[e]);
	load->elements = e + 1;
	return 0;
}

static int make_loads(struct draft *d)
{
	struct signal *s = &d->s->signal;

	for (unsigned int i = 0; i < d->loads; i++) {
		struct load_draft *l = &d->load[i];
		struct load *out = &s->load[s->loads];
		int ret = check_load(d, l);

		if (ret)
			return ret;
		snprintf(out->name, sizeof(out->name), "%s", l->name);
		out->reversed = l->reversed;
		make_profile(l, &out->profile);
		/* Counted from the start, so that its own inputs are compared too. */
		s->loads++;
		for (unsigned int e = 0; e < l->input_count; e++) {
			ret = make_element(d, l, e, out);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int load_replay(struct draft *d, const char *data)
{
	const char *slash = strrchr(d->path, '/');
	int dir = slash ? (int)(slash - d->path) : 1;
	char path[1024];
	int ret;

	if (!d->replay_file[0])
		return d->maps ? fail(d, d->map[0].line, "[replay]: file is missing") : 0;
	if (!d->replay_cycles)
		return fail(d, d->replay_line, "[replay]: cycles is missing");
	if (d->replay_file[0] == '/')
		snprintf(path, sizeof(path), "%s", d->replay_file);
	else if (data)
		snprintf(path, sizeof(path), "%s/%s", data, d->replay_file);
	else
		snprintf(path, sizeof(path), "%.*s/%s", dir, slash ? d->path : ".", d->replay_file);
	ret = replay_load(&d->replay, path, d->error, SCENARIO_ERROR_MAX);
	if (!ret)
		d->s->signal.frequency_hz =
			d->replay.rate_hz * (double)d->replay_cycles / (double)d->replay.scans;
	return ret;
}

int scenario_load(struct scenario *s, const char *path, const char *data, char *error)
{
	struct draft *d = calloc(1, sizeof(*d));
	int ret;

	*s = (struct scenario){
		.bit_rate = 4e6, .turnaround_s = 200e-6, .seed = 1, .rate_hz = 4000, .depth_s = 0.5
	};
	s->signal.phases = 3;
	s->signal.frequency_hz = 50;
	error[0] = '\0';
	if (!d)
		return -ENOMEM;
	d->s = s;
	d->path = path;
	d->error = error;
	ret = read_file(d);
	if (!ret)
		ret = load_replay(d, data);
	if (!ret)
		ret = make_modules(d);
	if (!ret)
		ret = make_mains(d);
	if (!ret)
		ret = make_loads(d);
	if (ret && !error[0])
		snprintf(error, SCENARIO_ERROR_MAX, "%s: %s", path, strerror(-ret));
	replay_free(&d->replay);
	free(d->seen);
	free(d);
	return ret;
}

void scenario_channel_name(const struct scenario_module *m, unsigned int channel, char out[4])
{
	bool voltage = is_voltage(m);

	out[0] = voltage ? 'L' : (char)('A' + channel);
	out[1] = voltage ? (char)('1' + channel) : '\0';
	out[2] = '\0';
}

void scenario_free(struct scenario *s)
{
	signal_free(&s->signal);
}
