// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The paths of the API are those that its page tells.
 */
#include "daemon-rig.h"

#include <json-c/json.h>
#include <signal.h>

static void read_page(char *page, size_t size)
{
	static const char *const places[] = { "Documentation/admin-guide/api.rst",
					      "../Documentation/admin-guide/api.rst",
					      "/src/Documentation/admin-guide/api.rst" };
	FILE *f = NULL;
	unsigned int k;

	for (k = 0; !f && k < 3; k++)
		f = fopen(places[k], "r");
	assert_non_null(f);
	page[fread(page, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* A table begins in the first column with these methods and paths, and with no others. */
static unsigned int rows_of(const char *page)
{
	const char *at = page;
	unsigned int n = 0;

	while ((at = strstr(at + 1, "\n``")))
		n += !strncmp(at, "\n``GET /", 8) || !strncmp(at, "\n``POST /", 9);
	return n - (strstr(page, "\n``GET /api/v1`` gives") ? 1 : 0) -
	       (strstr(page, "\n``GET /`` is") ? 1 : 0);
}

static void the_page_of_the_api_has_every_path_and_no_other(void **state)
{
	static char all[65536], page[65536];
	char text[1024], row[128], socket_path[64];
	struct json_object *list;
	size_t k;
	int output;
	char *answer;
	pid_t child;

	snprintf(socket_path, sizeof(socket_path), "%s/api", folder);
	write_conf(1000000);
	snprintf(text, sizeof(text), "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n", socket_path);
	add_text(conf, text);
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "measuring", all, sizeof(all)));
	answer = ask(socket_path, "/api/v1");
	list = json_tokener_parse(answer);
	free(answer);
	read_page(page, sizeof(page));
	assert_true(json_object_is_type(list, json_type_array));
	for (k = 0; k < json_object_array_length(list); k++) {
		struct json_object *o = json_object_array_get_idx(list, k);

		snprintf(row, sizeof(row), "\n``%s %s``  ",
			 json_object_get_string(json_object_object_get(o, "method")),
			 json_object_get_string(json_object_object_get(o, "path")));
		if (!strstr(page, row))
			fail_msg("api.rst has no row \"%s\"", row + 1);
	}
	assert_int_equal(rows_of(page), k);
	json_object_put(list);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_page_of_the_api_has_every_path_and_no_other),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
