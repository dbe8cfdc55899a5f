/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences for serdev controllers, which only tests have: the fake line of
 * tests/kunit and the port of tests/vm/vserdev.
 */
#ifndef SMAPPEE_SERDEV_CONTROLLER_H
#define SMAPPEE_SERDEV_CONTROLLER_H

#include <linux/serdev.h>

/* What a controller's write_buf() returns. */
#ifdef SMAPPEE_HAVE_SERDEV_WRITE_SSIZE_T
#define serdev_written_t	ssize_t
#else
#define serdev_written_t	int
#endif

/* The host of a controller: who has its resources; the parent, once. */
#ifndef SMAPPEE_HAVE_SERDEV_HOST
static inline struct serdev_controller *
compat_serdev_controller_alloc(struct device *host, struct device *parent,
			       size_t size)
{
	return serdev_controller_alloc(parent, size);
}

#define serdev_controller_alloc	compat_serdev_controller_alloc
#endif

#endif
