/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vendor-plugs - relays as the plugs of the vendor's topics, servicelocation/UUID/...:
 * homeControlConfig, plug/N/state and plug/N/connectionState (retained), plug/N/setstate. N
 * is the number of the relay in the configuration, from 1.
 *
 * setstate takes {"value":"ON"} or "OFF", whatever else is there, and becomes the command
 * "output" with the origin "mqtt vendor", so it is checked, limited and told as that is. It
 * is not taken without commands. A state that is not known is not told.
 */
#ifndef METERD_VENDOR_PLUGS_H
#define METERD_VENDOR_PLUGS_H

#include "io-reading.h"
#include "mqtt.h"

struct commands;
struct vendor_plugs;

/**
 * vendor_plugs_open() - begin
 * @p: where to put it
 * @m: connection; outlives it
 * @uuid: of the location; outlives it
 * @now: relays; outlives it; NULL: there are none
 * @commands: the table; NULL: setstate is not taken
 *
 * Return: 0 or -errno.
 */
int vendor_plugs_open(struct vendor_plugs **p, struct mqtt *m, const char *uuid,
		      const struct io_reading *now, struct commands *commands);

/** vendor_plugs_publish() - tell states that have changed; NULL @p is allowed */
void vendor_plugs_publish(struct vendor_plugs *p);

/** vendor_plugs_close() - after mqtt_close(); NULL is allowed */
void vendor_plugs_close(struct vendor_plugs *p);

#endif
