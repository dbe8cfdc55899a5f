// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes the command, writes to the LED by lib/identify.c, and gives it back.
 */
#include "identify-command.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "lib/identify.h"
#include "log.h"

#define SECONDS 30
#define SECONDS_MAX 600
#define WHAT_MAX 80

/**
 * struct identify - the command
 * @modules: folder of the bus, or NULL
 * @what: what flashes; empty: nothing
 * @end: when it ends
 */
struct identify {
	const char *modules;
	char what[WHAT_MAX + 1];
	sd_event_source *end;
};

static void end(struct identify *i)
{
	char wrong[256];

	if (!i->what[0])
		return;
	if (identify_set(i->modules, i->what, false, wrong, sizeof(wrong)))
		log_warning("identify: %s", wrong);
	i->what[0] = '\0';
}

static int on_end(sd_event_source *source, uint64_t usec, void *user)
{
	end(user);
	return 0;
}

static void run(void *user, struct json_object *arguments, struct command_reply *reply)
{
	const char *what = command_text(arguments, "what");
	int64_t seconds = SECONDS;
	struct json_object *value;
	struct identify *i = user;
	char wrong[200];
	int error;

	if (json_object_object_get_ex(arguments, "seconds", &value))
		seconds = json_object_get_int64(value);
	end(i);
	error = identify_set(i->modules, what, true, wrong, sizeof(wrong));
	if (error) {
		command_fail(reply, error, "%s", wrong);
		return;
	}
	snprintf(i->what, sizeof(i->what), "%s", what);
	sd_event_source_set_time_relative(i->end, (uint64_t)seconds * 1000000);
	sd_event_source_set_enabled(i->end, SD_EVENT_ONESHOT);
}

static const struct command_row identify_row = {
	.name = "identify",
	.summary = "let the LED of a module or of one of its inputs flash, as hub2/B",
	.field = { { "what", COMMAND_TEXT, .most = WHAT_MAX },
		   { "seconds", COMMAND_WHOLE, .least = 1, .most = SECONDS_MAX,
		     .optional = true } },
	.run = run,
};

int identify_open(struct identify **out, sd_event *event, struct commands *commands,
		  const char *modules)
{
	struct identify *i = calloc(1, sizeof(*i));
	int error;

	*out = NULL;
	if (!i)
		return -ENOMEM;
	i->modules = modules;
	error = sd_event_add_time(event, &i->end, CLOCK_MONOTONIC, 0, 100000, on_end, i);
	if (error >= 0)
		error = sd_event_source_set_enabled(i->end, SD_EVENT_OFF);
	if (error >= 0)
		error = command_register(commands, &identify_row, i);
	if (error < 0) {
		identify_close(i);
		return error;
	}
	*out = i;
	return 0;
}

void identify_close(struct identify *i)
{
	if (!i)
		return;
	end(i);
	sd_event_source_unref(i->end);
	free(i);
}
