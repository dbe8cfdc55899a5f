// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of keys: how each value is parsed, and what is allowed.
 */
#include "field.h"
#include "scenario-draft.h"

#include <math.h>
#include <string.h>

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

	if (!field_number(value, 250, 8000, &ms))
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

static bool take_echo(struct place *p, const char *value)
{
	return field_yes(value, &p->d->s->echo);
}

/* [mains] */

static bool take_topology(struct place *p, const char *value)
{
	const struct mains_kind *kind = mains_kind(value);

	if (kind)
		p->d->s->signal.kind = kind;
	return kind;
}

static bool take_transformer(struct place *p, const char *value)
{
	double primary, secondary;
	char rest;

	if (sscanf(value, "%lf/%lf%c", &primary, &secondary, &rest) != 2 || !(secondary > 0) ||
	    !(primary >= secondary) || !(primary <= 100000))
		return false;
	p->d->s->signal.transformer = primary / secondary;
	return true;
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
		{ "input", SMAPPEE_TYPE_OPEN_INPUT, 4 },
		{ "output", SMAPPEE_TYPE_OPEN_OUTPUT, 2 },
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

	p->module->m.automatic = !strcmp(value, "auto");
	if (p->module->m.automatic)
		return true;
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

static bool take_bits(struct place *p, const char *value)
{
	long bits;

	if (!field_whole(value, 16, 24, &bits) || (bits != 16 && bits != 24))
		return false;
	p->module->m.bits = (unsigned int)bits;
	return true;
}

static bool take_terminals(struct place *p, const char *value)
{
	long n;

	if (!field_whole(value, 1, MAINS_TERMINALS_MAX, &n))
		return false;
	p->module->terminals = (unsigned int)n;
	return true;
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

static bool take_plugged(struct place *p, const char *value)
{
	bool plugged;

	if (!field_yes(value, &plugged))
		return false;
	p->module->m.unplugged = !plugged;
	return true;
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

/* [module NAME] of type input */

/* "pulse_hz.1": the contact whose number, from 1, is the argument. */
static struct scenario_contact *contact(struct place *p)
{
	long number;

	if (!field_whole(p->argument, 1, 4, &number))
		return NULL;
	return &p->module->m.contact[number - 1];
}

static bool take_pulse_rate(struct place *p, const char *value)
{
	struct scenario_contact *c = contact(p);

	return c && field_number(value, 0, 100, &c->pulse_hz);
}

static bool take_pulses(struct place *p, const char *value)
{
	struct scenario_contact *c = contact(p);
	long pulses;

	if (!c || !field_whole(value, 1, INT32_MAX, &pulses))
		return false;
	c->pulses = (unsigned long)pulses;
	return true;
}

static bool take_closed(struct place *p, const char *value)
{
	struct scenario_contact *c = contact(p);
	double ms;

	if (!c || !field_number(value, 1, 1e6, &ms))
		return false;
	c->closed_s = ms * 1e-3;
	return true;
}

static bool take_toggles(struct place *p, const char *value)
{
	struct scenario_contact *c = contact(p);

	if (!c || !field_numbers(value, 0, 1e9, SCENARIO_TOGGLES_MAX, c->toggle_s, &c->toggles))
		return false;
	for (unsigned int i = 1; i < c->toggles; i++)
		if (c->toggle_s[i] <= c->toggle_s[i - 1])
			return false;
	return true;
}

static bool take_counter(struct place *p, const char *value)
{
	struct scenario_contact *c = contact(p);
	long counter;

	if (!c || !field_whole(value, 0, UINT32_MAX, &counter))
		return false;
	c->counter = (uint32_t)counter;
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
	{ "segment", "depth_ms", take_depth, "250 to 8000 milliseconds", 0 },
	{ "segment", "first_index", take_first_index, "a whole number from 0 to 4294967295", 0 },
	{ "segment", "echo", take_echo, "yes or no", 0 },
	{ "mains", "topology", take_topology, "1p, 2p+n, 3p+n, 3p or high-leg", 0 },
	{ "mains", "transformer", take_transformer, "PRIMARY/SECONDARY, for example 347/120", 0 },
	{ "mains", "frequency_hz", take_frequency, "40 to 70 Hz", 0 },
	{ "mains", "voltage_v", take_voltage, "one RMS voltage or one per phase, 0 to 1000 V", 0 },
	{ "mains", "harmonic.", take_mains_harmonic, HARMONIC_ALLOWED, 0 },
	{ "module", "type", take_type, "voltage, ct_hub, solid_core, power_box, input or output",
	  ALL },
	{ "module", "unit", take_unit, "an address from 1 to 247, or auto",
	  OPEN | BOX | INPUT | OUTPUT },
	{ "module", "plugged", take_plugged, "yes or no", OPEN | INPUT | OUTPUT },
	{ "module", "serial", take_serial, "a whole number from 1 to 999999", ALL },
	{ "module", "firmware", take_firmware, "MAJOR.MINOR, for example 1.7", ALL },
	{ "module", "crystal_ppm", take_crystal, "-200 to 200 ppm", OPEN },
	{ "module", "wander_ppm", take_wander, "0 to 5 ppm", OPEN },
	{ "module", "wander_period_s", take_wander_period, "10 to 1000000 s", OPEN },
	{ "module", "capture_ns", take_capture, "0 to 1000 ns", OPEN },
	{ "module", "noise_lsb", take_noise, "0 to 1000 LSB RMS", OPEN },
	{ "module", "bits", take_bits, "16 or 24", OPEN },
	{ "module", "full_scale", take_full_scale,
	  "one peak value or one per channel, 0.001 to 100000 V or A", OPEN },
	{ "module", "terminals", take_terminals, "voltage terminals, 1 to 3", OPEN },
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
	{ "module", "pulse_hz.", take_pulse_rate, "pulse_hz.1 to pulse_hz.4 = 0 to 100 Hz", INPUT },
	{ "module", "pulses.", take_pulses, "pulses.1 to pulses.4 = 1 to 2147483647", INPUT },
	{ "module", "closed_ms.", take_closed, "closed_ms.1 to closed_ms.4 = 1 to 1000000 ms",
	  INPUT },
	{ "module", "toggle_s.", take_toggles,
	  "toggle_s.1 to toggle_s.4 = rising times in seconds, at most 32", INPUT },
	{ "module", "counter.", take_counter, "counter.1 to counter.4 = 0 to 4294967295", INPUT },
	{ "load", "inputs", take_inputs, "one to three inputs, for example hub1/A, hub1/B", 0 },
	{ "load", "phases", take_phases, "one phase per input: L1, L2, L3, or L12 of 2p+n", 0 },
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

const struct key *draft_key(const char *kind, const char *name, const char **argument)
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

void draft_unknown_key(struct draft *d, const char *section, const char *kind, const char *name)
{
	char known[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].section, kind) && len < sizeof(known))
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						len ? ", " : "", keys[i].name);
	if (!len)
		draft_fail(d, d->line,
			   "[%s]: unknown section; known: segment, mains, module NAME, "
			   "load NAME, replay",
			   section);
	else
		draft_fail(d, d->line, "[%s] %s: unknown key; known: %s", section, name, known);
}
