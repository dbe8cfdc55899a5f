/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminals - what is wired to input and output modules: totals and states of inputs,
 * relays with their command "output", and the heartbeat of the modules.
 *
 * A module gets a heartbeat with each reading in which what its relays need is measured,
 * and never otherwise: relays fall back when meterd hangs or is gone, and when the meter is.
 */
#ifndef METERD_TERMINALS_H
#define METERD_TERMINALS_H

#include <systemd/sd-event.h>

#include "io-reading.h"
#include "reading.h"

struct commands;
struct registers;
struct terminals;

/**
 * struct terminals_config - what they need
 * @plan: the plan; must outlive them
 * @registers: keep the pulses
 * @dir: folder of the bus, NULL for the usual one; must outlive them
 * @period_ms: how often modules are looked at; 1000 is good
 * @commands: the table that gets "output"
 * @changed: something is other than it was; not more often than every 50 ms
 * @round: all modules were looked at
 * @event: tell an event, for people; @subject is "input" or "output"
 * @user: first argument of these
 */
struct terminals_config {
	const struct io_plan *plan;
	struct registers *registers;
	const char *dir;
	unsigned int period_ms;
	struct commands *commands;
	void (*changed)(void *user, const struct io_reading *r);
	void (*round)(void *user, const struct io_reading *r);
	void (*event)(void *user, const char *subject, const char *text);
	void *user;
};

/**
 * terminals_open() - restore the totals and begin to look
 * @t: where to put them
 * @event: loop
 * @config: copied
 *
 * Return: 0 or -errno after printing the error.
 */
int terminals_open(struct terminals **t, sd_event *event, const struct terminals_config *config);

/** terminals_measured() - there is a reading: heartbeats. NULL @t is allowed */
void terminals_measured(struct terminals *t, const struct reading *r);

/** terminals_reading() - what is known; NULL for NULL */
const struct io_reading *terminals_reading(const struct terminals *t);

/** terminals_close() - relays stay as they are until their time-out; NULL is allowed */
void terminals_close(struct terminals *t);

#endif
