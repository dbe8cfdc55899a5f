/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identify - lets the LED of a module, or of one of its inputs, flash, so that
 * somebody in front of the distribution board finds it.
 */
#ifndef USERSPACE_IDENTIFY_H
#define USERSPACE_IDENTIFY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * identify_set() - begin or end to identify
 * @dir: folder with one folder per module; NULL means /sys/bus/smappee/devices
 * @what: "hub2/B", "meters/3": an input of the module with this label, serial number
 *	or device name; "hub2": its status LED
 * @on: begin; else give the LED back to the module
 * @wrong: gets what is wrong, with the way out, when there is an error
 * @size: of @wrong
 *
 * An open module flashes until it is given back. The module of a Power Box flashes
 * for a while, and only its inputs do; there is nothing to give back.
 *
 * Return: 0; -EINVAL: @what is no such text, -ENOENT: no such module or input, -EEXIST:
 * two modules have this label, or another -errno.
 */
int identify_set(const char *dir, const char *what, bool on, char *wrong, size_t size);

/**
 * identify_trigger() - choose what a LED of a module shows
 * @module: folder of the module (module-dir.h)
 * @input: "a" or "1" as in the name of the LED; empty: the status LED
 * @trigger: "smappee-identify", "smappee-problem", or "smappee-module" to give it back
 *
 * Return: 0, -ENOENT: it has no such LED, or -errno.
 */
int identify_trigger(int module, const char *input, const char *trigger);

/** identify_shows() - is this what was chosen? */
bool identify_shows(int module, const char *input, const char *trigger);

#endif
