/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command - what may be asked of the gateway from outside: one table for all ways in.
 *
 * A command has a name and arguments, a JSON object of at most COMMAND_TEXT_MAX bytes.
 * Its row says which arguments there are and what they may be; they are checked
 * before its handler is called, which answers at once, or later when it waits for something,
 * as a setting for its medium. A way in (API, MQTT) says who asks, its origin; each
 * origin may ask COMMAND_BURST times at once and then once a second. Each command is
 * answered, and told as an event with its origin; of those that come too fast only the
 * first of a row is told.
 */
#ifndef METERD_COMMAND_H
#define METERD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct commands;
struct command_call;

#define COMMANDS_MAX 16
#define COMMAND_FIELDS_MAX 4
/* bytes of the arguments */
#define COMMAND_TEXT_MAX 4096
#define COMMAND_ORIGIN_MAX 64
#define COMMAND_BURST 10

/**
 * enum command_type - what an argument is
 * @COMMAND_TEXT: text of 1 to @most bytes, one of @choices if there are any
 * @COMMAND_WHOLE: whole number from @least to @most
 * @COMMAND_BOOL: true or false
 */
enum command_type {
	COMMAND_TEXT,
	COMMAND_WHOLE,
	COMMAND_BOOL,
};

/**
 * struct command_field - an argument
 * @name: its name; NULL ends the list
 * @type: what it is
 * @least: of a number
 * @most: of a number; bytes of a text
 * @choices: values of a text, separated by "|", or NULL
 * @optional: may be left out
 */
struct command_field {
	const char *name;
	enum command_type type;
	int64_t least;
	int64_t most;
	const char *choices;
	bool optional;
};

/**
 * struct command_reply - the answer
 * @error: 0, or -errno: -EINVAL: the arguments are wrong, -ENOENT: there is no such
 *	thing, -EAGAIN: too fast, others: it could not be done
 * @text: what is wrong, with the way out; of a success, may be empty
 * @result: of a success, or NULL; the handler gives it away
 * @later: NULL; else this is not the answer, that comes later (command_await())
 */
struct command_reply {
	int error;
	char text[256];
	struct json_object *result;
	struct command_call *later;
};

/**
 * command_handler - do it
 * @user: of command_register()
 * @arguments: checked
 * @reply: to be filled in; it is a success without text at first
 */
typedef void command_handler(void *user, struct json_object *arguments,
			     struct command_reply *reply);

/**
 * struct command_row - a command
 * @name: its name
 * @summary: one line for people
 * @field: its arguments
 * @run: does it
 */
struct command_row {
	const char *name;
	const char *summary;
	struct command_field field[COMMAND_FIELDS_MAX + 1];
	command_handler *run;
};

/**
 * command_told - a command was answered, tell it as an event
 * @user: of commands_create()
 * @text: one line: command, arguments, origin, outcome
 */
typedef void command_told(void *user, const char *text);

/** commands_create() - an empty table. Return: 0 or -ENOMEM */
int commands_create(struct commands **c, command_told *told, void *user);

/**
 * command_register() - add a command
 * @c: table; NULL is allowed
 * @row: not copied
 * @user: first argument of its handler
 *
 * Return: 0, -EEXIST: there is one of this name, -ENOSPC: COMMANDS_MAX are there.
 */
int command_register(struct commands *c, const struct command_row *row, void *user);

/**
 * command_allowed() - take one from the bucket of an origin
 * @c: table
 * @origin: who asks: "mqtt", "api 192.0.2.7"
 * @now_us: CLOCK_MONOTONIC
 *
 * Done by command_run(), too; a way in does it by itself for what it refuses.
 *
 * Return: false: it asks too fast.
 */
bool command_allowed(struct commands *c, const char *origin, uint64_t now_us);

/**
 * command_run() - check and do a command
 * @c: table
 * @origin: who asks
 * @name: command; NULL: the member "command" of the arguments names it
 * @text: arguments, JSON; nothing is an empty object
 * @length: its bytes, any number
 * @now_us: CLOCK_MONOTONIC
 * @reply: the answer; end it with command_reply_end(). With @later it is none yet
 */
void command_run(struct commands *c, const char *origin, const char *name, const char *text,
		 size_t length, uint64_t now_us, struct command_reply *reply);

/**
 * command_later() - for a handler: the answer comes later, by command_end()
 *
 * Return: what is to be answered, or NULL with @reply made a failure.
 */
struct command_call *command_later(struct command_reply *reply);

/** command_end() - for a handler: this is the answer; @call is not valid any more */
void command_end(struct command_call *call, const struct command_reply *reply);

/** command_answered - the answer has come; it is valid until this returns */
typedef void command_answered(void *user, const struct command_reply *reply);

/** command_await() - for a way in: give the answer to @answered; without this nobody gets it */
void command_await(struct command_call *call, command_answered *answered, void *user);

/** command_forget() - for a way in: who asked is gone; NULL is allowed */
void command_forget(struct command_call *call);

/** command_reply_json() - {"ok":...,"error":...,"result":...} on one line; for free(), or NULL */
char *command_reply_json(const struct command_reply *reply);

/** command_reply_end() - free what the answer holds */
void command_reply_end(struct command_reply *reply);

/** command_fail() - make the answer a failure, now; a shorthand for handlers */
void command_fail(struct command_reply *reply, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** command_text() - the argument of that name, NULL when it was left out */
const char *command_text(struct json_object *arguments, const char *name);

/** commands_json() - the table: names, summaries, arguments; put by the caller */
struct json_object *commands_json(const struct commands *c);

/** commands_destroy() - free; NULL is allowed */
void commands_destroy(struct commands *c);

#endif
