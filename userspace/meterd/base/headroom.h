/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * headroom - a bound for the memory that a library takes in a call: it makes room for what
 * somebody outside announces, and asks nobody how much that may be.
 */
#ifndef METERD_HEADROOM_H
#define METERD_HEADROOM_H

#include <stddef.h>
#include <sys/resource.h>

/**
 * struct headroom - a bound
 * @statm: the kernel's account of this process; -1: there is none, and no bound
 * @before: limit to go back to
 */
struct headroom {
	int statm;
	struct rlimit before;
};

/** headroom_open() - begin */
void headroom_open(struct headroom *h);

/**
 * headroom_limit() - until headroom_lift(), this process gets at most so much more memory
 * @h: bound
 * @bytes: how much; an allocation beyond it fails with ENOMEM, in every thread
 */
void headroom_limit(struct headroom *h, size_t bytes);

/** headroom_lift() - the limit from before headroom_limit() is in force again */
void headroom_lift(const struct headroom *h);

/** headroom_close() - end */
void headroom_close(const struct headroom *h);

#endif
