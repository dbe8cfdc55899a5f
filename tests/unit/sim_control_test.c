// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket's commands: answers, and errors that say what to do.
 */
#include "control.h"
#include "frame.h"

#include <json-c/json.h>
#include <linux/smappee.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const char text[] =
	"[mains]\nvoltage_v = 230\nfrequency_hz = 50\n"
	"[module voltage]\ntype = voltage\nunit = 1\nserial = 1\nfull_scale = 500\ncrystal_ppm = "
	"50\n"
	"[module hub1]\ntype = ct_hub\nunit = 2\nserial = 2\nfull_scale = 100\ncrystal_ppm = -50\n"
	"[load x]\ninputs = hub1/A\nphases = L1\ncurrent_a = 10\npf = 0.5 lag\nreversed = yes\n"
	"steps = 0:10, 5:-5\n";

static struct scenario s;
static struct segment g;
static struct wire w;
static struct control c = { .wire = &w };
static int64_t now;

static int set_up(void **state)
{
	char path[] = "/tmp/sim-control-XXXXXX", error[SCENARIO_ERROR_MAX];
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	if (scenario_load(&s, path, NULL, error)) {
		print_error("%s\n", error);
		return -1;
	}
	unlink(path);
	if (segment_init(&g, &s))
		return -1;
	wire_init(&w, &g, 0);
	now = 1000000000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	segment_free(&g);
	scenario_free(&s);
	return 0;
}

static struct json_object *command(const char *line)
{
	char *answer = control_command(&c, line, now);
	struct json_object *o = json_tokener_parse(answer);

	assert_non_null(o);
	assert_true(answer[strlen(answer) - 1] == '\n');
	assert_null(memchr(answer, '\n', strlen(answer) - 1));
	free(answer);
	return o;
}

/* A member by a path such as "loads.0.elements.0.p_w". */
static struct json_object *member(struct json_object *o, const char *path)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = strtok_r(copy, ".", &save); p; p = strtok_r(NULL, ".", &save)) {
		struct json_object *next = NULL;

		if (json_object_is_type(o, json_type_array))
			next = json_object_array_get_idx(o, strtoul(p, NULL, 10));
		else if (!json_object_object_get_ex(o, p, &next))
			fail_msg("no %s", path);
		o = next;
	}
	return o;
}

static double number(struct json_object *o, const char *path)
{
	return json_object_get_double(member(o, path));
}

static void assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.9g, expected %.9g within %.2g", got, expected, tolerance);
}

static void sync_once(void)
{
	uint8_t request[4] = { 1, SMAPPEE_FC_SYNC };

	frame_seal(request, 2);
	wire_receive(&w, request, 4, now);
	wire_handed(&w, w.reply.len);
	now += 100000000;
}

static void status_tells_state_and_offsets(void **state)
{
	struct json_object *o = command("{\"cmd\":\"status\"}");

	(void)state;
	assert_false(json_object_get_boolean(member(o, "locked")));
	assert_null(member(o, "modules.1.offset_ns"));
	assert_near(number(o, "index"), 4000, 1);
	json_object_put(o);
	for (int i = 0; i < 4; i++)
		sync_once();
	o = command("{\"cmd\":\"status\"}");
	assert_true(json_object_get_boolean(member(o, "locked")));
	assert_string_equal(json_object_get_string(member(o, "modules.0.sync_state")), "reference");
	assert_string_equal(json_object_get_string(member(o, "modules.1.sync_state")), "locked");
	assert_near(number(o, "modules.1.offset_ns"), 0, 500);
	assert_near(number(o, "modules.1.measured_offset_ns"), 0, 500);
	assert_near(number(o, "modules.1.crystal_ppm"), -50, 0);
	assert_near(number(o, "modules.1.type"), 9500, 0);
	assert_near(number(o, "requests"), 4, 0);
	assert_near(number(o, "faults.drop"), 0, 0);
	json_object_put(o);
}

static void truth_is_over_the_references_samples(void **state)
{
	/* +10 A, and -5 A from 5 s on; the reference runs 50 ppm fast. */
	struct json_object *o = command("{\"cmd\":\"truth\",\"from\":4000,\"to\":12000}");

	(void)state;
	assert_near(number(o, "seconds"), 2 / (1 + 50e-6), 1e-9);
	assert_near(number(o, "frequency_hz"), 50, 0);
	assert_near(number(o, "voltages.0.ln_v"), 230, 1e-6);
	assert_near(number(o, "voltages.0.ll_v"), 230 * sqrt(3), 1e-6);
	assert_near(number(o, "loads.0.p_w"), 1150, 1e-6);
	assert_near(number(o, "loads.0.q1_var"), 2300 * sqrt(0.75), 1e-6);
	assert_near(number(o, "loads.0.pf"), 0.5, 1e-9);
	assert_near(number(o, "loads.0.elements.0.i_a"), 10, 1e-6);
	json_object_put(o);
	o = command("{\"cmd\":\"truth\",\"from\":24000,\"to\":28000}");
	assert_near(number(o, "loads.0.p_w"), -575, 1e-6);
	assert_near(number(o, "loads.0.export_wh"), 575 / (1 + 50e-6) / 3600, 1e-9);
	json_object_put(o);
}

static void faults_are_taken_and_cleared(void **state)
{
	(void)state;
	json_object_put(command("{\"cmd\":\"fault\",\"kind\":\"bit_errors\",\"rate\":1e-5,"
				"\"unit\":0}"));
	json_object_put(command("{\"cmd\":\"fault\",\"kind\":\"delay\",\"ms\":5,\"count\":2}"));
	json_object_put(
		command("{\"cmd\":\"fault\",\"kind\":\"silent\",\"seconds\":3,\"unit\":2}"));
	assert_int_equal(g.faults.rules, 2);
	assert_near(g.faults.rule[0].rate, 1e-5, 0);
	assert_near(g.faults.rule[1].value, 5, 0);
	assert_near(g.module[1].silent_until, 4, 1e-9);
	json_object_put(command("{\"cmd\":\"clear\"}"));
	assert_int_equal(g.faults.rules, 0);
	assert_true(g.module[1].silent_until < 0);
}

static void scans_are_what_the_module_answers(void **state)
{
	uint8_t request[SMAPPEE_SAMPLES_REQ_LEN] = { 1, SMAPPEE_FC_READ_SAMPLES };
	struct json_object *o;

	(void)state;
	frame_put32(request + SMAPPEE_SAMPLES_REQ_INDEX, 3900);
	frame_put16(request + SMAPPEE_SAMPLES_REQ_SCANS, 10);
	frame_seal(request, sizeof(request) - 2);
	wire_receive(&w, request, sizeof(request), now);
	o = command("{\"cmd\":\"scans\",\"unit\":1,\"from\":3900,\"count\":10}");
	assert_int_equal(number(o, "format"), SMAPPEE_FORMAT_S16);
	for (unsigned int i = 0; i < 10; i++) {
		char path[32];

		snprintf(path, sizeof(path), "channels.2.%u", i);
		assert_int_equal(number(o, path),
				 (int16_t)frame_get16(w.reply.bytes + SMAPPEE_SAMPLES_DATA +
						      2 * (3 * i + 2)));
	}
	json_object_put(o);
}

static void wrong_commands_are_answered_with_the_way_out(void **state)
{
	static const char *const cases[][2] = {
		{ "nonsense", "not a command; give an object with \"cmd\" on one line" },
		{ "[1]", "not a command; give an object with \"cmd\" on one line" },
		{ "{\"cmd\":\"stop\"}",
		  "cmd \"stop\": not known; known: status, truth, scans, fault, contact, clear, "
		  "plug, unplug, swap, address" },
		{ "{\"cmd\":\"truth\",\"from\":1}", "truth needs \"from\" and \"to\", numbers" },
		{ "{\"cmd\":\"truth\",\"from\":9,\"to\":9}",
		  "truth from 9 to 9: from must be 0 or more and below to" },
		{ "{\"cmd\":\"fault\"}", "fault needs \"kind\"" },
		{ "{\"cmd\":\"fault\",\"kind\":\"fire\"}",
		  "fault kind \"fire\": not known; known: bit_errors, drop, delay, truncate, "
		  "duplicate, "
		  "garbage, wrong_unit, exception, miss_sync, silent, restart, power, "
		  "memory, babble, serial, hostile" },
		{ "{\"cmd\":\"fault\",\"kind\":\"drop\",\"unit\":77}",
		  "fault drop: no unit 77 in this scenario" },
		{ "{\"cmd\":\"fault\",\"kind\":\"drop\",\"rate\":2}",
		  "fault drop: rate = 2: give 0 to 1" },
		{ "{\"cmd\":\"fault\",\"kind\":\"delay\"}", "fault delay needs \"ms\", a number" },
		{ "{\"cmd\":\"fault\",\"kind\":\"serial\",\"value\":0}",
		  "fault serial: value = 0: give 1 to 999999" },
		{ "{\"cmd\":\"scans\",\"unit\":1,\"from\":0}",
		  "scans needs \"unit\", \"from\", an index, and \"count\", 1 to 2000" },
		{ "{\"cmd\":\"scans\",\"unit\":9,\"from\":0,\"count\":1}",
		  "unit 9: no module that samples is there" },
		{ "{\"cmd\":\"scans\",\"unit\":1,\"from\":3999,\"count\":9}",
		  "scans 3999 to 4007: the module holds 2001 to 4000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *o = command(cases[i][0]);

		assert_string_equal(json_object_get_string(member(o, "error")), cases[i][1]);
		json_object_put(o);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_tells_state_and_offsets),
		TEST(truth_is_over_the_references_samples),
		TEST(faults_are_taken_and_cleared),
		TEST(scans_are_what_the_module_answers),
		TEST(wrong_commands_are_answered_with_the_way_out),
	};

	return cmocka_run_group_tests_name("sim_control", tests, NULL, NULL);
}
