/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lamp - keeps the gateway's light up to date: asks once a second for the state of
 * things and writes to the LED what has changed.
 */
#ifndef METERD_LAMP_H
#define METERD_LAMP_H

#include <systemd/sd-event.h>

#include "light.h"

struct lamp;

/**
 * struct light_config - section [light]
 * @device: folder of the multicolour LED, or NULL
 * @network_file: what the network's manager says: "hotspot", "setup", "searching",
 *	"good", "middling", "poor", words on one line
 * @interfaces: folder of the network interfaces
 */
struct light_config {
	char *device;
	char *network_file;
	char *interfaces;
};

/** lamp_ask - fill in what meterd knows: measuring, upstream; the rest is the lamp's */
typedef void lamp_ask(void *user, struct light_inputs *in);

/**
 * lamp_open() - begin
 * @l: where to put it
 * @event: loop in which it lives
 * @config: must outlive it
 * @ask: asked once a second
 * @user: its argument
 *
 * A LED that is not there, or may not be written yet, is said once and tried again.
 *
 * Return: 0 or -errno.
 */
int lamp_open(struct lamp **l, sd_event *event, const struct light_config *config, lamp_ask *ask,
	      void *user);

/** lamp_reset() - the button is held for this now; NULL @l is allowed */
void lamp_reset(struct lamp *l, enum light_reset reset);

/** lamp_network() - what the network's files say now; other members are left alone */
void lamp_network(const struct light_config *config, struct light_inputs *in);

/** lamp_close() - leaves the light as it is; NULL is allowed */
void lamp_close(struct lamp *l);

#endif
