// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One value is changed, and every other byte of the file stays, whatever is in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reload.h"

static char folder[] = "/tmp/config-edit-XXXXXX";
static char from[64], to[64];

static int start(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(from, sizeof(from), "%s/from", folder);
	snprintf(to, sizeof(to), "%s/to", folder);
	return 0;
}

static int stop(void **state)
{
	unlink(from);
	unlink(to);
	return rmdir(folder);
}

static void becomes(const char *before, size_t length, const char *value, const char *after,
		    size_t wanted)
{
	FILE *f = fopen(from, "we");
	char text[4096];
	size_t n;

	fwrite(before, 1, length, f);
	fclose(f);
	assert_int_equal(config_edit(from, to, "mqtt", "port", value), 0);
	f = fopen(to, "re");
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n != wanted || memcmp(text, after, n))
		fail_msg("%zu bytes: \"%.*s\", not \"%s\"", n, (int)n, text, after);
}

#define BECOMES(before, value, after)                                                              \
	becomes(before, sizeof(before) - 1, value, after, sizeof(after) - 1)

static void only_the_value_changes(void **state)
{
	BECOMES("# a\n[mqtt]\nport = 1 ; b\nhost=x\n[http]\nport=3", "2",
		"# a\n[mqtt]\nport = 2\nhost=x\n[http]\nport=3\n");
	BECOMES("[mqtt]\nport = 1\n", NULL, "[mqtt]\n");
	BECOMES("[http]\n", "2", "[http]\n[mqtt]\nport = 2\n");
	BECOMES("[mqtt]", "2", "[mqtt]\nport = 2\n");
	BECOMES("", "2", "[mqtt]\nport = 2\n");
}

/* As a power cut leaves them on some file systems. */
static void bytes_that_are_no_text_stay(void **state)
{
	BECOMES("\0\n[mqtt]\nport = 1\n", "2", "\0\n[mqtt]\nport = 2\n");
	BECOMES("\0", "2", "\0\n[mqtt]\nport = 2\n");
	BECOMES("[mqtt]\nhost = \0x\n\0\0\n", "2", "[mqtt]\nhost = \0x\n\0\0\nport = 2\n");
	BECOMES("\n\n[mqtt\n", "2", "\n\n[mqtt\n[mqtt]\nport = 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_value_changes),
		cmocka_unit_test(bytes_that_are_no_text_stay),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
