/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon-rig - the program as a whole, run beside the test in a folder of its own, on a
 * recording of one load; and what its API answers.
 */
#ifndef TEST_DAEMON_RIG_H
#define TEST_DAEMON_RIG_H

#include "chain.h"

#include <limits.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/program.h"

static char program[PATH_MAX];
static char folder[] = "/tmp/meterd-daemon-XXXXXX";
static char conf[128];
static char csv[128];
static char energy[128];

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline void add_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Two seconds of 230 V and 10 A at power factor 1. */
static inline void write_recording(void)
{
	FILE *f = fopen(csv, "w");
	unsigned int k;

	assert_non_null(f);
	fputs("# sample rate: 4000 Hz\nL1,A\n", f);
	for (k = 0; k < 8000; k++)
		fprintf(f, "%.3f,%.4f\n", 230 * M_SQRT2 * sin(2 * M_PI * k / 80),
			10 * M_SQRT2 * sin(2 * M_PI * k / 80));
	fclose(f);
}

static inline void write_conf(unsigned int repeat)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "[source]\nreplay = %s\nrepeat = %u\n[topology]\ntype = 1p\n[load boiler]\n"
		 "inputs = hub1/A\nphases = L1\n[registers]\nfile = %s\n",
		 csv, repeat, energy);
	write_text(conf, text);
}

/* Start the program; its standard output and error come through *output. */
static inline pid_t start(int *output, const char *option, const char *value)
{
	int tube[2];
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(tube[1], STDOUT_FILENO);
		dup2(tube[1], STDERR_FILENO);
		close(tube[0]);
		execl(program, program, "--config", conf, option, value, (char *)NULL);
		_exit(127);
	}
	close(tube[1]);
	*output = tube[0];
	return child;
}

static inline int finish(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Read until the end, or until @text came. Returns whether it did. */
static inline bool wait_for(int output, const char *text, char *all, size_t bytes)
{
	size_t n = 0;
	ssize_t got;

	memset(all, 0, bytes);
	while ((got = read(output, all + n, bytes - 1 - n)) > 0) {
		n += (size_t)got;
		if (strstr(all, text))
			return true;
		if (n > bytes / 2) {
			memmove(all, all + n - 256, 256);
			n = 256;
			memset(all + n, 0, bytes - n);
		}
	}
	return false;
}

/* The body of the answer to GET @path, for free(). */
static inline char *ask(const char *socket_path, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 30 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t size = 65536, n = 0;
	char *all = calloc(1, size);
	ssize_t got;
	char *body;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path);
	while ((got = read(fd, all + n, size - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	body = strstr(all, "\r\n\r\n");
	if (!body)
		fail_msg("%s is not answered", path);
	memmove(all, body + 4, strlen(body + 4) + 1);
	return all;
}

static inline int begin(void **state)
{
	if (!program_find(program, sizeof(program), "meterd") || !mkdtemp(folder))
		return -1;
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	snprintf(csv, sizeof(csv), "%s/csv", folder);
	snprintf(energy, sizeof(energy), "%s/registers", folder);
	return 0;
}

static inline int end(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static inline int setup(void **state)
{
	if (access(program, X_OK)) {
		print_message("%s is not built: skipped\n", program);
		skip();
	}
	unlink(energy);
	write_recording();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

#endif
