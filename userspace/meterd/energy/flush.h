/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flush - writes into a file, and puts that on its medium, without waiting for it.
 *
 * A memory card may stall fdatasync() for seconds, and pwrite() with it, and samples do not
 * wait. So a child process does both; its answer comes by the event loop. The child holds nothing
 * but the file, opened anew, so that it keeps no lock; it ends with this process.
 */
#ifndef METERD_FLUSH_H
#define METERD_FLUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct flush;

/* of what is written at once */
#define FLUSH_BYTES_MAX 131072

/**
 * flush_done - what was given to flush_start() is on the medium, or not
 * @user: of flush_open()
 * @error: 0, -errno of pwrite() or fdatasync(), or -EPIPE: the child is gone and will not come back
 * @written: pwrite() took it
 */
typedef void flush_done(void *user, int error, bool written);

/**
 * flush_open() - start the child
 * @f: where to put it
 * @event: loop of the answers
 * @path: the file; it must exist
 * @done: gets the answers
 * @user: its first argument
 *
 * Call it early: the child begins as a copy of this process, with its signal mask.
 *
 * Return: 0 or -errno.
 */
int flush_open(struct flush **f, sd_event *event, const char *path, flush_done *done, void *user);

/**
 * flush_start() - begin to write and flush; one at a time, @done follows
 * @f: handle
 * @data: copied
 * @bytes: of it, 1 to FLUSH_BYTES_MAX
 * @at: place in the file
 *
 * Return: 0 or -errno; then @done does not follow.
 */
int flush_start(struct flush *f, const void *data, size_t bytes, off_t at);

/** flush_wait() - outside of the loop: wait for what was begun; @done gets the answer */
void flush_wait(struct flush *f);

/** flush_close() - end the child, after the flush in progress; NULL is allowed */
void flush_close(struct flush *f);

#endif
