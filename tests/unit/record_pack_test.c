// SPDX-License-Identifier: GPL-2.0-or-later
/* Packed records: every number comes back, and nothing but a pack is taken for one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record-pack.h"

#define ROUNDS 2000

static unsigned char pack[RECORD_PACK_BYTES];
static struct record given[RECORD_PACK_MAX], taken[RECORD_PACK_MAX];
static int64_t load_given[RECORD_PACK_MAX], load_taken[RECORD_PACK_MAX];

/* xorshift: the same on every run */
static uint64_t chance(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Of any size, the greatest and least among them. */
static int64_t any_number(void)
{
	static const int64_t ends[] = { 0, -1, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN };

	if (!(chance() % 8))
		return ends[chance() % 6];
	return (int64_t)(chance() >> chance() % 64) * (chance() % 2 ? 1 : -1);
}

static int32_t any_value(void)
{
	static const int32_t ends[] = { RECORD_UNKNOWN, INT32_MAX, -INT32_MAX, 0 };

	if (!(chance() % 6))
		return ends[chance() % 4];
	return (int32_t)(chance() >> chance() % 31 >> 33) * (chance() % 2 ? 1 : -1);
}

static void make(unsigned int n)
{
	unsigned int k, q, s;

	memset(given, 0, sizeof(given));
	memset(taken, 0, sizeof(taken));
	for (k = 0; k < n; k++) {
		struct record *r = &given[k];

		load_given[k] = any_number();
		r->flags = (uint32_t)chance();
		r->covered_ms = (uint32_t)chance();
		r->import_uwh = any_number();
		r->export_uwh = any_number();
		r->import_total_uwh = any_number();
		r->export_total_uwh = any_number();
		for (q = 0; q < RECORD_QUANTITIES; q++)
			for (s = 0; s < RECORD_STATISTICS; s++)
				r->value[q][s] = any_value();
	}
}

static void every_number_comes_back(void **state)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		unsigned int n = 1 + (unsigned int)(chance() % RECORD_PACK_MAX);
		int bytes;

		make(n);
		bytes = record_pack(given, load_given, n, pack);
		assert_true(bytes > 0);
		assert_int_equal(record_unpack(pack, (size_t)bytes, taken, load_taken, n), 0);
		assert_memory_equal(taken, given, sizeof(given));
		assert_memory_equal(load_taken, load_given, n * sizeof(load_given[0]));
	}
}

static void the_number_of_records_has_bounds(void **state)
{
	make(1);
	assert_int_equal(record_pack(given, load_given, 0, pack), -EINVAL);
	assert_int_equal(record_pack(given, load_given, RECORD_PACK_MAX + 1, pack), -EINVAL);
	assert_int_equal(record_unpack(pack, 10, taken, load_taken, 0), -EBADMSG);
	assert_int_equal(record_unpack(pack, 10, taken, load_taken, RECORD_PACK_MAX + 1), -EBADMSG);
}

static void damage_is_noticed(void **state)
{
	int bytes, bit, k;

	make(3);
	bytes = record_pack(given, load_given, 3, pack);
	assert_true(bytes > 0);
	for (bit = 0; bit < bytes * 8; bit++) {
		pack[bit / 8] ^= (unsigned char)(1 << bit % 8);
		/* the header has bits that mean nothing */
		if (!record_unpack(pack, (size_t)bytes, taken, load_taken, 3))
			assert_memory_equal(taken, given, sizeof(given));
		pack[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (k = 0; k < bytes; k++)
		assert_int_equal(record_unpack(pack, (size_t)k, taken, load_taken, 3), -EBADMSG);
	/* a whole pack of another number of records */
	assert_int_equal(record_unpack(pack, (size_t)bytes, taken, load_taken, 2), -EBADMSG);
	assert_int_equal(record_unpack(pack, (size_t)bytes, taken, load_taken, 4), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_comes_back),
		cmocka_unit_test(the_number_of_records_has_bounds),
		cmocka_unit_test(damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
