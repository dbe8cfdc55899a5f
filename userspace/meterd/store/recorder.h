/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recorder - readings into the store: intervals of 1 and 5 minutes, and what the
 * clock does as events.
 */
#ifndef METERD_RECORDER_H
#define METERD_RECORDER_H

#include <stdbool.h>

#include "reading.h"
#include "registers.h"
#include "store.h"

struct recorder;

/**
 * recorder_open() - go on where the store ends
 * @r: where to put it
 * @store: store; must outlive it
 * @in: the loads
 * @registers: restored registers; NULL: modules keep them
 *
 * Return: 0 or -ENOMEM.
 */
int recorder_open(struct recorder **r, struct store *store, const struct installation *in,
		  const struct registers *registers);

/** recorder_add() - take a reading; NULL @r is allowed */
void recorder_add(struct recorder *r, const struct reading *reading);

/** recorder_close() - close the intervals as incomplete and free; before store_close(); NULL is
 * allowed */
void recorder_close(struct recorder *r);

#endif
