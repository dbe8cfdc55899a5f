/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sample blocks and sync answers of waveform modules: from checked frames to
 * numbers. Pure functions; every number from the wire is range-checked here.
 *
 * The layouts are in Documentation/driver-api/smappee/protocol.rst.
 */
#ifndef SMAPPEE_SAMPLES_H
#define SMAPPEE_SAMPLES_H

#include <linux/types.h>
#include <uapi/linux/smappee.h>

/**
 * struct smappee_samples - head of a read-samples answer
 * @format: SMAPPEE_FORMAT_*
 * @channels: samples per scan, 1 to 8
 * @status: SMAPPEE_STATUS_*
 * @boot: boot counter of the module
 * @index: index of the first scan given, 32 bits of it
 * @scans: scans given, 0 to 1024
 * @held: newer scans that the module still holds, 65535 for more
 * @bytes: bytes of data
 * @data: the data, inside the frame that was parsed
 */
struct smappee_samples {
	u8 format;
	u8 channels;
	u8 status;
	u8 boot;
	u32 index;
	u16 scans;
	u16 held;
	u16 bytes;
	const u8 *data;
};

/**
 * struct smappee_sync - a sync answer
 * @sequence: number of this answer, wraps
 * @boot: boot counter of the reference
 * @index: sample index at the first edge of the answer before this one
 * @phase: how far the sample period had advanced at that edge, 2^-32 periods
 * @rate: nominal sampling rate, Hz
 */
struct smappee_sync {
	u8 sequence;
	u8 boot;
	u32 index;
	u32 phase;
	u16 rate;
};

/**
 * smappee_format_bits() - width of a sample
 * @format: SMAPPEE_FORMAT_*
 *
 * Return: 16 or 24; 0 for a format that does not exist.
 */
static inline unsigned int smappee_format_bits(u8 format)
{
	switch (format) {
	case SMAPPEE_FORMAT_S16:
	case SMAPPEE_FORMAT_S16_PACKED:
		return 16;
	case SMAPPEE_FORMAT_S24:
	case SMAPPEE_FORMAT_S24_PACKED:
		return 24;
	default:
		return 0;
	}
}

int smappee_samples_parse(const u8 *frame, size_t len,
			  struct smappee_samples *s);
int smappee_samples_unpack(const struct smappee_samples *s, void *out,
			   size_t stride);
int smappee_sync_parse(const u8 *frame, size_t len, struct smappee_sync *sync);

#endif
