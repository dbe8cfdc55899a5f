// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verdicts on the wiring: every way to put the CTs of a load, with noise, for every kind of
 * load. What must never be is a wrong "reversed".
 */
#include "chain-config.h"

#include <complex.h>

#include "wiring-json.h"
#include "wiring-registers.h"
#include "wiring.h"

/* a verdict is due after this */
#define DUE_S 15.0
#define WINDOW_S 0.2
#define ROUNDS 3

static struct installation in;
static struct config config;
static struct wiring *w;
static uint64_t seed;
static unsigned int undecided;
static unsigned int asked;
static unsigned int asked_wrongly;

static double complex turn(double degrees)
{
	return cexp(I * degrees * M_PI / 180.0);
}

static double noise(double size)
{
	return size * (random_part(&seed) + random_part(&seed) - 1.0);
}

static void configure(const char *text)
{
	char path[] = "/tmp/wiring-conf-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_read(&config, path, NULL), 0);
	unlink(path);
	assert_int_equal(installation_make(&in, &config, NULL), 0);
	assert_int_equal(wiring_create(&w, &in), 0);
}

static void finish(void)
{
	wiring_destroy(w);
	installation_free(&in);
	config_free(&config);
}

/* Conductor potentials of three phases, and the slots that a topology makes of them. */
static void set_voltages(struct meter_window *m, const double complex *u)
{
	unsigned int k;
	unsigned int v;

	for (k = 0; k < in.topology->slots; k++) {
		double complex z = 0.0;

		for (v = 0; v < in.topology->voltages; v++)
			z += in.topology->matrix[k][v] * u[v];
		m->slot[k].re = creal(z);
		m->slot[k].im = cimag(z);
	}
}

/* Windows in which the CTs show these currents, at a reference that turns. */
static void show(const double complex *u, const double complex *i, unsigned int n, double seconds)
{
	static int64_t now;
	double t;

	for (t = 0.0; t < seconds; t += WINDOW_S) {
		struct meter_window m = { .start_ns = now, .frequency_hz = 50.0, .voltages = true };
		double complex spin = turn(360.0 * random_part(&seed));
		double complex v[3];
		unsigned int k;

		now += (int64_t)(WINDOW_S * 1e9);
		m.end_ns = now;
		for (k = 0; k < 3; k++)
			v[k] = u[k] * spin;
		set_voltages(&m, v);
		for (k = 0; k < n; k++) {
			double complex x = i[k] * spin * (1.0 + noise(0.2)) * turn(noise(4.0));

			m.element[k].re = creal(x);
			m.element[k].im = cimag(x);
			m.element[k].known = true;
			m.element[k].below_range = cabs(x) < 0.05;
		}
		wiring_add(w, &m);
	}
}

static const double complex *mains(void)
{
	static double complex u[3];
	unsigned int k;

	for (k = 0; k < 3; k++)
		u[k] = 230.0 * (1.0 + noise(0.02)) * turn(-120.0 * k + noise(1.0));
	return u;
}

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

static struct wiring_result single(const char *text, double degrees)
{
	struct wiring_result r;
	const double complex *u = mains();
	double complex i = 5.0 * turn(degrees);

	configure(text);
	show(u, &i, 1, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	return r;
}

static void one_ct_in_three_phases(void **state)
{
	const char *text = "[load a]\ninputs = h/A\nphases = L1\n";
	struct wiring_result r = single(text, 0.0);

	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	finish();
	/* A19: a resistor on L2 */
	r = single(text, -120.0);
	assert_int_equal(r.verdict, WIRING_WRONG_PHASE);
	assert_int_equal(r.slot, 1);
	assert_false(r.reversed);
	finish();
	/* a resistor on L1 the wrong way, or a motor on L2: nobody can tell; the first is likelier
	 */
	r = single(text, 180.0);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_AMBIGUOUS);
	assert_int_equal(r.slot, 0);
	assert_true(r.reversed);
	assert_true(r.confidence > 0.5);
	wiring_result(w, 0, 0, true, &r);
	assert_int_equal(r.verdict, WIRING_REVERSED);
	finish();
	/* power factor 0.5 */
	r = single(text, -60.0);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_TOO_REACTIVE);
	finish();
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no %s in %s", key, json_object_to_json_string(o));
	return value;
}

/* State, proposal and evidence of the CT of L2. */
static void a_question_is_for_programs_too(void)
{
	struct json_object *o = wiring_json(w, &in, "tuning");
	struct json_object *input = json_object_array_get_idx(member(o, "inputs"), 1);
	struct json_object *proposal = member(input, "proposal");

	assert_string_equal(json_object_get_string(member(input, "verdict")), "reversed?");
	assert_non_null(json_object_get_string(member(input, "reason")));
	assert_string_equal(json_object_get_string(member(proposal, "phase")), "L2");
	assert_true(json_object_get_boolean(member(proposal, "reversed")));
	assert_false(json_object_get_boolean(member(member(input, "configured"), "reversed")));
	assert_true(json_object_get_double(member(input, "confidence")) > WIRING_SURE_REVERSED);
	assert_double_equal(fabs(json_object_get_double(member(member(input, "phi_deg"), "L2"))),
			    180.0, 5.0);
	assert_string_equal(
		json_object_get_string(member(member(input, "if_resistive"), "verdict")),
		"reversed");
	json_object_put(o);
}

static void one_reversed_ct_of_three_is_found(void **state)
{
	struct wiring_result r;
	const double complex *u = mains();
	double complex i[3] = { 5.0, -5.0 * turn(-120.0), 5.0 * turn(120.0) };
	unsigned int k;

	configure("[load a]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n");
	show(u, i, 3, DUE_S);
	for (k = 0; k < 3; k++) {
		wiring_result(w, 0, k, false, &r);
		/* A18 */
		assert_string_equal(wiring_verdict_name(r.verdict),
				    k == 1 ? "reversed?" : "in order");
		/* what else it could be is less likely, and told */
		assert_true(r.other_confidence > 0.0 &&
			    r.confidence + r.other_confidence <= 1.0 + 1e-9);
		assert_true(r.other_slot != r.slot || r.other_reversed != r.reversed);
		assert_int_equal(r.reason, k == 1 ? WIRING_LIKELY : WIRING_NONE);
		assert_int_equal(r.reversed, k == 1);
		wiring_result(w, 0, k, true, &r);
		assert_int_equal(r.verdict, k == 1 ? WIRING_REVERSED : WIRING_IN_ORDER);
	}
	a_question_is_for_programs_too();
	/* the configuration is corrected */
	in.load[0].element[1].sign = -1.0;
	wiring_reset(w);
	show(u, i, 3, DUE_S);
	wiring_result(w, 0, 1, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	assert_true(r.reversed);
	finish();
}

static void two_cts_in_each_others_place_are_named(void **state)
{
	struct wiring_result r;
	const double complex *u = mains();
	double complex i[3] = { 5.0 * turn(-120.0), 5.0, 5.0 * turn(120.0) };

	configure("[load a]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n");
	show(u, i, 3, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_WRONG_PHASE);
	assert_int_equal(r.slot, 1);
	assert_int_equal(r.swapped, 1);
	wiring_result(w, 0, 2, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	assert_int_equal(r.swapped, -1);
	finish();
}

static void single_phase_knows_two_directions(void **state)
{
	const char *text = "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n";
	struct wiring_result r = single(text, 160.0);

	assert_int_equal(r.verdict, WIRING_REVERSED);
	finish();
	r = single(text, -30.0);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	finish();
}

static void delta_slot_that_reads_half_is_found(void **state)
{
	struct wiring_result r;
	const double complex *u;
	double complex i;

	/* a resistor between L1 and L3, its clamp on L1, configured as L1-L2 (slot L3) */
	configure("[topology]\ntype = 3p\n[load a]\ninputs = h/A\nphases = L3\n");
	u = mains();
	i = (u[0] - u[2]) / 50.0;
	show(u, &i, 1, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.reason, WIRING_TOO_REACTIVE);
	assert_true(r.half);
	wiring_result(w, 0, 0, true, &r);
	assert_int_equal(r.verdict, WIRING_WRONG_PHASE);
	assert_int_equal(r.slot, 0);
	assert_true(r.half);
	/* half: the cosine of 60 degrees */
	assert_double_equal(cos(r.phi_deg[2] * M_PI / 180.0), 0.5, 0.05);
	finish();
}

static void two_clamps_of_a_delta_load(void **state)
{
	struct wiring_result r;
	const double complex *u;
	double complex i[2];

	configure("[topology]\ntype = 3p\n[load a]\ninputs = h/A, h/B\nphases = L1, L2\n");
	u = mains();
	i[0] = u[0] / 40.0 * turn(-10.0);
	i[1] = u[1] / 40.0 * turn(-10.0);
	show(u, i, 2, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	wiring_result(w, 0, 1, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	wiring_reset(w);
	i[1] = -i[1];
	show(u, i, 2, DUE_S);
	wiring_result(w, 0, 1, false, &r);
	assert_true(r.verdict == WIRING_PERHAPS_REVERSED && r.reversed && r.slot == 1);
	wiring_result(w, 0, 1, true, &r);
	assert_int_equal(r.verdict, WIRING_REVERSED);
	finish();
}

static void small_and_short_loads_have_no_verdict(void **state)
{
	struct wiring_result r;
	const double complex *u = mains();
	double complex i = 0.01;

	configure("[load a]\ninputs = h/A\nphases = L1\n");
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_TOO_SHORT);
	show(u, &i, 1, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_TOO_SMALL);
	i = 5.0;
	show(u, &i, 1, 5.0);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_TOO_SHORT);
	finish();
}

static void missing_voltage_is_named(void **state)
{
	struct wiring_result r;
	double complex u[3] = { 0.5, 230.0 * turn(-120.0), 230.0 * turn(120.0) };
	double complex i[2] = { 5.0, 5.0 * turn(-120.0) };

	configure("[load a]\ninputs = h/A\nphases = L1\n[load b]\ninputs = h/B\nphases = L2\n");
	show(u, i, 2, DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_NO_VOLTAGE);
	wiring_result(w, 1, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	assert_int_equal(wiring_rotation(w), WIRING_NO_ROTATION);
	finish();
}

static void rotation_of_the_voltages_is_told(void **state)
{
	double complex u[3] = { 230.0, 230.0 * turn(120.0), 230.0 * turn(-120.0) };
	double complex i = 0.0;

	configure("[load a]\ninputs = h/A\nphases = L1\n");
	show(mains(), &i, 1, 1.0);
	assert_int_equal(wiring_rotation(w), WIRING_FORWARD);
	wiring_reset(w);
	show(u, &i, 1, 1.0);
	assert_int_equal(wiring_rotation(w), WIRING_BACKWARD);
	wiring_reset(w);
	u[1] = 230.0;
	show(u, &i, 1, 1.0);
	assert_int_equal(wiring_rotation(w), WIRING_SAME);
	finish();
}

static void export_of_a_house_is_no_reversed_ct(void **state)
{
	struct wiring_result r;
	const double complex *u = mains();
	/* the sun shines on L1 only, more than is used there */
	double complex i[3] = { -5.0, 3.0 * turn(-120.0), 4.0 * turn(120.0) };

	configure("[load grid]\nrole = grid\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n");
	show(u, i, 3, 10 * DUE_S);
	wiring_result(w, 0, 0, false, &r);
	assert_int_not_equal(r.verdict, WIRING_REVERSED);
	finish();
}

/* A house in samples: a heater on L2 instead of L1, the sun's CT turned round, a good motor. */
static double house(void *user, unsigned int channel, double scan)
{
	static const double degrees[] = { 0.0, -120.0, 120.0, -120.0, -120.0, -145.0 };
	static const double rms[] = { 230.0, 230.0, 230.0, 8.0, 6.0, 4.0 };

	return M_SQRT2 * rms[channel] *
	       sin(2 * M_PI * scan / 80.0 + degrees[channel] * M_PI / 180.0);
}

/*
 * What is told of the only CT, 5 A at this angle, where modules measure by themselves. A
 * voltage between two conductors has no register; @v_v is that of the input, then.
 */
static struct wiring_result by_registers(const char *text, double phi, double v_v, bool resistive)
{
	struct load_reading load = { .elements = 1 };
	struct reading reading = { .origin = READING_REGISTER, .load = &load };
	struct wiring_result r;
	unsigned int k;

	configure(text);
	reading.loads = in.loads;
	reading.voltages = in.topology->slots;
	reading.frequency_hz = 50.0;
	for (k = 0; k < DUE_S; k++) {
		reading.start_ns = k * INT64_C(1000000000);
		reading.end_ns = reading.start_ns + 1000000000;
		reading.voltage[0].ln_v = in.topology->neutral ? v_v : NAN;
		reading.voltage[1].ln_v = in.topology->neutral ? 229.0 : NAN;
		reading.voltage[2].ln_v = in.topology->zero_sequence ? 231.0 : NAN;
		load.element[0].i_a = 5.0 * (1.0 + noise(0.1));
		load.element[0].p_w =
			230.0 * load.element[0].i_a * cos((phi + noise(3.0)) * M_PI / 180.0);
		load.element[0].q1_var =
			230.0 * load.element[0].i_a * sin((phi + noise(3.0)) * M_PI / 180.0);
		load.element[0].s_va = v_v * load.element[0].i_a;
		load.element[0].below_range = load.element[0].i_a < in.load[0].element[0].min_a;
		wiring_add_registers(w, &in, &reading);
	}
	wiring_result(w, 0, 0, resistive, &r);
	return r;
}

#define ONE_OF_THREE "[topology]\ntype = 3p+n\n[load a]\ninputs = h/A\nphases = L2\n"

static void registers_tell_a_direction_and_no_phase(void **state)
{
	struct wiring_result r;

	r = by_registers(ONE_OF_THREE, 10.0, 230.0, false);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	assert_true(fabs(r.phi_deg[1] - 10.0) < 3.0 && isnan(r.phi_deg[0]) && isnan(r.phi_deg[2]));
	assert_int_equal(wiring_rotation(w), WIRING_NO_ROTATION);
	finish();
	/* as with waveforms: a motor on another phase would look the same */
	r = by_registers(ONE_OF_THREE, 180.0, 230.0, false);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_AMBIGUOUS);
	assert_true(r.reversed);
	finish();
	assert_int_equal(by_registers(ONE_OF_THREE, 180.0, 230.0, true).verdict, WIRING_REVERSED);
	finish();
	/* the conductor has negative power and the configuration turns it round */
	assert_int_equal(by_registers(ONE_OF_THREE "reversed = yes\n", 5.0, 230.0, false).verdict,
			 WIRING_IN_ORDER);
	finish();
	r = by_registers(ONE_OF_THREE, 120.0, 230.0, false);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	assert_int_equal(r.reason, WIRING_UNNAMED);
	assert_int_equal(r.slot, 1);
	finish();
	r = by_registers(ONE_OF_THREE "min_a = 20\n", 10.0, 230.0, false);
	assert_int_equal(r.reason, WIRING_TOO_SMALL);
	finish();
	r = by_registers("[topology]\ntype = 3p+n\n[load a]\ninputs = h/A\nphases = L1\n", 10.0,
			 0.0, false);
	assert_int_equal(r.verdict, WIRING_NO_VOLTAGE);
	finish();
	r = by_registers("[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n", 160.0,
			 230.0, false);
	assert_int_equal(r.verdict, WIRING_REVERSED);
	finish();
	r = by_registers(ONE_OF_THREE "role = production\n", 0.0, 230.0, false);
	assert_int_equal(r.verdict, WIRING_REVERSED);
	finish();
}

#define SPLIT "[topology]\ntype = 2p+n\n[load a]\ninputs = h/A\n"
#define BETWEEN SPLIT "phases = L12\n"
#define DELTA "[topology]\ntype = 3p\n[load a]\ninputs = h/A\nphases = L2\n"

/* A voltage between two conductors has no register; the angle of the current has. */
static void registers_tell_of_loads_between_conductors(void **state)
{
	struct wiring_result r = by_registers(BETWEEN, 15.0, 240.0, false);

	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	assert_true(fabs(r.phi_deg[2] - 15.0) < 3.0);
	finish();
	/* there are but two directions */
	assert_int_equal(by_registers(BETWEEN, 170.0, 240.0, false).verdict, WIRING_REVERSED);
	finish();
	/* a house that has such a slot has the others */
	assert_int_equal(by_registers(SPLIT "phases = L1\n", 15.0, 120.0, false).verdict,
			 WIRING_IN_ORDER);
	finish();
	assert_int_equal(by_registers(DELTA, 10.0, 230.0, false).verdict, WIRING_IN_ORDER);
	finish();
	r = by_registers(DELTA, 180.0, 230.0, false);
	assert_true(r.verdict == WIRING_PERHAPS_REVERSED && r.reversed);
	finish();
	assert_int_equal(by_registers(DELTA, 180.0, 230.0, true).verdict, WIRING_REVERSED);
	finish();
	/* half of its power, in the slot of another pair */
	r = by_registers(DELTA, -60.0, 230.0, true);
	assert_int_equal(r.reason, WIRING_UNNAMED);
	assert_true(r.half);
	finish();
	/* no S: the voltage is not known to be there, nor to be missing */
	assert_int_equal(by_registers(DELTA, 10.0, NAN, false).verdict, WIRING_IN_ORDER);
	finish();
	/* a current and no apparent power */
	assert_int_equal(by_registers(DELTA, 10.0, 0.0, false).verdict, WIRING_NO_VOLTAGE);
	finish();
	/* the module is away */
	r = by_registers(DELTA, NAN, NAN, false);
	assert_int_equal(r.verdict, WIRING_UNKNOWN);
	finish();
}

static void a_house_is_judged_from_its_samples(void **state)
{
	static struct chain c;
	struct wiring_result r;
	unsigned int k;

	chain_open_config(&c, &config,
			  "[load heater]\ninputs = h/A\nphases = L1\n"
			  "[load sun]\nrole = production\ninputs = h/B\nphases = L2\n"
			  "[load pump]\ninputs = h/C\nphases = L2\n",
			  500.0, 4000.0);
	assert_int_equal(wiring_create(&w, &c.in), 0);
	chain_feed(&c, DUE_S, house, NULL);
	for (k = 0; k < c.windows; k++)
		wiring_add(w, &c.window[k]);
	wiring_result(w, 0, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_WRONG_PHASE);
	assert_int_equal(r.slot, 1);
	wiring_result(w, 1, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_REVERSED);
	wiring_result(w, 2, 0, false, &r);
	assert_int_equal(r.verdict, WIRING_IN_ORDER);
	/* corrected, as --apply does it; the chain goes on */
	c.in.load[0].element[0].slot = 1;
	c.in.load[1].element[0].sign = -1.0;
	assert_int_equal(meter_rewire(c.meter), 0);
	wiring_reset(w);
	k = c.windows;
	chain_feed(&c, DUE_S, house, NULL);
	assert_double_equal(c.window[c.windows - 1].element[0].p_w, 1840.0, 1.0);
	assert_double_equal(c.window[c.windows - 1].element[1].p_w, -1380.0, 1.0);
	for (; k < c.windows; k++)
		wiring_add(w, &c.window[k]);
	for (k = 0; k < 3; k++) {
		wiring_result(w, k, 0, false, &r);
		assert_int_equal(r.verdict, WIRING_IN_ORDER);
	}
	wiring_destroy(w);
	chain_close_config(&c, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_cts_of_a_load_never_get_a_wrong_verdict),
		cmocka_unit_test(resistive_loads_tell_every_position),
		cmocka_unit_test(one_ct_in_three_phases),
		cmocka_unit_test(one_reversed_ct_of_three_is_found),
		cmocka_unit_test(two_cts_in_each_others_place_are_named),
		cmocka_unit_test(single_phase_knows_two_directions),
		cmocka_unit_test(delta_slot_that_reads_half_is_found),
		cmocka_unit_test(two_clamps_of_a_delta_load),
		cmocka_unit_test(small_and_short_loads_have_no_verdict),
		cmocka_unit_test(missing_voltage_is_named),
		cmocka_unit_test(rotation_of_the_voltages_is_told),
		cmocka_unit_test(export_of_a_house_is_no_reversed_ct),
		cmocka_unit_test(registers_tell_a_direction_and_no_phase),
		cmocka_unit_test(registers_tell_of_loads_between_conductors),
		cmocka_unit_test(a_house_is_judged_from_its_samples),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
