// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Energy registers: exact sums, known by the names of loads and inputs.
 */
#include "registers-rig.h"

static uint64_t seed;

static void import_minus_export_is_the_sum_of_the_elements(void **state)
{
	struct registers *r;
	double sum[3] = { 0 };
	double import = 0.0;
	double export = 0.0;
	int64_t elements;
	unsigned int n;
	unsigned int k;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (n = 0; n < 100000; n++) {
		double e[3];
		double net = 0.0;

		for (k = 0; k < 3; k++) {
			e[k] = 2000.0 * (random_part(&seed) - 0.45) * 0.2;
			sum[k] += e[k];
			net += e[k];
		}
		import += net > 0 ? net : 0;
		export -= net < 0 ? net : 0;
		add(r, &in, 0, e);
	}
	elements = 0;
	for (k = 0; k < 3; k++) {
		elements += registers_element_uwh(r, 0, k);
		/* nothing is lost below 1 uWh, whatever the number of windows */
		assert_double_equal(registers_element_uwh(r, 0, k) * 0.0036, sum[k], 0.0037);
	}
	assert_double_equal(registers_import_j(r, 0) - registers_export_j(r, 0), elements * 0.0036,
			    1e-6);
	/* a window may go to the other register by its last uWh */
	assert_double_equal(registers_import_j(r, 0), import, 2.0);
	assert_double_equal(registers_export_j(r, 0), export, 2.0);
	registers_close(r);
}

static void the_sum_of_phases_is_split_not_each_phase(void **state)
{
	const double hour[3] = { 3000 * 3600.0, -2000 * 3600.0, 500 * 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, hour);
	assert_double_equal(registers_import_j(r, 0), 1500 * 3600.0, 0.1);
	assert_double_equal(registers_export_j(r, 0), 0.0, 0.0);
	registers_close(r);
}

static void a_value_not_known_changes_nothing(void **state)
{
	const double e[3] = { NAN, INFINITY, 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, e);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	registers_close(r);
}

static void values_come_back_by_name(void **state)
{
	const double e[3] = { 3600.0, 7200.0, 100.0 };
	struct load other[2] = { loads[1], loads[0] };
	struct installation changed = { .loads = 2, .load = other };
	struct installation fewer = { .loads = 1, .load = loads };
	struct registers *r = open_registers();

	add(r, &in, 0, e);
	add(r, &in, 1, e);
	registers_close(r);
	/* a configuration without the roof for a while, then in the other order */
	assert_int_equal(registers_open(&r, &fewer, path), 0);
	registers_close(r);
	assert_int_equal(registers_open(&r, &changed, path), 0);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	assert_double_equal(registers_import_j(r, 1), 10900.0, 0.02);
	assert_double_equal(registers_element_uwh(r, 1, 1) * 0.0036, 7200.0, 0.01);
	registers_close(r);
}

static void elements_are_known_by_their_input(void **state)
{
	const double e[3] = { 3600.0, 7200.0, -100.0 };
	struct load turned = loads[0];
	struct installation changed = { .loads = 1, .load = &turned };
	struct registers *r = open_registers();
	struct energy_reading reading;

	add(r, &in, 0, e);
	registers_close(r);
	/* C and A change their places, B is replaced by a new input */
	turned.element[0].input = "hub1/C";
	turned.element[1].input = "hub3/A";
	turned.element[2].input = "hub1/A";
	assert_int_equal(registers_open(&r, &changed, path), 0);
	assert_double_equal(registers_element_uwh(r, 0, 0) * 0.0036, -100.0, 0.01);
	assert_int_equal(registers_element_uwh(r, 0, 1), 0);
	assert_double_equal(registers_element_uwh(r, 0, 2) * 0.0036, 3600.0, 0.01);
	/* B is still a part of the sums of the load */
	registers_load(r, 0, &reading);
	assert_double_equal(reading.phases_import_j, 10800.0, 0.01);
	assert_double_equal(reading.phases_export_j, 100.0, 0.01);
	registers_close(r);
}

static void three_conventions_of_netting(void **state)
{
	/* metrology.md 1.4, A28 */
	const double hour[3] = { 3000 * 3600.0, -2000 * 3600.0, 500 * 3600.0 };
	struct energy_reading e;
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, hour);
	registers_load(r, 0, &e);
	assert_double_equal(e.import_j, 1500 * 3600.0, 1e-6);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_double_equal(e.phases_import_j, 3500 * 3600.0, 1e-6);
	assert_double_equal(e.phases_export_j, 2000 * 3600.0, 1e-6);
	assert_double_equal(e.absolute_j, 5500 * 3600.0, 1e-6);
	assert_double_equal(e.net_j, 1500 * 3600.0, 1e-6);
	registers_element(r, 0, 1, &e);
	assert_double_equal(e.export_j, 2000 * 3600.0, 1e-6);
	registers_close(r);
}

static void reactive_energy_has_four_quadrants(void **state)
{
	static const double p[4] = { 3600, -3600, -3600, 3600 };
	static const double q[4] = { 100, 200, -300, -400 };
	struct energy_step step[4] = { { 0 } };
	struct energy_reading e;
	struct registers *r;
	unsigned int k;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (k = 0; k < 4; k++) {
		step[3] = (struct energy_step){ p[k], q[k], false };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	for (k = 0; k < 4; k++)
		assert_double_equal(e.reactive_vars[k], fabs(q[k]), 0.004);
	registers_close(r);
}

static void a_virtual_load_is_the_sum_of_its_parts_to_the_last_uwh(void **state)
{
	struct load_term term[2] = { { 0, 1 }, { 1, -1 } };
	struct load all[3] = { loads[0], loads[1], { .name = "house", .terms = 2, .term = term } };
	struct installation house = { .loads = 3, .load = all };
	struct energy_reading e[3];
	struct registers *r;
	unsigned int n;
	unsigned int k;

	assert_int_equal(registers_open(&r, &house, NULL), 0);
	for (n = 0; n < 10000; n++) {
		struct energy_step step[4];

		for (k = 0; k < 4; k++)
			step[k] = (struct energy_step){ 500 * (random_part(&seed) - 0.5),
							500 * (random_part(&seed) - 0.5), false };
		registers_add(r, step);
	}
	for (k = 0; k < 3; k++)
		registers_load(r, k, &e[k]);
	assert_double_equal(e[2].net_j, e[0].net_j - e[1].net_j, 1e-6);
	assert_double_equal(e[2].import_j - e[2].export_j, e[2].net_j, 1e-6);
	assert_true(e[2].import_j > 0.0 && e[2].export_j > 0.0);
	assert_double_equal(e[2].reactive_vars[0] + e[2].reactive_vars[1] - e[2].reactive_vars[2] -
				    e[2].reactive_vars[3],
			    e[0].reactive_vars[0] + e[0].reactive_vars[1] - e[0].reactive_vars[2] -
				    e[0].reactive_vars[3] - e[1].reactive_vars[0] -
				    e[1].reactive_vars[1] + e[1].reactive_vars[2] +
				    e[1].reactive_vars[3],
			    1e-6);
	registers_close(r);
}

static void noise_below_the_range_does_not_creep(void **state)
{
	struct energy_step step[4] = { { 0 } };
	struct energy_reading e;
	struct registers *r;
	unsigned int n;

	/* a day of windows of 0.2 s: noise of 0.1 W, either way */
	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (n = 0; n < 432000; n++) {
		step[3] = (struct energy_step){ 0.04 * (random_part(&seed) - 0.5),
						0.04 * (random_part(&seed) - 0.5), true };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j, 0.0, 0.0);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_double_equal(e.reactive_vars[0] + e.reactive_vars[1] + e.reactive_vars[2] +
				    e.reactive_vars[3],
			    0.0, 0.0);
	/* a load that really takes 0.5 W is not lost: 43 J, in steps of 360 J */
	for (n = 0; n < 43200; n++) {
		step[3] = (struct energy_step){ 0.1, 0.0, true };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	assert_double_equal(e.net_j, 4320.0, 40.0);
	assert_double_equal(e.import_j, e.net_j, 360.0);
	/* above the range nothing waits */
	step[3] = (struct energy_step){ 1.0, 0.0, false };
	registers_add(r, step);
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j - e.export_j, e.net_j, 1e-6);
	registers_close(r);
}

static void what_is_no_energy_is_not_booked(void **state)
{
	const double e[3] = { 1e300, -1e300, 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, e);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	registers_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(import_minus_export_is_the_sum_of_the_elements),
		TEST(the_sum_of_phases_is_split_not_each_phase),
		TEST(a_value_not_known_changes_nothing),
		TEST(values_come_back_by_name),
		TEST(elements_are_known_by_their_input),
		TEST(three_conventions_of_netting),
		TEST(reactive_energy_has_four_quadrants),
		TEST(a_virtual_load_is_the_sum_of_its_parts_to_the_last_uwh),
		TEST(noise_below_the_range_does_not_creep),
		TEST(what_is_no_energy_is_not_booked),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
