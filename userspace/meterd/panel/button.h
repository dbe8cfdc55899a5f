/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * button - how long the reset button has been held, and what that means. Pure: time
 * is that of the events, or what the caller says that it is.
 */
#ifndef METERD_BUTTON_H
#define METERD_BUTTON_H

#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>

#define BUTTON_NETWORK_US 3000000
#define BUTTON_FACTORY_US 20000000
/* A second factory press that ends so soon after the first asks for the energy, too. */
#define BUTTON_CONFIRM_US 60000000

/**
 * enum button_meaning - what a button means that is, or was, held so long
 * @BUTTON_NOTHING: too short
 * @BUTTON_NETWORK: network settings
 * @BUTTON_FACTORY: factory settings; energy registers stay
 * @BUTTON_ENERGY: as a second confirmation: energy registers, too
 */
enum button_meaning {
	BUTTON_NOTHING,
	BUTTON_NETWORK,
	BUTTON_FACTORY,
	BUTTON_ENERGY,
};

/**
 * struct button - a button
 * @code: its key code; 0: any key
 * @pressed: it is held
 * @lost: the kernel dropped events: what comes up to the next SYN_REPORT is not
 *	true, and the press that it was in means nothing
 * @since_us: time of the event that pressed it
 * @confirm_us: until then a factory press confirms the one before; 0: there was none
 */
struct button {
	unsigned int code;
	bool pressed;
	bool lost;
	int64_t since_us;
	int64_t confirm_us;
};

/** button_event_us() - time of an event */
int64_t button_event_us(const struct input_event *event);

/**
 * button_event() - an event of the input device
 * @b: the button
 * @event: the event; others than of this key are no matter
 *
 * Return: what the press meant, when this event ended it; else BUTTON_NOTHING. A press
 * whose time went backwards means nothing.
 */
enum button_meaning button_event(struct button *b, const struct input_event *event);

/** button_held() - what it would mean if it were released at @now_us */
enum button_meaning button_held(const struct button *b, int64_t now_us);

/** button_next_us() - when that changes next; INT64_MAX: not before the next event */
int64_t button_next_us(const struct button *b, int64_t now_us);

#endif
