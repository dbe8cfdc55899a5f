/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the poll thread share: poll.c says which registers of a Power
 * Box are read when, poll-image.c keeps what was read for those who want it.
 */
#ifndef SMAPPEE_POLL_PARTS_H
#define SMAPPEE_POLL_PARTS_H

#include <linux/build_bug.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <uapi/linux/smappee.h>

/* Powers, while nobody has a buffer on. */
#define POLL_IDLE_NS		NSEC_PER_SEC
/* Half an array of 28 items of four registers: the longest part. */
#define POLL_HALF		(SMAPPEE_PB_CHANNELS / 2 * SMAPPEE_PB_STRIDE)
/* How many parts there are; the first one, the powers, is the fast one. */
#define POLL_PARTS		18
#define POLL_FAST		0

/**
 * struct smappee_poll_part - registers that are read at once
 * @address: the first
 * @count: how many
 * @period_ns: how often, while all goes well; 0 for the powers
 */
struct smappee_poll_part {
	u16 address;
	u16 count;
	s64 period_ns;
};

extern const struct smappee_poll_part smappee_poll_parts[];

/**
 * struct smappee_poller - what is known of a Power Box's registers
 * @lock: protects @regs and @read_ns
 * @regs: the image, by part
 * @read_ns: when a part was read, CLOCK_MONOTONIC, 0 if never
 * @due_ns: when a part is read next; this and all that follow belong to the
 *	    thread
 * @hold_ns: nothing is read before this: the box is busy
 * @last_ns: time of the last powers that were delivered
 * @failed: the powers of this cycle have been asked for in vain
 */
struct smappee_poller {
	spinlock_t lock;	/* regs, read_ns */
	u16 regs[POLL_PARTS][POLL_HALF];
	s64 read_ns[POLL_PARTS];

	s64 due_ns[POLL_PARTS];
	s64 hold_ns;
	s64 last_ns;
	bool failed;
};

void smappee_poll_keep(struct smappee_poller *p, unsigned int part,
		       const u16 *values, s64 time_ns);

#endif
