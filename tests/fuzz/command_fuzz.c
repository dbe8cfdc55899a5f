/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: a command as it comes by MQTT (the first byte is even) or by the API. What
 * reaches the handler must be as its row says.
 */
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void run(void *user, struct json_object *arguments, struct command_reply *reply)
{
	const char *name = command_text(arguments, "name");
	const char *state = command_text(arguments, "state");
	struct json_object *seconds;

	if (!name || !*name || strlen(name) > 16)
		abort();
	if (state && strcmp(state, "on") && strcmp(state, "off"))
		abort();
	if (json_object_object_get_ex(arguments, "seconds", &seconds) &&
	    (json_object_get_int64(seconds) < 1 || json_object_get_int64(seconds) > 3600))
		abort();
	reply->result = json_object_get(arguments);
}

static const struct command_row row = {
	.name = "output",
	.summary = "switch",
	.field = { { "name", COMMAND_TEXT, .most = 16 },
		   { "state", COMMAND_TEXT, .most = 8, .choices = "on|off", .optional = true },
		   { "seconds", COMMAND_WHOLE, .least = 1, .most = 3600, .optional = true } },
	.run = run,
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static uint64_t now = 1000000000;
	struct command_reply reply;
	struct commands *c;

	if (!size || commands_create(&c, NULL, NULL))
		return 0;
	command_register(c, &row, NULL);
	command_run(c, "fuzz", input[0] & 1 ? "output" : NULL, (const char *)input + 1, size - 1,
		    now += 2000000, &reply);
	free(command_reply_json(&reply));
	command_reply_end(&reply);
	commands_destroy(c);
	return 0;
}
