/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * register-meter - readings out of modules that measure by themselves (a Power Box
 * and the CT modules behind it; Documentation/iio/smappee.rst).
 *
 * It takes the place of source, join and meter: once a second the attributes of the
 * IIO devices become a reading of the same shape, marked as READING_REGISTER. What the
 * modules have no register for is NAN: fundamentals, angles, neutral, unbalance.
 * Energy is that of the modules' own registers, which are kept there; each input is
 * split by its own sign, so import and export of a load of several inputs are
 * the sums of theirs (arithmetic), and a virtual load has its signed energy only.
 */
#ifndef METERD_REGISTER_METER_H
#define METERD_REGISTER_METER_H

#include <systemd/sd-event.h>

#include "load.h"
#include "reading.h"
#include "source.h"

struct register_meter;

/**
 * register_meter_publish - gets every reading
 * @user: of register_meter_open()
 * @r: valid during the call
 */
typedef void register_meter_publish(void *user, const struct reading *r);

/**
 * register_meter_open() - begin to read
 * @m: where to put it
 * @event: loop of its timer
 * @config: uri and names of devices; must outlive it
 * @in: the installation; must outlive it
 * @publish: gets the readings
 * @user: its first argument
 *
 * A module that is not there is named once and looked for every two seconds; its
 * values are NAN meanwhile.
 *
 * Return: 0 or -errno after printing the error.
 */
int register_meter_open(struct register_meter **m, sd_event *event,
			const struct source_config *config, const struct installation *in,
			register_meter_publish *publish, void *user);

/** register_meter_close() - end; NULL is allowed */
void register_meter_close(struct register_meter *m);

#endif
