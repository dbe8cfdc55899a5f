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

/* The registers of a load. */
enum { IMPORT, EXPORT, WAYS };

/**
 * struct open_load - a load in the open interval; registers in uWh
 * @known: the register was read
 * @base: registers at the begin; of the last stored record where it is not known yet
 * @now: registers at the end of the last reading
 * @started: registers when meterd was started, or when they were read first
 * @resumed: a stored record was found
 * @last_utc_ms: begin of that record
 * @q: the quantities
 */
struct open_load {
	bool known[WAYS];
	int64_t base[WAYS];
	int64_t now[WAYS];
	int64_t started[WAYS];
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

static void finish_load(struct interval *i, unsigned int k, const int64_t *end, uint32_t flags)
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
		.import_uwh = end[IMPORT] - l->base[IMPORT],
		.export_uwh = end[EXPORT] - l->base[EXPORT],
		.import_total_uwh = end[IMPORT],
		.export_total_uwh = end[EXPORT],
	};
	strncpy(r->name, i->in->load[k].name, LOAD_NAME_MAX);
	if (r->covered_ms + WANT_MS < i->length_ns / NS_PER_MS)
		r->flags |= RECORD_INCOMPLETE;
	finish_values(r, l->q);
	memcpy(l->base, end, sizeof(l->base));
}

static double register_j(const struct load_reading *r, unsigned int way)
{
	return way == IMPORT ? r->import_j : r->export_j;
}

/*
 * Registers that a module keeps are known from the first reading on. They go on where the last
 * record ends, or begin there; one that is below what it was is another one now, and
 * what was counted before stays.
 */
static void meet(struct open_load *l, const struct load_reading *r)
{
	unsigned int way;

	for (way = 0; way < WAYS; way++) {
		int64_t uwh = uwh_of_j(register_j(r, way));

		if (!isfinite(register_j(r, way)) || (l->known[way] && uwh >= l->now[way]))
			continue;
		if (l->known[way])
			l->base[way] += uwh - l->now[way];
		else if (!l->resumed || uwh < l->base[way])
			l->base[way] = uwh;
		if (!l->known[way])
			l->started[way] = uwh;
		l->now[way] = uwh;
		l->known[way] = true;
	}
}

/*
 * The registers at @part of the way from the last reading to @r; without @r, or where @r does
 * not know them, those of the last reading.
 */
static void energy_at(const struct open_load *l, const struct load_reading *r, double part,
		      int64_t *end)
{
	unsigned int way;

	memcpy(end, l->now, sizeof(l->now));
	for (way = 0; r && way < WAYS; way++)
		if (isfinite(register_j(r, way)))
			end[way] +=
				(int64_t)((double)(uwh_of_j(register_j(r, way)) - end[way]) * part);
}

static void close_at(struct interval *i, const struct reading *r, double part)
{
	unsigned int k;

	for (k = 0; k < i->in->loads; k++) {
		int64_t end[WAYS];

		energy_at(&i->load[k], r ? &r->load[k] : NULL, part, end);
		finish_load(i, k, end, i->flags);
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
		any |= memcmp(l->started, l->base, sizeof(l->base)) != 0;
	}
	if (!any || i->start_ns == first_ns)
		return;
	for (k = 0; k < i->in->loads; k++)
		finish_load(i, k, i->load[k].started, RECORD_RESTART);
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
	for (k = 0; k < r->loads; k++)
		meet(&i->load[k], &r->load[k]);
	step = follow_clock(i, r, utc_start);
	if (!synchronised)
		i->flags |= RECORD_CLOCK_UNSYNC;
	rest = pass_marks(i, r, utc_start);
	if (!synchronised)
		i->flags |= RECORD_CLOCK_UNSYNC;
	add_part(i, r, rest);
	for (k = 0; k < r->loads; k++)
		energy_at(&i->load[k], &r->load[k], 1, i->load[k].now);
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
		if (l->known[IMPORT] && (last->import_total_uwh > l->started[IMPORT] ||
					 last->export_total_uwh > l->started[EXPORT]))
			return;
		/* nor is a record of a module that did not answer a begin */
		if (!l->known[IMPORT] && !last->import_total_uwh && !last->export_total_uwh)
			return;
		l->base[IMPORT] = last->import_total_uwh;
		l->base[EXPORT] = last->export_total_uwh;
		if (!l->known[IMPORT]) {
			memcpy(l->started, l->base, sizeof(l->base));
			memcpy(l->now, l->base, sizeof(l->base));
		}
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

		if (!registers)
			continue;
		l->known[IMPORT] = true;
		l->known[EXPORT] = true;
		l->started[IMPORT] = uwh_of_j(registers_import_j(registers, k));
		l->started[EXPORT] = uwh_of_j(registers_export_j(registers, k));
		memcpy(l->base, l->started, sizeof(l->base));
		memcpy(l->now, l->started, sizeof(l->now));
	}
	return 0;
}

static bool is_empty(const struct interval *i)
{
	unsigned int k;

	for (k = 0; k < i->in->loads; k++) {
		const struct open_load *l = &i->load[k];

		if (l->q[RECORD_P].seconds > 0 || memcmp(l->now, l->base, sizeof(l->base)))
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
