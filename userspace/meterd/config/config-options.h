/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config-options - the table of options, and values from and to text; between the parts
 * of config.h only.
 */
#ifndef METERD_CONFIG_OPTIONS_H
#define METERD_CONFIG_OPTIONS_H

#include "config.h"
#include "value-form.h"

/* rows of the table, at most */
#define OPTIONS_MAX 256
/* bytes of what is wrong with a value */
#define WAY_OUT_MAX 256

/**
 * enum option_type - what a value is; OPTION_FILE is a text that names a file or program, which is
 *	chosen by those who have the machine, not by those who may give commands; OPTION_URI is
 *	an IIO context, of which those may choose the local one or another machine's
 */
enum option_type {
	OPTION_TEXT,
	OPTION_FILE,
	OPTION_URI,
	OPTION_LIST,
	OPTION_WHOLE,
	OPTION_REAL,
	OPTION_CHOICE,
};

/**
 * struct option - a key of a section
 * @section: name of the section; "load" for [load NAME] and so on
 * @key: name of the key
 * @type: type of the value
 * @offset: of the value in struct config, or in that of a section with a name
 * @least: least value of a number
 * @most: most
 * @fallback: value when the key is not given; NULL: none
 * @choices: values of a choice, separated by "|"
 * @form: what a text has to look like
 * @required: the key must be given when the section is
 */
struct option {
	const char *section;
	const char *key;
	enum option_type type;
	size_t offset;
	double least;
	double most;
	const char *fallback;
	const char *choices;
	enum value_form form;
	bool required;
};

/* The table; a row without a section ends it. */
extern const struct option config_options[];

/**
 * option_set() - set one option from its text
 * @o: row of the table
 * @base: what it is in: struct config, or that of a section with a name
 * @value: text
 * @wrong: of WAY_OUT_MAX bytes: what is wrong with it, "" when memory is short
 *
 * Return: whether it is set.
 */
bool option_set(const struct option *o, void *base, const char *value, char *wrong);

/**
 * option_commanded() - may this value be set by command?
 * @o: row of the table
 * @value: text, NULL: the key is taken back
 *
 * Return: NULL, or why not.
 */
const char *option_commanded(const struct option *o, const char *value);

/** option_word() - a copy of @length bytes without the blanks around; NULL when memory is short */
char *option_word(const char *begin, size_t length);

/** options_default() - set all options of a section to their defaults; "": of all but the named */
void options_default(const char *section, void *base);

/** options_free() - free what the options of a section hold; "": of all but the named */
void options_free(const char *section, void *base);

#endif
