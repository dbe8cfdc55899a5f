// SPDX-License-Identifier: GPL-2.0-or-later
#include "terminals.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "command.h"
#include "contact.h"
#include "io.h"
#include "log.h"
#include "registers.h"

#define CHANGED_US 50000
#define S_PER_H 3600.0
#define NS_PER_MS 1000000LL
/* readings without what a module needs, after which it is said to get no heartbeat */
#define QUIET_US 3000000ULL
#define EVENT_MAX 160

/* A module that was not looked at yet has no problem that would be an event. */
static const char not_yet[] = "not looked at yet";

/**
 * struct module_state - a module
 * @seen: it was looked at
 * @error: of the last look
 * @needs: loads that its relays need
 * @relays: it has relays in the plan
 * @beat_us: when it was due a heartbeat last, CLOCK_MONOTONIC
 * @cause: why its relays are as they are
 */
struct module_state {
	bool seen;
	int error;
	bool needs[LOADS_MAX];
	bool relays;
	uint64_t beat_us;
	char cause[IO_CAUSE_MAX];
};

struct terminals {
	struct terminals_config config;
	struct io *io;
	sd_event_source *tell;
	struct io_reading now;
	struct module_state module[IO_MODULES_MAX];
	unsigned int record[CONTACTS_MAX]; /* of the registers */
	struct contact_flow flow[CONTACTS_MAX];
	int told_closed[CONTACTS_MAX]; /* state that an event told */
	bool counted;		       /* pulses have come in this round */
	int beat_error;		       /* of the last heartbeat */
};

static int64_t utc_ms(void)
{
	return (int64_t)(clock_us(CLOCK_REALTIME) / 1000);
}

static int64_t monotonic_ns(void)
{
	return (int64_t)clock_us(CLOCK_MONOTONIC) * 1000;
}

/* Tell it soon; what else changes until then is told with it. */
static void changed(struct terminals *t)
{
	int on = SD_EVENT_OFF;

	sd_event_source_get_enabled(t->tell, &on);
	if (on != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(t->tell, CHANGED_US);
	sd_event_source_set_enabled(t->tell, SD_EVENT_ONESHOT);
}

static int on_tell(sd_event_source *source, uint64_t usec, void *user)
{
	struct terminals *t = user;

	t->config.changed(t->config.user, &t->now);
	return 0;
}

__attribute__((format(printf, 3, 4))) static void event(struct terminals *t, const char *subject,
							const char *format, ...)
{
	char text[EVENT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	t->config.event(t->config.user, subject, text);
}

/* ---- inputs ------------------------------------------------------------ */

static void set_total(struct terminals *t, unsigned int k)
{
	struct contact_reading *r = &t->now.contact[k];
	const struct contact *c = r->contact;
	struct pulse_register p;

	registers_pulses(t->config.registers, t->record[k], &p);
	r->pulses = p.pulses;
	r->total = p.place ? c->start + (double)p.pulses / c->per_unit : NAN;
	r->flow_per_h = t->flow[k].per_s * S_PER_H / c->per_unit;
	r->power_w = c->unit->wh > 0 ? r->flow_per_h * c->unit->wh : NAN;
}

static void tell_news(struct terminals *t, const struct contact *c, enum contact_news news)
{
	if (news == CONTACT_BEGUN)
		log_info("input \"%s\": begins to count at %s", c->name, c->place);
	else if (news == CONTACT_MOVED)
		event(t, "input", "%s: another module or input, %s: counting goes on there",
		      c->name, c->place);
	else if (news == CONTACT_FORGOT)
		event(t, "input",
		      "%s: module %s lost its memory; pulses between the last look and that are "
		      "not known",
		      c->name, c->place);
}

static void count(struct terminals *t, unsigned int k, const struct io_module *m)
{
	const struct contact *c = t->now.contact[k].contact;
	struct contact_look look = {
		.place = contact_place(m->serial, c->input),
		.epoch = m->epoch,
		.pulses = m->pulses[c->input],
		.at_us = clock_us(CLOCK_MONOTONIC),
	};
	double flow = t->flow[k].per_s;
	struct pulse_register p;
	enum contact_news news;

	registers_pulses(t->config.registers, t->record[k], &p);
	news = contact_count(&p, &t->flow[k], &look);
	registers_set_pulses(t->config.registers, t->record[k], &p);
	set_total(t, k);
	tell_news(t, c, news);
	if (news != CONTACT_NOTHING)
		t->counted = true;
	/* NAN is another one than itself */
	if (news != CONTACT_NOTHING || (isfinite(t->flow[k].per_s) && t->flow[k].per_s != flow))
		changed(t);
}

/* @time_ns is when, CLOCK_MONOTONIC */
static void set_closed(struct terminals *t, unsigned int k, int closed, int64_t time_ns)
{
	struct contact_reading *r = &t->now.contact[k];

	if (r->closed == closed)
		return;
	r->closed = closed;
	r->since_ms = closed < 0 ? 0 : utc_ms() - (monotonic_ns() - time_ns) / NS_PER_MS;
	changed(t);
}

static const char *problem_of(int error, bool input)
{
	switch (error) {
	case 0:
	case -EAGAIN: /* a counter that is being verified: the next look will tell */
		return NULL;
	case -ENOENT:
		return "no such module";
	case -EEXIST:
		return "two modules have this label; give the serial number";
	case -ENODEV:
		return input ? "the module has no such input" : "the module has no such relay";
	case -EBUSY:
		return "somebody else has the line";
	case -EACCES:
		return "not allowed; be in the group iio (60-smappee.rules)";
	case -EPIPE:
		return "not known: the process that asks was started again";
	}
	return "the module does not answer";
}

static void set_problem(struct terminals *t, const char **problem, const char *subject,
			const char *name, const char *now)
{
	if (now == *problem)
		return;
	if (now)
		event(t, subject, "%s: %s", name, now);
	else if (*problem != not_yet)
		event(t, subject, "%s: in order", name);
	*problem = now;
	changed(t);
}

static void take_contact(struct terminals *t, unsigned int k, const struct io_module *m)
{
	struct contact_reading *r = &t->now.contact[k];
	const struct contact *c = r->contact;
	int error = m->error ? m->error : m->input_error[c->input];

	set_problem(t, &r->problem, "input", c->name, problem_of(error, true));
	if (c->kind == CONTACT_STATE) {
		set_closed(t, k, error ? IO_UNKNOWN : m->closed[c->input], monotonic_ns());
	} else if (!error) {
		count(t, k, m);
	} else if (r->problem) {
		t->flow[k] = (struct contact_flow){ .per_s = NAN };
		set_total(t, k);
	}
}

/* ---- outputs ----------------------------------------------------------- */

static void take_relay(struct terminals *t, struct relay_reading *r, const struct io_module *m,
		       bool first)
{
	int error = m->error ? m->error : m->relay_error;
	bool fell = !error && m->fail_safe && !r->fail_safe;
	int on = error ? IO_UNKNOWN : m->on[r->relay->relay];

	set_problem(t, &r->problem, "output", r->relay->name, problem_of(error, false));
	if (on != r->on) {
		if (on >= 0 && r->on >= 0)
			event(t, "output", "%s: is %s (%s)", r->relay->name, on ? "on" : "off",
			      m->cause);
		r->since_ms = on < 0 ? 0 : utc_ms();
		r->on = on;
		changed(t);
	}
	if (error)
		return;
	if (fell)
		event(t, "output", "%s: is in its fail-safe state, %s: no heartbeat for %u s",
		      r->relay->name, on ? "on" : "off", m->timeout_s);
	if (first && !m->timeout_s)
		event(t, "output",
		      "%s: its module has no fail-safe time-out: it stays as it is when meterd or "
		      "the meter dies; set fail_safe_timeout_sec",
		      r->relay->name);
	if (r->fail_safe != m->fail_safe || r->timeout_s != m->timeout_s ||
	    strcmp(r->cause, m->cause))
		changed(t);
	r->fail_safe = m->fail_safe;
	r->timeout_s = m->timeout_s;
}

/* Without a word for each reading that fails. */
static void set_beating(struct terminals *t, uint64_t now_us)
{
	unsigned int k;

	for (k = 0; k < t->now.relays; k++) {
		struct relay_reading *r = &t->now.relay[k];
		uint64_t last_us = t->module[r->relay->module].beat_us;
		bool beating = last_us && now_us - last_us < QUIET_US;

		if (beating == r->beating)
			continue;
		if (beating)
			event(t, "output", "%s: what it needs is measured: heartbeat",
			      r->relay->name);
		else
			event(t, "output",
			      "%s: what it needs is not measured: no heartbeat, so it falls back",
			      r->relay->name);
		r->beating = beating;
		changed(t);
	}
}

static bool is_measured(const struct module_state *m, const struct reading *r)
{
	unsigned int k;

	for (k = 0; k < LOADS_MAX; k++)
		if (m->needs[k] && (k >= r->loads || !isfinite(r->load[k].p_w)))
			return false;
	return isfinite(r->frequency_hz);
}

void terminals_measured(struct terminals *t, const struct reading *r)
{
	uint64_t now_us;
	uint32_t due = 0;
	unsigned int k;

	if (!t)
		return;
	now_us = clock_us(CLOCK_MONOTONIC);
	for (k = 0; k < t->config.plan->modules; k++) {
		struct module_state *m = &t->module[k];

		if (!m->relays || !is_measured(m, r))
			continue;
		due |= 1U << k;
		m->beat_us = now_us;
	}
	io_beat(t->io, due);
}

static struct relay_reading *find_relay(struct terminals *t, const char *name)
{
	unsigned int k;

	for (k = 0; k < t->now.relays; k++)
		if (!strcmp(t->now.relay[k].relay->name, name))
			return &t->now.relay[k];
	return NULL;
}

static void refuse(struct command_reply *reply, const struct relay_reading *r, int error)
{
	const char *name = r->relay->name;

	if (error == -EBUSY && r->fail_safe)
		command_fail(reply, error,
			     "%s: its module is in its fail-safe state until it gets a heartbeat: "
			     "what the relay needs must be measured",
			     name);
	else if (error == -EBUSY)
		command_fail(reply, error,
			     "%s: the module is in its fail-safe state, or another program has "
			     "the line (gpioinfo tells)",
			     name);
	else
		command_fail(reply, error, "%s: %s: %s", name, r->relay->place,
			     problem_of(error, false));
}

static void run(void *user, struct json_object *arguments, struct command_reply *reply)
{
	const char *state = command_text(arguments, "state");
	const char *name = command_text(arguments, "name");
	struct terminals *t = user;
	struct relay_reading *r = find_relay(t, name);
	bool on;
	int error;

	if (!r) {
		command_fail(reply, -ENOENT, "there is no [relay %s]; GET /api/v1/io lists them",
			     name);
		return;
	}
	if (!strcmp(state, "toggle") && r->on < 0) {
		command_fail(reply, -EBUSY, "%s: its state is not known; say on or off", name);
		return;
	}
	on = strcmp(state, "toggle") ? !strcmp(state, "on") : !r->on;
	error = io_switch(t->io, (unsigned int)(r - t->now.relay), on);
	if (error) {
		refuse(reply, r, error);
		return;
	}
	if (r->on != on)
		r->since_ms = utc_ms();
	r->on = on;
	reply->result = json_object_new_object();
	json_object_object_add(reply->result, "name", json_object_new_string(name));
	json_object_object_add(reply->result, "state", json_object_new_string(on ? "on" : "off"));
	changed(t);
}

static const struct command_row output_row = {
	.name = "output",
	.summary = "switch a relay",
	.field = { { "name", COMMAND_TEXT, .most = LOAD_NAME_MAX },
		   { "state", COMMAND_TEXT, .most = 8, .choices = "on|off|toggle" } },
	.run = run,
};

/* ---- the link ---------------------------------------------------------- */

static void on_looked(void *user, unsigned int module, const struct io_module *m)
{
	struct terminals *t = user;
	struct module_state *s = &t->module[module];
	bool first = !s->seen || s->error;
	unsigned int k;

	for (k = 0; k < t->now.contacts; k++)
		if (t->now.contact[k].contact->module == module)
			take_contact(t, k, m);
	for (k = 0; k < t->now.relays; k++)
		if (t->now.relay[k].relay->module == module)
			take_relay(t, &t->now.relay[k], m, first);
	memcpy(s->cause, m->cause, sizeof(s->cause));
	s->error = m->error;
	s->seen = true;
}

/* Once: relays fall back although all that they need is measured. */
static void on_beaten(void *user, int error)
{
	struct terminals *t = user;

	if (error && error != t->beat_error)
		event(t, "output",
		      "a module does not take its heartbeat, so its relays fall back: %s",
		      error == -EACCES ? problem_of(error, false) : strerror(-error));
	t->beat_error = error;
}

static void on_edge(void *user, unsigned int contact, bool closed, int64_t time_ns)
{
	set_closed(user, contact, closed, time_ns);
}

/* Of a contact that bounces for long, one event per second. */
static void tell_states(struct terminals *t)
{
	unsigned int k;

	for (k = 0; k < t->now.contacts; k++) {
		struct contact_reading *r = &t->now.contact[k];

		if (r->contact->kind != CONTACT_STATE || r->closed < 0 ||
		    r->closed == t->told_closed[k])
			continue;
		event(t, "input", "%s: is %s", r->contact->name, r->closed ? "closed" : "open");
		t->told_closed[k] = r->closed;
	}
}

static void on_round(void *user)
{
	struct terminals *t = user;

	if (t->counted)
		registers_note(t->config.registers);
	t->counted = false;
	set_beating(t, clock_us(CLOCK_MONOTONIC));
	tell_states(t);
	t->config.round(t->config.user, &t->now);
}

static const struct io_ops ops = { on_looked, on_beaten, on_edge, on_round };

static int restore(struct terminals *t)
{
	const struct io_plan *plan = t->config.plan;
	unsigned int k, l;

	t->now.contacts = plan->contacts;
	t->now.relays = plan->relays;
	for (k = 0; k < plan->contacts; k++) {
		struct contact_reading *r = &t->now.contact[k];
		int record;

		*r = (struct contact_reading){ .contact = &plan->contact[k],
					       .problem = not_yet,
					       .total = NAN,
					       .flow_per_h = NAN,
					       .power_w = NAN,
					       .closed = IO_UNKNOWN };
		t->told_closed[k] = IO_UNKNOWN;
		t->flow[k].per_s = NAN;
		if (plan->contact[k].kind == CONTACT_STATE)
			continue;
		record = registers_contact(t->config.registers, plan->contact[k].name);
		if (record < 0)
			return record;
		t->record[k] = (unsigned int)record;
		set_total(t, k);
	}
	for (k = 0; k < plan->relays; k++) {
		const struct relay *r = &plan->relay[k];
		struct module_state *m = &t->module[r->module];

		t->now.relay[k] = (struct relay_reading){
			.relay = r, .problem = not_yet, .on = IO_UNKNOWN, .cause = m->cause
		};
		m->relays = true;
		for (l = 0; l < LOADS_MAX; l++)
			m->needs[l] |= r->needs[l];
	}
	return 0;
}

int terminals_open(struct terminals **out, sd_event *event_loop,
		   const struct terminals_config *config)
{
	struct terminals *t = calloc(1, sizeof(*t));
	int error;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->config = *config;
	error = restore(t);
	if (!error)
		error = sd_event_add_time(event_loop, &t->tell, CLOCK_MONOTONIC, 0, CHANGED_US / 5,
					  on_tell, t);
	if (error >= 0)
		error = sd_event_source_set_enabled(t->tell, SD_EVENT_OFF);
	if (error >= 0 && t->now.relays)
		error = command_register(config->commands, &output_row, t);
	if (error >= 0)
		error = io_open(&t->io, event_loop, config->plan, config->dir, config->period_ms,
				&ops, t);
	if (error < 0) {
		log_error("inputs and outputs: %s", strerror(-error));
		terminals_close(t);
		return error;
	}
	*out = t;
	return 0;
}

const struct io_reading *terminals_reading(const struct terminals *t)
{
	return t ? &t->now : NULL;
}

void terminals_close(struct terminals *t)
{
	if (!t)
		return;
	io_close(t->io);
	sd_event_source_disable_unref(t->tell);
	free(t);
}
