// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A window is handed to the intervals one window late: then its spectrum is there,
 * and an event that began in it is known.
 */
#include "quality.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "resample.h"
#include "transient.h"
#include "urms.h"

/* windows from which the declared voltage is learned, when it is not configured */
#define LEARN_WINDOWS 20
/* a transient is not told twice, nor at the rims of another event, within these */
#define TRANSIENT_PAUSE_NS 100000000LL
#define RIM_CYCLES 2
/* cycles until the rims of an event are known */
#define TRANSIENT_WAIT 4
#define FALLBACK_HZ 50.0
/* 150 V lies between the lamps */
#define LAMP_V 150.0

struct quality {
	struct quality_config config;
	struct resample *resample;
	struct harmonics *harmonics;
	struct transient *transient;
	float *points; /* of one cycle of each slot, without harmonics */
	struct urms urms;
	struct event_detector detector;
	struct capture *capture;
	struct flicker *flicker;
	struct aggregate *aggregate;
	struct en50160 week;
	double declared_v[READING_PHASES_MAX];
	double mains_hz;
	unsigned int signals;
	bool joined; /* the last scans were taken by flicker and capture */
	/* learning */
	unsigned int learned;
	double learn_v;
	double learn_hz;
	/* the window before, which waits for its spectrum */
	bool waiting;
	uint64_t windows;
	struct aggregate_window window;
	bool touched; /* an event in the window in progress */
	double thd_square[READING_PHASES_MAX + INPUT_CHANNELS_MAX];
	unsigned int thd_count[READING_PHASES_MAX + INPUT_CHANNELS_MAX];
	/* events */
	uint64_t events;
	struct pq_event event[QUALITY_EVENTS];
	struct pq_event candidate; /* a transient, until the rims are known */
	unsigned int candidate_cycles;
	int64_t candidate_ns; /* last time one was seen */
	int64_t rim_ns;	      /* last begin or end of another event */
	/* intervals */
	bool have[AGGREGATE_KINDS];
	struct aggregate_value last[AGGREGATE_KINDS];
};

void quality_defaults(struct quality_config *config)
{
	*config = (struct quality_config){
		.part = { 1.0, 1.0, 1.0 },
		.dip = 0.9,
		.swell = 1.1,
		.interruption = 0.05,
		.hysteresis = 0.02,
		.transient = 0.1,
		.harmonics = true,
		.flicker = true,
	};
}

static int64_t utc(const struct quality *q, int64_t ns)
{
	return q->config.utc_ns ? q->config.utc_ns(q->config.user, ns) : ns;
}

/* ---- events ----------------------------------------------------------- */

static void remember(struct quality *q, struct pq_event *e)
{
	if (!e->number) {
		e->number = ++q->events;
		e->utc_ns = utc(q, e->start_ns);
		if (q->capture)
			capture_event(q->capture, e->number, e->start_ns);
	}
	q->event[e->number % QUALITY_EVENTS] = *e;
	if (e->finished)
		en50160_event(&q->week, e);
	if (q->config.event)
		q->config.event(q->config.user, e);
}

static void on_event(void *user, struct pq_event *e)
{
	struct quality *q = user;

	q->rim_ns = e->finished ? e->end_ns : e->start_ns;
	q->touched = true;
	if (q->waiting && e->start_ns < q->window.end_ns)
		q->window.flagged = true;
	remember(q, e);
}

/* A transient that is no rim of a dip or swell is an event of its own. */
static void settle_candidate(struct quality *q, int64_t cycle_ns)
{
	struct pq_event *e = &q->candidate;

	if (!q->candidate_cycles || --q->candidate_cycles)
		return;
	if (llabs(e->start_ns - q->rim_ns) > RIM_CYCLES * cycle_ns)
		remember(q, e);
}

static void find_transient(struct quality *q, unsigned int slot, const float *points,
			   int64_t start_ns, int64_t cycle_ns)
{
	double limit = q->config.transient * M_SQRT2 * q->declared_v[slot];
	struct transient_peak peak;
	struct pq_event *e = &q->candidate;
	int64_t at_ns;

	if (!transient_cycle(q->transient, slot, points, &peak) || !(limit > 0.0) ||
	    peak.quick_v < limit || q->detector.active)
		return;
	at_ns = start_ns + llround(peak.part * (double)cycle_ns);
	if (!q->candidate_cycles && at_ns - q->candidate_ns > TRANSIENT_PAUSE_NS) {
		*e = (struct pq_event){ .type = EVENT_TRANSIENT,
					.finished = true,
					.start_ns = at_ns,
					.reference_v = q->declared_v[slot] };
		q->candidate_cycles = TRANSIENT_WAIT;
	}
	q->candidate_ns = at_ns;
	if (!q->candidate_cycles || at_ns > e->start_ns + cycle_ns)
		return;
	e->start_ns = at_ns < e->start_ns ? at_ns : e->start_ns;
	e->end_ns = at_ns > e->end_ns ? at_ns : e->end_ns;
	e->phases |= 1U << slot;
	e->slot_v[slot] = fmax(e->slot_v[slot], peak.deviation_v);
	e->extreme_v = fmax(e->extreme_v, peak.deviation_v);
}

/* ---- intervals -------------------------------------------------------- */

static void on_interval(void *user, const struct aggregate_value *v)
{
	struct quality *q = user;

	q->last[v->kind] = *v;
	q->have[v->kind] = true;
	en50160_add(&q->week, v);
	if (q->config.interval)
		q->config.interval(q->config.user, v);
}

static void on_flicker(void *user, double *pst, bool *complete)
{
	struct quality *q = user;
	double seconds = 0.0;

	*complete = q->flicker && flicker_interval(q->flicker, pst, &seconds);
}

/* The window that waits goes to the intervals, with its spectrum or without. */
static void commit(struct quality *q)
{
	if (q->waiting)
		aggregate_add(q->aggregate, &q->window);
	q->waiting = false;
}

static void take_spectra(struct quality *q)
{
	const struct harmonics_result *r = harmonics_result(q->harmonics);
	struct aggregate_window *w = &q->window;
	unsigned int k;

	for (k = 0; k < q->signals; k++) {
		double thd = harmonics_thd(&r->spectrum[k], r->orders);

		if (!isfinite(thd))
			continue;
		q->thd_square[k] += thd * thd;
		q->thd_count[k]++;
	}
	if (!q->waiting || r->window != q->windows)
		return;
	w->orders = r->orders;
	for (k = 0; k < q->config.slots; k++) {
		w->thd[k] = (float)harmonics_thd(&r->spectrum[k], r->orders);
		memcpy(w->harmonic[k], r->spectrum[k].subgroup, sizeof(w->harmonic[k]));
	}
	commit(q);
}

/* ---- declared values -------------------------------------------------- */

static enum flicker_lamp lamp_of(const struct quality *q)
{
	double v = q->config.lamp_v > 0.0 ? q->config.lamp_v : q->declared_v[0];

	return v > 0.0 && v < LAMP_V ? FLICKER_120V : FLICKER_230V;
}

static void declare(struct quality *q, double v, double hz)
{
	unsigned int k;
	int error;

	for (k = 0; k < q->config.slots; k++)
		q->declared_v[k] = v * q->config.part[k];
	q->mains_hz = hz;
	event_declare(&q->detector, q->declared_v);
	memcpy(q->week.declared_v, q->declared_v, sizeof(q->week.declared_v));
	q->week.declared_hz = hz;
	q->week.slots = q->config.slots;
	if (q->flicker)
		flicker_system(q->flicker, lamp_of(q), hz);
	if (!q->config.state)
		return;
	error = en50160_load(&q->week, q->config.state);
	if (error && error != -ENOENT)
		log_warning("[quality] state = %s: %s; the weekly verdict begins anew",
			    q->config.state,
			    error == -ESTALE ? "is of another declared voltage" : strerror(-error));
}

static void learn(struct quality *q, const struct quality_window *w, const double *rms_v)
{
	static const double usual[] = { 100, 110, 120, 127, 200, 208, 220, 230, 240,
					277, 347, 400, 415, 440, 480, 600, 690 };
	double best = 0.0;
	double v = 0.0;
	unsigned int k;

	if (q->declared_v[0] > 0.0)
		return;
	if (!isfinite(w->frequency_hz)) {
		q->learned = 0;
		return;
	}
	for (k = 0; k < q->config.slots; k++)
		v = fmax(v, rms_v[k] / q->config.part[k]);
	q->learn_v = q->learned ? q->learn_v + v : v;
	q->learn_hz = q->learned ? q->learn_hz + w->frequency_hz : w->frequency_hz;
	if (++q->learned < LEARN_WINDOWS)
		return;
	v = q->learn_v / q->learned;
	for (k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
		if (fabs(log(v / usual[k])) < fabs(log(v / best)))
			best = usual[k];
	/* far from anything usual, as medium voltage: what is there is the reference */
	if (fabs(v / best - 1.0) > 0.1)
		best = v;
	declare(q, best,
		q->config.mains_hz > 0.0	  ? q->config.mains_hz
		: q->learn_hz / q->learned < 55.0 ? 50.0
						  : 60.0);
	log_info("quality: declared voltage %g V, %g Hz, as measured; set nominal_v and "
		 "nominal_hz in [quality] to fix them",
		 q->declared_v[0], q->mains_hz);
}

/* ---- create ----------------------------------------------------------- */

static int create_parts(struct quality *q)
{
	const struct quality_config *c = &q->config;
	struct aggregate_config a = {
		.slots = c->slots,
		.flicker = c->flicker ? on_flicker : NULL,
		.emit = on_interval,
		.user = q,
	};
	unsigned int points;
	int error = resample_create(&q->resample, c->rate_hz);

	if (error)
		return error;
	points = resample_points_per_cycle(q->resample);
	error = transient_create(&q->transient, points, c->slots);
	q->points = calloc(points, sizeof(*q->points));
	if (!error && !q->points)
		error = -ENOMEM;
	if (!error && c->harmonics)
		error = harmonics_create(&q->harmonics, points, q->signals);
	if (!error)
		error = capture_create(&q->capture, c->rate_hz, c->slots + c->captured);
	if (!error && c->flicker)
		error = flicker_create(&q->flicker, c->rate_hz, lamp_of(q), FALLBACK_HZ, c->slots);
	if (!error)
		error = aggregate_create(&q->aggregate, &a);
	return error;
}

int quality_create(struct quality **out, const struct quality_config *config)
{
	struct quality *q = calloc(1, sizeof(*q));
	struct event_config e = {
		.slots = config->slots,
		.dip = config->dip,
		.swell = config->swell,
		.interruption = config->interruption,
		.hysteresis = config->hysteresis,
		.sliding = config->sliding,
		.emit = on_event,
		.user = q,
	};
	int error;

	if (!q)
		return -ENOMEM;
	q->config = *config;
	if (config->captured_first + config->captured > config->inputs)
		q->config.captured = 0;
	q->signals = config->slots + config->inputs;
	q->rim_ns = INT64_MIN / 2;
	q->candidate_ns = INT64_MIN / 2;
	event_init(&q->detector, &e);
	error = create_parts(q);
	if (error) {
		q->config.state = NULL;
		quality_destroy(q);
		return error;
	}
	if (config->declared_v > 0.0)
		declare(q, config->declared_v,
			config->mains_hz > 0.0 ? config->mains_hz : FALLBACK_HZ);
	*out = q;
	return 0;
}

void quality_destroy(struct quality *q)
{
	if (!q)
		return;
	quality_save(q);
	resample_destroy(q->resample);
	harmonics_destroy(q->harmonics);
	transient_destroy(q->transient);
	capture_destroy(q->capture);
	flicker_destroy(q->flicker);
	aggregate_destroy(q->aggregate);
	free(q->points);
	free(q);
}

bool quality_keeps(const struct quality *q)
{
	return q && q->config.state && q->declared_v[0] > 0.0;
}

void quality_save(struct quality *q)
{
	int error;

	if (!quality_keeps(q))
		return;
	error = en50160_save(&q->week, q->config.state);
	if (error)
		log_warning("[quality] state = %s: cannot be written: %s; after a restart the "
			    "weekly verdict begins anew",
			    q->config.state, strerror(-error));
}

/* ---- the chain -------------------------------------------------------- */

void quality_gap(struct quality *q)
{
	if (!q || !q->joined)
		return;
	q->joined = false;
	capture_gap(q->capture);
	if (q->flicker)
		flicker_begin(q->flicker);
	event_gap(&q->detector);
	quality_begin(q);
}

void quality_begin(struct quality *q)
{
	if (!q)
		return;
	urms_begin(&q->urms);
	transient_begin(q->transient);
	if (q->harmonics)
		harmonics_begin(q->harmonics);
	q->touched = q->detector.active;
}

void quality_scans(struct quality *q, const struct quality_view *v, unsigned int from, bool present)
{
	const float *x[CAPTURE_CHANNELS_MAX];
	unsigned int n = v->scans - from;
	unsigned int k;

	if (!q || !n)
		return;
	if (!present) {
		quality_gap(q);
		return;
	}
	q->joined = true;
	for (k = 0; k < q->config.slots; k++)
		x[k] = v->slot[k] + from;
	for (k = 0; k < q->config.captured; k++)
		x[q->config.slots + k] = v->input[q->config.captured_first + k] + from;
	capture_scans(q->capture, x, n, v->time_ns[v->scans - 1]);
	if (q->flicker)
		flicker_scans(q->flicker, x, n);
}

static int64_t time_at(const struct quality_view *v, double position)
{
	unsigned int at = (unsigned int)position;
	const int64_t *t = v->time_ns + at;

	return t[0] + llround((position - at) * (double)(t[1] - t[0]));
}

static void take_points(struct quality *q, const struct quality_view *v, double from, double to,
			int64_t start_ns, int64_t cycle_ns)
{
	unsigned int k;

	resample_cycle(q->resample, v->scans, from, to);
	for (k = 0; k < q->config.slots; k++) {
		float *points = q->harmonics ? harmonics_target(q->harmonics, k) : q->points;

		resample_points(q->resample, v->slot[k], points);
		find_transient(q, k, points, start_ns, cycle_ns);
	}
	if (!q->harmonics)
		return;
	for (k = 0; k < q->config.inputs; k++)
		resample_points(q->resample, v->input[k],
				harmonics_target(q->harmonics, q->config.slots + k));
	if (harmonics_cycle(q->harmonics))
		take_spectra(q);
}

static void take_half(struct quality *q, const struct quality_view *v, double from, double to)
{
	struct urms_value value;

	if (urms_half(&q->urms, q->config.slots, v->slot, from, to, time_at(v, from),
		      time_at(v, to), &value))
		event_half(&q->detector, &value);
}

void quality_cycle(struct quality *q, const struct quality_view *v, double from, double to,
		   bool locked, bool present)
{
	double middle = 0.5 * (from + to);
	int64_t start_ns;
	int64_t end_ns;

	if (!q)
		return;
	if (!present || v->scans < RESAMPLE_TAPS) {
		quality_begin(q);
		return;
	}
	start_ns = time_at(v, from);
	end_ns = time_at(v, to);
	take_half(q, v, from, middle);
	take_half(q, v, middle, to);
	settle_candidate(q, end_ns - start_ns);
	take_points(q, v, from, to, start_ns, end_ns - start_ns);
	q->touched = q->touched || q->detector.active;
	aggregate_cycle(q->aggregate, utc(q, start_ns), utc(q, end_ns),
			(double)(end_ns - start_ns) / 1e9, locked && !q->detector.active);
}

/* Symmetrical components of the fundamentals (IEEE 1459). */
static void unbalance(const struct quality *q, const struct slot_mean *s,
		      struct aggregate_window *w)
{
	static const double complex a = -0.5 + 0.866025403784438647 * I;
	double complex v[3];
	double positive;

	w->u2_percent = NAN;
	w->u0_percent = NAN;
	if (q->config.wiring == QUALITY_OTHER || q->config.slots < 3)
		return;
	v[0] = s[0].re + s[0].im * I;
	v[1] = s[1].re + s[1].im * I;
	v[2] = s[2].re + s[2].im * I;
	if (q->config.wiring == QUALITY_LINE_PAIR) {
		/* V12, V23, V31 */
		v[2] = -v[0];
		v[0] = v[0] - v[1];
	}
	positive = cabs(v[0] + a * v[1] + a * a * v[2]);
	if (positive <= 0.0)
		return;
	w->u2_percent = 100.0 * cabs(v[0] + a * a * v[1] + a * v[2]) / positive;
	if (q->config.wiring == QUALITY_STAR)
		w->u0_percent = 100.0 * cabs(v[0] + v[1] + v[2]) / positive;
}

void quality_window(struct quality *q, const struct quality_window *w)
{
	double rms_v[READING_PHASES_MAX] = { 0 };
	unsigned int k;

	if (!q)
		return;
	commit(q);
	if (!w) {
		if (q->harmonics)
			harmonics_begin(q->harmonics);
		q->touched = q->detector.active;
		return;
	}
	for (k = 0; k < q->config.slots; k++)
		rms_v[k] = sqrt(fmax(w->slot[k].square, 0.0));
	learn(q, w, rms_v);
	if (!q->touched)
		event_window(&q->detector, rms_v);
	q->waiting = true;
	q->window = (struct aggregate_window){
		.start_ns = w->start_ns,
		.end_ns = w->end_ns,
		.start_utc_ns = utc(q, w->start_ns),
		.end_utc_ns = utc(q, w->end_ns),
		.flagged = q->touched || !isfinite(w->frequency_hz),
		.frequency_hz = w->frequency_hz,
	};
	memcpy(q->window.rms_v, rms_v, sizeof(rms_v));
	unbalance(q, w->slot, &q->window);
	q->touched = q->detector.active;
	q->windows++;
	if (q->harmonics)
		harmonics_end(q->harmonics, q->resample, w->scans / w->cycles, q->windows);
}

void quality_end(struct quality *q)
{
	if (q)
		commit(q);
}

/* ---- results ---------------------------------------------------------- */

void quality_thd(struct quality *q, float *thd, unsigned int signals)
{
	unsigned int k;

	for (k = 0; k < signals; k++)
		thd[k] = q && k < q->signals && q->thd_count[k]
				 ? (float)sqrt(q->thd_square[k] / q->thd_count[k])
				 : NAN;
	if (!q)
		return;
	memset(q->thd_square, 0, sizeof(q->thd_square));
	memset(q->thd_count, 0, sizeof(q->thd_count));
}

double quality_declared_v(const struct quality *q, unsigned int slot)
{
	return q->declared_v[slot];
}

double quality_mains_hz(const struct quality *q)
{
	return q->mains_hz;
}

unsigned int quality_captured(const struct quality *q)
{
	return q->config.captured_first;
}

const struct harmonics_result *quality_harmonics(const struct quality *q)
{
	return q && q->harmonics ? harmonics_result(q->harmonics) : NULL;
}

const struct aggregate_value *quality_last(const struct quality *q, enum aggregate_kind kind)
{
	return q->have[kind] ? &q->last[kind] : NULL;
}

double quality_pinst(const struct quality *q, unsigned int slot)
{
	return q->flicker && slot < q->config.slots ? flicker_pinst(q->flicker, slot) : NAN;
}

const struct en50160 *quality_week(const struct quality *q)
{
	return &q->week;
}

uint64_t quality_event_count(const struct quality *q)
{
	return q->events;
}

const struct pq_event *quality_event(const struct quality *q, uint64_t number)
{
	if (!number || number > q->events || q->events - number >= QUALITY_EVENTS)
		return NULL;
	return &q->event[number % QUALITY_EVENTS];
}

const struct capture_piece *quality_waveform(const struct quality *q, uint64_t number)
{
	return capture_find(q->capture, number);
}
