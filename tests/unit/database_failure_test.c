// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever step the medium fails at, or the process ends at, the next try goes on: a file can
 * be opened, and records have their own loads.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_that_was_not_made_to_its_end, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_load_of_a_transaction_that_failed, start_test,
						stop_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
