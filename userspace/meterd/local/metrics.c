// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * metrics - see metrics.h. All quantities are rows of tables: a name, what it means, and
 * where it is in a reading.
 */
#include "metrics.h"

#include <math.h>
#include <mosquitto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "metrics-parts.h"
#include "version.h"

#define PERCENT 0.01

/**
 * struct family - series of one name
 * @name: without "meterd_"
 * @help: one line
 * @offset: of the double in its structure
 * @scale: to the unit of the name
 */
struct family {
	const char *name;
	const char *help;
	size_t offset;
	double scale;
};

#define LOAD(member) offsetof(struct load_reading, member)
#define ELEMENT(member) offsetof(struct element_reading, member)
#define SLOT(member) offsetof(struct voltage_reading, member)
#define TOTAL(member) offsetof(struct totals_reading, member)
#define WHOLE(member) offsetof(struct reading, member)

static const struct family of_reading[] = {
	{ "frequency_hertz", "Frequency of the reference voltage.", WHOLE(frequency_hz), 1 },
	{ "unbalance_negative_ratio", "Negative sequence of the voltages to the positive one.",
	  WHOLE(u2_percent), PERCENT },
	{ "unbalance_zero_ratio", "Zero sequence of the voltages to the positive one.",
	  WHOLE(u0_percent), PERCENT },
};

static const struct family of_slot[] = {
	{ "voltage_volts", "RMS voltage of a phase.", SLOT(ln_v), 1 },
	{ "line_voltage_volts", "RMS voltage to the next phase.", SLOT(ll_v), 1 },
};

static const struct family of_load[] = {
	{ "active_power_watts", "Active power; positive is import.", LOAD(p_w), 1 },
	{ "reactive_power_vars", "Reactive power of the fundamental; positive is inductive.",
	  LOAD(q1_var), 1 },
	{ "apparent_power_voltamperes", "Apparent power.", LOAD(s_va), 1 },
	{ "power_factor_ratio", "Active to apparent power.", LOAD(pf), 1 },
	{ "neutral_current_amperes", "RMS current of the neutral.", LOAD(neutral_a), 1 },
};

static const struct family of_element[] = {
	{ "current_amperes", "RMS current of an input.", ELEMENT(i_a), 1 },
	{ "input_voltage_volts", "RMS voltage of the phase of an input.", ELEMENT(v_v), 1 },
	{ "input_active_power_watts", "Active power of an input; positive is import.", ELEMENT(p_w),
	  1 },
	{ "input_reactive_power_vars", "Reactive power of an input, fundamental.", ELEMENT(q1_var),
	  1 },
	{ "input_power_factor_ratio", "Active to apparent power of an input.", ELEMENT(pf), 1 },
};

static const struct family of_totals[] = {
	{ "grid_power_watts", "Active power from the grid; positive is import.", TOTAL(grid_w), 1 },
	{ "production_power_watts", "Active power that production gives.", TOTAL(production_w), 1 },
	{ "storage_power_watts", "Active power that storage takes; negative while it gives.",
	  TOTAL(storage_w), 1 },
	{ "consumption_power_watts", "Active power that is consumed.", TOTAL(consumption_w), 1 },
};

/**
 * struct counter - an energy register
 * @name: of its family, without "meterd_"
 * @help: one line
 * @label: that tells it from others of the family; NULL: none
 * @value: of the label
 * @offset: of the double in struct energy_reading
 */
struct counter {
	const char *name;
	const char *help;
	const char *label;
	const char *value;
	size_t offset;
};

#define ENERGY(member) offsetof(struct energy_reading, member)

#define PHASES_HELP "Energy of the inputs of a load, each split by its own sign."
#define REACTIVE_HELP "Reactive energy of the fundamental by quadrant."
#define INPUT_REACTIVE_HELP "Reactive energy of the fundamental of an input by quadrant."

static const struct counter of_load_energy[] = {
	{ "energy_joules_total", "Energy registers of a load.", "direction", "import",
	  ENERGY(import_j) },
	{ "energy_joules_total", "", "direction", "export", ENERGY(export_j) },
	{ "phases_energy_joules_total", PHASES_HELP, "direction", "import",
	  ENERGY(phases_import_j) },
	{ "phases_energy_joules_total", "", "direction", "export", ENERGY(phases_export_j) },
	{ "absolute_energy_joules_total", "Energy of the inputs of a load without signs.", NULL,
	  NULL, ENERGY(absolute_j) },
	{ "estimated_energy_joules_total", "Energy continued over holes, without sign.", NULL, NULL,
	  ENERGY(estimated_j) },
	{ "reactive_energy_varseconds_total", REACTIVE_HELP, "quadrant", "1",
	  ENERGY(reactive_vars[0]) },
	{ "reactive_energy_varseconds_total", "", "quadrant", "2", ENERGY(reactive_vars[1]) },
	{ "reactive_energy_varseconds_total", "", "quadrant", "3", ENERGY(reactive_vars[2]) },
	{ "reactive_energy_varseconds_total", "", "quadrant", "4", ENERGY(reactive_vars[3]) },
};

/* "input_energy_joules_total" are the pulses of a meter at a contact (metrics-io.c). */
static const struct counter of_element_energy[] = {
	{ "input_active_energy_joules_total", "Active energy registers of an input.", "direction",
	  "import", ENERGY(import_j) },
	{ "input_active_energy_joules_total", "", "direction", "export", ENERGY(export_j) },
	{ "input_estimated_energy_joules_total",
	  "Energy of an input continued over holes, without sign.", NULL, NULL,
	  ENERGY(estimated_j) },
	{ "input_reactive_energy_varseconds_total", INPUT_REACTIVE_HELP, "quadrant", "1",
	  ENERGY(reactive_vars[0]) },
	{ "input_reactive_energy_varseconds_total", "", "quadrant", "2", ENERGY(reactive_vars[1]) },
	{ "input_reactive_energy_varseconds_total", "", "quadrant", "3", ENERGY(reactive_vars[2]) },
	{ "input_reactive_energy_varseconds_total", "", "quadrant", "4", ENERGY(reactive_vars[3]) },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A name of the configuration as the value of a label. */
static void put_value(FILE *f, const char *value)
{
	bool utf8 = !mosquitto_validate_utf8(value, (int)strlen(value));

	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else if (*value == '"' || *value == '\\')
			fprintf(f, "\\%c", *value);
		else if (!utf8 && (unsigned char)*value >= 0x80)
			putc('?', f);
		else
			putc(*value, f);
	}
}

void metrics_label(FILE *f, const char *separator, const char *name, const char *value)
{
	fprintf(f, "%s%s=\"", separator, name);
	put_value(f, value ? value : "");
	putc('"', f);
}

static void put_head(FILE *f, const char *name, const char *help, const char *type)
{
	fprintf(f, "# HELP meterd_%s %s\n# TYPE meterd_%s %s\n", name, help, name, type);
}

void metrics_number(FILE *f, double value)
{
	fprintf(f, " %.12g\n", value);
}

static void put_plain(FILE *f, const char *name, const char *help, const char *type, double value)
{
	if (!isfinite(value))
		return;
	put_head(f, name, help, type);
	fprintf(f, "meterd_%s", name);
	metrics_number(f, value);
}

static double value_at(const void *base, const struct family *m)
{
	return *(const double *)((const char *)base + m->offset) * m->scale;
}

/* The head of a family comes with its first series. */
void metrics_begin(FILE *f, bool *begun, const char *name, const char *help, const char *type)
{
	if (!*begun)
		put_head(f, name, help, type);
	*begun = true;
	fprintf(f, "meterd_%s", name);
}

static void put_slots(FILE *f, const struct family *m, const struct reading *r)
{
	bool begun = false;
	unsigned int k;

	for (k = 0; k < r->voltages; k++) {
		double value = value_at(&r->voltage[k], m);

		if (!isfinite(value))
			continue;
		metrics_begin(f, &begun, m->name, m->help, "gauge");
		metrics_label(f, "{", "phase", r->voltage[k].phase);
		putc('}', f);
		metrics_number(f, value);
	}
}

static void put_load_labels(FILE *f, const struct load_reading *l)
{
	metrics_label(f, "{", "load", l->name);
	metrics_label(f, ",", "role", live_role(l->role));
}

static void put_loads(FILE *f, const struct family *m, const struct reading *r)
{
	bool begun = false;
	unsigned int k;

	for (k = 0; k < r->loads; k++) {
		double value = value_at(&r->load[k], m);

		if (!isfinite(value))
			continue;
		metrics_begin(f, &begun, m->name, m->help, "gauge");
		put_load_labels(f, &r->load[k]);
		putc('}', f);
		metrics_number(f, value);
	}
}

static void put_element_labels(FILE *f, const struct element_reading *e)
{
	metrics_label(f, ",", "input", e->input);
	metrics_label(f, ",", "phase", e->phase);
}

static void put_elements(FILE *f, const struct family *m, const struct reading *r)
{
	bool begun = false;
	unsigned int k;
	unsigned int n;

	for (k = 0; k < r->loads; k++) {
		const struct load_reading *l = &r->load[k];

		for (n = 0; n < l->elements; n++) {
			double value = value_at(&l->element[n], m);

			if (!isfinite(value))
				continue;
			metrics_begin(f, &begun, m->name, m->help, "gauge");
			put_load_labels(f, l);
			put_element_labels(f, &l->element[n]);
			putc('}', f);
			metrics_number(f, value);
		}
	}
}

/* One register of a load, or of an element @e of it. */
static void put_counter(FILE *f, bool *begun, const struct counter *head, const struct counter *c,
			const struct load_reading *l, const struct element_reading *e)
{
	const struct energy_reading *energy = e ? &e->energy : &l->energy;
	double value = *(const double *)((const char *)energy + c->offset);

	if (!isfinite(value))
		return;
	metrics_begin(f, begun, head->name, head->help, "counter");
	put_load_labels(f, l);
	if (e)
		put_element_labels(f, e);
	if (c->label)
		metrics_label(f, ",", c->label, c->value);
	fprintf(f, "} %.3f\n", value);
}

/* Registers that follow @c and are of its family. */
static size_t family_size(const struct counter *c, size_t n)
{
	size_t same;

	for (same = 1; same < n && !strcmp(c[same].name, c->name);)
		same++;
	return same;
}

static void put_load_energy(FILE *f, const struct reading *r, const struct counter *c, size_t same)
{
	bool begun = false;
	unsigned int k;
	size_t i;

	for (k = 0; k < r->loads; k++)
		for (i = 0; i < same; i++)
			put_counter(f, &begun, c, &c[i], &r->load[k], NULL);
}

static void put_element_energy(FILE *f, const struct reading *r, const struct counter *c,
			       size_t same)
{
	bool begun = false;
	unsigned int k;
	unsigned int n;
	size_t i;

	for (k = 0; k < r->loads; k++)
		for (n = 0; n < r->load[k].elements; n++)
			for (i = 0; i < same; i++)
				put_counter(f, &begun, c, &c[i], &r->load[k],
					    &r->load[k].element[n]);
}

static void put_energy(FILE *f, const struct reading *r)
{
	size_t same;
	size_t k;

	for (k = 0; k < COUNT(of_load_energy); k += same) {
		same = family_size(&of_load_energy[k], COUNT(of_load_energy) - k);
		put_load_energy(f, r, &of_load_energy[k], same);
	}
	for (k = 0; k < COUNT(of_element_energy); k += same) {
		same = family_size(&of_element_energy[k], COUNT(of_element_energy) - k);
		put_element_energy(f, r, &of_element_energy[k], same);
	}
}

static void put_thd(FILE *f, const struct reading *r)
{
	bool begun = false;
	unsigned int k;

	for (k = 0; k < r->voltages; k++) {
		if (!isfinite(r->voltage[k].thd_v))
			continue;
		metrics_begin(f, &begun, "voltage_thd_ratio",
			      "Total harmonic distortion of the voltage of a phase.", "gauge");
		metrics_label(f, "{", "phase", r->voltage[k].phase);
		putc('}', f);
		metrics_number(f, r->voltage[k].thd_v * PERCENT);
	}
}

static void put_reading(FILE *f, const struct reading *r)
{
	size_t k;

	for (k = 0; k < COUNT(of_reading); k++)
		put_plain(f, of_reading[k].name, of_reading[k].help, "gauge",
			  value_at(r, &of_reading[k]));
	for (k = 0; k < COUNT(of_totals); k++)
		put_plain(f, of_totals[k].name, of_totals[k].help, "gauge",
			  value_at(&r->totals, &of_totals[k]));
	for (k = 0; k < COUNT(of_slot); k++)
		put_slots(f, &of_slot[k], r);
	put_thd(f, r);
	for (k = 0; k < COUNT(of_load); k++)
		put_loads(f, &of_load[k], r);
	put_energy(f, r);
	for (k = 0; k < COUNT(of_element); k++)
		put_elements(f, &of_element[k], r);
	put_plain(f, "lost_scans_total", "Scans that never came, or too late.", "counter",
		  (double)r->lost_scans);
	put_plain(f, "sample_gaps_total", "Holes in the joined samples.", "counter",
		  (double)r->gaps);
	put_plain(f, "repaired_blocks_total", "Blocks that came when asked for again.", "counter",
		  (double)r->repaired_blocks);
}

static void put_outbox(FILE *f, const struct database_state *d)
{
	unsigned int k;
	bool begun = false;

	for (k = 0; k < d->upstreams && k < STORE_UPSTREAMS_MAX; k++) {
		uint64_t acked = d->upstream[k].acked;

		metrics_begin(f, &begun, "outbox_records",
			      "Records that an upstream does not have yet.", "gauge");
		metrics_label(f, "{", "upstream", d->upstream[k].name);
		putc('}', f);
		metrics_number(f, d->last > acked ? (double)(d->last - acked) : 0);
	}
}

static void put_store(FILE *f, const struct store_counters *c)
{
	put_plain(f, "store_open", "1 when the store can be used.", "gauge", c->open);
	put_plain(f, "store_records", "Records in the store.", "gauge",
		  (double)c->database.records);
	put_plain(f, "store_size_bytes", "Bytes used by the store.", "gauge",
		  (double)c->database.bytes);
	put_plain(f, "store_waiting_records", "Records in memory that are not stored yet.", "gauge",
		  c->waiting);
	put_plain(f, "store_dropped_records_total", "Records that were never stored.", "counter",
		  (double)c->dropped);
	put_outbox(f, &c->database);
}

char *metrics_text(const struct metrics_input *in)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	put_head(f, "build_info", "1, with the version of meterd.", "gauge");
	fputs("meterd_build_info{version=\"" SMAPPEE_VERSION "\"} 1\n", f);
	put_plain(f, "source_age_seconds", "Age of the last reading.", "gauge", in->age_s);
	if (in->reading)
		put_reading(f, in->reading);
	if (in->io)
		metrics_io(f, in->io);
	if (in->store)
		put_store(f, in->store);
	if (in->mqtt) {
		put_plain(f, "mqtt_connected", "1 while the broker is there.", "gauge",
			  in->mqtt->connected);
		put_plain(f, "mqtt_published_readings_total", "Readings sent to the broker.",
			  "counter", (double)in->mqtt->published);
		put_plain(f, "mqtt_dropped_readings_total", "Readings that were not.", "counter",
			  (double)in->mqtt->dropped);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
