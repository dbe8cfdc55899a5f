// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verdicts on the wiring of single loads, and what is told with them.
 */
#include "wiring-rig.h"

#include "wiring-json.h"

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
		cmocka_unit_test(a_house_is_judged_from_its_samples),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
