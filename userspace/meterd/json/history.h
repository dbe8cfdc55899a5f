/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history - the active power of every load in the last 5 minutes, so that the
 * chart of a page that was just opened is not empty. In memory only.
 */
#ifndef METERD_HISTORY_H
#define METERD_HISTORY_H

#include "reading.h"

#define HISTORY_READINGS 300

struct history;
struct json_object;

/** history_new() - an empty history, or NULL when memory is short */
struct history *history_new(void);

/**
 * history_add() - remember one reading; forgets the oldest when full
 * @h: history
 * @r: reading; when the names of its loads differ from those before, what was
 *	remembered is forgotten
 */
void history_add(struct history *h, const struct reading *r);

/**
 * history_json() - what is remembered
 * @h: history
 *
 * {"loads":["grid","boiler"],"readings":[[1795202043289,12.5,null],...]}: UTC in
 * ms, then the active power of each load in W, in the order of "loads"; oldest
 * first.
 *
 * Return: an object for json_object_put(), or NULL when memory is short.
 */
struct json_object *history_json(const struct history *h);

/** history_free() - NULL is allowed */
void history_free(struct history *h);

#endif
