// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The folder in memory of a meterd without systemd: found again by the next one, and never
 * one that somebody else has laid out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime-folder.h"

static char memory[] = "/dev/shm/runtime-folder-XXXXXX";
static char path[sizeof(memory) + 8];

static int start(void **state)
{
	strcpy(memory + sizeof(memory) - 7, "XXXXXX");
	if (!mkdtemp(memory))
		return -1;
	snprintf(path, sizeof(path), "%s/own", memory);
	return 0;
}

static int stop(void **state)
{
	if (unlink(path))
		rmdir(path);
	return rmdir(memory);
}

static void it_is_made_and_found_again(void **state)
{
	struct stat st;

	assert_int_equal(runtime_folder_take(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(runtime_folder_take(path), 0);
}

static void what_is_not_ours_is_not_taken(void **state)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(runtime_folder_take(path), -EPERM);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(runtime_folder_take(path), -EPERM);
	assert_int_equal(rmdir(path), 0);
	/* a way to somewhere else */
	assert_int_equal(symlink("/dev/shm", path), 0);
	assert_int_equal(runtime_folder_take(path), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(runtime_folder_take("/dev/shm/there is/none"), -ENOENT);
	if (geteuid())
		return;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(runtime_folder_take(path), -EPERM);
}

static void a_medium_is_no_memory(void **state)
{
	assert_int_equal(runtime_folder_take("/proc"), geteuid() ? -EPERM : -EXDEV);
}

static void what_is_set_stays(void **state)
{
	char own[64];

	setenv("RUNTIME_DIRECTORY", path, 1);
	runtime_folder_need();
	assert_string_equal(getenv("RUNTIME_DIRECTORY"), path);
	assert_int_equal(access(path, F_OK), -1);
	unsetenv("RUNTIME_DIRECTORY");
	runtime_folder_need();
	snprintf(own, sizeof(own), "/dev/shm/meterd-%u", (unsigned int)geteuid());
	assert_string_equal(getenv("RUNTIME_DIRECTORY"), own);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_made_and_found_again),
		TEST(what_is_not_ours_is_not_taken),
		TEST(a_medium_is_no_memory),
		TEST(what_is_set_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
