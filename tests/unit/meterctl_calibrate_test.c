// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A calibration from the command line to the readings of a running meterd, and back.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/program.h"

#define TRUE_A 10.0
#define WAIT_S 20

static char folder[] = "/tmp/meterctl-calibrate-XXXXXX";
static char meterctl[PATH_MAX];
static pid_t meterd;

static void write_text(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Two seconds of 230 V and 10 A at power factor 1, again and again, 20 times as fast. */
static void write_house(void)
{
	static char csv[8000 * 24];
	char conf[1024];
	size_t n = (size_t)sprintf(csv, "# sample rate: 4000 Hz\nL1,A\n");
	unsigned int k;

	for (k = 0; k < 8000; k++)
		n += (size_t)sprintf(csv + n, "%.2f,%.4f\n", 230 * M_SQRT2 * sin(2 * M_PI * k / 80),
				     TRUE_A * M_SQRT2 * sin(2 * M_PI * k / 80));
	write_text("house.csv", csv);
	snprintf(conf, sizeof(conf),
		 "[source]\nreplay = %s/house.csv\nrepeat = 1000000\nspeed = 20\n"
		 "[topology]\ntype = 1p\ntuning = %s/tuning\n[quality]\nenabled = no\n"
		 "[load boiler]\ninputs = hub1/A\nphases = L1\n"
		 /* it saves, and gives back what its start needed, on the way */
		 "[registers]\nfile = %s/registers\ninterval_s = 1\n"
		 "[http]\nlisten = 127.0.0.1:0\nsocket = %s/sock\n",
		 folder, folder, folder, folder);
	write_text("conf", conf);
}

static int begin(void **state)
{
	char program[PATH_MAX];
	char conf[128];

	if (!program_find(program, sizeof(program), "meterd") ||
	    !program_find(meterctl, sizeof(meterctl), "meterctl") || !mkdtemp(folder))
		return -1;
	if (access(program, X_OK))
		return 0;
	write_house();
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	meterd = fork();
	if (!meterd) {
		char log[128];
		int fd;

		snprintf(log, sizeof(log), "%s/log", folder);
		fd = open(log, O_WRONLY | O_CREAT, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(program, program, "--config", conf, (char *)NULL);
		_exit(127);
	}
	return 0;
}

static int end(void **state)
{
	char command[128];

	if (meterd > 0) {
		kill(meterd, SIGTERM);
		waitpid(meterd, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* "printf ANSWERS | meterctl @words". Return: its exit status; both outputs in @text. */
static int says(const char *answers, const char *words, char *text, size_t size)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "printf '%s' | '%s' %s --socket %s/sock 2>&1", answers,
		 meterctl, words, folder);
	return program_says(command, text, size);
}

/* What the input reads, A; NAN while there is no reading. */
static double reads(void)
{
	char text[16384];
	struct json_object *o;
	struct json_object *x;
	double i = NAN;

	if (says("", "live --json --count 1", text, sizeof(text)))
		return NAN;
	o = json_tokener_parse(text);
	if (json_object_object_get_ex(o, "loads", &x) &&
	    json_object_object_get_ex(json_object_array_get_idx(x, 0), "elements", &x) &&
	    json_object_object_get_ex(json_object_array_get_idx(x, 0), "i_a", &x))
		i = json_object_get_double(x);
	json_object_put(o);
	return i;
}

/* Readings come 20 times a second; what was measured before a change may still be among them. */
static void wait_until_it_reads(double amperes)
{
	const struct timespec while_it_reads = { .tv_nsec = 50000000 };
	char command[128];
	char text[16384];
	double i = NAN;
	unsigned int k;

	for (k = 0; k < 20 * WAIT_S; k++) {
		i = reads();
		if (fabs(i - amperes) < 1e-3 * amperes)
			return;
		nanosleep(&while_it_reads, NULL);
	}
	snprintf(command, sizeof(command), "cat %s/log", folder);
	program_says(command, text, sizeof(text));
	print_message("meterd says:\n%s", text);
	fail_msg("it reads %.4f A, not %.4f A", i, amperes);
}

static void a_calibration_is_led_through_its_points_and_taken_back(void **state)
{
	char text[16384];

	if (meterd <= 0) {
		print_message("meterd is not built\n");
		skip();
	}
	wait_until_it_reads(TRUE_A);
	if (says("", "calibrate hub1/A --reference-a 10.1", text, sizeof(text)))
		fail_msg("%s", text);
	wait_until_it_reads(10.1);
	/* a word that is no number is asked for again; a point without power, then one with it */
	if (says("ten\\n10.2\\n\\n10.3\\n2369\\n\\n", "calibrate hub1/A", text, sizeof(text)))
		fail_msg("%s", text);
	assert_non_null(strstr(text, "hub1/A now: 10.1"));
	assert_non_null(strstr(text, "\"ten\" is no number"));
	assert_non_null(strstr(text, "Point 1. Put the CT"));
	assert_non_null(strstr(text, "Point 3. "));
	assert_non_null(strstr(text, "2 points taken"));
	/* the mean of the three */
	wait_until_it_reads(10.2);
	assert_int_equal(says("", "calibrate hub1/A --undo", text, sizeof(text)), 0);
	wait_until_it_reads(10.15);
	/* a reference that cannot be true changes nothing */
	assert_int_equal(says("30\\n\\n\\n", "calibrate hub1/A", text, sizeof(text)), 1);
	assert_non_null(strstr(text, "0 points taken"));
	wait_until_it_reads(10.15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calibration_is_led_through_its_points_and_taken_back),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
