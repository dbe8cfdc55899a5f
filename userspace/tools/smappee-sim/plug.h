/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plug - commands of the control socket that change who is on the line: unplug,
 * plug, swap and address (smappee-sim(1), "CONTROL SOCKET").
 */
#ifndef SIM_PLUG_H
#define SIM_PLUG_H

#include "segment.h"

#include <json-c/json.h>

/**
 * plug_command() - carry out one of these commands
 * @g: the segment
 * @name: of the command
 * @command: the command
 * @t: true time, s
 * @error: room for @size bytes; gets what is wrong with the command, or ""
 *
 * Return: false if @name is none of these commands.
 */
bool plug_command(struct segment *g, const char *name, struct json_object *command, double t,
		  char *error, size_t size);

#endif
