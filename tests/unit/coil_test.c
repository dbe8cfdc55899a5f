// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a Rogowski coil integrated? Samples of coils, capacitors and other loads that lead,
 * through the chain with its spectra: the question is asked where it should be.
 */
#include "chain-config.h"

#include <complex.h>

#include "quality.h"

#define RATE 4000.0
/* a verdict is due after this */
#define DUE_S 12.0
#define ORDERS 14

/**
 * struct bench - a voltage, the admittance of a load, and what its sensor makes of the current
 * @admittance: A per V at an order, the fundamental is 50 Hz
 * @own: harmonics of the load itself, A, of the orders 3, 5, ... that it makes
 * @clean: the voltage has no harmonics
 * @raw: di/dt, as much as the current at 50 Hz
 * @reversed: the coil is the wrong way round
 * @rate: sampling rate
 */
struct bench {
	double complex (*admittance)(unsigned int order);
	double own;
	bool clean;
	bool raw;
	bool reversed;
	double rate;
};

static struct chain c;
static struct config config;

static double complex resistor(unsigned int h)
{
	return 0.05;
}

static double complex motor(unsigned int h)
{
	return 1.0 / (4.0 + 20.0 * I * h);
}

static double complex bank(unsigned int h)
{
	return 0.05 * I * h;
}

/* A capacitor bank behind a reactor of 7 %, as in most new ones. */
static double complex detuned_bank(unsigned int h)
{
	return 1.0 / (0.2 + 20.0 * I * (0.07 * h - 1.0 / h));
}

/* Small supplies in stand-by: capacitors for interference, some resistance. */
static double complex supplies(unsigned int h)
{
	return h == 1 ? 0.008 + 0.05 * I : 0.01;
}

static double complex voltage(const struct bench *b, unsigned int h)
{
	static const double part[ORDERS] = { [1] = 1.0,	  [3] = 0.01,	[5] = 0.03,  [7] = 0.015,
					     [9] = 0.004, [11] = 0.006, [13] = 0.005 };

	return b->clean && h > 1 ? 0.0 : 230.0 * part[h] * cexp(1.7 * I * h);
}

static double complex current(const struct bench *b, unsigned int h)
{
	double complex i = voltage(b, h) * b->admittance(h);

	if (h > 1)
		i += b->own / h * cexp(0.9 * I * h * h);
	if (b->raw)
		i *= I * h;
	return b->reversed ? -i : i;
}

static double sample(void *user, unsigned int channel, double scan)
{
	const struct bench *b = user;
	double turns = 50.0 * scan / b->rate;
	double sum = 0.0;
	unsigned int h;

	for (h = 1; h < ORDERS; h += 2)
		sum += M_SQRT2 * cimag((channel ? current(b, h) : voltage(b, h)) *
				       cexp(2 * M_PI * I * fmod(turns * h, 1.0)));
	return sum;
}

static struct wiring_result judged(struct bench b, const char *input, bool resistive)
{
	struct quality_config q;
	struct wiring_result r;
	char text[256];

	b.rate = b.rate > 0.0 ? b.rate : RATE;
	snprintf(text, sizeof(text),
		 "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n[input h/A]\n%s\n",
		 input);
	chain_open_config(&c, &config, text, 500.0, b.rate);
	quality_defaults(&q);
	q.rate_hz = b.rate;
	q.slots = 1;
	q.inputs = 1;
	q.part[0] = 1.0;
	q.declared_v = 230.0;
	q.mains_hz = 50.0;
	assert_int_equal(quality_create(&c.quality, &q), 0);
	meter_destroy(c.meter);
	chain_meter(&c);
	assert_int_equal(wiring_create(&c.wiring, &c.in), 0);
	chain_feed(&c, DUE_S, sample, &b);
	wiring_result(c.wiring, 0, 0, resistive, &r);
	wiring_destroy(c.wiring);
	chain_close_config(&c, &config);
	quality_destroy(c.quality);
	return r;
}

static void expect(const struct wiring_result *r, enum wiring_verdict verdict,
		   enum wiring_reason reason)
{
	if (r->verdict != verdict || r->reason != reason)
		fail_msg("%s: %s, at %.1f degrees, misfit %.3f", wiring_verdict_name(r->verdict),
			 wiring_reason_name(r->reason), r->phi_deg[0], r->coil_misfit);
}

#define ROGOWSKI "sensor = rogowski-400a"

static void a_coil_that_nobody_integrates_is_asked_about(void **state)
{
	static const double rates[] = { 2000.0, 3906.25, 4000.0, 8000.0 };
	struct wiring_result r;
	unsigned int k;

	for (k = 0; k < 4; k++) {
		struct bench b = { .admittance = resistor, .raw = true, .rate = rates[k] };

		r = judged(b, ROGOWSKI, false);
		expect(&r, WIRING_PERHAPS_NOT_INTEGRATED, WIRING_LEADS);
		assert_double_equal(r.phi_deg[0], -90.0, 0.5);
		assert_true(r.coil_misfit < 0.02);
		/* nothing is proposed but to look */
		assert_int_equal(r.slot, 0);
		assert_false(r.reversed);
	}
}

static void heaters_make_it_certain(void **state)
{
	struct bench b = { .admittance = resistor, .raw = true };
	struct wiring_result r = judged(b, ROGOWSKI, true);

	expect(&r, WIRING_NOT_INTEGRATED, WIRING_NONE);
	/* even where the voltage has no harmonics */
	b.clean = true;
	r = judged(b, ROGOWSKI, true);
	expect(&r, WIRING_NOT_INTEGRATED, WIRING_NONE);
}

static void the_wrong_way_round_it_is_asked_about_too(void **state)
{
	struct wiring_result r =
		judged((struct bench){ .admittance = resistor, .raw = true, .reversed = true },
		       ROGOWSKI, false);

	expect(&r, WIRING_PERHAPS_NOT_INTEGRATED, WIRING_LEADS);
	r = judged((struct bench){ .admittance = resistor, .raw = true, .reversed = true },
		   ROGOWSKI "\nintegrate = yes", false);
	expect(&r, WIRING_REVERSED, WIRING_NONE);
}

static void once_it_is_integrated_it_is_in_order(void **state)
{
	struct wiring_result r = judged((struct bench){ .admittance = resistor, .raw = true },
					ROGOWSKI "\nintegrate = yes", false);

	expect(&r, WIRING_IN_ORDER, WIRING_NONE);
	assert_true(isnan(r.coil_misfit));
	r = judged((struct bench){ .admittance = resistor }, ROGOWSKI, false);
	expect(&r, WIRING_IN_ORDER, WIRING_NONE);
}

/* It cannot be told from a coil, so only a coil raises the question. */
static void a_capacitor_bank_is_asked_about_only_at_a_coil(void **state)
{
	const struct bench b = { .admittance = bank };
	const struct bench raw = { .admittance = bank, .raw = true };
	struct wiring_result r = judged(b, "sensor = sct02-100a", false);

	expect(&r, WIRING_UNKNOWN, WIRING_TOO_REACTIVE);
	r = judged(b, "sensor = auto", false);
	expect(&r, WIRING_UNKNOWN, WIRING_LEADS);
	r = judged(raw, ROGOWSKI "\nintegrate = yes", false);
	expect(&r, WIRING_UNKNOWN, WIRING_TOO_REACTIVE);
	r = judged(b, ROGOWSKI, false);
	expect(&r, WIRING_PERHAPS_NOT_INTEGRATED, WIRING_LEADS);
}

static void other_loads_that_lead_raise_no_question(void **state)
{
	static const struct {
		struct bench b;
		enum wiring_reason reason;
	} loads[] = {
		{ { .admittance = detuned_bank }, WIRING_LEADS },
		{ { .admittance = supplies }, WIRING_LEADS },
		{ { .admittance = supplies, .own = 4.0 }, WIRING_LEADS },
		/* no harmonics, no evidence */
		{ { .admittance = bank, .clean = true }, WIRING_LEADS },
		{ { .admittance = resistor, .raw = true, .clean = true }, WIRING_LEADS },
		/* rectifiers make harmonics of their own: neither */
		{ { .admittance = resistor, .raw = true, .own = 10.0 }, WIRING_LEADS },
		{ { .admittance = motor }, WIRING_TOO_REACTIVE },
	};
	unsigned int k;

	for (k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
		struct wiring_result r = judged(loads[k].b, ROGOWSKI, false);

		print_message("load %u: %.1f degrees, misfit %.2f\n", k, r.phi_deg[0],
			      r.coil_misfit);
		expect(&r, WIRING_UNKNOWN, loads[k].reason);
		assert_false(r.coil_misfit < 0.6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_coil_that_nobody_integrates_is_asked_about),
		cmocka_unit_test(heaters_make_it_certain),
		cmocka_unit_test(the_wrong_way_round_it_is_asked_about_too),
		cmocka_unit_test(once_it_is_integrated_it_is_in_order),
		cmocka_unit_test(a_capacitor_bank_is_asked_about_only_at_a_coil),
		cmocka_unit_test(other_loads_that_lead_raise_no_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
