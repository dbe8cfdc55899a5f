// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reset button's presses.
 */
#include "button.h"

int64_t button_event_us(const struct input_event *event)
{
	return (int64_t)event->input_event_sec * 1000000 + event->input_event_usec;
}

static enum button_meaning key(struct button *b, int value, int64_t at_us)
{
	enum button_meaning was;

	if (value == 1) {
		b->since_us = at_us;
		b->pressed = true;
		return BUTTON_NOTHING;
	}
	/* 2 is a repetition by the kernel: still held */
	if (value || !b->pressed)
		return BUTTON_NOTHING;
	was = button_held(b, at_us);
	b->pressed = false;
	b->confirm_us = was == BUTTON_FACTORY ? at_us + BUTTON_CONFIRM_US : 0;
	return was;
}

enum button_meaning button_event(struct button *b, const struct input_event *event)
{
	if (event->type == EV_SYN && event->code == SYN_DROPPED) {
		b->lost = true;
		b->pressed = false;
	} else if (event->type == EV_SYN && event->code == SYN_REPORT) {
		b->lost = false;
	} else if (event->type == EV_KEY && !b->lost && (!b->code || event->code == b->code)) {
		return key(b, event->value, button_event_us(event));
	}
	return BUTTON_NOTHING;
}

enum button_meaning button_held(const struct button *b, int64_t now_us)
{
	int64_t held_us = now_us - b->since_us;

	if (!b->pressed || held_us < BUTTON_NETWORK_US)
		return BUTTON_NOTHING;
	if (held_us < BUTTON_FACTORY_US)
		return BUTTON_NETWORK;
	return now_us < b->confirm_us ? BUTTON_ENERGY : BUTTON_FACTORY;
}

int64_t button_next_us(const struct button *b, int64_t now_us)
{
	if (!b->pressed || now_us - b->since_us >= BUTTON_FACTORY_US)
		return INT64_MAX;
	return b->since_us +
	       (now_us - b->since_us >= BUTTON_NETWORK_US ? BUTTON_FACTORY_US : BUTTON_NETWORK_US);
}
