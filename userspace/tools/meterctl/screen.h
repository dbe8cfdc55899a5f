/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen - the table of readings on a terminal, by ncurses.
 */
#ifndef METERCTL_SCREEN_H
#define METERCTL_SCREEN_H

#include <json-c/json.h>
#include <stdbool.h>

struct screen;

/** screen_open() - take over the terminal; NULL when it cannot be used (says why) */
struct screen *screen_open(void);

/**
 * screen_show() - draw
 * @s: screen
 * @reading: what to show, or NULL before the first
 * @title: the line at the top
 * @stale: draw the values as old ones
 */
void screen_show(struct screen *s, struct json_object *reading, const char *title, bool stale);

/**
 * screen_keys() - act on the keys that were pressed and on a new size
 *
 * Return: false when the user wants to leave.
 */
bool screen_keys(struct screen *s);

/** screen_close() - give the terminal back; NULL is allowed */
void screen_close(struct screen *s);

#endif
