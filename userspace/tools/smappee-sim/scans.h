/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scans - the control socket's command "scans": what a module answers when it is
 * asked for samples, as numbers (smappee-sim(1), "CONTROL SOCKET").
 */
#ifndef SIM_SCANS_H
#define SIM_SCANS_H

#include "segment.h"

#include <json-c/json.h>

/** Most scans of one answer. */
#define SCANS_MAX 2000

/**
 * scans_command() - the codes of scans that a module holds
 * @g: the segment
 * @command: the command
 * @t: true time, s
 * @error: room for @size bytes; gets what is wrong with the command
 *
 * Return: the answer; NULL with @error filled.
 */
struct json_object *scans_command(struct segment *g, struct json_object *command, double t,
				  char *error, size_t size);

#endif
