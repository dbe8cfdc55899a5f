/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interval - makes records of readings: a record per load for every interval between
 * two UTC marks.
 *
 * Energy is the difference of the registers at the marks. A reading over a mark is
 * split there in proportion, in whole uWh, and the end of an interval is the begin of
 * the next one, so the records of a load always add up to its register.
 *
 * UTC is that of the readings. When it steps, the interval is closed as far as it
 * came and another one begins where the clock stands now; both say so by a flag. A step
 * that stays inside the interval, or at most 2 s before it (a leap second), only sets
 * the flag. Nothing is ever counted twice or left out, whatever the clock does.
 */
#ifndef METERD_INTERVAL_H
#define METERD_INTERVAL_H

#include <stdbool.h>

#include "reading.h"
#include "record.h"
#include "registers.h"

struct interval;

/**
 * interval_closed - takes the records of an interval
 * @user: of interval_create()
 * @records: one per load
 * @n: loads
 */
typedef void interval_closed(void *user, const struct record *records, unsigned int n);

/**
 * interval_create() - begin
 * @i: where to put it
 * @in: the loads; must outlive it
 * @kind: RECORD_1M or RECORD_5M
 * @registers: restored; energy is counted from their values now. NULL: modules keep the
 *	registers, which are known from the first reading on that has them
 * @closed: gets the records
 * @user: its first argument
 *
 * Return: 0 or -ENOMEM.
 */
int interval_create(struct interval **i, const struct installation *in, enum record_kind kind,
		    const struct registers *registers, interval_closed *closed, void *user);

/**
 * interval_resume() - go on after the last stored record of a load
 * @i: before the first reading
 * @last: the record; a later call replaces an earlier one. One of another kind or of an unknown
 * load is ignored
 *
 * Energy between this record and interval_create() was measured by a meterd that
 * was stopped before its interval ended, or by a module while there was no meterd. It is put
 * into a record of its own, unless measuring goes on in the same interval.
 */
void interval_resume(struct interval *i, const struct record *last);

/**
 * interval_add() - take a reading; closes what it completes
 * @i: the interval
 * @r: the reading; its loads are those of the installation
 * @synchronised: the system's clock is synchronised
 *
 * Return: by how many ns UTC has stepped since the reading before; 0 when it has not.
 */
int64_t interval_add(struct interval *i, const struct reading *r, bool synchronised);

/** interval_destroy() - close what is open, as incomplete, and free; NULL is allowed */
void interval_destroy(struct interval *i);

#endif
