/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aside - do one thing that may wait for a medium in a process of its own.
 *
 * The process begins as a copy of this one, holds no file of it but standard output and error,
 * and tells what came of it; that comes by the event loop.
 */
#ifndef METERD_ASIDE_H
#define METERD_ASIDE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#define ASIDE_TEXT_MAX 256

struct aside;

/**
 * struct aside_outcome - what came of it
 * @error: 0 or -errno; -EPIPE: the process ended before it said so
 * @text: about it, for people
 */
struct aside_outcome {
	int32_t error;
	char text[ASIDE_TEXT_MAX];
};

/**
 * aside_work - do it; in the process of its own, so nothing that it changes in memory stays
 * @user: of aside_start()
 * @outcome: a success without text at first
 */
typedef void aside_work(void *user, struct aside_outcome *outcome);

/** aside_done - it is done; the handle of aside_start() is not valid any more */
typedef void aside_done(void *user, const struct aside_outcome *outcome);

/**
 * aside_start() - begin
 * @a: handle
 * @event: loop of the answer
 * @name: of the process, 15 bytes at most
 * @work: does it
 * @done: gets the answer
 * @user: first argument of both
 *
 * Return: 0 or -errno.
 */
int aside_start(struct aside **a, sd_event *event, const char *name, aside_work *work,
		aside_done *done, void *user);

/** aside_close() - do not wait for the answer any more; NULL is allowed */
void aside_close(struct aside *a);

#endif
