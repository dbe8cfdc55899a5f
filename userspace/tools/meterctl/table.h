/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table - answers of meterd as lines of text, for a terminal or a pipe.
 *
 * Text that came from outside is cut to its column and cleaned: what is not
 * printable becomes "?", so that no name can steer the terminal. Values that are
 * not known, and keys that are missing or of another type, are shown as "-".
 */
#ifndef METERCTL_TABLE_H
#define METERCTL_TABLE_H

#include <json-c/json.h>

enum table_style {
	TABLE_PLAIN,
	TABLE_HEAD,
	TABLE_TOTAL,
};

/** typedef table_emit - gets one line, without a newline at its end */
typedef void (*table_emit)(void *context, enum table_style style, const char *text);

/** table_live() - a reading as a table: mains, then each load with its inputs */
void table_live(struct json_object *reading, table_emit emit, void *context);

/** table_io() - inputs and outputs, the answer of /api/v1/io; nothing for NULL */
void table_io(struct json_object *io, table_emit emit, void *context);

/** table_log() - a reading as one line per load, to be appended to a file */
void table_log(struct json_object *reading, table_emit emit, void *context);

/** table_modules() - the list of modules */
void table_modules(struct json_object *modules, table_emit emit, void *context);

/** table_quality() - power quality: intervals, the week, and the newest events */
void table_quality(struct json_object *report, struct json_object *events, table_emit emit,
		   void *context);

/** table_sources() - the answer of /api/v1/sources */
void table_sources(struct json_object *sources, table_emit emit, void *context);

/** table_store() - the answer of /api/v1/store, NULL without a store */
void table_store(struct json_object *store, table_emit emit, void *context);

/** table_status() - the status, one value per line */
void table_status(struct json_object *status, table_emit emit, void *context);

#endif
