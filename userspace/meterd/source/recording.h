/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording - files of recorded waveforms, read block by block: CSV, COMTRADE and the
 * project's own capture (compact.h). What kind a file is, its first bytes say.
 *
 * All come out alike: channels with a name and a scale, scans with a number. The
 * parsers take files from anywhere: every length and count is checked before use.
 * Nothing is allocated after recording_open().
 */
#ifndef METERD_RECORDING_H
#define METERD_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RECORDING_CHANNELS_MAX 320
#define RECORDING_BLOCK 512
#define RECORDING_NAME_MAX 64
#define RECORDING_RATE_MAX 1e6

/**
 * struct recording_channel - one channel
 * @name: "hub1/A" or "U1"
 * @scale: V or A per unit of the values that recording_read() gives
 * @rail: size of a value at the rail of its converter; INFINITY: not known
 * @sensor: CT type code that its module told; SENSOR_UNKNOWN
 * @wanted: values are asked for; the user sets it
 * @present: the last block has its values
 * @x: values of the last block
 */
struct recording_channel {
	char name[RECORDING_NAME_MAX];
	double scale;
	float rail;
	int sensor;
	bool wanted;
	bool present;
	float x[RECORDING_BLOCK];
};

/**
 * struct recording - an open file
 * @ops: of its format
 * @path: for messages, not copied
 * @file: it
 * @rate_hz: scans per second; 0: the file does not say
 * @stamped: @time_ns holds the time stamps of the scans; else scan @number[k] is
 *	@number[k] / @rate_hz after the begin
 * @utc_ns: UTC minus time stamp, when @stamped
 * @channels: entries in @channel
 * @scans: of the last block
 * @number: of each scan, from 0; numbers are left out where scans are missing
 * @time_ns: see @stamped
 * @next: number of the scan to come
 * @line: of the file, counted from 1, when it is text
 * @channel: the channels
 */
struct recording {
	const struct recording_ops *ops;
	const char *path;
	FILE *file;
	double rate_hz;
	bool stamped;
	int64_t utc_ns;
	unsigned int channels;
	unsigned int scans;
	uint64_t number[RECORDING_BLOCK];
	int64_t time_ns[RECORDING_BLOCK];
	uint64_t next;
	unsigned int line;
	struct recording_channel channel[RECORDING_CHANNELS_MAX];
};

/**
 * struct recording_ops - a format
 * @bytes: of its structure, which begins with a struct recording
 * @begin: read the head of the file, whose first bytes are read already; 0, or -errno after
 *	printing the error; @close follows it in any case
 * @read: see recording_read(); @most is in 1 ... RECORDING_BLOCK
 * @rewind: to the first scan again
 * @close: free what @begin made
 */
struct recording_ops {
	size_t bytes;
	int (*begin)(struct recording *r);
	int (*read)(struct recording *r, unsigned int most);
	int (*rewind)(struct recording *r);
	void (*close)(struct recording *r);
};

/**
 * recording_open() - open a file and read its head
 * @r: where to put it
 * @path: a CSV file, the .cfg of a COMTRADE recording (the .dat is beside it), or a
 *	capture; must outlive the recording
 *
 * Return: 0 or -errno after printing the error, which says what is wrong and where.
 */
int recording_open(struct recording **r, const char *path);

/**
 * recording_begin() - read the head of a file of this format
 * @r: where to put it
 * @ops: the format
 * @file: at its begin; closed with the recording, and after an error
 * @path: as in recording_open()
 *
 * Return: as recording_open().
 */
int recording_begin(struct recording **r, const struct recording_ops *ops, FILE *file,
		    const char *path);

/**
 * recording_find() - a channel
 * @r: the recording
 * @label: of the device, or NULL
 * @name: of the channel; "label/name" is looked for first, then "name"
 *
 * Return: its index, or -1.
 */
int recording_find(const struct recording *r, const char *label, const char *name);

/**
 * recording_read() - read the next block
 * @r: the recording
 * @most: scans wanted at most
 *
 * Return: 1, with @scans of 1 to @most; 0 at the end; -errno after printing the error.
 */
int recording_read(struct recording *r, unsigned int most);

/** recording_rewind() - begin again; Return: 0 or -errno */
int recording_rewind(struct recording *r);

/** recording_close() - free; NULL is allowed */
void recording_close(struct recording *r);

/* For the formats: all channels are there, without rails and types of sensors. */
void recording_plain(struct recording *r);

extern const struct recording_ops recording_csv;
extern const struct recording_ops recording_comtrade;
extern const struct recording_ops recording_compact;

#endif
