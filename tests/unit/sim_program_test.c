// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program itself: it finds its host, finds it again, does not hang on a host
 * that does not read, and ends cleanly.
 */
#include "support/program.h"
#include "support/worked-frames.h"

#include "frame.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/smappee.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define PATIENCE_MS 5000

static char folder[64];
static char program[PATH_MAX];
static pid_t child;
static int child_errors = -1;

static const char *in_folder(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static int find_program(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/sim-program-XXXXXX");
	return program_find(program, sizeof(program), "smappee-sim") && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void start(const char *option, const char *where, const char *scenario)
{
	int ends[2];

	if (access(program, X_OK)) {
		print_message("%s is not built\n", program);
		skip();
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(ends[1], STDERR_FILENO);
		execl(program, "smappee-sim", "--scenario", scenario, option, where, "--control",
		      in_folder("control"), NULL);
		_exit(127);
	}
	close(ends[1]);
	child_errors = ends[0];
}

static int end(void)
{
	int status;

	kill(child, SIGTERM);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(child_errors);
	child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int clean_up(void **state)
{
	(void)state;
	if (child)
		end();
	unlink(in_folder("host"));
	return 0;
}

static const char *scenario(void)
{
	return worked_top("userspace/tools/smappee-sim/scenarios/house-1p.ini");
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int listener(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void await(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail_msg("no %s within %d ms", what, PATIENCE_MS);
}

static int accept_host(int fd)
{
	await(fd, "connection");
	return accept(fd, NULL, NULL);
}

static void read_all(int fd, uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n;

		await(fd, "answer");
		n = read(fd, bytes, len);
		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
}

static void assert_identity(int fd)
{
	uint8_t request[8] = { 2, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, 10 }, answer[25];

	frame_seal(request, 6);
	assert_int_equal(write(fd, request, sizeof(request)), sizeof(request));
	read_all(fd, answer, sizeof(answer));
	assert_true(frame_intact(answer, sizeof(answer)));
	assert_int_equal(frame_get16(answer + 3), SMAPPEE_TYPE_OPEN_CT_HUB);
}

/* One number of the status, by its key. */
static long long status(int control, const char *key)
{
	static char text[65536];
	size_t len = 0;
	char name[64], *at;

	assert_int_equal(write(control, "{\"cmd\":\"status\"}\n", 17), 17);
	do {
		ssize_t n;

		await(control, "status");
		n = read(control, text + len, sizeof(text) - 1 - len);
		assert_true(n > 0);
		len += (size_t)n;
	} while (text[len - 1] != '\n');
	text[len] = '\0';
	snprintf(name, sizeof(name), "\"%s\":", key);
	at = strstr(text, name);
	assert_non_null(at);
	return strtoll(at + strlen(name), NULL, 10);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void host_is_found_and_found_again(void **state)
{
	int l, fd;

	(void)state;
	start("--connect", "unix:/dev/null/nowhere", scenario());
	end();
	char where[160];

	snprintf(where, sizeof(where), "unix:%s", in_folder("host"));
	start("--connect", where, scenario());
	for (int life = 0; life < 2; life++) {
		l = listener(in_folder("host"));
		fd = accept_host(l);
		assert_identity(fd);
		/* The emulator ends and starts again. */
		close(fd);
		close(l);
		unlink(in_folder("host"));
	}
	assert_int_equal(end(), 0);
}

static void host_that_does_not_read_blocks_nothing(void **state)
{
	uint8_t request[SMAPPEE_SAMPLES_REQ_LEN] = { 1, SMAPPEE_FC_READ_SAMPLES };
	int l = listener(in_folder("host")), fd, control;
	long long out = 0, before, waits = 0;
	uint8_t answer[4096];
	char where[160];
	size_t got = 0;

	(void)state;
	snprintf(where, sizeof(where), "unix:%s", in_folder("host"));
	start("--connect", where, scenario());
	fd = accept_host(l);
	control = connect_to(in_folder("control"));
	/* From here on every answer is a full one, of 2070 bytes. */
	while (status(control, "index") < 2500)
		poll(NULL, 0, 10);
	frame_put16(request + 6, 1024);
	frame_seal(request, 8);
	/* Ask on until an answer does not get through any more. */
	while (waits < 100 && out < 4 << 20) {
		before = out;
		assert_int_equal(write(fd, request, sizeof(request)), sizeof(request));
		for (waits = 0; waits < 100 && out < before + 2070; waits++) {
			poll(NULL, 0, 2);
			out = status(control, "bytes_out");
		}
	}
	assert_int_equal(waits, 100);
	/* It still answers here, and goes on when the host reads. */
	while ((long long)got < out) {
		size_t n = (size_t)(out - (long long)got);

		n = n < sizeof(answer) ? n : sizeof(answer);
		read_all(fd, answer, n);
		got += n;
	}
	await(fd, "rest of the answer");
	close(control);
	close(fd);
	close(l);
	assert_int_equal(end(), 0);
}

static void terminal_answers(void **state)
{
	char line[256];
	int fd;

	(void)state;
	start("--pty", in_folder("tty"), scenario());
	/* Its first line says that the link is there. */
	do {
		await(child_errors, "message");
		ssize_t n = read(child_errors, line, sizeof(line) - 1);

		assert_true(n > 0);
		line[n] = '\0';
	} while (!strstr(line, "the host is there"));
	fd = open(in_folder("tty"), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_identity(fd);
	close(fd);
	fd = open(in_folder("tty"), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_identity(fd);
	close(fd);
	assert_int_equal(end(), 0);
	assert_int_not_equal(access(in_folder("tty"), F_OK), 0);
	assert_int_not_equal(access(in_folder("control"), F_OK), 0);
}

static void bad_scenario_ends_with_status_one(void **state)
{
	int ret;

	(void)state;
	start("--pty", in_folder("tty"), "/nowhere.ini");
	assert_int_equal(waitpid(child, &ret, 0), child);
	child = 0;
	close(child_errors);
	assert_int_equal(WEXITSTATUS(ret), 1);
}

static void a_wrong_command_line_ends_with_status_two_and_the_way_out(void **state)
{
	static const struct {
		const char *words;
		const char *text;
	} lines[] = {
		{ "", "--scenario FILE is missing; see --help" },
		{ "x", "argument \"x\": not expected" },
		{ "--scenario x", "give one of --connect, --listen, --pty and --check" },
		{ "--scenario x --check --seed one", "--seed \"one\": give a whole number" },
		{ "--scenario x --connect y", "--connect \"y\": not an address; give unix:PATH" },
		{ "--scenario x --pty y --listen unix:z", "give one of --connect" },
		{ "--scenario x --pty y --log-level loud", "give error, info or debug" },
	};
	char command[PATH_MAX + 200], text[4096];

	(void)state;
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int status;

		snprintf(command, sizeof(command), "'%s' %s 2>&1", program, lines[i].words);
		status = program_says(command, text, sizeof(text));
		if (status != 2 || !strstr(text, lines[i].text))
			fail_msg("smappee-sim %s: status %d, \"%s\"; wanted 2, \"%s\"",
				 lines[i].words, status, text, lines[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(host_is_found_and_found_again, clean_up),
		cmocka_unit_test_teardown(host_that_does_not_read_blocks_nothing, clean_up),
		cmocka_unit_test_teardown(terminal_answers, clean_up),
		cmocka_unit_test_teardown(bad_scenario_ends_with_status_one, clean_up),
		cmocka_unit_test(a_wrong_command_line_ends_with_status_two_and_the_way_out),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("sim_program", tests, find_program, remove_folder);
}
