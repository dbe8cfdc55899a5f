// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Retention by age, whatever the clock does: records that were dated wrong are kept for as
 * many days as others, and a clock that was wrong for a while costs no record.
 */
#include "database-rig.h"

#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define LOADS 4
#define MARKS 32

static int start(void **state)
{
	return start_database(state, 1);
}

/* Minutes of some loads, from @begin_ms on for @length_ms. */
static void measure(struct fixture *f, int64_t begin_ms, int64_t length_ms)
{
	struct record r[LOADS * MARKS];
	unsigned int n = 0, l;
	int64_t at;

	for (at = begin_ms; at < begin_ms + length_ms; at += MINUTE_MS) {
		for (l = 0; l < LOADS; l++) {
			r[n] = (struct record){ .kind = RECORD_1M,
						.utc_ms = at,
						.sequence = ++f->sequence };
			snprintf(r[n].name, sizeof(r[n].name), "load %u", l);
			n++;
		}
		if (n < LOADS * MARKS && at + MINUTE_MS < begin_ms + length_ms)
			continue;
		assert_int_equal(database_append(f->db, r, n), 0);
		n = 0;
	}
}

static int64_t oldest_ms(struct fixture *f)
{
	struct record r;

	assert_int_equal(database_read(f->db, 0, &r, 1), 1);
	return r.utc_ms;
}

static void what_is_too_old_goes(void **state)
{
	struct fixture *f = *state;

	measure(f, TODAY_MS, 3 * DAY_MS);
	assert_in_range(oldest_ms(f), TODAY_MS + DAY_MS, TODAY_MS + 2 * DAY_MS);
}

/* A gateway without a clock: ten hours of 1970, then the first answer of a time server. */
static void a_clock_that_is_set_costs_nothing(void **state)
{
	struct fixture *f = *state;

	measure(f, 0, 10 * HOUR_MS);
	measure(f, TODAY_MS, DAY_MS);
	assert_int_equal(oldest_ms(f), 0);
	measure(f, TODAY_MS + DAY_MS, DAY_MS);
	assert_in_range(oldest_ms(f), TODAY_MS, TODAY_MS + DAY_MS);
}

/* It has been started again, and knows no time again. */
static void a_clock_that_is_lost_costs_nothing(void **state)
{
	struct fixture *f = *state;

	measure(f, TODAY_MS, 10 * HOUR_MS);
	measure(f, 0, 10 * HOUR_MS);
	assert_int_equal(oldest_ms(f), TODAY_MS);
	database_close(f->db);
	assert_int_equal(database_open(&f->db, &f->config, NULL, 0), 0);
	measure(f, 10 * HOUR_MS, HOUR_MS);
	assert_int_equal(oldest_ms(f), TODAY_MS);
	measure(f, TODAY_MS + DAY_MS, 10 * HOUR_MS);
	assert_int_equal(oldest_ms(f), TODAY_MS);
	measure(f, TODAY_MS + DAY_MS + 10 * HOUR_MS, 2 * DAY_MS);
	assert_true(oldest_ms(f) >= TODAY_MS + DAY_MS);
}

static void a_clock_that_is_ahead_costs_nothing(void **state)
{
	struct fixture *f = *state;

	measure(f, TODAY_MS, 10 * HOUR_MS);
	measure(f, TODAY_MS + 1000 * DAY_MS, HOUR_MS);
	measure(f, TODAY_MS + 11 * HOUR_MS, HOUR_MS);
	assert_int_equal(oldest_ms(f), TODAY_MS);
	/* and does not keep anything for ever */
	measure(f, TODAY_MS + 12 * HOUR_MS, 2 * DAY_MS);
	assert_in_range(oldest_ms(f), TODAY_MS + DAY_MS, TODAY_MS + 2 * DAY_MS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

/* A medium that is full does not let anything be deleted either, as often as it is tried. */
static void what_could_not_be_deleted_is_not_lost(void **state)
{
	static const char *const names[] = { "one" };
	struct fixture *f = *state;
	unsigned int k;

	database_close(f->db);
	assert_int_equal(database_open(&f->db, &f->config, names, 1), 0);
	measure(f, TODAY_MS, HOUR_MS);
	assert_int_equal(database_run(f->db, "PRAGMA query_only=ON"), 0);
	for (k = 0; k < 5; k++)
		assert_false(database_thin(f->db));
	assert_int_equal(database_state(f->db)->upstream[0].lost, 0);
	assert_int_equal(database_run(f->db, "PRAGMA query_only=OFF"), 0);
	database_ack(f->db, 0, 2);
	assert_true(database_thin(f->db));
	assert_int_equal(database_state(f->db)->upstream[0].lost,
			 database_state(f->db)->thinned - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_too_old_goes),
		TEST(a_clock_that_is_set_costs_nothing),
		TEST(a_clock_that_is_lost_costs_nothing),
		TEST(a_clock_that_is_ahead_costs_nothing),
		TEST(what_could_not_be_deleted_is_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
