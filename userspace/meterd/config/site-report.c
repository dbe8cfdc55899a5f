// SPDX-License-Identifier: GPL-2.0-or-later
/* See site-report.h. What is not known is null. */
#include "site-report.h"

#include <string.h>

#include "config.h"
#include "log.h"

static void tell(const struct site_notes *notes)
{
	unsigned int k;

	for (k = 0; k < notes->count; k++)
		log_warning("mains: %s", notes->text[k]);
}

bool site_report_read(struct site_report *r, const char *sysfs, const struct config *config,
		      bool wait)
{
	memset(r, 0, sizeof(*r));
	r->site.ratio = 1.0;
	if (wait && !site_wait(&r->site, sysfs, config))
		return false;
	if (!wait && !config->source.replay)
		site_read(&r->site, sysfs, config);
	site_compare(&r->site, config, &r->configured);
	tell(&r->configured);
	return true;
}

void site_report_begin(struct site_report *r, const struct installation *in)
{
	unsigned int terminals = r->site.terminals;

	if (terminals && terminals < in->topology->voltages) {
		site_note(
			&r->configured,
			"%s says %s, which has %u voltages, but the voltage module has %u; correct "
			"the topology",
			in->topology_from, in->topology->name, in->topology->voltages, terminals);
		log_warning("mains: %s", r->configured.text[r->configured.count - 1]);
	}
	if (!strcmp(in->topology_from, "the device tree"))
		log_notice("mains: %s, %g V, %g Hz, as the device tree says", in->topology->name,
			   in->nominal_v, in->nominal_hz);
	site_check_init(&r->check, in, in->topology_from);
}

void site_report_add(struct site_report *r, const struct meter_window *window)
{
	if (!site_check_add(&r->check, window))
		return;
	tell(&r->check.notes);
	if (!r->check.notes.count)
		log_notice("mains: the voltages fit %s now", r->check.in->topology->name);
}

static struct json_object *text_or_null(const char *text)
{
	return text[0] ? json_object_new_string(text) : NULL;
}

static struct json_object *number_or_null(double x)
{
	return x > 0.0 ? json_object_new_double(x) : NULL;
}

static struct json_object *described_json(const struct site *site)
{
	struct json_object *o = json_object_new_object();
	struct json_object *names = json_object_new_array();
	unsigned int k;

	for (k = 0; k < site->conductors; k++)
		json_object_array_add(names, json_object_new_string(site->conductor[k]));
	json_object_object_add(o, "topology", text_or_null(site->topology));
	json_object_object_add(o, "nominal_v", number_or_null(site->nominal_v));
	json_object_object_add(o, "nominal_hz", number_or_null(site->nominal_hz));
	json_object_object_add(o, "transformer_ratio",
			       site->ratio == 1.0 ? NULL : json_object_new_double(site->ratio));
	json_object_object_add(o, "conductors", names);
	return o;
}

static void add_notes(struct json_object *list, const struct site_notes *notes)
{
	unsigned int k;

	for (k = 0; k < notes->count; k++)
		json_object_array_add(list, json_object_new_string(notes->text[k]));
}

struct json_object *site_report_json(const struct site_report *r, const struct installation *in)
{
	struct json_object *o = json_object_new_object();
	struct json_object *voltages = json_object_new_array();
	struct json_object *contradictions = json_object_new_array();
	unsigned int k;

	for (k = 0; k < in->inputs.voltages; k++)
		json_object_array_add(voltages, json_object_new_string(in->inputs.channel[k].name));
	add_notes(contradictions, &r->configured);
	add_notes(contradictions, &r->check.notes);
	json_object_object_add(o, "topology", json_object_new_string(in->topology->name));
	json_object_object_add(o, "from", json_object_new_string(in->topology_from));
	json_object_object_add(o, "nominal_v", number_or_null(in->nominal_v));
	json_object_object_add(o, "nominal_hz", number_or_null(in->nominal_hz));
	json_object_object_add(o, "voltages", voltages);
	json_object_object_add(o, "segment", text_or_null(r->site.segment));
	json_object_object_add(o, "device_tree",
			       r->site.segment[0] ? described_json(&r->site) : NULL);
	json_object_object_add(o, "checked", json_object_new_boolean(r->check.looks > 1));
	json_object_object_add(o, "contradictions", contradictions);
	return o;
}
