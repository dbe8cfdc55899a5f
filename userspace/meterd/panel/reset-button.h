/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reset-button - the button as an input device of the kernel, and the program that
 * does what a press means.
 */
#ifndef METERD_RESET_BUTTON_H
#define METERD_RESET_BUTTON_H

#include <systemd/sd-event.h>

#include "button.h"

struct reset_button;

/**
 * struct button_config - section [button]
 * @device: input device, such as /dev/input/by-path/platform-gpio-keys-event, or NULL
 * @code: key code, 0 for any
 * @program: run with "network", "factory" or "factory-energy"; NULL: only said
 */
struct button_config {
	char *device;
	unsigned int code;
	char *program;
};

/** reset_button_held - what it would mean if the button were released now has changed */
typedef void reset_button_held(void *user, enum button_meaning meaning);

/**
 * reset_button_open() - begin to listen
 * @r: where to put it
 * @event: loop in which it lives
 * @config: must outlive it
 * @held: told at each change, BUTTON_NOTHING when it is released
 * @user: its argument
 *
 * A device that is not there, or goes, is said once and looked for again. A program
 * that is still running is not started again.
 *
 * Return: 0 or -errno.
 */
int reset_button_open(struct reset_button **r, sd_event *event, const struct button_config *config,
		      reset_button_held *held, void *user);

/** reset_button_close() - a program that runs goes on; NULL is allowed */
void reset_button_close(struct reset_button *r);

#endif
