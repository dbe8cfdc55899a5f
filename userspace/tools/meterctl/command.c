// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * command - what the commands have in common, and those that ask once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "lib/modules.h"

int command_usage(const char *what, const char *value, const char *way)
{
	fprintf(stderr, "meterctl: %s \"%s\": %s\n", what, value, way);
	return EXIT_USAGE;
}

void command_refused(const struct client_answer *answer)
{
	struct json_object *root = json_tokener_parse(answer->body), *error = NULL;

	/* only who says what there is instead is sure not to have it */
	if (json_object_object_get_ex(root, "paths", NULL))
		fputs("meterctl: meterd has nothing of that: it is off in its configuration "
		      "(meterd.conf(5)), or meterd is older than meterctl\n",
		      stderr);
	else if (json_object_object_get_ex(root, "error", &error))
		fprintf(stderr, "meterctl: meterd answers: %s\n", json_object_get_string(error));
	else
		fprintf(stderr,
			"meterctl: the answer (status %d) is not meterd's; check the address\n",
			answer->status);
	json_object_put(root);
}

/* Return: 0; -errno when meterd could not be asked; 1 when it refused, which is printed. */
static int ask(const struct command_options *o, const char *path, struct json_object **out)
{
	struct client_answer answer;
	int ret;

	*out = NULL;
	ret = client_get(&o->address, path, &answer);
	if (ret)
		return ret;
	if (answer.status == 200)
		*out = json_tokener_parse(answer.body);
	if (!*out)
		command_refused(&answer);
	client_done(&answer);
	return *out ? 0 : 1;
}

struct json_object *command_ask(const struct command_options *o, const char *path)
{
	struct json_object *answer;
	int ret = ask(o, path, &answer);

	if (ret < 0)
		client_complain(&o->address, ret);
	return answer;
}

struct json_object *command_ask_quietly(const struct command_options *o, const char *path)
{
	struct json_object *object = NULL;
	struct client_answer answer;

	if (client_get(&o->address, path, &answer))
		return NULL;
	if (answer.status == 200)
		object = json_tokener_parse(answer.body);
	client_done(&answer);
	return object;
}

void command_print(void *context, enum table_style style, const char *text)
{
	puts(text);
}

void command_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

int command_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	if (errno != EPIPE)
		fprintf(stderr, "meterctl: standard output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

/* The bus of this machine. Return: NULL after printing why there is none. */
static struct json_object *list_sysfs(const char *dir)
{
	struct json_object *list;

	if (access(dir, R_OK | X_OK)) {
		fprintf(stderr,
			"meterctl: %s: %s; is smappee_bus loaded ('modprobe smappee_bus')?\n", dir,
			strerror(errno));
		return NULL;
	}
	list = modules_list(dir);
	if (!list)
		fprintf(stderr, "meterctl: %s: %s\n", dir, strerror(errno));
	else if (!json_object_array_length(list))
		fprintf(stderr,
			"meterctl: %s: no modules; does the device tree have a segment, and are "
			"they connected? 'dmesg | grep smappee' tells what was found\n",
			dir);
	return list;
}

/* meterd's list, or without meterd the bus, if it is the one of this machine. */
static struct json_object *list_modules(const struct command_options *o, bool *of_meterd)
{
	struct json_object *list = NULL;
	int ret;

	*of_meterd = false;
	if (o->modules_dir)
		return list_sysfs(o->modules_dir);
	ret = ask(o, "/api/v1/modules", &list);
	*of_meterd = !ret;
	if (ret < 0 && o->address_given) {
		client_complain(&o->address, ret);
	} else if (ret < 0) {
		fprintf(stderr, "meterctl: meterd does not answer (%s: %s); modules read from %s\n",
			o->address.socket, strerror(-ret), MODULES_DIR);
		list = list_sysfs(MODULES_DIR);
	}
	return list;
}

int command_list(const struct command_options *o)
{
	bool of_meterd;
	struct json_object *list = list_modules(o, &of_meterd);
	struct json_object *io;

	if (!list)
		return EXIT_FAILURE;
	if (o->json)
		command_print_json(list);
	else
		table_modules(list, command_print, NULL);
	json_object_put(list);
	/* what is wired to them */
	if (of_meterd && !o->json) {
		io = command_ask_quietly(o, "/api/v1/io");
		table_io(io, command_print, NULL);
		json_object_put(io);
	}
	return command_flush();
}

int command_quality(const struct command_options *o)
{
	struct json_object *report = command_ask(o, "/api/v1/quality");
	struct json_object *events = NULL;
	bool good = report;

	if (good && o->json) {
		command_print_json(report);
	} else if (good) {
		events = command_ask(o, "/api/v1/quality/events");
		good = events;
	}
	if (events)
		table_quality(report, events, command_print, NULL);
	json_object_put(report);
	json_object_put(events);
	return good ? command_flush() : EXIT_FAILURE;
}

int command_status(const struct command_options *o)
{
	struct json_object *status = command_ask(o, "/api/v1/status");
	struct json_object *sources, *store;

	if (!status)
		return EXIT_FAILURE;
	sources = command_ask_quietly(o, "/api/v1/sources");
	store = command_ask_quietly(o, "/api/v1/store");
	if (o->json) {
		json_object_object_add(status, "sources", json_object_get(sources));
		json_object_object_add(status, "store", json_object_get(store));
		command_print_json(status);
	} else {
		table_status(status, command_print, NULL);
		table_sources(sources, command_print, NULL);
		table_store(store, command_print, NULL);
	}
	json_object_put(status);
	json_object_put(sources);
	json_object_put(store);
	return command_flush();
}
