// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reset button: what a press means is told by the times of its events alone. The
 * events come through a pipe, as from an input device.
 */
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "button.h"
#include "reset-button.h"

#define MS 1000LL
#define S 1000000LL

static struct input_event event_of(int64_t at_us, unsigned int type, unsigned int code, int value)
{
	struct input_event e = { .type = (uint16_t)type, .code = (uint16_t)code, .value = value };

	e.input_event_sec = at_us / S;
	e.input_event_usec = at_us % S;
	return e;
}

static enum button_meaning key(struct button *b, int64_t at_us, int value)
{
	struct input_event e = event_of(at_us, EV_KEY, KEY_RESTART, value);

	return button_event(b, &e);
}

static enum button_meaning press(struct button *b, int64_t from_us, int64_t held_us)
{
	assert_int_equal(key(b, from_us, 1), BUTTON_NOTHING);
	return key(b, from_us + held_us, 0);
}

static void a_press_means_what_its_length_says(void **state)
{
	static const struct {
		int64_t held_us;
		enum button_meaning meaning;
	} presses[] = {
		{ 0, BUTTON_NOTHING },	       { 100 * MS, BUTTON_NOTHING },
		{ 3 * S - 1, BUTTON_NOTHING }, { 3 * S, BUTTON_NETWORK },
		{ 10 * S, BUTTON_NETWORK },    { 20 * S - 1, BUTTON_NETWORK },
		{ 20 * S, BUTTON_FACTORY },    { 3600 * S, BUTTON_FACTORY },
		{ -5 * S, BUTTON_NOTHING },
	};

	for (size_t i = 0; i < sizeof(presses) / sizeof(presses[0]); i++) {
		struct button b = { 0 };

		assert_int_equal(press(&b, 100 * S, presses[i].held_us), presses[i].meaning);
		assert_false(b.pressed);
	}
}

static void while_held_it_is_told_when_the_meaning_changes(void **state)
{
	struct button b = { 0 };

	assert_int_equal(button_next_us(&b, 0), INT64_MAX);
	key(&b, 50 * S, 1);
	assert_int_equal(button_next_us(&b, 50 * S), 53 * S);
	assert_int_equal(button_held(&b, 53 * S - 1), BUTTON_NOTHING);
	assert_int_equal(button_held(&b, 53 * S), BUTTON_NETWORK);
	assert_int_equal(button_next_us(&b, 53 * S), 70 * S);
	/* repetitions of the key change nothing */
	assert_int_equal(key(&b, 60 * S, 2), BUTTON_NOTHING);
	assert_int_equal(button_held(&b, 70 * S), BUTTON_FACTORY);
	assert_int_equal(button_next_us(&b, 70 * S), INT64_MAX);
}

static void the_energy_needs_a_second_press_soon_after(void **state)
{
	struct button b = { 0 };

	assert_int_equal(press(&b, 100 * S, 20 * S), BUTTON_FACTORY);
	assert_int_equal(press(&b, 130 * S, 21 * S), BUTTON_ENERGY);
	/* once confirmed, it begins anew */
	assert_int_equal(press(&b, 160 * S, 20 * S), BUTTON_FACTORY);
	/* too late */
	assert_int_equal(press(&b, 220 * S, 20 * S), BUTTON_FACTORY);
	/* another press between takes it back */
	assert_int_equal(press(&b, 241 * S, 1 * S), BUTTON_NOTHING);
	assert_int_equal(press(&b, 243 * S, 20 * S), BUTTON_FACTORY);
}

static void other_keys_and_lost_events_mean_nothing(void **state)
{
	struct button b = { .code = KEY_RESTART };
	struct input_event other = event_of(0, EV_KEY, KEY_POWER, 1);
	struct input_event dropped = event_of(10 * S, EV_SYN, SYN_DROPPED, 0);
	struct input_event report = event_of(11 * S, EV_SYN, SYN_REPORT, 0);

	button_event(&b, &other);
	assert_false(b.pressed);
	assert_int_equal(key(&b, 5 * S, 0), BUTTON_NOTHING);
	key(&b, 6 * S, 1);
	button_event(&b, &dropped);
	assert_int_equal(key(&b, 30 * S, 0), BUTTON_NOTHING);
	button_event(&b, &report);
	assert_int_equal(key(&b, 40 * S, 0), BUTTON_NOTHING);
	assert_int_equal(press(&b, 50 * S, 4 * S), BUTTON_NETWORK);
}

static void random_events_do_no_harm(void **state)
{
	struct button b = { 0 };
	int64_t at_us = 0;

	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		struct input_event e = event_of(at_us, (unsigned int)rand() % 4,
						(unsigned int)rand() % 4, rand() % 4 - 1);
		enum button_meaning meant = button_event(&b, &e);

		assert_true(meant <= BUTTON_ENERGY);
		if (meant != BUTTON_NOTHING)
			assert_true(at_us - b.since_us >= BUTTON_NETWORK_US);
		at_us += rand() % (10 * S);
	}
}

/* What was told while the button was held, and what the program got. */
static enum button_meaning told[8];
static unsigned int tellings;

static void on_held(void *user, enum button_meaning meaning)
{
	if (tellings < 8)
		told[tellings++] = meaning;
}

static char folder[64], fifo[96], program[96], out[96];

static int make_device(void **state)
{
	FILE *f;

	tellings = 0;
	strcpy(folder, "/tmp/button-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(fifo, sizeof(fifo), "%s/event0", folder);
	snprintf(program, sizeof(program), "%s/reset", folder);
	snprintf(out, sizeof(out), "%s/out", folder);
	f = fopen(program, "w");
	fprintf(f, "#!/bin/sh\necho \"$1\" > %s.new && mv %s.new %s\n", out, out, out);
	fclose(f);
	chmod(program, 0755);
	return mkfifo(fifo, 0600);
}

static int remove_device(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void send(int fd, int64_t at_us, int value)
{
	struct input_event e = event_of(at_us, EV_KEY, KEY_RESTART, value);

	assert_int_equal(write(fd, &e, sizeof(e)), sizeof(e));
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * S + t.tv_nsec / 1000;
}

/* Let the loop run until the program has left its word, for 10 s at most. */
static const char *program_said(sd_event *event)
{
	static char text[32];
	int64_t end = now_us() + 10 * S;
	FILE *f;

	while (access(out, F_OK) && now_us() < end)
		sd_event_run(event, 20000);
	f = fopen(out, "r");
	if (!f)
		return "nothing";
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	unlink(out);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void the_program_is_run_and_the_light_is_told(void **state)
{
	struct button_config config = { .device = fifo, .program = program };
	struct reset_button *r;
	int64_t start = now_us();
	sd_event *event;
	int fd;

	assert_true(sd_event_new(&event) >= 0);
	fd = open(fifo, O_RDWR | O_NONBLOCK);
	assert_int_equal(reset_button_open(&r, event, &config, on_held, NULL), 0);
	send(fd, start, 1);
	send(fd, start + 1 * S, 0);
	for (unsigned int i = 0; i < 3; i++)
		sd_event_run(event, S / 20);
	assert_int_equal(access(out, F_OK), -1);
	assert_int_equal(tellings, 0);
	/* pressed 25 s ago: the timer says at once what it meant, and means by now */
	send(fd, now_us() - 25 * S, 1);
	for (unsigned int i = 0; i < 20 && tellings < 2; i++)
		sd_event_run(event, S / 10);
	assert_int_equal(told[0], BUTTON_NETWORK);
	assert_int_equal(told[1], BUTTON_FACTORY);
	send(fd, now_us(), 0);
	assert_string_equal(program_said(event), "factory");
	assert_int_equal(told[tellings - 1], BUTTON_NOTHING);
	reset_button_close(r);
	reset_button_close(NULL);
	close(fd);
	sd_event_unref(event);
}

static void a_device_that_is_missing_or_goes_is_looked_for(void **state)
{
	struct button_config config = { .device = fifo, .program = program };
	struct reset_button *r;
	sd_event *event;
	int fd;

	unlink(fifo);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(reset_button_open(&r, event, &config, on_held, NULL), 0);
	mkfifo(fifo, 0600);
	fd = open(fifo, O_RDWR | O_NONBLOCK);
	send(fd, 100 * S, 1);
	send(fd, 105 * S, 0);
	assert_string_equal(program_said(event), "network");
	reset_button_close(r);
	close(fd);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_press_means_what_its_length_says),
		cmocka_unit_test(while_held_it_is_told_when_the_meaning_changes),
		cmocka_unit_test(the_energy_needs_a_second_press_soon_after),
		cmocka_unit_test(other_keys_and_lost_events_mean_nothing),
		cmocka_unit_test(random_events_do_no_harm),
		cmocka_unit_test_setup_teardown(the_program_is_run_and_the_light_is_told,
						make_device, remove_device),
		cmocka_unit_test_setup_teardown(a_device_that_is_missing_or_goes_is_looked_for,
						make_device, remove_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
