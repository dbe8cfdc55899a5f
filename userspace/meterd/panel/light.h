/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * light - what the gateway's light says: from the state of things to a colour and
 * a pattern. Pure; light-led.c writes it to the LED.
 */
#ifndef METERD_LIGHT_H
#define METERD_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

/** enum light_state - what the light can say; the table in light.c says how */
enum light_state {
	LIGHT_STARTING,
	LIGHT_SETUP,
	LIGHT_NOT_ACTIVATED,
	LIGHT_IN_ORDER,
	LIGHT_NO_CONNECTION,
	LIGHT_CONNECTION_LOST,
	LIGHT_HOTSPOT,
	LIGHT_MOBILE_SEARCHING,
	LIGHT_MOBILE_GOOD,
	LIGHT_MOBILE_MIDDLING,
	LIGHT_MOBILE_POOR,
	LIGHT_RESET_NETWORK,
	LIGHT_RESET_FACTORY,
	LIGHT_STATES,
};

/** enum light_mobile - the modem, if the gateway is on the mobile network */
enum light_mobile {
	LIGHT_MOBILE_NONE,
	LIGHT_MODEM_SEARCHING,
	LIGHT_MODEM_GOOD,
	LIGHT_MODEM_MIDDLING,
	LIGHT_MODEM_POOR,
};

/** enum light_reset - what will be reset when the button is released now */
enum light_reset {
	LIGHT_RESET_NONE,
	LIGHT_RESET_OF_NETWORK,
	LIGHT_RESET_TO_FACTORY,
};

/**
 * struct light_inputs - the state of things
 * @reset: the button is held for this
 * @hotspot: the set-up hotspot is active
 * @setup: set-up mode: ready to be connected
 * @measuring: there has been a reading
 * @waited: so long since the start that a network should be there (LIGHT_WAIT_S)
 * @network: an interface is up
 * @had_network: one has been up since the start
 * @upstream: all upstreams that are configured are connected; true if none is
 * @had_upstream: they have been since the start
 * @mobile: the modem
 */
struct light_inputs {
	enum light_reset reset;
	bool hotspot;
	bool setup;
	bool measuring;
	bool waited;
	bool network;
	bool had_network;
	bool upstream;
	bool had_upstream;
	enum light_mobile mobile;
};

/* No network after so long is "no connection at start". */
#define LIGHT_WAIT_S 60

/**
 * light_state() - what the light says
 * @in: the state of things
 *
 * Somebody at the gateway comes first (button, hotspot, set-up), then what is wrong,
 * then what is in order.
 */
enum light_state light_state(const struct light_inputs *in);

/** enum light_shape - the course of a pattern */
enum light_shape {
	LIGHT_STEADY,
	LIGHT_FLASHING,
	LIGHT_BREATHING,
};

/**
 * struct light_look - how a state looks
 * @name: of the state, for the log and the API
 * @red: 0 to 255
 * @green: 0 to 255
 * @blue: 0 to 255
 * @shape: the course
 * @period_ms: of the course; 0 when steady
 */
struct light_look {
	const char *name;
	uint8_t red;
	uint8_t green;
	uint8_t blue;
	enum light_shape shape;
	unsigned int period_ms;
};

/** light_look() - how @state looks, a row of the one table */
const struct light_look *light_look(enum light_state state);

#endif
