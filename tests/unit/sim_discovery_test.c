// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Being found: modules that answer at the same time, addresses given, kept and taken
 * away, and modules that come and go.
 */
#include "collision.h"
#include "control.h"
#include "frame.h"
#include "scenario-rig.h"
#include "wire.h"

#include <json-c/json.h>
#include <linux/smappee.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct scenario s;
static struct segment g;
static struct reply reply;

/* Three hubs without an address, one with unit 2. */
static int build(void **state)
{
	(void)state;
	plain_scenario(&s, 4, 7);
	for (unsigned int i = 0; i < s.modules; i++) {
		s.module[i] = (struct scenario_module){
			.type = 9500, .unit = i ? 0 : 2, .serial = 104230 + i, .channels = 4
		};
		snprintf(s.module[i].name, sizeof(s.module[i].name), "hub%u", i);
		for (unsigned int c = 0; c < 4; c++)
			s.module[i].full_scale[c] = 100;
	}
	return segment_init(&g, &s);
}

static int tear_down(void **state)
{
	(void)state;
	segment_free(&g);
	return 0;
}

static void ask(uint8_t operation, uint8_t unit, uint8_t bits, uint16_t type, uint32_t serial)
{
	uint8_t request[SMAPPEE_DISCOVER_LEN] = { 0, SMAPPEE_FC_DISCOVER, operation, unit, bits };

	frame_put16(request + SMAPPEE_DISCOVER_TYPE, type);
	frame_put32(request + SMAPPEE_DISCOVER_SERIAL, serial);
	frame_seal(request, SMAPPEE_DISCOVER_LEN - 2);
	segment_request(&g, request, sizeof(request), 1, &reply);
}

static void read_type(uint8_t unit)
{
	uint8_t request[8] = { unit, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, 1 };

	frame_seal(request, 6);
	segment_request(&g, request, sizeof(request), 1, &reply);
}

static void assert_one(uint8_t from, uint32_t serial)
{
	assert_int_equal(reply.len, SMAPPEE_DISCOVER_LEN);
	assert_true(frame_intact(reply.bytes, reply.len));
	assert_int_equal(reply.bytes[0], from);
	assert_int_equal(frame_get32(reply.bytes + SMAPPEE_DISCOVER_SERIAL), serial);
}

static void assert_clash(void)
{
	assert_true(reply.len > 0);
	assert_false(reply.len == SMAPPEE_DISCOVER_LEN && frame_intact(reply.bytes, reply.len));
}

static void several_who_match_answer_at_once_and_nobody_understands_them(void **state)
{
	(void)state;
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 0, 0, 0);
	assert_clash();
	assert_int_equal(g.clashes, 1);
	/* 104231 and 104233 are odd */
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 1, 0, 1);
	assert_clash();
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 2, 0, 104231 & 3);
	assert_one(0, 104231);
	assert_int_equal(g.clashes, 2);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 4, 0, 4);
	assert_int_equal(reply.len, 0);
}

static void a_module_with_an_address_is_new_until_somebody_asks_there(void **state)
{
	(void)state;
	ask(SMAPPEE_DISCOVER_SEARCH, 0, SMAPPEE_KEY_BITS, 9500, 104230);
	assert_one(2, 104230);
	read_type(2);
	assert_int_equal(reply.len, 7);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, SMAPPEE_KEY_BITS, 9500, 104230);
	assert_int_equal(reply.len, 0);
	ask(SMAPPEE_DISCOVER_SEARCH, 2, 0, 0, 0);
	assert_one(2, 104230);
	segment_fault(&g, &(struct fault_rule){ .kind = FAULT_RESTART, .unit = 2 }, 0.5);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, SMAPPEE_KEY_BITS, 9500, 104230);
	assert_one(2, 104230);
}

static void an_address_is_taken_kept_and_taken_away(void **state)
{
	(void)state;
	ask(SMAPPEE_DISCOVER_ASSIGN, 9, SMAPPEE_KEY_BITS, 9500, 104232);
	assert_one(9, 104232);
	ask(SMAPPEE_DISCOVER_ASSIGN, 9, SMAPPEE_KEY_BITS, 9500, 104232);
	assert_one(9, 104232);
	module_restart(&g.module[2], 1);
	read_type(9);
	assert_int_equal(reply.len, 7);
	ask(SMAPPEE_DISCOVER_RELEASE, 2, 0, 0, 0);
	assert_int_equal(reply.len, 0);
	assert_int_equal(g.module[2].unit, 9);
	assert_int_equal(g.module[0].unit, 0);
	ask(SMAPPEE_DISCOVER_RELEASE, 0, 0, 0, 0);
	assert_int_equal(g.module[2].unit, 0);
}

static void an_input_module_is_found_like_any_other(void **state)
{
	(void)state;
	segment_free(&g);
	s.modules = 1;
	s.module[0] = (struct scenario_module){ .type = 9700, .serial = 300901, .channels = 4 };
	assert_int_equal(segment_init(&g, &s), 0);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 0, 0, 0);
	assert_one(0, 300901);
	ask(SMAPPEE_DISCOVER_ASSIGN, 12, SMAPPEE_KEY_BITS, 9700, 300901);
	assert_one(12, 300901);
	read_type(12);
	assert_int_equal(frame_get16(reply.bytes + 3), 9700);
}

static void strange_requests_are_ignored(void **state)
{
	(void)state;
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 35, 0, 0);
	assert_int_equal(reply.len, 0);
	ask(SMAPPEE_DISCOVER_SEARCH, 248, 0, 0, 0);
	assert_int_equal(reply.len, 0);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, 1, 0, 2);
	assert_int_equal(reply.len, 0);
	ask(SMAPPEE_DISCOVER_ASSIGN, 9, 33, 9500, 104232);
	assert_int_equal(reply.len, 0);
	ask(4, 0, 0, 0, 0);
	assert_int_equal(reply.len, 0);
}

static void two_with_one_address_answer_at_once(void **state)
{
	(void)state;
	ask(SMAPPEE_DISCOVER_ASSIGN, 2, SMAPPEE_KEY_BITS, 9500, 104232);
	read_type(2);
	assert_int_equal(g.clashes, 1);
	ask(SMAPPEE_DISCOVER_SEARCH, 2, 0, 0, 0);
	assert_clash();
	ask(SMAPPEE_DISCOVER_SEARCH, 2, SMAPPEE_KEY_BITS, 9500, 104232);
	assert_one(2, 104232);
}

static void a_low_bit_of_anybody_is_low(void **state)
{
	static const uint8_t a[] = { 0xf0, 0xff }, b[] = { 0xcc, 0x0f };
	struct voice voice[] = { { a, 2, 0 }, { b, 2, 0 } };
	uint8_t out[8];

	(void)state;
	assert_int_equal(collision_mix(voice, 1, out, sizeof(out)), 2);
	assert_memory_equal(out, a, 2);
	assert_int_equal(collision_mix(voice, 2, out, sizeof(out)), 2);
	assert_int_equal(out[0], 0xc0);
	assert_int_equal(out[1], 0x0f);
	/* one after the other is no collision */
	voice[1].begin = 20;
	assert_int_equal(collision_mix(voice, 2, out, sizeof(out)), 4);
	assert_memory_equal(out + 2, b, 2);
	/* a bit late: start and stop bits of one fall into the data of the other */
	voice[1].begin = 3;
	collision_mix(voice, 2, out, sizeof(out));
	assert_true(memcmp(out, a, 2));
	assert_int_equal(collision_mix(voice, 2, out, 1), 1);
}

static const char *command(struct control *c, const char *line)
{
	static char answer[512];
	char *text = control_command(c, line, 2000000000);

	snprintf(answer, sizeof(answer), "%s", text);
	free(text);
	return answer;
}

static void modules_come_and_go_by_command(void **state)
{
	static struct wire w;
	struct control c = { .wire = &w };

	(void)state;
	wire_init(&w, &g, 0);
	read_type(2);
	assert_string_equal(command(&c, "{\"cmd\":\"unplug\",\"module\":\"hub0\"}"),
			    "{\"ok\":true}\n");
	read_type(2);
	assert_int_equal(reply.len, 0);
	ask(SMAPPEE_DISCOVER_SEARCH, 2, 0, 0, 0);
	assert_int_equal(reply.len, 0);
	command(&c, "{\"cmd\":\"plug\",\"module\":\"hub0\"}");
	assert_int_equal(g.module[0].boot, 1);
	ask(SMAPPEE_DISCOVER_SEARCH, 0, SMAPPEE_KEY_BITS, 9500, 104230);
	assert_one(2, 104230);
	command(&c, "{\"cmd\":\"swap\",\"module\":\"hub0\",\"serial\":555}");
	ask(SMAPPEE_DISCOVER_SEARCH, 0, SMAPPEE_KEY_BITS, 9500, 555);
	assert_one(0, 555);
	command(&c, "{\"cmd\":\"address\",\"module\":\"hub1\",\"unit\":17}");
	assert_int_equal(g.module[1].unit, 17);
	assert_non_null(
		strstr(command(&c, "{\"cmd\":\"plug\",\"module\":\"x\"}"), "no open module"));
	assert_non_null(strstr(command(&c, "{\"cmd\":\"plug\"}"), "needs \\\"module"));
	assert_non_null(strstr(command(&c, "{\"cmd\":\"swap\",\"module\":\"hub1\"}"), "serial"));
	assert_non_null(strstr(command(&c, "{\"cmd\":\"plug\",\"module\":\"hub1\",\"unit\":248}"),
			       "give 0 to 247"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(several_who_match_answer_at_once_and_nobody_understands_them),
		TEST(a_module_with_an_address_is_new_until_somebody_asks_there),
		TEST(an_address_is_taken_kept_and_taken_away),
		TEST(an_input_module_is_found_like_any_other),
		TEST(strange_requests_are_ignored),
		TEST(two_with_one_address_answer_at_once),
		TEST(a_low_bit_of_anybody_is_low),
		TEST(modules_come_and_go_by_command),
	};

	return cmocka_run_group_tests_name("sim_discovery", tests, NULL, NULL);
}
