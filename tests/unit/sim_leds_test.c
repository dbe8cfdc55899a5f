// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lights of simulated modules: which registers there are, what they show, and
 * when a module takes its lights back.
 */
#include "leds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct leds leds;

static int a_hub(void **state)
{
	leds_init(&leds, SMAPPEE_TYPE_OPEN_CT_HUB, 4);
	return 0;
}

static uint8_t set(double t, unsigned int led, uint16_t what)
{
	return leds_write(&leds, t, SMAPPEE_REG_LED + led, 1, &what);
}

static void a_module_has_a_status_led_and_those_of_its_inputs(void **state)
{
	static const struct {
		uint16_t type;
		unsigned int channels, leds;
	} of[] = {
		{ SMAPPEE_TYPE_OPEN_VOLTAGE, 3, 1 },	{ SMAPPEE_TYPE_OPEN_CT_HUB, 4, 5 },
		{ SMAPPEE_TYPE_OPEN_SOLID_CORE, 3, 4 }, { SMAPPEE_TYPE_OPEN_INPUT, 4, 5 },
		{ SMAPPEE_TYPE_OPEN_OUTPUT, 2, 1 },
	};
	uint16_t values[SMAPPEE_LEDS_MAX + 2];

	for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		leds_init(&leds, of[i].type, of[i].channels);
		assert_int_equal(leds_read(&leds, 1, SMAPPEE_REG_LEDS, 1 + of[i].leds, values), 0);
		assert_int_equal(values[0], of[i].leds);
		assert_int_equal(leds_read(&leds, 1, SMAPPEE_REG_LEDS, 2 + of[i].leds, values),
				 SMAPPEE_EX_ILLEGAL_ADDRESS);
		assert_int_equal(set(1, of[i].leds, SMAPPEE_LED_ON), SMAPPEE_EX_ILLEGAL_ADDRESS);
	}
	assert_true(leds_registers(SMAPPEE_REG_LEDS));
	assert_false(leds_registers(SMAPPEE_REG_LEDS - 1));
	assert_false(leds_registers(SMAPPEE_REG_LED + SMAPPEE_LEDS_MAX));
}

static void only_what_a_led_can_do_is_taken_all_or_nothing(void **state)
{
	static const uint16_t some[] = { SMAPPEE_LED_ON, SMAPPEE_LED_TWO + 1 };
	uint16_t values[2] = { 9, 9 };

	assert_int_equal(set(1, 0, SMAPPEE_LED_TWO + 1), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_int_equal(leds_write(&leds, 1, SMAPPEE_REG_LED, 2, some), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_int_equal(leds_write(&leds, 1, SMAPPEE_REG_LEDS, 1, some),
			 SMAPPEE_EX_ILLEGAL_ADDRESS);
	assert_int_equal(leds_read(&leds, 1, SMAPPEE_REG_LED, 2, values), 0);
	assert_int_equal(values[0], SMAPPEE_LED_MODULE);
	assert_int_equal(values[1], SMAPPEE_LED_MODULE);
	for (uint16_t what = 0; what <= SMAPPEE_LED_TWO; what++) {
		assert_int_equal(set(1, 2, what), 0);
		assert_int_equal(leds_shown(&leds, 1, 2, 0), what ? what : SMAPPEE_LED_OFF);
	}
}

static void the_status_led_tells_whether_somebody_asks(void **state)
{
	leds_request(&leds, 10);
	assert_int_equal(leds_shown(&leds, 14.9, 0, 0), SMAPPEE_LED_SLOW);
	assert_int_equal(leds_shown(&leds, 15, 0, 0), SMAPPEE_LED_ONE);
	leds_request(&leds, 15.1);
	assert_int_equal(leds_shown(&leds, 15.2, 0, 0), SMAPPEE_LED_SLOW);
}

static void inputs_are_lit_while_closed_and_ct_inputs_are_dark(void **state)
{
	assert_int_equal(leds_shown(&leds, 1, 1, 0xffff), SMAPPEE_LED_OFF);
	leds_init(&leds, SMAPPEE_TYPE_OPEN_INPUT, 4);
	assert_int_equal(leds_shown(&leds, 1, 1, 0x2), SMAPPEE_LED_OFF);
	assert_int_equal(leds_shown(&leds, 1, 2, 0x2), SMAPPEE_LED_ON);
	assert_int_equal(set(1, 2, SMAPPEE_LED_OFF), 0);
	assert_int_equal(leds_shown(&leds, 1, 2, 0x2), SMAPPEE_LED_OFF);
}

static void a_restart_and_60_s_without_a_request_leave_no_light(void **state)
{
	leds_request(&leds, 1);
	assert_int_equal(set(1, 3, SMAPPEE_LED_IDENTIFY), 0);
	assert_int_equal(leds_shown(&leds, 60.9, 3, 0), SMAPPEE_LED_IDENTIFY);
	assert_int_equal(leds_shown(&leds, 61, 3, 0), SMAPPEE_LED_OFF);
	leds_request(&leds, 70);
	assert_int_equal(set(70, 3, SMAPPEE_LED_IDENTIFY), 0);
	/* the request that comes after the minute does not save them */
	leds_request(&leds, 131);
	assert_int_equal(leds_shown(&leds, 131, 3, 0), SMAPPEE_LED_OFF);
	assert_int_equal(set(132, 3, SMAPPEE_LED_IDENTIFY), 0);
	leds_restart(&leds, 133);
	assert_int_equal(leds_shown(&leds, 133, 3, 0), SMAPPEE_LED_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_module_has_a_status_led_and_those_of_its_inputs, a_hub),
		cmocka_unit_test_setup(only_what_a_led_can_do_is_taken_all_or_nothing, a_hub),
		cmocka_unit_test_setup(the_status_led_tells_whether_somebody_asks, a_hub),
		cmocka_unit_test_setup(inputs_are_lit_while_closed_and_ct_inputs_are_dark, a_hub),
		cmocka_unit_test_setup(a_restart_and_60_s_without_a_request_leave_no_light, a_hub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
