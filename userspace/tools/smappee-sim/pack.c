// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Data layouts of a read-samples answer. Plain formats are stores; packed ones
 * first count what each order of difference would cost, then write the cheapest
 * most significant bit first.
 */
#include "pack.h"

#include <linux/smappee.h>
#include <stdbool.h>
#include <string.h>

static unsigned int sample_bytes(uint8_t format)
{
	return format == SMAPPEE_FORMAT_S16 || format == SMAPPEE_FORMAT_S16_PACKED ? 2 : 3;
}

static uint8_t *put_sample(uint8_t *at, int32_t code, unsigned int bytes)
{
	if (bytes == 3)
		*at++ = (uint8_t)((uint32_t)code >> 16);
	*at++ = (uint8_t)((uint32_t)code >> 8);
	*at++ = (uint8_t)code;
	return at;
}

static int32_t difference(const int32_t *x, unsigned int n, unsigned int order)
{
	if (order == 0)
		return x[n];
	if (order == 1)
		return x[n] - x[n - 1];
	return x[n] - 2 * x[n - 1] + x[n - 2];
}

/* Bits of two's complement that hold all of x[from..to), 0 if all are zero. */
static unsigned int group_width(const int32_t *x, unsigned int from, unsigned int to,
				unsigned int order)
{
	uint32_t all = 0;
	bool any = false;

	for (unsigned int n = from; n < to; n++) {
		int32_t d = difference(x, n, order);

		any |= d != 0;
		all |= (uint32_t)(d < 0 ? ~d : d);
	}
	if (!any)
		return 0;
	return all ? 33 - (unsigned int)__builtin_clz(all) : 1;
}

static unsigned int group_end(unsigned int from, unsigned int scans)
{
	return scans - from > SMAPPEE_PACK_GROUP ? from + SMAPPEE_PACK_GROUP : scans;
}

static size_t packed_size(const int32_t *x, unsigned int scans, unsigned int order,
			  unsigned int bytes)
{
	unsigned int plain = order < scans ? order : scans;
	size_t size = 1 + (size_t)plain * bytes;

	for (unsigned int from = plain; from < scans;) {
		unsigned int to = group_end(from, scans);

		size += 1 + (group_width(x, from, to, order) * (size_t)(to - from) + 7) / 8;
		from = to;
	}
	return size;
}

static uint8_t *put_group(uint8_t *at, const int32_t *x, unsigned int from, unsigned int to,
			  unsigned int order)
{
	unsigned int width = group_width(x, from, to, order);
	uint64_t bits = 0;
	unsigned int held = 0;

	*at++ = (uint8_t)width;
	for (unsigned int n = from; n < to && width; n++) {
		uint32_t d = (uint32_t)difference(x, n, order) & ((1u << width) - 1);

		bits = bits << width | d;
		for (held += width; held >= 8; held -= 8)
			*at++ = (uint8_t)(bits >> (held - 8));
	}
	if (held)
		*at++ = (uint8_t)(bits << (8 - held));
	return at;
}

static size_t best_order(const int32_t *x, unsigned int scans, unsigned int bytes,
			 unsigned int *order)
{
	size_t best = packed_size(x, scans, 0, bytes);

	*order = 0;
	for (unsigned int d = 1; d <= SMAPPEE_PACK_ORDER_MAX; d++) {
		size_t size = packed_size(x, scans, d, bytes);

		if (size < best) {
			best = size;
			*order = d;
		}
	}
	return best;
}

static uint8_t *put_channel(uint8_t *at, const uint8_t *end, const int32_t *x, unsigned int scans,
			    unsigned int bytes)
{
	unsigned int order, plain;

	if (best_order(x, scans, bytes, &order) > (size_t)(end - at))
		return NULL;
	*at++ = (uint8_t)order;
	plain = order < scans ? order : scans;
	for (unsigned int n = 0; n < plain; n++)
		at = put_sample(at, x[n], bytes);
	for (unsigned int from = plain; from < scans; from = group_end(from, scans))
		at = put_group(at, x, from, group_end(from, scans), order);
	return at;
}

static size_t put_plain(uint8_t *out, size_t room, unsigned int bytes, unsigned int channels,
			const int32_t *codes, size_t stride, unsigned int scans)
{
	uint8_t *at = out;

	if ((size_t)scans * channels * bytes > room)
		return 0;
	for (unsigned int n = 0; n < scans; n++)
		for (unsigned int c = 0; c < channels; c++)
			at = put_sample(at, codes[c * stride + n], bytes);
	return (size_t)(at - out);
}

size_t pack_scans(uint8_t *out, size_t room, uint8_t format, unsigned int channels,
		  const int32_t *codes, size_t stride, unsigned int scans)
{
	unsigned int bytes = sample_bytes(format);
	uint8_t *at = out;

	if (!scans)
		return 0;
	if (format == SMAPPEE_FORMAT_S16 || format == SMAPPEE_FORMAT_S24)
		return put_plain(out, room, bytes, channels, codes, stride, scans);
	for (unsigned int c = 0; c < channels && at; c++)
		at = put_channel(at, out + room, codes + c * stride, scans, bytes);
	return at ? (size_t)(at - out) : 0;
}

/* Bytes that all channels need packed, each in its best order. */
static size_t packed_total(unsigned int bytes, unsigned int channels, const int32_t *codes,
			   size_t stride, unsigned int scans)
{
	size_t total = 0;

	for (unsigned int c = 0; c < channels; c++) {
		unsigned int order;

		total += best_order(codes + c * stride, scans, bytes, &order);
	}
	return total;
}

/* Fewer scans, in the hope that they fit: in proportion, and always fewer. */
static unsigned int fewer(unsigned int scans, size_t room, size_t needed)
{
	unsigned int n = (unsigned int)(scans * room / needed);

	if (n > SMAPPEE_PACK_GROUP)
		n -= n % SMAPPEE_PACK_GROUP;
	return n < scans ? n : scans - 1;
}

size_t pack_fitting(uint8_t *out, size_t room, uint8_t format, unsigned int channels,
		    const int32_t *codes, size_t stride, unsigned int *scans)
{
	unsigned int bytes = sample_bytes(format);
	unsigned int n = *scans;

	if (format == SMAPPEE_FORMAT_S16 || format == SMAPPEE_FORMAT_S24) {
		unsigned int most = (unsigned int)(room / (channels * bytes));

		n = n < most ? n : most;
	} else {
		size_t needed;

		while (n && (needed = packed_total(bytes, channels, codes, stride, n)) > room)
			n = fewer(n, room, needed);
	}
	*scans = n;
	return pack_scans(out, room, format, channels, codes, stride, n);
}
