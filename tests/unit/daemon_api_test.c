// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The paths of the API are those that its page tells, and spectra are what was measured.
 */
#include "daemon-rig.h"

#include <json-c/json.h>
#include <signal.h>
#include <time.h>

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

/* 2 s of 230 V with 11.5 V of order 5, and 10 A with 2 A of order 3, 1 A of order 5 and 0.5 A at
 * 125 Hz. */
static void write_distorted(void)
{
	FILE *f = fopen(csv, "w");
	unsigned int k;

	assert_non_null(f);
	fputs("# sample rate: 4000 Hz\nL1,A\n", f);
	for (k = 0; k < 8000; k++) {
		double x = 2 * M_PI * k / 80;

		fprintf(f, "%.4f,%.5f\n", M_SQRT2 * (230 * sin(x) + 11.5 * sin(5 * x)),
			M_SQRT2 * (10 * sin(x) + 2 * sin(3 * x) + sin(5 * x) + 0.5 * sin(2.5 * x)));
	}
	fclose(f);
}

static double order_of(struct json_object *spectrum, const char *key, unsigned int order)
{
	struct json_object *list = NULL;

	assert_true(json_object_object_get_ex(spectrum, key, &list));
	assert_int_equal(json_object_array_length(list), 36);
	return json_object_get_double(json_object_array_get_idx(list, order - 1));
}

/* The harmonics of the last window, as soon as there are some. */
static struct json_object *wait_for_harmonics(const char *socket_path, struct json_object **root)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct json_object *h = NULL;
	unsigned int k;

	for (k = 0; k < 1500; k++) {
		char *answer = ask(socket_path, "/api/v1/quality");

		*root = json_tokener_parse(answer);
		free(answer);
		if (json_object_object_get_ex(*root, "harmonics", &h) && h)
			return h;
		json_object_put(*root);
		nanosleep(&pause, NULL);
	}
	fail_msg("no harmonics after 30 s");
	return NULL;
}

static void spectra_have_subgroups_groups_and_interharmonics(void **state)
{
	static char all[65536];
	char text[128], socket_path[64];
	struct json_object *root, *h, *v, *i;
	int output;
	pid_t child;

	write_distorted();
	snprintf(socket_path, sizeof(socket_path), "%s/q", folder);
	write_conf(1000000);
	snprintf(text, sizeof(text), "[http]\nlisten = 127.0.0.1:0\nsocket = %s\n", socket_path);
	add_text(conf, text);
	child = start(&output, NULL, NULL);
	assert_true(wait_for(output, "measuring", all, sizeof(all)));
	h = wait_for_harmonics(socket_path, &root);
	v = json_object_array_get_idx(json_object_object_get(h, "voltages"), 0);
	i = json_object_array_get_idx(json_object_object_get(h, "currents"), 0);
	assert_double_equal(order_of(v, "rms_v", 1), 230.0, 0.2);
	assert_double_equal(order_of(v, "rms_v", 5), 11.5, 0.05);
	assert_double_equal(order_of(v, "group_v", 5), 11.5, 0.05);
	assert_double_equal(order_of(v, "inter_v", 2), 0.0, 0.1);
	assert_string_equal(json_object_get_string(json_object_object_get(i, "load")), "boiler");
	assert_double_equal(order_of(i, "rms_a", 3), 2.0, 0.01);
	assert_double_equal(order_of(i, "inter_a", 2), 0.5, 0.01);
	/* its bin is between the groups of orders 2 and 3, half to each */
	assert_double_equal(order_of(i, "group_a", 2), 0.5 * M_SQRT1_2, 0.01);
	assert_double_equal(json_object_get_double(json_object_object_get(i, "thd_percent")),
			    10 * sqrt(5.0), 0.1);
	assert_double_equal(json_object_get_double(json_object_object_get(i, "harmonic_w")), 11.5,
			    0.1);
	json_object_put(root);
	kill(child, SIGTERM);
	assert_int_equal(finish(child), 0);
	close(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_page_of_the_api_has_every_path_and_no_other),
		TEST(spectra_have_subgroups_groups_and_interharmonics),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
