/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control - the commands of the control socket: one JSON object per line, one
 * answer per line (smappee-sim(1), "CONTROL SOCKET").
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "wire.h"

/**
 * struct control - what commands act on
 * @wire: the line, and through it the segment
 * @connected: a host is there
 */
struct control {
	struct wire *wire;
	bool connected;
};

/**
 * control_command() - carry out one command
 * @c: what it acts on
 * @line: the command, without the line's end
 * @now_ns: the time
 *
 * Return: the answer, one line with its end, to be freed by the caller; NULL
 * without memory. What is wrong with a command is in the answer's "error".
 */
char *control_command(struct control *c, const char *line, int64_t now_ns);

#endif
