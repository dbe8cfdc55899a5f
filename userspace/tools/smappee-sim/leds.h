/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leds - the lights of an open module (protocol.rst, "Lights"): what the host has
 * said that they do, and what they show.
 */
#ifndef SIM_LEDS_H
#define SIM_LEDS_H

#include <linux/smappee.h>
#include <stdbool.h>
#include <stdint.h>

/* All LEDs are the module's again after so long without a request. */
#define LEDS_FORGET_S 60.0
/* "No communication" after so long without a request. */
#define LEDS_SILENCE_S 5.0

/**
 * struct leds - the lights of one module
 * @count: how many, the status LED first
 * @by_input: those of inputs are lit while the input is closed
 * @set: SMAPPEE_LED_* of each
 * @heard: true time of the last request to the module, s
 */
struct leds {
	unsigned int count;
	bool by_input;
	uint16_t set[SMAPPEE_LEDS_MAX];
	double heard;
};

/** leds_init() - the lights of a module of type @type with @channels inputs, at time 0 */
void leds_init(struct leds *leds, uint16_t type, unsigned int channels);

/** leds_restart() - the module starts at true time @t: all are its own */
void leds_restart(struct leds *leds, double t);

/** leds_request() - the module hears a request at true time @t */
void leds_request(struct leds *leds, double t);

/** leds_registers() - are these registers of the block of LEDs, the missing ones included? */
bool leds_registers(unsigned int address);

/** leds_read() - read registers. Return: 0 or SMAPPEE_EX_* */
uint8_t leds_read(struct leds *leds, double t, unsigned int address, unsigned int count,
		  uint16_t *values);

/** leds_write() - write registers, all or none. Return: 0 or SMAPPEE_EX_* */
uint8_t leds_write(struct leds *leds, double t, unsigned int address, unsigned int count,
		   const uint16_t *values);

/**
 * leds_shown() - what a LED shows at true time @t
 * @led: which, below @count
 * @closed: bit n: input n is closed
 *
 * Return: SMAPPEE_LED_OFF to SMAPPEE_LED_TWO, never SMAPPEE_LED_MODULE.
 */
uint16_t leds_shown(struct leds *leds, double t, unsigned int led, uint16_t closed);

/** leds_name() - what SMAPPEE_LED_* is called: "module", "off", "on", "identify", "slow"... */
const char *leds_name(uint16_t what);

#endif
