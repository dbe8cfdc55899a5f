// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of samples: which one a module is asked for next and when, whether what
 * comes is that one, and its delivery to the sink with the times of its scans.
 *
 * An answer that is missing, damaged or wrong leaves smappee_module.next where it
 * is. That is all there is to a repair.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "enumerate.h"
#include "internal.h"
#include "sampler-parts.h"
#include "samples.h"
#include "trace.h"

/* Ask for a block this much after its last scan should be there. */
#define BLOCK_LATE_NS		(500 * NSEC_PER_USEC)
/* A block whose data cannot be decoded this often will never be. */
#define BLOCK_HOPELESS		8
/* After so many damaged answers in a row: is it alone at its address? */
#define BLOCK_CROWDED		6
/* On a bad line short answers get through; fewer scans than this never help. */
#define BLOCK_ASK_MIN		16
/* Scans that a module may be behind before it is given up on them. */
#define BLOCK_BEHIND_MAX	BIT_ULL(30)

/* Bits that keep a module from being asked for samples. */
#define BLOCK_NOT_READY							\
	(BIT(SMAPPEE_MODULE_GONE) | BIT(SMAPPEE_MODULE_VERIFY) |	\
	 BIT(SMAPPEE_MODULE_CONFIGURE) | BIT(SMAPPEE_MODULE_SILENT) | \
	 BIT(SMAPPEE_MODULE_UNUSABLE))

/* Time of an index; before the newest epoch only about. */
static s64 block_time(const struct smappee_epoch *epoch, u64 index)
{
	u64 n = epoch->index - index;

	if (index >= epoch->index)
		return smappee_epoch_time(epoch, index);

	return epoch->time_ns - n * (epoch->period >> 32) -
	       (n * (u32)epoch->period >> 32);
}

/**
 * smappee_block_interrupt() - a module's stream begins anew
 * @module: the module
 *
 * What the stream will not get is known and counted when it goes on.
 */
void smappee_block_interrupt(struct smappee_module *module)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&module->segment->clock);

	if (epoch && rcu_access_pointer(module->sink) &&
	    !test_bit(SMAPPEE_MODULE_JOIN, &module->flags))
		module->hole_ns = block_time(epoch, module->next) +
				  epoch->offset_ns[SMAPPEE_CLOCK_BOOT];
	set_bit(SMAPPEE_MODULE_JOIN, &module->flags);
}

/* When should the scans up to here be there? */
static s64 block_due(struct smappee_segment *segment, u64 index)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&segment->clock);

	/* Repairs may reach back before the newest epoch. */
	if (index < epoch->index)
		return epoch->time_ns;

	return smappee_epoch_time(epoch, index) + BLOCK_LATE_NS;
}

static void block_lost(struct smappee_module *module, u64 index, u64 lost)
{
	atomic64_add(lost, &module->count.lost_scans);
	atomic64_add(lost, &module->segment->count.lost_scans);
	trace_smappee_gap(module->segment->line.id, module->sdev.unit, index,
			  lost);
}

/* Count what was skipped when the stream had to begin anew. */
static void block_count_hole(struct smappee_module *module)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&module->segment->clock);
	u64 period_ns = epoch->period >> 32;
	s64 hole_ns = block_time(epoch, module->next) +
		      epoch->offset_ns[SMAPPEE_CLOCK_BOOT] - module->hole_ns;
	u64 lost;

	if (!test_and_clear_bit(SMAPPEE_MODULE_FRESH, &module->flags) &&
	    module->hole_ns && hole_ns > 0) {
		lost = div64_u64(hole_ns + period_ns / 2, period_ns);
		block_lost(module, module->next - lost, lost);
	}
	module->hole_ns = 0;
}

/* Begin at the next block, so that modules that begin together are together. */
static void block_join(struct smappee_module *module, s64 now)
{
	struct smappee_segment *segment = module->segment;
	unsigned int block = smappee_sampler_block(segment);

	module->next = round_up(smappee_clock_index(&segment->clock, now) + 1,
				(u64)block);
	block_count_hole(module);
	module->due_ns = block_due(segment, module->next + block);
	module->retry_ns = 0;
	module->failures = 0;
}

/**
 * smappee_block_wanted() - has a module a block to fetch?
 * @module: the module, while the clock has an epoch
 * @now: CLOCK_MONOTONIC
 * @at: if so, when to ask for it
 *
 * Return: whether it streams and is ready to be asked.
 */
bool smappee_block_wanted(struct smappee_module *module, s64 now, s64 *at)
{
	if (!rcu_access_pointer(module->sink) ||
	    (READ_ONCE(module->flags) & BLOCK_NOT_READY))
		return false;
	if (test_and_clear_bit(SMAPPEE_MODULE_JOIN, &module->flags))
		block_join(module, now);
	*at = max(module->due_ns, module->retry_ns);

	return true;
}

/*
 * A damaged answer: ask for half of what it can have held. Whoever falls behind
 * on a bad line would otherwise get ever longer answers, and none of them whole.
 */
static void block_ask_less(struct smappee_module *module, s64 now)
{
	u64 newest = smappee_clock_index(&module->segment->clock, now);
	u64 held = newest > module->next ? newest - module->next : 0;

	module->ask = clamp_t(u64, min_t(u64, module->ask, held) / 2,
			      BLOCK_ASK_MIN, module->most);
}

static void block_failed(struct smappee_module *module, int ret)
{
	s64 now = ktime_get_ns();

	module->failures++;
	/* Twice the same address damages every answer. */
	if (module->failures == BLOCK_CROWDED && !smappee_no_answer(ret))
		smappee_enumerate_crowded(module);
	atomic64_inc(&module->count.retries);
	atomic64_inc(&module->segment->count.retries);

	if (smappee_no_answer(ret)) {
		module->retry_ns = smappee_module_missed(module, now);
		return;
	}
	smappee_module_answered(module);
	switch (ret) {
	case -EBADMSG:
		block_ask_less(module, now);
		fallthrough;
	case -EPROTO:
		module->retry_ns = now + NSEC_PER_MSEC *
				   min(module->failures, 8U);
		break;
	default:
		module->retry_ns = now + SAMPLER_UNLOCKED_NS;
		break;
	}
}

static void block_bad_answer(struct smappee_module *module)
{
	atomic64_inc(&module->count.bad_answers);
	atomic64_inc(&module->segment->count.bad_answers);
	block_failed(module, -EPROTO);
}

/* Give scans to the sink, in runs of one epoch. */
static void block_deliver(struct smappee_module *module, u64 index,
			  unsigned int scans, size_t stride)
{
	struct smappee_segment *segment = module->segment;
	struct smappee_sampler *s = segment->sampler;
	struct smappee_times times;
	struct smappee_block block = {
		.bits = smappee_format_bits(module->sdev.format),
		.data = s->scans,
		.stride = stride,
		.times = &times,
	};
	const u64 end = index + scans;
	const struct smappee_epoch *epoch;
	struct smappee_sink *sink;
	unsigned int i;
	u64 until;
	int srcu;

	for (; index < end; index = until) {
		mutex_lock(&segment->clock_lock);
		epoch = smappee_clock_epoch(&segment->clock, index, end,
					    &until);
		block.scans = until - index;
		for (i = 0; epoch && i < block.scans; i++)
			s->time_ns[i] = smappee_epoch_time(epoch, index + i);
		if (epoch)
			memcpy(times.offset_ns, epoch->offset_ns,
			       sizeof(times.offset_ns));
		mutex_unlock(&segment->clock_lock);
		if (!epoch) {
			/* Older than the clock remembers. */
			block_lost(module, index, block.scans);
			block.data += block.scans * stride;
			continue;
		}
		block.index = index;
		block.time_ns = s->time_ns;

		srcu = srcu_read_lock(&segment->sink_srcu);
		sink = srcu_dereference(module->sink, &segment->sink_srcu);
		/* A sink that has just come wants to begin at a block. */
		if (sink && !test_bit(SMAPPEE_MODULE_JOIN, &module->flags))
			sink->push(sink, &block);
		srcu_read_unlock(&segment->sink_srcu, srcu);
		block.data += block.scans * stride;
	}
}

/*
 * Is this the block that was asked for? Returns its 64-bit index in @first, or
 * an error: -EPROTO if it is not, -EAGAIN if the module has nothing to give now.
 */
static int block_check(struct smappee_module *module,
		       const struct smappee_samples *samples, u64 *first)
{
	struct smappee_segment *segment = module->segment;
	const struct smappee_device *sdev = &module->sdev;
	u64 newest;

	if (samples->channels != sdev->channels)
		return -EPROTO;
	if (smappee_module_restarted(module, samples->boot))
		return -EAGAIN;
	if (!(samples->status &
	      (SMAPPEE_STATUS_LOCKED | SMAPPEE_STATUS_REFERENCE))) {
		if (smappee_module_locked(module)) {
			smappee_module_set_sync_state(module,
						      SMAPPEE_SYNC_LOCKING);
			module->look_ns = 0;
		}
		return -EAGAIN;
	}
	if (!samples->scans)
		return -EAGAIN;
	if (smappee_format_bits(samples->format) !=
	    smappee_format_bits(sdev->format))
		return -EPROTO;

	*first = smappee_index_extend(module->next, samples->index);
	if (*first == module->next)
		return 0;
	if (*first < module->next ||
	    !(samples->status & SMAPPEE_STATUS_OVERWRITTEN))
		return -EPROTO;

	/*
	 * Scans are gone, it says. Believe it if what it gives lies in the past
	 * of the clock; if not, one of us has not noticed yet that the
	 * reference restarted.
	 */
	newest = smappee_clock_index(&segment->clock, ktime_get_ns()) +
		 segment->rate_hz / 2;

	return *first + samples->scans > newest ? -EAGAIN : 0;
}

static void block_accept(struct smappee_module *module,
			 const struct smappee_samples *samples, u64 first)
{
	size_t stride =
		ALIGN(samples->channels *
			      (smappee_format_bits(samples->format) == 16 ?
				       sizeof(s16) :
				       sizeof(s32)),
		      sizeof(s64)) +
		sizeof(s64);
	struct smappee_segment *segment = module->segment;
	struct smappee_sampler *s = segment->sampler;

	if (smappee_samples_unpack(samples, s->scans, stride)) {
		if (module->failures < BLOCK_HOPELESS) {
			block_bad_answer(module);
			return;
		}
		/* The CRC is right, so the module itself packs nonsense. */
		block_lost(module, first, samples->scans);
	} else {
		if (first != module->next)
			block_lost(module, module->next, first - module->next);
		block_deliver(module, first, samples->scans, stride);
		if (module->failures) {
			atomic64_inc(&module->count.repaired_blocks);
			atomic64_inc(&segment->count.repaired_blocks);
		}
	}

	module->failures = 0;
	module->retry_ns = 0;
	module->ask = min(module->ask * 2, (int)module->most);
	module->next = first + samples->scans;
	module->due_ns = block_due(segment, module->next +
				   smappee_sampler_block(segment));
}

/**
 * smappee_block_ask() - ask a module for its next block, and deliver it
 * @segment: the segment
 * @module: the module; smappee_block_wanted()
 */
void smappee_block_ask(struct smappee_segment *segment,
		       struct smappee_module *module)
{
	struct smappee_sampler *s = segment->sampler;
	struct smappee_answer answer = {
		.frame = s->answer,
		.size = sizeof(s->answer),
	};
	struct smappee_samples samples;
	struct modbus_request rq;
	u64 first = 0;
	u64 newest;
	int ret;

	/* So far behind that the 32 bits on the wire would mean the future. */
	newest = smappee_clock_index(&segment->clock, ktime_get_ns());
	if (newest > module->next + BLOCK_BEHIND_MAX) {
		newest =
			round_down(newest, (u64)smappee_sampler_block(segment));
		block_lost(module, module->next, newest - module->next);
		module->next = newest;
	}

	ret = modbus_read_samples(&rq, module->sdev.unit, module->next,
				  module->ask);
	if (!ret)
		ret = smappee_line_transact(&segment->line, SMAPPEE_SAMPLES,
					    &rq, &answer, &module->count);
	if (ret) {
		block_failed(module, ret);
		return;
	}
	if (smappee_samples_parse(answer.frame, answer.len, &samples)) {
		block_bad_answer(module);
		return;
	}

	ret = block_check(module, &samples, &first);
	trace_smappee_block(segment->line.id, module->sdev.unit,
			    first ?: module->next, samples.scans, samples.held,
			    samples.status);
	if (ret == -EPROTO) {
		block_bad_answer(module);
		return;
	}
	smappee_module_answered(module);
	if (ret == -EAGAIN)
		module->retry_ns =
			ktime_get_ns() +
			(smappee_module_locked(module) ?
				 SAMPLER_BLOCK_MS * NSEC_PER_MSEC / 2 :
				 SAMPLER_UNLOCKED_NS);
	else
		block_accept(module, &samples, first);
}
