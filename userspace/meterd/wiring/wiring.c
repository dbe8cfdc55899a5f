// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a CT shows is kept as a histogram of the angle of its current, in seconds, fading
 * over minutes; the evidence is its highest place. The histograms of times in which energy
 * may flow either way, and in which it may not, are apart.
 *
 * A hypothesis gives each CT of a load a slot and a sign. Its weight is
 *
 *	prior(errors) * density(angles)
 *
 * where the angles of a load are either alike, as those of a motor, or independent, as those
 * of the phases of a house. The confidence of a position is its share of all weights.
 */
#include "wiring.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEGREES (180.0 / M_PI)
#define BINS 36
#define BIN_DEG (360.0 / BINS)
/* half-life of what was seen, s */
#define FADE_S 600.0
/* a voltage below this part of the largest is missing */
#define VOLTAGE_PART 0.3
#define VOLTAGE_LEAST 5.0
/* production or storage below this part of its range does nothing */
/* the angles of the phases of one load */
#define ALIKE_DEG 10.0
/* how much more likely it is that they are alike, unless the load is a house */
#define ALIKE_PART 10.0
/* the angle of a load that is resistive */
#define RESISTIVE_DEG 8.0
/* half, within so much of the apparent power */
#define HALF_PART 0.05
#define NS_PER_S 1e9

/* How likely it is that one CT is mounted the wrong way, in another slot, both. */
#define PRIOR_REVERSED 0.03
#define PRIOR_SLOT 0.03
#define PRIOR_BOTH 0.002
/* That all CTs of a load are, by one mistake: hubs turned round, voltage leads moved on. */
#define PRIOR_ALL 0.01
/* That two CTs of a load are on the same phase. */
#define PRIOR_SHARED 0.001

/* Whether energy may flow out of an element now. */
enum { ONE_WAY, EITHER_WAY, WAYS };

/**
 * struct sight - what was seen of a CT
 * @seconds: of each angle against the base
 * @sum: of unit phasors there, times seconds
 * @ampere: RMS current there, times seconds
 * @last_s: seconds since it was above its range
 */
struct sight {
	double seconds[WAYS][BINS];
	double complex sum[WAYS][BINS];
	double ampere[WAYS][BINS];
	double last_s;
};

/**
 * struct evidence - the highest place of a histogram
 * @way: of which
 * @seconds: in it and the places beside it
 * @angle: of the current against the base, degrees
 * @ampere: RMS current, A
 */
struct evidence {
	unsigned int way;
	double seconds;
	double angle;
	double ampere;
};

/**
 * struct place - a position of a CT
 * @candidate: number of the voltage
 * @sign: 1, or -1 for reversed
 */
struct place {
	unsigned int candidate;
	int sign;
};

struct wiring {
	const struct installation *in;
	unsigned int base;			 /* slot whose voltage the angles are against */
	double complex slot[READING_PHASES_MAX]; /* against it, fading */
	double volts[READING_PHASES_MAX];
	double volts_seconds;
	bool assumed; /* the angles between the voltages */
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

/* Degrees within -180 ... 180. */
static double wrapped(double degrees)
{
	return degrees - 360.0 * floor((degrees + 180.0) / 360.0);
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

/* Highest place of the histogram of one way, with its two neighbours. */
static struct evidence highest(const struct sight *s, unsigned int way)
{
	struct evidence best = { .way = way };
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
static struct evidence evidence_of(const struct wiring *w, unsigned int element)
{
	struct evidence one = highest(&w->sight[element], ONE_WAY);
	struct evidence either = highest(&w->sight[element], EITHER_WAY);

	return one.seconds >= WIRING_SECONDS || one.seconds >= either.seconds ? one : either;
}

static double bell(double degrees, double sigma)
{
	double x = wrapped(degrees) / sigma;

	return exp(-0.5 * x * x) / (sigma * 2.5066282746);
}

/* Loads: most are resistive, some inductive, fewer capacitive, per degree. */
static double load_density(double phi)
{
	double d = 0.6 * bell(phi, 8.0) + 1e-7;

	if (phi > 0.0 && phi < 80.0)
		d += 0.26 / 80.0;
	if (phi <= 0.0 && phi > -75.0)
		d += 0.14 / 75.0;
	return d;
}

/* Inverters: what they give is nearly active power. */
static double source_density(double phi)
{
	double back = wrapped(phi - 180.0);

	return 0.995 * bell(back, 8.0) + (fabs(back) < 80.0 ? 0.005 / 160.0 : 0.0) + 1e-7;
}

/**
 * struct search - the weighing of the positions of a load's CTs
 * @w: the state
 * @load: the load
 * @n: CTs with evidence
 * @element: their numbers within the load
 * @evidence: it
 * @candidates: voltages that a CT can belong to
 * @voltage: their angles against the base, degrees
 * @slot: their slots
 * @resistive: the load is said to be resistive
 * @distinct: two CTs of the load are hardly at the same one
 * @total: sum of the weights
 * @share: sum of the weights with CT at candidate, not reversed and reversed
 * @best: largest weight
 * @place: its positions
 */
struct search {
	const struct wiring *w;
	const struct load *load;
	unsigned int n;
	unsigned int element[READING_ELEMENTS_MAX];
	struct evidence evidence[READING_ELEMENTS_MAX];
	unsigned int candidates;
	double voltage[READING_PHASES_MAX];
	unsigned int slot[READING_PHASES_MAX];
	bool resistive;
	bool distinct;
	double total;
	double share[READING_ELEMENTS_MAX][READING_PHASES_MAX][2];
	double best;
	struct place place[READING_ELEMENTS_MAX];
};

static double density(const struct search *s, unsigned int way, double phi)
{
	const struct wiring *w = s->w;
	enum load_role role = s->load->role;
	double x = wrapped(phi);
	double out = role == LOAD_SUBMETER ? 0.0 : 0.15;
	unsigned int l;

	if (s->resistive)
		return bell(role == LOAD_PRODUCTION ? x - 180.0 : x, RESISTIVE_DEG) + 1e-12;
	if (role == LOAD_PRODUCTION)
		return source_density(x);
	/* a grid that cannot feed back, as its production is measured and still */
	for (l = 0; role == LOAD_GRID && l < w->in->loads; l++)
		if (w->in->load[l].role == LOAD_PRODUCTION)
			out = 0.0;
	if (way == EITHER_WAY)
		out = 0.5;
	return (1.0 - out) * load_density(x) + out * source_density(x);
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

/*
 * Voltages that a CT of the load can belong to: the slots; the lines against the middle of
 * the triangle for two clamps on a load without neutral. The two halves of a split phase
 * and what lies between them have the same angle: only the halves compete.
 */
static void find_candidates(struct search *s)
{
	const struct topology *t = s->w->in->topology;
	const double complex *v = s->w->slot;
	bool aron = load_shape(t, s->load) == LOAD_ARON;
	unsigned int k;

	for (k = 0; k < t->slots; k++) {
		double complex u = v[k];

		if (aron)
			u = k == 0 ? v[0] + v[2] : k == 1 ? v[1] - v[2] : -v[0] - v[1];
		if (!aron && voltage_missing(s->w, k))
			continue;
		if (!t->three_phase && k == 2 && s->load->element[0].slot != 2)
			continue;
		if (!t->three_phase && k < 2 && s->load->element[0].slot == 2)
			continue;
		s->voltage[s->candidates] = carg(u) * DEGREES;
		s->slot[s->candidates++] = k;
	}
	s->distinct = s->load->elements > 1;
}

static bool is_reversed(const struct search *s, unsigned int k, const struct place *p)
{
	return p->sign != (s->load->element[s->element[k]].sign < 0.0 ? -1 : 1);
}

static bool is_moved(const struct search *s, unsigned int k, const struct place *p)
{
	return s->slot[p->candidate] != s->load->element[s->element[k]].slot;
}

static double angle_at(const struct search *s, unsigned int k, const struct place *p)
{
	return wrapped(s->voltage[p->candidate] - s->evidence[k].angle +
		       (p->sign < 0 ? 180.0 : 0.0));
}

/*
 * How likely are these errors? All CTs reversed, and all moved on, are one mistake each;
 * two CTs in each other's place are one, too.
 */
static double prior(const struct search *s, const struct place *place)
{
	unsigned int reversed = 0;
	unsigned int moved = 0;
	double p = 1.0;
	double all = 1.0;
	unsigned int k;
	unsigned int j;

	for (k = 0; k < s->n; k++) {
		bool r = is_reversed(s, k, &place[k]);
		bool m = is_moved(s, k, &place[k]);

		reversed += r;
		moved += m;
		p *= r && m ? PRIOR_BOTH : r ? PRIOR_REVERSED : m ? PRIOR_SLOT : 0.9;
		for (j = 0; s->distinct && j < k; j++)
			if (place[j].candidate == place[k].candidate) {
				p *= PRIOR_SHARED;
				all = 0.0;
			}
	}
	if (s->n < 2)
		return p;
	if (moved == 2)
		all *= PRIOR_SLOT;
	else if (moved == s->n)
		all *= PRIOR_ALL;
	else if (moved)
		all = 0.0;
	if (reversed == s->n)
		all *= PRIOR_ALL;
	else
		for (k = 0; k < reversed; k++)
			all *= PRIOR_REVERSED;
	return fmax(p, all);
}

static double likelihood(const struct search *s, const struct place *place)
{
	double complex sum = 0.0;
	double apart = 1.0;
	double alike;
	double mean;
	unsigned int k;

	for (k = 0; k < s->n; k++) {
		double phi = angle_at(s, k, &place[k]);

		apart *= density(s, s->evidence[k].way, phi);
		sum += cexp(I * phi / DEGREES);
	}
	if (s->n == 1)
		return apart;
	mean = carg(sum) * DEGREES;
	alike = density(s, s->evidence[0].way, mean);
	for (k = 0; k < s->n; k++)
		alike *= bell(angle_at(s, k, &place[k]) - mean, ALIKE_DEG);
	/* the mean was free: one of the factors is its size only */
	alike /= bell(0.0, ALIKE_DEG);
	return apart + (s->load->role == LOAD_GRID ? 1.0 : ALIKE_PART) * alike;
}

static void weigh(struct search *s, const struct place *place)
{
	double weight = prior(s, place) * likelihood(s, place);
	unsigned int k;

	s->total += weight;
	for (k = 0; k < s->n; k++)
		s->share[k][place[k].candidate][is_reversed(s, k, &place[k])] += weight;
	if (weight <= s->best)
		return;
	s->best = weight;
	memcpy(s->place, place, sizeof(s->place));
}

/* All positions of all CTs: at most 6^3. */
static void try_all(struct search *s)
{
	unsigned int positions = 2 * s->candidates;
	unsigned int all = 1;
	unsigned int n;
	unsigned int k;

	for (k = 0; k < s->n; k++)
		all *= positions;
	for (n = 0; n < all && positions; n++) {
		struct place place[READING_ELEMENTS_MAX] = { { 0 } };
		unsigned int rest = n;

		for (k = 0; k < s->n; k++, rest /= positions)
			place[k] = (struct place){ rest % positions / 2, rest % 2 ? -1 : 1 };
		weigh(s, place);
	}
}

/* The others of the load have their say where they have been seen for long enough. */
static void gather(struct search *s, unsigned int element)
{
	unsigned int k;

	s->element[0] = element;
	s->evidence[0] = evidence_of(s->w, s->load->first + element);
	s->n = 1;
	for (k = 0; k < s->load->elements; k++) {
		struct evidence e = evidence_of(s->w, s->load->first + k);

		if (k == element || e.seconds < WIRING_SECONDS)
			continue;
		s->element[s->n] = k;
		s->evidence[s->n++] = e;
	}
}

static int swapped_with(const struct search *s)
{
	unsigned int own = s->load->element[s->element[0]].slot;
	unsigned int k;

	for (k = 1; k < s->n; k++)
		if (s->slot[s->place[k].candidate] == own &&
		    s->slot[s->place[0].candidate] == s->load->element[s->element[k]].slot)
			return (int)s->element[k];
	return -1;
}

/* The position that is most likely after the best one. */
static void find_other(const struct search *s, struct wiring_result *r)
{
	bool turned = s->load->element[s->element[0]].sign < 0.0;
	unsigned int best = s->place[0].candidate;
	unsigned int c;
	unsigned int n;

	for (c = 0; c < s->candidates; c++) {
		for (n = 0; n < 2; n++) {
			double share = s->share[0][c][n] / s->total;

			if ((c == best && n == is_reversed(s, 0, &s->place[0])) ||
			    share <= r->other_confidence)
				continue;
			if (s->w->assumed && s->slot[c] != s->load->element[s->element[0]].slot)
				continue;
			r->other_slot = s->slot[c];
			r->other_reversed = turned != (n == 1);
			r->other_confidence = share;
		}
	}
}

static void decide(const struct search *s, struct wiring_result *r)
{
	bool moved = is_moved(s, 0, &s->place[0]);
	bool reversed = is_reversed(s, 0, &s->place[0]);
	double phi = angle_at(s, 0, &s->place[0]);
	/* one phase has two directions only; the sun gives active power */
	bool certain = s->resistive || s->candidates == 1 || s->load->role == LOAD_PRODUCTION;
	double sure = WIRING_SURE;
	double limit = WIRING_SINGLE_DEG;
	double off = fabs(phi);

	r->slot = s->slot[s->place[0].candidate];
	r->reversed = s->place[0].sign < 0;
	r->confidence = s->share[0][s->place[0].candidate][reversed] / s->total;
	r->pf = cos(phi / DEGREES);
	if (s->load->role == LOAD_PRODUCTION || (s->load->role != LOAD_SUBMETER && off > 90.0))
		off = 180.0 - off;
	if (s->candidates > 1)
		limit = moved || reversed ? WIRING_CHANGE_DEG : WIRING_REACTIVE_DEG;
	if (reversed || (moved && s->n > 1))
		sure = WIRING_SURE_REVERSED;
	if (off > limit)
		r->reason = WIRING_TOO_REACTIVE;
	else if (r->confidence < sure)
		r->reason = WIRING_AMBIGUOUS;
	else if (s->load->role == LOAD_GRID && fabs(phi) > 90.0)
		r->reason = WIRING_OUT;
	else if (reversed && !certain)
		r->reason = WIRING_LIKELY;
	else if (moved && s->w->assumed && s->w->in->topology->three_phase)
		r->reason = WIRING_UNNAMED;
	else if (moved)
		r->verdict = reversed ? WIRING_WRONG_BOTH : WIRING_WRONG_PHASE;
	else
		r->verdict = reversed ? WIRING_REVERSED : WIRING_IN_ORDER;
	if ((r->reason == WIRING_AMBIGUOUS || r->reason == WIRING_LIKELY) && reversed && !moved &&
	    r->confidence >= WIRING_SURE)
		r->verdict = WIRING_PERHAPS_REVERSED;
	if (r->verdict == WIRING_WRONG_PHASE || r->verdict == WIRING_WRONG_BOTH)
		r->swapped = swapped_with(s);
	if (s->w->assumed && moved) {
		r->slot = s->load->element[s->element[0]].slot;
		r->reversed = s->load->element[s->element[0]].sign < 0.0;
	}
	find_other(s, r);
	r->half = s->w->in->topology->three_phase && !s->w->in->topology->neutral &&
		  s->load->elements == 1 &&
		  fabs(fabs(cos(r->phi_deg[s->load->element[0].slot] / DEGREES)) - 0.5) < HALF_PART;
}

void wiring_result(const struct wiring *w, unsigned int load, unsigned int element, bool resistive,
		   struct wiring_result *r)
{
	struct search s = { .w = w, .load = &w->in->load[load], .resistive = resistive };
	const struct load_element *e = &s.load->element[element];
	unsigned int k;

	*r = (struct wiring_result){ .slot = e->slot, .reversed = e->sign < 0.0, .swapped = -1 };
	r->pf = NAN;
	gather(&s, element);
	r->seconds = s.evidence[0].seconds;
	r->i_a = r->seconds > 0.0 ? s.evidence[0].ampere : NAN;
	for (k = 0; k < READING_PHASES_MAX; k++)
		r->phi_deg[k] = r->seconds > 0.0 && k < w->in->topology->slots &&
						(!w->assumed || k == e->slot) &&
						!voltage_missing(w, k)
					? wrapped(carg(w->slot[k]) * DEGREES - s.evidence[0].angle)
					: NAN;
	if (!w->volts_seconds || voltage_missing(w, e->slot)) {
		r->verdict =
			w->volts_seconds >= WIRING_SECONDS ? WIRING_NO_VOLTAGE : WIRING_UNKNOWN;
		r->reason = r->verdict == WIRING_UNKNOWN ? WIRING_TOO_SHORT : WIRING_NONE;
		return;
	}
	if (r->seconds < WIRING_SECONDS) {
		r->reason = r->seconds > 0.0 && w->sight[s.load->first + element].last_s <
							WIRING_SECONDS
				    ? WIRING_TOO_SHORT
				    : WIRING_TOO_SMALL;
		return;
	}
	find_candidates(&s);
	try_all(&s);
	if (s.total > 0.0)
		decide(&s, r);
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
	second = wrapped(carg(w->slot[1]) * DEGREES);
	third = wrapped(carg(w->slot[2]) * DEGREES);
	if (fabs(second) < 20.0 || fabs(third) < 20.0 || fabs(wrapped(second - third)) < 20.0)
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
					     "on another phase; registers do not tell which" };

	return names[reason];
}

const char *wiring_rotation_name(enum wiring_rotation rotation)
{
	static const char *const names[] = { "unknown", "L1 L2 L3", "L1 L3 L2",
					     "two voltages in phase" };

	return names[rotation];
}
