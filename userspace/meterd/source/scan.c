// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Four channels of four scans are a square that is transposed and converted in
 * registers; one channel after the other would read the memory four times.
 */
#include "scan.h"

#include "float4.h"

typedef int16_t short8 __attribute__((vector_size(16)));
typedef int32_t int8 __attribute__((vector_size(32)));
typedef int64_t long2 __attribute__((vector_size(16)));

#define SIDE 4

/* Four samples, in the lower half. */
static ALWAYS_INLINE short8 load(const char *from)
{
	int64_t four;

	memcpy(&four, from, sizeof(four));
	return (short8)(long2){ four, 0 };
}

/* One or two channels, four samples each, which are the halves of @both. */
static ALWAYS_INLINE void store(int4 both, unsigned int channels, float *const *to, size_t at)
{
	const union {
		int8 all;
		int4 half[2];
	} wide = { __builtin_convertvector((short8)both, int8) };

	float4_store(to[0] + at, __builtin_convertvector(wide.half[0], float4));
	if (channels > 1)
		float4_store(to[1] + at, __builtin_convertvector(wide.half[1], float4));
}

/* Four scans of @channels channels, 1 to 4. */
static ALWAYS_INLINE void split_square(const char *from, size_t step, unsigned int channels,
				       float *const *to, size_t at)
{
	short8 a = load(from);
	short8 b = load(from + step);
	short8 c = load(from + 2 * step);
	short8 d = load(from + 3 * step);
	int4 ab = (int4)__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
	int4 cd = (int4)__builtin_shufflevector(c, d, 0, 8, 1, 9, 2, 10, 3, 11);

	store(__builtin_shufflevector(ab, cd, 0, 4, 1, 5), channels, to, at);
	if (channels > 2)
		store(__builtin_shufflevector(ab, cd, 2, 6, 3, 7), channels - 2, to + 2, at);
}

/* The whole squares of four channels, which is what most devices have. Return: scans. */
static size_t split_four(const char *from, size_t step, size_t scans, float *const *to)
{
	float *const four[SIDE] = { to[0], to[1], to[2], to[3] };
	size_t at;

	for (at = 0; at + 2 * SIDE <= scans; at += 2 * SIDE, from += 2 * SIDE * step) {
		split_square(from, step, SIDE, four, at);
		split_square(from + SIDE * step, step, SIDE, four, at + SIDE);
	}
	return at;
}

static void split_group(const char *from, size_t step, size_t scans, unsigned int channels,
			float *const *to)
{
	size_t at = channels == SIDE ? split_four(from, step, scans, to) : 0;
	unsigned int c;

	for (; at + SIDE <= scans; at += SIDE)
		split_square(from + at * step, step, channels, to, at);
	for (; at < scans; at++)
		for (c = 0; c < channels; c++)
			to[c][at] = (float)((const int16_t *)(from + at * step))[c];
}

void scan_split_s16(const char *from, size_t step, unsigned int scans, unsigned int channels,
		    float *const *to)
{
	unsigned int c;

	for (c = 0; c < channels; c += SIDE) {
		unsigned int n = channels - c < SIDE ? channels - c : SIDE;

		split_group(from + c * sizeof(int16_t), step, scans, n, to + c);
	}
}

static ALWAYS_INLINE int64_t stamp(const char *from)
{
	int64_t ns;

	memcpy(&ns, from, sizeof(ns));
	return ns;
}

void scan_stamps(const char *from, size_t step, unsigned int scans, int64_t *to)
{
	size_t at;

	for (at = 0; at + SIDE <= scans; at += SIDE, from += SIDE * step) {
		int64_t a = stamp(from);
		int64_t b = stamp(from + step);
		int64_t c = stamp(from + 2 * step);
		int64_t d = stamp(from + 3 * step);

		to[at] = a;
		to[at + 1] = b;
		to[at + 2] = c;
		to[at + 3] = d;
	}
	for (; at < scans; at++, from += step)
		to[at] = stamp(from);
}
