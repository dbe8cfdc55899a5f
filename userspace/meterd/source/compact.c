// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sampled mains voltage is smooth: second differences are small, and a Rice code
 * writes small numbers in few bits. Where that is not shorter, or the values are not
 * whole numbers, they are written as they are.
 */
#include "compact.h"

#include <errno.h>
#include <string.h>

#include "crc32.h"

#define KIND_SCANS 'S'
#define KIND_END 'E'
#define SCANS_BYTES 20
#define AS_IT_IS 0xff
/* whole numbers up to here are exact in single precision */
#define WHOLE_MAX 16777216
/* more ones than this in a row mean that 32 bits follow */
#define ONES_MAX 24
#define RICE_MAX 30

/**
 * struct bits - a stream of bits, the least significant of a byte first
 * @at: next byte
 * @end: behind the last one
 * @hold: bits that are not written, or read, yet
 * @held: how many
 * @full: the end was reached
 */
struct bits {
	unsigned char *at;
	const unsigned char *end;
	uint64_t hold;
	unsigned int held;
	bool full;
};

static void put_le(unsigned char *p, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*p++ = (unsigned char)value;
}

static uint64_t get_le(const unsigned char *p, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

static void put_bits(struct bits *b, uint32_t value, unsigned int n)
{
	b->hold |= (uint64_t)value << b->held;
	for (b->held += n; b->held >= 8; b->held -= 8, b->hold >>= 8) {
		if (b->at == b->end) {
			b->full = true;
			b->held = 0;
			return;
		}
		*b->at++ = (unsigned char)b->hold;
	}
}

static uint32_t get_bits(struct bits *b, unsigned int n)
{
	uint32_t value;

	for (; b->held < n; b->held += 8) {
		if (b->at == b->end) {
			b->full = true;
			return 0;
		}
		b->hold |= (uint64_t)*b->at++ << b->held;
	}
	value = (uint32_t)(b->hold & ((1ULL << n) - 1));
	b->hold >>= n;
	b->held -= n;
	return value;
}

/* Signed to unsigned: 0, -1, 1, -2 ... */
static uint64_t fold(int64_t v)
{
	return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
}

static int64_t unfold(uint32_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void put_rice(struct bits *b, uint32_t value, unsigned int k)
{
	uint32_t ones = value >> k;

	if (ones > ONES_MAX) {
		put_bits(b, (1U << (ONES_MAX + 1)) - 1, ONES_MAX + 1);
		put_bits(b, value, 32);
		return;
	}
	put_bits(b, (1U << ones) - 1, ones + 1);
	put_bits(b, value & ((1U << k) - 1), k);
}

static uint32_t get_rice(struct bits *b, unsigned int k)
{
	uint32_t ones = 0;

	while (ones <= ONES_MAX && get_bits(b, 1))
		ones++;
	if (ones > ONES_MAX)
		return get_bits(b, 32);
	return ones << k | get_bits(b, k);
}

/*
 * Numbers as a Rice code behind the byte that says its parameter, in at most @room
 * bytes. Return: bytes, 0 when they do not fit.
 */
static size_t put_numbers(unsigned char *to, size_t room, const uint64_t *v, unsigned int n)
{
	struct bits b = { .at = to + 1, .end = to + room };
	uint64_t sum = 0;
	unsigned int k;
	unsigned int j;

	if (room < 2)
		return 0;
	for (j = 0; j < n; j++) {
		if (v[j] > UINT32_MAX)
			return 0;
		sum += v[j];
	}
	for (k = 0; k < RICE_MAX && (uint64_t)n << (k + 1) <= sum; k++)
		;
	to[0] = (unsigned char)k;
	for (j = 0; j < n && !b.full; j++)
		put_rice(&b, (uint32_t)v[j], k);
	if (b.held && !b.full)
		put_bits(&b, 0, 8 - b.held);
	return b.full ? 0 : (size_t)(b.at - to);
}

static unsigned char *put_times(unsigned char *to, const int64_t *t, unsigned int n)
{
	uint64_t v[COMPACT_SCANS_MAX] = { 0 };
	uint64_t step = 0, before;
	unsigned int k;
	size_t bytes;

	/* any two times: what does not fit wraps, and comes back in the same way */
	for (k = 1; k < n; k++) {
		before = step;
		step = (uint64_t)t[k] - (uint64_t)t[k - 1];
		v[k - 1] = fold((int64_t)(step - before));
	}
	bytes = put_numbers(to, 1 + 8 * (n - 1), v, n - 1);
	if (bytes)
		return to + bytes;
	*to++ = AS_IT_IS;
	for (k = 1; k < n; k++, to += 8)
		put_le(to, (uint64_t)t[k], 8);
	return to;
}

/* Second differences, if all values are whole numbers that this can hold. */
static bool differences(const float *x, unsigned int n, uint64_t *v)
{
	int32_t last = 0;
	int32_t step = 0;
	unsigned int k;

	for (k = 0; k < n; k++) {
		int32_t now;
		float back;

		if (!(x[k] >= -WHOLE_MAX && x[k] <= WHOLE_MAX))
			return false;
		now = (int32_t)x[k];
		back = (float)now;
		/* not by ==, which takes -0 for 0 */
		if (memcmp(&back, &x[k], sizeof(back)))
			return false;
		v[k] = fold((int64_t)now - last - step);
		step = now - last;
		last = now;
	}
	return true;
}

static unsigned char *put_channel(unsigned char *to, const float *x, unsigned int n)
{
	uint64_t v[COMPACT_SCANS_MAX] = { 0 };
	size_t bytes = 0;
	unsigned int k;

	if (differences(x, n, v))
		bytes = put_numbers(to, 1 + 4 * (size_t)n, v, n);
	if (bytes)
		return to + bytes;
	*to++ = AS_IT_IS;
	for (k = 0; k < n; k++, to += 4) {
		uint32_t bits;

		memcpy(&bits, &x[k], sizeof(bits));
		put_le(to, bits, 4);
	}
	return to;
}

/* Length and check sum before the payload that is there. Return: bytes of all. */
static size_t close_frame(unsigned char *frame, const unsigned char *end)
{
	const unsigned char *payload = frame + COMPACT_FRAME_BYTES;
	size_t bytes = (size_t)(end - payload);

	put_le(frame, bytes, 4);
	put_le(frame + 4, crc32_ethernet(payload, bytes), 4);
	return COMPACT_FRAME_BYTES + bytes;
}

size_t compact_put(unsigned char *frame, const struct compact_scans *s)
{
	unsigned char *p = frame + COMPACT_FRAME_BYTES;
	unsigned char *mask = p + SCANS_BYTES;
	unsigned char *to = mask + (s->channels + 7) / 8;
	unsigned int k;

	p[0] = KIND_SCANS;
	p[1] = 0;
	put_le(p + 2, s->scans, 2);
	put_le(p + 4, (uint64_t)s->time_ns[0], 8);
	put_le(p + 12, (uint64_t)s->utc_ns, 8);
	memset(mask, 0, (s->channels + 7) / 8);
	to = put_times(to, s->time_ns, s->scans);
	for (k = 0; k < s->channels; k++) {
		if (!s->x[k])
			continue;
		mask[k / 8] |= (unsigned char)(1 << k % 8);
		to = put_channel(to, s->x[k], s->scans);
	}
	return close_frame(frame, to);
}

size_t compact_put_end(unsigned char *frame, const char *reason)
{
	unsigned char *p = frame + COMPACT_FRAME_BYTES;
	size_t n = strnlen(reason, COMPACT_REASON_MAX);

	p[0] = KIND_END;
	memcpy(p + 1, reason, n);
	return close_frame(frame, p + 1 + n);
}

void compact_head(unsigned char to[COMPACT_HEAD_BYTES], const char *json, size_t bytes)
{
	memcpy(to, COMPACT_MAGIC, COMPACT_MAGIC_BYTES);
	put_le(to + 8, bytes, 4);
	put_le(to + 12, crc32_ethernet(json, bytes), 4);
}

size_t compact_head_check(const unsigned char from[COMPACT_HEAD_BYTES], uint32_t *crc)
{
	uint64_t bytes = get_le(from + 8, 4);

	*crc = (uint32_t)get_le(from + 12, 4);
	if (memcmp(from, COMPACT_MAGIC, COMPACT_MAGIC_BYTES) || bytes > COMPACT_JSON_MAX)
		return 0;
	return bytes;
}

size_t compact_frame(const unsigned char from[COMPACT_FRAME_BYTES], uint32_t *crc)
{
	uint64_t bytes = get_le(from, 4);

	*crc = (uint32_t)get_le(from + 4, 4);
	return bytes <= COMPACT_FRAME_MAX - COMPACT_FRAME_BYTES ? bytes : 0;
}

bool compact_is_end(const unsigned char *payload, size_t bytes)
{
	return bytes && payload[0] == KIND_END;
}

static int get_times(struct bits *b, int64_t *t, unsigned int n)
{
	uint64_t step = 0;
	unsigned int k;
	unsigned int rice;

	if (b->at == b->end)
		return -EBADMSG;
	rice = *b->at++;
	if (rice == AS_IT_IS && (size_t)(b->end - b->at) >= 8 * (size_t)(n - 1)) {
		for (k = 1; k < n; k++, b->at += 8)
			t[k] = (int64_t)get_le(b->at, 8);
		return 0;
	}
	if (rice > RICE_MAX)
		return -EBADMSG;
	for (k = 1; k < n; k++) {
		step += (uint64_t)unfold(get_rice(b, rice));
		t[k] = (int64_t)((uint64_t)t[k - 1] + step);
	}
	b->hold = 0;
	b->held = 0;
	return b->full ? -EBADMSG : 0;
}

static int get_whole(struct bits *b, float *x, unsigned int n, unsigned int rice)
{
	int64_t last = 0;
	int64_t step = 0;
	unsigned int k;

	for (k = 0; k < n; k++) {
		step += unfold(get_rice(b, rice));
		last += step;
		if (b->full || last > WHOLE_MAX || last < -WHOLE_MAX)
			return -EBADMSG;
		x[k] = (float)last;
	}
	b->hold = 0;
	b->held = 0;
	return 0;
}

static int get_channel(struct bits *b, float *x, unsigned int n)
{
	unsigned int k;
	unsigned int rice;

	if (b->at == b->end)
		return -EBADMSG;
	rice = *b->at++;
	if (rice != AS_IT_IS)
		return rice > RICE_MAX ? -EBADMSG : get_whole(b, x, n, rice);
	if ((size_t)(b->end - b->at) < 4 * (size_t)n)
		return -EBADMSG;
	for (k = 0; k < n; k++, b->at += 4) {
		uint32_t bits = (uint32_t)get_le(b->at, 4);

		memcpy(&x[k], &bits, sizeof(bits));
	}
	return 0;
}

int compact_get(const unsigned char *payload, size_t bytes, unsigned int channels,
		struct compact_block *block)
{
	size_t mask_bytes = (channels + 7) / 8;
	const unsigned char *mask = payload + SCANS_BYTES;
	/* it is only read from */
	struct bits b = { .at = (unsigned char *)mask + mask_bytes, .end = payload + bytes };
	unsigned int k;
	int error;

	if (channels > COMPACT_CHANNELS_MAX || bytes < SCANS_BYTES + mask_bytes ||
	    payload[0] != KIND_SCANS)
		return -EBADMSG;
	block->scans = (unsigned int)get_le(payload + 2, 2);
	if (!block->scans || block->scans > COMPACT_SCANS_MAX)
		return -EBADMSG;
	block->time_ns[0] = (int64_t)get_le(payload + 4, 8);
	block->utc_ns = (int64_t)get_le(payload + 12, 8);
	error = get_times(&b, block->time_ns, block->scans);
	for (k = 0; !error && k < channels; k++) {
		block->present[k] = mask[k / 8] >> k % 8 & 1;
		if (block->present[k])
			error = get_channel(&b, block->x[k], block->scans);
	}
	return error || b.at != b.end ? -EBADMSG : 0;
}
