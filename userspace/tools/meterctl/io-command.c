// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io - lists inputs and outputs, and switches relays.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "command.h"

#define TOKEN_FILE "/etc/meterd/token"
#define TOKEN_MAX 256

/* Only one list of the answer, whose entries have each a @section in the configuration. */
static int show(const struct command_options *o, const char *list, const char *other,
		const char *section)
{
	struct json_object *io = command_ask(o, "/api/v1/io"), *of;

	if (!io)
		return EXIT_FAILURE;
	of = answer_member(io, list);
	if (o->json && of) {
		command_print_json(of);
	} else if (!answer_count(of)) {
		fprintf(stderr,
			"meterctl: no %s; each needs a section [%s NAME] in meterd.conf(5)\n", list,
			section);
	} else {
		json_object_object_del(io, other);
		table_io(io, command_print, NULL);
	}
	json_object_put(io);
	return command_flush();
}

static bool read_token(const char *path, char *token)
{
	FILE *f = fopen(path, "re");
	bool good = f && fgets(token, TOKEN_MAX, f);

	if (!good)
		fprintf(stderr,
			"meterctl: %s: %s; give the file of meterd's [http] token_file with "
			"--token-file, as somebody who may read it\n",
			path, f ? "empty" : strerror(errno));
	if (f)
		fclose(f);
	token[good ? strcspn(token, "\r\n") : 0] = '\0';
	return good;
}

/* What is now, as the module has confirmed it. */
static void tell(const struct command_options *o, const struct client_answer *answer)
{
	struct json_object *root = json_tokener_parse(answer->body);
	struct json_object *result = NULL, *state = NULL;

	if (o->json)
		command_print_json(root);
	else
		printf("%s is %s\n", o->argument[0],
		       json_object_object_get_ex(root, "result", &result) &&
				       json_object_object_get_ex(result, "state", &state)
			       ? json_object_get_string(state)
			       : o->argument[1]);
	json_object_put(root);
}

static int give(const struct command_options *o, const char *token)
{
	struct json_object *arguments = json_object_new_object();
	struct client_answer answer;
	int ret;

	json_object_object_add(arguments, "name", json_object_new_string(o->argument[0]));
	json_object_object_add(arguments, "state", json_object_new_string(o->argument[1]));
	ret = client_post(&o->address, "/api/v1/commands/output", token,
			  json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN),
			  &answer);
	json_object_put(arguments);
	if (ret) {
		client_complain(&o->address, ret);
		return EXIT_FAILURE;
	}
	if (answer.status == 200) {
		tell(o, &answer);
		ret = command_flush();
	} else {
		command_refused(&answer);
		ret = EXIT_FAILURE;
	}
	client_done(&answer);
	return ret;
}

int command_input(const struct command_options *o)
{
	return show(o, "inputs", "outputs", "contact");
}

int command_output(const struct command_options *o)
{
	char token[TOKEN_MAX];

	if (!o->arguments)
		return show(o, "outputs", "inputs", "relay");
	if (o->arguments == 1)
		return command_usage("output", o->argument[0], "on, off or toggle has to follow");
	if (strcmp(o->argument[1], "on") && strcmp(o->argument[1], "off") &&
	    strcmp(o->argument[1], "toggle"))
		return command_usage("output", o->argument[1], "must be on, off or toggle");
	if (!read_token(o->token_file ? o->token_file : TOKEN_FILE, token))
		return EXIT_FAILURE;
	return give(o, token);
}
