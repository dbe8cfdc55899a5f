// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lights of open modules. Time is looked at when somebody asks.
 */
#include "leds.h"

#include <string.h>

void leds_init(struct leds *leds, uint16_t type, unsigned int channels)
{
	bool has_inputs = type == SMAPPEE_TYPE_OPEN_CT_HUB ||
			  type == SMAPPEE_TYPE_OPEN_SOLID_CORE || type == SMAPPEE_TYPE_OPEN_INPUT;

	*leds = (struct leds){ .count = 1 };
	leds->by_input = type == SMAPPEE_TYPE_OPEN_INPUT;
	if (has_inputs)
		leds->count += channels < SMAPPEE_LEDS_MAX - 1 ? channels : SMAPPEE_LEDS_MAX - 1;
}

void leds_restart(struct leds *leds, double t)
{
	memset(leds->set, 0, sizeof(leds->set));
	leds->heard = t;
}

/* A gateway that is gone leaves no light behind. */
static void forget(struct leds *leds, double t)
{
	if (t - leds->heard >= LEDS_FORGET_S)
		memset(leds->set, 0, sizeof(leds->set));
}

void leds_request(struct leds *leds, double t)
{
	forget(leds, t);
	leds->heard = t;
}

bool leds_registers(unsigned int address)
{
	return address >= SMAPPEE_REG_LEDS && address < SMAPPEE_REG_LED + SMAPPEE_LEDS_MAX;
}

uint8_t leds_read(struct leds *leds, double t, unsigned int address, unsigned int count,
		  uint16_t *values)
{
	if (!count || count > SMAPPEE_REGS_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	if (address + count > SMAPPEE_REG_LED + leds->count)
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	forget(leds, t);
	for (unsigned int i = 0; i < count; i++)
		values[i] = address + i == SMAPPEE_REG_LEDS
				    ? (uint16_t)leds->count
				    : leds->set[address + i - SMAPPEE_REG_LED];
	return 0;
}

uint8_t leds_write(struct leds *leds, double t, unsigned int address, unsigned int count,
		   const uint16_t *values)
{
	if (address < SMAPPEE_REG_LED || address + count > SMAPPEE_REG_LED + leds->count)
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	for (unsigned int i = 0; i < count; i++)
		if (values[i] > SMAPPEE_LED_TWO)
			return SMAPPEE_EX_ILLEGAL_VALUE;
	forget(leds, t);
	for (unsigned int i = 0; i < count; i++)
		leds->set[address + i - SMAPPEE_REG_LED] = values[i];
	return 0;
}

uint16_t leds_shown(struct leds *leds, double t, unsigned int led, uint16_t closed)
{
	forget(leds, t);
	if (leds->set[led] != SMAPPEE_LED_MODULE)
		return leds->set[led];
	if (!led)
		return t - leds->heard >= LEDS_SILENCE_S ? SMAPPEE_LED_ONE : SMAPPEE_LED_SLOW;
	return leds->by_input && closed >> (led - 1) & 1 ? SMAPPEE_LED_ON : SMAPPEE_LED_OFF;
}

const char *leds_name(uint16_t what)
{
	static const char *const names[] = {
		[SMAPPEE_LED_MODULE] = "module", [SMAPPEE_LED_OFF] = "off",
		[SMAPPEE_LED_ON] = "on",	 [SMAPPEE_LED_IDENTIFY] = "identify",
		[SMAPPEE_LED_SLOW] = "slow",	 [SMAPPEE_LED_ONE] = "one",
		[SMAPPEE_LED_TWO] = "two",
	};

	return what <= SMAPPEE_LED_TWO ? names[what] : "unknown";
}
