// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program itself: what is wrong with a command line, and what is not there, is told
 * with the thing, the value and the way out; and the exit status says which of the two it was.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/program.h"

static char folder[] = "/tmp/meterctl-program-XXXXXX";
static char program[PATH_MAX];

static int find_program(void **state)
{
	return program_find(program, sizeof(program), "meterctl") && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

/* Runs "meterctl @words" in the empty folder. Return: its exit status; both outputs in @text. */
static int says(const char *words, char *text, size_t size)
{
	char command[PATH_MAX + 400];

	snprintf(command, sizeof(command), "cd %s && '%s' %s 2>&1 < /dev/null", folder, program,
		 words);
	return program_says(command, text, size);
}

/**
 * struct line - a command line and what comes of it
 * @words: after "meterctl"
 * @status: exit status
 * @text: is in what it prints
 */
struct line {
	const char *words;
	int status;
	const char *text;
};

static void expect(const struct line *lines, size_t n)
{
	char text[8192];

	if (access(program, X_OK)) {
		print_message("%s is not built\n", program);
		skip();
	}
	for (size_t i = 0; i < n; i++) {
		int status = says(lines[i].words, text, sizeof(text));

		if (status != lines[i].status || !strstr(text, lines[i].text))
			fail_msg("meterctl %s: status %d, \"%s\"; wanted %d, \"%s\"",
				 lines[i].words, status, text, lines[i].status, lines[i].text);
	}
}

#define EXPECT(lines) expect(lines, sizeof(lines) / sizeof(lines[0]))

static void a_wrong_command_line_is_told_with_its_value_and_the_way_out(void **state)
{
	static const struct line lines[] = {
		{ "", 2, "usage: meterctl COMMAND" },
		{ "lst", 2, "command \"lst\": not known; see 'meterctl --help'" },
		{ "help lst", 2, "command \"lst\": not known" },
		{ "list x", 2, "argument \"x\": one too many" },
		{ "list --foo", 2, "meterctl: unrecognized option '--foo'" },
		{ "list -x", 2, "meterctl: invalid option -- 'x'" },
		{ "list --modules", 2, "meterctl: option '--modules' requires an argument" },
		{ "live --count 0", 2, "--count \"0\": must be a whole number from 1" },
		{ "live --count -1", 2, "--count \"-1\": must be a whole number from 1" },
		{ "live --count 3x", 2, "--count \"3x\": must be" },
		{ "live --count 99999999999999999999999", 2, "must be a whole number" },
		{ "status --socket ''", 2, "--socket \"\": must be the path of a socket" },
		{ "status --url gateway", 2, "--url \"gateway\": must be http://HOST:PORT" },
		{ "status --url http://gateway:65536", 2, "with a port from 1 to 65535" },
		{ "capture", 2, "capture \"\": must be seconds, above 0, at most 86400" },
		{ "capture soon", 2, "capture \"soon\": must be seconds" },
		{ "capture 86401", 2, "capture \"86401\": must be seconds" },
		{ "identify", 2, "give MODULE or MODULE/INPUT" },
		{ "calibrate", 2, "give an input, as hub2/B" },
		{ "calibrate hub1/A --undo --reference-a 5", 2, "give either --reference-a" },
		{ "calibrate hub1/A --reference-w nan", 2, "--reference-w \"nan\": must be" },
		{ "records --kind hours", 2, "--kind \"hours\": must be 5m, 1m, event or input" },
		{ "records --since yesterday", 2, "--since \"yesterday\": must be like 30m" },
		{ "records --csv --json", 2, "two ways to print: give one" },
		{ "output boiler", 2, "output \"boiler\": on, off or toggle has to follow" },
		{ "output boiler blue", 2, "output \"blue\": must be on, off or toggle" },
	};

	EXPECT(lines);
}

static void an_option_of_another_command_is_refused(void **state)
{
	static const struct line lines[] = {
		{ "list --count 3", 2,
		  "--count: not an option of 'list'; see 'meterctl help list'" },
		{ "live --undo", 2, "--undo: not an option of 'live'" },
		{ "status --resistive", 2, "--resistive: not an option of 'status'" },
		{ "capture 5 --json", 2, "--json: not an option of 'capture'" },
		{ "identify hub1 --socket /x", 2, "--socket: not an option of 'identify'" },
		{ "list --socket /x --url http://x", 2, "give one" },
		{ "list --socket /x --modules .", 2, "--socket, --url and --modules" },
	};

	EXPECT(lines);
}

static void what_is_not_there_is_named_with_the_way_out(void **state)
{
	char text[4096];
	static const struct line lines[] = {
		{ "status --socket none", 1,
		  "none: No such file or directory; meterd does not run here" },
		{ "live --socket none", 1, "none: No such file or directory" },
		{ "capture 5 --socket none", 1, "none: No such file or directory" },
		{ "check --url http://127.0.0.1:1", 1, "http://127.0.0.1:1: Connection refused" },
		{ "check --url http://[::1]:1", 1, "http://[::1]:1: " },
		{ "list --socket none", 1, "none: No such file or directory" },
		{ "list --modules none", 1, "none: No such file or directory; is smappee_bus" },
		{ "list --modules .", 0, ".: no modules; does the device tree have a segment" },
		{ "identify hub1/A --modules .", 1, "\"hub1/A\": no such module or input" },
		{ "output boiler on --token-file none", 1, "none: No such file or directory" },
		{ "output boiler on --token-file /dev/null", 1, "/dev/null: empty" },
	};

	EXPECT(lines);
	/* a table that there is nothing of has no head */
	says("records --socket none", text, sizeof(text));
	assert_null(strstr(text, "TIME"));
}

static void each_command_has_help_that_names_its_options_only(void **state)
{
	static const struct line lines[] = {
		{ "--help", 0, "usage: meterctl COMMAND" },
		{ "-h", 0, "usage: meterctl COMMAND" },
		{ "help", 0, "help COMMAND" },
		{ "--version", 0, "meterctl " },
		{ "-V", 0, "meterctl " },
		{ "help status", 0, "--socket PATH" },
		{ "identify --help", 0, "--count SECONDS" },
	};
	char text[8192];

	EXPECT(lines);
	says("help identify", text, sizeof(text));
	assert_null(strstr(text, "--json"));
	assert_null(strstr(text, "--socket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_command_line_is_told_with_its_value_and_the_way_out),
		cmocka_unit_test(an_option_of_another_command_is_refused),
		cmocka_unit_test(what_is_not_there_is_named_with_the_way_out),
		cmocka_unit_test(each_command_has_help_that_names_its_options_only),
	};

	return cmocka_run_group_tests(tests, find_program, remove_folder);
}
