/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compact - the project's own format of captures: frames with scans, without loss, each
 * with a check sum. Documentation/admin-guide/capture.rst is its description.
 *
 * Pure functions on memory; the bytes that are read may come from anywhere.
 */
#ifndef METERD_COMPACT_H
#define METERD_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPACT_MAGIC "SMAPCAP\n"
#define COMPACT_MAGIC_BYTES 8
#define COMPACT_VERSION 1
/* magic, length and check sum of the head's JSON */
#define COMPACT_HEAD_BYTES 16
#define COMPACT_JSON_MAX 65536
/* length and check sum of a frame */
#define COMPACT_FRAME_BYTES 8
#define COMPACT_SCANS_MAX 256
#define COMPACT_CHANNELS_MAX 320
#define COMPACT_REASON_MAX 200
/* most bytes of a frame, its head included */
#define COMPACT_FRAME_MAX                                                                          \
	(COMPACT_FRAME_BYTES + 21 + COMPACT_CHANNELS_MAX / 8 + 8 * COMPACT_SCANS_MAX +             \
	 COMPACT_CHANNELS_MAX * (1 + 4 * COMPACT_SCANS_MAX))

/**
 * struct compact_scans - scans to be written
 * @scans: how many, 1 to COMPACT_SCANS_MAX
 * @channels: how many, 1 to COMPACT_CHANNELS_MAX
 * @utc_ns: UTC minus time stamp
 * @time_ns: time stamps
 * @x: values; NULL: the channel is not there
 */
struct compact_scans {
	unsigned int scans;
	unsigned int channels;
	int64_t utc_ns;
	const int64_t *time_ns;
	const float *x[COMPACT_CHANNELS_MAX];
};

/**
 * struct compact_block - scans that were read
 * @scans: how many
 * @utc_ns: UTC minus time stamp
 * @time_ns: time stamps
 * @present: the channel is there
 * @x: room for values of COMPACT_SCANS_MAX scans, given by the caller
 */
struct compact_block {
	unsigned int scans;
	int64_t utc_ns;
	int64_t time_ns[COMPACT_SCANS_MAX];
	bool present[COMPACT_CHANNELS_MAX];
	float *x[COMPACT_CHANNELS_MAX];
};

/** compact_head() - write magic, length and check sum of the head before its JSON */
void compact_head(unsigned char to[COMPACT_HEAD_BYTES], const char *json, size_t bytes);

/**
 * compact_head_check() - the first COMPACT_HEAD_BYTES of a file
 *
 * Return: bytes of the JSON that follows, or 0 when it is not a capture; *@crc is set
 * to its check sum.
 */
size_t compact_head_check(const unsigned char from[COMPACT_HEAD_BYTES], uint32_t *crc);

/** compact_put() - write a frame of at most COMPACT_FRAME_MAX bytes; Return: its bytes */
size_t compact_put(unsigned char *to, const struct compact_scans *s);

/**
 * compact_put_end() - write the last frame
 * @to: room for COMPACT_FRAME_BYTES + 1 + COMPACT_REASON_MAX
 * @reason: why it ends here; "": it is complete; cut at COMPACT_REASON_MAX
 *
 * Return: its bytes.
 */
size_t compact_put_end(unsigned char *to, const char *reason);

/** compact_frame() - bytes of the frame's payload, 0 when too many; *@crc: its check sum */
size_t compact_frame(const unsigned char from[COMPACT_FRAME_BYTES], uint32_t *crc);

/** compact_is_end() - is it the last one? Its reason is the rest, without a NUL. */
bool compact_is_end(const unsigned char *payload, size_t bytes);

/**
 * compact_get() - read the payload of a frame, whose check sum is right
 * @payload: the bytes
 * @bytes: how many
 * @channels: of the file, at most COMPACT_CHANNELS_MAX
 * @block: filled in
 *
 * Return: 0, or -EBADMSG when they are not what compact_put() writes.
 */
int compact_get(const unsigned char *payload, size_t bytes, unsigned int channels,
		struct compact_block *block);

#endif
