/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuning - the file of what was found of the inputs: calibration and corrected wiring.
 *
 * JSON: {"inputs": {"hub1/A": {"gain": 1.01, "tau_us": 180000, "delay_us": 0,
 * "points": [...], "phase": "L2", "reversed": true, "previous": {...}}}}. What is missing is
 * as the configuration says. "previous" is what was there before the last change, so
 * that it can be undone. Written to a new file that takes the place of the old one, which
 * is kept as FILE.bak.
 */
#ifndef LIB_TUNING_H
#define LIB_TUNING_H

#include <json-c/json.h>

/* bytes of the file; longer ones are refused */
#define TUNING_MAX (1 << 20)

/**
 * tuning_read() - read the file
 * @path: its path
 * @tuning: the root; an empty one where there is no file; for json_object_put()
 *
 * Return: 0; -EINVAL: not JSON or not of this form, -EFBIG, or another -errno.
 */
int tuning_read(const char *path, struct json_object **tuning);

/** tuning_write() - write the file. Return: 0 or -errno; then the old one is as it was */
int tuning_write(const char *path, struct json_object *tuning);

/** tuning_input() - what is there of an input; NULL: nothing. It belongs to @tuning */
struct json_object *tuning_input(struct json_object *tuning, const char *name);

/**
 * tuning_change() - begin to change an input
 *
 * A copy of what is there becomes "previous".
 *
 * Return: the object to change, which belongs to @tuning, or NULL without memory.
 */
struct json_object *tuning_change(struct json_object *tuning, const char *name);

/** tuning_undo() - back to "previous". Return: 0, or -ENOENT: nothing to undo */
int tuning_undo(struct json_object *tuning, const char *name);

#endif
