// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program as a whole: options, the end by SIGTERM, registers that go on where they were, and
 * messages that nobody takes.
 */
#include "daemon-rig.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "registers.h"
#include "runtime-folder.h"

static double restored_j(void)
{
	static struct load loads[] = {
		{ .name = "boiler", .elements = 1, .element = { { .input = "hub1/A" } } }
	};
	static struct installation in = { .loads = 1, .load = loads };
	struct registers *r;
	double j;

	/* where the program has its notes */
	runtime_folder_need();
	assert_int_equal(registers_open(&r, &in, energy), 0);
	j = registers_import_j(r, 0);
	registers_close(r);
	return j;
}

static void a_replay_prints_one_line_per_reading_and_touches_no_registers(void **state)
{
	static char all[65536];
	unsigned int lines = 0;
	char *c;
	int output;
	pid_t child;

	write_conf(1);
	child = start(&output, "--replay", csv);
	assert_false(wait_for(output, "no such text", all, sizeof(all)));
	close(output);
	assert_int_equal(finish(child), 0);
	for (c = all; (c = strstr(c, "{\"time\":\"1970-01-01T00:00:0")); c++)
		lines++;
	assert_int_equal(lines, 1);
	assert_non_null(strstr(all, "\"frequency_hz\":50.00"));
	assert_true(access(energy, F_OK) != 0);
}

static void a_good_configuration_is_good_and_a_bad_one_is_not(void **state)
{
	char all[4096];
	int output;
	pid_t child;

	write_conf(1);
	child = start(&output, "--check-config", NULL);
	assert_true(wait_for(output, "good: 1 loads", all, sizeof(all)));
	assert_int_equal(finish(child), 0);
	close(output);
	write_conf(0);
	child = start(&output, "--check-config", NULL);
	assert_true(wait_for(output, ":3: [source] repeat = 0", all, sizeof(all)));
	assert_int_equal(finish(child), 1);
	close(output);
	write_conf(1);
	add_text(conf, "[modbus]\nlisten = 127.0.0.1:1502\nload = sauna\n");
	child = start(&output, "--check-config", NULL);
	assert_true(
		wait_for(output, "[modbus] load = sauna: there is no such load", all, sizeof(all)));
	assert_int_equal(finish(child), 1);
	close(output);
}

static void sigterm_saves_the_registers_and_the_next_start_goes_on(void **state)
{
	static char all[65536];
	double first;
	double second;
	int output;
	pid_t child;

	write_conf(1000000);
	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)))
		fail_msg("%s", all);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
	first = restored_j();
	/* a reading is 1 s of 2300 W */
	assert_true(first >= 2299.0);

	child = start(&output, NULL, NULL);
	if (!wait_for(output, "measuring", all, sizeof(all)))
		fail_msg("%s", all);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(output);
	second = restored_j();
	assert_true(second >= first + 2299.0);
}

static bool is_there(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	there = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return there;
}

/* Number of the present reading, 0 while there is none. */
static unsigned long reading_number(const char *socket_path)
{
	char *answer = ask(socket_path, "/api/v1/live");
	const char *at = strstr(answer, "\"sequence\":");
	unsigned long n = at ? strtoul(at + strlen("\"sequence\":"), NULL, 10) : 0;

	free(answer);
	return n;
}

static void wait_for_reading(const char *socket_path, unsigned long after)
{
	const struct timespec pause = { 0, 10000000 };
	unsigned int k;

	for (k = 0; k < 3000; k++, nanosleep(&pause, NULL))
		if (is_there(socket_path) && reading_number(socket_path) > after)
			return;
	fail_msg("no reading after number %lu", after);
}

static void fill_up(int tube)
{
	int flags = fcntl(tube, F_GETFL);
	static const char line[] = "full\n";

	fcntl(tube, F_SETFL, flags | O_NONBLOCK);
	while (write(tube, line, strlen(line)) > 0)
		;
	fcntl(tube, F_SETFL, flags);
}

/* Who reads the messages has stopped: measuring goes on. */
static void a_full_pipe_of_messages_holds_nothing_up(void **state)
{
	static char all[65536];
	char text[1024], socket_path[64];
	unsigned long before;
	unsigned int k;
	int tube[2];
	pid_t child;

	snprintf(socket_path, sizeof(socket_path), "%s/full", folder);
	write_conf(1000000);
	snprintf(text, sizeof(text), "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n", socket_path);
	add_text(conf, text);
	assert_int_equal(pipe(tube), 0);
	fill_up(tube[1]);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(tube[1], STDERR_FILENO);
		close(tube[0]);
		execl(program, program, "--config", conf, (char *)NULL);
		_exit(127);
	}
	close(tube[1]);
	wait_for_reading(socket_path, 0);
	for (k = 0; k < 3; k++) {
		before = reading_number(socket_path);
		kill(child, SIGHUP);
		wait_for_reading(socket_path, before);
	}
	fcntl(tube[0], F_SETFL, O_NONBLOCK);
	while (read(tube[0], all, sizeof(all)) > 0)
		;
	fcntl(tube[0], F_SETFL, 0);
	kill(child, SIGHUP);
	assert_true(wait_for(tube[0], "messages were dropped, since nobody took them", all,
			     sizeof(all)));
	assert_true(strstr(all, "reload: nothing differs") ||
		    wait_for(tube[0], "reload: nothing differs", all, sizeof(all)));
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(tube[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_replay_prints_one_line_per_reading_and_touches_no_registers),
		TEST(a_good_configuration_is_good_and_a_bad_one_is_not),
		TEST(sigterm_saves_the_registers_and_the_next_start_goes_on),
		TEST(a_full_pipe_of_messages_holds_nothing_up),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
