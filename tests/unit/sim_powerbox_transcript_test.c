// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a shipping driver asks a Power Box, frame by frame: the search, the set-up,
 * the polls, identify and a change of phase, against the installation of the
 * public dump; and how much of that a line of 38400 bit/s carries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "power-box-rig.h"

#define BARE_DUMP RIG_HEAD RIG_BOX "commissioned = no\n" RIG_CTS RIG_LOADS

static int set_up(void **state)
{
	(void)state;
	rig_start(BARE_DUMP);
	return 0;
}

/**
 * struct step - one request and what must come
 * @function: 3, 4, 8 or 16
 * @unit: asked
 * @address: first register
 * @count: how many
 * @given: 16: values written, a pointer to @count, or NULL for 0, 1, 2 ...
 * @answer: bytes that must come
 * @first: 3: value of the first register, -1 for any
 */
struct step {
	uint8_t function;
	uint8_t unit;
	uint16_t address;
	uint16_t count;
	const uint16_t *given;
	size_t answer;
	int first;
};

static void play(const struct step *s)
{
	uint16_t values[28];

	rig_unit = s->unit;
	for (unsigned int i = 0; i < 28; i++)
		values[i] = (uint16_t)i;
	if (s->function == 16)
		rig_write_many(s->address, s->count, s->given ? s->given : values);
	else
		rig_function(s->function, s->address, s->count);
	if (rig_len != s->answer || (rig_len && !frame_intact(rig_got, rig_len)))
		fail_msg("unit %u function %u 0x%04x x%u: %zu bytes, expected %zu", s->unit,
			 s->function, s->address, s->count, rig_len, s->answer);
	if (s->function == 3 && s->first >= 0 && rig_value(0) != s->first)
		fail_msg("0x%04x: %u, expected %d", s->address, rig_value(0), s->first);
	if (s->answer == 5)
		assert_int_equal(rig_got[2], SMAPPEE_EX_ILLEGAL_FUNCTION);
	if (!s->answer)
		rig_wait(0.1);
}

#define READ(address, count, first) { 3, 61, address, count, NULL, 5 + 2 * (count), first }
#define WRITE(address, count, values) { 16, 61, address, count, values, 8, -1 }

static void run(const struct step *steps, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		play(&steps[i]);
}

#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

static void search(void)
{
	static const struct step steps[] = {
		{ 3, 1, 0x1620, 1, NULL, 0, -1 },
		{ 3, 2, 0x1620, 1, NULL, 0, -1 },
		{ 3, 10, 0x1620, 1, NULL, 0, -1 },
		READ(0x8960, 2, 0),
		{ 4, 61, 0x0302, 6, NULL, 5, -1 },
		READ(0x0300, 2, -1),
		READ(0x1620, 1, 5400),
	};
	const uint8_t diagnostic[] = { 0, 8, 0, 0, 0x55, 0x55 };

	for (unsigned int i = 0; i < 12; i++) {
		assert_int_equal(rig_ask(diagnostic, sizeof(diagnostic)), 0);
		rig_wait(0.1);
	}
	RUN(steps);
}

/* Walk the device table as that driver does; gives the slots of all CTs. */
static unsigned int walk_table(uint16_t *slot, bool any_phase)
{
	unsigned int cts = 0, phases = 0;

	for (unsigned int n = 0; n < 10; n++) {
		uint16_t base = (uint16_t)(0x1480 + 0x20 * n), slots;

		if (!rig_u16(base))
			continue;
		slots = rig_u16(base + 1);
		for (unsigned int s = 0; s < slots; s++) {
			slot[cts] = rig_u16((uint16_t)(base + (s > 7 ? 0x0b : 0x0a) + s));
			phases += rig_u16(0x1000 + slot[cts]) != 0;
			cts++;
		}
	}
	assert_int_equal(phases != 0, any_phase);
	return cts;
}

static void set_up_box(bool any_phase)
{
	static const uint16_t mask[] = { 56, 0 }, one = 1;
	static const struct step before[] = { READ(0x1624, 2, 76), WRITE(0x1140, 28, NULL) };
	static const struct step after[] = { WRITE(0x1400, 2, mask), WRITE(0xfde8, 1, &one) };
	static const uint16_t expected[] = { 3, 4, 5, 6, 7, 8, 9 };
	uint16_t slot[28];

	RUN(before);
	assert_int_equal(walk_table(slot, any_phase), 7);
	assert_memory_equal(slot, expected, sizeof(expected));
	for (unsigned int i = 0; i < 3 && !any_phase; i++) {
		uint16_t code = (uint16_t)(1 << i);

		play(&(struct step)WRITE((uint16_t)(0x1000 + slot[i]), 1, &code));
	}
	RUN(after);
	rig_wait(0.25);
}

static void info(void)
{
	static const struct step steps[] = {
		READ(0x1620, 4, 5400), READ(0x1624, 2, 76),   READ(0x03f6, 2, 0),
		READ(0x1180, 1, 0),    READ(0x1003, 1, 1),    READ(0x1103, 1, 12),
		READ(0x1004, 1, 2),    READ(0x1104, 1, 12),   READ(0x1005, 1, 4),
		READ(0x1105, 1, 12),   READ(0x1006, 1, 0),    READ(0x1106, 1, 3),
		READ(0x14a0, 1, 5600), READ(0x14a1, 1, 3),    READ(0x14a0, 4, 5600),
		READ(0x14a4, 2, 30),   READ(0x14aa, 1, 3),    READ(0x14ab, 1, 4),
		READ(0x14ac, 1, 5),    READ(0x14c0, 1, 5500), READ(0x14c0, 4, 5500),
		READ(0x14c4, 2, 41),   READ(0x14ca, 1, 6),
	};

	RUN(steps);
}

static void full_set(void)
{
	static const struct step steps[] = {
		READ(0x0000, 10, -1), READ(0x008c, 10, -1),    READ(0x0386, 6, -1),
		READ(0x03c0, 2, -1),  READ(0x03f8, 2, 0xf9db), READ(0x300c, 12, -1),
		READ(0x3100, 4, -1),
	};

	RUN(steps);
}

static void fast_set(void)
{
	static const struct step steps[] = { READ(0x0386, 6, -1), READ(0x03c0, 2, -1) };

	RUN(steps);
}

static void session_of_a_shipping_driver_is_answered(void **state)
{
	static const uint16_t one = 1, none = 0;
	double sum = 0;

	(void)state;
	search();
	set_up_box(false);
	info();
	full_set();
	for (unsigned int i = 0; i < 3; i++)
		sum += rig_f32((uint16_t)(0x0386 + 2 * i));
	rig_near("virtual meter", rig_f32(0x03c0), sum, 1e-3);
	fast_set();
	/* Identify, then the hub's first CT takes the place of the solid core's. */
	play(&(struct step)WRITE(0x0906, 1, &one));
	play(&(struct step)WRITE(0x1006, 1, &one));
	play(&(struct step)WRITE(0x1003, 1, &none));
	set_up_box(true);
	play(&(struct step)WRITE(0x1400, 2, ((const uint16_t[]){ 112, 0 })));
	sum = rig_f32(0x0388) + rig_f32(0x038a) + rig_f32(0x038c);
	rig_near("virtual meter", rig_f32(0x03c0), sum, 1e-3);
	assert_int_equal(rig_segment.exceptions, 1);
	assert_int_equal(rig_segment.damaged, 0);
}

static void old_firmware_says_so(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start("[mains]\nvoltage_v = 230\n"
		  "[module box]\ntype = power_box\nserial = 1\nfirmware = 1.43\n");
	rig_read(0x1624, 2);
	assert_int_equal(rig_value(0), 43);
	assert_int_equal(rig_value(1), 1);
}

/* Seconds that @rounds rounds of @poll take, one request right after another. */
static double seconds_of(void (*poll)(void), unsigned int rounds)
{
	int64_t start = rig_now;

	for (unsigned int i = 0; i < rounds; i++)
		poll();
	return (double)(rig_now - start) * 1e-9;
}

static void all_powers(void)
{
	rig_read(0x0380, 56);
}

static void everything(void)
{
	rig_read(0x0000, 10);
	rig_read(0x0080, 112);
	rig_read(0x0100, 112);
	rig_read(0x0180, 112);
	rig_read(0x0300, 112);
	rig_read(0x03f8, 2);
	rig_read(0x3000, 112);
}

static void line_carries_twenty_eight_channels_ten_times_a_second(void **state)
{
	double fast, all, slow;

	(void)state;
	rig_unit = 61;
	fast = seconds_of(fast_set, 10);
	all = seconds_of(all_powers, 10);
	slow = seconds_of(everything, 1);
	print_message("two short polls a tick, as a shipping driver: %.1f requests/s, %.1f %% of "
		      "the line at 10 Hz\n",
		      20 / fast, 100 * fast);
	print_message("100 ms power of 28 channels: %.2f ms, %.1f reads/s, %.1f %% at 10 Hz\n",
		      100 * all, 10 / all, 100 * all);
	print_message("all other readings of 28 channels: %.1f ms\n", 1000 * slow);
	assert_true(20 / fast > 20);
	/* Both in every tick, and all else once a second. */
	assert_true(all + slow < 0.8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session_of_a_shipping_driver_is_answered),
		TEST(old_firmware_says_so),
		TEST(line_carries_twenty_eight_channels_ten_times_a_second),
	};

	return cmocka_run_group_tests_name("sim_powerbox_transcript", tests, NULL, NULL);
}
