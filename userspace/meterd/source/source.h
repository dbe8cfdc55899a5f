/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source - where scans come from: IIO devices (source-iio.c) or a file of recorded
 * waveforms (source-replay.c).
 *
 * A source writes into the join and calls process() after it. Time in what follows
 * is that of the samples only.
 */
#ifndef METERD_SOURCE_H
#define METERD_SOURCE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "align.h"
#include "inputs.h"

/**
 * struct source_config - section [source] of the configuration
 * @uri: libiio context, "local:" or "ip:HOST"
 * @values: "waveform": samples; "register": values of modules that measure by
 *	themselves (register-meter.h)
 * @replay: file of recorded waveforms instead of @uri, or NULL
 * @repeat: how often the file is replayed
 * @speed: of the replay, in seconds of the recording per second; 0: as fast as it can be
 *	computed
 * @clock: of a replay: "recording", or "system": the samples are of now
 * @sampling_frequency: scans per second
 * @devices: names of IIO devices, separated by commas, that may be used; "*": all
 * @block_ms: how often the devices are read
 * @wait_ms: how long a silent device is waited for
 */
struct source_config {
	char *uri;
	char *values;
	char *replay;
	unsigned int repeat;
	double speed;
	char *clock;
	double sampling_frequency;
	char *devices;
	unsigned int block_ms;
	unsigned int wait_ms;
};

/**
 * struct source_counters - since the source was started
 * @lost_scans: scans that did not arrive and cannot be had any more, and scans that
 *	were not read in time
 * @repaired_blocks: blocks that were asked for again and came
 */
struct source_counters {
	uint64_t lost_scans;
	uint64_t repaired_blocks;
};

/**
 * struct source_sink - who takes the scans
 * @align: the join
 * @scale: V or A per unit of the samples, by channel; the source fills it in
 *	before the first scan of a channel; NAN: not known, so is the current
 * @rail: by channel, size of a sample that is at the rail of its converter; INFINITY
 *	before it is known
 * @sensor: by channel, CT type code that the module tells; SENSOR_UNKNOWN
 * @process: there are new scans
 * @alive: the source works, whether or not there is something to measure
 * @end: no more scans will come
 * @user: first argument of these
 */
struct source_sink {
	struct align *align;
	double *scale;
	float *rail;
	int *sensor;
	void (*process)(void *user);
	void (*alive)(void *user);
	void (*end)(void *user);
	void *user;
};

struct source;

/**
 * struct source_ops - what a source does
 * @start: begin to deliver; 0 or -errno after printing the error
 * @counters: read the counters
 * @utc_ns: UTC of a time stamp
 * @close: stop and free
 */
struct source_ops {
	int (*start)(struct source *s, sd_event *event, const struct source_sink *sink);
	void (*counters)(struct source *s, struct source_counters *counters);
	int64_t (*utc_ns)(struct source *s, int64_t sample_ns);
	void (*close)(struct source *s);
};

/**
 * struct source - the part that all sources have
 * @ops: what it does
 * @rate_hz: sampling rate
 */
struct source {
	const struct source_ops *ops;
	double rate_hz;
};

/**
 * source_iio_open() - use IIO devices
 * @s: where to put the source
 * @config: must outlive the source
 * @inputs: channels needed; must outlive it
 *
 * Devices that are not there are named once and looked for again every two
 * seconds, at start as well as later.
 *
 * Return: 0 or -errno after printing the error.
 */
int source_iio_open(struct source **s, const struct source_config *config,
		    const struct inputs *inputs);

/**
 * source_replay_open() - replay a recording as fast as it can be processed
 * @s: where to put the source
 * @config: must outlive the source
 * @inputs: channels needed; found by the names of the recording's channels,
 *	"label/channel" or "channel"
 *
 * Files are those of recording.h. Time stamps begin at 0 where the file has none.
 *
 * Return: 0 or -errno after printing the error.
 */
int source_replay_open(struct source **s, const struct source_config *config,
		       const struct inputs *inputs);

#endif
