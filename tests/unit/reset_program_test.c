// SPDX-License-Identifier: GPL-2.0-or-later
/* packaging/reset/meterd-reset: what each reset erases, and what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char program[128];
static char root[64];
static unsigned int wait_s;

/* N: network, M: meterd's, T: its token, E: energy; -: nobody's business */
static const char *const files[] = {
	"N etc/NetworkManager/system-connections/home.nmconnection",
	"N etc/wpa_supplicant/wpa_supplicant-wlan0.conf",
	"N var/lib/iwd/home.psk",
	"N etc/network/interfaces.d/wlan0",
	"N etc/systemd/network/10-wlan.network",
	"M etc/meterd/certificates/broker.pem",
	"T etc/meterd/token",
	"M var/lib/meterd/records.db",
	"M var/lib/meterd/records.db-wal",
	"M var/lib/meterd/settings.conf",
	"M var/lib/meterd/tuning.json",
	"M var/lib/meterd/tuning.json.bak",
	"E var/lib/meterd/registers",
	"- etc/NetworkManager/NetworkManager.conf",
	"- etc/network/interfaces",
	"- etc/passwd",
	"- usr/share/meterd/meterd.conf",
};

#define FILES (sizeof(files) / sizeof(files[0]))

static int run(const char *argument)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "ROOT=%s WAIT_S=%u %s %s > %s/out 2>&1", root, wait_s,
		 program, argument, root);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void path_of(char *path, size_t size, const char *file)
{
	snprintf(path, size, "%s/%s", root, file + 2);
}

static int make_files(void **state)
{
	char command[512];
	char path[192];
	size_t k;

	strcpy(root, "/tmp/reset-test-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (k = 0; k < FILES; k++) {
		path_of(path, sizeof(path), files[k]);
		snprintf(command, sizeof(command), "mkdir -p $(dirname %s) && echo %s > %s", path,
			 files[k] + 2, path);
		if (system(command))
			return -1;
	}
	snprintf(command, sizeof(command),
		 "mkdir -p %s/run/meterd && echo old > %s/etc/meterd/meterd.conf", root, root);
	return system(command);
}

static int remove_files(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

/* What is left is all but the files of these kinds. */
static void only_these_are_gone(const char *kinds)
{
	char path[192];
	size_t k;

	for (k = 0; k < FILES; k++) {
		path_of(path, sizeof(path), files[k]);
		if (!access(path, F_OK) == !strchr(kinds, files[k][0]))
			continue;
		fail_msg("%s: %s", files[k] + 2, access(path, F_OK) ? "gone" : "still there");
	}
}

static void first_line(const char *file, char *line, size_t size)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, (int)size, f));
	fclose(f);
}

static bool requested(void)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/run/meterd/reset", root);
	return !access(path, F_OK);
}

static void a_request_erases_nothing_by_itself(void **state)
{
	assert_int_equal(run("factory-energy"), 0);
	assert_true(requested());
	only_these_are_gone("");
}

static void network_keeps_what_meterd_has(void **state)
{
	char line[64];

	assert_int_equal(run("network"), 0);
	assert_int_equal(run("--do"), 0);
	assert_false(requested());
	only_these_are_gone("N");
	first_line("etc/meterd/meterd.conf", line, sizeof(line));
	assert_string_equal(line, "old\n");
}

static void factory_keeps_the_energy(void **state)
{
	char line[64];

	assert_int_equal(run("factory"), 0);
	assert_int_equal(run("--do"), 0);
	only_these_are_gone("NMT");
	first_line("etc/meterd/meterd.conf", line, sizeof(line));
	assert_string_equal(line, "usr/share/meterd/meterd.conf\n");
}

static void a_second_confirmation_erases_the_energy(void **state)
{
	assert_int_equal(run("factory-energy"), 0);
	assert_int_equal(run("--do"), 0);
	only_these_are_gone("NMTE");
}

static void the_confirmation_is_waited_for(void **state)
{
	pid_t press;
	int status;

	assert_int_equal(run("factory"), 0);
	press = fork();
	if (!press) {
		/* after --do has taken the first word */
		while (requested())
			usleep(1000);
		_exit(run("factory-energy"));
	}
	wait_s = 30;
	assert_int_equal(run("--do"), 0);
	wait_s = 0;
	assert_int_equal(waitpid(press, &status, 0), press);
	assert_int_equal(status, 0);
	only_these_are_gone("NMTE");
}

static void other_words_erase_nothing(void **state)
{
	static const char *const words[] = { "", "factory network", "../../etc", "factory;rm",
					     "--do x" };
	char command[256];
	size_t k;

	assert_int_equal(run("everything"), 2);
	assert_false(requested());
	assert_int_equal(run("--do"), 1);
	for (k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		snprintf(command, sizeof(command), "printf '%%s\\n' '%s' > %s/run/meterd/reset",
			 words[k], root);
		assert_int_equal(system(command), 0);
		assert_int_equal(run("--do"), 1);
		assert_false(requested());
	}
	only_these_are_gone("");
}

static bool told(const char *word)
{
	char command[160];

	snprintf(command, sizeof(command), "grep -q '%s' %s/out", word, root);
	return !system(command);
}

/* The file of the request is meterd's, so what is read there is told to nobody. */
static void a_link_for_a_request_tells_nothing(void **state)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "echo hush > %s/secret && ln -s %s/secret %s/run/meterd/reset", root, root, root);
	assert_int_equal(system(command), 0);
	assert_int_equal(run("--do"), 1);
	assert_true(told("none of"));
	assert_false(told("hush"));
	assert_false(requested());
	only_these_are_gone("");
}

/* One file that cannot be erased is no reason to keep the others. */
static void what_cannot_be_erased_is_told(void **state)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "mkdir %s/bin && printf '#!/bin/sh\n"
		 "case $2 in */token) exit 1;; esac\nexec /bin/rm \"$@\"\n' > %s/bin/rm && "
		 "chmod +x %s/bin/rm",
		 root, root, root);
	assert_int_equal(system(command), 0);
	assert_int_equal(run("factory-energy"), 0);
	snprintf(command, sizeof(command), "PATH=%s/bin:$PATH ROOT=%s %s --do > %s/out 2>&1", root,
		 root, program, root);
	assert_int_not_equal(system(command), 0);
	assert_true(told("not all could be erased"));
	only_these_are_gone("NME");
}

static bool find_program(void)
{
	static const char *const places[] = { "packaging/reset/meterd-reset",
					      "../packaging/reset/meterd-reset",
					      "/src/packaging/reset/meterd-reset" };
	size_t k;

	for (k = 0; k < sizeof(places) / sizeof(places[0]); k++)
		if (!access(places[k], X_OK)) {
			snprintf(program, sizeof(program), "%s", places[k]);
			return true;
		}
	fprintf(stderr, "packaging/reset/meterd-reset is not there\n");
	return false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_erases_nothing_by_itself, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(network_keeps_what_meterd_has, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(factory_keeps_the_energy, make_files, remove_files),
		cmocka_unit_test_setup_teardown(a_second_confirmation_erases_the_energy, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(the_confirmation_is_waited_for, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(other_words_erase_nothing, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(a_link_for_a_request_tells_nothing, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(what_cannot_be_erased_is_told, make_files,
						remove_files),
	};

	return find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
