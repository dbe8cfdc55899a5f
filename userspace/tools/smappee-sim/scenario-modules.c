// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modules of a draft: what a value alone does not show, reported with the line
 * that it came from.
 */
#include "scenario-draft.h"

#include <errno.h>
#include <string.h>

static int check_strays(struct draft *d, const struct module_draft *m)
{
	static const char *const kinds[KINDS] = { "an open module", "a Power Box",
						  "a module behind a Power Box", "an input module",
						  "an output module" };
	unsigned int kind = m->behind[0] ? 2 : m->m.type == SMAPPEE_TYPE_POWER_BOX ? 1 : 0;

	if (m->m.type == SMAPPEE_TYPE_OPEN_INPUT)
		kind = 3;
	else if (m->m.type == SMAPPEE_TYPE_OPEN_OUTPUT)
		kind = 4;

	if (!m->stray[kind].name)
		return 0;
	return draft_fail(d, m->stray[kind].line, "[module %s] %s: %s has no such key; remove it",
			  m->m.name, m->stray[kind].name, kinds[kind]);
}

static int check_rails(struct draft *d, struct module_draft *m)
{
	struct scenario_module *out = &m->m;

	if (!m->full_scale_count)
		return draft_fail(d, m->line, "[module %s]: full_scale is missing", out->name);
	if (m->full_scale_count != 1 && m->full_scale_count != out->channels)
		return draft_fail(d, m->line,
				  "[module %s] full_scale: %u values for %u channels; give 1 "
				  "or %u",
				  out->name, m->full_scale_count, out->channels, out->channels);
	for (unsigned int c = 0; c < out->channels; c++)
		out->full_scale[c] = m->full_scale[m->full_scale_count == 1 ? 0 : c];
	return 0;
}

static int check_box(struct draft *d, struct module_draft *m)
{
	unsigned int all = (1u << d->s->signal.kind->terminals) - 1;

	if (!m->m.box.wired)
		m->m.box.wired = all;
	if (m->m.box.wired & ~all)
		return draft_fail(d, m->line, "[module %s] wired: this topology has %u conductors",
				  m->m.name, d->s->signal.kind->terminals);
	m->m.reference = false;
	m->m.channels = d->s->signal.kind->terminals;
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
	return draft_fail(d, m->behind_line,
			  "[module %s] behind = %s: no such module of type power_box", m->m.name,
			  m->behind);
}

/* No entry and no slot of a Power Box belongs to two modules. */
static int check_neighbours(struct draft *d, const struct module_draft *m)
{
	for (const struct module_draft *o = d->module; o < m; o++) {
		if (o->m.behind != m->m.behind)
			continue;
		if (o->m.entry == m->m.entry)
			return draft_fail(d, m->line,
					  "[module %s] entry = %u: module %s has it already; give "
					  "another",
					  m->m.name, m->m.entry, o->m.name);
		for (unsigned int i = 0; i < m->m.channels; i++)
			for (unsigned int k = 0; k < o->m.channels; k++)
				if (m->m.slot[i] == o->m.slot[k])
					return draft_fail(
						d, m->slots_line,
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
		return draft_fail(
			d, m->behind_line,
			"[module %s] behind = %s: only CT hubs and solid cores are behind a "
			"Power Box",
			out->name, m->behind);
	if (!m->has_entry)
		return draft_fail(d, m->line, "[module %s]: entry is missing", out->name);
	if (!m->slots)
		return draft_fail(d, m->line, "[module %s]: slots is missing", out->name);
	if (!m->has_sensor)
		out->sensor = hub ? SMAPPEE_PB_CT_SCT02_50A : SMAPPEE_PB_CT_CLOSED;
	if (out->sensor >= SMAPPEE_PB_CT_TYPES)
		return draft_fail(d, m->line, "[module %s] sensor = %u: a Power Box knows 0 to 15",
				  out->name, out->sensor);
	out->type = m->model ? m->model : hub ? SMAPPEE_TYPE_CT_HUB : SMAPPEE_TYPE_SOLID_CORE;
	out->channels = m->slots;
	out->reference = false;
	return find_box(d, m) ? -EINVAL : check_neighbours(d, m);
}

static int check_contacts(struct draft *d, struct module_draft *m)
{
	for (unsigned int i = 0; i < m->m.channels; i++) {
		struct scenario_contact *c = &m->m.contact[i];

		if (!c->closed_s)
			c->closed_s = 0.03;
		if (c->pulse_hz * c->closed_s >= 1)
			return draft_fail(d, m->line,
					  "[module %s] closed_ms.%u: longer than a period of "
					  "pulse_hz.%u; give less than %.0f",
					  m->m.name, i + 1, i + 1, 1000 / c->pulse_hz);
	}
	m->m.epoch = 1;
	return 0;
}

static int check_module(struct draft *d, struct module_draft *m)
{
	struct scenario_module *out = &m->m;
	bool box = out->type == SMAPPEE_TYPE_POWER_BOX;

	if (!out->type)
		return draft_fail(d, m->line, "[module %s]: type is missing", out->name);
	if (check_strays(d, m))
		return -EINVAL;
	if (box && !out->unit)
		out->unit = SMAPPEE_PB_UNIT;
	if (box && out->automatic)
		return draft_fail(d, m->line,
				  "[module %s] unit = auto: a Power Box has a fixed one",
				  out->name);
	if (!out->unit && !out->automatic && !m->behind[0])
		return draft_fail(d, m->line, "[module %s]: unit is missing", out->name);
	if (!out->serial)
		return draft_fail(d, m->line, "[module %s]: serial is missing", out->name);
	if (!out->fw_major && !out->fw_minor) {
		out->fw_major = 1;
		out->fw_minor = box ? 76 : 0;
	}
	if (box)
		return check_box(d, m);
	if (m->behind[0])
		return check_behind(d, m);
	if (out->type == SMAPPEE_TYPE_OPEN_INPUT || out->type == SMAPPEE_TYPE_OPEN_OUTPUT) {
		out->reference = false;
		return check_contacts(d, m);
	}
	if (out->type == SMAPPEE_TYPE_OPEN_VOLTAGE)
		out->channels = m->terminals ? m->terminals : d->s->signal.kind->terminals;
	else
		out->reference = false;
	return check_rails(d, m);
}

int draft_make_modules(struct draft *d)
{
	struct scenario *s = d->s;
	bool reference = false;

	if (!d->modules)
		return draft_fail(d, d->line, "no module; add a [module NAME]");
	for (unsigned int i = 0; i < d->modules; i++) {
		struct module_draft *m = &d->module[i];

		if (check_module(d, m))
			return -EINVAL;
		for (unsigned int k = 0; k < i; k++)
			if (m->m.unit && d->module[k].m.unit == m->m.unit && !m->m.unplugged &&
			    !d->module[k].m.unplugged)
				return draft_fail(d, m->line,
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
