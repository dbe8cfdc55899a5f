/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fake Power Box with values, its IIO devices, and a buffer that keeps scans.
 */
#ifndef SMAPPEE_KUNIT_POWERBOX_RIG_H
#define SMAPPEE_KUNIT_POWERBOX_RIG_H

#include <linux/iio/buffer_impl.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "../../compat/iio-metering.h"

struct fake_line;
struct kunit;

#define SOLID	1
#define HUB_AT	2
#define KEPT	512
#define VALUES	28	/* of a scan of a hub */

/* Floating-point registers that are easy to tell apart. */
#define F32_230		0x43660000
#define F32_12_5	0x41480000
#define F32_MINUS_8	0xc1000000
#define F32_100		0x42c80000
#define F32_NAN		0x7fc00000
#define F32_49_994	0x4247f9db

/** powered() - a line with a box, a solid core and a hub, values set, not yet registered. */
struct fake_line *powered(struct kunit *test);

/** powered_up() - the same after its first scan. */
struct fake_line *powered_up(struct kunit *test);

/** iio_of() - IIO device of an entry, -1 for the box, held until the test ends. */
struct iio_dev *iio_of(struct fake_line *line, int entry);

/** channel_of() - the channel of a value, or NULL. */
const struct iio_chan_spec *channel_of(struct iio_dev *indio_dev, enum metering_value value,
				       int input);

/** read_of() - read something of a channel; -ENOENT if there is none. */
int read_of(struct iio_dev *indio_dev, enum metering_value value, int input, long mask, int *val);

/**
 * struct powers - a buffer that keeps what is pushed
 * @buffer: for IIO's core
 * @indio_dev: whose scans it gets
 * @attached: it gets them
 * @scans: how many it got
 * @fresh: woken by each
 * @time_at: where a scan has its time stamp
 * @time_ns: time stamps of the last scans
 * @power: their values
 */
struct powers {
	struct iio_buffer buffer;
	struct iio_dev *indio_dev;
	bool attached;
	unsigned int scans;
	wait_queue_head_t fresh;
	unsigned int time_at;
	s64 time_ns[KEPT];
	s32 power[KEPT][VALUES];
};

/** powers_start() - switch on a buffer with all values of an entry; off when the test ends. */
struct powers *powers_start(struct fake_line *line, int entry);

/** powers_off() - switch it off. */
void powers_off(struct powers *powers);

/** powers_get() - wait for @scans more scans; false if they do not come in 30 s. */
bool powers_get(struct powers *powers, unsigned int scans);

#endif
