// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file: what was put comes back whatever the order and however often it is given, and
 * whichever page is damaged, nothing comes back other than it was, and no sequence number is
 * used again under the same identity.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "database-parts.h"

#define PAGE_BYTES 512
#define RECORDS 1600
#define BYTES_MAX (1024 * PAGE_BYTES)

struct fixture {
	char dir[64];
	char file[96];
	struct store_config config;
	unsigned char *whole;
	ssize_t bytes;
};

static const char *const names[] = { "one", "two" };

static int start_test(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/database-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/records.db", f->dir);
	f->config = (struct store_config){ f->file, 35, 400, 400, 64 };
	f->whole = malloc(BYTES_MAX);
	*state = f;
	return 0;
}

static int stop_test(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f->whole);
	free(f);
	return system(command);
}

/* A minute of four loads, every fifth time an interval of five. */
static void make(struct record r[4], unsigned int k)
{
	unsigned int l, q;

	memset(r, 0, 4 * sizeof(*r));
	for (l = 0; l < 4; l++) {
		r[l].kind = k % 5 == 4 ? RECORD_5M : RECORD_1M;
		r[l].utc_ms = 1795197600000 + k * 60000LL;
		r[l].uptime_ms = 1234 + k * 60000LL;
		r[l].sequence = 1 + k * 4 + l;
		r[l].covered_ms = 60000 - l;
		r[l].flags = l == 2 ? RECORD_HOLE : 0;
		r[l].import_uwh = 1000000 + k;
		r[l].export_total_uwh = 77777777777777 * l;
		for (q = 0; q < RECORD_QUANTITIES; q++) {
			r[l].value[q][RECORD_MEAN] = (int32_t)((k * 7919 + q) * (l + 1) % 250000);
			r[l].value[q][RECORD_MIN] = r[l].value[q][RECORD_MEAN] - (int32_t)(k % 977);
			r[l].value[q][RECORD_MAX] = l ? INT32_MAX - (int32_t)q : RECORD_UNKNOWN;
		}
		snprintf(r[l].name, sizeof(r[l].name), "load %u", l);
	}
}

static void fill(struct database *db)
{
	struct record r[4];
	unsigned int k;

	for (k = 0; k < RECORDS / 4; k++) {
		make(r, k);
		assert_int_equal(database_append(db, r, 4), 0);
	}
	database_ack(db, 0, RECORDS / 2);
}

static struct database *open_database(struct fixture *f)
{
	struct database *db = NULL;

	assert_int_equal(database_open(&db, &f->config, names, 2), 0);
	return db;
}

/* All that can be read is as it was made. Return: how many. */
static unsigned int check_records(struct database *db)
{
	struct record r[37], want[4];
	unsigned int n = 0;
	uint64_t at = 0;
	int k, some;

	while ((some = database_read(db, at, r, 37)) > 0) {
		for (k = 0; k < some; k++, n++) {
			assert_true(r[k].sequence > at);
			at = r[k].sequence;
			make(want, (unsigned int)(at - 1) / 4);
			assert_memory_equal(&r[k], &want[(at - 1) % 4], sizeof(r[k]));
		}
	}
	assert_int_equal(some, 0);
	return n;
}

static bool can_be_read(struct database *db)
{
	static struct record r[RECORDS];
	uint64_t at = 0;
	int n;

	while ((n = database_read(db, at, r, RECORDS)) > 0)
		at = r[n - 1].sequence;
	return !n;
}

static void what_was_put_comes_back_from_any_number(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	static struct record r[RECORDS];
	struct record want[4];
	uint64_t after;

	fill(db);
	assert_int_equal(check_records(db), RECORDS);
	for (after = 0; after < 60; after++) {
		assert_int_equal(database_read(db, after, r, 3), 3);
		assert_int_equal(r[0].sequence, after + 1);
		assert_int_equal(r[2].sequence, after + 3);
	}
	assert_int_equal(database_read(db, RECORDS - 2, r, RECORDS), 2);
	assert_int_equal(database_read(db, RECORDS, r, RECORDS), 0);
	assert_int_equal(database_last_intervals(db, RECORD_1M, r, 6), 6);
	make(want, RECORDS / 4 - 2);
	assert_memory_equal(&r[0], &want[3], sizeof(r[0]));
	assert_memory_equal(&r[3], &want[0], sizeof(r[0]));
	assert_int_equal(r[4].sequence, want[0].sequence - 1);
	database_close(db);
}

static struct record_query query(uint32_t kinds)
{
	return (struct record_query){ .kinds = kinds, .until_ms = INT64_MAX, .max = 100 };
}

static void people_find_what_they_look_for(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record_query q = query(1U << RECORD_1M);
	struct record r[100], want[4];
	unsigned int n = 0, rounds = 0;
	uint64_t next;
	int k, some;

	fill(db);
	/* all of a kind, in pieces */
	do {
		some = database_look(db, &q, r, &next);
		assert_true(some >= 0);
		for (k = 0; k < some; k++, n++) {
			assert_true(r[k].sequence > q.after);
			assert_int_equal(r[k].kind, RECORD_1M);
			q.after = r[k].sequence;
		}
		rounds++;
		assert_true(!next || next >= q.after);
		q.after = next;
	} while (next);
	assert_int_equal(n, RECORDS / 5 * 4);
	assert_true(rounds > n / 100);
	/* one load, from a time to another */
	q = query(1U << RECORD_1M | 1U << RECORD_5M);
	strcpy(q.load, "load 2");
	make(want, 100);
	q.since_ms = want[2].utc_ms;
	make(want, 110);
	q.until_ms = want[2].utc_ms;
	q.max = 6;
	assert_int_equal(database_look(db, &q, r, &next), 6);
	make(want, 100);
	assert_memory_equal(&r[0], &want[2], sizeof(r[0]));
	q.after = next;
	assert_int_equal(database_look(db, &q, r, &next), 4);
	make(want, 109);
	assert_memory_equal(&r[3], &want[2], sizeof(r[0]));
	strcpy(q.load, "load 7");
	assert_int_equal(database_look(db, &q, r, &next), 0);
	database_close(db);
}

/* It has nothing to give in a while, and still does not look at all at once. */
static void a_look_is_short(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record_query q = query(~0U);
	unsigned int rounds = 0;
	struct record r[100];
	uint64_t next, sequence = 0;
	unsigned int k, l;

	for (k = 0; k < 200; k++) {
		for (l = 0; l < 100; l += 4)
			make(r + l, k);
		for (l = 0; l < 100; l++)
			r[l].sequence = ++sequence;
		assert_int_equal(database_append(db, r, 100), 0);
	}
	strcpy(q.load, "nobody");
	do {
		assert_int_equal(database_look(db, &q, r, &next), 0);
		q.after = next;
		rounds++;
	} while (next);
	assert_in_range(rounds, 4, 10);
	database_close(db);
}

/* Booted without a clock, which was set later, and once set back. */
static void since_a_time_where_the_clock_was_set(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record_query q = query(1U << RECORD_1M);
	const int64_t now_ms = 1795197600000;
	struct record r[100];
	uint64_t next;
	unsigned int k;

	for (k = 0; k < 60; k++) {
		make(r, 0);
		r[0].sequence = k + 1;
		r[0].utc_ms = k % 20 < 3 ? k * 60000 : now_ms + k * 60000;
		assert_int_equal(database_append(db, r, 1), 0);
	}
	q.since_ms = now_ms + 30 * 60000;
	assert_int_equal(database_look(db, &q, r, &next), 30 - 3);
	assert_int_equal(r[0].sequence, 31);
	assert_int_equal(next, 0);
	database_close(db);
}

static int count_steps(void *user)
{
	++*(unsigned int *)user;
	return 0;
}

/* A gateway that has never known the time: there is no first record of any. */
static void a_look_is_short_without_a_clock(void **state)
{
	static struct record r[RECORDS];
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record_query q = query(1U << RECORD_1M);
	unsigned int k, thousands = 0;
	struct record found[100];
	uint64_t next;

	for (k = 0; k < RECORDS; k += 4)
		make(r + k, 0);
	for (k = 0; k < RECORDS; k++) {
		r[k].sequence = k + 1;
		r[k].utc_ms = k * 60000;
	}
	assert_int_equal(database_append(db, r, RECORDS), 0);
	sqlite3_progress_handler(db->sql, 1000, count_steps, &thousands);
	q.since_ms = 1795197600000;
	q.max = 1;
	assert_int_equal(database_look(db, &q, found, &next), 0);
	print_message("%u000 steps\n", thousands);
	assert_in_range(thousands, 1, 40);
	database_close(db);
}

/* The answer to a transaction may get lost, and more may have come before it is given again. */
static void what_is_given_twice_is_there_once(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record r[16];
	unsigned int k;

	for (k = 0; k < 4; k++)
		make(r + 4 * k, k);
	assert_int_equal(database_append(db, r, 6), 0);
	assert_int_equal(database_append(db, r + 2, 9), 0);
	assert_int_equal(database_append(db, r, 16), 0);
	assert_int_equal(database_state(db)->records, 16);
	database_close(db);
	db = open_database(f);
	assert_int_equal(database_append(db, r, 16), 0);
	assert_int_equal(check_records(db), 16);
	assert_int_equal(database_state(db)->records, 16);
	assert_int_equal(database_state(db)->last, 16);
	database_close(db);
}

static void a_file_of_another_version_is_left_alone(void **state)
{
	static const char *const sql[] = {
		"PRAGMA user_version=2",
		"PRAGMA user_version=0",
	};
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record r[4];
	unsigned int k;

	make(r, 0);
	assert_int_equal(database_append(db, r, 4), 0);
	for (k = 0; k < 2; k++) {
		assert_int_equal(database_run(db, sql[k]), 0);
		database_close(db);
		assert_int_equal(database_open(&db, &f->config, names, 2), -EMEDIUMTYPE);
		db = calloc(1, sizeof(*db));
		db->lock = -1;
		assert_int_equal(sqlite3_open(f->file, &db->sql), SQLITE_OK);
		assert_int_equal(database_number(db, "SELECT records FROM interval_1m"), 4);
	}
	assert_int_equal(database_run(db, "PRAGMA user_version=1"), 0);
	database_close(db);
	db = open_database(f);
	assert_int_equal(check_records(db), 4);
	database_close(db);
}

/* What an earlier damage left. */
static void tidy(struct fixture *f)
{
	char path[128];
	static const char *const rest[] = { "-wal", "-shm", ".corrupt", ".corrupt-wal",
					    ".corrupt-shm" };
	unsigned int k;

	for (k = 0; k < sizeof(rest) / sizeof(rest[0]); k++) {
		snprintf(path, sizeof(path), "%s%s", f->file, rest[k]);
		unlink(path);
	}
}

static void write_damaged(struct fixture *f, ssize_t at)
{
	int fd = open(f->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	unsigned char junk[PAGE_BYTES];

	tidy(f);
	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->whole, (size_t)f->bytes), f->bytes);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), (ssize_t)sizeof(junk));
	close(fd);
}

static void no_number_is_used_again(void **state)
{
	struct fixture *f = *state;
	unsigned int kept = 0, renewed = 0;
	unsigned int records, most = 0;
	char id[STORE_ID_MAX];
	struct database *db;
	ssize_t at;
	int fd;

	db = open_database(f);
	fill(db);
	assert_int_equal(database_state(db)->last, RECORDS);
	strcpy(id, database_state(db)->id);
	database_close(db);
	fd = open(f->file, O_RDONLY);
	f->bytes = read(fd, f->whole, BYTES_MAX);
	close(fd);
	assert_in_range(f->bytes, 20 * PAGE_BYTES, BYTES_MAX - 1);
	assert_int_equal(f->bytes % PAGE_BYTES, 0);
	for (at = 0; at < f->bytes; at += PAGE_BYTES) {
		write_damaged(f, at);
		db = open_database(f);
		/* where the damage is seen only now, as meterd's child does */
		if (!can_be_read(db))
			assert_int_equal(database_mend(db), 0);
		records = check_records(db);
		if (strcmp(database_state(db)->id, id)) {
			renewed++;
		} else {
			kept++;
			/* no page has more than some marks, but that of the loads */
			most = records < RECORDS && RECORDS - records > most && records
				       ? RECORDS - records
				       : most;
			if (database_state(db)->last < RECORDS)
				fail_msg("page %zd damaged: the same store goes on at %ju of %d",
					 at / PAGE_BYTES, (uintmax_t)database_state(db)->last,
					 RECORDS);
		}
		database_close(db);
	}
	/* both do happen: the first page alone says who it is */
	print_message("%u pages, the identity stays with %u, %u records lost at most\n",
		      kept + renewed, kept, most);
	assert_true(kept > 0);
	assert_true(renewed > 0);
	/* a leaf has some marks, and a page above it some leaves */
	assert_in_range(most, 4, RECORDS / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_comes_back_from_any_number, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(people_find_what_they_look_for, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_look_is_short, start_test, stop_test),
		cmocka_unit_test_setup_teardown(a_look_is_short_without_a_clock, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(since_a_time_where_the_clock_was_set, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(what_is_given_twice_is_there_once, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_file_of_another_version_is_left_alone, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(no_number_is_used_again, start_test, stop_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
