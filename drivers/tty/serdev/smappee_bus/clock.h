/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of a segment: from the sample index that all modules share to
 * CLOCK_MONOTONIC. Pure integer arithmetic on one structure; the caller locks.
 *
 * What goes in are sync events: a position of the reference (index and phase)
 * and the time at which the host saw it, which is late by an unknown amount and
 * never early. What comes out are epochs: straight lines that join end to end.
 * An epoch starts at an index that has not been given a time yet, and it never
 * changes once it is there. So the time of an index is the same whenever and
 * for whichever module it is asked, and times grow strictly with the index.
 */
#ifndef SMAPPEE_CLOCK_H
#define SMAPPEE_CLOCK_H

#include <linux/types.h>

/* Sync events that the fit looks at, one for each second. */
#define SMAPPEE_CLOCK_POINTS	32
/* Epochs kept: at least 16 s, as they are at least a quarter second long. */
#define SMAPPEE_CLOCK_EPOCHS	64

/* Clocks that have their own offset to CLOCK_MONOTONIC in each epoch. */
enum smappee_clock_offset {
	SMAPPEE_CLOCK_REAL,
	SMAPPEE_CLOCK_BOOT,
	SMAPPEE_CLOCK_TAI,
	SMAPPEE_CLOCK_RAW,
	SMAPPEE_CLOCK_OFFSETS
};

/**
 * struct smappee_epoch - a straight piece of the clock
 * @index: first index that it is for
 * @time_ns: time of @index, CLOCK_MONOTONIC
 * @period: time from one index to the next, 2^-32 ns
 * @offset_ns: what to add for another clock; set by the caller of
 *	       smappee_clock_add(), once, before the epoch is used
 */
struct smappee_epoch {
	u64 index;
	s64 time_ns;
	u64 period;
	s64 offset_ns[SMAPPEE_CLOCK_OFFSETS];
};

/**
 * struct smappee_clock_point - a sync event
 * @position: index and phase of the reference, 1/256 scans
 * @time_ns: when the host saw it
 */
struct smappee_clock_point {
	u64 position;
	s64 time_ns;
};

/**
 * struct smappee_clock - the clock of a segment
 * @rate_hz: nominal sampling rate
 * @period: nominal period, or the last one fitted, 2^-32 ns
 * @points: the least late sync event of each of the last seconds
 * @n_points: how many of them
 * @bucket: position at which the second of the newest point began
 * @epochs: ring of epochs
 * @first: the oldest epoch's place in @epochs
 * @n_epochs: how many of them
 * @horizon: the first index that has not been given a time
 * @floor_ns: times given before the last restart are not later than this
 */
struct smappee_clock {
	u32 rate_hz;
	u64 period;
	struct smappee_clock_point points[SMAPPEE_CLOCK_POINTS];
	unsigned int n_points;
	u64 bucket;
	struct smappee_epoch epochs[SMAPPEE_CLOCK_EPOCHS];
	unsigned int first;
	unsigned int n_epochs;
	u64 horizon;
	s64 floor_ns;
};

void smappee_clock_init(struct smappee_clock *clock, u32 rate_hz);
void smappee_clock_restart(struct smappee_clock *clock, u32 rate_hz);
int smappee_clock_add(struct smappee_clock *clock, u64 index, u32 phase,
		      s64 time_ns);
struct smappee_epoch *smappee_clock_newest(struct smappee_clock *clock);
const struct smappee_epoch *smappee_clock_kept(const struct smappee_clock *clock,
					       unsigned int n);
const struct smappee_epoch *smappee_clock_epoch(struct smappee_clock *clock,
						u64 index, u64 end, u64 *until);
u64 smappee_clock_index(const struct smappee_clock *clock, s64 time_ns);

/**
 * smappee_epoch_time() - time of an index
 * @epoch: the epoch that the index belongs to
 * @index: the index, less than 2^32 after the epoch's first
 *
 * Return: CLOCK_MONOTONIC, ns.
 */
static inline s64 smappee_epoch_time(const struct smappee_epoch *epoch,
				     u64 index)
{
	u64 n = index - epoch->index;

	return epoch->time_ns + n * (epoch->period >> 32) +
	       (n * (u32)epoch->period >> 32);
}

/**
 * smappee_index_extend() - a 32-bit index from the wire in 64 bits
 * @near: an index that is less than 2^31 away from the result
 * @low: the 32 bits
 *
 * Return: the 64-bit index nearest to @near that ends in @low.
 */
static inline u64 smappee_index_extend(u64 near, u32 low)
{
	return near + (s64)(s32)(low - (u32)near);
}

#endif
