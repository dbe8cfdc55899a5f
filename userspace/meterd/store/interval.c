// SPDX-License-Identifier: GPL-2.0-or-later
#include "interval.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL
#define MS_PER_S 1000LL
/* UTC and the samples' clock drift by less than this between two readings. */
#define STEP_NS (NS_PER_S / 2)
/* A step back by less than this does not open the interval before again. */
#define BACK_NS (2 * NS_PER_S)
/* Samples that lack for longer than this are a hole. */
#define HOLE_NS (NS_PER_S / 2)
/* Windows are thrown away at holes and marks; less than this is no want. */
#define WANT_MS 1500

/**
 * struct summary - a quantity of a load in the open interval
 * @sum: value times seconds
 * @seconds: in which it was known
 * @min: least
 * @max: greatest
 */
struct summary {
	double sum;
	double seconds;
	double min;
	double max;
};

/**
 * struct energy - registers of a load at a moment, uWh
 */
struct energy {
	int64_t import;
	int64_t export;
};

/**
 * struct open_load - a load in the open interval
 * @base: registers at the begin
 * @now: registers at the end of the last reading
 * @started: registers when meterd was started
 * @resumed: a stored record was found
 * @last_utc_ms: begin of that record
 * @q: the quantities
 */
struct open_load {
	struct energy base;
	struct energy now;
	struct energy started;
	bool resumed;
	int64_t last_utc_ms;
	struct summary q[RECORD_QUANTITIES];
};

struct interval {
	const struct installation *in;
	enum record_kind kind;
	int64_t length_ns;
	interval_closed *closed;
	void *user;
	bool begun;
	int64_t start_ns;  /* UTC mark */
	int64_t offset_ns; /* UTC - samples' clock, of the last reading */
	int64_t end_ns;	   /* samples' clock, of the last reading */
	uint32_t flags;
	struct open_load *load;
	struct record *record;
};

static int64_t mark(const struct interval *i, int64_t utc_ns)
{
	int64_t rest = utc_ns % i->length_ns;

	return utc_ns - (rest < 0 ? rest + i->length_ns : rest);
}

static void forget(struct interval *i)
{
	unsigned int k;

	for (k = 0; k < i->in->loads; k++)
		memset(i->load[k].q, 0, sizeof(i->load[k].q));
}

static void begin(struct interval *i, int64_t start_ns, uint32_t flags)
{
	i->start_ns = start_ns;
	i->flags = flags;
	i->begun = true;
	forget(i);
}

static void finish_values(struct record *r, const struct summary *q)
{
	unsigned int k;

	for (k = 0; k < RECORD_QUANTITIES; k++) {
		bool known = q[k].seconds > 0;

		r->value[k][RECORD_MEAN] =
			record_scaled(k, known ? q[k].sum / q[k].seconds : (double)NAN);
		r->value[k][RECORD_MIN] = record_scaled(k, known ? q[k].min : (double)NAN);
		r->value[k][RECORD_MAX] = record_scaled(k, known ? q[k].max : (double)NAN);
	}
}

static void finish_load(struct interval *i, unsigned int k, const struct energy *end,
			uint32_t flags)
{
	struct open_load *l = &i->load[k];
	struct record *r = &i->record[k];

	*r = (struct record){
		.utc_ms = i->start_ns / NS_PER_MS,
		.uptime_ms = i->end_ns / NS_PER_MS,
		.kind = i->kind,
		.flags = flags,
		.covered_ms = (uint32_t)lrint(l->q[RECORD_P].seconds * MS_PER_S),
		.role = i->in->load[k].role,
		.import_uwh = end->import - l->base.import,
		.export_uwh = end->export - l->base.export,
		.import_total_uwh = end->import,
		.export_total_uwh = end->export,
	};
	strncpy(r->name, i->in->load[k].name, LOAD_NAME_MAX);
	if (r->covered_ms + WANT_MS < i->length_ns / NS_PER_MS)
		r->flags |= RECORD_INCOMPLETE;
	finish_values(r, l->q);
	l->base = *end;
}

/*
 * The registers at @part of the way from the last reading to @r; without @r those of
 * the last reading.
 */
static struct energy energy_at(const struct open_load *l, const struct load_reading *r, double part)
{
	struct energy e = l->now;

	if (r) {
		e.import += (int64_t)((double)(uwh_of_j(r->import_j) - e.import) * part);
		e.export += (int64_t)((double)(uwh_of_j(r->export_j) - e.export) * part);
	}
	return e;
}

static void close_at(struct interval *i, const struct reading *r, double part)
{
	unsigned int k;

	for (k = 0; k < i->in->loads; k++) {
		struct energy end = energy_at(&i->load[k], r ? &r->load[k] : NULL, part);

		finish_load(i, k, &end, i->flags);
	}
	i->closed(i->user, i->record, i->in->loads);
}

static void add_value(struct summary *s, double value, double seconds, bool extremes)
{
	if (!isfinite(value))
		return;
	if (extremes || s->seconds <= 0) {
		s->min = s->seconds > 0 ? fmin(s->min, value) : value;
		s->max = s->seconds > 0 ? fmax(s->max, value) : value;
	}
	s->sum += value * seconds;
	s->seconds += seconds;
}

static void add_load(struct summary *q, const struct load_reading *r, double seconds, bool extremes)
{
	unsigned int k;

	add_value(&q[RECORD_P], r->p_w, seconds, extremes);
	add_value(&q[RECORD_PF], r->pf, seconds, extremes);
	for (k = 0; k < r->elements; k++) {
		add_value(&q[RECORD_V], r->element[k].v_v, seconds, extremes);
		add_value(&q[RECORD_I], r->element[k].i_a, seconds, extremes);
		add_value(&q[RECORD_THD_V], (double)r->element[k].thd_v, seconds, extremes);
		add_value(&q[RECORD_THD_I], (double)r->element[k].thd_i, seconds, extremes);
	}
}

/* A part of a reading that lies in the open interval; extremes go where most of it is. */
static void add_part(struct interval *i, const struct reading *r, double part)
{
	double seconds = (double)(r->end_ns - r->start_ns) / NS_PER_S * part;
	unsigned int k;

	if (seconds <= 0)
		return;
	for (k = 0; k < i->in->loads; k++)
		add_load(i->load[k].q, &r->load[k], seconds, part >= 0.5);
}

/* Energy of a meterd before this one whose interval is over gets a record of its own. */
static void close_before(struct interval *i, int64_t first_ns)
{
	bool any = false;
	unsigned int k;

	for (k = 0; k < i->in->loads; k++) {
		struct open_load *l = &i->load[k];

		if (!l->resumed)
			continue;
		i->start_ns = l->last_utc_ms * NS_PER_MS + i->length_ns;
		any |= l->started.import != l->base.import || l->started.export != l->base.export;
	}
	if (!any || i->start_ns == first_ns)
		return;
	for (k = 0; k < i->in->loads; k++)
		finish_load(i, k, &i->load[k].started, RECORD_RESTART);
	i->closed(i->user, i->record, i->in->loads);
}

static int64_t follow_clock(struct interval *i, const struct reading *r, int64_t utc_start)
{
	int64_t step = r->utc_ns - r->end_ns - i->offset_ns;
	int64_t end = i->start_ns + i->length_ns;

	if (!i->begun) {
		close_before(i, mark(i, utc_start));
		begin(i, mark(i, utc_start), RECORD_RESTART);
		return 0;
	}
	if (r->start_ns - i->end_ns > HOLE_NS)
		i->flags |= RECORD_HOLE;
	if (llabs(step) < STEP_NS)
		return 0;
	i->flags |= RECORD_CLOCK_STEP;
	if (utc_start >= i->start_ns - BACK_NS && utc_start < end)
		return step;
	close_at(i, NULL, 0);
	begin(i, mark(i, utc_start), RECORD_CLOCK_STEP);
	return step;
}

/* Close at every mark that the reading passes; returns the part of it that is left. */
static double pass_marks(struct interval *i, const struct reading *r, int64_t utc_start)
{
	double length = (double)(r->utc_ns - utc_start);
	double done = 0;

	while (r->utc_ns >= i->start_ns + i->length_ns) {
		int64_t end = i->start_ns + i->length_ns;
		double at = utc_start < end ? (double)(end - utc_start) / length : 0;
		uint32_t flags = 0;

		add_part(i, r, at - done);
		done = fmax(done, at);
		close_at(i, r, at);
		if (utc_start >= end + i->length_ns) {
			end = mark(i, utc_start);
			flags = RECORD_HOLE;
		}
		begin(i, end, flags);
	}
	return 1 - done;
}

int64_t interval_add(struct interval *i, const struct reading *r, bool synchronised)
{
	int64_t utc_start = r->utc_ns - (r->end_ns - r->start_ns);
	unsigned int k;
	int64_t step;
	double rest;

	if (r->loads != i->in->loads || r->end_ns <= r->start_ns)
		return 0;
	step = follow_clock(i, r, utc_start);
	if (!synchronised)
		i->flags |= RECORD_CLOCK_UNSYNC;
	rest = pass_marks(i, r, utc_start);
	if (!synchronised)
		i->flags |= RECORD_CLOCK_UNSYNC;
	add_part(i, r, rest);
	for (k = 0; k < r->loads; k++)
		i->load[k].now = energy_at(&i->load[k], &r->load[k], 1);
	i->offset_ns = r->utc_ns - r->end_ns;
	i->end_ns = r->end_ns;
	return step;
}

void interval_resume(struct interval *i, const struct record *last)
{
	unsigned int k;

	if (last->kind != i->kind)
		return;
	for (k = 0; k < i->in->loads; k++) {
		struct open_load *l = &i->load[k];

		if (strncmp(i->in->load[k].name, last->name, LOAD_NAME_MAX))
			continue;
		/* registers that are below a stored record are others than those */
		if (last->import_total_uwh > l->started.import ||
		    last->export_total_uwh > l->started.export)
			return;
		l->base.import = last->import_total_uwh;
		l->base.export = last->export_total_uwh;
		l->last_utc_ms = last->utc_ms;
		l->resumed = true;
	}
}

int interval_create(struct interval **out, const struct installation *in, enum record_kind kind,
		    const struct registers *registers, interval_closed *closed, void *user)
{
	struct interval *i = calloc(1, sizeof(*i));
	unsigned int k;

	*out = i;
	if (!i)
		return -ENOMEM;
	i->in = in;
	i->kind = kind;
	i->length_ns = record_seconds(kind) * NS_PER_S;
	i->closed = closed;
	i->user = user;
	i->load = calloc(in->loads, sizeof(*i->load));
	i->record = calloc(in->loads, sizeof(*i->record));
	if (!i->load || !i->record) {
		interval_destroy(i);
		*out = NULL;
		return -ENOMEM;
	}
	for (k = 0; k < in->loads; k++) {
		struct open_load *l = &i->load[k];

		l->started.import = uwh_of_j(registers_import_j(registers, k));
		l->started.export = uwh_of_j(registers_export_j(registers, k));
		l->base = l->started;
		l->now = l->started;
	}
	return 0;
}

static bool is_empty(const struct interval *i)
{
	unsigned int k;

	for (k = 0; k < i->in->loads; k++) {
		const struct open_load *l = &i->load[k];

		if (l->q[RECORD_P].seconds > 0 || l->now.import != l->base.import ||
		    l->now.export != l->base.export)
			return false;
	}
	return true;
}

void interval_destroy(struct interval *i)
{
	if (!i)
		return;
	if (i->begun && !is_empty(i))
		close_at(i, NULL, 0);
	free(i->load);
	free(i->record);
	free(i);
}
