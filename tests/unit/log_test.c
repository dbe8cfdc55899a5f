// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages to who does not read them: a pipe that is full, a journal that hangs. No call
 * waits, what was dropped is counted, and the flags of a shared standard error stay.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/* More than any of them holds. */
#define MANY 20000

/**
 * struct fixture - standard error is put aside
 * @own: of the test
 * @reader: of what is in its place
 */
struct fixture {
	int own;
	int reader;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	fflush(stderr);
	f->own = dup(STDERR_FILENO);
	f->reader = -1;
	/* a call that waits ends the test */
	alarm(60);
	return f->own < 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	alarm(0);
	log_fields(NULL);
	unsetenv("JOURNAL_STREAM");
	dup2(f->own, STDERR_FILENO);
	close(f->own);
	if (f->reader >= 0)
		close(f->reader);
	free(f);
	return 0;
}

static void put_in_place(struct fixture *f, const int pair[2])
{
	f->reader = pair[0];
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	fcntl(f->reader, F_SETFL, O_NONBLOCK);
}

/* All that there is to read. Return: its lines. */
static unsigned int drain(int fd, char *last, size_t size)
{
	static char text[1 << 16];
	unsigned int lines = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
		char *at = text;

		text[n] = '\0';
		while ((at = strchr(at, '\n'))) {
			lines++;
			at++;
		}
		n = n < (ssize_t)size ? n : (ssize_t)size - 1;
		snprintf(last, size, "%s", text + strlen(text) - (size_t)n);
	}
	return lines;
}

static void write_many(void)
{
	unsigned int k;

	for (k = 0; k < MANY; k++)
		log_info("store: message %u", k);
}

static void expect_dropped(struct fixture *f)
{
	char last[256] = "", wanted[96];
	unsigned int taken;
	int flags = fcntl(STDERR_FILENO, F_GETFL);

	write_many();
	taken = drain(f->reader, last, sizeof(last));
	assert_in_range(taken, 1, MANY - 1);
	log_info("store: read\nagain");
	snprintf(wanted, sizeof(wanted),
		 "<4>log: %u messages were dropped, since nobody took them\n<6>store: read "
		 "again\n",
		 MANY - taken);
	assert_int_equal(drain(f->reader, last, sizeof(last)), 2);
	assert_string_equal(last, wanted);
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL), flags);
	assert_false(flags & O_NONBLOCK);
}

static void a_pipe_that_nobody_empties_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	put_in_place(f, pair);
	expect_dropped(f);
}

static void a_stream_of_the_journal_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	put_in_place(f, pair);
	expect_dropped(f);
}

/* A journal with a socket that takes some messages and is not read. */
static void a_journal_that_hangs_is_not_waited_for(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	char text[2048] = "", own[64], name[64];
	unsigned int taken = 0;
	struct stat st;
	ssize_t n;

	snprintf(name, sizeof(name), "/tmp/log-test-%d", getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	f->reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->reader, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", own, 1);
	log_fields(name);
	write_many();
	while ((n = recv(f->reader, text, sizeof(text) - 1, 0)) > 0)
		taken++;
	assert_in_range(taken, 1, MANY - 1);
	log_warning("mqtt: no connection");
	n = recv(f->reader, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "messages were dropped"));
	n = recv(f->reader, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "SYSLOG_IDENTIFIER=meterd\nPRIORITY=4\n"
				  "MESSAGE=mqtt: no connection\nMETERD_PART=mqtt\n");
	unlink(name);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pipe_that_nobody_empties_is_not_waited_for),
		TEST(a_stream_of_the_journal_is_not_waited_for),
		TEST(a_journal_that_hangs_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
