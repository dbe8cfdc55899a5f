// SPDX-License-Identifier: GPL-2.0
/*
 * Decoder of sample blocks. It is called a few hundred times a second for a
 * hundred thousand samples, so the inner loops are plain, and the checks that
 * can be made for a group of samples are made once for the group.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/unaligned.h>

#include "samples.h"

/* Widths of a difference of order 2: two bits more than the samples. */
#define SAMPLES_EXTRA_BITS	2

/**
 * smappee_samples_parse() - read the head of a read-samples answer
 * @frame: the answer, after modbus_answer_check() said 0
 * @len: its length
 * @s: what it says; its data stay in @frame
 *
 * Return: 0, or -EPROTO if a field is out of range or they contradict.
 */
int smappee_samples_parse(const u8 *frame, size_t len,
			  struct smappee_samples *s)
{
	unsigned int bits;

	if (len < SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL)
		return -EPROTO;

	s->format = frame[SMAPPEE_SAMPLES_FORMAT];
	s->channels = frame[SMAPPEE_SAMPLES_CHANNELS];
	s->status = frame[SMAPPEE_SAMPLES_STATUS];
	s->boot = frame[SMAPPEE_SAMPLES_BOOT];
	s->index = get_unaligned_be32(frame + SMAPPEE_SAMPLES_INDEX);
	s->scans = get_unaligned_be16(frame + SMAPPEE_SAMPLES_SCANS);
	s->held = get_unaligned_be16(frame + SMAPPEE_SAMPLES_HELD);
	s->bytes = get_unaligned_be16(frame + SMAPPEE_SAMPLES_BYTES);
	s->data = frame + SMAPPEE_SAMPLES_DATA;

	bits = smappee_format_bits(s->format);
	if (!bits)
		return -EPROTO;
	if (!s->channels || s->channels > SMAPPEE_CHANNELS_MAX)
		return -EPROTO;
	if (s->scans > SMAPPEE_SAMPLES_SCANS_MAX)
		return -EPROTO;
	if (s->bytes > SMAPPEE_SAMPLES_DATA_MAX ||
	    s->bytes != len - SMAPPEE_SAMPLES_DATA - SMAPPEE_SAMPLES_TAIL)
		return -EPROTO;
	if (!s->scans && s->bytes)
		return -EPROTO;
	if ((s->format == SMAPPEE_FORMAT_S16 ||
	     s->format == SMAPPEE_FORMAT_S24) &&
	    s->bytes != s->scans * s->channels * bits / 8)
		return -EPROTO;

	return 0;
}

static void samples_plain16(const struct smappee_samples *s, void *out,
			    size_t stride)
{
	const u8 *p = s->data;
	unsigned int scan, c;

	for (scan = 0; scan < s->scans; scan++, out += stride)
		for (c = 0; c < s->channels; c++, p += 2)
			((s16 *)out)[c] = get_unaligned_be16(p);
}

static s32 samples_be24(const u8 *p)
{
	return (s32)((u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8) >> 8;
}

static void samples_plain24(const struct smappee_samples *s, void *out,
			    size_t stride)
{
	const u8 *p = s->data;
	unsigned int scan, c;

	for (scan = 0; scan < s->scans; scan++, out += stride)
		for (c = 0; c < s->channels; c++, p += 3)
			((s32 *)out)[c] = samples_be24(p);
}

/*
 * Read n differences of width bits from p, most significant bit first. The
 * caller has checked that the bytes are there.
 */
static void samples_group(const u8 *p, unsigned int width, unsigned int n,
			  s32 *diff)
{
	unsigned int have = 0;
	unsigned int i;
	u64 bits = 0;

	if (!width) {
		for (i = 0; i < n; i++)
			diff[i] = 0;
		return;
	}

	for (i = 0; i < n; i++) {
		while (have < width) {
			bits = bits << 8 | *p++;
			have += 8;
		}
		have -= width;
		diff[i] = (s32)((u32)(bits >> have) << (32 - width)) >>
			  (32 - width);
	}
}

static void samples_store(void *out, unsigned int bits, s32 value)
{
	if (bits == 16)
		*(s16 *)out = value;
	else
		*(s32 *)out = value;
}

/*
 * One channel of packed data. @out is the channel's place in the first scan.
 * Returns the bytes used, or -EPROTO.
 */
static int samples_unpack_channel(const u8 *data, size_t len,
				  unsigned int bits, unsigned int scans,
				  void *out, size_t stride)
{
	const s32 max = (1 << (bits - 1)) - 1;
	const u8 *const end = data + len;
	s32 diff[SMAPPEE_PACK_GROUP];
	const u8 *p = data;
	unsigned int order, plain, width, n, i;
	s32 x1 = 0, x2 = 0;	/* the last sample and the one before */
	size_t bytes;

	if (p == end)
		return -EPROTO;
	order = *p++;
	if (order > SMAPPEE_PACK_ORDER_MAX)
		return -EPROTO;

	plain = min(order, scans);
	if (end - p < plain * bits / 8)
		return -EPROTO;
	for (i = 0; i < plain; i++, p += bits / 8, out += stride) {
		x2 = x1;
		x1 = bits == 16 ? (s16)get_unaligned_be16(p) : samples_be24(p);
		samples_store(out, bits, x1);
	}

	for (scans -= plain; scans; scans -= n) {
		n = min_t(unsigned int, scans, SMAPPEE_PACK_GROUP);
		if (p == end)
			return -EPROTO;
		width = *p++;
		if (width > bits + SAMPLES_EXTRA_BITS)
			return -EPROTO;
		bytes = (n * width + 7) / 8;
		if (end - p < bytes)
			return -EPROTO;
		samples_group(p, width, n, diff);
		p += bytes;

		/* |diff| < 2^25 and |x| < 2^23, so no sum leaves 32 bits. */
		for (i = 0; i < n; i++, out += stride) {
			s32 x = diff[i];

			if (order == 2)
				x += 2 * x1 - x2;
			else if (order == 1)
				x += x1;
			if (x > max || x < -max - 1)
				return -EPROTO;
			x2 = x1;
			x1 = x;
			samples_store(out, bits, x);
		}
	}

	return p - data;
}

static int samples_packed(const struct smappee_samples *s, unsigned int bits,
			  void *out, size_t stride)
{
	size_t used = 0;
	unsigned int c;
	int ret;

	for (c = 0; c < s->channels; c++) {
		ret = samples_unpack_channel(s->data + used, s->bytes - used,
					     bits, s->scans,
					     out + c * (bits == 16 ? 2 : 4),
					     stride);
		if (ret < 0)
			return ret;
		used += ret;
	}

	return used == s->bytes ? 0 : -EPROTO;
}

/**
 * smappee_samples_unpack() - decode the samples of a block
 * @s: the block, from smappee_samples_parse()
 * @out: room for @s->scans scans; a sample is an s16 (16-bit formats) or an
 *       s32 (24-bit formats), CPU endian, and aligned as such
 * @stride: bytes from one scan in @out to the next
 *
 * Return: 0, or -EPROTO if packed data end early, have bytes left over, or hold
 * an order, a width or a sample that is out of range. @out is then undefined.
 */
int smappee_samples_unpack(const struct smappee_samples *s, void *out,
			   size_t stride)
{
	if (!s->scans)
		return 0;

	switch (s->format) {
	case SMAPPEE_FORMAT_S16:
		samples_plain16(s, out, stride);
		return 0;
	case SMAPPEE_FORMAT_S24:
		samples_plain24(s, out, stride);
		return 0;
	case SMAPPEE_FORMAT_S16_PACKED:
		return samples_packed(s, 16, out, stride);
	case SMAPPEE_FORMAT_S24_PACKED:
		return samples_packed(s, 24, out, stride);
	default:
		return -EPROTO;
	}
}

/**
 * smappee_sync_parse() - read a sync answer
 * @frame: the answer, after modbus_answer_check() said 0
 * @len: its length
 * @sync: what it says
 *
 * Return: 0, or -EPROTO if the length is wrong or the rate is none of ours.
 */
int smappee_sync_parse(const u8 *frame, size_t len, struct smappee_sync *sync)
{
	if (len != SMAPPEE_SYNC_LEN)
		return -EPROTO;

	sync->sequence = frame[SMAPPEE_SYNC_SEQ];
	sync->boot = frame[SMAPPEE_SYNC_BOOT];
	sync->index = get_unaligned_be32(frame + SMAPPEE_SYNC_INDEX);
	sync->phase = get_unaligned_be32(frame + SMAPPEE_SYNC_PHASE);
	sync->rate = get_unaligned_be16(frame + SMAPPEE_SYNC_RATE);
	if (sync->rate != 2000 && sync->rate != 4000 && sync->rate != 8000)
		return -EPROTO;

	return 0;
}
