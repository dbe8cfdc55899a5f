// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verdicts on the wiring of loads that their modules measure: from registers, not samples.
 */
#include "wiring-rig.h"

#include "wiring-registers.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_tell_a_direction_and_no_phase),
		cmocka_unit_test(registers_tell_of_loads_between_conductors),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
