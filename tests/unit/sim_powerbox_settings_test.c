// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Power Box's settings: what each does to the readings, what is refused, what
 * is left after a restart, and how long a save keeps the box busy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "power-box-rig.h"

/* One CT at 230 V, 10 A, 60 degrees lagging: 1150 W, 1991.86 var on its phase. */
#define PLAIN_MAINS "[segment]\nbit_rate = 38400\n[mains]\nfrequency_hz = 50\nvoltage_v = 230\n"
#define ONE_CT                                                                                     \
	"[module hub]\ntype = ct_hub\nbehind = box\nentry = 0\nslots = 0, 1, 2, 3\nserial = 1\n"   \
	"[load motor]\ninputs = hub/A\nphases = L1\ncurrent_a = 10\npf = 0.5 lag\n"
#define BARE "commissioned = no\n"

static int set_up(void **state)
{
	(void)state;
	rig_start(PLAIN_MAINS RIG_BOX BARE ONE_CT);
	return 0;
}

static void restart(void)
{
	struct fault_rule rule = { .kind = FAULT_RESTART, .unit = rig_unit, .rate = 1 };

	assert_int_equal(segment_fault(&rig_segment, &rule, (double)rig_now * 1e-9), 0);
}

static double power(unsigned int channel)
{
	return rig_f32((uint16_t)(0x0100 + 4 * channel));
}

static double reactive(unsigned int channel)
{
	return rig_f32((uint16_t)(0x0180 + 4 * channel));
}

static void channel_without_a_voltage_has_current_but_no_power(void **state)
{
	(void)state;
	assert_int_equal(rig_u16(0x1000), 0);
	rig_near("I", rig_f32(0x0080), 10, 1e-5);
	assert_true(power(0) == 0 && reactive(0) == 0 && rig_f32(0x0300) == 0);
	assert_int_equal(rig_u32(0x0380), 0);
}

static void zero_has_no_sign(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start(PLAIN_MAINS RIG_BOX BARE ONE_CT "reversed = yes\n");
	rig_read(0x0100, 4);
	assert_int_equal(rig_value(0) | rig_value(1) | rig_value(2) | rig_value(3), 0);
	assert_int_equal(rig_u32(0x0380), 0);
	assert_int_equal(rig_u32(0x03c0), 0);
}

/*
 * Phasors by hand: the current is at -60 degrees; the voltages of the codes are at
 * these angles with this size in units of 230 V.
 */
static void each_voltage_code_gives_its_power(void **state)
{
	static const struct {
		uint16_t code;
		double size;
		double degrees;
	} codes[] = {
		{ 0x01, 1, 0 },	       { 0x02, 1, -120 },	{ 0x04, 1, 120 },
		{ 0x10, 1, 180 },      { 0x20, 1, 60 },		{ 0x40, 1, -60 },
		{ 33, 1.7320508, 30 }, { 18, 1.7320508, -150 }, { 66, 1.7320508, -90 },
		{ 36, 1.7320508, 90 }, { 65, 1.7320508, -30 },	{ 20, 1.7320508, 150 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		double s = 2300 * codes[i].size, angle = (codes[i].degrees + 60) * M_PI / 180;

		rig_write(0x1000, codes[i].code);
		assert_int_equal(rig_u16(0x1000), codes[i].code);
		rig_near("P", power(0), s * cos(angle), 1e-3);
		rig_near("Q", reactive(0), s * sin(angle), 1e-3);
		rig_near("S", rig_f32(0x0300), s, 1e-3);
		rig_near("P 100 ms", rig_f32(0x0380), s * cos(angle), 1e-3);
	}
}

static void reversed_transformer_is_set_right_by_a_reversed_code(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start(PLAIN_MAINS RIG_BOX ONE_CT "reversed = yes\n");
	assert_int_equal(rig_u16(0x1000), 16);
	rig_near("P", power(0), 1150, 1e-3);
	rig_write(0x1000, 1);
	rig_near("P", power(0), -1150, 1e-3);
	rig_near("Q", reactive(0), -1991.858, 1e-3);
}

static void slot_map_moves_the_current_not_the_settings(void **state)
{
	(void)state;
	rig_write(0x1000 + 5, 1);
	assert_true(power(5) == 0);
	rig_write(0x1140 + 5, 0);
	rig_near("P of channel 5", power(5), 1150, 1e-3);
	rig_near("I of channel 0", rig_f32(0x0080), 10, 1e-5);
	/* Two channels may show one slot; a slot without a CT shows nothing. */
	rig_write(0x1140, 27);
	assert_true(rig_f32(0x0080) == 0);
	assert_int_equal(rig_u16(0x148a), 0);
}

static void wrong_ct_type_scales_the_current(void **state)
{
	(void)state;
	rig_write(0x1000, 1);
	assert_int_equal(rig_u16(0x1100), 3);
	rig_write(0x1100, 4);
	rig_near("I", rig_f32(0x0080), 20, 1e-5);
	rig_near("P", power(0), 2300, 1e-3);
	rig_near("S", rig_f32(0x0300), 4600, 1e-3);
	rig_near("S1", rig_f32(0x0302), 4600, 1e-3);
	/* Of a Rogowski coil nothing is known beside an SCT02. */
	rig_write(0x1100, 11);
	rig_near("I", rig_f32(0x0080), 10, 1e-5);
}

static void phantom_voltages_are_made_from_the_one_there_is(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start(PLAIN_MAINS RIG_BOX BARE "wired = L1\n" ONE_CT);
	rig_near("U1", rig_f32(0), 230, 1e-4);
	assert_true(rig_f32(4) == 0 && rig_f32(8) == 0);
	rig_write(0x1000, 2);
	assert_true(power(0) == 0);
	rig_write(0x1180, 1);
	rig_near("U2", rig_f32(4), 230, 1e-4);
	rig_near("U3", rig_f32(8), 230, 1e-4);
	rig_near("P at -120", power(0), 2300 * cos(-60 * M_PI / 180), 1e-3);
	rig_near("Q at -120", reactive(0), 2300 * sin(-60 * M_PI / 180), 1e-3);
	rig_write(0x1000, 4);
	rig_near("P at 120", power(0), -2300, 1e-3);
	rig_write(0x1180, 2);
	rig_near("U2", rig_f32(4), 230, 1e-4);
	assert_true(rig_f32(8) == 0);
	rig_write(0x1000, 2);
	rig_near("P at 180", power(0), -1150, 1e-3);
	/* Between the lines of a split phase there is twice the voltage. */
	rig_write(0x1000, 33);
	rig_near("P L1-L2", power(0), 2300, 1e-3);
}

static void phantom_has_the_wave_shape_of_its_origin(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start("[mains]\nfrequency_hz = 50\nvoltage_v = 230\nharmonic.3 = 50 %\n" RIG_BOX BARE
		  "wired = L1\nphantom = 1\n" ONE_CT);
	rig_near("U2", rig_f32(4), 230 * sqrt(1.25), 1e-4);
	/* Third harmonics are in phase: there is none between the lines. */
	rig_write(0x1000, 33);
	rig_near("S L1-L2", rig_f32(0x0300), 2300 * sqrt(3), 1e-3);
}

static void star_point_takes_away_what_all_phases_have(void **state)
{
	(void)state;
	rig_stop(NULL);
	rig_start("[mains]\nfrequency_hz = 50\nvoltage_v = 230\nharmonic.3 = 50 %\n" RIG_BOX BARE
			  ONE_CT);
	rig_near("U1", rig_f32(0), 230 * sqrt(1.25), 1e-4);
	rig_write(0x1180, 3);
	rig_near("U1", rig_f32(0), 230, 1e-4);
	rig_near("U3", rig_f32(8), 230, 1e-4);
}

static void virtual_meters_add_the_channels_of_their_mask(void **state)
{
	static const uint16_t mask[] = { 56, 0 };

	(void)state;
	rig_stop(NULL);
	rig_start(RIG_HEAD RIG_BOX RIG_CTS RIG_LOADS);
	/* Commissioned: one for each load. */
	assert_int_equal(rig_u32(0x1400), 1 << 3 | 1 << 4 | 1 << 5);
	assert_int_equal(rig_u32(0x1402), 1 << 6);
	rig_near("load", rig_f32(0x03c0), rig_f32(0x0386) + rig_f32(0x0388) + rig_f32(0x038a),
		 1e-3);
	rig_near("load", rig_f32(0x03c2), rig_f32(0x038c), 1e-3);
	/* The last one, with a channel of the high word. */
	rig_write(0x1434, 1 << 6);
	rig_write(0x1435, 1 << 11);
	assert_int_equal(rig_u32(0x1434), 1 << 6 | 1 << 27);
	rig_near("last", rig_f32(0x03f4), rig_f32(0x038c), 1e-3);
	assert_int_equal(rig_write_many(0x1402, 2, mask), 8);
	assert_int_equal(rig_u32(0x1402), 56);
	rig_near("again", rig_f32(0x03c2), rig_f32(0x03c0), 1e-9);
}

static void energy_follows_a_setting_from_the_moment_it_is_written(void **state)
{
	(void)state;
	rig_now = 3600000000000;
	assert_int_equal(rig_u32(0x3000), 0);
	rig_write(0x1000, 1);
	rig_now = 7200000000000;
	rig_write(0x1000, 16);
	rig_near("import", rig_u32(0x3000), 1150, 1);
	assert_int_equal(rig_u32(0x3002), 0);
	rig_now = 10800000000000;
	rig_near("import", rig_u32(0x3000), 1150, 1);
	rig_near("export", rig_u32(0x3002), 1150, 1);
	/* A restart takes no energy away, nor what was counted since the last read. */
	rig_now = 14400000000000;
	restart();
	rig_wait(1);
	rig_near("import", rig_u32(0x3000), 1150, 1);
	rig_near("export", rig_u32(0x3002), 2300, 1);
}

static void unit_address_moves(void **state)
{
	(void)state;
	assert_int_equal(rig_u16(0x1181), 61);
	/* The answer to the write still has the old one. */
	rig_write(0x1181, 17);
	assert_int_equal(rig_function(3, 0x1620, 1), 0);
	rig_unit = 17;
	assert_int_equal(rig_u16(0x1620), 5400);
	restart();
	rig_wait(0.5);
	assert_int_equal(rig_function(3, 0x1620, 1), 0);
	rig_unit = 61;
	assert_int_equal(rig_u16(0x1620), 5400);
}

static void unsaved_settings_are_lost_at_a_restart(void **state)
{
	(void)state;
	rig_write(0x1000, 2);
	rig_write(0xfde8, 1);
	rig_wait(0.25);
	rig_write(0x1000, 4);
	rig_write(0x1140, 9);
	rig_write(0x1180, 3);
	restart();
	assert_int_equal(rig_function(3, 0x1000, 1), 0);
	rig_wait(0.3);
	assert_int_equal(rig_u16(0x1000), 2);
	assert_int_equal(rig_u16(0x1140), 0);
	assert_int_equal(rig_u16(0x1180), 0);
	rig_wait(0.2);
	rig_near("P", power(0), 2300 * cos(-60 * M_PI / 180), 1e-3);
}

static void box_is_busy_after_a_save(void **state)
{
	int64_t saved;

	(void)state;
	rig_write(0xfde8, 1);
	saved = rig_now;
	rig_function(3, 0x1620, 1);
	rig_refused(3, SMAPPEE_EX_BUSY);
	rig_write_many(0x1000, 1, (const uint16_t[]){ 1 });
	rig_refused(16, SMAPPEE_EX_BUSY);
	while (rig_function(3, 0x1620, 1) == 5) {
		rig_refused(3, SMAPPEE_EX_BUSY);
		rig_wait(0.01);
	}
	assert_int_equal(rig_len, 7);
	rig_near("busy", (double)(rig_now - saved) * 1e-9, 0.2, 0.02);
	/* The quarter of a second that a shipping driver waits is enough. */
	rig_write(0xfde8, 1);
	rig_wait(0.25);
	assert_int_equal(rig_u16(0x1000), 0);
}

static void wrong_writes_change_nothing(void **state)
{
	static const struct {
		uint16_t address;
		uint16_t value;
		uint8_t code;
	} wrong[] = {
		{ 0x1000, 3, 3 },      { 0x1000, 0x101, 3 }, { 0x1000, 17, 3 }, { 0x1100, 16, 3 },
		{ 0x1140, 28, 3 },     { 0x1180, 4, 3 },     { 0x1181, 0, 3 },	{ 0x1181, 248, 3 },
		{ 0x1401, 0x1000, 3 }, { 0x0900, 2, 3 },     { 0xfde8, 0, 3 },	{ 0x101c, 1, 2 },
		{ 0x111c, 1, 2 },      { 0x115c, 1, 2 },     { 0x1182, 1, 2 },	{ 0x1436, 1, 2 },
		{ 0x091c, 1, 2 },      { 0x0000, 1, 2 },     { 0x1620, 1, 2 },	{ 0x148a, 1, 2 },
		{ 0x3000, 1, 2 },
	};
	uint16_t several[28];

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rig_write_many(wrong[i].address, 1, &wrong[i].value);
		rig_refused(16, wrong[i].code);
	}
	/* The 27 good ones before it are not written either. */
	for (unsigned int i = 0; i < 28; i++)
		several[i] = i < 27 ? 5 : 28;
	rig_write_many(0x1140, 28, several);
	rig_refused(16, SMAPPEE_EX_ILLEGAL_VALUE);
	rig_read(0x1140, 28);
	for (unsigned int i = 0; i < 28; i++)
		assert_int_equal(rig_value(i), i);
}

static void identify_flashes_and_ends_by_itself(void **state)
{
	const struct power_box *b;

	(void)state;
	b = rig_segment.module[0].box;
	rig_write(0x0902, 1);
	assert_true(power_box_identifies(b, 2, (double)rig_now * 1e-9));
	assert_false(power_box_identifies(b, 1, (double)rig_now * 1e-9));
	assert_int_equal(rig_u16(0x0902), 0);
	assert_false(power_box_identifies(b, 2, (double)rig_now * 1e-9 + 31));
	rig_write(0x0902, 0);
	assert_false(power_box_identifies(b, 2, (double)rig_now * 1e-9));
}

static void first_readings_come_with_the_first_tick(void **state)
{
	(void)state;
	rig_now = 10000000;
	assert_int_equal(rig_u32(0x0000), 0);
	rig_now = 101000000;
	rig_near("U", rig_f32(0x0000), 230, 1e-4);
	rig_near("I", rig_f32(0x0080), 10, 1e-5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(channel_without_a_voltage_has_current_but_no_power),
		TEST(zero_has_no_sign),
		TEST(each_voltage_code_gives_its_power),
		TEST(reversed_transformer_is_set_right_by_a_reversed_code),
		TEST(slot_map_moves_the_current_not_the_settings),
		TEST(wrong_ct_type_scales_the_current),
		TEST(phantom_voltages_are_made_from_the_one_there_is),
		TEST(phantom_has_the_wave_shape_of_its_origin),
		TEST(star_point_takes_away_what_all_phases_have),
		TEST(virtual_meters_add_the_channels_of_their_mask),
		TEST(energy_follows_a_setting_from_the_moment_it_is_written),
		TEST(unit_address_moves),
		TEST(unsaved_settings_are_lost_at_a_restart),
		TEST(box_is_busy_after_a_save),
		TEST(wrong_writes_change_nothing),
		TEST(identify_flashes_and_ends_by_itself),
		TEST(first_readings_come_with_the_first_tick),
	};

	return cmocka_run_group_tests_name("sim_powerbox_settings", tests, NULL, NULL);
}
