// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scenarios with a Power Box: what is wrong is named with the way out; what is
 * left out has its default; and the control socket's view of one.
 */
#include "support/worked-frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "control.h"
#include "power-box-rig.h"
#include "truth.h"

#include <json-c/json.h>

#define MAINS "[mains]\nvoltage_v = 230\n"
#define BOX "[module box]\ntype = power_box\nserial = 7\n"
#define HUB "[module hub]\ntype = ct_hub\nbehind = box\nserial = 8\n"
#define PLACE "entry = 2\nslots = 6, 7, 8, 9\n"

static char error[SCENARIO_ERROR_MAX];

static void assert_refused(const char *text, const char *expected)
{
	char path[] = "/tmp/power-box-XXXXXX";
	int fd = mkstemp(path), ret;
	size_t got, end = strlen(expected);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	ret = scenario_load(&rig_scenario, path, NULL, error);
	unlink(path);
	scenario_free(&rig_scenario);
	got = strlen(error);
	if (!ret || got < end || strcmp(error + got - end, expected))
		fail_msg("\n  got      %s\n  expected %s", ret ? error : "no error", expected);
}

static void mistakes_are_named_with_the_way_out(void **state)
{
	(void)state;
	assert_refused(MAINS BOX "full_scale = 500\n",
		       ":6: [module box] full_scale: a Power Box has no such key; remove it");
	assert_refused(MAINS BOX HUB PLACE "unit = 3\n",
		       ":12: [module hub] unit: a module behind a Power Box has no such key; "
		       "remove it");
	assert_refused(MAINS "[module v]\ntype = voltage\nunit = 1\nserial = 1\nphantom = 1\n",
		       ":7: [module v] phantom: an open module has no such key; remove it");
	assert_refused(MAINS BOX HUB "slots = 1, 2\n", ":7: [module hub]: entry is missing");
	assert_refused(MAINS BOX HUB "entry = 1\n", ":7: [module hub]: slots is missing");
	assert_refused(MAINS BOX HUB "entry = 10\n",
		       ":10: [module hub] entry = 10: not allowed; give an entry of the device "
		       "table, 0 to 9");
	assert_refused(MAINS BOX HUB "slots = 1, 28\n",
		       ":10: [module hub] slots = 1, 28: not allowed; give the slot of each input, "
		       "0 to 27, at most 21");
	assert_refused(MAINS HUB PLACE, ":5: [module hub] behind = box: no such module of type "
					"power_box");
	assert_refused(MAINS BOX "[module v]\ntype = voltage\nbehind = box\nserial = 1\n",
		       ":8: [module v] behind = box: only CT hubs and solid cores are behind a "
		       "Power Box");
	assert_refused(MAINS BOX HUB PLACE "[module hub2]\ntype = ct_hub\nbehind = box\n"
					   "serial = 9\nentry = 2\nslots = 1\n",
		       ":13: [module hub2] entry = 2: module hub has it already; give another");
	assert_refused(MAINS BOX HUB PLACE "[module hub2]\ntype = ct_hub\nbehind = box\n"
					   "serial = 9\nentry = 3\nslots = 9\n",
		       ":17: [module hub2] slots: module hub has slot 9 already; give another");
	assert_refused("[mains]\nvoltage_v = 230\ntopology = 1p\n" BOX "wired = L2\n",
		       ":5: [module box] wired: this topology has 1 conductors");
	assert_refused(MAINS BOX HUB PLACE "sensor = 16\n",
		       ":7: [module hub] sensor = 16: a Power Box knows 0 to 15");
}

static void what_is_left_out_has_its_default(void **state)
{
	(void)state;
	rig_start(MAINS BOX HUB PLACE);
	assert_int_equal(rig_u16(0x1620), 5400);
	assert_int_equal(rig_u16(0x1624), 76);
	assert_int_equal(rig_u16(0x1625), 1);
	assert_int_equal(rig_u16(0x1106), SMAPPEE_PB_CT_SCT02_50A);
	rig_near("U3", rig_f32(8), 230, 1e-4);
	rig_stop(NULL);
}

static struct json_object *command(const char *line)
{
	struct control c = { .wire = &rig_wire };
	char *answer = control_command(&c, line, rig_now);
	struct json_object *o = json_tokener_parse(answer);

	free(answer);
	assert_non_null(o);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *found = NULL;

	if (!json_object_object_get_ex(o, key, &found))
		fail_msg("no \"%s\" in %s", key, json_object_to_json_string(o));
	return found;
}

static void power_box_behaves_beside_open_modules(void **state)
{
	const uint8_t write_all[] = { 0, 16, 0x17, 0x03, 0, 1, 2, 0, 2 };

	struct json_object *o;

	(void)state;
	rig_start(MAINS BOX HUB PLACE
		  "[module v]\ntype = voltage\nunit = 1\nserial = 1\nfull_scale = 500\n"
		  "[module h]\ntype = ct_hub\nunit = 2\nserial = 1\nfull_scale = 50\n");
	assert_int_equal(rig_segment.modules, 3);
	rig_unit = 1;
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(rig_ask((const uint8_t[]){ 1, 0x43 }, 2), 16);
		rig_wait(0.1);
	}
	rig_ask(write_all, sizeof(write_all));
	assert_int_equal(rig_u16(0x1703), 2);
	rig_unit = 2;
	assert_int_equal(rig_u16(0x1707), SMAPPEE_SYNC_LOCKED);
	rig_unit = 61;
	assert_int_equal(rig_u16(0x1620), 5400);
	o = command("{\"cmd\":\"status\"}");
	assert_true(json_object_get_boolean(member(o, "locked")));
	json_object_put(o);
	rig_stop(NULL);
}

static void status_shows_box_and_modules_behind_it(void **state)
{
	struct json_object *o, *box, *hub;

	(void)state;
	rig_start(MAINS BOX HUB PLACE);
	rig_write(0x1000, 1);
	rig_write(0x0907, 1);
	o = command("{\"cmd\":\"status\"}");
	box = json_object_array_get_idx(member(o, "modules"), 0);
	hub = json_object_array_get_idx(member(o, "modules"), 1);
	assert_int_equal(json_object_get_int(member(box, "unit")), 61);
	assert_false(json_object_get_boolean(member(box, "saved")));
	assert_false(json_object_get_boolean(member(box, "busy")));
	assert_string_equal(json_object_to_json_string_ext(member(box, "identify"), 0), "[7]");
	assert_string_equal(json_object_get_string(member(hub, "behind")), "box");
	assert_int_equal(json_object_get_int(member(hub, "type")), 5500);
	assert_string_equal(json_object_to_json_string_ext(member(hub, "slots"), 0), "[6,7,8,9]");
	assert_false(json_object_get_boolean(member(o, "locked")));
	json_object_put(o);
	rig_write(0xfde8, 1);
	o = command("{\"cmd\":\"status\"}");
	box = json_object_array_get_idx(member(o, "modules"), 0);
	assert_true(json_object_get_boolean(member(box, "saved")));
	assert_true(json_object_get_boolean(member(box, "busy")));
	json_object_put(o);
	rig_stop(NULL);
}

static void truth_is_asked_for_in_seconds(void **state)
{
	struct json_object *o, *load;

	(void)state;
	rig_start(RIG_HEAD RIG_BOX RIG_CTS RIG_LOADS);
	o = command("{\"cmd\":\"truth\",\"from\":1,\"to\":2}");
	assert_string_equal(json_object_get_string(member(o, "error")),
			    "no module is the reference: there is no index; give \"from_s\" and "
			    "\"to_s\"");
	json_object_put(o);
	o = command("{\"cmd\":\"truth\",\"from_s\":2,\"to_s\":1}");
	member(o, "error");
	json_object_put(o);
	o = command("{\"cmd\":\"truth\",\"from_s\":9,\"to_s\":10}");
	rig_near("seconds", json_object_get_double(member(o, "seconds")), 1, 1e-9);
	load = json_object_array_get_idx(member(o, "loads"), 0);
	rig_near("P", rig_f32(0x03c0), json_object_get_double(member(load, "p_w")), 0.01);
	json_object_put(o);
	rig_stop(NULL);
}

static void scenario_of_the_tree_is_a_commissioned_house(void **state)
{
	const char *path = worked_top("userspace/tools/smappee-sim/scenarios/powerbox-3p.ini");
	struct truth_range r = { 9, 10, 4000, false };

	(void)state;
	if (scenario_load(&rig_scenario, path, NULL, error))
		fail_msg("%s", error);
	assert_int_equal(segment_init(&rig_segment, &rig_scenario), 0);
	wire_init(&rig_wire, &rig_segment, 0);
	rig_unit = 61;
	rig_now = 10050000000;
	assert_true(rig_scenario.bit_rate == 38400);
	assert_int_equal(rig_u16(0x14a0), 5600);
	assert_int_equal(rig_u16(0x14c0), 5500);
	assert_int_equal(rig_u16(0x1520), 5500);
	for (unsigned int i = 0; i < rig_scenario.signal.loads; i++) {
		struct load_truth t;

		truth_load(&rig_scenario.signal, i, &r, &t);
		rig_near(rig_scenario.signal.load[i].name, rig_f32((uint16_t)(0x03c0 + 2 * i)),
			 t.p_w, 1e-2);
	}
	rig_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named_with_the_way_out),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(power_box_behaves_beside_open_modules),
		cmocka_unit_test(status_shows_box_and_modules_behind_it),
		cmocka_unit_test(truth_is_asked_for_in_seconds),
		cmocka_unit_test(scenario_of_the_tree_is_a_commissioned_house),
	};

	return cmocka_run_group_tests_name("sim_powerbox_scenario", tests, NULL, NULL);
}
