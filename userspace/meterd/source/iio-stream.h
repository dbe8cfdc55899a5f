/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iio-stream - the scans of one IIO device: its channels are set up, its buffer is opened,
 * and what comes goes into the join.
 *
 * Which device it is, and what is done when it is not there, is the source's (source-iio.c).
 */
#ifndef METERD_IIO_STREAM_H
#define METERD_IIO_STREAM_H

#include <iio.h>
#include <stdbool.h>
#include <stdint.h>

#include "inputs.h"
#include "source.h"

/**
 * struct iio_stream - a place of the inputs, and the device at it
 * @config: of the source
 * @inputs: all channels
 * @sink: where the scans and their scales go
 * @place: number of the device among the inputs
 * @rate_hz: scans per second
 * @quiet: it was said that it is not there or cannot be used: what is said of the next try
 *	is for debugging
 * @iio: libiio's device; NULL: closed
 * @buffer: its buffer
 * @stamp: channel of the time stamp
 * @channel: its channels, in the order of the inputs
 * @row: its channels are 16 bits of the host, one behind the other
 * @has_lost: it has the attribute lost_scans
 * @has_overruns: it has the attribute overruns
 * @has_repaired: it has the attribute repaired_blocks
 * @lost_base: lost_scans and overruns when it was opened
 * @repaired_base: repaired_blocks when it was opened
 * @last: counters when last read, since it was opened; the owner clears them
 * @last_ns: its last time stamp; 0: none yet
 */
struct iio_stream {
	const struct source_config *config;
	const struct inputs *inputs;
	const struct source_sink *sink;
	unsigned int place;
	double rate_hz;
	bool quiet;
	struct iio_device *iio;
	struct iio_buffer *buffer;
	struct iio_channel *stamp;
	struct iio_channel *channel[INPUT_DEVICE_CHANNELS_MAX];
	bool row;
	bool has_lost;
	bool has_overruns;
	bool has_repaired;
	uint64_t lost_base;
	uint64_t repaired_base;
	struct source_counters last;
	int64_t last_ns;
};

/** iio_stream_label() - the label of the place, for messages */
const char *iio_stream_label(const struct iio_stream *d);

/** iio_stream_complaint() - the level of a message that the device cannot be used: see @quiet */
int iio_stream_complaint(const struct iio_stream *d);

/** iio_stream_is_local() - is the device one of this machine, which can be read without waiting? */
bool iio_stream_is_local(const struct iio_stream *d);

/**
 * iio_stream_open() - begin to stream
 * @d: the place; from @config to @quiet filled in, and closed
 * @found: the device, which lives until iio_stream_close()
 *
 * Return: 0, or -errno after printing the error; it is closed, then.
 */
int iio_stream_open(struct iio_stream *d, struct iio_device *found);

/** iio_stream_close() - stop; @last stays; nothing happens to a closed one */
void iio_stream_close(struct iio_stream *d);

/** iio_stream_look_for_scales() - of channels that had none when the device was opened */
void iio_stream_look_for_scales(struct iio_stream *d);

/** iio_stream_count() - bring @last up to date */
void iio_stream_count(struct iio_stream *d);

/**
 * iio_stream_take() - put scans of the buffer into the join's space; the caller commits them
 * @d: an open one
 * @from: the first
 * @n: how many
 *
 * Return: how many there was room for.
 */
unsigned int iio_stream_take(struct iio_stream *d, unsigned int from, unsigned int n);

#endif
