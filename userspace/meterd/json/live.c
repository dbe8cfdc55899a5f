// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * live - writes a reading as JSON by hand: the shape is fixed and known, and a
 * tree of objects per second would be built only to be thrown away. The buffer
 * doubles when it is too small, so its size settles after the first readings.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live.h"
#include "utf8.h"

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define J_PER_WH 3600.0
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Room for one more piece of text before the buffer is looked at again. */
#define FIRST_SIZE 1024

/* Any finite number fits: 309 digits, sign, point, 6 digits. */
#define NUMBER_MAX 320

static int reserve(struct live_buffer *b, size_t more)
{
	size_t size = b->size ? b->size : FIRST_SIZE;
	char *text;

	while (size - b->length < more + 1) {
		if (size > SIZE_MAX / 2)
			return -ENOMEM;
		size *= 2;
	}
	if (size == b->size)
		return 0;

	text = realloc(b->text, size);
	if (!text)
		return -ENOMEM;
	b->text = text;
	b->size = size;
	return 0;
}

static int put_text(struct live_buffer *b, const char *text)
{
	size_t n = strlen(text);
	int ret = reserve(b, n);

	if (ret)
		return ret;
	memcpy(b->text + b->length, text, n + 1);
	b->length += n;
	return 0;
}

__attribute__((format(printf, 2, 3))) static int put(struct live_buffer *b, const char *format, ...)
{
	va_list args;
	int n;

	if (reserve(b, NUMBER_MAX))
		return -ENOMEM;
	va_start(args, format);
	n = vsnprintf(b->text + b->length, b->size - b->length, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= b->size - b->length)
		return -ENOMEM;
	b->length += n;
	return 0;
}

static int put_string(struct live_buffer *b, const char *key, const char *value)
{
	const char *s = value;
	size_t n;
	int ret;

	ret = put(b, "\"%s\":", key);
	if (!value)
		return ret ? ret : put_text(b, "null");

	/* Each byte becomes at most the six of \u001f, or three of U+FFFD. */
	if (ret || reserve(b, 6 * strlen(value) + 2))
		return -ENOMEM;
	b->text[b->length++] = '"';
	while (*s) {
		n = utf8_length(s);
		if (!n) {
			memcpy(b->text + b->length, "\xef\xbf\xbd", 3);
			b->length += 3;
			s++;
		} else if (*s == '"' || *s == '\\') {
			b->text[b->length++] = '\\';
			b->text[b->length++] = *s++;
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			b->length += sprintf(b->text + b->length, "\\u%04x", *s++);
		} else {
			memcpy(b->text + b->length, s, n);
			b->length += n;
			s += n;
		}
	}
	b->text[b->length++] = '"';
	b->text[b->length] = '\0';
	return 0;
}

/* printf() writes the locale's decimal comma; a daemon never calls setlocale(). */
static int put_number(struct live_buffer *b, const char *key, double value, int digits)
{
	if (!isfinite(value))
		return put(b, "\"%s\":null", key);
	return put(b, "\"%s\":%.*f", key, digits, value);
}

static int put_time(struct live_buffer *b, int64_t utc_ns)
{
	int64_t seconds = utc_ns / NS_PER_S;
	int64_t rest = utc_ns % NS_PER_S;
	time_t t;
	struct tm tm;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	t = seconds;
	if (!gmtime_r(&t, &tm))
		return put_text(b, "{\"time\":null,");
	return put(b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",", tm.tm_year + 1900,
		   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (int)(rest / NS_PER_MS));
}

static const char *live_origin(enum reading_origin origin)
{
	return origin == READING_REGISTER ? "register" : "waveform";
}

static int put_header(struct live_buffer *b, const struct reading *r)
{
	int ret = put_time(b, r->utc_ns);

	ret = ret ? ret
		  : put(b,
			"\"sequence\":%" PRIu64 ",\"start_ns\":%" PRId64 ",\"end_ns\":%" PRId64
			",\"windows\":%u,",
			r->sequence, r->start_ns, r->end_ns, r->windows);
	ret = ret ? ret : put_number(b, "frequency_hz", r->frequency_hz, 6);
	ret = ret ? ret : put_text(b, ",");
	ret = ret ? ret : put_string(b, "source", live_origin(r->origin));
	return ret ? ret
		   : put(b,
			 ",\"lost_scans\":%" PRIu64 ",\"gaps\":%" PRIu64
			 ",\"repaired_blocks\":%" PRIu64 ",\"voltages\":[",
			 r->lost_scans, r->gaps, r->repaired_blocks);
}

struct quantity {
	const char *key;
	double value;
};

static int put_quantities(struct live_buffer *b, const struct quantity *q, size_t n)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < n && !ret; i++) {
		ret = put_text(b, ",");
		ret = ret ? ret : put_number(b, q[i].key, q[i].value, 6);
	}
	return ret;
}

static int put_voltage(struct live_buffer *b, const struct voltage_reading *v)
{
	const struct quantity q[] = {
		{ "v1_v", v->v1_v },
		{ "angle_deg", v->angle_deg },
		{ "thd_v_percent", v->thd_v },
	};
	int ret = put_text(b, "{");

	ret = ret ? ret : put_string(b, "phase", v->phase);
	ret = ret ? ret : put_text(b, ",");
	ret = ret ? ret : put_number(b, "ln_v", v->ln_v, 6);
	ret = ret ? ret : put_text(b, ",");
	ret = ret ? ret : put_number(b, "ll_v", v->ll_v, 6);
	ret = ret ? ret : put_quantities(b, q, COUNT(q));
	return ret ? ret : put_text(b, "}");
}

static int put_flag(struct live_buffer *b, const char *key, bool value)
{
	return put(b, ",\"%s\":%s", key, value ? "true" : "false");
}

static int put_reactive(struct live_buffer *b, const struct energy_reading *e)
{
	unsigned int i;
	int ret = put_text(b, ",\"reactive_varh\":[");

	for (i = 0; i < READING_QUADRANTS && !ret; i++) {
		double varh = e->reactive_vars[i] / J_PER_WH;

		ret = isfinite(varh) ? put(b, "%s%.6f", i ? "," : "", varh)
				     : put(b, "%snull", i ? "," : "");
	}
	return ret ? ret : put_text(b, "]");
}

static int put_element(struct live_buffer *b, const struct element_reading *e)
{
	const struct quantity q[] = {
		{ "v_v", e->v_v },
		{ "i_a", e->i_a },
		{ "p_w", e->p_w },
		{ "q1_var", e->q1_var },
		{ "s_va", e->s_va },
		{ "pf", e->pf },
		{ "v1_v", e->v1_v },
		{ "i1_a", e->i1_a },
		{ "p1_w", e->p1_w },
		{ "n_var", e->n_var },
		{ "dpf", e->dpf },
		{ "phi_deg", e->phi_deg },
		{ "thd_v_percent", e->thd_v },
		{ "thd_i_percent", e->thd_i },
		{ "net_wh", e->energy.net_j / J_PER_WH },
		{ "import_wh", e->energy.import_j / J_PER_WH },
		{ "export_wh", e->energy.export_j / J_PER_WH },
		{ "absolute_wh", e->energy.absolute_j / J_PER_WH },
		{ "estimated_wh", e->energy.estimated_j / J_PER_WH },
	};
	int ret = put_text(b, "{");

	ret = ret ? ret : put_string(b, "input", e->input);
	ret = ret ? ret : put_text(b, ",");
	ret = ret ? ret : put_string(b, "phase", e->phase);
	ret = ret ? ret : put_quantities(b, q, COUNT(q));
	ret = ret ? ret : put_reactive(b, &e->energy);
	ret = ret ? ret : put_flag(b, "below_range", e->below_range);
	ret = ret ? ret : put_flag(b, "saturated", e->saturated);
	return ret ? ret : put_text(b, "}");
}

static int put_load(struct live_buffer *b, const struct load_reading *l)
{
	const struct quantity q[] = {
		{ "p_w", l->p_w },
		{ "q1_var", l->q1_var },
		{ "s_va", l->s_va },
		{ "pf", l->pf },
		{ "import_wh", l->import_j / J_PER_WH },
		{ "export_wh", l->export_j / J_PER_WH },
		{ "p1_w", l->p1_w },
		{ "n_var", l->n_var },
		{ "dpf", l->dpf },
		{ "sa_va", l->sa_va },
		{ "se_va", l->se_va },
		{ "neutral_a", l->neutral_a },
		{ "net_wh", l->energy.net_j / J_PER_WH },
		{ "phases_import_wh", l->energy.phases_import_j / J_PER_WH },
		{ "phases_export_wh", l->energy.phases_export_j / J_PER_WH },
		{ "absolute_wh", l->energy.absolute_j / J_PER_WH },
		{ "estimated_wh", l->energy.estimated_j / J_PER_WH },
	};
	unsigned int i;
	int ret = put_text(b, "{");

	ret = ret ? ret : put_string(b, "name", l->name);
	ret = ret ? ret : put_text(b, ",");
	ret = ret ? ret : put_string(b, "role", live_role(l->role));
	ret = ret ? ret : put_quantities(b, q, COUNT(q));
	ret = ret ? ret : put_reactive(b, &l->energy);
	ret = ret ? ret : put_flag(b, "below_range", l->below_range);
	ret = ret ? ret : put_text(b, ",\"elements\":[");
	for (i = 0; i < l->elements && !ret; i++) {
		ret = i ? put_text(b, ",") : 0;
		ret = ret ? ret : put_element(b, &l->element[i]);
	}
	return ret ? ret : put_text(b, "]}");
}

static int put_totals(struct live_buffer *b, const struct totals_reading *t)
{
	const struct quantity q[] = {
		{ "grid_import_w", t->grid_import_w },
		{ "grid_export_w", t->grid_export_w },
		{ "production_w", t->production_w },
		{ "storage_w", t->storage_w },
		{ "consumption_w", t->consumption_w },
		{ "self_consumption_w", t->self_consumption_w },
		{ "grid_import_wh", t->grid_import_j / J_PER_WH },
		{ "grid_export_wh", t->grid_export_j / J_PER_WH },
		{ "production_wh", t->production_j / J_PER_WH },
		{ "storage_charged_wh", t->storage_charged_j / J_PER_WH },
		{ "storage_discharged_wh", t->storage_discharged_j / J_PER_WH },
		{ "consumption_wh", t->consumption_j / J_PER_WH },
	};
	int ret = put_text(b, ",\"totals\":{");

	ret = ret ? ret : put_number(b, "grid_w", t->grid_w, 6);
	ret = ret ? ret : put_quantities(b, q, COUNT(q));
	return ret ? ret : put_text(b, "}}");
}

static int put_reading(struct live_buffer *b, const struct reading *r)
{
	const struct quantity q[] = {
		{ "u2_percent", r->u2_percent },
		{ "u0_percent", r->u0_percent },
	};
	unsigned int i;
	int ret = put_header(b, r);

	for (i = 0; i < r->voltages && !ret; i++) {
		ret = i ? put_text(b, ",") : 0;
		ret = ret ? ret : put_voltage(b, &r->voltage[i]);
	}
	ret = ret ? ret : put_text(b, "],\"loads\":[");
	for (i = 0; i < r->loads && !ret; i++) {
		ret = i ? put_text(b, ",") : 0;
		ret = ret ? ret : put_load(b, &r->load[i]);
	}
	ret = ret ? ret : put_text(b, "]");
	ret = ret ? ret : put_quantities(b, q, COUNT(q));
	return ret ? ret : put_totals(b, &r->totals);
}

const char *live_role(enum load_role role)
{
	switch (role) {
	case LOAD_GRID:
		return "grid";
	case LOAD_PRODUCTION:
		return "production";
	case LOAD_STORAGE:
		return "storage";
	case LOAD_VIRTUAL:
		return "virtual";
	case LOAD_SUBMETER:
		break;
	}
	return "submeter";
}

int live_json(struct live_buffer *b, const struct reading *r)
{
	int ret;

	b->length = 0;
	ret = put_reading(b, r);
	if (ret)
		live_free(b);
	return ret;
}

int live_string(struct live_buffer *b, const char *key, const char *value)
{
	return put_string(b, key, value);
}

void live_free(struct live_buffer *b)
{
	free(b->text);
	*b = (struct live_buffer){ 0 };
}
