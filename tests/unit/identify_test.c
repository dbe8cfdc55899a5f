// SPDX-License-Identifier: GPL-2.0-or-later
/* Which LED flashes when it is asked for by name, in a tree of files like sysfs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "command.h"
#include "identify-command.h"
#include "lib/identify.h"

static char root[64];
static char wrong[256];

static const char tree[] =
	"cd %s && for m in '0-002 hub2 9500104233 status input-a input-b' "
	"'0-009 meters 9700100901 status input-1 input-3'; do set -- $m; "
	"d=$1/smappee_bus.leds.7/leds; mkdir -p $d; echo $2 > $1/label; echo $3 > "
	"$1/serial_number; "
	"s=$3; m=$1; shift 3; for l; do mkdir $d/$s::$l; : > $d/$s::$l/trigger; done; done; "
	"mkdir -p 1-061.03; echo cts > 1-061.03/label; : > 1-061.03/input2_identify; "
	"mkdir -p 0-003 0-004; echo twin > 0-003/label; echo twin > 0-004/label";

static int make_tree(void **state)
{
	char command[1024];

	strcpy(root, "/tmp/identify-test-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(command, sizeof(command), tree, root);
	return system(command);
}

static int remove_tree(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static const char *text_of(const char *path)
{
	static char text[64];
	char whole[256];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	f = fopen(whole, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

#define HUB_LEDS "0-002/smappee_bus.leds.7/leds/9500104233::"

static int set(const char *what, bool on)
{
	wrong[0] = '\0';
	return identify_set(root, what, on, wrong, sizeof(wrong));
}

static void the_led_is_the_one_of_the_input(void **state)
{
	assert_int_equal(set("hub2/B", true), 0);
	assert_string_equal(text_of(HUB_LEDS "input-b/trigger"), "smappee-identify");
	assert_string_equal(text_of(HUB_LEDS "input-a/trigger"), "");
	assert_string_equal(text_of(HUB_LEDS "status/trigger"), "");
	assert_int_equal(set("9500104233", true), 0);
	assert_string_equal(text_of(HUB_LEDS "status/trigger"), "smappee-identify");
	assert_int_equal(set("0-009/3", true), 0);
	assert_string_equal(text_of("0-009/smappee_bus.leds.7/leds/9700100901::input-3/trigger"),
			    "smappee-identify");
}

static void it_is_given_back(void **state)
{
	assert_int_equal(set("hub2/b", false), 0);
	assert_string_equal(text_of(HUB_LEDS "input-b/trigger"), "smappee-module");
}

static void an_input_of_a_power_box_has_its_own_file(void **state)
{
	assert_int_equal(set("cts/C", true), 0);
	assert_string_equal(text_of("1-061.03/input2_identify"), "1");
	assert_int_equal(set("cts/C", false), 0);
	assert_int_equal(set("cts/A", true), -ENOENT);
	assert_int_equal(set("cts", true), -ENOENT);
}

static void what_is_not_there_is_said_with_the_way_out(void **state)
{
	static const struct {
		const char *what;
		int error;
		const char *way;
	} mistakes[] = {
		{ "", -EINVAL, "as hub2/B" },		{ "/B", -EINVAL, "as hub2/B" },
		{ "hub2/", -EINVAL, "as hub2/B" },	{ "hub2/BB", -EINVAL, "as hub2/B" },
		{ "hub2/0", -EINVAL, "as hub2/B" },	{ "hub2/E", -ENOENT, "meterctl list" },
		{ "hub9/A", -ENOENT, "meterctl list" }, { "../0-002/A", -ENOENT, "meterctl list" },
		{ "twin/A", -EEXIST, "serial number" },
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		assert_int_equal(set(mistakes[i].what, true), mistakes[i].error);
		assert_non_null(strstr(wrong, mistakes[i].way));
	}
	assert_int_equal(identify_set("/nowhere/at/all", "hub2", true, wrong, sizeof(wrong)),
			 -ENOENT);
}

static void on_told(void *user, const char *text)
{
}

static int ask(struct commands *c, const char *arguments, uint64_t at_s)
{
	struct command_reply reply = { 0 };
	int error;

	command_run(c, "test", "identify", arguments, strlen(arguments), at_s * 1000000, &reply);
	error = reply.error;
	command_reply_end(&reply);
	return error;
}

static void the_command_ends_by_itself_and_for_another(void **state)
{
	struct commands *c;
	struct identify *i;
	sd_event *event;

	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(commands_create(&c, on_told, NULL), 0);
	assert_int_equal(identify_open(&i, event, c, root), 0);
	assert_int_equal(ask(c, "{\"what\":\"hub2/A\",\"seconds\":600}", 1), 0);
	assert_string_equal(text_of(HUB_LEDS "input-a/trigger"), "smappee-identify");
	assert_int_equal(ask(c, "{\"what\":\"hub2/B\",\"seconds\":1}", 2), 0);
	assert_memory_equal(text_of(HUB_LEDS "input-a/trigger"), "smappee-module", 14);
	assert_int_equal(ask(c, "{\"what\":\"hub9/B\"}", 3), -ENOENT);
	assert_int_equal(ask(c, "{\"what\":\"hub2/B\",\"seconds\":601}", 4), -EINVAL);
	assert_int_equal(ask(c, "{\"what\":\"hub2/B\",\"seconds\":1}", 5), 0);
	assert_memory_equal(text_of(HUB_LEDS "input-b/trigger"), "smappee-identify", 16);
	assert_true(sd_event_run(event, 5000000) > 0);
	assert_memory_equal(text_of(HUB_LEDS "input-b/trigger"), "smappee-module", 14);
	identify_close(i);
	commands_destroy(c);
	sd_event_unref(event);
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
	const struct CMUnitTest tests[] = {
		IN_TREE(the_led_is_the_one_of_the_input),
		IN_TREE(it_is_given_back),
		IN_TREE(an_input_of_a_power_box_has_its_own_file),
		IN_TREE(what_is_not_there_is_said_with_the_way_out),
		IN_TREE(the_command_ends_by_itself_and_for_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
