/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command - what a command gets, and the commands of meterctl.
 */
#ifndef METERCTL_COMMAND_H
#define METERCTL_COMMAND_H

#include <stdbool.h>

#include "client.h"
#include "table.h"

#define COMMAND_ARGUMENTS_MAX 2

/* Exit status of a command line that is wrong. */
#define EXIT_USAGE 2

/**
 * struct command_options - what the command line said
 * @address: where meterd is
 * @address_given: --socket or --url was there
 * @json: print JSON
 * @count: readings after which live ends, 0 for never
 * @reference_a: current that a reference meter shows, A; 0: not given
 * @reference_w: its active power, W; 0: not given
 * @capacitive: the reference load is capacitive
 * @resistive: the loads are heaters
 * @apply: write the proposals
 * @undo: take the last change back
 * @tuning: tuning file; NULL: that of meterd
 * @token_file: file of the token of commands, NULL for the usual one
 * @modules_dir: folder of the bus, NULL for the usual one
 * @csv: print CSV
 * @kind: of records; NULL for the usual one
 * @since: first time of records, as given; NULL for the usual one
 * @until: time before which they are; NULL: all
 * @argument: what followed the name of the command
 * @arguments: how many
 */
struct command_options {
	struct client_address address;
	bool address_given;
	bool json;
	unsigned long count;
	double reference_a;
	double reference_w;
	bool capacitive;
	bool resistive;
	bool apply;
	bool undo;
	const char *tuning;
	const char *token_file;
	const char *modules_dir;
	bool csv;
	const char *kind;
	const char *since;
	const char *until;
	const char *argument[COMMAND_ARGUMENTS_MAX];
	unsigned int arguments;
};

/** command_calibrate(), command_capture(), command_check(), command_identify(), command_input(),
 * command_list(), command_live(), command_output(), command_quality(), command_records(),
 * command_sensors(), command_status() - return the exit status of the program */
int command_calibrate(const struct command_options *o);
int command_capture(const struct command_options *o);
int command_check(const struct command_options *o);
int command_input(const struct command_options *o);
int command_identify(const struct command_options *o);
int command_list(const struct command_options *o);
int command_live(const struct command_options *o);
int command_output(const struct command_options *o);
int command_quality(const struct command_options *o);
int command_records(const struct command_options *o);
int command_sensors(const struct command_options *o);
int command_status(const struct command_options *o);

/**
 * command_usage() - say what is wrong with the command line
 * @what: the option or argument
 * @value: what was given
 * @way: what would be right
 *
 * Return: EXIT_USAGE.
 */
int command_usage(const char *what, const char *value, const char *way);

/** command_refused() - print why meterd did not do as asked, out of its answer */
void command_refused(const struct client_answer *answer);

/**
 * command_ask() - get a path of the API and parse its JSON
 * @o: options
 * @path: such as "/api/v1/status"
 *
 * Return: JSON for json_object_put(); NULL after printing why there is none.
 */
struct json_object *command_ask(const struct command_options *o, const char *path);

/** command_ask_quietly() - the same; NULL for what an older meterd does not have, or is off */
struct json_object *command_ask_quietly(const struct command_options *o, const char *path);

/** command_print() - a table_emit that writes a line to standard output */
void command_print(void *context, enum table_style style, const char *text);

/** command_print_json() - write JSON to standard output, for people and programs */
void command_print_json(struct json_object *object);

/** command_flush() - exit status after everything was printed: 1 if it could not be written */
int command_flush(void);

#endif
