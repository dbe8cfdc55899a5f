// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a CT shows is kept as a histogram of the angle of its current, in seconds, fading
 * over minutes; the evidence is its highest place. The histograms of times in which energy
 * may flow either way, and in which it may not, are apart.
 * What follows from it is told in positions.c.
 */
#include "wiring.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coil.h"
#include "positions.h"

#define DEGREES (180.0 / M_PI)
#define BINS 36
#define BIN_DEG (360.0 / BINS)
/* half-life of what was seen, s */
#define FADE_S 600.0
/* a voltage below this part of the largest is missing */
#define VOLTAGE_PART 0.3
#define VOLTAGE_LEAST 5.0
#define NS_PER_S 1e9

/* Whether energy may flow out of an element now. */
enum { ONE_WAY, EITHER_WAY, WAYS };

/**
 * struct sight - what was seen of a CT
 * @seconds: of each angle against the base
 * @sum: of unit phasors there, times seconds
 * @ampere: RMS current there, times seconds
 * @last_s: seconds since it was above its range
 * @coil: its spectra against those of its slot
 */
struct sight {
	double seconds[WAYS][BINS];
	double complex sum[WAYS][BINS];
	double ampere[WAYS][BINS];
	double last_s;
	struct coil_sight coil;
};

struct wiring {
	const struct installation *in;
	unsigned int base;			 /* slot whose voltage the angles are against */
	double complex slot[READING_PHASES_MAX]; /* against it, fading */
	double volts[READING_PHASES_MAX];
	double volts_seconds;
	bool assumed;	  /* the angles between the voltages */
	uint64_t spectra; /* window of the last ones */
	struct sight sight[INPUT_CHANNELS_MAX];
};

int wiring_create(struct wiring **out, const struct installation *in)
{
	struct wiring *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->in = in;
	*out = w;
	return 0;
}

void wiring_destroy(struct wiring *w)
{
	free(w);
}

void wiring_reset(struct wiring *w)
{
	const struct installation *in = w->in;

	*w = (struct wiring){ .in = in, .assumed = w->assumed };
}

void wiring_assume_voltages(struct wiring *w)
{
	w->assumed = true;
}

bool wiring_assumes(const struct wiring *w)
{
	return w->assumed;
}

/* May energy flow either way through elements of this role now? */
static unsigned int way_of(const struct installation *in, const struct meter_window *window,
			   enum load_role role)
{
	unsigned int l;
	unsigned int k;

	if (role == LOAD_STORAGE)
		return EITHER_WAY;
	if (role != LOAD_GRID)
		return ONE_WAY;
	for (l = 0; l < in->loads; l++) {
		const struct load *load = &in->load[l];

		if (load->role != LOAD_PRODUCTION && load->role != LOAD_STORAGE)
			continue;
		for (k = load->first; k < load->first + load->elements; k++)
			if (!window->element[k].known || !window->element[k].below_range)
				return EITHER_WAY;
	}
	return ONE_WAY;
}

static void fade(struct wiring *w, double seconds)
{
	unsigned int elements = w->in->inputs.channels - w->in->inputs.voltages;
	double keep = exp2(-seconds / FADE_S);
	unsigned int k;
	unsigned int n;
	unsigned int b;

	for (k = 0; k < w->in->topology->slots; k++) {
		w->slot[k] *= keep;
		w->volts[k] *= keep;
	}
	w->volts_seconds *= keep;
	for (k = 0; k < elements; k++) {
		for (n = 0; n < WAYS; n++) {
			for (b = 0; b < BINS; b++) {
				w->sight[k].seconds[n][b] *= keep;
				w->sight[k].sum[n][b] *= keep;
				w->sight[k].ampere[n][b] *= keep;
			}
		}
		coil_fade(&w->sight[k].coil, keep);
		w->sight[k].last_s += seconds;
	}
}

static void see(struct sight *s, unsigned int way, double complex current, double complex first,
		double seconds)
{
	double degrees = carg(current * conj(first)) * DEGREES;
	unsigned int b = (unsigned int)floor((degrees + 180.0) / BIN_DEG) % BINS;

	s->seconds[way][b] += seconds;
	s->sum[way][b] += seconds * cexp(I * degrees / DEGREES);
	s->ampere[way][b] += seconds * cabs(current);
	s->last_s = 0.0;
}

/* The first slot that has a voltage; all angles are against it. */
static unsigned int base_of(const struct wiring *w, const struct meter_window *window)
{
	double most = 0.0;
	unsigned int k;

	for (k = 0; k < w->in->topology->slots; k++)
		most = fmax(most, hypot(window->slot[k].re, window->slot[k].im));
	for (k = 0; k < w->in->topology->slots; k++)
		if (hypot(window->slot[k].re, window->slot[k].im) >= VOLTAGE_PART * most)
			break;
	return most < VOLTAGE_LEAST ? w->in->topology->slots : k;
}

void wiring_add(struct wiring *w, const struct meter_window *window)
{
	double seconds = (double)(window->end_ns - window->start_ns) / NS_PER_S;
	unsigned int base = base_of(w, window);
	double complex first;
	unsigned int l;
	unsigned int k;

	if (!window->voltages || !isfinite(window->frequency_hz) || !(seconds > 0.0) ||
	    base == w->in->topology->slots)
		return;
	if (base != w->base)
		wiring_reset(w);
	w->base = base;
	first = window->slot[base].re + I * window->slot[base].im;
	fade(w, seconds);
	w->volts_seconds += seconds;
	for (k = 0; k < w->in->topology->slots; k++) {
		double complex v = window->slot[k].re + I * window->slot[k].im;

		w->slot[k] += seconds * v * conj(first) / cabs(first);
		w->volts[k] += seconds * cabs(v);
	}
	for (l = 0; l < w->in->loads; l++) {
		const struct load *load = &w->in->load[l];
		unsigned int way = way_of(w->in, window, load->role);

		for (k = load->first; k < load->first + load->elements; k++) {
			const struct element_window *e = &window->element[k];

			if (e->known && !e->below_range && !e->saturated)
				see(&w->sight[k], way, e->re + I * e->im, first, seconds);
		}
	}
}

/* They are those of the window before, so only a current that has been there is seen. */
void wiring_spectra(struct wiring *w, const struct harmonics_result *r)
{
	unsigned int slots = w->in->topology->slots;
	unsigned int l;
	unsigned int k;

	if (!r || r->window == w->spectra)
		return;
	w->spectra = r->window;
	for (l = 0; l < w->in->loads; l++) {
		const struct load *load = &w->in->load[l];

		for (k = 0; k < load->elements; k++) {
			struct sight *s = &w->sight[load->first + k];

			if (s->last_s == 0.0)
				coil_add(&s->coil, &r->spectrum[load->element[k].slot],
					 &r->spectrum[slots + load->first + k], r->orders);
		}
	}
}

/* Highest place of the histogram of one way, with its two neighbours. */
static struct position_evidence highest(const struct sight *s, unsigned int way)
{
	struct position_evidence best = { .either_way = way == EITHER_WAY };
	double complex sum = 0.0;
	unsigned int b;

	for (b = 0; b < BINS; b++) {
		unsigned int before = (b + BINS - 1) % BINS;
		unsigned int after = (b + 1) % BINS;
		double seconds =
			s->seconds[way][before] + s->seconds[way][b] + s->seconds[way][after];

		if (seconds <= best.seconds)
			continue;
		best.seconds = seconds;
		sum = s->sum[way][before] + s->sum[way][b] + s->sum[way][after];
		best.ampere = (s->ampere[way][before] + s->ampere[way][b] + s->ampere[way][after]) /
			      seconds;
	}
	best.angle = carg(sum) * DEGREES;
	return best;
}

/* One way tells more than either way, if it was seen for long enough. */
static struct position_evidence evidence_of(const struct wiring *w, unsigned int element)
{
	struct position_evidence one = highest(&w->sight[element], ONE_WAY);
	struct position_evidence either = highest(&w->sight[element], EITHER_WAY);

	return one.seconds >= WIRING_SECONDS || one.seconds >= either.seconds ? one : either;
}

static bool voltage_missing(const struct wiring *w, unsigned int slot)
{
	double most = 0.0;
	unsigned int k;

	for (k = 0; k < w->in->topology->slots; k++)
		most = fmax(most, w->volts[k]);
	return w->volts[slot] < VOLTAGE_PART * most ||
	       w->volts[slot] < VOLTAGE_LEAST * w->volts_seconds;
}

/* What is known of a load. */
static struct position_view view_of(const struct wiring *w, const struct load *load, bool resistive)
{
	struct position_view v = { .in = w->in,
				   .load = load,
				   .slot = w->slot,
				   .assumed = w->assumed,
				   .resistive = resistive };
	unsigned int k;

	for (k = 0; k < w->in->topology->slots; k++)
		v.missing[k] = voltage_missing(w, k);
	for (k = 0; k < load->elements; k++)
		v.evidence[k] = evidence_of(w, load->first + k);
	return v;
}

/*
 * A current that is 90 degrees off where a Rogowski coil is said to be integrated: is it? A
 * CT cannot do that, so there it is the load; and a coil that is looks no different beside a
 * capacitor, so it is a question until somebody says that the loads are heaters.
 */
static void judge_coil(const struct wiring *w, const struct position_view *v, unsigned int element,
		       struct wiring_result *r)
{
	const struct load_element *e = &v->load->element[element];
	double phi = positions_wrapped(r->phi_deg[e->slot] + (e->sign < 0.0 ? 180.0 : 0.0));
	bool coil = e->type && e->type->rogowski && !e->integrate;
	bool may_be = e->type == sensor_of_code(SENSOR_UNKNOWN);
	bool sure = v->resistive && r->verdict == WIRING_UNKNOWN;

	/* two clamps on three phases are 30 degrees off by themselves */
	if (load_shape(w->in->topology, v->load) == LOAD_ARON ||
	    !(fabs(fabs(phi) - 90.0) <= WIRING_COIL_DEG))
		return;
	r->coil_misfit = coil_misfit(&w->sight[v->load->first + element].coil);
	if (coil && (sure || r->coil_misfit <= WIRING_COIL_MISFIT)) {
		r->verdict = v->resistive ? WIRING_NOT_INTEGRATED : WIRING_PERHAPS_NOT_INTEGRATED;
		r->reason = v->resistive ? WIRING_NONE : WIRING_LEADS;
		r->slot = e->slot;
		r->reversed = e->sign < 0.0;
		r->confidence = 0.0;
		r->other_confidence = 0.0;
		r->half = false;
		r->swapped = -1;
	} else if ((coil || may_be) && r->reason == WIRING_TOO_REACTIVE && phi < 0.0) {
		r->reason = WIRING_LEADS;
	}
}

void wiring_result(const struct wiring *w, unsigned int load, unsigned int element, bool resistive,
		   struct wiring_result *r)
{
	struct position_view v = view_of(w, &w->in->load[load], resistive);
	const struct position_evidence *seen = &v.evidence[element];
	const struct load_element *e = &v.load->element[element];
	unsigned int k;

	*r = (struct wiring_result){ .slot = e->slot, .reversed = e->sign < 0.0, .swapped = -1 };
	r->pf = NAN;
	r->coil_misfit = NAN;
	r->seconds = seen->seconds;
	r->i_a = r->seconds > 0.0 ? seen->ampere : NAN;
	for (k = 0; k < READING_PHASES_MAX; k++)
		r->phi_deg[k] =
			r->seconds > 0.0 && k < w->in->topology->slots &&
					(!w->assumed || k == e->slot) && !v.missing[k]
				? positions_wrapped(carg(w->slot[k]) * DEGREES - seen->angle)
				: NAN;
	if (!w->volts_seconds || v.missing[e->slot]) {
		r->verdict =
			w->volts_seconds >= WIRING_SECONDS ? WIRING_NO_VOLTAGE : WIRING_UNKNOWN;
		r->reason = r->verdict == WIRING_UNKNOWN ? WIRING_TOO_SHORT : WIRING_NONE;
		return;
	}
	if (r->seconds < WIRING_SECONDS) {
		r->reason = r->seconds > 0.0 && w->sight[v.load->first + element].last_s <
							WIRING_SECONDS
				    ? WIRING_TOO_SHORT
				    : WIRING_TOO_SMALL;
		return;
	}
	positions_weigh(&v, element, r);
	judge_coil(w, &v, element, r);
}

enum wiring_rotation wiring_rotation(const struct wiring *w)
{
	double second;
	double third;
	unsigned int k;

	if (!w->in->topology->three_phase || !w->volts_seconds || w->assumed)
		return WIRING_NO_ROTATION;
	for (k = 0; k < w->in->topology->slots; k++)
		if (voltage_missing(w, k))
			return WIRING_NO_ROTATION;
	second = positions_wrapped(carg(w->slot[1]) * DEGREES);
	third = positions_wrapped(carg(w->slot[2]) * DEGREES);
	if (fabs(second) < 20.0 || fabs(third) < 20.0 ||
	    fabs(positions_wrapped(second - third)) < 20.0)
		return WIRING_SAME;
	return third > 0.0 ? WIRING_FORWARD : WIRING_BACKWARD;
}

const char *wiring_verdict_name(enum wiring_verdict verdict)
{
	static const char *const names[] = {
		"cannot tell yet",
		"in order",
		"reversed?",
		"reversed",
		"wrong phase",
		"wrong phase and reversed",
		"voltage reference missing",
		"not integrated?",
		"not integrated",
	};

	return names[verdict];
}

const char *wiring_reason_name(enum wiring_reason reason)
{
	static const char *const names[] = { "",
					     "load too small",
					     "seen for too short a time",
					     "load too reactive",
					     "two positions explain it",
					     "most likely; switch heaters on to be sure",
					     "flows out: production, or reversed",
					     "on another phase; registers do not tell which",
					     "leads by 90 degrees: a capacitor, or a Rogowski coil "
					     "that is not integrated" };

	return names[reason];
}

const char *wiring_rotation_name(enum wiring_rotation rotation)
{
	static const char *const names[] = { "unknown", "L1 L2 L3", "L1 L3 L2",
					     "two voltages in phase" };

	return names[rotation];
}
