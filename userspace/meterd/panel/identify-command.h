/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identify-command - the command "identify": a LED flashes for a while.
 */
#ifndef METERD_IDENTIFY_COMMAND_H
#define METERD_IDENTIFY_COMMAND_H

#include <systemd/sd-event.h>

struct commands;
struct identify;

/**
 * identify_open() - take the command
 * @i: where to put it
 * @event: loop in which it lives
 * @commands: the table
 * @modules: folder of the bus, NULL for the usual one; must outlive it
 *
 * One LED flashes at a time: whoever asks for another ends the one before.
 *
 * Return: 0 or -errno.
 */
int identify_open(struct identify **i, sd_event *event, struct commands *commands,
		  const char *modules);

/** identify_close() - gives the LED back; NULL is allowed */
void identify_close(struct identify *i);

#endif
