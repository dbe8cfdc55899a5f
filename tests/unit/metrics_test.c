// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prometheus text: promtool finds nothing to complain of, what is not known has no line.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "metrics.h"
#include "outputs.h"
#include "snapshot.h"

#define PROMTOOL "/usr/bin/promtool"
#define SECOND 1000000ULL

/* A line of the text that begins with @head, or NULL. */
static const char *line(const char *text, const char *head)
{
	const char *at = text;

	while ((at = strstr(at, head))) {
		if (at == text || at[-1] == '\n')
			return at;
		at++;
	}
	return NULL;
}

static struct io_reading small_io(void)
{
	static const struct contact_unit litre = { .name = "l", .m3 = 0.001 };
	static const struct contact_unit kwh = { .name = "kWh", .wh = 1000 };
	static const struct contact water = { .name = "water",
					      .kind = CONTACT_WATER,
					      .unit = &litre };
	static const struct contact heat = { .name = "heat", .kind = CONTACT_HEAT, .unit = &kwh };
	static const struct contact door = { .name = "door", .kind = CONTACT_STATE };
	static const struct relay boiler = { .name = "boiler" };

	return (struct io_reading){
		.contacts = 3,
		.contact = { { .contact = &water,
			       .total = 1500,
			       .pulses = 700,
			       .flow_per_h = 2,
			       .power_w = NAN,
			       .closed = -1 },
			     { .contact = &heat,
			       .total = 2,
			       .pulses = 20,
			       .power_w = 400,
			       .closed = -1,
			       .problem = "the module does not answer" },
			     { .contact = &door, .total = NAN, .power_w = NAN, .closed = 0 } },
		.relays = 1,
		.relay = { { .relay = &boiler, .on = 1, .fail_safe = false, .beating = true } },
	};
}

static char *full_text(void)
{
	static struct store_counters store = {
		.open = true,
		.database = { .last = 120, .upstreams = 1, .upstream = { { "mqtt", 100, 0, 0 } } },
	};
	static struct mqtt_counters mqtt = { .connected = true, .published = 7 };
	struct reading r = small_reading(1);
	struct load_reading load = r.load[0];
	struct io_reading io = small_io();
	struct metrics_input in = {
		.reading = &r, .age_s = 0.5, .store = &store, .mqtt = &mqtt, .io = &io
	};
	char *text;

	load.energy = (struct energy_reading){ .phases_export_j = 12.0,
					       .absolute_j = 3600012.0,
					       .estimated_j = 36.0,
					       .reactive_vars = { 1.0, 2.0, 3.0, 4.0 } };
	load.element[0].energy = (struct energy_reading){ .import_j = 3600000.0,
							  .export_j = 5.5,
							  .estimated_j = 35.0,
							  .reactive_vars = { 1.5, 0, 0, 2.5 } };
	load.energy.import_j = load.import_j;
	r.load = &load;
	text = metrics_text(&in);
	assert_non_null(text);
	return text;
}

static void the_values_are_in_base_units(void **state)
{
	char *text = full_text();

	assert_non_null(line(text, "meterd_frequency_hertz 50\n"));
	assert_non_null(line(text, "meterd_voltage_volts{phase=\"L1\"} 230\n"));
	assert_non_null(line(text, "meterd_active_power_watts{load=\"heat pump\",role=\"submeter\"}"
				   " 2000\n"));
	assert_non_null(line(text,
			     "meterd_energy_joules_total{load=\"heat pump\",role=\"submeter\","
			     "direction=\"import\"} 3600000.000\n"));
	assert_non_null(line(text, "meterd_estimated_energy_joules_total{load=\"heat pump\",role="
				   "\"submeter\"} 36.000\n"));
	assert_non_null(line(text, "meterd_phases_energy_joules_total{load=\"heat pump\",role="
				   "\"submeter\",direction=\"export\"} 12.000\n"));
	assert_non_null(line(text, "meterd_absolute_energy_joules_total{load=\"heat pump\",role="
				   "\"submeter\"} 3600012.000\n"));
	assert_non_null(line(text, "meterd_reactive_energy_varseconds_total{load=\"heat pump\","
				   "role=\"submeter\",quadrant=\"4\"} 4.000\n"));
	assert_non_null(line(text, "meterd_current_amperes{load=\"heat pump\",role=\"submeter\","
				   "input=\"hub1/A\",phase=\"L1\"} 10\n"));
	assert_non_null(line(text, "meterd_outbox_records{upstream=\"mqtt\"} 20\n"));
	assert_non_null(line(text, "meterd_mqtt_connected 1\n"));
	free(text);
}

static void each_input_has_its_registers(void **state)
{
#define INPUT "{load=\"heat pump\",role=\"submeter\",input=\"hub1/A\",phase=\"L1\""
	char *text = full_text();

	assert_non_null(line(text, "meterd_input_active_energy_joules_total" INPUT
				   ",direction=\"import\"} 3600000.000\n"));
	assert_non_null(line(text, "meterd_input_active_energy_joules_total" INPUT
				   ",direction=\"export\"} 5.500\n"));
	assert_non_null(
		line(text, "meterd_input_estimated_energy_joules_total" INPUT "} 35.000\n"));
	assert_non_null(line(text, "meterd_input_reactive_energy_varseconds_total" INPUT
				   ",quadrant=\"1\"} 1.500\n"));
	assert_non_null(line(text, "meterd_input_reactive_energy_varseconds_total" INPUT
				   ",quadrant=\"4\"} 2.500\n"));
	free(text);
#undef INPUT
}

static void inputs_and_outputs_are_there(void **state)
{
	char *text = full_text();

	assert_non_null(line(text, "meterd_input_volume_cubic_meters_total{input=\"water\",kind="
				   "\"water\"} 1.5\n"));
	assert_non_null(line(text, "meterd_input_pulses_total{input=\"water\",kind=\"water\"} "
				   "700\n"));
	assert_non_null(line(text, "meterd_input_energy_joules_total{input=\"heat\",kind=\"heat\"} "
				   "7200000\n"));
	assert_non_null(line(text, "meterd_input_up{input=\"heat\",kind=\"heat\"} 0\n"));
	assert_non_null(line(text, "meterd_input_closed{input=\"door\",kind=\"state\"} 0\n"));
	assert_non_null(line(text, "meterd_output_on{output=\"boiler\"} 1\n"));
	assert_non_null(line(text, "meterd_output_fail_safe{output=\"boiler\"} 0\n"));
	/* a state has no pulses, water no energy */
	assert_null(line(text, "meterd_input_pulses_total{input=\"door\""));
	assert_null(line(text, "meterd_input_energy_joules_total{input=\"water\""));
	assert_null(line(text, "meterd_input_power_watts{input=\"water\""));
	free(text);
}

static void promtool_has_no_complaint(void **state)
{
	char *text = full_text();
	FILE *f;
	int status;

	if (access(PROMTOOL, X_OK)) {
		free(text);
		print_message("SKIP: " PROMTOOL " is missing; install prometheus\n");
		skip();
	}
	f = popen(PROMTOOL " check metrics", "w");
	assert_non_null(f);
	fputs(text, f);
	status = pclose(f);
	free(text);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void what_is_not_known_has_no_line(void **state)
{
	struct load_reading load = { .name = "boiler", .p_w = NAN, .import_j = NAN, .pf = NAN };
	struct reading r = small_reading(1);
	struct metrics_input in = { .reading = &r, .age_s = NAN };
	char *text;

	load.energy.import_j = NAN;
	load.energy.phases_import_j = NAN;
	load.elements = 1;
	load.element[0].energy.import_j = NAN;
	r.load = &load;
	r.frequency_hz = NAN;
	r.voltage[0].ln_v = INFINITY;
	text = metrics_text(&in);
	assert_null(strstr(text, "meterd_active_power"));
	assert_null(strstr(text, "frequency"));
	assert_null(strstr(text, "meterd_voltage_volts"));
	assert_null(strstr(text, "direction=\"import\""));
	assert_null(strstr(text, "source_age"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "store_"));
	free(text);
}

static void an_old_reading_ends_its_series(void **state)
{
	struct snapshot s = { 0 };
	struct reading r = small_reading(1);

	assert_null(snapshot_fresh(&s, SECOND));
	assert_true(isnan(snapshot_age_s(&s, SECOND)));
	snapshot_take(&s, &r, 100 * SECOND);
	assert_non_null(snapshot_fresh(&s, 110 * SECOND));
	assert_true(snapshot_fresh(&s, 110 * SECOND)->load != r.load);
	assert_null(snapshot_fresh(&s, 110 * SECOND + 1));
	assert_true(snapshot_age_s(&s, 160 * SECOND) == 60);
	snapshot_free(&s);
}

static void names_cannot_break_the_format(void **state)
{
	struct load_reading load = { .name = "a\"b\\c\nd", .p_w = 1 };
	struct load_reading bytes = { .name = "b\xe9", .p_w = 1 };
	struct reading r = small_reading(1);
	struct metrics_input in = { .reading = &r };
	char *text;

	r.load = &load;
	text = metrics_text(&in);
	assert_non_null(strstr(text, "{load=\"a\\\"b\\\\c\\nd\",role"));
	free(text);
	r.load = &bytes;
	text = metrics_text(&in);
	assert_non_null(strstr(text, "{load=\"b?\",role"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_values_are_in_base_units),
		cmocka_unit_test(each_input_has_its_registers),
		cmocka_unit_test(inputs_and_outputs_are_there),
		cmocka_unit_test(promtool_has_no_complaint),
		cmocka_unit_test(what_is_not_known_has_no_line),
		cmocka_unit_test(an_old_reading_ends_its_series),
		cmocka_unit_test(names_cannot_break_the_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
