/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap - a capture of the joined scans while they are measured: frames (compact.h) in a
 * ring of fixed size, which a client empties at its own pace. The sample path writes
 * and never waits: when the ring is full, the capture ends with the reason.
 *
 * Nothing is allocated after tap_create().
 */
#ifndef METERD_TAP_H
#define METERD_TAP_H

#include <stddef.h>

#include "align.h"

/* room for about 4 s of 31 channels at 8 kHz */
#define TAP_BYTES (1 << 20)
#define TAP_SECONDS_MAX 86400

struct tap;

/**
 * struct tap_config - what is captured
 * @inputs: the channels; must outlive the tap
 * @scale: V or A per unit of the samples, by channel; must outlive the tap
 * @rail: by channel, size of a sample at the rail of its converter, INFINITY when it is not
 *	known; NULL: of none; must outlive the tap
 * @sensor: by channel, CT type code that the module tells; NULL: of none; must outlive
 *	the tap
 * @rate_hz: nominal sampling rate
 * @seconds: length, above 0 and at most TAP_SECONDS_MAX
 * @bytes: of the ring, at least COMPACT_FRAME_MAX; 0: TAP_BYTES
 * @gateway: name, part of the head
 */
struct tap_config {
	const struct inputs *inputs;
	const double *scale;
	const float *rail;
	const int *sensor;
	double rate_hz;
	double seconds;
	size_t bytes;
	const char *gateway;
};

/**
 * tap_create() - begin; the ring holds the head of the file then
 *
 * Return: 0, -EINVAL for a length outside its range, -ENOMEM.
 */
int tap_create(struct tap **t, const struct tap_config *config);

/** tap_destroy() - free; NULL is allowed */
void tap_destroy(struct tap *t);

/**
 * tap_scans() - take a run of the join
 * @t: the tap
 * @run: it
 * @utc_ns: UTC minus time stamp
 */
void tap_scans(struct tap *t, const struct align_run *run, int64_t utc_ns);

/** tap_stop() - end it early, with a reason that becomes part of the capture */
void tap_stop(struct tap *t, const char *reason);

/** tap_read() - take at most @most bytes out of the ring; Return: how many */
size_t tap_read(struct tap *t, void *to, size_t most);

/** tap_over() - everything was written and read */
bool tap_over(const struct tap *t);

#endif
