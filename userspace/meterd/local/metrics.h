/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics - Prometheus text (0.0.4) of GET /metrics.
 *
 * Base units are in the names; a ratio is 1 for all of it. Labels: load and role, of an
 * element also input and phase. A value that is not known, or not known any more, has no
 * line: a series that has ended must not go on with its last value.
 */
#ifndef METERD_METRICS_H
#define METERD_METRICS_H

#include "io-reading.h"
#include "mqtt.h"
#include "reading.h"
#include "store.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/**
 * struct metrics_input - what is told
 * @reading: the present one, or NULL when there is none or it is old
 * @age_s: age of the last reading, s; NAN before the first
 * @store: state of the store, NULL without one
 * @mqtt: state of the connection, NULL without one
 * @io: inputs and outputs, NULL without any
 */
struct metrics_input {
	const struct reading *reading;
	double age_s;
	const struct store_counters *store;
	const struct mqtt_counters *mqtt;
	const struct io_reading *io;
};

/** metrics_text() - the text, for free(); NULL when memory is short */
char *metrics_text(const struct metrics_input *in);

#endif
