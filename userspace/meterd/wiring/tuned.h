/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuned - puts what the tuning file says (lib/tuning.h) into the installation, at start and
 * whenever the file changes.
 */
#ifndef METERD_TUNED_H
#define METERD_TUNED_H

#include <systemd/sd-event.h>

#include "load.h"

struct tuned;

/**
 * tuned_changed - the elements have changed
 * @user: of tuned_open()
 */
typedef void tuned_changed(void *user);

/**
 * tuned_open() - apply the file and watch it
 * @t: where to put it
 * @event: loop; NULL: it is not watched
 * @path: the file, which need not be there; must outlive it
 * @in: installation; its elements are changed
 * @changed: called when the file has changed them, not by this; may be NULL
 * @user: its argument
 *
 * A file that cannot be used is named; the installation stays as it was then.
 *
 * Return: 0 or -ENOMEM.
 */
int tuned_open(struct tuned **t, sd_event *event, const char *path, struct installation *in,
	       tuned_changed *changed, void *user);

/** tuned_close() - stop watching and free; NULL is allowed */
void tuned_close(struct tuned *t);

#endif
