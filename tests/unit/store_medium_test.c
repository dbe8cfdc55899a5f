// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store and a medium that goes wrong: one that cannot be read costs no record and no
 * process, and what was sent of one medium is not acknowledged in another.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

/* The file itself: a test kills the child. Before cmocka.h, whose fail() is a macro. */
#include "store.c"

#include <cmocka.h>

#include "outputs.h"

#define SEEN_MAX 8192
#define BATCH 2000

/**
 * struct fixture - a store in a folder of its own
 * @seen: sequence numbers that upstream "one" got
 * @last: last of them
 * @empty: there were no more
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
};

static const char *const names[] = { "one" };

/* ---- files that cannot be read, in the child as well ------------------- */

static sqlite3_vfs vfs;
static sqlite3_vfs *system_vfs;
static sqlite3_io_methods methods;
static int (*system_read)(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at);
static volatile bool *unreadable;

static int read_or_not(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
	return *unreadable ? SQLITE_IOERR_READ : system_read(file, to, bytes, at);
}

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out)
{
	int rc = system_vfs->xOpen(system_vfs, name, file, flags, out);

	if (rc || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return rc;
	methods = *file->pMethods;
	if (methods.xRead != read_or_not)
		system_read = methods.xRead;
	methods.xRead = read_or_not;
	file->pMethods = &methods;
	return rc;
}

static int start_all(void **state)
{
	unreadable = mmap(NULL, sizeof(*unreadable), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	system_vfs = sqlite3_vfs_find(NULL);
	vfs = *system_vfs;
	vfs.zName = "test";
	vfs.xOpen = open_file;
	return unreadable == MAP_FAILED || sqlite3_vfs_register(&vfs, 1);
}

/* ---- a store ----------------------------------------------------------- */

static int start_test(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*unreadable = false;
	strcpy(f->dir, "/tmp/store-medium-test-XXXXXX");
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

	*unreadable = false;
	store_close(f->store);
	sd_event_unref(f->loop);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static void on_wake(void *user)
{
	struct fixture *f = user;

	store_fetch(f->store, 0, f->last, STORE_BATCH_MAX);
}

static void on_batch(void *user, const struct record *r, unsigned int n)
{
	struct fixture *f = user;
	unsigned int k;

	for (k = 0; k < n && f->n < SEEN_MAX; k++)
		f->seen[f->n++] = r[k].sequence;
	f->empty = !n;
	if (!n)
		return;
	f->last = store_mark(f->store, r[n - 1].sequence);
	on_wake(f);
}

static const struct store_upstream_ops ops = { on_wake, on_batch };

static void open_store(struct fixture *f)
{
	f->n = 0;
	f->last = (struct store_mark){ 0 };
	assert_int_equal(store_open(&f->store, f->loop, &f->config, names, 1), 0);
	store_attach(f->store, 0, &ops, f);
}

static void close_store(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

/* Events, since they take room: the file is larger than what the child keeps in memory. */
static void put(struct fixture *f, int64_t first, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n; k++) {
		struct record r = { .kind = RECORD_EVENT,
				    .utc_ms = 1795197600000 + (first + k) * 60000,
				    .name = "heat pump" };

		memset(r.text, 'x', sizeof(r.text) - 1);
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

/**
 * struct looked - the answer to a question
 */
struct looked {
	bool over;
	int error;
	unsigned int n;
};

static void on_found(void *user, int error, const struct record *r, unsigned int n, uint64_t next)
{
	struct looked *l = user;

	*l = (struct looked){ true, error, n };
}

static bool is_over(void *context)
{
	return ((struct looked *)context)->over;
}

static int look(struct fixture *f)
{
	const struct record_query q = { .kinds = ~0U, .until_ms = INT64_MAX, .max = 50 };
	struct looked l = { 0 };

	assert_int_equal(store_look(f->store, &q, on_found, &l), 0);
	assert_true(turn_until(f->loop, is_over, &l));
	assert_int_equal(l.n, l.error ? 0 : 50);
	return l.error;
}

static void what_cannot_be_read_ends_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned int k;
	pid_t child;

	open_store(f);
	for (k = 0; k < 3; k++) {
		put(f, k * BATCH, BATCH);
		assert_true(turn_until(f->loop, stored, f));
	}
	/* another process, which has the newest ones in its memory only */
	close_store(f);
	open_store(f);
	child = f->store->child;
	*unreadable = true;
	assert_int_equal(look(f), -EIO);
	on_wake(f);
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, 0);
	*unreadable = false;
	assert_int_equal(look(f), 0);
	put(f, 3 * BATCH, 1);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, 3 * BATCH + 1);
	for (k = 0; k < f->n; k++)
		assert_int_equal(f->seen[k], k + 1);
	assert_int_equal(f->store->child, child);
	assert_int_equal(f->store->counters.restarts, 0);
}

static void rename_file(struct fixture *f, const char *from, const char *to)
{
	char old[128], new[128];

	snprintf(old, sizeof(old), "%s%s", f->file, from);
	snprintf(new, sizeof(new), "%s%s", f->file, to);
	assert_int_equal(rename(old, new), 0);
}

/* Make a database of its own of @n records under another name. */
static void make_other(struct fixture *f, unsigned int n, bool acked)
{
	open_store(f);
	put(f, 0, n);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	if (acked)
		store_ack(f->store, 0, f->last);
	close_store(f);
	rename_file(f, "", ".other");
}

/* The medium is taken out, and another one put in. */
static void swap(struct fixture *f)
{
	kill(f->store->child, SIGKILL);
	waitid(P_PID, (id_t)f->store->child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	rename_file(f, "", ".own");
	rename_file(f, "-wal", ".own-wal");
	rename_file(f, ".other", "");
	f->store->retry_us = 1000;
}

/* The child has done what it was told so far: it answers in order. */
static const struct upstream_state *settled(struct fixture *f)
{
	look(f);
	return &f->store->counters.database.upstream[0];
}

static void what_is_on_its_way_is_not_acknowledged_in_another_database(void **state)
{
	struct fixture *f = *state;
	struct store_mark old;

	make_other(f, 500, false);
	open_store(f);
	put(f, 0, 100);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	old = f->last;
	assert_int_equal(old.sequence, 100);
	swap(f);
	put(f, 100, 10);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	/* the broker answers at last, and refuses one more */
	store_ack(f->store, 0, old);
	store_refuse(f->store, 0, old, "odd");
	assert_int_equal(settled(f)->acked, 0);
	assert_int_equal(settled(f)->refused, 0);
	/* all of this one have been given meanwhile, and can be acknowledged */
	assert_int_equal(f->n, 100 + 510);
	assert_int_equal(f->last.sequence, 510);
	store_ack(f->store, 0, f->last);
	store_refuse(f->store, 0, f->last, "odd");
	assert_int_equal(settled(f)->acked, 510);
	assert_int_equal(settled(f)->refused, 1);
}

/* Nothing was to be given of it at first, and its numbers are smaller. */
static void a_medium_that_was_acknowledged_goes_on_with_what_comes(void **state)
{
	struct fixture *f = *state;

	make_other(f, 50, true);
	open_store(f);
	put(f, 0, 200);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->last.sequence, 200);
	swap(f);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, 200);
	put(f, 200, 3);
	f->empty = false;
	assert_true(turn_until(f->loop, read_all, f));
	assert_int_equal(f->n, 203);
	assert_int_equal(f->seen[202], 53);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_test, stop_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_read_ends_nothing),
		TEST(what_is_on_its_way_is_not_acknowledged_in_another_database),
		TEST(a_medium_that_was_acknowledged_goes_on_with_what_comes),
	};

	return cmocka_run_group_tests(tests, start_all, NULL);
}
