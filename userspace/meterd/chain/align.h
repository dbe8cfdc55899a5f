/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * align - joins the scans of several devices by their time stamps.
 *
 * All devices of a segment give the same scan the same time stamp, bit by bit, so
 * the join is an equality of integers. Each device has a ring; the source writes
 * into it, align_next() finds the next run of scans that all devices hold.
 *
 *  - A scan that one of the devices lacks is dropped: the run ends before it and
 *    the next run begins with a gap.
 *  - A scan that comes twice or late (not after the last one joined) is dropped.
 *  - A device that is silent for longer than wait_ns, measured in the time stamps
 *    of the others, is left out until its stamps meet the others' again. It
 *    does not stop them, and its return costs them nothing.
 *
 * Nothing is allocated after align_create().
 */
#ifndef METERD_ALIGN_H
#define METERD_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "device-set.h"
#include "inputs.h"

struct align;

/**
 * struct align_space - where the source may write
 * @scans: scans that fit here
 * @time_ns: their time stamps
 * @channel: their values, one array per channel of the device
 */
struct align_space {
	unsigned int scans;
	int64_t *time_ns;
	float *channel[INPUT_DEVICE_CHANNELS_MAX];
};

/**
 * struct align_run - scans that belong together
 * @scans: how many, at least 1
 * @gap: scans are missing between the run before and this one
 * @present: the devices that are part of the run
 * @time_ns: time stamps, equal on all devices present
 * @channel: values, by channel number; NULL for devices that are not present
 */
struct align_run {
	unsigned int scans;
	bool gap;
	struct device_set present;
	const int64_t *time_ns;
	const float *channel[INPUT_CHANNELS_MAX];
};

/**
 * struct align_counters - what the join had to do, since align_create()
 * @joined: scans joined
 * @gaps: holes in the joined stream
 * @missing: scans in these holes, as far as the stamps tell
 * @stale: scans that came twice or too late
 * @overruns: scans that found the ring full
 */
struct align_counters {
	uint64_t joined;
	uint64_t gaps;
	uint64_t missing;
	uint64_t stale;
	uint64_t overruns;
};

/**
 * align_create() - make the rings
 * @a: where to put it
 * @inputs: devices and channels; must outlive it
 * @rate_hz: sampling rate, for the gap detection and the size of the rings
 * @wait_ns: how long a silent device is waited for
 *
 * Return: 0 or -ENOMEM.
 */
int align_create(struct align **a, const struct inputs *inputs, double rate_hz, int64_t wait_ns);

/** align_destroy() - free; NULL is allowed */
void align_destroy(struct align *a);

/**
 * align_space() - a place for new scans of a device
 * @a: the join
 * @device: index of the device
 * @space: set to a contiguous piece of the ring
 *
 * Return: the scans that fit; 0 when the ring is full, which can only be when
 * align_next() was not called for longer than wait_ns of data.
 */
unsigned int align_space(struct align *a, unsigned int device, struct align_space *space);

/** align_commit() - the first @scans of the last align_space() of @device are valid */
void align_commit(struct align *a, unsigned int device, unsigned int scans);

/** align_overrun() - @scans of a device were thrown away because the ring was full */
void align_overrun(struct align *a, unsigned int device, unsigned int scans);

/** align_expect() - a device has come back: wait for its scans, which may begin anywhere */
void align_expect(struct align *a, unsigned int device);

/** align_forget() - a device is gone: drop what it still holds and do not wait for it */
void align_forget(struct align *a, unsigned int device);

/**
 * align_next() - the next run
 * @a: the join
 * @run: filled in; its arrays are valid until align_release()
 *
 * Return: true when there is one.
 */
bool align_next(struct align *a, struct align_run *run);

/** align_release() - the first @scans of the last run are done with */
void align_release(struct align *a, unsigned int scans);

/** align_counters() - read the counters */
const struct align_counters *align_counters(const struct align *a);

#endif
