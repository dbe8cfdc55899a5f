// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Questions with an end: they end there, and not at the newest record, and whatever the
 * clock did, what is dated within them is found.
 */
#include "database-rig.h"

#define RECORDS 20000
#define BATCH 100

static int start(void **state)
{
	return start_database(state, 35);
}

/* A minute each, number 1 first, dated by @date. */
static void measure(struct fixture *f, int64_t (*date)(unsigned int k))
{
	struct record r[BATCH];
	unsigned int k, n;

	for (k = 0; k < RECORDS; k += BATCH) {
		for (n = 0; n < BATCH; n++)
			r[n] = (struct record){ .kind = RECORD_1M,
						.utc_ms = date(k + n),
						.sequence = k + n + 1,
						.name = "load" };
		assert_int_equal(database_append(f->db, r, BATCH), 0);
	}
}

static int64_t good(unsigned int k)
{
	return TODAY_MS + k * MINUTE_MS;
}

/* Started without a clock a few times, and once with one that was ten days ahead. */
static int64_t bad(unsigned int k)
{
	if (k % 1000 < 100)
		return k % 1000 * MINUTE_MS;
	if (k >= 2000 && k < 5000)
		return good(k) + 10 * 1440 * MINUTE_MS;
	return good(k);
}

/* Return: how many answers it took; @found of them all. */
static unsigned int ask(struct fixture *f, struct record_query q, unsigned int *found)
{
	struct record r[BATCH];
	unsigned int answers = 0;
	uint64_t next;
	int k, n;

	*found = 0;
	do {
		n = database_look(f->db, &q, r, &next);
		assert_true(n >= 0);
		for (k = 0; k < n; k++)
			assert_in_range(r[k].utc_ms, q.since_ms, q.until_ms - 1);
		*found += (unsigned int)n;
		q.after = next;
		answers++;
	} while (next);
	return answers;
}

static void the_end_is_an_end(void **state)
{
	struct fixture *f = *state;
	struct record_query q = { .kinds = 1U << RECORD_1M, .max = BATCH };
	unsigned int found;

	measure(f, good);
	q.since_ms = good(900);
	q.until_ms = good(1000);
	/* all of them, and a look at what is after them */
	assert_int_equal(ask(f, q, &found), 2);
	assert_int_equal(found, 100);
	q.until_ms = good(900);
	assert_int_equal(ask(f, q, &found), 1);
	assert_int_equal(found, 0);
	/* one that is not there yet */
	q.since_ms = good(RECORDS - 250);
	q.until_ms = good(RECORDS + 1000);
	assert_int_equal(ask(f, q, &found), 3);
	assert_int_equal(found, 250);
}

static void a_wrong_clock_hides_nothing(void **state)
{
	struct fixture *f = *state;
	struct record_query q = { .kinds = 1U << RECORD_1M, .max = BATCH };
	unsigned int found, want = 0;
	unsigned int k;

	measure(f, bad);
	q.since_ms = good(1000);
	q.until_ms = good(8000);
	for (k = 0; k < RECORDS; k++)
		want += bad(k) >= q.since_ms && bad(k) < q.until_ms;
	ask(f, q, &found);
	assert_int_equal(found, want);
	/* from 1970 on: what has no date is of then */
	q.since_ms = 0;
	ask(f, q, &found);
	for (want = 0, k = 0; k < 8000; k++)
		want += bad(k) < q.until_ms;
	assert_true(found >= want);
}

static int count_steps(void *user)
{
	++*(unsigned int *)user;
	return 0;
}

/* Only the first answer looks for the begin. */
static void going_on_costs_no_search(void **state)
{
	struct fixture *f = *state;
	struct record_query q = {
		.kinds = 1U << RECORD_1M, .since_ms = good(10000), .until_ms = INT64_MAX, .max = 1
	};
	unsigned int first = 0, second = 0;
	struct record r;

	measure(f, good);
	sqlite3_progress_handler(f->db->sql, 1, count_steps, &first);
	assert_int_equal(database_look(f->db, &q, &r, &q.after), 1);
	assert_int_equal(r.sequence, 10001);
	sqlite3_progress_handler(f->db->sql, 1, count_steps, &second);
	assert_int_equal(database_look(f->db, &q, &r, &q.after), 1);
	assert_int_equal(r.sequence, 10002);
	print_message("%u steps, then %u\n", first, second);
	assert_in_range(second, 1, first - 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_end_is_an_end),
		TEST(a_wrong_clock_hides_nothing),
		TEST(going_on_costs_no_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
