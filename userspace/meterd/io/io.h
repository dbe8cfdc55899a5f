/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io - the link to input and output modules. A process of its own talks to them
 * (io-work.c); here is what it found, and nothing waits for a module but io_switch().
 */
#ifndef METERD_IO_H
#define METERD_IO_H

#include <systemd/sd-event.h>

#include "io-wire.h"

struct io;

/**
 * struct io_ops - what the link tells; none of them may close it
 * @looked: module @module was looked at; @m is valid during the call
 * @beaten: a heartbeat was given; @error: 0, or why a module that answers did not take it
 * @edge: contact @contact has changed at @time_ns, CLOCK_MONOTONIC
 * @round: all modules were looked at
 */
struct io_ops {
	void (*looked)(void *user, unsigned int module, const struct io_module *m);
	void (*beaten)(void *user, int error);
	void (*edge)(void *user, unsigned int contact, bool closed, int64_t time_ns);
	void (*round)(void *user);
};

/**
 * io_open() - start the process and look at the modules again and again
 * @io: where to put it
 * @event: loop
 * @plan: modules, contacts and relays; must outlive it
 * @dir: folder of the bus, NULL for the usual one; must outlive it
 * @period_ms: how often
 * @ops: what to tell
 * @user: first argument of these
 *
 * A process that ends, or does not answer for 10 s, is replaced. Meanwhile all modules are
 * looked at with the error -EPIPE.
 *
 * Return: 0 or -errno.
 */
int io_open(struct io **io, sd_event *event, const struct io_plan *plan, const char *dir,
	    unsigned int period_ms, const struct io_ops *ops, void *user);

/**
 * io_beat() - give modules a heartbeat, if the last one has been given
 * @io: link
 * @modules: bit by module
 *
 * At most one is on its way, so that none is given later than meterd is alive.
 */
void io_beat(struct io *io, uint32_t modules);

/**
 * io_switch() - switch a relay and wait for the answer, at most 0.5 s
 * @io: link
 * @relay: of the plan
 * @on: what it is to be
 *
 * Return: 0; -EBUSY: its module is in its fail-safe state, or somebody else has the line,
 * -ETIMEDOUT: no answer, -ENOENT: no such module, or another -errno.
 */
int io_switch(struct io *io, unsigned int relay, bool on);

/** io_close() - ends the process; relays stay as they are. NULL is allowed */
void io_close(struct io *io);

#endif
