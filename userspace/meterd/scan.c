// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Four channels of four scans are a square that is converted and transposed in
 * registers; one channel after the other would read the memory four times.
 */
#include "scan.h"

#include <stdint.h>
#include <string.h>

typedef int16_t short8 __attribute__((vector_size(16)));
typedef int64_t long2 __attribute__((vector_size(16)));
typedef int32_t int4 __attribute__((vector_size(16)));
typedef float float4 __attribute__((vector_size(16)));

#define SIDE 4

/* Each sample fills both halves of a word; the shift leaves it with its sign. */
static float4 load(const char *from)
{
	int64_t four;
	short8 samples;

	memcpy(&four, from, sizeof(four));
	samples = (short8)(long2){ four, 0 };
	samples = __builtin_shufflevector(samples, samples, 0, 0, 1, 1, 2, 2, 3, 3);
	return __builtin_convertvector((int4)samples >> 16, float4);
}

static void store(float *to, float4 value)
{
	memcpy(to, &value, sizeof(value));
}

/* Four scans of @channels channels, 1 to 4. */
static void split_square(const char *from, size_t step, unsigned int channels, float *const *to,
			 unsigned int at)
{
	float4 a = load(from);
	float4 b = load(from + step);
	float4 c = load(from + 2 * step);
	float4 d = load(from + 3 * step);
	float4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
	float4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);

	store(to[0] + at, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
	if (channels > 1)
		store(to[1] + at, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
	if (channels <= 2)
		return;
	ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
	cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
	store(to[2] + at, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
	if (channels > 3)
		store(to[3] + at, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}

static void split_group(const char *from, size_t step, unsigned int scans, unsigned int channels,
			float *const *to)
{
	unsigned int at;
	unsigned int c;

	for (at = 0; at + SIDE <= scans; at += SIDE)
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
