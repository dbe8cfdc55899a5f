// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inputs and outputs for Prometheus, in base units. What is not known has no series.
 */
#include <math.h>

#include "metrics-parts.h"

#define J_PER_WH 3600.0

/**
 * struct input_family - series of inputs
 * @name: without "meterd_"
 * @help: one line
 * @type: "counter" or "gauge"
 * @value: NAN: this input has none
 */
struct input_family {
	const char *name;
	const char *help;
	const char *type;
	double (*value)(const struct contact_reading *r);
};

static double up(const struct contact_reading *r)
{
	return !r->problem;
}

static double pulses(const struct contact_reading *r)
{
	return isfinite(r->total) ? (double)r->pulses : NAN;
}

static double volume(const struct contact_reading *r)
{
	const struct contact_unit *u = r->contact->unit;

	return u && u->m3 > 0 ? r->total * u->m3 : NAN;
}

static double energy(const struct contact_reading *r)
{
	const struct contact_unit *u = r->contact->unit;

	return u && u->wh > 0 ? r->total * u->wh * J_PER_WH : NAN;
}

static double power(const struct contact_reading *r)
{
	return r->power_w;
}

static double closed(const struct contact_reading *r)
{
	return r->closed < 0 ? NAN : r->closed;
}

static const struct input_family of_inputs[] = {
	{ "input_up", "1 while the module of an input answers and has it.", "gauge", up },
	{ "input_pulses_total", "Pulses of an input since it was configured.", "counter", pulses },
	{ "input_volume_cubic_meters_total", "What a gas or water meter shows.", "counter",
	  volume },
	{ "input_energy_joules_total", "What a heat or electricity meter shows.", "counter",
	  energy },
	{ "input_power_watts", "Power by the pulses of an input.", "gauge", power },
	{ "input_closed", "1 while a contact is closed.", "gauge", closed },
};

static void put_inputs(FILE *f, const struct input_family *m, const struct io_reading *r)
{
	bool begun = false;
	unsigned int k;

	for (k = 0; k < r->contacts; k++) {
		const struct contact *c = r->contact[k].contact;
		double value = m->value(&r->contact[k]);

		if (!isfinite(value))
			continue;
		metrics_begin(f, &begun, m->name, m->help, m->type);
		metrics_label(f, "{", "input", c->name);
		metrics_label(f, ",", "kind", contact_kind_name(c->kind));
		putc('}', f);
		metrics_number(f, value);
	}
}

/**
 * struct output_family - series of outputs
 * @name: without "meterd_"
 * @help: one line
 * @value: -1: not known
 */
struct output_family {
	const char *name;
	const char *help;
	int (*value)(const struct relay_reading *r);
};

static int on(const struct relay_reading *r)
{
	return r->on;
}

static int fail_safe(const struct relay_reading *r)
{
	return r->problem ? -1 : r->fail_safe;
}

static int heartbeat(const struct relay_reading *r)
{
	return r->beating;
}

static const struct output_family of_outputs[] = {
	{ "output_on", "1 while a relay is on.", on },
	{ "output_fail_safe", "1 while a relay is in its fail-safe state.", fail_safe },
	{ "output_heartbeat", "1 while what a relay needs is measured.", heartbeat },
};

static void put_outputs(FILE *f, const struct output_family *m, const struct io_reading *r)
{
	bool begun = false;
	unsigned int k;

	for (k = 0; k < r->relays; k++) {
		int value = m->value(&r->relay[k]);

		if (value < 0)
			continue;
		metrics_begin(f, &begun, m->name, m->help, "gauge");
		metrics_label(f, "{", "output", r->relay[k].relay->name);
		putc('}', f);
		metrics_number(f, value);
	}
}

void metrics_io(FILE *f, const struct io_reading *r)
{
	size_t k;

	for (k = 0; k < sizeof(of_inputs) / sizeof(of_inputs[0]); k++)
		put_inputs(f, &of_inputs[k], r);
	for (k = 0; k < sizeof(of_outputs) / sizeof(of_outputs[0]); k++)
		put_outputs(f, &of_outputs[k], r);
}
