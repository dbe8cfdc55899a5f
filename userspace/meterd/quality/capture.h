/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture - the waveform around an event: a ring of raw scans, and a few pieces of it
 * that are kept.
 *
 * A piece begins CAPTURE_BEFORE_S before the event's begin and is CAPTURE_S long. The
 * CAPTURE_KEPT newest ones are kept. An event that begins while a piece is still being
 * filled has none of its own, it is in that one. Memory is bounded: at most
 * CAPTURE_SCANS_MAX scans are kept of each, so that pieces are shorter at high rates.
 */
#ifndef METERD_CAPTURE_H
#define METERD_CAPTURE_H

#include <stdint.h>

#define CAPTURE_CHANNELS_MAX 6
#define CAPTURE_KEPT 8
#define CAPTURE_BEFORE_S 0.1
#define CAPTURE_S 0.3
#define CAPTURE_SCANS_MAX 4096

struct capture;

/**
 * struct capture_piece - a piece
 * @event: number of the event that it belongs to; 0: not used
 * @start_ns: time of the first scan
 * @rate_hz: sampling rate
 * @scans: scans in it
 * @channels: channels
 * @x: the channels, arrays of @scans
 */
struct capture_piece {
	uint64_t event;
	int64_t start_ns;
	double rate_hz;
	unsigned int scans;
	unsigned int channels;
	const float *x[CAPTURE_CHANNELS_MAX];
};

/**
 * capture_create() - make the ring
 * @c: where to put it
 * @rate_hz: nominal sampling rate
 * @channels: 1 to CAPTURE_CHANNELS_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int capture_create(struct capture **c, double rate_hz, unsigned int channels);

/** capture_destroy() - free; NULL is allowed */
void capture_destroy(struct capture *c);

/**
 * capture_scans() - take scans
 * @c: the ring
 * @x: the channels, arrays of @scans
 * @scans: how many
 * @end_ns: time of the last of them
 */
void capture_scans(struct capture *c, const float *const *x, unsigned int scans, int64_t end_ns);

/** capture_gap() - what comes does not follow what was taken */
void capture_gap(struct capture *c);

/**
 * capture_event() - keep the scans around an event
 * @c: the ring
 * @event: its number, not 0
 * @start_ns: its begin
 *
 * Return: number of the event whose piece shows it; 0 when it is too long ago.
 */
uint64_t capture_event(struct capture *c, uint64_t event, int64_t start_ns);

/**
 * capture_find() - the piece of an event
 *
 * Return: NULL when it is not there: not complete yet, or replaced by newer ones.
 */
const struct capture_piece *capture_find(const struct capture *c, uint64_t event);

#endif
