// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits are those of EN 50160 for low voltage. The file is lines of text with a sum
 * over all lines before it in the last one.
 */
#include "en50160.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000LL
#define DAY_S 86400
#define WEEK_S (7 * DAY_S)
/* 1970-01-01 was a Thursday */
#define MONDAY_S (4 * DAY_S)
#define LONG_NS (180 * NS_PER_S)
#define FILE_HEAD "meterd en50160 1"
#define FILE_MAX 16384

/* EN 50160 table of individual harmonics, % of the declared voltage, from order 2 on */
static const double harmonic_limit[EN50160_ORDERS - 1] = {
	2.0, 5.0, 1.0, 6.0, 0.5, 5.0, 0.5, 1.5, 0.5, 3.5, 0.5, 3.0,
	0.5, 0.5, 0.5, 2.0, 0.5, 1.5, 0.5, 0.5, 0.5, 1.5, 0.5, 1.5,
};

static void tally(struct en50160_tally *t, bool kept, double worst)
{
	if (!isfinite(worst))
		return;
	t->intervals++;
	t->kept += kept;
	t->worst = fmax(t->worst, fabs(worst));
}

static void turn_week(struct en50160 *e, int64_t utc_ns)
{
	int64_t s = utc_ns / NS_PER_S - MONDAY_S;
	int64_t start = s - (s % WEEK_S + WEEK_S) % WEEK_S + MONDAY_S;

	/* a clock that is set back by a little does not end a week */
	if (e->week.start_utc_s && start <= e->week.start_utc_s &&
	    start + WEEK_S >= e->week.start_utc_s)
		return;
	if (e->week.start_utc_s)
		e->last = e->week;
	memset(&e->week, 0, sizeof(e->week));
	e->week.start_utc_s = start;
}

static void add_frequency(struct en50160 *e, const struct aggregate_value *v)
{
	double off = 100.0 * (v->frequency_hz / e->declared_hz - 1.0);
	struct en50160_tally *t = e->week.tally;

	tally(&t[EN50160_FREQUENCY], fabs(off) <= 1.0, off);
	tally(&t[EN50160_FREQUENCY_WIDE], off >= -6.0 && off <= 4.0, off);
}

/* Of a value per phase, the one that is the worst for @limit. */
static double highest(const struct en50160 *e, const double *x)
{
	double worst = NAN;
	unsigned int k;

	for (k = 0; k < e->slots; k++)
		worst = fmax(worst, x[k]);
	return worst;
}

static void add_voltage(struct en50160 *e, const struct aggregate_value *v)
{
	struct en50160_tally *t = e->week.tally;
	double worst = NAN;
	bool kept = true;
	bool kept_wide = true;
	unsigned int k;

	for (k = 0; k < e->slots; k++) {
		double off = 100.0 * (v->rms_v[k] / e->declared_v[k] - 1.0);

		kept = kept && fabs(off) <= 10.0;
		kept_wide = kept_wide && off >= -15.0 && off <= 10.0;
		worst = fmax(worst, fabs(off));
	}
	tally(&t[EN50160_VOLTAGE], kept, worst);
	tally(&t[EN50160_VOLTAGE_WIDE], kept_wide, worst);
}

static void add_harmonics(struct en50160 *e, const struct aggregate_value *v)
{
	struct en50160_tally *t = e->week.tally;
	double thd = 100.0 * highest(e, v->thd);
	unsigned int h;
	unsigned int k;

	tally(&t[EN50160_THD], thd <= 8.0, thd);
	for (h = 2; h <= v->orders && h <= EN50160_ORDERS; h++) {
		double x[READING_PHASES_MAX] = { 0 };
		double worst;

		for (k = 0; k < e->slots; k++)
			x[k] = 100.0 * v->harmonic[k][h] / e->declared_v[k];
		worst = highest(e, x);
		tally(&t[EN50160_HARMONICS + h - 2], worst <= harmonic_limit[h - 2], worst);
	}
}

void en50160_add(struct en50160 *e, const struct aggregate_value *v)
{
	double plt = highest(e, v->flicker);

	if (!(e->declared_v[0] > 0.0) || v->kind == AGGREGATE_150)
		return;
	turn_week(e, v->start_utc_ns);
	if (v->flagged) {
		e->week.flagged += v->kind == AGGREGATE_10MIN;
		return;
	}
	if (v->kind == AGGREGATE_10S) {
		add_frequency(e, v);
	} else if (v->kind == AGGREGATE_2H) {
		tally(&e->week.tally[EN50160_PLT], plt <= 1.0, plt);
	} else {
		add_voltage(e, v);
		tally(&e->week.tally[EN50160_UNBALANCE], v->u2_percent <= 2.0, v->u2_percent);
		add_harmonics(e, v);
	}
}

void en50160_event(struct en50160 *e, const struct pq_event *event)
{
	bool is_long = event->end_ns - event->start_ns > LONG_NS;

	if (!event->finished || !(e->declared_v[0] > 0.0))
		return;
	turn_week(e, event->utc_ns);
	switch (event->type) {
	case EVENT_DIP:
		/* a dip to an interruption counts as the interruption only */
		e->week.count[EN50160_DIPS] += !event->interrupted;
		break;
	case EVENT_SWELL:
		e->week.count[EN50160_SWELLS]++;
		break;
	case EVENT_INTERRUPTION:
		e->week.count[is_long ? EN50160_LONG_INTERRUPTIONS : EN50160_SHORT_INTERRUPTIONS]++;
		break;
	case EVENT_TRANSIENT:
		e->week.count[EN50160_TRANSIENTS]++;
		break;
	}
}

double en50160_required(enum en50160_item item)
{
	if (item == EN50160_FREQUENCY)
		return 0.995;
	return item == EN50160_FREQUENCY_WIDE || item == EN50160_VOLTAGE_WIDE ? 1.0 : 0.95;
}

double en50160_limit(enum en50160_item item)
{
	static const double limit[EN50160_HARMONICS] = {
		[EN50160_FREQUENCY] = 1.0, [EN50160_FREQUENCY_WIDE] = 6.0,
		[EN50160_VOLTAGE] = 10.0,  [EN50160_VOLTAGE_WIDE] = 15.0,
		[EN50160_PLT] = 1.0,	   [EN50160_UNBALANCE] = 2.0,
		[EN50160_THD] = 8.0,
	};

	return item < EN50160_HARMONICS ? limit[item] : harmonic_limit[item - EN50160_HARMONICS];
}

enum en50160_verdict en50160_item_verdict(const struct en50160_week *w, enum en50160_item item)
{
	const struct en50160_tally *t = &w->tally[item];

	if (!t->intervals)
		return EN50160_UNKNOWN;
	return t->kept >= en50160_required(item) * t->intervals ? EN50160_KEPT : EN50160_MISSED;
}

enum en50160_verdict en50160_verdict(const struct en50160_week *w)
{
	unsigned int k;

	for (k = 0; k < EN50160_ITEMS; k++)
		if (en50160_item_verdict(w, (enum en50160_item)k) == EN50160_MISSED)
			return EN50160_MISSED;
	if (!w->tally[EN50160_VOLTAGE].intervals || !w->tally[EN50160_FREQUENCY].intervals ||
	    !w->tally[EN50160_THD].intervals)
		return EN50160_UNKNOWN;
	return EN50160_KEPT;
}

const char *en50160_item_name(enum en50160_item item)
{
	static const char *const name[EN50160_HARMONICS] = {
		[EN50160_FREQUENCY] = "frequency",
		[EN50160_FREQUENCY_WIDE] = "frequency, always",
		[EN50160_VOLTAGE] = "voltage",
		[EN50160_VOLTAGE_WIDE] = "voltage, always",
		[EN50160_PLT] = "flicker Plt",
		[EN50160_UNBALANCE] = "unbalance u2",
		[EN50160_THD] = "THD",
	};
	static char text[24];

	if (item < EN50160_HARMONICS)
		return name[item];
	snprintf(text, sizeof(text), "harmonic %d", (int)(item - EN50160_HARMONICS) + 2);
	return text;
}

/* ---- file ------------------------------------------------------------- */

/* FNV-1a, against a file that was cut or damaged. */
static uint32_t checksum(const char *text, size_t length)
{
	uint32_t sum = 2166136261u;
	size_t k;

	for (k = 0; k < length; k++)
		sum = (sum ^ (unsigned char)text[k]) * 16777619u;
	return sum;
}

static void write_week(FILE *f, const struct en50160_week *w)
{
	unsigned int k;

	fprintf(f, "week %" PRId64 " %" PRIu32 "\n", w->start_utc_s, w->flagged);
	for (k = 0; k < EN50160_ITEMS; k++)
		fprintf(f, "%" PRIu32 " %" PRIu32 " %.17g\n", w->tally[k].intervals,
			w->tally[k].kept, w->tally[k].worst);
	for (k = 0; k < EN50160_COUNTS; k++)
		fprintf(f, "%" PRIu32 "\n", w->count[k]);
}

int en50160_save(const struct en50160 *e, const char *path)
{
	char text[FILE_MAX];
	char *temporary = NULL;
	FILE *f = fmemopen(text, sizeof(text), "w");
	long length;
	int error = 0;

	if (!f || asprintf(&temporary, "%s.new", path) < 0) {
		if (f)
			fclose(f);
		return -ENOMEM;
	}
	fprintf(f, FILE_HEAD "\n%.9g %.9g %u\n", e->declared_v[0], e->declared_hz, e->slots);
	write_week(f, &e->week);
	write_week(f, &e->last);
	length = ftell(f);
	fclose(f);
	f = fopen(temporary, "we");
	if (!f || fwrite(text, 1, (size_t)length, f) != (size_t)length ||
	    fprintf(f, "sum %08" PRIx32 "\n", checksum(text, (size_t)length)) < 0)
		error = -errno;
	if (f && fclose(f) && !error)
		error = -errno;
	if (!error && rename(temporary, path))
		error = -errno;
	free(temporary);
	return error;
}

static bool read_week(FILE *f, struct en50160_week *w)
{
	unsigned int k;

	if (fscanf(f, " week %" SCNd64 " %" SCNu32, &w->start_utc_s, &w->flagged) != 2)
		return false;
	for (k = 0; k < EN50160_ITEMS; k++) {
		struct en50160_tally *t = &w->tally[k];

		if (fscanf(f, "%" SCNu32 " %" SCNu32 " %lf", &t->intervals, &t->kept, &t->worst) !=
			    3 ||
		    t->kept > t->intervals || !isfinite(t->worst))
			return false;
	}
	for (k = 0; k < EN50160_COUNTS; k++)
		if (fscanf(f, "%" SCNu32, &w->count[k]) != 1)
			return false;
	return true;
}

static int parse(struct en50160 *e, char *text, size_t length)
{
	struct en50160_week week = { 0 };
	struct en50160_week last = { 0 };
	double v = 0.0;
	double hz = 0.0;
	unsigned int slots = 0;
	char *sum = memmem(text, length, "\nsum ", 5);
	FILE *f;
	bool good;

	if (!sum || strtoul(sum + 5, NULL, 16) != checksum(text, (size_t)(sum + 1 - text)))
		return -EBADMSG;
	f = fmemopen(text, length, "r");
	if (!f)
		return -ENOMEM;
	good = fscanf(f, FILE_HEAD " %lf %lf %u", &v, &hz, &slots) == 3 && read_week(f, &week) &&
	       read_week(f, &last);
	fclose(f);
	if (!good)
		return -EBADMSG;
	if (fabs(v - e->declared_v[0]) > 1e-6 * v || hz != e->declared_hz || slots != e->slots)
		return -ESTALE;
	e->week = week;
	e->last = last;
	return 0;
}

int en50160_load(struct en50160 *e, const char *path)
{
	char text[FILE_MAX + 1];
	FILE *f = fopen(path, "re");
	size_t length;
	int error;

	memset(&e->week, 0, sizeof(e->week));
	memset(&e->last, 0, sizeof(e->last));
	if (!f)
		return -errno;
	length = fread(text, 1, FILE_MAX, f);
	error = ferror(f) ? -EIO : 0;
	fclose(f);
	text[length] = '\0';
	return error ? error : parse(e, text, length);
}
