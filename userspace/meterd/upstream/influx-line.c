// SPDX-License-Identifier: GPL-2.0-or-later
/* influx-line - a record in InfluxDB's line protocol. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "influx.h"
#include "io-plan.h"
#include "live.h"
#include "record.h"
#include "text.h"

#define NS_PER_MS INT64_C(1000000)

/*
 * Bytes of @escaped get a backslash. A newline would end the line, and a backslash
 * take the character after it: both, and all control characters, become "_".
 */
static void put_escaped(struct text *l, const char *text, const char *escaped)
{
	for (; *text; text++) {
		bool control = (unsigned char)*text < ' ' || *text == 0x7f || *text == '\\';
		char c = control ? '_' : *text;

		text_put(l, strchr(escaped, c) ? "\\%c" : "%c", c);
	}
}

static void put_tag(struct text *l, const char *key, const char *value)
{
	if (!*value)
		return;
	text_put(l, ",%s=", key);
	put_escaped(l, value, ", =");
}

static void put_quantities(struct text *l, const struct record *r)
{
	static const char *const names[RECORD_STATISTICS] = { "mean", "min", "max" };
	unsigned int q;
	unsigned int s;

	for (q = 0; q < RECORD_QUANTITIES; q++) {
		const struct record_quantity_row *row = &record_quantities[q];

		for (s = 0; s < RECORD_STATISTICS; s++)
			if (r->value[q][s] != RECORD_UNKNOWN)
				text_put(l, ",%s_%s=%.*f", row->key, names[s], row->digits,
					 r->value[q][s] * row->scale);
	}
}

/* What the record is about, as tags. */
static void put_subject(struct text *l, const struct record *r)
{
	if (r->kind == RECORD_EVENT) {
		put_tag(l, "subject", r->name);
	} else if (r->kind == RECORD_INPUT) {
		put_tag(l, "input", r->name);
		put_tag(l, "kind", contact_kind_name(r->role));
		put_tag(l, "unit", r->text);
	} else {
		put_tag(l, "load", r->name);
		put_tag(l, "role", live_role(r->role));
		text_put(l, ",seconds=%u", record_seconds(r->kind));
	}
}

static void put_fields(struct text *l, const struct record *r)
{
	if (r->kind == RECORD_EVENT) {
		text_put(l, ",text=\"");
		put_escaped(l, r->text, "\"");
		text_put(l, "\"");
	} else if (r->kind == RECORD_INPUT) {
		text_put(l, ",pulses=%" PRId64 "i,total=%.6f", r->pulses, r->total_e6 / 1e6);
	} else {
		text_put(l,
			 ",covered_s=%.3f,import_wh=%.6f,export_wh=%.6f,import_total_wh=%.6f,"
			 "export_total_wh=%.6f",
			 r->covered_ms / 1e3, r->import_uwh / 1e6, r->export_uwh / 1e6,
			 r->import_total_uwh / 1e6, r->export_total_uwh / 1e6);
		put_quantities(l, r);
	}
}

int influx_line(const struct record *r, const char *gateway, const char *store, char *text,
		size_t size)
{
	static const char *const measurements[RECORD_KINDS] = { "meterd_interval",
								"meterd_interval", "meterd_event",
								"meterd_input" };
	struct text l = { .at = text, .size = size };

	text_put(&l, "%s", measurements[r->kind]);
	put_tag(&l, "gateway", gateway);
	put_subject(&l, r);
	text_put(&l, " sequence=%" PRIu64 "i,store=\"%s\",flags=%ui,uptime_s=%.3f", r->sequence,
		 store, r->flags, r->uptime_ms / 1e3);
	put_fields(&l, r);
	text_put(&l, " %" PRId64 "\n", r->utc_ms * NS_PER_MS + (int64_t)(r->sequence % 1000000));
	return l.full ? -ENOBUFS : (int)l.length;
}
