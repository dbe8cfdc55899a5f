// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as CSV: read back as a spreadsheet reads it, a text is the text, whatever is in it,
 * and no formula, and a number is a number.
 */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/program.h"

static char folder[] = "/tmp/meterctl-records-XXXXXX";
static char program[PATH_MAX];
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static int start(void **state)
{
	if (!program_find(program, sizeof(program), "meterctl") || !mkdtemp(folder))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	return 0;
}

static int stop(void **state)
{
	unlink(address.sun_path);
	return rmdir(folder);
}

/* A gateway that gives one answer. Return: its process. */
static pid_t serve(const char *body)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[4096];
	pid_t child;
	int fd;

	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	if (child) {
		close(listener);
		return child;
	}
	alarm(30);
	fd = accept(listener, NULL, NULL);
	if (read(fd, request, sizeof(request)) > 0)
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	_exit(0);
}

/* The last line of what is printed. */
static void read_line(const char *kind, const char *body, char *line, size_t size)
{
	char command[PATH_MAX + 400];
	pid_t child = serve(body);
	FILE *f;

	snprintf(command, sizeof(command), "'%s' records --csv --kind %s --socket %s", program,
		 kind, address.sun_path);
	f = popen(command, "re");
	assert_non_null(f);
	while (fgets(line, (int)size, f))
		;
	assert_int_equal(pclose(f), 0);
	waitpid(child, NULL, 0);
}

static void need_program(void)
{
	if (!access(program, X_OK))
		return;
	print_message("%s is not built\n", program);
	skip();
}

static void a_text_is_never_a_formula(void **state)
{
	static const struct {
		const char *text;
		const char *printed;
	} rows[] = {
		{ "boiler", "\"boiler\"" },
		{ "=HYPERLINK(1)", "\"'=HYPERLINK(1)\"" },
		{ "+1", "\"'+1\"" },
		{ "-garage", "\"'-garage\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\\t=1", "\"'\t=1\"" },
		{ "a=b, \\\"c\\\"", "\"a=b, \"\"c\"\"\"" },
		{ "", "\"\"" },
	};
	char body[512], line[512], want[256];
	size_t k;

	need_program();
	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		snprintf(body, sizeof(body),
			 "{\"records\":[{\"kind\":\"event\",\"sequence\":7,\"time\":\"T\","
			 "\"flags\":[],\"subject\":\"%s\",\"event\":\"%s\"}],\"next\":null}",
			 rows[k].text, rows[k].text);
		read_line("event", body, line, sizeof(line));
		snprintf(want, sizeof(want), "T,7,%s,%s,\n", rows[k].printed, rows[k].printed);
		assert_string_equal(line, want);
	}
}

static void a_number_stays_one(void **state)
{
	char line[512];

	need_program();
	read_line("5m",
		  "{\"records\":[{\"kind\":\"interval\",\"sequence\":5,\"time\":\"T\","
		  "\"seconds\":300,\"covered_s\":300.0,\"load\":\"-pv\",\"role\":\"production\","
		  "\"import_wh\":-1.5,\"export_wh\":0,\"import_total_wh\":1,"
		  "\"export_total_wh\":2,\"p_w\":{\"mean\":-230.25,\"min\":-231,\"max\":null},"
		  "\"flags\":[]}],\"next\":null}",
		  line, sizeof(line));
	assert_string_equal(line, "T,5,\"'-pv\",production,300,300.000,-1.500000,0.000000,1.000000,"
				  "2.000000,-230.2500,-231.0000,,,,,,,,,,,,,,,,,\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_never_a_formula),
		cmocka_unit_test(a_number_stays_one),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start, stop);
}
