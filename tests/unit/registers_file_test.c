// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of registers that survives a kill at any point, damage, and a full medium. pwrite()
 * and fdatasync() of the C library are replaced, so that the test can stop the process after
 * any number of bytes.
 */
#include "registers-rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "registers-file.h"
#include "registers-v1-file.h"

static long budget = -1; /* bytes until the process dies; -1: never */
static int refuse;	 /* errno of all writes */
static unsigned int flushes;

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	if (refuse) {
		errno = refuse;
		return -1;
	}
	if (budget >= 0 && (long)bytes > budget) {
		syscall(SYS_pwrite64, fd, data, (size_t)budget, offset);
		_exit(9);
	}
	if (budget >= 0)
		budget -= (long)bytes;
	return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

int fdatasync(int fd)
{
	flushes++;
	return 0;
}

/* A run of the daemon: note before each publish, checkpoints between. Says what it published. */
static void live(int report)
{
	struct registers *r = NULL;
	const double e[3] = { 36.0, 36.0, 36.0 };
	unsigned int n;

	if (registers_open(&r, &in, path))
		_exit(3);
	for (n = 0; n < 6; n++) {
		double published;

		add(r, &in, 0, e);
		if (n % 3 == 2)
			registers_save(r);
		registers_note(r);
		published = registers_import_j(r, 0);
		if (write(report, &published, sizeof(published)) < 0)
			_exit(4);
	}
	registers_close(r);
	_exit(0);
}

/* Kill the process after @bytes written. Returns its status; *last: last value published. */
static int run_and_kill(long bytes, double *last)
{
	int tube[2];
	int status;
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		budget = bytes;
		live(tube[1]);
	}
	close(tube[1]);
	while (read(tube[0], last, sizeof(*last)) == sizeof(*last))
		;
	close(tube[0]);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void a_kill_at_any_byte_never_sets_a_register_back(void **state)
{
	double highest = 0.0;
	long bytes;
	unsigned int kills = 0;

	for (bytes = 0;; bytes += 7) {
		double last = -1.0;
		int status = run_and_kill(bytes, &last);
		struct registers *r;

		if (status == 9) {
			kills++;
			if (access(path, F_OK)) {
				/* killed before the file existed: nothing was published */
				assert_true(last < 0.0);
				continue;
			}
		} else {
			assert_int_equal(status, 0);
		}
		highest = fmax(highest, last);
		r = open_registers();
		if (registers_import_j(r, 0) < highest - 1e-6)
			fail_msg("killed after %ld bytes: %.4f J published, %.4f J restored", bytes,
				 highest, registers_import_j(r, 0));
		registers_close(r);
		if (status == 0)
			break;
	}
	print_message("%u kills\n", kills);
	assert_true(kills > 100);
}

static void spoil(unsigned int slot)
{
	int fd = open(path, O_RDWR);
	const char dirt[3] = { 1, 2, 3 };

	assert_int_equal(syscall(SYS_pwrite64, fd, dirt, 3, (off_t)slot * 131072 + 40), 3);
	close(fd);
}

static void a_torn_slot_leaves_the_one_before(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	unsigned int slot;

	for (slot = 0; slot < 4; slot++) {
		struct registers *r = open_registers();
		unsigned int k;

		for (k = 0; k < 4; k++) {
			add(r, &in, 0, e);
			registers_note(r);
		}
		registers_save(r);
		registers_save(r);
		/* all of the values are in both checkpoints and in the last note */
		spoil(slot);
		registers_close(r);
		spoil(slot);
		r = open_registers();
		assert_double_equal(registers_import_j(r, 0), (slot + 1) * 14400.0, 0.1);
		registers_close(r);
	}
}

/* Notes in memory: a process that is killed loses none, and the medium is not written. */
static void notes_in_memory(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	char memory[] = "/tmp/registers-notes-XXXXXX";
	struct registers *r;
	struct stat before, after;
	int status;
	pid_t child;

	assert_non_null(mkdtemp(memory));
	setenv("RUNTIME_DIRECTORY", memory, 1);
	r = open_registers();
	add(r, &in, 0, e);
	registers_save(r);
	registers_close(r);
	assert_int_equal(stat(path, &before), 0);
	child = fork();
	if (!child) {
		r = open_registers();
		add(r, &in, 0, e);
		registers_note(r);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.1);
	registers_close(r);
	/* after an end in good order there is none that could come back over a backup */
	assert_int_equal(rmdir(memory), 0);
	/* notes of a file that is not there any more are not those of the next one */
	assert_int_equal(mkdir(memory, 0700), 0);
	child = fork();
	if (!child) {
		r = open_registers();
		add(r, &in, 0, e);
		registers_note(r);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(unlink(path), 0);
	child = fork();
	if (!child) {
		open_registers();
		_exit(0);
	}
	waitpid(child, &status, 0);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 0.0, 0.1);
	registers_close(r);
	unsetenv("RUNTIME_DIRECTORY");
	assert_int_equal(rmdir(memory), 0);
}

static void with_no_whole_slot_it_refuses_and_says_what_to_do(void **state)
{
	struct registers *r = open_registers();
	unsigned int slot;

	registers_note(r);
	registers_save(r);
	registers_close(r);
	for (slot = 0; slot < 4; slot++)
		spoil(slot);
	assert_int_equal(registers_open(&r, &in, path), -EBADMSG);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(registers_open(&r, &in, path), -EBADMSG);
}

static void a_full_medium_is_reported_and_survived(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	struct registers *r = open_registers();

	add(r, &in, 0, e);
	refuse = ENOSPC;
	assert_int_equal(registers_save(r), -ENOSPC);
	assert_int_equal(registers_note(r), -ENOSPC);
	add(r, &in, 0, e);
	refuse = 0;
	assert_int_equal(registers_save(r), 0);
	registers_close(r);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.01);
	registers_close(r);
}

static void only_checkpoints_wait_for_the_medium(void **state)
{
	struct registers *r = open_registers();

	flushes = 0;
	registers_note(r);
	registers_note(r);
	assert_int_equal(flushes, 0);
	registers_save(r);
	assert_int_equal(flushes, 1);
	registers_close(r);
}

/* Write the file that version 0.1 left behind. */
static void write_first_format(void)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);
	unsigned int slot;

	for (slot = 0; slot < 4; slot++) {
		const char *hex = registers_v1_file[slot];
		unsigned int byte;
		off_t at;

		for (at = (off_t)slot * 16384; sscanf(hex, "%2x", &byte) == 1; hex += 2, at++) {
			unsigned char c = (unsigned char)byte;

			assert_int_equal(syscall(SYS_pwrite64, fd, &c, 1, at), 1);
		}
	}
	assert_int_equal(ftruncate(fd, 4 * 16384), 0);
	close(fd);
}

/* What version 0.1 printed of this file. */
static void is_as_version_0_1_left_it(struct registers *r)
{
	struct energy_reading e;

	registers_load(r, 0, &e);
	assert_double_equal(e.import_j, 1782000.0, 1e-6);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_int_equal(registers_element_uwh(r, 0, 0), 5000000);
	assert_int_equal(registers_element_uwh(r, 0, 1), -10000000);
	assert_int_equal(registers_element_uwh(r, 0, 2), 500000000);
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j, 100.0008, 1e-6);
	assert_double_equal(e.export_j, 216000.0, 1e-6);
	assert_double_equal(e.estimated_j, 36000.0, 1e-6);
	assert_double_equal(e.net_j, 100.0008 - 216000.0, 1e-6);
	assert_int_equal(registers_element_uwh(r, 1, 0), -59972222);
}

static void a_file_of_version_0_1_is_taken_over(void **state)
{
	struct load boiler = { .name = "old boiler",
			       .elements = 1,
			       .element = { { .input = "hub2/A" } } };
	struct installation later = { .loads = 1, .load = &boiler };
	struct registers *r;
	struct stat status;
	char kept[160];

	write_first_format();
	r = open_registers();
	is_as_version_0_1_left_it(r);
	registers_close(r);
	/* the load that was not configured then is still there, and so is the old file */
	assert_int_equal(registers_open(&r, &later, path), 0);
	assert_double_equal(registers_import_j(r, 0), 9000.0, 1e-6);
	assert_int_equal(registers_element_uwh(r, 0, 0), 2500000);
	registers_close(r);
	snprintf(kept, sizeof(kept), "%s.v1", path);
	assert_int_equal(stat(kept, &status), 0);
	assert_int_equal(status.st_size, 4 * 16384);
	assert_int_equal(rename(kept, path), 0);
	r = open_registers();
	is_as_version_0_1_left_it(r);
	registers_close(r);
}

static void a_kill_while_a_file_is_taken_over_loses_nothing(void **state)
{
	unsigned int kills = 0;
	long bytes;

	for (bytes = 0;; bytes += 50) {
		double last = -1.0;
		struct registers *r;
		int status;

		unlink(path);
		write_first_format();
		status = run_and_kill(bytes, &last);
		r = open_registers();
		assert_true(registers_import_j(r, 0) >= fmax(last, 1782000.0) - 1e-6);
		assert_int_equal(registers_element_uwh(r, 1, 0), -59972222);
		registers_close(r);
		kills += status == 9;
		if (status == 0)
			break;
	}
	assert_true(kills > 20);
}

static void more_than_64_names_fit_and_a_full_file_says_what_to_do(void **state)
{
	unsigned int names = 0;
	int error = 0;

	while (!error) {
		struct load many[64];
		char name[64][16];
		struct installation house = { .loads = 64, .load = many };
		struct registers *r;
		unsigned int k;

		memset(many, 0, sizeof(many));
		for (k = 0; k < 64; k++) {
			snprintf(name[k], sizeof(name[k]), "load %u", names + k);
			many[k] = (struct load){ .name = name[k], .elements = 1, .first = k };
			many[k].element[0].input = name[k];
		}
		error = registers_open(&r, &house, path);
		if (error)
			break;
		names += 64;
		registers_close(r);
	}
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(names, RECORDS_MAX / 128 * 64);
}

/* As meterd-store does, when the kill comes between its fork and its first line. */
static void a_child_of_a_killed_one_is_waited_for(void **state)
{
	struct registers *r = open_registers();
	int tube[2];
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		char end;

		close(tube[1]);
		if (read(tube[0], &end, 1) < 0)
			_exit(1);
		usleep(300000);
		_exit(0);
	}
	close(tube[0]);
	registers_close(r);
	close(tube[1]);
	r = open_registers();
	registers_close(r);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_file_in_use_is_refused(void **state)
{
	struct registers *r = open_registers();
	struct registers *second;

	assert_int_equal(registers_open(&second, &in, path), -EWOULDBLOCK);
	registers_close(r);
	r = open_registers();
	registers_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kill_at_any_byte_never_sets_a_register_back),
		TEST(a_torn_slot_leaves_the_one_before),
		TEST(notes_in_memory),
		TEST(with_no_whole_slot_it_refuses_and_says_what_to_do),
		TEST(a_full_medium_is_reported_and_survived),
		TEST(a_child_of_a_killed_one_is_waited_for),
		TEST(a_file_in_use_is_refused),
		TEST(a_file_of_version_0_1_is_taken_over),
		TEST(a_kill_while_a_file_is_taken_over_loses_nothing),
		TEST(more_than_64_names_fit_and_a_full_file_says_what_to_do),
		TEST(only_checkpoints_wait_for_the_medium),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
