// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of modules, from trees of files that look like sysfs or do not. */
#include <errno.h>
#include <fcntl.h>
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

#include "lib/modules.h"

static char root[64];

static int make_root(void **state)
{
	strcpy(root, "/tmp/modules-test-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void module(const char *device)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, device);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void attribute(const char *device, const char *name, const char *value, size_t length)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", root, device, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, length), length);
	close(fd);
}

static void set(const char *device, const char *name, const char *value)
{
	attribute(device, name, value, strlen(value));
}

static void good_module(const char *device, const char *unit)
{
	module(device);
	set(device, "unit", unit);
	set(device, "type", "9500\n");
	set(device, "label", "hub1\n");
	set(device, "serial_number", "9500104233\n");
	set(device, "firmware", "1.7\n");
	set(device, "state", "streaming\n");
	set(device, "sync_state", "locked\n");
	set(device, "sync_offset_ns", "-12\n");
	set(device, "lost_scans", "0\n");
	set(device, "repaired_blocks", "4\n");
}

static struct json_object *list(size_t expected)
{
	struct json_object *l = modules_list(root);

	assert_non_null(l);
	if (json_object_array_length(l) != expected)
		fail_msg("%zu modules expected: %s", expected, json_object_to_json_string(l));
	return l;
}

static struct json_object *value(struct json_object *l, size_t i, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(json_object_array_get_idx(l, i), key, &v))
		fail_msg("no key %s", key);
	return v;
}

static void every_attribute_is_shown(void **state)
{
	struct json_object *l, *expected;

	good_module("0-002", "2\n");
	l = list(1);
	expected = json_tokener_parse(
		"{\"device\":\"0-002\",\"unit\":2,\"type\":9500,\"model\":\"open CT hub\","
		"\"label\":\"hub1\",\"serial_number\":\"9500104233\",\"firmware\":\"1.7\","
		"\"state\":\"streaming\",\"sync_state\":\"locked\",\"sync_offset_ns\":-12,"
		"\"lost_scans\":0,\"repaired_blocks\":4}");
	if (!json_object_equal(json_object_array_get_idx(l, 0), expected))
		fail_msg("%s", json_object_to_json_string(l));
	json_object_put(expected);
	json_object_put(l);
}

static void modules_are_sorted(void **state)
{
	struct json_object *l;

	good_module("0-010", "10\n");
	good_module("1-002", "2\n");
	good_module("0-002", "2\n");
	l = list(3);
	assert_string_equal(json_object_get_string(value(l, 0, "device")), "0-002");
	assert_string_equal(json_object_get_string(value(l, 1, "device")), "0-010");
	assert_string_equal(json_object_get_string(value(l, 2, "device")), "1-002");
	json_object_put(l);
}

static void what_is_missing_is_null(void **state)
{
	struct json_object *l;

	module("0-007");
	l = list(1);
	assert_int_equal(json_object_object_length(json_object_array_get_idx(l, 0)), 12);
	assert_null(value(l, 0, "unit"));
	assert_null(value(l, 0, "type"));
	assert_null(value(l, 0, "model"));
	assert_null(value(l, 0, "label"));
	assert_null(value(l, 0, "lost_scans"));
	json_object_put(l);
}

static void garbage_is_null(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		size_t length;
	} garbage[] = {
		{ "unit", "2x\n", 3 },
		{ "unit", "0\n", 2 },
		{ "unit", "248\n", 4 },
		{ "unit", "\n", 1 },
		{ "unit", "", 0 },
		{ "type", "65536\n", 6 },
		{ "type", "-1\n", 3 },
		{ "lost_scans", "99999999999999999999\n", 21 },
		{ "lost_scans", "-1\n", 3 },
		{ "sync_offset_ns", "nan\n", 4 },
		{ "sync_offset_ns", "3000000000\n", 11 },
		{ "label", "a\033[31mb\n", 8 },
		{ "label", "a\0b\n", 4 },
		{ "label", "\xff\xfe\n", 3 },
	};
	struct json_object *l;
	size_t i;

	good_module("0-002", "2\n");
	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		attribute("0-002", garbage[i].name, garbage[i].text, garbage[i].length);
		l = list(1);
		if (value(l, 0, garbage[i].name))
			fail_msg("%s \"%s\" became %s", garbage[i].name, garbage[i].text,
				 json_object_to_json_string(l));
		json_object_put(l);
	}
}

static void a_huge_attribute_is_null(void **state)
{
	static char huge[70000];
	struct json_object *l;

	memset(huge, 'x', sizeof(huge));
	good_module("0-002", "2\n");
	attribute("0-002", "label", huge, sizeof(huge));
	l = list(1);
	assert_null(value(l, 0, "label"));
	assert_string_equal(json_object_get_string(value(l, 0, "state")), "streaming");
	json_object_put(l);
}

static void great_counters_are_kept(void **state)
{
	struct json_object *l;

	good_module("0-002", "2\n");
	set("0-002", "lost_scans", "9223372036854775807\n");
	l = list(1);
	assert_true(json_object_get_int64(value(l, 0, "lost_scans")) == INT64_MAX);
	json_object_put(l);
}

static void an_attribute_that_is_no_file_is_null(void **state)
{
	struct json_object *l;
	char path[512];

	module("0-002");
	module("0-002/label");
	snprintf(path, sizeof(path), "%s/0-002/state", root);
	assert_int_equal(mkfifo(path, 0600), 0);
	l = list(1);
	assert_null(value(l, 0, "label"));
	assert_null(value(l, 0, "state"));
	json_object_put(l);
}

static void a_file_among_the_modules_is_no_module(void **state)
{
	good_module("0-002", "2\n");
	set(".", "stray", "1\n");
	json_object_put(list(1));
}

static void an_unknown_type_has_a_model_unknown(void **state)
{
	struct json_object *l;

	good_module("0-002", "2\n");
	set("0-002", "type", "1234\n");
	l = list(1);
	assert_int_equal(json_object_get_int(value(l, 0, "type")), 1234);
	assert_string_equal(json_object_get_string(value(l, 0, "model")), "unknown");
	json_object_put(l);
}

static void without_a_bus_there_are_no_modules(void **state)
{
	struct json_object *l = modules_list("/nonexistent/devices");

	assert_non_null(l);
	assert_int_equal(json_object_array_length(l), 0);
	json_object_put(l);
}

static void a_folder_that_is_none_is_an_error(void **state)
{
	errno = 0;
	assert_null(modules_list("/dev/null"));
	assert_int_equal(errno, ENOTDIR);
}

int main(void)
{
#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TREE_TEST(every_attribute_is_shown),
		TREE_TEST(modules_are_sorted),
		TREE_TEST(what_is_missing_is_null),
		TREE_TEST(garbage_is_null),
		TREE_TEST(a_huge_attribute_is_null),
		TREE_TEST(great_counters_are_kept),
		TREE_TEST(an_attribute_that_is_no_file_is_null),
		TREE_TEST(a_file_among_the_modules_is_no_module),
		TREE_TEST(an_unknown_type_has_a_model_unknown),
		cmocka_unit_test(without_a_bus_there_are_no_modules),
		cmocka_unit_test(a_folder_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
