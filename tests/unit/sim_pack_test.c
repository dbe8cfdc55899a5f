// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packed sample blocks: whatever goes in comes out, and sines get short. The
 * decoder here is written from protocol.rst alone.
 */
#include "pack.h"
#include "random.h"

#include <linux/smappee.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define SCANS 1024
#define ROOM 4096

/**
 * struct bits - reader of most-significant-first bits
 * @at: next byte
 * @end: behind the last
 * @bit: bits of *at already taken
 * @bad: read beyond the end
 */
struct bits {
	const uint8_t *at;
	const uint8_t *end;
	unsigned int bit;
	bool bad;
};

static uint32_t take_bits(struct bits *b, unsigned int count)
{
	uint32_t value = 0;

	while (count--) {
		if (b->at >= b->end) {
			b->bad = true;
			return 0;
		}
		value = value << 1 | (*b->at >> (7 - b->bit) & 1);
		if (++b->bit == 8) {
			b->bit = 0;
			b->at++;
		}
	}
	return value;
}

static int32_t take_signed(struct bits *b, unsigned int width)
{
	uint32_t value = take_bits(b, width);

	if (width && value >> (width - 1))
		value |= ~0u << (width - 1);
	return (int32_t)value;
}

static bool zero_padding(struct bits *b)
{
	return !b->bit || !take_bits(b, 8 - b->bit);
}

static bool unpack_channel(struct bits *b, unsigned int bits, unsigned int scans, int32_t *x)
{
	unsigned int order = take_bits(b, 8);
	unsigned int plain = order < scans ? order : scans;

	if (b->bad || order > SMAPPEE_PACK_ORDER_MAX)
		return false;
	for (unsigned int n = 0; n < plain; n++)
		x[n] = take_signed(b, bits);
	for (unsigned int from = plain; from < scans; from += SMAPPEE_PACK_GROUP) {
		unsigned int width = take_bits(b, 8);

		if (width > bits + 2)
			return false;
		for (unsigned int n = from; n < from + SMAPPEE_PACK_GROUP && n < scans; n++) {
			int32_t d = take_signed(b, width);

			x[n] = order == 0   ? d
			       : order == 1 ? d + x[n - 1]
					    : d + 2 * x[n - 1] - x[n - 2];
		}
		if (!zero_padding(b))
			return false;
	}
	return !b->bad;
}

static bool unpack(const uint8_t *data, size_t len, uint8_t format, unsigned int channels,
		   unsigned int scans, int32_t *codes)
{
	bool packed = format >= SMAPPEE_FORMAT_S16_PACKED;
	unsigned int bits =
		format == SMAPPEE_FORMAT_S16 || format == SMAPPEE_FORMAT_S16_PACKED ? 16 : 24;
	struct bits b = { data, data + len, 0, false };

	for (unsigned int c = 0; packed && c < channels; c++)
		if (!unpack_channel(&b, bits, scans, codes + c * SCANS))
			return false;
	for (unsigned int n = 0; !packed && n < scans; n++)
		for (unsigned int c = 0; c < channels; c++)
			codes[c * SCANS + n] = take_signed(&b, bits);
	return !b.bad && b.at == b.end;
}

static int32_t limit(double x, unsigned int bits)
{
	double top = ldexp(1, (int)bits - 1);

	return (int32_t)lrint(fmin(fmax(x, -top), top - 1));
}

/* Constant, noise, full-scale noise, ramp, sine, sine beyond the rails. */
static void make_signal(uint64_t *random, unsigned int bits, int32_t *x, unsigned int scans)
{
	unsigned int kind = (unsigned int)(random_next(random) % 6);
	double top = ldexp(1, (int)bits - 1), size = top * random_unit(random);
	double step = 0.3 * random_unit(random);

	for (unsigned int n = 0; n < scans; n++) {
		double noise = 2 * random_unit(random) - 1;
		double value[] = { size,
				   3 * noise,
				   1.2 * top * noise,
				   size + 7.0 * n,
				   size * sin(step * n) + noise,
				   3 * top * sin(step * n) };

		x[n] = limit(value[kind], bits);
	}
}

static void any_signal_comes_back(void **state)
{
	static int32_t codes[8 * SCANS], got[8 * SCANS];
	static uint8_t data[ROOM];

	(void)state;
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		uint64_t random = seed << 32;
		uint8_t format = (uint8_t)(1 + random_next(&random) % 4);
		unsigned int bits = format & 1 ? 16 : 24;
		unsigned int channels = 1 + random_next(&random) % 8;
		unsigned int wanted = (unsigned int)(random_next(&random) % (SCANS + 1));
		unsigned int scans = wanted;
		size_t len;

		if (seed % 4 == 0)
			scans = wanted = wanted % 5;
		for (unsigned int c = 0; c < channels; c++)
			make_signal(&random, bits, codes + c * SCANS, wanted);
		len = pack_fitting(data, ROOM, format, channels, codes, SCANS, &scans);
		if (len > ROOM || scans > wanted || (wanted && !scans))
			fail_msg("seed %lu: %u of %u scans in %zu bytes", (unsigned long)seed,
				 scans, wanted, len);
		if (!scans) {
			assert_int_equal(len, 0);
			continue;
		}
		if (!unpack(data, len, format, channels, scans, got))
			fail_msg("seed %lu: format %u, %u scans: not decodable",
				 (unsigned long)seed, format, scans);
		for (unsigned int c = 0; c < channels; c++)
			if (memcmp(got + c * SCANS, codes + c * SCANS, scans * sizeof(got[0])))
				fail_msg("seed %lu: format %u, channel %u of %u differs",
					 (unsigned long)seed, format, c, channels);
	}
}

static void extremes_fit_their_widths(void **state)
{
	static const int32_t ends[][4] = { { -32768, 32767, -32768, 32767 },
					   { -8388608, 8388607, -8388608, 8388607 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t format = i ? SMAPPEE_FORMAT_S24_PACKED : SMAPPEE_FORMAT_S16_PACKED;
		int32_t codes[SCANS], got[SCANS];
		uint8_t data[ROOM];
		unsigned int scans = 64;
		size_t len;

		for (unsigned int n = 0; n < scans; n++)
			codes[n] = ends[i][n % 4];
		len = pack_fitting(data, ROOM, format, 1, codes, SCANS, &scans);
		assert_int_equal(scans, 64);
		assert_true(unpack(data, len, format, 1, scans, got));
		assert_memory_equal(got, codes, scans * sizeof(got[0]));
	}
}

static void mains_takes_less_than_two_thirds(void **state)
{
	int32_t codes[SCANS];
	uint8_t data[ROOM];
	unsigned int scans = 160;
	size_t len;

	(void)state;
	for (unsigned int n = 0; n < scans; n++)
		codes[n] = (int32_t)lrint(20000 * sin(2 * M_PI * 50 / 4000 * n));
	len = pack_fitting(data, ROOM, SMAPPEE_FORMAT_S16_PACKED, 1, codes, SCANS, &scans);
	assert_int_equal(scans, 160);
	if (len > 2 * 160 * 2 / 3)
		fail_msg("%zu bytes for 160 samples", len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_signal_comes_back),
		cmocka_unit_test(extremes_fit_their_widths),
		cmocka_unit_test(mains_takes_less_than_two_thirds),
	};

	return cmocka_run_group_tests_name("sim_pack", tests, NULL, NULL);
}
