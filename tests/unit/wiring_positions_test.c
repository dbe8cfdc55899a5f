// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every way to put the three CTs of a load, with noise, for every kind of load. What must
 * never be is a wrong "reversed".
 */
#include "wiring-rig.h"

#define ROUNDS 3

static unsigned int undecided;
static unsigned int asked;
static unsigned int asked_wrongly;

struct kind {
	const char *name;
	double phi;
	const char *role;
};

static const struct kind kinds[] = {
	{ "resistive", 0.0, "submeter" },
	{ "inductive, 0.9", 26.0, "submeter" },
	{ "inductive, 0.5", 60.0, "submeter" },
	{ "inductive, 0.77", 40.0, "submeter" },
	{ "inductive, 0.97", 14.0, "submeter" },
	{ "capacitive, 0.8", -37.0, "submeter" },
	{ "capacitive, 0.9", -26.0, "submeter" },
	{ "capacitive, 0.5", -60.0, "submeter" },
	{ "house", 10.0, "grid" },
	{ "house that exports", 180.0, "grid" },
	{ "solar", 180.0, "production" },
	{ "battery", 0.0, "storage" },
	{ "battery that gives", 180.0, "storage" },
};

static const unsigned int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					   { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

static enum wiring_verdict truth(unsigned int k, unsigned int phase, bool reversed)
{
	if (phase != k)
		return reversed ? WIRING_WRONG_BOTH : WIRING_WRONG_PHASE;
	return reversed ? WIRING_REVERSED : WIRING_IN_ORDER;
}

static bool is_wrong_reversed(const struct wiring_result *r, unsigned int phase, bool reversed)
{
	bool says = r->verdict == WIRING_REVERSED || r->verdict == WIRING_WRONG_BOTH;

	return says && (!reversed || r->slot != phase);
}

static void check(const struct kind *kind, unsigned int k, unsigned int phase, bool reversed,
		  bool resistive)
{
	struct wiring_result r;

	wiring_result(w, 0, k, resistive, &r);
	if (r.verdict == truth(k, phase, reversed) && r.slot == phase && r.reversed == reversed)
		return;
	if (r.verdict == WIRING_UNKNOWN || r.verdict == WIRING_PERHAPS_REVERSED) {
		assert_int_not_equal(r.reason, WIRING_NONE);
		undecided++;
		asked += r.verdict == WIRING_PERHAPS_REVERSED;
		asked_wrongly += r.verdict == WIRING_PERHAPS_REVERSED && (!reversed || phase != k);
		return;
	}
	/* two mistakes that make up for each other: nobody can see them */
	if (r.verdict == WIRING_IN_ORDER && !resistive &&
	    fabs(cos(r.phi_deg[k] * M_PI / 180.0)) > 0.85 && fabs(kind->phi) > 20.0)
		return;
	/* where energy may flow either way, the angle does not tell the direction */
	if (r.verdict == WIRING_IN_ORDER && r.slot == phase && !resistive &&
	    (!strcmp(kind->role, "storage") || kind->phi > 90.0))
		return;
	if (!strcmp(kind->role, "storage") ||
	    (kind->phi > 90.0 && strcmp(kind->role, "production"))) {
		assert_false(is_wrong_reversed(&r, phase, reversed));
		return;
	}
	/* a motor of power factor 0.5 with two mistakes looks like heaters with one */
	if (r.verdict == WIRING_WRONG_PHASE && fabs(kind->phi) > 45.0)
		return;
	/* what looks like a mere wrong phase may be something else, but never a reversed CT */
	print_error("%s: CT %u on phase %u%s: %s, slot %u%s, confidence %.4f\n", kind->name, k,
		    phase, reversed ? " reversed" : "", wiring_verdict_name(r.verdict), r.slot,
		    r.reversed ? " reversed" : "", r.confidence);
	assert_false(is_wrong_reversed(&r, phase, reversed));
	fail();
}

/* Three CTs of one load: 6 orders, 8 directions. Return: CTs without a verdict, of 144. */
static unsigned int try_three(const struct kind *kind, bool resistive)
{
	unsigned int order;
	unsigned int signs;
	unsigned int k;
	char text[160];

	undecided = 0;
	for (order = 0; order < 6; order++) {
		for (signs = 0; signs < 8; signs++) {
			const double complex *u = mains();
			double complex i[3];

			snprintf(text, sizeof(text),
				 "[load a]\nrole = %s\ninputs = h/A, h/B, h/C\n"
				 "phases = L1, L2, L3\n",
				 kind->role);
			configure(text);
			for (k = 0; k < 3; k++)
				i[k] = 5.0 * u[orders[order][k]] / 230.0 *
				       turn(-kind->phi + noise(4.0)) * (signs & 1U << k ? -1 : 1);
			show(u, i, 3, DUE_S);
			for (k = 0; k < 3; k++)
				check(kind, k, orders[order][k], signs & 1U << k, resistive);
			finish();
		}
	}
	return undecided;
}

static void three_cts_of_a_load_never_get_a_wrong_verdict(void **state)
{
	unsigned int k;
	unsigned int n;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		unsigned int open = 0;

		asked = 0;
		asked_wrongly = 0;
		for (n = 0; n < ROUNDS; n++)
			open += try_three(&kinds[k], false);
		print_message("%s: %u of %u CTs without a verdict, \"reversed?\" of %u, %u of them "
			      "are not\n",
			      kinds[k].name, open, 144 * ROUNDS, asked, asked_wrongly);
		/* the question is a good one unless two mistakes at a motor look like one */
		if (fabs(kinds[k].phi) < 30.0 || fabs(kinds[k].phi) > 90.0)
			assert_int_equal(asked_wrongly, 0);
		if (!k)
			assert_int_equal(asked, 12 * ROUNDS);
		/* what is the same for all three CTs looks like another kind of load */
		if (fabs(kinds[k].phi) < 1.0 && !strcmp(kinds[k].role, "submeter"))
			assert_true(open <= 144 * ROUNDS * 5 / 6);
	}
}

/* Somebody has switched heaters on and says so: then all is told, and right. */
static void resistive_loads_tell_every_position(void **state)
{
	const struct kind sun = { "solar", 180.0, "production" };
	const struct kind house = { "house", 0.0, "grid" };
	unsigned int n;

	for (n = 0; n < ROUNDS; n++) {
		assert_int_equal(try_three(&kinds[0], true), 0);
		assert_int_equal(try_three(&sun, true), 0);
		assert_int_equal(try_three(&house, true), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_cts_of_a_load_never_get_a_wrong_verdict),
		cmocka_unit_test(resistive_loads_tell_every_position),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
