// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table - see table.h. Columns are counted in terminal cells, not bytes, so that
 * names in any script stay aligned.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "answer.h"
#include "table.h"

#define LINE_MAX_BYTES 1024
#define NAME_CELLS 24
/* Tables that are watched fit a terminal of 80 cells. */
#define LIVE_NAME_CELLS 19
#define LIVE_AT_CELLS 14

/* ---- a line ----------------------------------------------------------- */

/**
 * struct line - a line of text that is being put together
 * @text: its bytes
 * @length: how many
 */
struct line {
	char text[LINE_MAX_BYTES];
	size_t length;
};

static void put(struct line *l, const char *bytes, size_t n)
{
	if (n >= sizeof(l->text) - l->length)
		n = sizeof(l->text) - l->length - 1;
	memcpy(l->text + l->length, bytes, n);
	l->length += n;
	l->text[l->length] = '\0';
}

static void put_spaces(struct line *l, int n)
{
	while (n-- > 0)
		put(l, " ", 1);
}

/* Left-aligned in @cells cells, cut there; 0 means as long as it is. Two spaces follow. */
static void put_name(struct line *l, const char *name, int cells)
{
	mbstate_t state = { 0 };
	size_t n, left = strlen(name);
	int used = 0, width;
	wchar_t c;

	while (left && (!cells || used < cells)) {
		n = mbrtowc(&c, name, left, &state);
		if (n == (size_t)-1 || n == (size_t)-2 || !n) {
			memset(&state, 0, sizeof(state));
			n = 1;
			c = L'\0';
		}
		width = c && iswprint(c) ? wcwidth(c) : -1;
		if (cells && width > cells - used)
			break;
		put(l, width < 0 ? "?" : name, width < 0 ? 1 : n);
		used += width < 0 ? 1 : width;
		name += n;
		left -= n;
	}
	put_spaces(l, cells - used);
	put(l, "  ", 2);
}

/* Right-aligned in @cells cells. */
static void put_number(struct line *l, double value, int cells, int digits)
{
	char s[352];
	int n = isfinite(value) ? snprintf(s, sizeof(s), "%*.*f", cells, digits,
					   answer_rounded(value, digits))
				: snprintf(s, sizeof(s), "%*s", cells, "-");

	put(l, s, n);
}

static void put_word(struct line *l, const char *word)
{
	put(l, word, strlen(word));
}

static void end_line(struct line *l, table_emit emit, void *context, enum table_style style)
{
	while (l->length && l->text[l->length - 1] == ' ')
		l->text[--l->length] = '\0';
	emit(context, style, l->text);
	l->length = 0;
	l->text[0] = '\0';
}

/* ---- inputs and outputs ----------------------------------------------- */

/* Under the line of its input or output, which is as wide as a terminal. */
static void emit_problem(struct line *l, struct json_object *x, table_emit emit, void *context)
{
	if (!answer_member(x, "problem"))
		return;
	put_spaces(l, 2);
	put_name(l, answer_text(x, "problem"), 0);
	end_line(l, emit, context, TABLE_PLAIN);
}

static void put_input(struct line *l, struct json_object *x)
{
	put_name(l, answer_text(x, "name"), LIVE_NAME_CELLS);
	put_name(l, answer_text(x, "input"), LIVE_AT_CELLS);
	put_name(l, answer_text(x, "kind"), 11);
	if (answer_member(x, "unit")) {
		put_number(l, answer_number(x, "total"), 12, 3);
		put_word(l, " ");
		put_name(l, answer_text(x, "unit"), 3);
		if (isfinite(answer_number(x, "power_w"))) {
			put_number(l, answer_number(x, "power_w"), 8, 0);
			put_word(l, " W  ");
		} else {
			put_number(l, answer_number(x, "flow_per_h"), 8, 3);
			put_word(l, "/h  ");
		}
	} else {
		put_spaces(l, 12 - 6);
		put_name(l, answer_text(x, "state"), 6);
	}
}

static void put_output(struct line *l, struct json_object *x)
{
	const char *cause = answer_bool(x, "fail_safe") ? "fail-safe" : answer_text(x, "cause");
	bool beating = answer_bool(x, "heartbeat");

	put_name(l, answer_text(x, "name"), LIVE_NAME_CELLS);
	put_name(l, answer_text(x, "output"), LIVE_AT_CELLS);
	put_name(l, answer_text(x, "state"), 6);
	put_name(l, cause, 9);
	put_name(l, beating ? "yes" : "no", 9);
	put_number(l, answer_number(x, "fail_safe_timeout_s"), 6, 0);
	put_word(l, " s");
}

void table_io(struct json_object *io, table_emit emit, void *context)
{
	struct json_object *inputs = answer_member(io, "inputs"),
			   *outputs = answer_member(io, "outputs");
	struct line l = { .length = 0 };
	size_t i;

	if (answer_count(inputs)) {
		put_name(&l, "INPUT", LIVE_NAME_CELLS);
		put_name(&l, "AT", LIVE_AT_CELLS);
		put_word(&l, "KIND       TOTAL OR STATE   FLOW, POWER");
		end_line(&l, emit, context, TABLE_HEAD);
	}
	for (i = 0; i < answer_count(inputs); i++) {
		put_input(&l, json_object_array_get_idx(inputs, i));
		end_line(&l, emit, context, TABLE_PLAIN);
		emit_problem(&l, json_object_array_get_idx(inputs, i), emit, context);
	}
	if (answer_count(outputs)) {
		put_name(&l, "OUTPUT", LIVE_NAME_CELLS);
		put_name(&l, "AT", LIVE_AT_CELLS);
		put_word(&l, "STATE   BY         HEARTBEAT  TIME-OUT");
		end_line(&l, emit, context, TABLE_HEAD);
	}
	for (i = 0; i < answer_count(outputs); i++) {
		put_output(&l, json_object_array_get_idx(outputs, i));
		end_line(&l, emit, context, TABLE_PLAIN);
		emit_problem(&l, json_object_array_get_idx(outputs, i), emit, context);
	}
}

/* ---- readings --------------------------------------------------------- */

static void live_mains(struct json_object *reading, struct line *l)
{
	struct json_object *voltages = answer_member(reading, "voltages"), *v;
	size_t i;

	put_number(l, answer_number(reading, "frequency_hz"), 0, 3);
	put_word(l, " Hz");
	for (i = 0; i < answer_count(voltages); i++) {
		v = json_object_array_get_idx(voltages, i);
		put_word(l, "  ");
		put_name(l, answer_text(v, "phase"), 2);
		l->length--;
		put_number(l, answer_number(v, "ln_v"), 0, 1);
		put_word(l, " V");
	}
	put_word(l, "  lost ");
	put_number(l, answer_number(reading, "lost_scans"), 0, 0);
	put_word(l, "  gaps ");
	put_number(l, answer_number(reading, "gaps"), 0, 0);
	put_word(l, "  repaired ");
	put_number(l, answer_number(reading, "repaired_blocks"), 0, 0);
}

static double line_to_line(struct json_object *reading, const char *phase)
{
	struct json_object *voltages = answer_member(reading, "voltages"), *v;
	size_t i;

	for (i = 0; i < answer_count(voltages); i++) {
		v = json_object_array_get_idx(voltages, i);
		if (!strcmp(answer_text(v, "phase"), phase))
			return answer_number(v, "ll_v");
	}
	return NAN;
}

static void put_power(struct line *l, struct json_object *x)
{
	put_number(l, answer_number(x, "p_w"), 10, 1);
	put_number(l, answer_number(x, "q1_var"), 9, 1);
	if (answer_bool(x, "saturated"))
		put_word(l, "  > rail");
	else if (answer_bool(x, "below_range"))
		put_word(l, " < range");
	else
		put_number(l, answer_number(x, "pf"), 8, 3);
}

static void put_total(struct line *l, struct json_object *totals, const char *name,
		      const char *title)
{
	double value = answer_number(totals, name);

	if (!isfinite(value))
		return;
	put_word(l, title);
	put_number(l, value, 0, 1);
	put_word(l, " W  ");
}

/* What the roles add up to; nothing without a load that has one. */
static void live_totals(struct json_object *reading, struct line *l)
{
	struct json_object *totals = answer_member(reading, "totals");

	put_total(l, totals, "grid_w", "grid ");
	put_total(l, totals, "production_w", "production ");
	put_total(l, totals, "storage_w", "storage ");
	put_total(l, totals, "consumption_w", "consumption ");
	put_total(l, totals, "self_consumption_w", "own ");
}

static void put_energy(struct line *l, struct json_object *load)
{
	put_word(l, "import ");
	put_number(l, answer_number(load, "import_wh") / 1000, 0, 3);
	put_word(l, " kWh  export ");
	put_number(l, answer_number(load, "export_wh") / 1000, 0, 3);
	put_word(l, " kWh");
}

static void live_element(struct json_object *reading, struct json_object *e, struct line *l)
{
	put_spaces(l, 2);
	put_name(l, answer_text(e, "input"), LIVE_NAME_CELLS - 2);
	put_name(l, answer_text(e, "phase"), 5);
	put_power(l, e);
	put_number(l, answer_number(e, "i_a"), 9, 3);
	put_number(l, line_to_line(reading, answer_text(e, "phase")), 8, 1);
	put_number(l, answer_number(e, "v_v"), 8, 1);
}

void table_live(struct json_object *reading, table_emit emit, void *context)
{
	struct json_object *loads = answer_member(reading, "loads"), *load, *elements;
	struct line l = { .length = 0 };
	size_t i, j;

	live_mains(reading, &l);
	end_line(&l, emit, context, TABLE_PLAIN);
	live_totals(reading, &l);
	end_line(&l, emit, context, TABLE_PLAIN);
	put_name(&l, "LOAD / INPUT", LIVE_NAME_CELLS);
	put_word(&l, "PHASE       P [W] Q1 [var]      PF    I [A] L-L [V] L-N [V]");
	end_line(&l, emit, context, TABLE_HEAD);
	for (i = 0; i < answer_count(loads); i++) {
		load = json_object_array_get_idx(loads, i);
		put_name(&l, answer_text(load, "name"), LIVE_NAME_CELLS);
		put_spaces(&l, 7);
		put_power(&l, load);
		put_word(&l, " kWh +");
		put_number(&l, answer_number(load, "import_wh") / 1000, 0, 3);
		put_word(&l, " -");
		put_number(&l, answer_number(load, "export_wh") / 1000, 0, 3);
		end_line(&l, emit, context, TABLE_TOTAL);
		elements = answer_member(load, "elements");
		for (j = 0; j < answer_count(elements); j++) {
			live_element(reading, json_object_array_get_idx(elements, j), &l);
			end_line(&l, emit, context, TABLE_PLAIN);
		}
	}
	table_io(answer_member(reading, "io"), emit, context);
}

static void log_io(struct json_object *reading, struct line *l, table_emit emit, void *context)
{
	static const char *const lists[] = { "inputs", "outputs" };
	size_t i, k;

	for (k = 0; k < 2; k++) {
		struct json_object *list = answer_member(answer_member(reading, "io"), lists[k]);

		for (i = 0; i < answer_count(list); i++) {
			put_name(l, answer_text(reading, "time"), 24);
			(k ? put_output : put_input)(l, json_object_array_get_idx(list, i));
			end_line(l, emit, context, TABLE_PLAIN);
		}
	}
}

void table_log(struct json_object *reading, table_emit emit, void *context)
{
	struct json_object *loads = answer_member(reading, "loads"), *load;
	struct line l = { .length = 0 };
	size_t i;

	for (i = 0; i < answer_count(loads); i++) {
		load = json_object_array_get_idx(loads, i);
		put_name(&l, answer_text(reading, "time"), 24);
		put_name(&l, answer_text(load, "name"), NAME_CELLS);
		put_number(&l, answer_number(load, "p_w"), 10, 1);
		put_word(&l, " W ");
		put_number(&l, answer_number(load, "q1_var"), 10, 1);
		put_word(&l, " var  PF ");
		put_number(&l, answer_number(load, "pf"), 6, 3);
		put_word(&l, "  ");
		put_energy(&l, load);
		end_line(&l, emit, context, TABLE_PLAIN);
	}
	log_io(reading, &l, emit, context);
}

/* ---- modules and status ----------------------------------------------- */

/**
 * struct column - a column of the list of modules
 * @head: its heading
 * @key: its key in JSON
 * @cells: its width
 * @is_number: right-aligned number
 */
struct column {
	const char *head;
	const char *key;
	int cells;
	bool is_number;
};

static const struct column columns[] = {
	{ "DEVICE", "device", 8, false },
	{ "LABEL", "label", 16, false },
	{ "TYPE", "type", 5, true },
	{ "MODEL", "model", 21, false },
	{ "SERIAL", "serial_number", 12, false },
	{ "FIRMWARE", "firmware", 8, false },
	{ "STATE", "state", 9, false },
	{ "SYNC", "sync_state", 12, false },
	{ "OFFSET ns", "sync_offset_ns", 9, true },
	{ "LOST", "lost_scans", 8, true },
	{ "REPAIRED", "repaired_blocks", 8, true },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

void table_modules(struct json_object *modules, table_emit emit, void *context)
{
	struct line l = { .length = 0 };
	struct json_object *module;
	size_t i, j;

	for (j = 0; j < COLUMNS; j++) {
		if (columns[j].is_number)
			put_spaces(&l, columns[j].cells - (int)strlen(columns[j].head));
		put_name(&l, columns[j].head, columns[j].is_number ? 0 : columns[j].cells);
	}
	end_line(&l, emit, context, TABLE_HEAD);
	for (i = 0; i < answer_count(modules); i++) {
		module = json_object_array_get_idx(modules, i);
		for (j = 0; j < COLUMNS; j++) {
			if (columns[j].is_number) {
				put_number(&l, answer_number(module, columns[j].key),
					   columns[j].cells, 0);
				put_spaces(&l, 2);
			} else {
				put_name(&l, answer_text(module, columns[j].key), columns[j].cells);
			}
		}
		end_line(&l, emit, context, TABLE_PLAIN);
	}
}

static void status_number(struct json_object *status, const char *name, const char *title,
			  int digits, const char *unit, table_emit emit, void *context)
{
	struct line l = { .length = 0 };

	put_name(&l, title, NAME_CELLS);
	put_number(&l, answer_number(status, name), 0, digits);
	if (isfinite(answer_number(status, name)))
		put_word(&l, unit);
	end_line(&l, emit, context, TABLE_PLAIN);
}

static void status_text(const char *value, const char *title, table_emit emit, void *context)
{
	struct line l = { .length = 0 };

	put_name(&l, title, NAME_CELLS);
	put_name(&l, value, 0);
	end_line(&l, emit, context, TABLE_PLAIN);
}

static void status_clock(struct json_object *clock, table_emit emit, void *context)
{
	status_text(answer_bool(clock, "synchronised") ? "synchronised" : "not synchronised",
		    "clock", emit, context);
	if (isfinite(answer_number(clock, "error_s")))
		status_number(clock, "error_s", "clock is right within", 3, " s", emit, context);
}

void table_sources(struct json_object *sources, table_emit emit, void *context)
{
	struct json_object *source;
	char value[96];
	char title[64];
	size_t i;

	for (i = 0; i < answer_count(sources); i++) {
		source = json_object_array_get_idx(sources, i);
		snprintf(title, sizeof(title), "source %s",
			 answer_member(source, "device") ? answer_text(source, "device")
							 : "voltages");
		snprintf(value, sizeof(value), "%s, %.0f of %.0f channels",
			 answer_text(source, "state"), answer_number(source, "known"),
			 answer_number(source, "channels"));
		status_text(value, title, emit, context);
	}
}

void table_store(struct json_object *store, table_emit emit, void *context)
{
	struct json_object *list = answer_member(store, "upstreams");
	struct json_object *upstream;
	char title[64];
	char value[160];
	double age;
	size_t i;

	if (!store) {
		status_text("off", "store", emit, context);
		return;
	}
	status_text(answer_bool(store, "open") ? "open" : "not open", "store", emit, context);
	status_number(store, "records", "store records", 0, "", emit, context);
	for (i = 0; i < answer_count(list); i++) {
		upstream = json_object_array_get_idx(list, i);
		snprintf(title, sizeof(title), "queue of %s", answer_text(upstream, "name"));
		snprintf(value, sizeof(value), "%.0f records, last acknowledged is %.0f",
			 answer_number(upstream, "queued"), answer_number(upstream, "acked"));
		age = answer_number(upstream, "acked_age_s");
		if (isfinite(age))
			snprintf(value + strlen(value), sizeof(value) - strlen(value),
				 ", %.0f s ago", age);
		age = answer_number(upstream, "behind_s");
		if (isfinite(age))
			snprintf(value + strlen(value), sizeof(value) - strlen(value),
				 ", behind for %.0f s", age);
		status_text(value, title, emit, context);
	}
}

void table_status(struct json_object *status, table_emit emit, void *context)
{
	struct json_object *mqtt = answer_member(status, "mqtt");

	status_text(answer_text(status, "gateway"), "gateway", emit, context);
	status_text(answer_text(status, "version"), "version of meterd", emit, context);
	status_number(status, "uptime_s", "running for", 0, " s", emit, context);
	status_number(status, "first_reading_s", "first reading after", 1, " s", emit, context);
	status_number(status, "source_age_s", "last reading", 1, " s ago", emit, context);
	status_clock(answer_member(status, "clock"), emit, context);
	if (!mqtt) {
		status_text("off", "mqtt", emit, context);
		return;
	}
	status_text(answer_bool(mqtt, "connected") ? "connected" : "not connected", "mqtt", emit,
		    context);
	status_number(mqtt, "published", "mqtt published", 0, "", emit, context);
	status_number(mqtt, "dropped", "mqtt dropped", 0, "", emit, context);
}

/* ---- power quality ---------------------------------------------------- */

#define EVENTS_SHOWN 10

static void quality_interval(struct json_object *intervals, const char *name, const char *flicker,
			     table_emit emit, void *context)
{
	struct json_object *interval = answer_member(intervals, name);
	struct json_object *phases = answer_member(interval, "phases");
	struct json_object *p;
	struct line l = { .length = 0 };
	size_t i;

	for (i = 0; i < answer_count(phases); i++) {
		p = json_object_array_get_idx(phases, i);
		put_name(&l, i ? "" : name, 14);
		put_name(&l, answer_text(p, "phase"), 5);
		put_number(&l, answer_number(p, "rms_v"), 9, 2);
		put_number(&l, answer_number(p, "min_v"), 9, 2);
		put_number(&l, answer_number(p, "max_v"), 9, 2);
		put_number(&l, answer_number(p, "thd_percent"), 8, 2);
		put_number(&l, answer_number(p, flicker), 8, 2);
		put_number(&l, i ? NAN : answer_number(interval, "u2_percent"), 8, 2);
		put_word(&l, "  ");
		put_name(&l, answer_bool(interval, "flagged") ? "flagged" : "", 0);
		end_line(&l, emit, context, TABLE_PLAIN);
	}
}

static void quality_week(struct json_object *week, const char *title, table_emit emit,
			 void *context)
{
	struct json_object *items = answer_member(week, "items");
	struct json_object *item;
	struct line l = { .length = 0 };
	size_t i;

	if (!week)
		return;
	put_name(&l, title, 0);
	put_name(&l, answer_text(week, "start"), 0);
	put_name(&l, answer_text(week, "verdict"), 0);
	end_line(&l, emit, context, TABLE_HEAD);
	for (i = 0; i < answer_count(items); i++) {
		item = json_object_array_get_idx(items, i);
		put_name(&l, answer_text(item, "item"), 20);
		put_name(&l, answer_text(item, "verdict"), 8);
		put_number(&l, answer_number(item, "kept_percent"), 7, 2);
		put_word(&l, " % of ");
		put_number(&l, answer_number(item, "intervals"), 0, 0);
		put_word(&l, " (");
		put_number(&l, answer_number(item, "required_percent"), 0, 1);
		put_word(&l, " % needed), worst ");
		put_number(&l, answer_number(item, "worst"), 0, 2);
		put_word(&l, ", limit ");
		put_number(&l, answer_number(item, "limit"), 0, 1);
		end_line(&l, emit, context, TABLE_PLAIN);
	}
}

static void quality_events(struct json_object *events, table_emit emit, void *context)
{
	struct json_object *e;
	struct line l = { .length = 0 };
	size_t i;

	for (i = 0; i < answer_count(events) && i < EVENTS_SHOWN; i++) {
		e = json_object_array_get_idx(events, i);
		put_name(&l, answer_text(e, "time"), 24);
		put_name(&l, answer_text(e, "type"), 12);
		put_number(&l,
			   answer_number(e, answer_member(e, "extreme_v") ? "extreme_v"
									  : "deviation_v"),
			   9, 2);
		put_word(&l, " V");
		put_number(&l, answer_number(e, "percent"), 8, 1);
		put_word(&l, " %");
		put_number(&l, answer_number(e, "duration_s"), 11, 4);
		put_word(&l, " s  ");
		put_name(&l, answer_bool(e, "finished") ? "" : "in progress", 0);
		end_line(&l, emit, context, TABLE_PLAIN);
	}
}

void table_quality(struct json_object *report, struct json_object *events, table_emit emit,
		   void *context)
{
	struct json_object *intervals = answer_member(report, "intervals");
	struct line l = { .length = 0 };

	put_word(&l, "frequency ");
	put_number(&l, answer_number(answer_member(intervals, "10 s"), "frequency_hz"), 0, 3);
	put_word(&l, " Hz (10 s), harmonics up to order ");
	put_number(&l, answer_number(answer_member(report, "harmonics"), "orders"), 0, 0);
	end_line(&l, emit, context, TABLE_PLAIN);
	emit(context, TABLE_HEAD,
	     "INTERVAL        PHASE      U V    min V    max V   THD % Pst/Plt    u2 %");
	quality_interval(intervals, "150/180 cycles", "", emit, context);
	quality_interval(intervals, "10 min", "pst", emit, context);
	quality_interval(intervals, "2 h", "plt", emit, context);
	quality_week(answer_member(report, "week"), "EN 50160, week from", emit, context);
	quality_week(answer_member(report, "last_week"), "EN 50160, week before, from", emit,
		     context);
	emit(context, TABLE_HEAD, answer_count(events) ? "EVENTS, newest first" : "no events");
	quality_events(events, emit, context);
}
