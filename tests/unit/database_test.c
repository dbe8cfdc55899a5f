// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A damaged database: whichever page is damaged, no sequence number is used again under
 * the same identity.
 */
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

#include "database.h"

#define PAGE_BYTES 1024
#define RECORDS 400
#define BYTES_MAX (512 * PAGE_BYTES)

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

/* Minutes of four loads, a transaction each. */
static void fill(struct database *db)
{
	unsigned int k, l;

	for (k = 0; k < RECORDS / 4; k++) {
		struct record r[4] = { 0 };

		for (l = 0; l < 4; l++) {
			r[l].kind = k % 5 == 4 ? RECORD_5M : RECORD_1M;
			r[l].utc_ms = 1795197600000 + k * 60000LL;
			r[l].sequence = 1 + k * 4 + l;
			r[l].import_uwh = 1000000 + k;
			r[l].value[0][0] = (int32_t)(k * 1000 + l);
			snprintf(r[l].name, sizeof(r[l].name), "load %u", l);
		}
		assert_int_equal(database_append(db, r, 4), 0);
	}
	database_ack(db, 0, RECORDS / 2);
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
	char id[STORE_ID_MAX];
	struct database *db;
	ssize_t at;
	int fd;

	assert_int_equal(database_open(&db, &f->config, names, 2), 0);
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
		assert_int_equal(database_open(&db, &f->config, names, 2), 0);
		if (strcmp(database_state(db)->id, id)) {
			renewed++;
		} else {
			kept++;
			if (database_state(db)->last < RECORDS)
				fail_msg("page %zd damaged: the same store goes on at %ju of %d",
					 at / PAGE_BYTES, (uintmax_t)database_state(db)->last,
					 RECORDS);
		}
		database_close(db);
	}
	/* both do happen: the first page alone says who it is */
	print_message("%u pages, the identity stays with %u\n", kept + renewed, kept);
	assert_true(kept > 0);
	assert_true(renewed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_number_is_used_again, start_test, stop_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
