/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the sampler share: sampler.c decides what is next, sync.c,
 * block.c and look.c each do one kind of it, health.c keeps what they learn about
 * a module. All of it runs in the sampler thread, unless it says otherwise.
 */
#ifndef SMAPPEE_SAMPLER_PARTS_H
#define SMAPPEE_SAMPLER_PARTS_H

#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/time64.h>

#include "internal.h"

/* A block: 64, 128 or 256 scans, a power of two and 32 ms at all rates. */
#define SAMPLER_BLOCK_MS	32
/* A module that has nothing to give, or cannot, is asked again after this. */
#define SAMPLER_UNLOCKED_NS	(100 * NSEC_PER_MSEC)
/* A scan as the sinks want it: samples, padding, and room for a time. */
#define SAMPLER_STRIDE_MAX	(SMAPPEE_CHANNELS_MAX * sizeof(s32) + sizeof(s64))

/**
 * struct smappee_sampler - what only the sampler thread knows
 * @sync_ns: when to sync next, CLOCK_MONOTONIC
 * @sync_known: @sync_sequence to @sync_index are those of the last answer
 * @sync_sequence: its number
 * @sync_boot: boot counter of the reference
 * @sync_seen_ns: when it arrived
 * @sync_index: last index of the reference that is known, 64 bits
 * @sync_misses: sync requests in a row without a good answer
 * @sync_wrong: sync events in a row that the clock did not believe
 * @all_locked: all modules that answer are locked
 * @answer: frame of a sample block
 * @scans: its decoded scans
 * @time_ns: their times
 */
struct smappee_sampler {
	s64 sync_ns;
	bool sync_known;
	u8 sync_sequence;
	u8 sync_boot;
	s64 sync_seen_ns;
	u64 sync_index;
	unsigned int sync_misses;
	unsigned int sync_wrong;
	bool all_locked;
	u8 answer[SMAPPEE_FRAME_MAX_SAMPLES];
	u8 scans[SMAPPEE_SAMPLES_SCANS_MAX * SAMPLER_STRIDE_MAX] __aligned(8);
	s64 time_ns[SMAPPEE_SAMPLES_SCANS_MAX];
};

/* Scans of a block at the segment's rate. */
static inline unsigned int
smappee_sampler_block(const struct smappee_segment *segment)
{
	return rounddown_pow_of_two(READ_ONCE(segment->rate_hz) *
				    SAMPLER_BLOCK_MS / MSEC_PER_SEC);
}

static inline bool
smappee_module_is_voltage(const struct smappee_module *module)
{
	return module->sdev.type == SMAPPEE_TYPE_OPEN_VOLTAGE;
}

static inline bool smappee_module_locked(const struct smappee_module *module)
{
	return module->sync_state == SMAPPEE_SYNC_LOCKED ||
	       module->sync_state == SMAPPEE_SYNC_REFERENCE;
}

/* Nothing came: it is silent, or the port did not even send. */
static inline bool smappee_no_answer(int ret)
{
	return ret == -ETIMEDOUT || ret == -EIO;
}

/* health.c */
void smappee_module_set_sync_state(struct smappee_module *module, u16 state);
void smappee_module_answered(struct smappee_module *module);
s64 smappee_module_missed(struct smappee_module *module, s64 now);
bool smappee_module_restarted(struct smappee_module *module, u8 boot);

/* sync.c */
void smappee_sync_choose_reference(struct smappee_segment *segment);
void smappee_sync_restart(struct smappee_segment *segment);
bool smappee_sync_has_clock(struct smappee_segment *segment);
void smappee_sync_ask(struct smappee_segment *segment,
		      struct smappee_module *module);

/* block.c */
void smappee_block_interrupt(struct smappee_module *module);
bool smappee_block_wanted(struct smappee_module *module, s64 now, s64 *at);
void smappee_block_ask(struct smappee_segment *segment,
		       struct smappee_module *module);

/* look.c */
void smappee_look(struct smappee_segment *segment,
		  struct smappee_module *module);

#endif
