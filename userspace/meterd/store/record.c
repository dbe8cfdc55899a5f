// SPDX-License-Identifier: GPL-2.0-or-later
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io-plan.h"
#include "live.h"
#include "text.h"

const struct record_quantity_row record_quantities[RECORD_QUANTITIES] = {
	[RECORD_P] = { "p_w", 0.01, 2 },
	[RECORD_V] = { "v_v", 0.001, 3 },
	[RECORD_I] = { "i_a", 0.001, 3 },
	[RECORD_PF] = { "pf", 0.0001, 4 },
	[RECORD_THD_V] = { "thd_v_percent", 0.01, 2 },
	[RECORD_THD_I] = { "thd_i_percent", 0.01, 2 },
};

static void put_string(struct text *t, const char *key, const char *value)
{
	text_put(t, ",\"%s\":", key);
	text_json(t, value);
}

unsigned int record_seconds(uint32_t kind)
{
	return kind == RECORD_1M ? 60 : kind == RECORD_5M ? 300 : 0;
}

static const char *flag_name(unsigned int flag)
{
	static const char *const names[RECORD_FLAGS] = {
		"incomplete", "clock_unsynchronised", "clock_step", "hole", "restart",
	};

	return flag < RECORD_FLAGS ? names[flag] : "unknown";
}

int32_t record_scaled(enum record_quantity quantity, double value)
{
	double whole = rint(value / record_quantities[quantity].scale);

	if (!isfinite(whole) || fabs(whole) > (double)INT32_MAX)
		return RECORD_UNKNOWN;
	return (int32_t)whole;
}

int64_t uwh_of_j(double joules)
{
	return isfinite(joules) ? llrint(joules * (1e6 / 3600.0)) : 0;
}

static void put_flags(struct text *l, uint32_t flags)
{
	unsigned int k, n = 0;

	text_put(l, ",\"flags\":[");
	for (k = 0; k < RECORD_FLAGS; k++)
		if (flags & 1U << k)
			text_put(l, "%s\"%s\"", n++ ? "," : "", flag_name(k));
	text_put(l, "]");
}

static void put_quantity(struct text *l, enum record_quantity q, const int32_t *value)
{
	static const char *const names[RECORD_STATISTICS] = { "mean", "min", "max" };
	const struct record_quantity_row *row = &record_quantities[q];
	unsigned int k;

	text_put(l, ",\"%s\":{", row->key);
	for (k = 0; k < RECORD_STATISTICS; k++) {
		text_put(l, "%s\"%s\":", k ? "," : "", names[k]);
		if (value[k] == RECORD_UNKNOWN)
			text_put(l, "null");
		else
			text_put(l, "%.*f", row->digits, value[k] * row->scale);
	}
	text_put(l, "}");
}

static void put_time(struct text *l, int64_t utc_ms)
{
	int64_t rest = (utc_ms % 1000 + 1000) % 1000;
	time_t t = (utc_ms - rest) / 1000;
	struct tm tm;

	if (!gmtime_r(&t, &tm)) {
		text_put(l, ",\"time\":null");
		return;
	}
	text_put(l, ",\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
}

static void put_interval(struct text *l, const struct record *r)
{
	unsigned int q;

	text_put(l, ",\"seconds\":%u,\"covered_s\":%.3f", record_seconds(r->kind),
		 r->covered_ms / 1e3);
	put_string(l, "load", r->name);
	put_string(l, "role", live_role(r->role));
	text_put(l, ",\"import_wh\":%.6f,\"export_wh\":%.6f", r->import_uwh / 1e6,
		 r->export_uwh / 1e6);
	text_put(l, ",\"import_total_wh\":%.6f,\"export_total_wh\":%.6f", r->import_total_uwh / 1e6,
		 r->export_total_uwh / 1e6);
	for (q = 0; q < RECORD_QUANTITIES; q++)
		put_quantity(l, q, r->value[q]);
}

static void put_input(struct text *l, const struct record *r)
{
	put_string(l, "input", r->name);
	put_string(l, "what", contact_kind_name(r->role));
	put_string(l, "unit", r->text);
	text_put(l, ",\"pulses\":%" PRId64 ",\"total\":%.6f", r->pulses, r->total_e6 / 1e6);
}

int record_json(const struct record *r, const char *store, char *text, size_t size)
{
	static const char *const kinds[RECORD_KINDS] = { "interval", "interval", "event", "input" };
	struct text l = { .at = text, .size = size };

	text_put(&l, "{\"kind\":\"%s\",\"sequence\":%" PRIu64 ",\"store\":\"%s\"", kinds[r->kind],
		 r->sequence, store);
	put_time(&l, r->utc_ms);
	text_put(&l, ",\"uptime_s\":%.3f", r->uptime_ms / 1e3);
	put_flags(&l, r->flags);
	if (r->kind == RECORD_EVENT) {
		put_string(&l, "subject", r->name);
		put_string(&l, "event", r->text);
	} else if (r->kind == RECORD_INPUT) {
		put_input(&l, r);
	} else {
		put_interval(&l, r);
	}
	text_put(&l, "}");
	return l.full ? -ENOBUFS : (int)l.length;
}
