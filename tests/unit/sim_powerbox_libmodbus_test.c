// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An independent master reads the Power Box: libmodbus over a pseudo terminal,
 * from the program itself, in real time. Skipped where libmodbus is not there.
 */
#include "support/program.h"
#include "support/worked-frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#ifndef HAVE_LIBRARY

static void libmodbus_reads_the_power_box(void **state)
{
	(void)state;
	print_message("skipped: built without libmodbus (Debian: libmodbus-dev)\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libmodbus_reads_the_power_box),
	};

	return cmocka_run_group_tests_name("sim_powerbox_libmodbus", tests, NULL, NULL);
}

#else

#include "scenario.h"
#include "truth.h"

#include <errno.h>
#include <limits.h>
#include <linux/smappee.h>
#include <math.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static char folder[] = "/tmp/powerbox-XXXXXX";
static char tty[64];
static char program[PATH_MAX];
static pid_t child;
static modbus_t *host;
static struct scenario s;

static const char *scenario_path(void)
{
	return worked_top("userspace/tools/smappee-sim/scenarios/powerbox-3p.ini");
}

/* Its messages come through @from; the terminal is there with the last one. */
static bool await_terminal(int from)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	char text[256];
	ssize_t n;

	do {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			return false;
		n = read(from, text, sizeof(text) - 1);
		if (n <= 0)
			return false;
		text[n] = '\0';
	} while (!strstr(text, "the host is there"));
	return true;
}

static bool start_program(void)
{
	int ends[2];

	if (!program_find(program, sizeof(program), "smappee-sim") || !mkdtemp(folder) ||
	    pipe(ends))
		return false;
	snprintf(tty, sizeof(tty), "%s/tty", folder);
	child = fork();
	if (!child) {
		dup2(ends[1], STDERR_FILENO);
		execl(program, "smappee-sim", "--scenario", scenario_path(), "--pty", tty, NULL);
		_exit(127);
	}
	close(ends[1]);
	/* The other end stays open: the program may go on to say things. */
	return child > 0 && await_terminal(ends[0]);
}

static int set_up(void **state)
{
	char error[SCENARIO_ERROR_MAX];

	(void)state;
	if (scenario_load(&s, scenario_path(), NULL, error) || !start_program())
		return -1;
	host = modbus_new_rtu(tty, 38400, 'N', 8, 1);
	if (!host || modbus_set_slave(host, 61) || modbus_connect(host))
		return -1;
	modbus_set_response_timeout(host, 1, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (host) {
		modbus_close(host);
		modbus_free(host);
	}
	if (child > 0) {
		kill(child, SIGTERM);
		waitpid(child, NULL, 0);
	}
	scenario_free(&s);
	return rmdir(folder);
}

static void read_registers(int address, int count, uint16_t *values)
{
	int got = modbus_read_registers(host, address, count, values);

	if (got != count)
		fail_msg("%d registers at 0x%04x: %s", count, address, modbus_strerror(errno));
}

/* libmodbus calls it cdab: the low word comes first. */
static void assert_float(const uint16_t *at, const char *what, double expected, double tolerance)
{
	double got = (double)modbus_get_float_cdab(at);

	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%s: %.9g, expected %.9g within %.2g", what, got, expected, tolerance);
}

static int32_t whole(const uint16_t *at)
{
	return MODBUS_GET_INT32_FROM_INT16(((const uint16_t[]){ at[1], at[0] }), 0);
}

static void identity_and_device_table_are_read(void **state)
{
	uint16_t r[16];

	(void)state;
	read_registers(0x1620, 6, r);
	assert_int_equal(r[0], 5400);
	assert_int_equal(whole(r + 2), 29342);
	assert_int_equal(r[4], 76);
	assert_int_equal(r[5], 1);
	read_registers(0x14a0, 14, r);
	assert_int_equal(r[0], 5600);
	assert_int_equal(whole(r + 2), 16462);
	assert_int_equal(r[10], 3);
	assert_int_equal(r[12], 5);
	read_registers(0x1520, 14, r);
	assert_int_equal(whole(r + 2), 70000);
}

static void floats_are_the_truth(void **state)
{
	struct truth_range range = { 9, 10, 4000, false };
	struct load_truth grid;
	uint16_t r[112];

	(void)state;
	/* The first second's readings need a tick, at most 100 ms. */
	do
		read_registers(0x03f8, 2, r);
	while (!r[1]);
	assert_int_equal(r[0], 0xf9db);
	assert_float(r, "frequency", 49.994, 1e-5);
	read_registers(0x0000, 10, r);
	for (unsigned int p = 0; p < 3; p++)
		assert_float(r + 4 * p, "U", truth_voltage(&s.signal, p, &range), 1e-4);
	truth_load(&s.signal, 0, &range, &grid);
	read_registers(0x0100, 112, r);
	for (unsigned int e = 0; e < 3; e++)
		assert_float(r + 4 * (3 + e), "P", grid.element[e].p_w, 1e-2);
	read_registers(0x0080, 112, r);
	for (unsigned int e = 0; e < 3; e++)
		assert_float(r + 4 * (3 + e), "I", grid.element[e].i_a, 1e-4);
}

static void energy_counts_up(void **state)
{
	struct truth_range range = { 0, 1, 4000, false };
	struct load_truth grid;
	int32_t first, wh;
	uint16_t r[2];
	double power;

	(void)state;
	truth_load(&s.signal, 0, &range, &grid);
	power = grid.p_w;
	/* 12.8 kW: a watt-hour every 280 ms. */
	assert_true(power > 10000);
	read_registers(0x3100, 2, r);
	first = whole(r);
	do {
		read_registers(0x3100, 2, r);
		wh = whole(r);
		assert_true(wh >= first && wh <= first + 3);
	} while (wh < first + 3);
}

static void only_function_sixteen_writes(void **state)
{
	uint16_t one = 1, r;

	(void)state;
	assert_int_equal(modbus_write_register(host, 0x1000 + 20, 1), -1);
	assert_int_equal(errno, EMBXILFUN);
	assert_int_equal(modbus_write_registers(host, 0x1000 + 20, 1, &one), 1);
	read_registers(0x1000 + 20, 1, &r);
	assert_int_equal(r, 1);
	assert_int_equal(modbus_read_input_registers(host, 0x1620, 1, &r), -1);
	assert_int_equal(errno, EMBXILFUN);
	assert_int_equal(modbus_read_registers(host, 0xffff, 2, &(uint16_t[2]){ 0 }[0]), -1);
	assert_int_equal(errno, EMBXILADD);
}

static void save_keeps_the_box_busy(void **state)
{
	uint16_t one = 1, r;
	int busy = 0;

	(void)state;
	assert_int_equal(modbus_write_registers(host, 0xfde8, 1, &one), 1);
	while (modbus_read_registers(host, 0x1620, 1, &r) != 1) {
		assert_int_equal(errno, EMBXSBUSY);
		busy++;
	}
	assert_true(busy > 0);
	assert_int_equal(r, 5400);
}

static void other_units_do_not_answer(void **state)
{
	uint16_t r;

	(void)state;
	modbus_set_response_timeout(host, 0, 100000);
	modbus_set_slave(host, 10);
	assert_int_equal(modbus_read_registers(host, 0x1620, 1, &r), -1);
	assert_int_equal(errno, ETIMEDOUT);
	modbus_set_slave(host, 61);
	modbus_set_response_timeout(host, 1, 0);
	read_registers(0x1620, 1, &r);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Real time on a loaded machine: the floor is far below what the line carries. */
static void ten_polls_a_second_of_all_channels_are_sustained(void **state)
{
	double fastest = INFINITY;
	uint16_t r[56];

	(void)state;
	/* a busy machine delays many of them, and none is sooner than the line lets it be */
	for (int i = 0; i < 20; i++) {
		double start = now();

		read_registers(0x0380, 56, r);
		fastest = fmin(fastest, now() - start);
	}
	print_message("100 ms power of 28 channels: %.1f ms a read in real time\n", fastest * 1e3);
	assert_true(fastest < 0.1);
	/* The line alone takes 32.6 ms for each, and the box 3 ms. */
	assert_true(fastest > 0.0355);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_and_device_table_are_read),
		cmocka_unit_test(floats_are_the_truth),
		cmocka_unit_test(energy_counts_up),
		cmocka_unit_test(only_function_sixteen_writes),
		cmocka_unit_test(save_keeps_the_box_busy),
		cmocka_unit_test(other_units_do_not_answer),
		cmocka_unit_test(ten_polls_a_second_of_all_channels_are_sustained),
	};

	return cmocka_run_group_tests_name("sim_powerbox_libmodbus", tests, set_up, tear_down);
}

#endif
