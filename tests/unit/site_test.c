// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device tree says of the mains: found in a made-up sysfs, used where the
 * configuration is silent, compared with it, and with voltages that are made up, too.
 */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "installation.h"
#include "log.h"
#include "site-check.h"
#include "site.h"

#define PORT "devices/platform/uart/serial0/serial0-0"

static char root[64];
static struct config config;
static struct site site;
static struct installation in;

/* ---- a sysfs ----------------------------------------------------------- */

static void make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void put(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_folders(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", text);
	fclose(file);
}

/* An IIO device of a module, and its link among all IIO devices. */
static void put_device(const char *module, unsigned int number, const char *name, const char *label)
{
	char path[256], target[512], link[256];

	snprintf(path, sizeof(path), "%s/iio:device%u/name", module, number);
	put(path, name);
	snprintf(path, sizeof(path), "%s/iio:device%u/label", module, number);
	put(path, label);
	snprintf(target, sizeof(target), "%s/%s/iio:device%u", root, module, number);
	snprintf(link, sizeof(link), "%s/bus/iio/devices/iio:device%u", root, number);
	make_folders(link);
	assert_int_equal(symlink(target, link), 0);
}

static void put_channels(const char *module, unsigned int number, const char *kind,
			 const char *const *labels, bool scales)
{
	char path[256];
	unsigned int k;

	for (k = 0; labels[k]; k++) {
		snprintf(path, sizeof(path), "%s/iio:device%u/in_%s%u_label", module, number, kind,
			 k);
		put(path, labels[k]);
		snprintf(path, sizeof(path), "%s/iio:device%u/in_%s%u_scale", module, number, kind,
			 k);
		if (scales)
			put(path, "1.5");
	}
}

static void put_mains(void)
{
	put(PORT "/rescan", "");
	put(PORT "/mains_topology", "2p+n");
	put(PORT "/mains_voltage_uv", "120000000");
	put(PORT "/mains_frequency_hz", "60");
	put(PORT "/mains_conductors", "red black");
	put(PORT "/mains_transformer_ratio", "240 120");
}

/* A voltage module, and hubs that were found in no order. */
static void put_modules(void)
{
	static const char *const volts[] = { "red", "black", "L3", NULL };
	static const char *const inputs[] = { "A", "B", NULL };

	put_device(PORT "/0-003", 0, "smappee-ct", "hub2");
	put_channels(PORT "/0-003", 0, "current", inputs, true);
	put_device(PORT "/0-001", 1, "smappee-voltage", "voltage");
	put_channels(PORT "/0-001", 1, "voltage", volts, true);
	put_device(PORT "/0-002", 10, "smappee-ct", "hub1");
	put_channels(PORT "/0-002", 10, "current", inputs, true);
	/* no sensor, another segment, another driver */
	put_device(PORT "/0-004", 2, "smappee-ct", "empty");
	put_channels(PORT "/0-004", 2, "current", inputs, false);
	put("devices/platform/other/serial1/serial1-0/rescan", "");
	put_device("devices/platform/other/serial1/serial1-0/1-002", 3, "smappee-ct", "far");
	put_channels("devices/platform/other/serial1/serial1-0/1-002", 3, "current", inputs, true);
	put_device("devices/platform/adc", 4, "some-adc", "adc");
	put_channels("devices/platform/adc", 4, "voltage", volts, true);
}

static int begin(void **state)
{
	(void)state;
	log_level(LOG_CRIT);
	snprintf(root, sizeof(root), "/tmp/site_test.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	installation_free(&in);
	config_free(&config);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void configure(const char *text)
{
	char path[128];

	put("meterd.conf", text);
	snprintf(path, sizeof(path), "%s/meterd.conf", root);
	assert_int_equal(config_read(&config, path, "/nonexistent"), 0);
}

/* ---- what is found ------------------------------------------------------ */

/* A gateway with mains and modules, and this configuration. */
static void read_house(const char *text)
{
	put_mains();
	put_modules();
	configure(text);
	site_read(&site, root, &config);
}

static void the_mains_are_those_of_the_segment_with_the_voltages(void **state)
{
	read_house("");
	assert_string_equal(site.segment, "serial0-0");
	assert_string_equal(site.topology, "2p+n");
	assert_true(site.nominal_v == 120.0 && site.nominal_hz == 60.0 && site.ratio == 2.0);
	assert_int_equal(site.conductors, 2);
	assert_string_equal(site.conductor[1], "black");
	assert_int_equal(site.terminals, 3);
}

static void inputs_are_those_with_a_sensor_on_the_same_segment(void **state)
{
	static const char *const names[] = { "hub1/A", "hub1/B", "hub2/A", "hub2/B" };
	unsigned int k;

	read_house("");
	assert_int_equal(site.inputs, 4);
	for (k = 0; k < 4; k++)
		assert_string_equal(site.input[k].name, names[k]);
	assert_string_equal(site.input[3].load, "hub2 B");
	assert_int_equal(site.input[3].number, 1);
}

static void inputs_behind_a_power_box_are_those_whose_power_it_tells(void **state)
{
	static const char *const volts[] = { "red", "black", NULL };
	static const char *const powers[] = { "A", "B mean", NULL };

	(void)state;
	put_mains();
	put_device(PORT "/0-061", 0, "smappee-powerbox", "box");
	put_channels(PORT "/0-061", 0, "altvoltage", volts, false);
	put_device(PORT "/0-061/0-061.1", 1, "smappee-power", "hub");
	put_channels(PORT "/0-061/0-061.1", 1, "power", powers, false);
	configure("[source]\nvalues = register\ndevices = smappee-powerbox, smappee-power\n");
	site_read(&site, root, &config);
	assert_string_equal(site.topology, "2p+n");
	assert_int_equal(site.terminals, 2);
	assert_int_equal(site.inputs, 1);
	assert_string_equal(site.input[0].name, "hub/A");
}

/* Of a device whose path is longer than meterd keeps, the segment is not known. */
static void a_path_that_is_too_long_is_no_segment(void **state)
{
	static const char *const volts[] = { "L1", NULL };
	char deep[2048], from[256], link[256];
	unsigned int k;
	size_t n;

	(void)state;
	put_mains();
	put_device(PORT "/0-001", 1, "smappee-voltage", "voltage");
	put_channels(PORT "/0-001", 1, "voltage", volts, true);
	n = (size_t)snprintf(deep, sizeof(deep), "%s", root);
	for (k = 0; k < 6; k++) {
		n += (size_t)snprintf(deep + n, sizeof(deep) - n, "/%0200u", k);
		assert_int_equal(mkdir(deep, 0755), 0);
	}
	snprintf(deep + n, sizeof(deep) - n, "/device");
	snprintf(from, sizeof(from), "%s/" PORT "/0-001/iio:device1", root);
	assert_int_equal(rename(from, deep), 0);
	snprintf(link, sizeof(link), "%s/bus/iio/devices/iio:device1", root);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(deep, link), 0);
	configure("");
	site_read(&site, root, &config);
	assert_int_equal(site.terminals, 1);
	assert_string_equal(site.segment, "");
}

static void nothing_is_known_of_an_empty_place(void **state)
{
	(void)state;
	configure("");
	site_read(&site, root, &config);
	assert_int_equal(site.terminals + site.inputs + site.conductors, 0);
	assert_string_equal(site.topology, "");
	assert_true(site.ratio == 1.0);
}

static void nonsense_in_attributes_is_cut(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put_mains();
	put_modules();
	put(PORT "/mains_topology", text);
	put(PORT "/mains_conductors", text);
	put(PORT "/mains_transformer_ratio", "1 0");
	put(PORT "/0-003/iio:device0/label", text);
	configure("");
	site_read(&site, root, &config);
	assert_true(strlen(site.topology) < sizeof(site.topology));
	assert_int_equal(site.conductors, 0);
	assert_true(site.ratio == 1.0);
	assert_int_equal(site.inputs, 2);
	assert_int_equal(installation_make(&in, &config, &site), 0);
	assert_string_equal(in.topology->name, "3p+n");
}

/* ---- what is used ------------------------------------------------------- */

static void without_a_configuration_all_comes_from_the_device_tree(void **state)
{
	unsigned int k;

	read_house("");
	assert_int_equal(installation_make(&in, &config, &site), 0);
	assert_string_equal(in.topology->name, "2p+n");
	assert_string_equal(in.topology_from, "the device tree");
	assert_string_equal(in.inputs.channel[0].name, "red");
	assert_string_equal(in.inputs.channel[1].name, "black");
	assert_true(in.nominal_v == 120.0 && in.nominal_hz == 60.0);
	assert_true(in.voltage_ratio[0] == 1.0);
	assert_int_equal(in.loads, 4);
	for (k = 0; k < 4; k++) {
		assert_string_equal(in.load[k].name, site.input[k].load);
		assert_int_equal(in.load[k].element[0].slot, k % 2);
		assert_int_equal(in.load[k].role, LOAD_SUBMETER);
	}
}

static void what_is_configured_wins(void **state)
{
	struct site_notes notes = { 0 };

	read_house("[topology]\ntype = 1p\nvoltages = black\nvoltage_ratio = 3\n"
		   "[quality]\nnominal_v = 230\nnominal_hz = 50\n"
		   "[load x]\ninputs = hub2/A\nphases = L1\n");
	site_compare(&site, &config, &notes);
	assert_int_equal(installation_make(&in, &config, &site), 0);
	assert_string_equal(in.topology->name, "1p");
	assert_string_equal(in.topology_from, "the configuration");
	assert_int_equal(in.loads, 1);
	assert_string_equal(in.inputs.channel[0].name, "black");
	assert_true(in.nominal_v == 230.0 && in.nominal_hz == 50.0);
	/* a factor of 2 is in the scale */
	assert_true(in.voltage_ratio[0] == 1.5);
	assert_int_equal(notes.count, 4);
	assert_non_null(
		strstr(notes.text[0], "[topology] type = 1p, but the device tree says 2p+n"));
	assert_non_null(strstr(notes.text[1], "nominal_v = 230, but the device tree says 120 V"));
	assert_non_null(strstr(notes.text[2], "nominal_hz = 50, but the device tree says 60 Hz"));
	assert_non_null(strstr(notes.text[3], "voltage_ratio = 3, but the device tree has"));
}

static void a_configuration_that_says_the_same_contradicts_nothing(void **state)
{
	struct site_notes notes = { 0 };

	read_house("[topology]\ntype = 2p+n\nvoltages = voltage/red, voltage/black\n"
		   "voltage_ratio = 2\n[quality]\nnominal_v = 120\nnominal_hz = 60\n"
		   "[load x]\ninputs = hub2/A\nphases = L1\n");
	site_compare(&site, &config, &notes);
	assert_int_equal(installation_make(&in, &config, &site), 0);
	assert_int_equal(notes.count, 0);
	assert_true(in.voltage_ratio[0] == 1.0);
}

static void names_that_the_tree_does_not_have_are_named(void **state)
{
	struct site_notes notes = { 0 };

	read_house("[topology]\nvoltages = L1, voltage1\n");
	site_compare(&site, &config, &notes);
	assert_int_equal(notes.count, 1);
	assert_non_null(strstr(notes.text[0],
			       "voltages: L1, but the device tree calls the conductors "
			       "red, black"));
}

static void the_voltages_may_be_those_of_another_module(void **state)
{
	read_house("[topology]\nvoltages = nobody/red, nobody/black\n");
	assert_int_equal(site.terminals, 0);
	assert_string_equal(site.topology, "");
}

static void the_shipped_configuration_needs_nothing_more(void **state)
{
	(void)state;
	put_mains();
	put_modules();
	assert_int_equal(config_read(&config, "packaging/meterd.conf", "/nonexistent"), 0);
	site_read(&site, root, &config);
	assert_int_equal(installation_make(&in, &config, &site), 0);
	assert_int_equal(in.loads, 4);
	assert_true(config.has_http && config.registers_file);
}

/* ---- what is measured --------------------------------------------------- */

static struct site_check check;

static void expect(const char *topology, double nominal_v, double nominal_hz)
{
	memset(&in, 0, sizeof(in));
	in.topology = topology_find(topology);
	in.nominal_v = nominal_v;
	in.nominal_hz = nominal_hz;
	site_check_init(&check, &in, "the device tree");
}

/* @seconds of voltages at the terminals. Return: how often the notes changed. */
static unsigned int see(double seconds, double hertz, const double *volts, const double *degrees)
{
	const struct topology *t = in.topology;
	unsigned int changes = 0;
	unsigned int w, s, k;

	for (w = 0; w < seconds * 5; w++) {
		struct meter_window window = { .start_ns = w * 200000000LL,
					       .end_ns = (w + 1) * 200000000LL,
					       .voltages = true,
					       .frequency_hz = hertz };

		for (s = 0; s < t->slots; s++) {
			double complex sum = 0.0;

			for (k = 0; k < t->voltages; k++)
				sum += t->matrix[s][k] * volts[k] *
				       cexp(I * (degrees[k] + 17.0 * w) / 180.0 * M_PI);
			window.slot[s].re = creal(sum);
			window.slot[s].im = cimag(sum);
		}
		changes += site_check_add(&check, &window);
	}
	return changes;
}

#define SEE(seconds, hertz, v1, v2, v3, a2, a3)                                                    \
	see(seconds, hertz, (const double[]){ v1, v2, v3 }, (const double[]){ 0.0, a2, a3 })

static void each_topology_fits_itself(void **state)
{
	(void)state;
	expect("1p", 230, 50);
	assert_int_equal(SEE(20, 50, 235, 0, 0, 0, 0), 0);
	expect("2p+n", 120, 60);
	assert_int_equal(SEE(20, 60, 118, 122, 0, 179, 0), 0);
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(20, 50, 230, 228, 233, -120, 120), 0);
	/* the other order */
	assert_int_equal(SEE(20, 50, 230, 228, 233, 121, -119), 0);
	expect("3p", 230, 50);
	assert_int_equal(SEE(20, 50, 133, 132, 134, -120, 120), 0);
	expect("high-leg", 120, 60);
	assert_int_equal(SEE(20, 60, 120, 120, 208, 180, -90), 0);
	assert_int_equal(check.notes.count, 0);
}

static void split_phase_is_not_three_phases(void **state)
{
	(void)state;
	expect("3p+n", 0, 0);
	assert_int_equal(SEE(30, 60, 120, 120, 0, 180, 0), 1);
	assert_int_equal(check.notes.count, 2);
	assert_non_null(strstr(check.notes.text[0], "voltage L3 is missing (0.0 V)"));
	assert_non_null(strstr(check.notes.text[1], "the device tree says 3p+n, but"));
	assert_non_null(strstr(check.notes.text[1], "they look like 2p+n"));
}

static void two_phases_of_a_star_are_no_split_phase(void **state)
{
	(void)state;
	expect("2p+n", 120, 60);
	assert_int_equal(SEE(10, 60, 120, 120, 0, -120, 0), 1);
	assert_non_null(strstr(check.notes.text[0], "L2 120.0 V at -120 degrees from L1"));
	assert_non_null(strstr(check.notes.text[0], "they look like 3p+n"));
}

static void a_high_leg_is_no_star(void **state)
{
	(void)state;
	expect("3p+n", 120, 60);
	assert_int_equal(SEE(10, 60, 120, 120, 208, 180, -90), 1);
	assert_non_null(strstr(check.notes.text[0], "they look like high-leg"));
}

static void one_conductor_on_two_terminals_is_named(void **state)
{
	(void)state;
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(10, 50, 230, 230, 230, 0, 120), 1);
	assert_int_equal(check.notes.count, 1);
	assert_null(strstr(check.notes.text[0], "look like"));
}

static void a_star_without_a_phase_misses_it_and_no_more(void **state)
{
	(void)state;
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(10, 50, 230, 230, 3, -120, 120), 1);
	assert_int_equal(check.notes.count, 1);
	assert_non_null(strstr(check.notes.text[0], "voltage L3 is missing (3.0 V)"));
	/* the first one, too */
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(10, 50, 1, 230, 230, -120, 120), 1);
	assert_int_equal(check.notes.count, 1);
	assert_non_null(strstr(check.notes.text[0], "voltage L1 is missing"));
}

static void other_nominal_values_are_named(void **state)
{
	(void)state;
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(10, 60, 120, 120, 120, -120, 120), 1);
	assert_int_equal(check.notes.count, 2);
	assert_non_null(strstr(check.notes.text[0], "voltage L1 is 120.0 V, nominal are 230 V"));
	assert_non_null(
		strstr(check.notes.text[1], "the frequency is 60.00 Hz, nominal are 50 Hz"));
}

static void it_is_said_once_and_taken_back_once(void **state)
{
	(void)state;
	expect("2p+n", 120, 60);
	assert_int_equal(SEE(10, 60, 120, 120, 0, -120, 0), 1);
	assert_int_equal(SEE(60, 60, 121, 119, 0, -121, 0), 0);
	assert_int_equal(SEE(10, 60, 120, 120, 0, 180, 0), 1);
	assert_int_equal(check.notes.count, 0);
	assert_int_equal(SEE(60, 60, 120, 120, 0, 180, 0), 0);
}

static void a_short_dip_is_no_contradiction(void **state)
{
	(void)state;
	expect("3p+n", 230, 50);
	assert_int_equal(SEE(9, 50, 230, 230, 230, -120, 120), 0);
	assert_int_equal(SEE(2, 50, 230, 230, 10, -120, 120), 0);
	assert_int_equal(SEE(9, 50, 230, 230, 230, -120, 120), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(the_mains_are_those_of_the_segment_with_the_voltages),
		TEST(inputs_are_those_with_a_sensor_on_the_same_segment),
		TEST(inputs_behind_a_power_box_are_those_whose_power_it_tells),
		TEST(a_path_that_is_too_long_is_no_segment),
		TEST(nothing_is_known_of_an_empty_place),
		TEST(nonsense_in_attributes_is_cut),
		TEST(without_a_configuration_all_comes_from_the_device_tree),
		TEST(what_is_configured_wins),
		TEST(a_configuration_that_says_the_same_contradicts_nothing),
		TEST(names_that_the_tree_does_not_have_are_named),
		TEST(the_voltages_may_be_those_of_another_module),
		TEST(the_shipped_configuration_needs_nothing_more),
		cmocka_unit_test(each_topology_fits_itself),
		cmocka_unit_test(split_phase_is_not_three_phases),
		cmocka_unit_test(two_phases_of_a_star_are_no_split_phase),
		cmocka_unit_test(a_high_leg_is_no_star),
		cmocka_unit_test(one_conductor_on_two_terminals_is_named),
		cmocka_unit_test(a_star_without_a_phase_misses_it_and_no_more),
		cmocka_unit_test(other_nominal_values_are_named),
		cmocka_unit_test(it_is_said_once_and_taken_back_once),
		cmocka_unit_test(a_short_dip_is_no_contradiction),
	};

	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
