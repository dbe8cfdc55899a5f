// SPDX-License-Identifier: GPL-2.0
/*
 * The reference of a segment, its sync events, and the clock that they make.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>

#include "internal.h"
#include "sampler-parts.h"
#include "samples.h"
#include "trace.h"

/* Sync, until all modules are locked, and then. */
#define SYNC_FAST_NS		(100 * NSEC_PER_MSEC)
/* The clock keeps the least late event of a second: one of four is less late. */
#define SYNC_NS			(250 * NSEC_PER_MSEC)
/* The reference's restart is noticed by this many events that do not fit. */
#define SYNC_WRONG		3
/* Index spaces begin here in 64 bits, so that none goes below zero. */
#define SYNC_INDEX_BASE		BIT_ULL(32)
/* Two clocks are read within this time, or once more. */
#define SYNC_RAW_NS		(10 * NSEC_PER_USEC)
#define SYNC_RAW_TRIES		5

/* All streams begin anew: the index space changes. */
static void sync_rejoin(struct smappee_segment *segment)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		smappee_block_interrupt(module);
}

/**
 * smappee_sync_restart() - the clock begins anew, and all streams with it
 * @segment: the segment
 *
 * Times that will be given are later than all that have been.
 */
void smappee_sync_restart(struct smappee_segment *segment)
{
	struct smappee_sampler *s = segment->sampler;

	sync_rejoin(segment);
	scoped_guard(mutex, &segment->clock_lock)
		smappee_clock_restart(&segment->clock, segment->rate_hz);
	s->sync_known = false;
	s->sync_wrong = 0;
	s->sync_ns = 0;
	s->all_locked = false;
}

/**
 * smappee_sync_choose_reference() - which module answers sync?
 * @segment: the segment, its list_lock held
 *
 * The first voltage module, unless it is silent and another one is not. Streams
 * begin anew when it changes.
 */
void smappee_sync_choose_reference(struct smappee_segment *segment)
{
	struct smappee_module *best = NULL;
	struct smappee_module *module;

	lockdep_assert_held(&segment->list_lock);

	module = segment->reference;
	if (module && !(module->flags & (BIT(SMAPPEE_MODULE_SILENT) |
					 BIT(SMAPPEE_MODULE_UNUSABLE))))
		return;

	list_for_each_entry(module, &segment->modules, node) {
		if (!smappee_module_is_voltage(module) ||
		    !module->sdev.channels ||
		    test_bit(SMAPPEE_MODULE_UNUSABLE, &module->flags))
			continue;
		if (!best || (test_bit(SMAPPEE_MODULE_SILENT, &best->flags) &&
			      !test_bit(SMAPPEE_MODULE_SILENT, &module->flags)))
			best = module;
	}
	if (!best || best == segment->reference ||
	    (segment->reference &&
	     test_bit(SMAPPEE_MODULE_SILENT, &best->flags)))
		return;

	dev_info(&best->sdev.dev, "%s is the reference of the segment\n",
		 best->serial_text);
	segment->reference = best;
	list_for_each_entry(module, &segment->modules, node) {
		smappee_block_interrupt(module);
		if (smappee_module_is_voltage(module)) {
			set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
			module->look_ns = 0;
		}
	}
	/* The clock is restarted by the first answer of the new reference. */
	segment->sampler->sync_known = false;
	segment->sampler->sync_ns = 0;
}

/**
 * smappee_sync_has_clock() - is the time of an index known?
 * @segment: the segment
 *
 * Return: whether the clock has an epoch.
 */
bool smappee_sync_has_clock(struct smappee_segment *segment)
{
	/* Only this thread writes the clock. */
	return smappee_clock_newest(&segment->clock);
}

/*
 * CLOCK_MONOTONIC_RAW against CLOCK_MONOTONIC. Who is preempted between the two
 * readings tries again: stamps must not jump by that time, and then go back.
 */
static s64 sync_raw_offset(void)
{
	unsigned int tries = SYNC_RAW_TRIES;
	s64 before, raw, after;

	do {
		before = ktime_get_ns();
		raw = ktime_get_raw_ns();
		after = ktime_get_ns();
	} while (after - before > SYNC_RAW_NS && --tries);

	return raw - before - (after - before) / 2;
}

/* Set the offsets of a new epoch: one reading for all devices. */
static void sync_set_offsets(struct smappee_epoch *epoch)
{
	s64 mono = ktime_get_ns();

	epoch->offset_ns[SMAPPEE_CLOCK_REAL] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_REAL)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_BOOT] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_BOOT)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_TAI] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_TAI)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_RAW] = sync_raw_offset();
}

/* Give a sync event to the clock. */
static void sync_event(struct smappee_segment *segment,
		       const struct smappee_sync *sync, s64 seen_ns)
{
	struct smappee_sampler *s = segment->sampler;
	struct smappee_epoch *epoch;
	s64 clock_ns = 0;
	u64 period = 0;
	int ret;

	s->sync_index = smappee_index_extend(s->sync_index, sync->index);
	scoped_guard(mutex, &segment->clock_lock)
	{
		ret = smappee_clock_add(&segment->clock, s->sync_index,
					sync->phase, seen_ns);
		epoch = smappee_clock_newest(&segment->clock);
		if (ret > 0)
			sync_set_offsets(epoch);
		if (epoch) {
			clock_ns = smappee_epoch_time(epoch, max(s->sync_index,
								 epoch->index));
			period = epoch->period;
		}
	}
	trace_smappee_clock(segment->line.id, s->sync_index, sync->phase,
			    seen_ns, clock_ns, period, ret);
	/* Only this thread writes the clock. */
	if (ret > 0)
		trace_smappee_epoch(segment->line.id, epoch->index,
				    epoch->time_ns, epoch->period,
				    epoch->offset_ns[SMAPPEE_CLOCK_REAL]);

	if (ret >= 0) {
		s->sync_wrong = 0;
	} else if (++s->sync_wrong >= SYNC_WRONG) {
		dev_warn(segment->dev,
			 "sync events contradict the clock; it begins anew\n");
		smappee_sync_restart(segment);
	}
}

/*
 * A sync answer describes the first edge of the one before it. It needs that
 * one, with the number before, of the same boot.
 */
static void sync_answer(struct smappee_segment *segment,
			struct smappee_module *module,
			const struct smappee_sync *sync, s64 seen_ns)
{
	struct smappee_sampler *s = segment->sampler;
	bool first = !s->sync_known;

	if (sync->rate != segment->rate_hz) {
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
		module->look_ns = 0;
		s->sync_known = false;
		return;
	}
	if (first || sync->boot != s->sync_boot) {
		smappee_sync_restart(segment);
		smappee_module_restarted(module, sync->boot);
		s->sync_index = SYNC_INDEX_BASE + sync->index;
		s->sync_ns = ktime_get_ns() + SYNC_FAST_NS;
	} else if (sync->sequence == s->sync_sequence) {
		/* The same answer twice. */
		atomic64_inc(&segment->count.bad_answers);
		return;
	} else if (sync->sequence == (u8)(s->sync_sequence + 1)) {
		sync_event(segment, sync, s->sync_seen_ns);
	}

	s->sync_known = true;
	s->sync_boot = sync->boot;
	s->sync_sequence = sync->sequence;
	s->sync_seen_ns = seen_ns;
}

/**
 * smappee_sync_ask() - ask the reference for its index and phase
 * @segment: the segment
 * @module: its reference
 */
void smappee_sync_ask(struct smappee_segment *segment,
		      struct smappee_module *module)
{
	struct smappee_sampler *s = segment->sampler;
	struct smappee_answer answer = {
		.frame = s->answer,
		.size = sizeof(s->answer),
	};
	struct modbus_request rq;
	struct smappee_sync sync;
	s64 now = ktime_get_ns();
	int ret;

	ret = modbus_sync(&rq, module->sdev.unit);
	if (!ret)
		ret = smappee_line_transact(&segment->line, SMAPPEE_SAMPLES,
					    &rq, &answer, &module->count);
	if (!ret)
		ret = smappee_sync_parse(answer.frame, answer.len, &sync);

	s->sync_ns = now + (s->all_locked && smappee_sync_has_clock(segment) ?
				    SYNC_NS :
				    SYNC_FAST_NS);
	if (ret) {
		/* Ask again soon, but leave the line to others if that fails. */
		s->sync_misses++;
		s->sync_ns = min(s->sync_ns,
				 now + SYNC_FAST_NS * min(s->sync_misses, 10U));
		if (smappee_no_answer(ret))
			smappee_module_missed(module, now);
		return;
	}
	s->sync_misses = 0;
	smappee_module_answered(module);
	sync_answer(segment, module, &sync, answer.first_ns);
}
