// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store with its child: what was put is there once, whatever dies or is full or
 * damaged in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The file itself: a test kills the child. Before cmocka.h, whose fail() is a macro. */
#include "store.c"

#include <cmocka.h>
#include <mosquitto.h>

#include "outputs.h"

#define SEEN_MAX 20000

/**
 * struct fixture - a store in a folder of its own
 */
struct fixture {
	sd_event *loop;
	char dir[64];
	char file[96];
	struct store_config config;
	struct store *store;
	uint64_t seen[SEEN_MAX];
	struct store_mark last;
	unsigned int n;
	bool empty;
	bool mounted;
};

static const char *const names[] = { "one", "two" };

static int start_test(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/store-test-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/records.db", f->dir);
	f->config = (struct store_config){ f->file, 35, 400, 400, 64 };
	*state = f;
	return 0;
}

static int stop_test(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->store);
	sd_event_unref(f->loop);
	if (f->mounted)
		umount(f->dir);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static void on_wake(void *user)
{
	struct fixture *f = user;

	store_fetch(f->store, 0, f->n ? f->last : (struct store_mark){ 0 }, STORE_BATCH_MAX);
}

static void on_batch(void *user, const struct record *r, unsigned int n)
{
	struct fixture *f = user;
	unsigned int k;

	for (k = 0; k < n && f->n < SEEN_MAX; k++)
		f->seen[f->n++] = r[k].sequence;
	if (n)
		f->last = store_mark(f->store, r[n - 1].sequence);
	f->empty = !n;
	if (n)
		on_wake(f);
}

static const struct store_upstream_ops ops = { on_wake, on_batch };

static void open_store(struct fixture *f)
{
	assert_int_equal(store_open(&f->store, f->loop, &f->config, names, 2), 0);
	store_attach(f->store, 0, &ops, f);
}

static void close_store(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static struct record minute(int64_t k)
{
	struct record r = {
		.kind = RECORD_1M,
		.utc_ms = 1795197600000 + k * 60000,
		.uptime_ms = k * 60000,
		.covered_ms = 60000,
		.role = LOAD_SUBMETER,
		.import_uwh = 1000000 + k,
		.import_total_uwh = 1000000 * k,
		.value = { { 12345, 1, INT32_MAX }, { 230000, 229000, 231000 } },
		.name = "heat pump",
	};

	r.value[RECORD_PF][RECORD_MEAN] = RECORD_UNKNOWN;
	return r;
}

static void put(struct fixture *f, int64_t first, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n; k++) {
		struct record r = minute(first + k);

		store_put(f->store, &r, 1);
	}
}

static bool stored(void *context)
{
	struct fixture *f = context;

	return f->store->hello && !f->store->length;
}

static bool read_all(void *context)
{
	struct fixture *f = context;

	return stored(f) && f->empty && !f->store->up[0].fetching;
}

static void check_all(struct fixture *f, unsigned int n)
{
	unsigned int k;

	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, n);
	for (k = 0; k < n; k++)
		assert_int_equal(f->seen[k], k + 1);
}

static void what_was_put_comes_back(void **state)
{
	struct fixture *f = *state;
	struct record want = minute(1);
	struct database *db;
	struct record r[4];
	char text[RECORD_JSON_MAX];

	open_store(f);
	put(f, 1, 1);
	store_event(f->store, 5, 6, RECORD_CLOCK_UNSYNC, "clock", "it's \"late\"");
	assert_true(turn_until(f->loop, stored, f));
	close_store(f);
	assert_int_equal(database_open(&db, &f->config, names, 2), 0);
	assert_int_equal(database_read(db, 0, r, 4), 2);
	want.sequence = 1;
	assert_memory_equal(&r[0], &want, sizeof(want));
	assert_int_equal(r[1].sequence, 2);
	assert_string_equal(r[1].text, "it's \"late\"");
	assert_true(record_json(&r[0], "0123abcd", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\"sequence\":1,\"store\":\"0123abcd\",\"time\":"
				     "\"2026-11-20T18:01:00.000Z\""));
	assert_non_null(strstr(text, "\"p_w\":{\"mean\":123.45,\"min\":0.01,"));
	assert_non_null(strstr(text, "\"pf\":{\"mean\":null,"));
	assert_true(record_json(&r[1], "0123abcd", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\"event\":\"it's \\\"late\\\"\"}"));
	assert_int_equal(record_json(&r[0], "x", text, 100), -ENOBUFS);
	database_close(db);
}

static void a_queue_ends_at_what_was_acknowledged(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	put(f, 0, 300);
	check_all(f, 300);
	store_ack(f->store, 0, store_mark(f->store, 250));
	close_store(f);
	f->n = 0;
	open_store(f);
	on_wake(f);
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, 50);
	assert_int_equal(f->seen[0], 251);
	assert_int_equal(f->store->counters.database.upstream[1].acked, 0);
}

static void the_child_is_killed_at_any_moment(void **state)
{
	struct fixture *f = *state;
	unsigned int k;

	open_store(f);
	for (k = 0; k < 40; k++) {
		put(f, k * 25, 25);
		if (k % 4 == 1 && f->store->child > 0)
			kill(f->store->child, SIGKILL);
		f->store->retry_us = 1000;
		turn_for(f->loop, k % 7);
	}
	check_all(f, 1000);
	assert_true(f->store->counters.restarts > 0);
}

static bool is_told(void *context)
{
	struct fixture *f = context;

	return f->store->told;
}

static void a_full_medium(void **state)
{
	struct fixture *f = *state;
	char path[128];
	char block[4096] = { 1 };
	int fd;

	if (mount("none", f->dir, "tmpfs", 0, "size=700k")) {
		print_message("SKIP: no tmpfs can be mounted: %s\n", strerror(errno));
		skip();
	}
	f->mounted = true;
	open_store(f);
	put(f, 0, 100);
	assert_true(turn_until(f->loop, stored, f));
	snprintf(path, sizeof(path), "%s/ballast", f->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	put(f, 100, 3000);
	assert_true(turn_until(f->loop, is_told, f));
	assert_false(stored(f));
	assert_true(f->store->counters.failed > 0);
	assert_int_equal(f->store->told, -ENOSPC);
	unlink(path);
	f->store->retry_us = 1000;
	put(f, 3100, 1);
	check_all(f, 3101);
	assert_int_equal(f->store->counters.dropped, 0);
}

static void a_damaged_file(void **state)
{
	struct fixture *f = *state;
	char path[128];
	char junk[2048];
	unsigned int k;
	int fd;

	open_store(f);
	put(f, 0, 1000);
	check_all(f, 1000);
	store_ack(f->store, 0, store_mark(f->store, 900));
	close_store(f);
	/* the file's end is lost, and its begin stays; the log would heal what it still has */
	snprintf(path, sizeof(path), "%s-wal", f->file);
	assert_int_equal(unlink(path), 0);
	fd = open(f->file, O_RDWR);
	assert_true(fd >= 0);
	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), lseek(fd, 0, SEEK_END) - 4096),
			 (ssize_t)sizeof(junk));
	close(fd);
	f->n = 0;
	open_store(f);
	put(f, 1000, 100);
	assert_true(turn_until(f->loop, stored, f));
	on_wake(f);
	assert_true(turn_until(f->loop, read_all, f));
	snprintf(path, sizeof(path), "%s.corrupt", f->file);
	assert_int_equal(access(path, F_OK), 0);
	/* two pages of 1 kB were damaged: at most 60 records, of which some were acknowledged */
	assert_in_range(f->n, 140, 200);
	for (k = 1; k < f->n; k++)
		assert_true(f->seen[k] > f->seen[k - 1]);
	assert_true(f->seen[f->n - 1] >= 1040);
}

static void no_database_at_all(void **state)
{
	struct fixture *f = *state;
	FILE *c = fopen(f->file, "w");
	char path[128];

	fputs("this is a letter, not a database, and it is long enough to be looked at", c);
	fclose(c);
	open_store(f);
	put(f, 0, 10);
	check_all(f, 10);
	snprintf(path, sizeof(path), "%s.corrupt", f->file);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_folder_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	char file[128];

	snprintf(file, sizeof(file), "%s/sub/records.db", f->dir);
	f->config.file = file;
	open_store(f);
	assert_false(f->store->hello);
	put(f, 0, 50);
	snprintf(file, sizeof(file), "%s/sub", f->dir);
	assert_int_equal(mkdir(file, 0700), 0);
	snprintf(file, sizeof(file), "%s/sub/records.db", f->dir);
	check_all(f, 50);
	close_store(f);
}

static void two_of_them(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	open_store(f);
	assert_int_equal(store_open(&other, f->loop, &f->config, names, 2), 0);
	assert_false(other->hello);
	assert_int_equal(other->told, -EWOULDBLOCK);
	store_close(other);
}

static void size_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct record r[28];
	struct database *db;
	uint64_t sequence = 0;
	unsigned int k, n, q;

	f->config.size_mb = 2;
	assert_int_equal(database_open(&db, &f->config, names, 2), 0);
	for (n = 0; n < 2000; n++) {
		for (k = 0; k < 28; k++) {
			r[k] = minute(n);
			r[k].sequence = ++sequence;
			/* in a house, too, no two loads have the same numbers */
			for (q = 0; q < RECORD_QUANTITIES * RECORD_STATISTICS; q++)
				r[k].value[q / RECORD_STATISTICS][q % RECORD_STATISTICS] =
					(int32_t)((sequence * 18 + q) * 6364136223846793005 >> 40);
			if (n % 5 == 4 && k < 14)
				r[k].kind = RECORD_5M;
		}
		assert_int_equal(database_append(db, r, 28), 0);
	}
	assert_true(database_state(db)->bytes <= 2 << 20);
	assert_true(database_state(db)->thinned > 0);
	/* nobody has acknowledged anything: all that was deleted is counted as lost */
	assert_int_equal(database_state(db)->upstream[0].lost, database_state(db)->thinned);
	/* the detail of a minute goes first: the oldest that is there is the first of five minutes
	 */
	assert_int_equal(database_read(db, 0, r, 1), 1);
	assert_int_equal(r[0].kind, RECORD_5M);
	assert_int_equal(r[0].sequence, 4 * 28 + 1);
	assert_int_equal(database_last_intervals(db, RECORD_5M, r, 28), 28);
	database_close(db);
}

static void old_detail_is_thinned(void **state)
{
	struct fixture *f = *state;
	struct record r[28];
	struct database *db;
	uint64_t sequence = 0;
	unsigned int k;
	unsigned int n;

	f->config.days_1m = 1;
	assert_int_equal(database_open(&db, &f->config, names, 1), 0);
	for (n = 0; n < 3000; n++) {
		for (k = 0; k < 28; k++) {
			r[k] = minute(n);
			r[k].sequence = ++sequence;
		}
		assert_int_equal(database_append(db, r, 28), 0);
		/* what was not acknowledged stays, however old */
		if (n == 2500)
			assert_int_equal(database_state(db)->thinned, 0);
		if (n >= 2500)
			database_ack(db, 0, sequence);
	}
	assert_true(database_state(db)->thinned >= 28 * (3000 - 1440 - 40));
	assert_int_equal(database_state(db)->upstream[0].lost, 0);
	database_close(db);
	/* numbers go on after a restart */
	assert_int_equal(database_open(&db, &f->config, names, 1), 0);
	assert_int_equal(database_state(db)->last, sequence);
	database_close(db);
}

/**
 * struct looked - the answer to a question
 */
struct looked {
	bool over;
	int error;
	unsigned int n;
	uint64_t next;
	struct record first;
};

static void on_found(void *user, int error, const struct record *r, unsigned int n, uint64_t next)
{
	struct looked *l = user;

	assert_false(l->over);
	l->over = true;
	l->error = error;
	l->n = n;
	l->next = next;
	if (n)
		l->first = r[0];
}

static bool is_over(void *context)
{
	return ((struct looked *)context)->over;
}

static void questions_are_answered_once(void **state)
{
	const struct record_query q = {
		.kinds = ~0U, .until_ms = INT64_MAX, .after = 7, .max = 50
	};
	struct looked l[STORE_LOOKS_MAX + 1] = { 0 };
	struct fixture *f = *state;
	unsigned int k;

	assert_int_equal(store_look(NULL, &q, on_found, l), -EAGAIN);
	open_store(f);
	put(f, 0, 100);
	assert_true(turn_until(f->loop, stored, f));
	for (k = 0; k < STORE_LOOKS_MAX; k++)
		assert_int_equal(store_look(f->store, &q, on_found, &l[k]), 0);
	assert_int_equal(store_look(f->store, &q, on_found, &l[k]), -EBUSY);
	assert_true(turn_until(f->loop, is_over, &l[k - 1]));
	for (k = 0; k < STORE_LOOKS_MAX; k++) {
		assert_true(l[k].over && !l[k].error);
		assert_int_equal(l[k].n, 50);
		assert_int_equal(l[k].next, 57);
		assert_int_equal(l[k].first.sequence, 8);
	}
	/* the process that has the answer dies */
	memset(l, 0, sizeof(l));
	kill(f->store->child, SIGSTOP);
	assert_int_equal(store_look(f->store, &q, on_found, &l[0]), 0);
	kill(f->store->child, SIGKILL);
	assert_true(turn_until(f->loop, is_over, &l[0]));
	assert_int_equal(l[0].error, -EIO);
	assert_int_equal(l[0].n, 0);
	/* and so does the store */
	f->store->retry_us = 1000;
	put(f, 100, 1);
	assert_true(turn_until(f->loop, stored, f));
	kill(f->store->child, SIGSTOP);
	assert_int_equal(store_look(f->store, &q, on_found, &l[1]), 0);
	kill(f->store->child, SIGCONT);
	close_store(f);
	assert_true(l[1].over);
	assert_false(l[4].over);
}

/* Its text may quote what somebody gave, in any length. */
static void an_event_is_cut_between_characters(void **state)
{
	const struct record_query q = { .kinds = 1U << RECORD_EVENT, .until_ms = 1, .max = 1 };
	struct fixture *f = *state;
	char text[2 * RECORD_TEXT_MAX + 2] = "a";
	struct looked l = { 0 };
	unsigned int k;

	for (k = 0; k < RECORD_TEXT_MAX; k++)
		strcat(text, "\xc3\xa9");
	open_store(f);
	store_event(f->store, 0, 0, 0, text + RECORD_TEXT_MAX + 1, text + 1);
	assert_true(turn_until(f->loop, stored, f));
	assert_int_equal(store_look(f->store, &q, on_found, &l), 0);
	assert_true(turn_until(f->loop, is_over, &l));
	assert_int_equal(l.n, 1);
	assert_int_equal(strlen(l.first.text), RECORD_TEXT_MAX - 1);
	assert_int_equal(strlen(l.first.name), LOAD_NAME_MAX);
	assert_false(mosquitto_validate_utf8(l.first.text, RECORD_TEXT_MAX - 1));
	assert_false(mosquitto_validate_utf8(l.first.name, LOAD_NAME_MAX));
}

/* With nobody to send it to, a question is the first to read what is damaged. */
static void a_question_about_a_damaged_file(void **state)
{
	struct record_query q = { .kinds = ~0U, .until_ms = INT64_MAX, .max = 100 };
	struct fixture *f = *state;
	unsigned char junk[512];
	unsigned int n = 0;
	struct looked l;
	char path[128];
	int fd;

	open_store(f);
	put(f, 0, 1000);
	assert_true(turn_until(f->loop, stored, f));
	close_store(f);
	fd = open(f->file, O_RDWR);
	assert_true(fd >= 0);
	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), lseek(fd, 0, SEEK_END) / 1024 * 512),
			 (ssize_t)sizeof(junk));
	close(fd);
	open_store(f);
	do {
		memset(&l, 0, sizeof(l));
		assert_int_equal(store_look(f->store, &q, on_found, &l), 0);
		assert_true(turn_until(f->loop, is_over, &l));
		assert_int_equal(l.error, 0);
		n += l.n;
		q.after = l.next;
	} while (l.next);
	/* it may have been a page that others are found by */
	assert_in_range(n, 400, 999);
	snprintf(path, sizeof(path), "%s.corrupt", f->file);
	assert_int_equal(access(path, F_OK), 0);
}

static void rename_file(struct fixture *f, const char *from, const char *to)
{
	char old[128], new[128];

	snprintf(old, sizeof(old), "%s%s", f->file, from);
	snprintf(new, sizeof(new), "%s%s", f->file, to);
	assert_int_equal(rename(old, new), 0);
}

/* Its numbers are of others, and so is what its queues have. */
static void another_medium_with_more_on_it(void **state)
{
	struct fixture *f = *state;
	unsigned int k, own;

	open_store(f);
	put(f, 0, 500);
	check_all(f, 500);
	close_store(f);
	rename_file(f, "", ".other");
	f->n = 0;
	open_store(f);
	put(f, 0, 20);
	check_all(f, 20);
	kill(f->store->child, SIGKILL);
	waitid(P_PID, (id_t)f->store->child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	rename_file(f, "", ".own");
	rename_file(f, "-wal", ".own-wal");
	rename_file(f, ".other", "");
	put(f, 20, 30);
	f->store->retry_us = 1000;
	own = f->n;
	assert_true(turn_until(f->loop, stored, f));
	assert_int_equal(f->store->counters.database.last, 530);
	assert_int_equal(f->store->counters.database.records, 530);
	on_wake(f);
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, own + 530);
	for (k = 0; k < 530; k++)
		assert_int_equal(f->seen[own + k], k + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_comes_back, start_test, stop_test),
		cmocka_unit_test_setup_teardown(a_queue_ends_at_what_was_acknowledged, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(the_child_is_killed_at_any_moment, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_full_medium, start_test, stop_test),
		cmocka_unit_test_setup_teardown(a_damaged_file, start_test, stop_test),
		cmocka_unit_test_setup_teardown(no_database_at_all, start_test, stop_test),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there, start_test, stop_test),
		cmocka_unit_test_setup_teardown(two_of_them, start_test, stop_test),
		cmocka_unit_test_setup_teardown(size_is_bounded, start_test, stop_test),
		cmocka_unit_test_setup_teardown(questions_are_answered_once, start_test, stop_test),
		cmocka_unit_test_setup_teardown(an_event_is_cut_between_characters, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(a_question_about_a_damaged_file, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(another_medium_with_more_on_it, start_test,
						stop_test),
		cmocka_unit_test_setup_teardown(old_detail_is_thinned, start_test, stop_test),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
