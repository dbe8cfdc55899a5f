// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gateway's light: which state is shown in which state of things, how each looks,
 * and what is written to the LED on the way from any state to any other.
 */
#include <errno.h>
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

#include "lamp.h"
#include "light-led.h"
#include "light.h"

static char led[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", led, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *get(const char *name)
{
	static char text[256];
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", led, name);
	f = fopen(path, "r");
	if (!f)
		return "missing";
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static int make_led(void **state)
{
	strcpy(led, "/tmp/light-test-XXXXXX");
	if (!mkdtemp(led))
		return -1;
	put("max_brightness", "255\n");
	put("multi_index", "green red blue\n");
	put("multi_intensity", "");
	put("trigger", "");
	put("pattern", "");
	put("brightness", "");
	return 0;
}

static int remove_led(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", led);
	return system(command);
}

/* The requirements, written down once more: what the LED gets in each state. */
static const struct wanted {
	enum light_state state;
	const char *intensity; /* green red blue */
	const char *pattern;   /* NULL: steady */
} wanted[] = {
	{ LIGHT_STARTING, "0 0 255", NULL },
	{ LIGHT_SETUP, "0 0 255", "255 500 255 0 0 500 0 0" },
	{ LIGHT_NOT_ACTIVATED, "255 0 0", NULL },
	{ LIGHT_IN_ORDER, "255 0 0", "0 1500 255 1500" },
	{ LIGHT_NO_CONNECTION, "0 255 0", NULL },
	{ LIGHT_CONNECTION_LOST, "0 255 0", "255 500 255 0 0 500 0 0" },
	{ LIGHT_HOTSPOT, "160 255 0", NULL },
	{ LIGHT_MOBILE_SEARCHING, "255 0 255", "255 500 255 0 0 500 0 0" },
	{ LIGHT_MOBILE_GOOD, "255 0 0", "0 1500 255 1500" },
	{ LIGHT_MOBILE_MIDDLING, "160 255 0", "0 1500 255 1500" },
	{ LIGHT_MOBILE_POOR, "0 255 0", "0 1500 255 1500" },
	{ LIGHT_RESET_NETWORK, "0 0 255", "255 125 255 0 0 125 0 0" },
	{ LIGHT_RESET_FACTORY, "0 255 0", "255 125 255 0 0 125 0 0" },
};

#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static void check_led(const struct wanted *w)
{
	assert_string_equal(get("multi_intensity"), w->intensity);
	assert_string_equal(get("trigger"), w->pattern ? "pattern" : "none");
	assert_string_equal(w->pattern ? get("pattern") : get("brightness"),
			    w->pattern ? w->pattern : "255");
}

static void every_transition_leaves_the_led_as_the_table_says(void **state)
{
	assert_int_equal(WANTED, LIGHT_STATES);
	for (size_t from = 0; from < WANTED; from++) {
		for (size_t to = 0; to < WANTED; to++) {
			assert_int_equal(wanted[to].state, to);
			assert_int_equal(light_led_show(led, light_look(wanted[from].state)), 0);
			check_led(&wanted[from]);
			assert_int_equal(light_led_show(led, light_look(wanted[to].state)), 0);
			check_led(&wanted[to]);
		}
	}
}

/* One step of the story of a gateway: what changes, and what is seen then. */
static void a_gateway_lives_through_all_states(void **state)
{
	struct light_inputs in = { .upstream = false };

	assert_int_equal(light_state(&in), LIGHT_STARTING);
	in.waited = true;
	assert_int_equal(light_state(&in), LIGHT_NO_CONNECTION);
	in.hotspot = true;
	assert_int_equal(light_state(&in), LIGHT_HOTSPOT);
	in.setup = true;
	assert_int_equal(light_state(&in), LIGHT_HOTSPOT);
	in.hotspot = false;
	assert_int_equal(light_state(&in), LIGHT_SETUP);
	in.setup = false;
	in.network = in.had_network = true;
	assert_int_equal(light_state(&in), LIGHT_STARTING);
	in.measuring = true;
	assert_int_equal(light_state(&in), LIGHT_NOT_ACTIVATED);
	in.upstream = in.had_upstream = true;
	assert_int_equal(light_state(&in), LIGHT_IN_ORDER);
	in.upstream = false;
	assert_int_equal(light_state(&in), LIGHT_CONNECTION_LOST);
	in.upstream = true;
	in.network = false;
	assert_int_equal(light_state(&in), LIGHT_CONNECTION_LOST);
	in.mobile = LIGHT_MODEM_SEARCHING;
	assert_int_equal(light_state(&in), LIGHT_MOBILE_SEARCHING);
	in.network = true;
	in.mobile = LIGHT_MODEM_GOOD;
	assert_int_equal(light_state(&in), LIGHT_MOBILE_GOOD);
	in.mobile = LIGHT_MODEM_MIDDLING;
	assert_int_equal(light_state(&in), LIGHT_MOBILE_MIDDLING);
	in.mobile = LIGHT_MODEM_POOR;
	assert_int_equal(light_state(&in), LIGHT_MOBILE_POOR);
	in.reset = LIGHT_RESET_OF_NETWORK;
	assert_int_equal(light_state(&in), LIGHT_RESET_NETWORK);
	in.reset = LIGHT_RESET_TO_FACTORY;
	assert_int_equal(light_state(&in), LIGHT_RESET_FACTORY);
}

static struct light_inputs inputs(unsigned int n)
{
	struct light_inputs in = {
		.hotspot = n & 1,
		.setup = n >> 1 & 1,
		.measuring = n >> 2 & 1,
		.waited = n >> 3 & 1,
		.network = n >> 4 & 1,
		.had_network = n >> 5 & 1,
		.upstream = n >> 6 & 1,
		.had_upstream = n >> 7 & 1,
		.reset = (n >> 8) % 3,
		.mobile = (n >> 8) / 3 % 5,
	};

	return in;
}

/* All states of things there are: what a colour claims is true. */
static void no_state_of_things_is_shown_as_another(void **state)
{
	unsigned int seen[LIGHT_STATES] = { 0 };

	for (unsigned int n = 0; n < 256 * 15; n++) {
		struct light_inputs in = inputs(n);
		enum light_state s = light_state(&in);
		const struct light_look *look = light_look(s);

		assert_true(s < LIGHT_STATES);
		seen[s]++;
		if (in.reset != LIGHT_RESET_NONE)
			assert_true(s >= LIGHT_RESET_NETWORK);
		else if (look->shape == LIGHT_BREATHING)
			assert_true(in.network && in.measuring && in.upstream && !in.setup &&
				    !in.hotspot);
		else if (s == LIGHT_CONNECTION_LOST)
			assert_true((in.had_network && !in.network) ||
				    (in.had_upstream && !in.upstream));
		else if (s == LIGHT_NO_CONNECTION)
			assert_true(in.waited && !in.network && !in.had_network);
		else if (s == LIGHT_NOT_ACTIVATED)
			assert_true(in.network && !in.upstream && !in.had_upstream);
	}
	for (unsigned int s = 0; s < LIGHT_STATES; s++)
		assert_true(seen[s] > 0);
}

static void a_led_that_is_on_or_off_flashes_instead_of_breathing(void **state)
{
	put("max_brightness", "1\n");
	assert_int_equal(light_led_show(led, light_look(LIGHT_MOBILE_MIDDLING)), 0);
	assert_string_equal(get("multi_intensity"), "1 1 0");
	assert_string_equal(get("pattern"), "1 1500 1 0 0 1500 0 0");
	assert_int_equal(light_led_show(led, light_look(LIGHT_STARTING)), 0);
	assert_string_equal(get("brightness"), "1");
}

static void a_led_that_is_not_right_is_an_error_and_no_harm(void **state)
{
	char path[128];

	assert_int_equal(light_led_show("/nowhere/at/all", light_look(LIGHT_STARTING)), -ENOENT);
	put("multi_index", "red green\n");
	assert_int_equal(light_led_show(led, light_look(LIGHT_STARTING)), -EINVAL);
	put("multi_index", "red green blue\n");
	put("max_brightness", "x\n");
	assert_int_equal(light_led_show(led, light_look(LIGHT_STARTING)), -EINVAL);
	put("max_brightness", "255\n");
	snprintf(path, sizeof(path), "%s/pattern", led);
	unlink(path);
	/* the trigger's file comes when udev has been there */
	assert_int_equal(light_led_show(led, light_look(LIGHT_IN_ORDER)), -ENOENT);
	put("pattern", "");
	assert_int_equal(light_led_show(led, light_look(LIGHT_IN_ORDER)), 0);
}

static void the_network_is_what_files_say(void **state)
{
	char net[96], file[96], command[256];
	struct light_config config = { .network_file = file, .interfaces = net };
	struct light_inputs in = { .measuring = true };

	snprintf(net, sizeof(net), "%s/net", led);
	snprintf(file, sizeof(file), "%s/network", led);
	lamp_network(&config, &in);
	assert_true(!in.network && !in.hotspot && !in.setup && !in.mobile && in.measuring);
	snprintf(command, sizeof(command), "mkdir -p %s/lo %s/eth0", net, net);
	assert_int_equal(system(command), 0);
	put("net/lo/operstate", "unknown\n");
	put("net/eth0/operstate", "down\n");
	lamp_network(&config, &in);
	assert_false(in.network);
	put("net/eth0/operstate", "up\n");
	put("network", "hotspot setup poor\n");
	lamp_network(&config, &in);
	assert_true(in.network && in.hotspot && in.setup && in.mobile == LIGHT_MODEM_POOR);
	put("network", "searching nonsense\n");
	lamp_network(&config, &in);
	assert_true(!in.hotspot && !in.setup && in.mobile == LIGHT_MODEM_SEARCHING);
}

/* What the lamp is told by the daemon. */
static bool upstream;

static void ask(void *user, struct light_inputs *in)
{
	in->measuring = true;
	in->upstream = upstream;
}

static void the_lamp_follows_and_a_missing_led_is_no_matter(void **state)
{
	char net[96], file[96], device[64];
	struct light_config config = { .device = device, .network_file = file, .interfaces = net };
	struct lamp *lamp;
	sd_event *event;

	snprintf(device, sizeof(device), "%s", "/nowhere/at/all");
	snprintf(net, sizeof(net), "%s/none", led);
	snprintf(file, sizeof(file), "%s/network", led);
	put("network", "setup\n");
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(lamp_open(&lamp, event, &config, ask, NULL), 0);
	assert_true(sd_event_run(event, 2000000) > 0);
	assert_string_equal(get("trigger"), "");
	/* it comes, as after a module was loaded */
	snprintf(device, sizeof(device), "%s", led);
	lamp_reset(lamp, LIGHT_RESET_NONE);
	check_led(&wanted[LIGHT_SETUP]);
	lamp_reset(lamp, LIGHT_RESET_OF_NETWORK);
	check_led(&wanted[LIGHT_RESET_NETWORK]);
	lamp_reset(lamp, LIGHT_RESET_NONE);
	check_led(&wanted[LIGHT_SETUP]);
	lamp_reset(NULL, LIGHT_RESET_NONE);
	lamp_close(lamp);
	lamp_close(NULL);
	sd_event_unref(event);
}

int main(void)
{
#define WITH_LED(test) cmocka_unit_test_setup_teardown(test, make_led, remove_led)
	const struct CMUnitTest tests[] = {
		WITH_LED(every_transition_leaves_the_led_as_the_table_says),
		cmocka_unit_test(a_gateway_lives_through_all_states),
		cmocka_unit_test(no_state_of_things_is_shown_as_another),
		WITH_LED(a_led_that_is_on_or_off_flashes_instead_of_breathing),
		WITH_LED(a_led_that_is_not_right_is_an_error_and_no_harm),
		WITH_LED(the_network_is_what_files_say),
		WITH_LED(the_lamp_follows_and_a_missing_led_is_no_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
