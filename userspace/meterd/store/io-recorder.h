/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io-recorder - the totals of inputs as records, every five minutes at the UTC mark.
 */
#ifndef METERD_IO_RECORDER_H
#define METERD_IO_RECORDER_H

#include <stdint.h>

#include "io-reading.h"

struct store;

/**
 * struct io_recorder - the state
 * @mark: number of the last mark, 0: none yet
 */
struct io_recorder {
	int64_t mark;
};

/**
 * io_recorder_add() - after a look at all modules, about once a second
 * @r: the state; all zero at first
 * @reading: what was found
 * @store: takes the records; NULL is allowed
 * @utc_ms: now
 * @uptime_ms: now, CLOCK_MONOTONIC
 * @synchronised: the clock is
 *
 * A total that has a problem is left out. Totals go on over marks that were missed.
 */
void io_recorder_add(struct io_recorder *r, const struct io_reading *reading, struct store *store,
		     int64_t utc_ms, int64_t uptime_ms, bool synchronised);

#endif
