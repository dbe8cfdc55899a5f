/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publishers - the ways out: MQTT with discovery, the vendor's topics and records,
 * InfluxDB, Modbus TCP and the local API. They can change while meterd measures.
 */
#ifndef METERD_PUBLISHERS_H
#define METERD_PUBLISHERS_H

struct meterd;
struct reading;

/** publishers_open() - all that are configured; 0 or -errno after printing the error */
int publishers_open(struct meterd *d);

/** publishers_publish() - give a reading to all who take readings */
void publishers_publish(struct meterd *d, const struct reading *r);

struct io_reading;

/** publishers_io() - give inputs and outputs to all who take them, because they have changed */
void publishers_io(struct meterd *d, const struct io_reading *r);

/** publishers_close() - close all */
void publishers_close(struct meterd *d);

#endif
