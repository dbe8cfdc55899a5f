// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * command - see command.h. Nothing is believed of what comes from outside: size and depth
 * of the text, its being UTF-8, unknown arguments, types and bounds are checked here.
 */
#include "command.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "words.h"

#define US_PER_S 1000000ULL
/* An object of values, and nothing deeper. */
#define DEPTH 3
#define ORIGINS 32
/* Bytes of the arguments in the event that tells of a command. */
#define TOLD_MAX 80

/**
 * struct bucket - of an origin
 * @origin: who, "" for a free one
 * @left: commands it may give at once
 * @since_us: when @left was right
 * @told: it was told that this origin asks too fast
 */
struct bucket {
	char origin[COMMAND_ORIGIN_MAX];
	unsigned int left;
	uint64_t since_us;
	bool told;
};

/**
 * struct commands - the table
 * @row: commands
 * @user: first arguments of their handlers
 * @rows: how many
 * @bucket: of the origins
 * @told: tells events
 * @told_user: its first argument
 */
struct commands {
	const struct command_row *row[COMMANDS_MAX];
	void *user[COMMANDS_MAX];
	unsigned int rows;
	struct bucket bucket[ORIGINS];
	command_told *told;
	void *told_user;
};

/**
 * struct command_call - a command that is answered later
 * @commands: table
 * @origin: who asked
 * @name: command
 * @arguments: of it
 * @answered: gets the answer, or NULL
 * @user: its first argument
 */
struct command_call {
	struct commands *commands;
	char origin[COMMAND_ORIGIN_MAX];
	const char *name;
	struct json_object *arguments;
	command_answered *answered;
	void *user;
};

int commands_create(struct commands **c, command_told *told, void *user)
{
	*c = calloc(1, sizeof(**c));
	if (!*c)
		return -ENOMEM;
	(*c)->told = told;
	(*c)->told_user = user;
	return 0;
}

void commands_destroy(struct commands *c)
{
	free(c);
}

static int find(const struct commands *c, const char *name)
{
	unsigned int k;

	for (k = 0; k < c->rows; k++)
		if (!strcmp(c->row[k]->name, name))
			return (int)k;
	return -1;
}

int command_register(struct commands *c, const struct command_row *row, void *user)
{
	if (!c)
		return 0;
	if (find(c, row->name) >= 0)
		return -EEXIST;
	if (c->rows == COMMANDS_MAX)
		return -ENOSPC;
	c->row[c->rows] = row;
	c->user[c->rows++] = user;
	return 0;
}

void command_fail(struct command_reply *reply, int error, const char *format, ...)
{
	va_list args;

	free(reply->later);
	reply->later = NULL;
	reply->error = error;
	va_start(args, format);
	vsnprintf(reply->text, sizeof(reply->text), format, args);
	va_end(args);
}

/* ---- who asks how often ------------------------------------------------ */

static void refill(struct bucket *b, uint64_t now_us)
{
	uint64_t seconds = (now_us - b->since_us) / US_PER_S;

	if (seconds + b->left >= COMMAND_BURST) {
		b->left = COMMAND_BURST;
		b->since_us = now_us;
		b->told = false;
		return;
	}
	b->left += (unsigned int)seconds;
	b->since_us += seconds * US_PER_S;
}

/* A full bucket says no more than none, so it can be given to another origin. */
static struct bucket *bucket_of(struct commands *c, const char *origin, uint64_t now_us)
{
	struct bucket *spare = NULL;
	unsigned int k;

	for (k = 0; k < ORIGINS; k++) {
		struct bucket *b = &c->bucket[k];

		if (b->origin[0])
			refill(b, now_us);
		if (!strncmp(b->origin, origin, sizeof(b->origin) - 1))
			return b;
		if (!spare && (!b->origin[0] || b->left == COMMAND_BURST))
			spare = b;
	}
	if (!spare)
		return NULL;
	*spare = (struct bucket){ .left = COMMAND_BURST, .since_us = now_us };
	snprintf(spare->origin, sizeof(spare->origin), "%s", origin);
	return spare;
}

bool command_allowed(struct commands *c, const char *origin, uint64_t now_us)
{
	struct bucket *b = bucket_of(c, origin, now_us);
	char text[160];

	if (b && b->left) {
		b->left--;
		return true;
	}
	if (b && !b->told && c->told) {
		snprintf(text, sizeof(text), "commands from %s come too fast and are refused",
			 origin);
		c->told(c->told_user, text);
		b->told = true;
	}
	return false;
}

/* ---- arguments --------------------------------------------------------- */

static bool text_is_good(const struct command_field *f, struct json_object *value,
			 struct command_reply *reply)
{
	const char *text = json_object_get_string(value);
	size_t length = (size_t)json_object_get_string_len(value);

	if (!json_object_is_type(value, json_type_string))
		command_fail(reply, -EINVAL, "%s: must be a text", f->name);
	else if (!length || length > (size_t)f->most || strlen(text) != length)
		command_fail(reply, -EINVAL, "%s: must be a text of 1 to %d bytes", f->name,
			     (int)f->most);
	else if (f->choices && !words_have(f->choices, "|", text))
		command_fail(reply, -EINVAL, "%s: \"%.32s\" is not one of %s", f->name, text,
			     f->choices);
	return !reply->error;
}

static bool field_is_good(const struct command_field *f, struct json_object *value,
			  struct command_reply *reply)
{
	int64_t n;

	if (f->type == COMMAND_TEXT)
		return text_is_good(f, value, reply);
	if (f->type == COMMAND_BOOL) {
		if (!json_object_is_type(value, json_type_boolean))
			command_fail(reply, -EINVAL, "%s: must be true or false", f->name);
		return !reply->error;
	}
	n = json_object_get_int64(value);
	if (!json_object_is_type(value, json_type_int) || n < f->least || n > f->most)
		command_fail(reply, -EINVAL, "%s: must be a whole number from %lld to %lld",
			     f->name, (long long)f->least, (long long)f->most);
	return !reply->error;
}

static const struct command_field *field_of(const struct command_row *row, const char *name)
{
	const struct command_field *f;

	for (f = row->field; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* An argument that nobody knows is a mistake of the one who asks: say so. */
static bool arguments_are_good(const struct command_row *row, struct json_object *arguments,
			       struct command_reply *reply)
{
	const struct command_field *f;
	struct json_object *value;

	json_object_object_foreach(arguments, key, unused)
	{
		(void)unused;
		if (field_of(row, key) || !strcmp(key, "command"))
			continue;
		command_fail(reply, -EINVAL, "%s: there is no argument \"%.32s\"", row->name, key);
		return false;
	}
	for (f = row->field; f->name; f++) {
		if (json_object_object_get_ex(arguments, f->name, &value)) {
			if (!field_is_good(f, value, reply))
				return false;
		} else if (!f->optional) {
			command_fail(reply, -EINVAL, "%s: the argument \"%s\" is missing",
				     row->name, f->name);
			return false;
		}
	}
	return true;
}

static struct json_object *parse(const char *text, size_t length, struct command_reply *reply)
{
	struct json_tokener *tokener;
	struct json_object *object;
	enum json_tokener_error error;

	if (!length)
		return json_object_new_object();
	if (length > COMMAND_TEXT_MAX) {
		command_fail(reply, -EINVAL, "%zu bytes are too many; a command has at most %d",
			     length, COMMAND_TEXT_MAX);
		return NULL;
	}
	tokener = json_tokener_new_ex(DEPTH);
	if (!tokener) {
		command_fail(reply, -ENOMEM, "out of memory");
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	error = json_tokener_get_error(tokener);
	if (error == json_tokener_success && json_tokener_get_parse_end(tokener) != length)
		error = json_tokener_error_parse_unexpected;
	json_tokener_free(tokener);
	if (error == json_tokener_success && json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	command_fail(reply, -EINVAL, "must be a JSON object: %s",
		     error == json_tokener_success    ? "it is something else"
		     : error == json_tokener_continue ? "it ends too early"
						      : json_tokener_error_desc(error));
	return NULL;
}

/* ---- commands ---------------------------------------------------------- */

static const char *command_of(const char *name, struct json_object *arguments)
{
	return name ? name : command_text(arguments, "command");
}

static void dispatch(struct commands *c, const char *name, struct json_object *arguments,
		     struct command_reply *reply)
{
	int k;

	if (!name) {
		command_fail(reply, -EINVAL, "\"command\" is missing: which one?");
		return;
	}
	k = find(c, name);
	if (k < 0)
		command_fail(reply, -ENOENT,
			     "there is no command \"%.32s\"; see GET /api/v1/commands", name);
	else if (arguments_are_good(c->row[k], arguments, reply))
		c->row[k]->run(c->user[k], arguments, reply);
}

static void tell(struct commands *c, const char *origin, const char *name,
		 struct json_object *arguments, const struct command_reply *reply)
{
	const char *plain = "";
	char text[512];

	if (arguments)
		plain = json_object_to_json_string_ext(
			arguments, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	snprintf(text, sizeof(text), "%.24s %.*s%s from %s: %s", name && arguments ? name : "?",
		 TOLD_MAX, plain, strlen(plain) > TOLD_MAX ? "..." : "", origin,
		 reply->error ? reply->text : "done");
	utf8_mend(text);
	if (c->told)
		c->told(c->told_user, text);
}

void command_run(struct commands *c, const char *origin, const char *name, const char *text,
		 size_t length, uint64_t now_us, struct command_reply *reply)
{
	struct json_object *arguments;

	*reply = (struct command_reply){ 0 };
	if (!command_allowed(c, origin, now_us)) {
		command_fail(reply, -EAGAIN,
			     "too many commands from %s; at most %d at once and then one a second",
			     origin, COMMAND_BURST);
		return;
	}
	arguments = parse(text, length, reply);
	if (arguments) {
		name = command_of(name, arguments);
		dispatch(c, name, arguments, reply);
	}
	if (reply->later) {
		*reply->later = (struct command_call){ .commands = c,
						       .name = c->row[find(c, name)]->name,
						       .arguments = arguments };
		snprintf(reply->later->origin, sizeof(reply->later->origin), "%s", origin);
		return;
	}
	tell(c, origin, name, arguments, reply);
	json_object_put(arguments);
}

struct command_call *command_later(struct command_reply *reply)
{
	reply->later = calloc(1, sizeof(*reply->later));
	if (!reply->later)
		command_fail(reply, -ENOMEM, "out of memory");
	return reply->later;
}

void command_await(struct command_call *call, command_answered *answered, void *user)
{
	call->answered = answered;
	call->user = user;
}

void command_forget(struct command_call *call)
{
	if (call)
		call->answered = NULL;
}

void command_end(struct command_call *call, const struct command_reply *reply)
{
	tell(call->commands, call->origin, call->name, call->arguments, reply);
	if (call->answered)
		call->answered(call->user, reply);
	json_object_put(call->arguments);
	free(call);
}

const char *command_text(struct json_object *arguments, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(arguments, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

char *command_reply_json(const struct command_reply *reply)
{
	struct json_object *o = json_object_new_object();
	char said[sizeof(reply->text)];
	char *text = NULL;

	if (!o)
		return NULL;
	memcpy(said, reply->text, sizeof(said));
	utf8_mend(said);
	json_object_object_add(o, "ok", json_object_new_boolean(!reply->error));
	if (said[0])
		json_object_object_add(o, reply->error ? "error" : "text",
				       json_object_new_string(said));
	if (!reply->error && reply->result)
		json_object_object_add(o, "result", json_object_get(reply->result));
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}

void command_reply_end(struct command_reply *reply)
{
	json_object_put(reply->result);
	reply->result = NULL;
}

static struct json_object *field_json(const struct command_field *f)
{
	static const char *const types[] = { "text", "whole number", "true or false" };
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(f->name));
	json_object_object_add(o, "type", json_object_new_string(types[f->type]));
	if (f->type == COMMAND_WHOLE)
		json_object_object_add(o, "least", json_object_new_int64(f->least));
	if (f->type != COMMAND_BOOL)
		json_object_object_add(o, "most", json_object_new_int64(f->most));
	if (f->choices)
		json_object_object_add(o, "choices", json_object_new_string(f->choices));
	json_object_object_add(o, "optional", json_object_new_boolean(f->optional));
	return o;
}

struct json_object *commands_json(const struct commands *c)
{
	struct json_object *list = json_object_new_array();
	const struct command_field *f;
	unsigned int k;

	for (k = 0; k < c->rows; k++) {
		struct json_object *o = json_object_new_object();
		struct json_object *fields = json_object_new_array();

		json_object_object_add(o, "name", json_object_new_string(c->row[k]->name));
		json_object_object_add(o, "summary", json_object_new_string(c->row[k]->summary));
		for (f = c->row[k]->field; f->name; f++)
			json_object_array_add(fields, field_json(f));
		json_object_object_add(o, "arguments", fields);
		json_object_array_add(list, o);
	}
	return list;
}
