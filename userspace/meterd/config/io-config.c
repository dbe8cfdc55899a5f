// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every mistake is told, with the line of the section, the value and a way out.
 */
#include "io-config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define TEXT_MAX 512

/**
 * struct planner - the state while the plan is made
 * @config: the configuration
 * @plan: what is made
 * @errors: errors found
 */
struct planner {
	const struct config *config;
	struct io_plan *plan;
	unsigned int errors;
};

__attribute__((format(printf, 5, 6))) static void refuse(struct planner *p, unsigned int line,
							 const char *section, const char *name,
							 const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s:%u: [%s %s] %s", p->config->file, line, section, name, text);
	p->errors++;
}

/* The module of that label, added when it is new; -1 when there are too many. */
static int module_of(struct io_plan *plan, const char *label, size_t length)
{
	unsigned int k;

	for (k = 0; k < plan->modules; k++)
		if (strlen(plan->module[k]) == length && !strncmp(plan->module[k], label, length))
			return (int)k;
	if (plan->modules == IO_MODULES_MAX)
		return -1;
	memcpy(plan->module[plan->modules], label, length);
	plan->module[plan->modules][length] = '\0';
	return (int)plan->modules++;
}

/* "label/number", number 1 to @most. Return: whether it is one. */
static bool place_of(struct planner *p, const char *text, unsigned int most, unsigned int *module,
		     unsigned int *number)
{
	const char *slash = strrchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : 0;
	int found;

	if (!length || length >= IO_LABEL_MAX || slash[1] < '1' || slash[1] > (char)('0' + most) ||
	    slash[2])
		return false;
	found = module_of(p->plan, text, length);
	*module = (unsigned int)found;
	*number = (unsigned int)(slash[1] - '1');
	return found >= 0;
}

/* What is counted, and how. */
static void plan_pulses(struct planner *p, const struct contact_config *c, struct contact *to)
{
	const char *unit = c->unit ? c->unit : contact_kind_unit(to->kind);

	if (to->kind == CONTACT_STATE) {
		if (c->unit || c->pulses_per_unit > 0)
			refuse(p, c->line, "contact", c->name,
			       "kind = state: a state is not counted; remove unit and "
			       "pulses_per_unit, or give another kind");
		return;
	}
	to->unit = contact_unit_find(to->kind, unit);
	if (!to->unit)
		refuse(p, c->line, "contact", c->name, "unit = %s: not a unit of %s; give %s", unit,
		       c->kind, contact_kind_units(to->kind));
	if (c->pulses_per_unit <= 0)
		refuse(p, c->line, "contact", c->name,
		       "key \"pulses_per_unit\" is missing; it is printed on the meter: pulses per "
		       "%s, 0.000001 to 1000000",
		       unit);
}

static void plan_contact(struct planner *p, const struct contact_config *c)
{
	struct contact *to = &p->plan->contact[p->plan->contacts++];
	const struct contact *other;

	*to = (struct contact){
		.name = c->name,
		.place = c->input,
		.kind = contact_kind_find(c->kind),
		.per_unit = c->pulses_per_unit,
		.start = c->start,
		.min_closed_ms = c->min_closed_ms,
		.min_open_ms = c->min_open_ms,
	};
	if (!place_of(p, c->input, IO_INPUTS, &to->module, &to->input)) {
		refuse(p, c->line, "contact", c->name,
		       "input = %s: not LABEL/NUMBER, a module of at most %d input and output "
		       "modules in all and its input 1 to %d; write for example meters/1",
		       c->input, IO_MODULES_MAX, IO_INPUTS);
		return;
	}
	for (other = p->plan->contact; other < to; other++)
		if (other->module == to->module && other->input == to->input)
			refuse(p, c->line, "contact", c->name,
			       "input = %s: [contact %s] has this input; remove one of them",
			       c->input, other->name);
	plan_pulses(p, c, to);
}

static bool any(const struct relay *r)
{
	unsigned int k;

	for (k = 0; k < LOADS_MAX; k++)
		if (r->needs[k])
			return true;
	return false;
}

static void plan_needs(struct planner *p, const struct relay_config *c, struct relay *to,
		       const struct installation *in)
{
	unsigned int k, l;

	for (k = 0; k < c->needs.count; k++) {
		for (l = 0; l < in->loads && strcmp(in->load[l].name, c->needs.word[k]); l++)
			;
		if (l < in->loads)
			to->needs[l] = true;
		else
			refuse(p, c->line, "relay", c->name,
			       "needs = %s: there is no [load %s]; give the names of loads",
			       c->needs.word[k], c->needs.word[k]);
	}
	for (l = 0; !c->needs.count && l < in->loads; l++)
		to->needs[l] = in->load[l].role == LOAD_GRID && in->load[l].elements;
	for (l = 0; !c->needs.count && !any(to) && l < in->loads; l++)
		to->needs[l] = in->load[l].elements > 0;
}

static void plan_relay(struct planner *p, const struct relay_config *c,
		       const struct installation *in)
{
	struct relay *to = &p->plan->relay[p->plan->relays++];
	const struct relay *other;

	*to = (struct relay){ .name = c->name, .place = c->output };
	if (!place_of(p, c->output, IO_RELAYS, &to->module, &to->relay)) {
		refuse(p, c->line, "relay", c->name,
		       "output = %s: not LABEL/NUMBER, a module of at most %d input and output "
		       "modules in all and its relay 1 to %d; write for example relays/1",
		       c->output, IO_MODULES_MAX, IO_RELAYS);
		return;
	}
	for (other = p->plan->relay; other < to; other++)
		if (other->module == to->module && other->relay == to->relay)
			refuse(p, c->line, "relay", c->name,
			       "output = %s: [relay %s] has this relay; remove one of them",
			       c->output, other->name);
	plan_needs(p, c, to, in);
}

int io_plan_make(struct io_plan *plan, const struct config *config, const struct installation *in)
{
	struct planner p = { .config = config, .plan = plan };
	unsigned int k;

	memset(plan, 0, sizeof(*plan));
	for (k = 0; k < config->contacts; k++)
		plan_contact(&p, &config->contact[k]);
	for (k = 0; k < config->relays; k++)
		plan_relay(&p, &config->relay[k], in);
	return p.errors ? -EINVAL : 0;
}
