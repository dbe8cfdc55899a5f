// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each topology is a pattern of phasors of its slots, as the table of load.h makes them.
 * The slots that have a voltage are laid over the patterns of all topologies, turned and
 * scaled by the first of them; mirrored, too, as the order of the phases does not matter.
 */
#include "site-check.h"

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEGREES (180.0 / M_PI)
#define NS_PER_S 1e9
/* a voltage below this part of what it should be is missing */
#define MISSING_PART 0.3
/* below this there is nothing */
#define VOLTAGE_LEAST 5.0
/* a phasor may be so far from where the pattern has it, of its length */
#define PATTERN_PART 0.25
/* a voltage may be so far from the nominal one */
#define NOMINAL_PART 0.2
/* and the frequency, Hz */
#define NOMINAL_HZ 3.0

/* What there is to find; one bit more for each voltage that is missing. */
enum {
	FOUND_ANGLES = 1,
	FOUND_VOLTAGE = 2,
	FOUND_FREQUENCY = 4,
	FOUND_MISSING = 8,
};

/**
 * struct pattern - voltages of the terminals, against the first one
 * @name: of the topology
 * @part: length of each
 * @degrees: angle of each
 */
struct pattern {
	const char *name;
	double part[READING_PHASES_MAX];
	double degrees[READING_PHASES_MAX];
};

static const struct pattern patterns[] = {
	{ "1p", { 1.0 }, { 0.0 } },
	{ "2p+n", { 1.0, 1.0 }, { 0.0, 180.0 } },
	{ "3p+n", { 1.0, 1.0, 1.0 }, { 0.0, -120.0, 120.0 } },
	{ "3p", { 1.0, 1.0, 1.0 }, { 0.0, -120.0, 120.0 } },
	{ "high-leg", { 1.0, 1.0, 1.7320508 }, { 0.0, 180.0, -90.0 } },
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

void site_check_init(struct site_check *c, const struct installation *in, const char *says)
{
	*c = (struct site_check){ .in = in, .says = says };
}

static const struct pattern *pattern_of(const char *name)
{
	unsigned int k;

	for (k = 0; k < PATTERNS - 1; k++)
		if (!strcmp(patterns[k].name, name))
			break;
	return &patterns[k];
}

/* Phasor of a slot of topology @t where the terminals have the voltages of @p. */
static double complex slot_of(const struct topology *t, const struct pattern *p, unsigned int slot)
{
	double complex sum = 0.0;
	unsigned int k;

	for (k = 0; k < t->voltages; k++)
		sum += t->matrix[slot][k] * p->part[k] * cexp(I * p->degrees[k] / DEGREES);
	return sum;
}

double site_degrees(const struct topology *t, unsigned int slot)
{
	return carg(slot_of(t, pattern_of(t->name), slot)) * DEGREES;
}

/* Slots whose voltages are checked: those of the conductors, all where these are lines. */
static unsigned int checked(const struct topology *t)
{
	return t->neutral ? t->voltages : t->slots;
}

/**
 * struct look - what was seen
 * @slots: slots that are checked
 * @v: their mean phasors
 * @there: they have a voltage
 * @first: the first of these; @slots if there is none
 * @present: how many
 */
struct look {
	unsigned int slots;
	double complex v[READING_PHASES_MAX];
	bool there[READING_PHASES_MAX];
	unsigned int first;
	unsigned int present;
};

/* Length of each slot in the topology, for a first one of 1. */
static double length_of(const struct topology *t, unsigned int slot)
{
	const struct pattern *p = pattern_of(t->name);

	return cabs(slot_of(t, p, slot)) / cabs(slot_of(t, p, 0));
}

static struct look look_at(const struct site_check *c)
{
	const struct topology *t = c->in->topology;
	struct look look = { .slots = checked(t) };
	double most = c->in->nominal_v;
	unsigned int k;

	for (k = 0; k < look.slots; k++) {
		look.v[k] = (c->re[k] + I * c->im[k]) / c->seconds;
		if (!c->in->nominal_v)
			most = fmax(most, cabs(look.v[k]) / length_of(t, k));
	}
	look.first = look.slots;
	for (k = look.slots; k-- > 0;) {
		look.there[k] = cabs(look.v[k]) >=
				fmax(VOLTAGE_LEAST, MISSING_PART * most * length_of(t, k));
		look.present += look.there[k];
		if (look.there[k])
			look.first = k;
	}
	return look;
}

/* Are the voltages that are there those of @p, in either order of the phases? */
static bool fits(const struct look *look, const struct topology *t, const struct pattern *p)
{
	bool good[2] = { true, true };
	double complex base = slot_of(t, p, look->first);
	unsigned int k;

	if (cabs(base) < PATTERN_PART)
		return false;
	for (k = 0; k < look->slots; k++) {
		double complex should = slot_of(t, p, k) / base;
		double complex is = look->v[k] / look->v[look->first];

		if (!look->there[k])
			continue;
		good[0] &= cabs(is - should) <= PATTERN_PART * fmax(cabs(should), 0.5);
		good[1] &= cabs(is - conj(should)) <= PATTERN_PART * fmax(cabs(should), 0.5);
	}
	return good[0] || good[1];
}

/* Which topology it is instead: the first with as many conductors as are there. */
static const char *looks_like(const struct look *look, const struct topology *t)
{
	unsigned int k;
	unsigned int i;

	for (k = 0; k < PATTERNS; k++) {
		const struct pattern *p = &patterns[k];
		unsigned int conductors = 0;

		for (i = 0; i < READING_PHASES_MAX; i++)
			conductors += p->part[i] > 0.0;
		if (conductors >= look->present && t->neutral && strcmp(p->name, "3p") != 0 &&
		    fits(look, t, p))
			return p->name;
	}
	return NULL;
}

static void note_missing(struct site_check *c, const struct look *look)
{
	const struct topology *t = c->in->topology;
	unsigned int k;

	for (k = 0; k < look->slots; k++) {
		if (look->there[k])
			continue;
		c->found |= FOUND_MISSING << k;
		site_note(
			&c->candidate,
			"voltage %s is missing (%.1f V): %s says %s; is its terminal connected, or "
			"is the topology another one?",
			t->phase[k], cabs(look->v[k]), c->says, t->name);
	}
}

static void note_angles(struct site_check *c, const struct look *look)
{
	const struct topology *t = c->in->topology;
	const char *other = looks_like(look, t);
	char text[96] = "";
	size_t n = 0;
	unsigned int k;

	for (k = look->first + 1; k < look->slots && n < sizeof(text); k++)
		if (look->there[k])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %.1f V at %.0f",
					      n ? ", " : "", t->phase[k], cabs(look->v[k]),
					      carg(look->v[k] / look->v[look->first]) * DEGREES);
	c->found |= FOUND_ANGLES;
	site_note(&c->candidate,
		  "%s says %s, but the voltages are not those of it: %s degrees from %s (%.1f "
		  "V)%s%s; "
		  "correct the topology or the wiring",
		  c->says, t->name, text, t->phase[look->first], cabs(look->v[look->first]),
		  other ? "; they look like " : "", other ? other : "");
}

static void note_nominal(struct site_check *c, const struct look *look)
{
	const struct topology *t = c->in->topology;
	double hertz = c->hertz / c->seconds;
	unsigned int k;

	for (k = 0; c->in->nominal_v && k < look->slots; k++) {
		double nominal = c->in->nominal_v * length_of(t, k);

		if (!look->there[k] || fabs(cabs(look->v[k]) / nominal - 1.0) <= NOMINAL_PART)
			continue;
		c->found |= FOUND_VOLTAGE;
		site_note(
			&c->candidate,
			"voltage %s is %.1f V, nominal are %.0f V; correct the nominal voltage or "
			"the ratio of the transformers",
			t->phase[k], cabs(look->v[k]), nominal);
		break;
	}
	if (!c->in->nominal_hz || fabs(hertz - c->in->nominal_hz) <= NOMINAL_HZ)
		return;
	c->found |= FOUND_FREQUENCY;
	site_note(&c->candidate,
		  "the frequency is %.2f Hz, nominal are %.0f Hz; correct the nominal frequency",
		  hertz, c->in->nominal_hz);
}

/* Return: whether the notes are others. */
static bool judge(struct site_check *c)
{
	unsigned int before = c->found;
	struct look look = look_at(c);

	c->looks++;
	c->candidate.count = 0;
	c->found = 0;
	note_missing(c, &look);
	if (look.present > 1 && !fits(&look, c->in->topology, pattern_of(c->in->topology->name)))
		note_angles(c, &look);
	else if (look.present)
		note_nominal(c, &look);
	if (c->found != before || c->found == c->told)
		return false;
	c->told = c->found;
	c->notes = c->candidate;
	return true;
}

static void forget(struct site_check *c)
{
	memset(c->re, 0, sizeof(c->re));
	memset(c->im, 0, sizeof(c->im));
	c->hertz = 0.0;
	c->seconds = 0.0;
}

bool site_check_add(struct site_check *c, const struct meter_window *window)
{
	double seconds = (double)(window->end_ns - window->start_ns) / NS_PER_S;
	double complex first = 0.0;
	bool changed;
	unsigned int k;

	if (!window->voltages || !isfinite(window->frequency_hz) || !(seconds > 0.0))
		return false;
	for (k = 0; k < c->in->topology->slots && cabs(first) < VOLTAGE_LEAST; k++)
		first = window->slot[k].re + I * window->slot[k].im;
	if (cabs(first) < VOLTAGE_LEAST)
		return false;
	for (k = 0; k < c->in->topology->slots; k++) {
		double complex v = window->slot[k].re + I * window->slot[k].im;

		v *= conj(first) / cabs(first) * seconds;
		c->re[k] += creal(v);
		c->im[k] += cimag(v);
	}
	c->hertz += window->frequency_hz * seconds;
	c->seconds += seconds;
	if (c->seconds < SITE_CHECK_SECONDS)
		return false;
	changed = judge(c);
	forget(c);
	return changed;
}
