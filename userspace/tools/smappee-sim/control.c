// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands: status, truth, fault, contact, clear; plug.c has those that move modules,
 * scans.c the one that shows samples.
 */
#include "control.h"

#include "plug.h"
#include "scans.h"
#include "truth.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRUTH_SECONDS_MAX 1e7

static void put_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void put_whole(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

/* JSON has no NAN: what is not known is null. */
static void put_number(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

__attribute__((format(printf, 1, 2))) static struct json_object *error(const char *format, ...)
{
	struct json_object *o = json_object_new_object();
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put_string(o, "error", text);
	return o;
}

static struct json_object *ok(void)
{
	struct json_object *o = json_object_new_object();

	put_bool(o, "ok", true);
	return o;
}

static bool get_number(struct json_object *command, const char *key, double *out)
{
	struct json_object *o;

	if (!json_object_object_get_ex(command, key, &o))
		return false;
	if (!json_object_is_type(o, json_type_double) && !json_object_is_type(o, json_type_int))
		return false;
	*out = json_object_get_double(o);
	return isfinite(*out);
}

/* status */

static const char *state_name(uint8_t state)
{
	static const char *const name[] = { "free-running", "locking", "locked", "reference" };

	return name[state];
}

/* What a Power Box has instead of a sample clock. */
static void put_box(struct json_object *o, const struct power_box *b, double t)
{
	struct json_object *flashing = json_object_new_array();

	for (unsigned int slot = 0; slot < SMAPPEE_PB_SLOTS; slot++)
		if (power_box_identifies(b, slot, t))
			json_object_array_add(flashing, json_object_new_int64(slot));
	put_bool(o, "busy", t < b->busy_until);
	put_bool(o, "saved", box_settings_same(&b->settings, &b->saved));
	json_object_object_add(o, "identify", flashing);
}

static void put_clock(struct json_object *o, struct segment *g, struct module *m, double t)
{
	put_string(o, "sync_state", state_name(module_sync_state(m, t)));
	put_number(o, "offset_ns", segment_true_offset(g, m, t) * 1e9);
	put_number(o, "measured_offset_ns", m->reference ? 0 : m->offset_s * 1e9);
	put_number(o, "crystal_ppm", m->built->crystal_ppm);
	put_whole(o, "rate_hz", m->rate_hz);
	put_whole(o, "format", m->format);
}

/* What an input or output module has instead of a sample clock. */
static void put_io(struct json_object *o, struct io *io, double t)
{
	struct json_object *list = json_object_new_array();
	struct contacts *c = &io->contacts;

	contacts_advance(c, t);
	for (unsigned int i = 0; i < c->inputs; i++) {
		struct json_object *input = json_object_new_object();

		put_bool(input, "contact", c->contact[i].raw);
		put_bool(input, "closed", c->contact[i].level);
		put_whole(input, "closings", (int64_t)c->contact[i].closings);
		put_whole(input, "counted", (int64_t)c->contact[i].counted);
		put_whole(input, "counter", c->contact[i].counter);
		json_object_array_add(list, input);
	}
	if (c->inputs) {
		json_object_object_add(o, "inputs", list);
		return;
	}
	for (unsigned int i = 0; i < io->relays.relays; i++)
		json_object_array_add(
			list, json_object_new_boolean(relays_state(&io->relays, t) >> i & 1));
	json_object_object_add(o, "relays", list);
	put_whole(o, "cause", io->relays.cause);
	put_whole(o, "timeout_s", io->relays.timeout_s);
	put_bool(o, "fail_safe", io->relays.in_force);
	put_whole(o, "switched", (int64_t)io->relays.switched);
}

/* What the host has said that the lights do, and what they show. */
static void put_leds(struct json_object *o, struct module *m, double t)
{
	uint16_t closed = m->io && m->io->contacts.inputs
				  ? contacts_read(&m->io->contacts, t, 0, SMAPPEE_REG_INPUT_LEVELS)
				  : 0;
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < m->leds.count; i++) {
		struct json_object *led = json_object_new_object();

		put_string(led, "shows", leds_name(leds_shown(&m->leds, t, i, closed)));
		put_string(led, "set", leds_name(m->leds.set[i]));
		json_object_array_add(list, led);
	}
	json_object_object_add(o, "leds", list);
}

static struct json_object *module_status(struct segment *g, struct module *m, double t)
{
	struct json_object *o = json_object_new_object();

	put_string(o, "name", m->built->name);
	put_whole(o, "unit", module_unit(m));
	put_whole(o, "type", m->built->type);
	put_whole(o, "serial", m->serial);
	if (m->box)
		put_box(o, m->box, t);
	else if (m->io)
		put_io(o, m->io, t);
	else
		put_clock(o, g, m, t);
	if (!m->box)
		put_leds(o, m, t);
	put_whole(o, "boot", m->boot);
	put_bool(o, "silent", t < m->silent_until);
	put_bool(o, "plugged", m->plugged);
	return o;
}

/* A module behind a Power Box, which nobody can talk to. */
static struct json_object *behind_status(const struct scenario *s, const struct scenario_module *m)
{
	struct json_object *o = json_object_new_object();
	struct json_object *slots = json_object_new_array();

	for (unsigned int c = 0; c < m->channels; c++)
		json_object_array_add(slots, json_object_new_int64(m->slot[c]));
	put_string(o, "name", m->name);
	put_string(o, "behind", s->module[m->behind - 1].name);
	put_whole(o, "type", m->type);
	put_whole(o, "serial", m->serial);
	put_whole(o, "entry", m->entry);
	json_object_object_add(o, "slots", slots);
	return o;
}

static struct json_object *fault_status(const struct faults *f)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int kind = 0; kind < FAULT_KINDS; kind++)
		put_whole(o, fault_name((enum fault_kind)kind), (int64_t)f->done[kind]);
	return o;
}

static struct json_object *status(struct control *c, struct json_object *command, int64_t now_ns)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct segment *g = c->wire->segment;
	struct module *reference = segment_reference(g);
	double t = wire_time(c->wire, now_ns);
	bool locked = reference != NULL;

	for (unsigned int i = 0; i < g->modules; i++) {
		struct module *m = &g->module[i];

		locked &= !module_samples(m) || !m->plugged || m->reference ||
			  module_sync_state(m, t) == SMAPPEE_SYNC_LOCKED;
		json_object_array_add(list, module_status(g, m, t));
	}
	for (unsigned int i = 0; i < g->scenario->modules; i++)
		if (g->scenario->module[i].behind)
			json_object_array_add(list,
					      behind_status(g->scenario, &g->scenario->module[i]));
	if (reference) {
		put_whole(o, "index", module_position(reference, t).index);
		put_whole(o, "rate_hz", reference->rate_hz);
	} else {
		put_number(o, "index", NAN);
		put_number(o, "rate_hz", NAN);
	}
	put_number(o, "seconds", t);
	put_bool(o, "locked", locked);
	put_bool(o, "connected", c->connected);
	put_whole(o, "requests", (int64_t)g->requests);
	put_whole(o, "foreign", (int64_t)g->foreign);
	put_whole(o, "damaged", (int64_t)g->damaged);
	put_whole(o, "exceptions", (int64_t)g->exceptions);
	put_whole(o, "clashes", (int64_t)g->clashes);
	put_whole(o, "collisions", (int64_t)c->wire->collisions);
	put_whole(o, "bytes_in", (int64_t)c->wire->bytes_in);
	put_whole(o, "bytes_out", (int64_t)c->wire->bytes_out);
	put_whole(o, "sample_bytes", (int64_t)g->sample_bytes);
	put_number(o, "busy_s", c->wire->busy_ns * 1e-9);
	json_object_object_add(o, "faults", fault_status(&g->faults));
	json_object_object_add(o, "modules", list);
	return o;
}

/* truth */

static struct json_object *voltages(const struct signal *s, const struct truth_range *r)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int p = 0; p < s->kind->slots; p++) {
		struct json_object *o = json_object_new_object();

		put_string(o, "phase", s->kind->slot[p]);
		put_number(o, "ln_v", truth_voltage(s, p, r));
		put_number(o, "ll_v", truth_line_voltage(s, p, r));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *element_json(const struct signal *s, const struct element *e,
					const struct element_truth *t)
{
	struct json_object *o = json_object_new_object();

	put_string(o, "input", e->input);
	put_string(o, "phase", s->kind->slot[e->phase]);
	put_number(o, "v_v", t->v_v);
	put_number(o, "i_a", t->i_a);
	put_number(o, "p_w", t->p_w);
	put_number(o, "q1_var", t->q1_var);
	put_number(o, "s_va", t->s_va);
	put_number(o, "pf", t->pf);
	return o;
}

static struct json_object *loads(const struct signal *s, const struct truth_range *r)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < s->loads; i++) {
		struct json_object *o = json_object_new_object();
		struct json_object *elements = json_object_new_array();
		struct load_truth t;

		truth_load(s, i, r, &t);
		put_string(o, "name", s->load[i].name);
		put_number(o, "p_w", t.p_w);
		put_number(o, "q1_var", t.q1_var);
		put_number(o, "s_va", t.s_va);
		put_number(o, "pf", t.pf);
		put_number(o, "import_wh", t.import_wh);
		put_number(o, "export_wh", t.export_wh);
		for (unsigned int e = 0; e < s->load[i].elements; e++)
			json_object_array_add(
				elements, element_json(s, &s->load[i].element[e], &t.element[e]));
		json_object_object_add(o, "elements", elements);
		json_object_array_add(list, o);
	}
	return list;
}

/* True time of a place on the reference's index, which may lie between samples. */
static double index_time(const struct module *reference, double index)
{
	double whole = floor(index);
	double a = module_sample_time(reference, (int64_t)whole);
	double b = module_sample_time(reference, (int64_t)whole + 1);

	return a + (b - a) * (index - whole);
}

/* "from" and "to" on the reference's index. */
static struct json_object *index_range(struct control *c, struct json_object *command,
				       struct truth_range *r)
{
	struct module *reference = segment_reference(c->wire->segment);
	double from, to;

	if (!get_number(command, "from", &from) || !get_number(command, "to", &to))
		return error("truth needs \"from\" and \"to\", numbers");
	if (from < 0 || !(to > from))
		return error("truth from %.0f to %.0f: from must be 0 or more and below to", from,
			     to);
	if (!reference)
		return error("no module is the reference: there is no index; give \"from_s\" and "
			     "\"to_s\"");
	r->from_s = index_time(reference, from);
	r->to_s = index_time(reference, to);
	r->rate_hz = reference->rate_hz;
	if (r->from_s < 0 || r->to_s - r->from_s > TRUTH_SECONDS_MAX)
		return error("truth from %.0f to %.0f: not a stretch of this run", from, to);
	return NULL;
}

/* "from_s" and "to_s", seconds since the start, where there is no index. */
static struct json_object *time_range(struct control *c, struct json_object *command,
				      struct truth_range *r)
{
	if (!get_number(command, "from_s", &r->from_s) || !get_number(command, "to_s", &r->to_s))
		return error("truth needs \"from_s\" and \"to_s\", numbers");
	if (r->from_s < 0 || !(r->to_s > r->from_s) || r->to_s - r->from_s > TRUTH_SECONDS_MAX)
		return error("truth from %g s to %g s: from must be 0 or more and below to",
			     r->from_s, r->to_s);
	r->rate_hz = c->wire->segment->scenario->rate_hz;
	return NULL;
}

static struct json_object *truth(struct control *c, struct json_object *command, int64_t now_ns)
{
	const struct signal *s = &c->wire->segment->scenario->signal;
	bool by_time = json_object_object_get_ex(command, "from_s", NULL);
	struct truth_range r = { 0 };
	struct json_object *o, *exact;
	double number;

	o = by_time ? time_range(c, command, &r) : index_range(c, command, &r);
	if (o)
		return o;
	if (json_object_object_get_ex(command, "exact", &exact))
		r.exact = json_object_get_boolean(exact);
	o = json_object_new_object();
	put_number(o, "from", get_number(command, "from", &number) ? number : NAN);
	put_number(o, "to", get_number(command, "to", &number) ? number : NAN);
	put_number(o, "from_s", r.from_s);
	put_number(o, "to_s", r.to_s);
	put_number(o, "seconds", r.to_s - r.from_s);
	put_number(o, "frequency_hz", s->frequency_hz);
	json_object_object_add(o, "voltages", voltages(s, &r));
	json_object_object_add(o, "loads", loads(s, &r));
	return o;
}

/* fault */

/**
 * struct fault_form - what a kind of fault takes besides unit
 * @value: key of its value, NULL for none
 * @needed: it must be given
 * @fallback: value if it is not
 * @min: least value
 * @max: greatest value
 */
static const struct fault_form {
	const char *value;
	bool needed;
	double fallback;
	double min;
	double max;
} forms[FAULT_KINDS] = {
	[FAULT_DELAY] = { "ms", true, 0, 0, 10000 },
	[FAULT_EXCEPTION] = { "value", false, SMAPPEE_EX_DEVICE_FAILURE, 1, 255 },
	[FAULT_SILENT] = { "seconds", true, 0, 0, 1e6 },
	[FAULT_POWER] = { "seconds", true, 0, 0, 1e6 },
	[FAULT_MEMORY] = { "value", true, 0, 1, 65535 },
	[FAULT_SERIAL] = { "value", true, 0, 1, 999999 },
};

static struct json_object *fill_rule(struct json_object *command, struct fault_rule *rule)
{
	const struct fault_form *form = &forms[rule->kind];
	const char *kind = fault_name(rule->kind);
	double number;

	rule->value = form->fallback;
	rule->rate = 1;
	rule->count = -1;
	if (form->value && !get_number(command, form->value, &rule->value) && form->needed)
		return error("fault %s needs \"%s\", a number", kind, form->value);
	if (form->value && (rule->value < form->min || rule->value > form->max))
		return error("fault %s: %s = %g: give %g to %g", kind, form->value, rule->value,
			     form->min, form->max);
	if (!get_number(command, "rate", &rule->rate) && rule->kind == FAULT_BIT_ERRORS)
		return error("fault bit_errors needs \"rate\", errors per bit");
	if (rule->rate < 0 || rule->rate > 1)
		return error("fault %s: rate = %g: give 0 to 1", kind, rule->rate);
	if (get_number(command, "count", &number)) {
		if (number < 1 || number > 1e9 || number != floor(number))
			return error("fault %s: count = %g: give 1 to 1000000000", kind, number);
		rule->count = (long)number;
	}
	return NULL;
}

static struct json_object *unknown_fault(const char *kind)
{
	char known[200] = "";
	size_t len = 0;

	for (unsigned int i = 0; i < FAULT_KINDS; i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					fault_name((enum fault_kind)i));
	return error("fault kind \"%.40s\": not known; known: %s", kind, known);
}

static struct json_object *fault(struct control *c, struct json_object *command, int64_t now_ns)
{
	struct fault_rule rule = { 0 };
	struct json_object *o, *wrong;
	double unit = 0;
	const char *kind;
	int ret;

	if (!json_object_object_get_ex(command, "kind", &o))
		return error("fault needs \"kind\"");
	kind = json_object_get_string(o);
	rule.kind = fault_kind(kind ? kind : "");
	if (rule.kind == FAULT_KINDS)
		return unknown_fault(kind ? kind : "null");
	get_number(command, "unit", &unit);
	if (unit < 0 || unit > SMAPPEE_UNIT_MAX || unit != floor(unit))
		return error("fault %s: unit = %g: give 0 for all, or a unit", kind, unit);
	rule.unit = (uint8_t)unit;
	wrong = fill_rule(command, &rule);
	if (wrong)
		return wrong;
	ret = segment_fault(c->wire->segment, &rule, wire_time(c->wire, now_ns));
	if (ret == -ENOENT)
		return error("fault %s: no unit %u in this scenario", kind, rule.unit);
	if (ret)
		return error("fault %s: %d rules are in force already; clear them first", kind,
			     FAULT_RULES_MAX);
	return ok();
}

/* "unit", "input" from 1, "closed": somebody closes or opens a contact. */
static struct json_object *contact(struct control *c, struct json_object *command, int64_t now_ns)
{
	struct json_object *closed;
	double unit, input;
	struct module *m;

	if (!get_number(command, "unit", &unit) || !get_number(command, "input", &input) ||
	    !json_object_object_get_ex(command, "closed", &closed) ||
	    !json_object_is_type(closed, json_type_boolean))
		return error("contact needs \"unit\" and \"input\", numbers, and \"closed\", "
			     "true or false");
	m = unit >= 0 && unit <= 255 ? segment_unit(c->wire->segment, (uint8_t)unit) : NULL;
	if (!m || !m->io || !m->io->contacts.inputs)
		return error("contact: unit %g is no input module", unit);
	if (input < 1 || input > m->io->contacts.inputs || input != floor(input))
		return error("contact: input = %g: give 1 to %u", input, m->io->contacts.inputs);
	contacts_set(&m->io->contacts, (unsigned int)input - 1, json_object_get_boolean(closed),
		     wire_time(c->wire, now_ns));
	return ok();
}

static struct json_object *clear(struct control *c, struct json_object *command, int64_t now_ns)
{
	fault_clear(&c->wire->segment->faults);
	for (unsigned int i = 0; i < c->wire->segment->modules; i++)
		c->wire->segment->module[i].silent_until = -INFINITY;
	return ok();
}

static struct json_object *scans(struct control *c, struct json_object *command, int64_t now_ns)
{
	char wrong[256];
	struct json_object *o = scans_command(c->wire->segment, command, wire_time(c->wire, now_ns),
					      wrong, sizeof(wrong));

	return o ? o : error("%s", wrong);
}

static struct json_object *dispatch(struct control *c, struct json_object *command, int64_t now_ns)
{
	static const struct {
		const char *name;
		struct json_object *(*run)(struct control *c, struct json_object *command,
					   int64_t now_ns);
	} commands[] = {
		{ "status", status }, { "truth", truth },     { "scans", scans },
		{ "fault", fault },   { "contact", contact }, { "clear", clear },
	};
	char wrong[256];
	struct json_object *o;
	const char *name;

	if (!json_object_is_type(command, json_type_object) ||
	    !json_object_object_get_ex(command, "cmd", &o))
		return error("not a command; give an object with \"cmd\" on one line");
	name = json_object_get_string(o);
	for (unsigned int i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(c, command, now_ns);
	if (name && plug_command(c->wire->segment, name, command, wire_time(c->wire, now_ns), wrong,
				 sizeof(wrong)))
		return wrong[0] ? error("%s", wrong) : ok();
	return error("cmd \"%s\": not known; known: status, truth, scans, fault, contact, clear, "
		     "plug, unplug, swap, address",
		     name ? name : "null");
}

char *control_command(struct control *c, const char *line, int64_t now_ns)
{
	struct json_object *command = json_tokener_parse(line);
	struct json_object *o = dispatch(c, command, now_ns);
	char *text = NULL;

	if (asprintf(&text, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)) < 0)
		text = NULL;
	json_object_put(o);
	json_object_put(command);
	return text;
}
