// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever step the medium fails at, or the process ends at, the next try goes on: a file can
 * be opened, records have their own loads, and what a damaged file still had is not lost.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "database-parts.h"

#define PAGE_BYTES 512
#define LOADS 4
#define MARKS 200
#define RECORDS (LOADS * MARKS)

struct fixture {
	char dir[64];
	char file[96];
	struct store_config config;
};

static const char *const names[] = { "one" };

static int start_test(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/database-failure-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/records.db", f->dir);
	f->config = (struct store_config){ f->file, 35, 400, 400, 64 };
	signal(SIGXFSZ, SIG_IGN);
	*state = f;
	return 0;
}

/* No file grows beyond this: what a medium without room does. */
static void set_room(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void remove_files(struct fixture *f)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/*", f->dir);
	assert_int_equal(system(command), 0);
}

static int stop_test(void **state)
{
	struct fixture *f = *state;

	set_room(RLIM_INFINITY);
	remove_files(f);
	rmdir(f->dir);
	free(f);
	return 0;
}

static struct database *open_database(struct fixture *f)
{
	struct database *db = NULL;

	assert_int_equal(database_open(&db, &f->config, names, 1), 0);
	return db;
}

static struct record make(unsigned int mark, unsigned int load)
{
	struct record r = { .kind = RECORD_1M };

	r.sequence = 1 + mark * LOADS + load;
	r.utc_ms = 1795197600000 + mark * 60000LL;
	r.import_uwh = (int64_t)mark * 1234567 * (load + 1);
	snprintf(r.name, sizeof(r.name), "load %u", load);
	return r;
}

static void fill(struct database *db)
{
	struct record r[LOADS];
	unsigned int mark, load;

	for (mark = 0; mark < MARKS; mark++) {
		for (load = 0; load < LOADS; load++)
			r[load] = make(mark, load);
		assert_int_equal(database_append(db, r, LOADS), 0);
	}
}

static void a_file_that_was_not_made_to_its_end(void **state)
{
	struct fixture *f = *state;
	unsigned int failed = 0;
	struct database *db;
	rlim_t room;

	for (room = 0; room < 64 * PAGE_BYTES; room += PAGE_BYTES) {
		set_room(room);
		if (database_open(&db, &f->config, names, 1))
			failed++;
		else
			database_close(db);
		set_room(RLIM_INFINITY);
		db = open_database(f);
		database_close(db);
		remove_files(f);
	}
	assert_in_range(failed, 8, 63);
}

static void a_load_of_a_transaction_that_failed(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record r[2], found[2];

	r[0] = make(0, 0);
	r[1] = make(0, 1);
	r[1].kind = RECORD_KINDS;
	assert_true(database_append(db, r, 2) < 0);
	assert_int_equal(database_append(db, r, 1), 0);
	database_close(db);
	db = open_database(f);
	r[1].kind = RECORD_1M;
	assert_int_equal(database_append(db, r + 1, 1), 0);
	assert_int_equal(database_read(db, 0, found, 2), 2);
	assert_string_equal(found[0].name, "load 0");
	assert_string_equal(found[1].name, "load 1");
	database_close(db);
}

/* The log would heal what it still has. */
static void damage(struct fixture *f)
{
	unsigned char junk[PAGE_BYTES];
	FILE *file = fopen(f->file, "r+");
	char path[128];

	snprintf(path, sizeof(path), "%s-wal", f->file);
	unlink(path);
	memset(junk, 0xa5, sizeof(junk));
	assert_non_null(file);
	assert_int_equal(fseek(file, -20 * PAGE_BYTES, SEEK_END), 0);
	assert_int_equal(fwrite(junk, sizeof(junk), 1, file), 1);
	fclose(file);
}

/* Return: how many records are there; each is as it was put. */
static unsigned int check_records(struct database *db)
{
	struct record r[64], want;
	uint64_t at = 0;
	unsigned int n = 0;
	int k, some;

	while ((some = database_read(db, at, r, 64)) > 0)
		for (k = 0; k < some; k++, n++) {
			assert_true(r[k].sequence > at);
			at = r[k].sequence;
			want = make((unsigned int)(at - 1) / LOADS, (at - 1) % LOADS);
			assert_memory_equal(&r[k], &want, sizeof(want));
		}
	assert_int_equal(some, 0);
	return n;
}

/* There is no room for a new one, as often as it is tried, by the same process and by others. */
static void a_damaged_file_and_no_room(void **state)
{
	struct fixture *f = *state;
	char id[STORE_ID_MAX], path[128];
	struct record r = make(MARKS, 0);
	unsigned int failed = 0, failed_open = 0;
	struct database *db;
	rlim_t room;

	for (room = 0; room < 160 * PAGE_BYTES; room += 7 * PAGE_BYTES) {
		db = open_database(f);
		fill(db);
		strcpy(id, database_state(db)->id);
		database_close(db);
		damage(f);
		db = open_database(f);
		set_room(room);
		failed += database_mend(db) != 0;
		failed += database_mend(db) != 0;
		database_close(db);
		if (database_open(&db, &f->config, names, 1))
			failed_open++;
		else
			database_close(db);
		set_room(RLIM_INFINITY);
		db = open_database(f);
		assert_string_equal(database_state(db)->id, id);
		assert_int_equal(database_state(db)->last, RECORDS);
		assert_in_range(check_records(db), RECORDS / 2, RECORDS - 1);
		assert_int_equal(database_append(db, &r, 1), 0);
		database_close(db);
		snprintf(path, sizeof(path), "%s.corrupt", f->file);
		assert_int_equal(access(path, F_OK), 0);
		remove_files(f);
	}
	assert_in_range(failed, 4, 40);
	assert_in_range(failed_open, 2, 20);
}

static unsigned int run_command(const char *format, const char *from, const char *to)
{
	char command[320];

	snprintf(command, sizeof(command), format, from, to);
	return (unsigned int)system(command);
}

/* Somebody puts back what was copied while meterd did not run. */
/* The root of a table, and a last number that never was: the search has an end. */
static void a_last_number_that_is_nonsense(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record event = {
		.kind = RECORD_EVENT, .sequence = RECORDS + 1, .name = "x", .text = "y"
	};
	struct record r;
	unsigned char junk[PAGE_BYTES];
	int64_t root;
	FILE *file;

	fill(db);
	assert_int_equal(database_append(db, &event, 1), 0);
	root = database_number(db, "SELECT rootpage FROM sqlite_master WHERE name='interval_1m'");
	assert_int_equal(database_run(db, "INSERT OR REPLACE INTO meta VALUES('last',1<<62)"), 0);
	database_close(db);
	memset(junk, 0xa5, sizeof(junk));
	file = fopen(f->file, "r+b");
	assert_int_equal(fseek(file, (root - 1) * PAGE_BYTES, SEEK_SET), 0);
	assert_int_equal(fwrite(junk, 1, sizeof(junk), file), sizeof(junk));
	fclose(file);
	db = open_database(f);
	assert_int_equal(database_read(db, 0, &r, 1), 1);
	assert_string_equal(r.text, "y");
	database_close(db);
}

static void a_copy_that_is_put_back(void **state)
{
	struct fixture *f = *state;
	struct database *db = open_database(f);
	struct record r[LOADS];
	char copy[128];
	unsigned int mark, load;

	fill(db);
	database_close(db);
	snprintf(copy, sizeof(copy), "%s.copy", f->file);
	assert_int_equal(run_command("cp %s %s", f->file, copy), 0);
	db = open_database(f);
	for (mark = MARKS; mark < 2 * MARKS; mark++) {
		for (load = 0; load < LOADS; load++)
			r[load] = make(mark, load);
		assert_int_equal(database_append(db, r, LOADS), 0);
	}
	database_close(db);
	assert_int_equal(run_command("cp %s %s", copy, f->file), 0);
	db = open_database(f);
	assert_int_equal(check_records(db), RECORDS);
	assert_int_equal(database_state(db)->last, RECORDS);
	database_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_that_was_not_made_to_its_end, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_load_of_a_transaction_that_failed, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_damaged_file_and_no_room, start_test, stop_test),
		cmocka_unit_test_setup_teardown(a_last_number_that_is_nonsense, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_copy_that_is_put_back, start_test, stop_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
