// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gateway's light: the one table of colours and patterns, with the meanings of
 * the manuals, and what decides which row is shown.
 */
#include "light.h"

static const struct light_look looks[LIGHT_STATES] = {
	/* clang-format off */
	[LIGHT_STARTING]	 = { "starting",	  0,   0, 255, LIGHT_STEADY,	   0 },
	[LIGHT_SETUP]		 = { "set-up",		  0,   0, 255, LIGHT_FLASHING,	1000 },
	[LIGHT_NOT_ACTIVATED]	 = { "not activated",	  0, 255,   0, LIGHT_STEADY,	   0 },
	[LIGHT_IN_ORDER]	 = { "in order",	  0, 255,   0, LIGHT_BREATHING, 3000 },
	[LIGHT_NO_CONNECTION]	 = { "no connection",	255,   0,   0, LIGHT_STEADY,	   0 },
	[LIGHT_CONNECTION_LOST]	 = { "connection lost", 255,   0,   0, LIGHT_FLASHING,	1000 },
	[LIGHT_HOTSPOT]		 = { "hotspot",		255, 160,   0, LIGHT_STEADY,	   0 },
	[LIGHT_MOBILE_SEARCHING] = { "4G searching",	  0, 255, 255, LIGHT_FLASHING,	1000 },
	[LIGHT_MOBILE_GOOD]	 = { "4G good",		  0, 255,   0, LIGHT_BREATHING, 3000 },
	[LIGHT_MOBILE_MIDDLING]	 = { "4G middling",	255, 160,   0, LIGHT_BREATHING, 3000 },
	[LIGHT_MOBILE_POOR]	 = { "4G poor",		255,   0,   0, LIGHT_BREATHING, 3000 },
	[LIGHT_RESET_NETWORK]	 = { "network reset",	  0,   0, 255, LIGHT_FLASHING,	 250 },
	[LIGHT_RESET_FACTORY]	 = { "factory reset",	255,   0,   0, LIGHT_FLASHING,	 250 },
	/* clang-format on */
};

const struct light_look *light_look(enum light_state state)
{
	return &looks[state];
}

static enum light_state connected_state(const struct light_inputs *in)
{
	switch (in->mobile) {
	case LIGHT_MODEM_GOOD:
		return LIGHT_MOBILE_GOOD;
	case LIGHT_MODEM_MIDDLING:
		return LIGHT_MOBILE_MIDDLING;
	case LIGHT_MODEM_POOR:
		return LIGHT_MOBILE_POOR;
	default:
		return LIGHT_IN_ORDER;
	}
}

enum light_state light_state(const struct light_inputs *in)
{
	if (in->reset == LIGHT_RESET_TO_FACTORY)
		return LIGHT_RESET_FACTORY;
	if (in->reset == LIGHT_RESET_OF_NETWORK)
		return LIGHT_RESET_NETWORK;
	if (in->hotspot)
		return LIGHT_HOTSPOT;
	if (in->setup)
		return LIGHT_SETUP;
	if (in->mobile == LIGHT_MODEM_SEARCHING)
		return LIGHT_MOBILE_SEARCHING;
	if (!in->network && in->had_network)
		return LIGHT_CONNECTION_LOST;
	if (!in->network && in->waited)
		return LIGHT_NO_CONNECTION;
	if (!in->network || !in->measuring)
		return LIGHT_STARTING;
	if (!in->upstream)
		return in->had_upstream ? LIGHT_CONNECTION_LOST : LIGHT_NOT_ACTIVATED;
	return connected_state(in);
}
