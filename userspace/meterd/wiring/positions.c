// SPDX-License-Identifier: GPL-2.0-or-later
/* See positions.h. */
#include "positions.h"

#include <math.h>
#include <string.h>

#define DEGREES (180.0 / M_PI)
/* the angles of the phases of one load */
#define ALIKE_DEG 10.0
/* how much more likely it is that they are alike, unless the load is a house */
#define ALIKE_PART 10.0
/* the angle of a load that is resistive */
#define RESISTIVE_DEG 8.0
/* half, within so much of the apparent power */
#define HALF_PART 0.05

/* How likely it is that one CT is mounted the wrong way, in another slot, both. */
#define PRIOR_REVERSED 0.03
#define PRIOR_SLOT 0.03
#define PRIOR_BOTH 0.002
/* That all CTs of a load are, by one mistake: hubs turned round, voltage leads moved on. */
#define PRIOR_ALL 0.01
/* That two CTs of a load are on the same phase. */
#define PRIOR_SHARED 0.001

/**
 * struct place - a position of a CT
 * @candidate: number of the voltage
 * @sign: 1, or -1 for reversed
 */
struct place {
	unsigned int candidate;
	int sign;
};

/**
 * struct search - the weighing of the positions of a load's CTs
 * @view: what is known
 * @n: CTs with evidence
 * @element: their numbers within the load
 * @evidence: it
 * @candidates: voltages that a CT can belong to
 * @voltage: their angles against the base, degrees
 * @slot: their slots
 * @distinct: two CTs of the load are hardly at the same one
 * @total: sum of the weights
 * @share: sum of the weights with CT at candidate, not reversed and reversed
 * @best: largest weight
 * @place: its positions
 */
struct search {
	const struct position_view *view;
	unsigned int n;
	unsigned int element[READING_ELEMENTS_MAX];
	struct position_evidence evidence[READING_ELEMENTS_MAX];
	unsigned int candidates;
	double voltage[READING_PHASES_MAX];
	unsigned int slot[READING_PHASES_MAX];
	bool distinct;
	double total;
	double share[READING_ELEMENTS_MAX][READING_PHASES_MAX][2];
	double best;
	struct place place[READING_ELEMENTS_MAX];
};

double positions_wrapped(double degrees)
{
	return degrees - 360.0 * floor((degrees + 180.0) / 360.0);
}

static double bell(double degrees, double sigma)
{
	double x = positions_wrapped(degrees) / sigma;

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
	double back = positions_wrapped(phi - 180.0);

	return 0.995 * bell(back, 8.0) + (fabs(back) < 80.0 ? 0.005 / 160.0 : 0.0) + 1e-7;
}

static double density(const struct search *s, bool either_way, double phi)
{
	const struct installation *in = s->view->in;
	enum load_role role = s->view->load->role;
	double x = positions_wrapped(phi);
	double out = role == LOAD_SUBMETER ? 0.0 : 0.15;
	unsigned int l;

	if (s->view->resistive)
		return bell(role == LOAD_PRODUCTION ? x - 180.0 : x, RESISTIVE_DEG) + 1e-12;
	if (role == LOAD_PRODUCTION)
		return source_density(x);
	/* a grid that cannot feed back, as its production is measured and still */
	for (l = 0; role == LOAD_GRID && l < in->loads; l++)
		if (in->load[l].role == LOAD_PRODUCTION)
			out = 0.0;
	if (either_way)
		out = 0.5;
	return (1.0 - out) * load_density(x) + out * source_density(x);
}

/*
 * Voltages that a CT of the load can belong to: the slots; the lines against the middle of
 * the triangle for two clamps on a load without neutral. The two halves of a split phase
 * and what lies between them have the same angle: only the halves compete.
 */
static void find_candidates(struct search *s)
{
	const struct topology *t = s->view->in->topology;
	const double complex *v = s->view->slot;
	bool aron = load_shape(t, s->view->load) == LOAD_ARON;
	unsigned int k;

	for (k = 0; k < t->slots; k++) {
		double complex u = v[k];

		if (aron)
			u = k == 0 ? v[0] + v[2] : k == 1 ? v[1] - v[2] : -v[0] - v[1];
		if (!aron && s->view->missing[k])
			continue;
		if (!t->three_phase && k == 2 && s->view->load->element[0].slot != 2)
			continue;
		if (!t->three_phase && k < 2 && s->view->load->element[0].slot == 2)
			continue;
		s->voltage[s->candidates] = carg(u) * DEGREES;
		s->slot[s->candidates++] = k;
	}
	s->distinct = s->view->load->elements > 1;
}

static bool is_reversed(const struct search *s, unsigned int k, const struct place *p)
{
	return p->sign != (s->view->load->element[s->element[k]].sign < 0.0 ? -1 : 1);
}

static bool is_moved(const struct search *s, unsigned int k, const struct place *p)
{
	return s->slot[p->candidate] != s->view->load->element[s->element[k]].slot;
}

static double angle_at(const struct search *s, unsigned int k, const struct place *p)
{
	return positions_wrapped(s->voltage[p->candidate] - s->evidence[k].angle +
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

		apart *= density(s, s->evidence[k].either_way, phi);
		sum += cexp(I * phi / DEGREES);
	}
	if (s->n == 1)
		return apart;
	mean = carg(sum) * DEGREES;
	alike = density(s, s->evidence[0].either_way, mean);
	for (k = 0; k < s->n; k++)
		alike *= bell(angle_at(s, k, &place[k]) - mean, ALIKE_DEG);
	/* the mean was free: one of the factors is its size only */
	alike /= bell(0.0, ALIKE_DEG);
	return apart + (s->view->load->role == LOAD_GRID ? 1.0 : ALIKE_PART) * alike;
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
	s->evidence[0] = s->view->evidence[element];
	s->n = 1;
	for (k = 0; k < s->view->load->elements; k++) {
		struct position_evidence e = s->view->evidence[k];

		if (k == element || e.seconds < WIRING_SECONDS)
			continue;
		s->element[s->n] = k;
		s->evidence[s->n++] = e;
	}
}

static int swapped_with(const struct search *s)
{
	unsigned int own = s->view->load->element[s->element[0]].slot;
	unsigned int k;

	for (k = 1; k < s->n; k++)
		if (s->slot[s->place[k].candidate] == own &&
		    s->slot[s->place[0].candidate] == s->view->load->element[s->element[k]].slot)
			return (int)s->element[k];
	return -1;
}

/* The position that is most likely after the best one. */
static void find_other(const struct search *s, struct wiring_result *r)
{
	bool turned = s->view->load->element[s->element[0]].sign < 0.0;
	unsigned int best = s->place[0].candidate;
	unsigned int c;
	unsigned int n;

	for (c = 0; c < s->candidates; c++) {
		for (n = 0; n < 2; n++) {
			double share = s->share[0][c][n] / s->total;

			if ((c == best && n == is_reversed(s, 0, &s->place[0])) ||
			    share <= r->other_confidence)
				continue;
			if (s->view->assumed &&
			    s->slot[c] != s->view->load->element[s->element[0]].slot)
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
	bool certain =
		s->view->resistive || s->candidates == 1 || s->view->load->role == LOAD_PRODUCTION;
	double sure = WIRING_SURE;
	double limit = WIRING_SINGLE_DEG;
	double off = fabs(phi);

	r->slot = s->slot[s->place[0].candidate];
	r->reversed = s->place[0].sign < 0;
	r->confidence = s->share[0][s->place[0].candidate][reversed] / s->total;
	r->pf = cos(phi / DEGREES);
	if (s->view->load->role == LOAD_PRODUCTION ||
	    (s->view->load->role != LOAD_SUBMETER && off > 90.0))
		off = 180.0 - off;
	if (s->candidates > 1)
		limit = moved || reversed ? WIRING_CHANGE_DEG : WIRING_REACTIVE_DEG;
	if (reversed || (moved && s->n > 1))
		sure = WIRING_SURE_REVERSED;
	if (off > limit)
		r->reason = WIRING_TOO_REACTIVE;
	else if (r->confidence < sure)
		r->reason = WIRING_AMBIGUOUS;
	else if (s->view->load->role == LOAD_GRID && fabs(phi) > 90.0)
		r->reason = WIRING_OUT;
	else if (reversed && !certain)
		r->reason = WIRING_LIKELY;
	else if (moved && s->view->assumed && s->view->in->topology->three_phase)
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
	if (s->view->assumed && moved) {
		r->slot = s->view->load->element[s->element[0]].slot;
		r->reversed = s->view->load->element[s->element[0]].sign < 0.0;
	}
	find_other(s, r);
	r->half = s->view->in->topology->three_phase && !s->view->in->topology->neutral &&
		  s->view->load->elements == 1 &&
		  fabs(fabs(cos(r->phi_deg[s->view->load->element[0].slot] / DEGREES)) - 0.5) <
			  HALF_PART;
}

void positions_weigh(const struct position_view *v, unsigned int element, struct wiring_result *r)
{
	struct search s = { .view = v };

	gather(&s, element);
	find_candidates(&s);
	try_all(&s);
	if (s.total > 0.0)
		decide(&s, r);
}
