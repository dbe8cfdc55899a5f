// SPDX-License-Identifier: GPL-2.0
/*
 * The sampler: one thread per segment that decides what the line is used for.
 *
 * It does one thing at a time, the first of these that is due:
 *
 *   sync		ask the reference, so that modules stay in step and the clock
 *		knows what time an index is;
 *   samples	ask a module for the block that begins at its first scan that
 *		has not been delivered;
 *   a look	read a module's status, and set its rate, format and role where
 *		they are not what they should be.
 *
 * There is no other state of a repair than that: an answer that is missing,
 * damaged or wrong leaves the index where it is, so the same block is asked for
 * again, in a moment, and scans are lost only when the module itself says that
 * they are gone. Blocks of all modules begin at the same indices, a block apart,
 * and are asked for when the clock says that they are complete. A module that
 * failed waits a little, so that it does not keep the line from the others.
 *
 * A module that does not answer several times in a row is silent: it is looked
 * at once a second, and when it answers, enumeration verifies who it is first.
 *
 * All fields of struct smappee_module that sysfs does not show, and the clock,
 * are this thread's. Others talk to it by bits in smappee_module.flags.
 */
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "enumerate.h"
#include "internal.h"
#include "sampler.h"
#include "samples.h"
#include "trace.h"

/* A block: 64, 128 or 256 scans, a power of two and 32 ms at all rates. */
#define SAMPLER_BLOCK_MS	32
/* Ask for a block this much after its last scan should be there. */
#define SAMPLER_LATE_NS		(500 * NSEC_PER_USEC)
/* One answer may keep the line for this long. */
#define SAMPLER_ANSWER_NS	(20 * NSEC_PER_MSEC)
/* Sync, until all modules are locked, and then. */
#define SAMPLER_SYNC_FAST_NS	(100 * NSEC_PER_MSEC)
#define SAMPLER_SYNC_NS		NSEC_PER_SEC
/* The reference's restart is noticed by this many events that do not fit. */
#define SAMPLER_SYNC_WRONG	3
/* Status of modules, until they are locked, then, and when silent. */
#define SAMPLER_LOOK_FAST_NS	(150 * NSEC_PER_MSEC)
#define SAMPLER_LOOK_NS		(2 * NSEC_PER_SEC)
#define SAMPLER_LOOK_SILENT_NS	NSEC_PER_SEC
/* A look that is this late goes before samples. */
#define SAMPLER_LOOK_LATE_NS	NSEC_PER_SEC
/* After this many requests without an answer a module is silent. */
#define SAMPLER_MISSES		6
/* A block whose data cannot be decoded this often will never be. */
#define SAMPLER_HOPELESS	8
/* On a bad line short answers get through; fewer scans than this never help. */
#define SAMPLER_ASK_MIN		16
/* A module that has nothing to give, or cannot, is asked again after this. */
#define SAMPLER_UNLOCKED_NS	(100 * NSEC_PER_MSEC)
/* Index spaces begin here in 64 bits, so that none goes below zero. */
#define SAMPLER_INDEX_BASE	BIT_ULL(32)
/* Two clocks are read within this time, or once more. */
#define SAMPLER_RAW_NS		(10 * NSEC_PER_USEC)
#define SAMPLER_RAW_TRIES	5
/* Scans that a module may be behind before it is given up on them. */
#define SAMPLER_BEHIND_MAX	BIT_ULL(30)
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

enum sampler_work {
	SAMPLER_NOTHING,
	SAMPLER_SYNC,
	SAMPLER_SAMPLES,
	SAMPLER_LOOK,
};

/**
 * struct sampler_choice - what to do next
 * @work: what
 * @module: with which module; holds a reference
 * @at_ns: if there is nothing to do: when there will be
 */
struct sampler_choice {
	enum sampler_work work;
	struct smappee_module *module;
	s64 at_ns;
};

/**
 * smappee_sampler_kick() - there is something new to look at
 * @segment: the segment
 */
void smappee_sampler_kick(struct smappee_segment *segment)
{
	WRITE_ONCE(segment->kick, true);
	wake_up(&segment->wake);
}

static unsigned int sampler_block(const struct smappee_segment *segment)
{
	return rounddown_pow_of_two(READ_ONCE(segment->rate_hz) *
				    SAMPLER_BLOCK_MS / MSEC_PER_SEC);
}

static bool sampler_is_voltage(const struct smappee_module *module)
{
	return module->sdev.type == SMAPPEE_TYPE_OPEN_VOLTAGE;
}

static bool sampler_locked(const struct smappee_module *module)
{
	return module->sync_state == SMAPPEE_SYNC_LOCKED ||
	       module->sync_state == SMAPPEE_SYNC_REFERENCE;
}

/* Bits that keep a module from being asked for samples. */
#define SAMPLER_NOT_READY						\
	(BIT(SMAPPEE_MODULE_GONE) | BIT(SMAPPEE_MODULE_VERIFY) |	\
	 BIT(SMAPPEE_MODULE_CONFIGURE) | BIT(SMAPPEE_MODULE_SILENT) |	\
	 BIT(SMAPPEE_MODULE_UNUSABLE))

/*
 * Tell whoever polls an attribute. Enumeration takes a module out of the list
 * before it unregisters it, so the list's lock keeps the attribute's node here.
 */
static void sampler_notify(struct smappee_module *module, const char *attr)
{
	guard(mutex)(&module->segment->list_lock);
	if (!test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		sysfs_notify(&module->sdev.dev.kobj, NULL, attr);
}

/**
 * smappee_module_set_silent() - a module stopped or began to answer
 * @module: the module
 * @silent: it does not answer
 *
 * When it answers again, enumeration verifies who it is.
 */
void smappee_module_set_silent(struct smappee_module *module, bool silent)
{
	struct smappee_device *sdev = &module->sdev;

	if (silent == test_bit(SMAPPEE_MODULE_SILENT, &module->flags))
		return;

	if (silent) {
		set_bit(SMAPPEE_MODULE_SILENT, &module->flags);
		dev_warn(&sdev->dev,
			 "%s does not answer; will look again every second\n",
			 module->serial_text);
	} else {
		set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
		clear_bit(SMAPPEE_MODULE_SILENT, &module->flags);
		dev_info(&sdev->dev, "%s answers again\n",
			 module->serial_text);
		smappee_enumerate_now(module->segment);
	}
	trace_smappee_module(module->segment->line.id, sdev->unit, silent,
			     module->sync_state, module->boot);
	sampler_notify(module, "state");
}

static void sampler_set_sync_state(struct smappee_module *module, u16 state)
{
	if (state == module->sync_state)
		return;

	WRITE_ONCE(module->sync_state, state);
	trace_smappee_module(module->segment->line.id, module->sdev.unit,
			     test_bit(SMAPPEE_MODULE_SILENT, &module->flags),
			     state, module->boot);
	sampler_notify(module, "sync_state");
}

/* Nothing came: it is silent, or the port did not even send. */
static bool sampler_no_answer(int ret)
{
	return ret == -ETIMEDOUT || ret == -EIO;
}

/* It answered, whatever it said. */
static void sampler_answered(struct smappee_module *module)
{
	module->misses = 0;
	smappee_module_set_silent(module, false);
}

/* It did not answer. Returns when to try again. */
static s64 sampler_missed(struct smappee_module *module, s64 now)
{
	static const u16 wait_ms[] = { 1, 2, 10, 40, 80, 80 };

	module->misses++;
	if (module->misses >= SAMPLER_MISSES) {
		smappee_module_set_silent(module, true);
		module->look_ns = now + SAMPLER_LOOK_SILENT_NS;
		return module->look_ns;
	}

	return now + (s64)wait_ms[module->misses] * NSEC_PER_MSEC;
}

/*
 * The boot counter of a module. If it moved, the module restarted: its settings
 * are gone, and it may be another one by now.
 */
static bool sampler_restarted(struct smappee_module *module, u8 boot)
{
	bool restarted = module->boot_known && boot != module->boot;

	WRITE_ONCE(module->boot, boot);
	module->boot_known = true;
	if (!restarted)
		return false;

	set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
	set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
	module->look_ns = 0;
	sampler_set_sync_state(module, SMAPPEE_SYNC_FREE);
	smappee_enumerate_now(module->segment);

	return true;
}

/* Time of an index; before the newest epoch only about. */
static s64 sampler_time(const struct smappee_epoch *epoch, u64 index)
{
	u64 n = epoch->index - index;

	if (index >= epoch->index)
		return smappee_epoch_time(epoch, index);

	return epoch->time_ns - n * (epoch->period >> 32) -
	       (n * (u32)epoch->period >> 32);
}

/* A stream begins anew. What it will not get is known when it goes on. */
static void sampler_interrupt(struct smappee_module *module)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&module->segment->clock);

	if (epoch && rcu_access_pointer(module->sink) &&
	    !test_bit(SMAPPEE_MODULE_JOIN, &module->flags))
		module->hole_ns = sampler_time(epoch, module->next);
	set_bit(SMAPPEE_MODULE_JOIN, &module->flags);
}

/* All streams begin anew: the index space changes. */
static void sampler_rejoin(struct smappee_segment *segment)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		sampler_interrupt(module);
}

static void sampler_restart_clock(struct smappee_segment *segment)
{
	struct smappee_sampler *s = segment->sampler;

	sampler_rejoin(segment);
	scoped_guard(mutex, &segment->clock_lock)
		smappee_clock_restart(&segment->clock, segment->rate_hz);
	s->sync_known = false;
	s->sync_wrong = 0;
	s->sync_ns = 0;
	s->all_locked = false;
}

/*
 * The module that answers sync: the first voltage module, unless it is silent
 * and another one is not.
 */
static void sampler_choose_reference(struct smappee_segment *segment)
{
	struct smappee_module *best = NULL;
	struct smappee_module *module;

	lockdep_assert_held(&segment->list_lock);

	module = segment->reference;
	if (module && !(module->flags & (BIT(SMAPPEE_MODULE_SILENT) |
					 BIT(SMAPPEE_MODULE_UNUSABLE))))
		return;

	list_for_each_entry(module, &segment->modules, node) {
		if (!sampler_is_voltage(module) || !module->sdev.channels ||
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
		sampler_interrupt(module);
		if (sampler_is_voltage(module)) {
			set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
			module->look_ns = 0;
		}
	}
	/* The clock is restarted by the first answer of the new reference. */
	segment->sampler->sync_known = false;
	segment->sampler->sync_ns = 0;
}

static bool sampler_has_clock(struct smappee_segment *segment)
{
	/* Only this thread writes the clock. */
	return smappee_clock_newest(&segment->clock);
}

/* When should the scans up to here be there? */
static s64 sampler_due(struct smappee_segment *segment, u64 index)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&segment->clock);

	/* Repairs may reach back before the newest epoch. */
	if (index < epoch->index)
		return epoch->time_ns;

	return smappee_epoch_time(epoch, index) + SAMPLER_LATE_NS;
}

static void sampler_lost(struct smappee_module *module, u64 index, u64 lost)
{
	atomic64_add(lost, &module->count.lost_scans);
	atomic64_add(lost, &module->segment->count.lost_scans);
	trace_smappee_gap(module->segment->line.id, module->sdev.unit, index,
			  lost);
}

/* Count what was skipped when the stream had to begin anew. */
static void sampler_count_hole(struct smappee_module *module)
{
	const struct smappee_epoch *epoch =
		smappee_clock_newest(&module->segment->clock);
	u64 period_ns = epoch->period >> 32;
	s64 hole_ns = sampler_time(epoch, module->next) - module->hole_ns;
	u64 lost;

	if (!test_and_clear_bit(SMAPPEE_MODULE_FRESH, &module->flags) &&
	    module->hole_ns && hole_ns > 0) {
		lost = div64_u64(hole_ns + period_ns / 2, period_ns);
		sampler_lost(module, module->next - lost, lost);
	}
	module->hole_ns = 0;
}

/* Begin at the next block, so that modules that begin together are together. */
static void sampler_join(struct smappee_module *module, s64 now)
{
	struct smappee_segment *segment = module->segment;
	unsigned int block = sampler_block(segment);

	module->next = round_up(smappee_clock_index(&segment->clock, now) + 1,
				(u64)block);
	sampler_count_hole(module);
	module->due_ns = sampler_due(segment, module->next + block);
	module->retry_ns = 0;
	module->failures = 0;
}

static void sampler_take(struct sampler_choice *choice, enum sampler_work work,
			 struct smappee_module *module)
{
	choice->work = work;
	choice->module = module;
}

/* Has the module a block to fetch? Then when. */
static bool sampler_wants_samples(struct smappee_module *module, s64 now,
				  s64 *at)
{
	if (!rcu_access_pointer(module->sink) ||
	    (READ_ONCE(module->flags) & SAMPLER_NOT_READY))
		return false;
	if (test_and_clear_bit(SMAPPEE_MODULE_JOIN, &module->flags))
		sampler_join(module, now);
	*at = max(module->due_ns, module->retry_ns);

	return true;
}

/* Decide what to do next. */
static struct sampler_choice sampler_choose(struct smappee_segment *segment,
					    s64 now)
{
	struct sampler_choice choice = { .at_ns = now + NSEC_PER_SEC };
	struct smappee_module *oldest = NULL, *look = NULL, *module;
	struct smappee_sampler *s = segment->sampler;
	bool clock = sampler_has_clock(segment);
	s64 oldest_ns = S64_MAX, look_ns = S64_MAX;
	bool all_locked = true;
	s64 at;

	guard(mutex)(&segment->list_lock);

	sampler_choose_reference(segment);
	list_for_each_entry(module, &segment->modules, node) {
		if (!module->sdev.channels)
			continue;
		if (clock && sampler_wants_samples(module, now, &at) &&
		    at < oldest_ns) {
			oldest = module;
			oldest_ns = at;
		}
		if (module->look_ns < look_ns) {
			look = module;
			look_ns = module->look_ns;
		}
		if (!test_bit(SMAPPEE_MODULE_SILENT, &module->flags) &&
		    !sampler_locked(module))
			all_locked = false;
	}
	s->all_locked = all_locked;

	if (segment->reference && s->sync_ns <= now)
		sampler_take(&choice, SAMPLER_SYNC, segment->reference);
	else if (look && look_ns <= now - SAMPLER_LOOK_LATE_NS)
		sampler_take(&choice, SAMPLER_LOOK, look);
	else if (oldest && oldest_ns <= now)
		sampler_take(&choice, SAMPLER_SAMPLES, oldest);
	else if (look && look_ns <= now)
		sampler_take(&choice, SAMPLER_LOOK, look);

	if (choice.module) {
		get_device(&choice.module->sdev.dev);
		return choice;
	}
	if (segment->reference)
		choice.at_ns = min(choice.at_ns, s->sync_ns);
	choice.at_ns = min3(choice.at_ns, oldest_ns, look_ns);

	return choice;
}

/*
 * CLOCK_MONOTONIC_RAW against CLOCK_MONOTONIC. Who is preempted between the two
 * readings tries again: stamps must not jump by that time, and then go back.
 */
static s64 sampler_raw_offset(void)
{
	unsigned int tries = SAMPLER_RAW_TRIES;
	s64 before, raw, after;

	do {
		before = ktime_get_ns();
		raw = ktime_get_raw_ns();
		after = ktime_get_ns();
	} while (after - before > SAMPLER_RAW_NS && --tries);

	return raw - before - (after - before) / 2;
}

/* Set the offsets of a new epoch: one reading for all devices. */
static void sampler_set_offsets(struct smappee_epoch *epoch)
{
	s64 mono = ktime_get_ns();

	epoch->offset_ns[SMAPPEE_CLOCK_REAL] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_REAL)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_BOOT] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_BOOT)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_TAI] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_TAI)) - mono;
	epoch->offset_ns[SMAPPEE_CLOCK_RAW] = sampler_raw_offset();
}

/* Give a sync event to the clock. */
static void sampler_sync_event(struct smappee_segment *segment,
			       const struct smappee_sync *sync, s64 seen_ns)
{
	struct smappee_sampler *s = segment->sampler;
	struct smappee_epoch *epoch;
	s64 clock_ns = 0;
	u64 period = 0;
	int ret;

	s->sync_index = smappee_index_extend(s->sync_index, sync->index);
	scoped_guard(mutex, &segment->clock_lock) {
		ret = smappee_clock_add(&segment->clock, s->sync_index,
					sync->phase, seen_ns);
		epoch = smappee_clock_newest(&segment->clock);
		if (ret > 0)
			sampler_set_offsets(epoch);
		if (epoch) {
			clock_ns = smappee_epoch_time(epoch,
						      max(s->sync_index,
							  epoch->index));
			period = epoch->period;
		}
	}
	trace_smappee_clock(segment->line.id, s->sync_index, sync->phase,
			    seen_ns, clock_ns, period, ret);

	if (ret >= 0) {
		s->sync_wrong = 0;
	} else if (++s->sync_wrong >= SAMPLER_SYNC_WRONG) {
		dev_warn(segment->dev,
			 "sync events contradict the clock; it begins anew\n");
		sampler_restart_clock(segment);
	}
}

/*
 * A sync answer describes the first edge of the one before it. It needs that
 * one, with the number before, of the same boot.
 */
static void sampler_sync_answer(struct smappee_segment *segment,
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
		sampler_restart_clock(segment);
		sampler_restarted(module, sync->boot);
		s->sync_index = SAMPLER_INDEX_BASE + sync->index;
		s->sync_ns = ktime_get_ns() + SAMPLER_SYNC_FAST_NS;
	} else if (sync->sequence == s->sync_sequence) {
		/* The same answer twice. */
		atomic64_inc(&segment->count.bad_answers);
		return;
	} else if (sync->sequence == (u8)(s->sync_sequence + 1)) {
		sampler_sync_event(segment, sync, s->sync_seen_ns);
	}

	s->sync_known = true;
	s->sync_boot = sync->boot;
	s->sync_sequence = sync->sequence;
	s->sync_seen_ns = seen_ns;
}

static void sampler_sync(struct smappee_segment *segment,
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

	s->sync_ns = now + (s->all_locked && sampler_has_clock(segment) ?
			    SAMPLER_SYNC_NS : SAMPLER_SYNC_FAST_NS);
	if (ret) {
		/* Ask again soon, but leave the line to others if that fails. */
		s->sync_misses++;
		s->sync_ns = min(s->sync_ns, now + SAMPLER_SYNC_FAST_NS *
				 min(s->sync_misses, 10U));
		if (sampler_no_answer(ret))
			sampler_missed(module, now);
		return;
	}
	s->sync_misses = 0;
	sampler_answered(module);
	sampler_sync_answer(segment, module, &sync, answer.first_ns);
}

/* Write a register if it is not what it should be. Returns 1 if written. */
static int sampler_adjust(struct smappee_module *module, const u16 *regs,
			  u16 address, u16 value)
{
	int ret;

	if (regs[address - SMAPPEE_REG_WAVEFORM] == value)
		return 0;

	ret = smappee_line_write_registers(&module->segment->line,
					   SMAPPEE_HOUSEKEEPING,
					   module->sdev.unit, address, 1,
					   &value, 2, &module->count);

	return ret ?: 1;
}

/*
 * Bring a module's settings to what they should be, one at a time, as a write
 * may restart the module. Returns 0 when all of them are.
 */
static int sampler_configure(struct smappee_module *module, const u16 *regs)
{
	struct smappee_segment *segment = module->segment;
	int ret;

	ret = sampler_adjust(module, regs, SMAPPEE_REG_RATE, segment->rate_hz);
	if (ret)
		return ret;
	ret = sampler_adjust(module, regs, SMAPPEE_REG_FORMAT,
			     module->sdev.format);
	if (ret || !sampler_is_voltage(module))
		return ret;

	return sampler_adjust(module, regs, SMAPPEE_REG_REFERENCE,
			      READ_ONCE(segment->reference) == module);
}

/* How many scans to ask for at once. */
static u16 sampler_most(const struct smappee_module *module)
{
	const struct smappee_line *line = &module->segment->line;
	unsigned int bytes = min_t(u64, SMAPPEE_SAMPLES_DATA_MAX,
				   div_u64(SAMPLER_ANSWER_NS, line->byte_ns));
	unsigned int scan = module->sdev.channels *
			    smappee_format_bits(module->sdev.format) / 8;
	unsigned int scans = bytes / scan;

	/* Packed samples take about half; the module gives what fits. */
	if (module->sdev.format == SMAPPEE_FORMAT_S16_PACKED ||
	    module->sdev.format == SMAPPEE_FORMAT_S24_PACKED)
		scans *= 2;

	return clamp(scans, sampler_block(module->segment),
		     (unsigned int)SMAPPEE_SAMPLES_SCANS_MAX);
}

/* Was a setting written, or may it be accepted later? */
static bool sampler_not_yet(int ret)
{
	switch (ret) {
	case 1:
	case -EBUSY:
	case -ETIMEDOUT:
	case -EBADMSG:
	case -EPROTO:
	case -EREMOTEIO:
	case -EIO:
	case -ESHUTDOWN:
		return true;
	default:
		return false;
	}
}

static void sampler_configured(struct smappee_module *module, int ret, s64 now)
{
	struct smappee_segment *segment = module->segment;

	if (sampler_not_yet(ret)) {
		/* Read again what it says now. */
		module->look_ns = now + SAMPLER_UNLOCKED_NS;
		return;
	}
	if (ret) {
		/* Its rate is still another one, so this comes again and again. */
		if (!test_and_set_bit(SMAPPEE_MODULE_UNUSABLE, &module->flags))
			dev_warn(&module->sdev.dev,
				 "%s refuses rate %u Hz, format %u or its role: %pe; it gives no samples\n",
				 module->serial_text, segment->rate_hz,
				 module->sdev.format, ERR_PTR(ret));
	} else {
		clear_bit(SMAPPEE_MODULE_UNUSABLE, &module->flags);
		module->most = sampler_most(module);
		module->ask = module->most;
	}
	clear_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
	wake_up_all(&segment->configured);
}

/* Read a module's status and act on it. */
static void sampler_look(struct smappee_segment *segment,
			 struct smappee_module *module)
{
	u16 regs[SMAPPEE_REG_WAVEFORM_COUNT];
	s64 now;
	int ret;

	ret = smappee_line_read_registers(&segment->line, SMAPPEE_HOUSEKEEPING,
					  module->sdev.unit,
					  SMAPPEE_REG_WAVEFORM,
					  ARRAY_SIZE(regs), regs, 1,
					  &module->count);
	now = ktime_get_ns();
	if (ret) {
		module->look_ns = now + SAMPLER_LOOK_FAST_NS;
		if (sampler_no_answer(ret))
			module->look_ns = sampler_missed(module, now);
		return;
	}

	sampler_answered(module);
	WRITE_ONCE(module->sync_offset_ns,
		   (s32)modbus_u32(&regs[SMAPPEE_REG_SYNC_OFFSET -
					 SMAPPEE_REG_WAVEFORM]));
	sampler_set_sync_state(module, regs[SMAPPEE_REG_SYNC_STATE -
					    SMAPPEE_REG_WAVEFORM]);
	module->look_ns = now + (sampler_locked(module) ? SAMPLER_LOOK_NS :
				 SAMPLER_LOOK_FAST_NS);
	if (sampler_restarted(module, regs[SMAPPEE_REG_BOOT -
					   SMAPPEE_REG_WAVEFORM]) &&
	    READ_ONCE(segment->reference) == module)
		segment->sampler->sync_ns = 0;
	if (regs[SMAPPEE_REG_RATE - SMAPPEE_REG_WAVEFORM] != segment->rate_hz)
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);

	/* Another module may answer here by now: let it be verified first. */
	if (test_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags) &&
	    !test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
		sampler_configured(module, sampler_configure(module, regs),
				   now);
	else if (test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
		module->look_ns = now + SAMPLER_LOOK_FAST_NS;
}

/*
 * A damaged answer: ask for half of what it can have held. Whoever falls behind
 * on a bad line would otherwise get ever longer answers, and none of them whole.
 */
static void sampler_ask_less(struct smappee_module *module, s64 now)
{
	u64 newest = smappee_clock_index(&module->segment->clock, now);
	u64 held = newest > module->next ? newest - module->next : 0;

	module->ask = clamp_t(u64, min_t(u64, module->ask, held) / 2,
			      SAMPLER_ASK_MIN, module->most);
}

static void sampler_failed(struct smappee_module *module, int ret)
{
	s64 now = ktime_get_ns();

	module->failures++;
	atomic64_inc(&module->count.retries);
	atomic64_inc(&module->segment->count.retries);

	if (sampler_no_answer(ret)) {
		module->retry_ns = sampler_missed(module, now);
		return;
	}
	sampler_answered(module);
	switch (ret) {
	case -EBADMSG:
		sampler_ask_less(module, now);
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

static void sampler_bad_answer(struct smappee_module *module)
{
	atomic64_inc(&module->count.bad_answers);
	atomic64_inc(&module->segment->count.bad_answers);
	sampler_failed(module, -EPROTO);
}

/* Give scans to the sink, in runs of one epoch. */
static void sampler_deliver(struct smappee_module *module, u64 index,
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
			sampler_lost(module, index, block.scans);
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
static int sampler_check(struct smappee_module *module,
			 const struct smappee_samples *samples, u64 *first)
{
	struct smappee_segment *segment = module->segment;
	const struct smappee_device *sdev = &module->sdev;
	u64 newest;

	if (samples->channels != sdev->channels)
		return -EPROTO;
	if (sampler_restarted(module, samples->boot))
		return -EAGAIN;
	if (!(samples->status & (SMAPPEE_STATUS_LOCKED |
				 SMAPPEE_STATUS_REFERENCE))) {
		if (sampler_locked(module)) {
			sampler_set_sync_state(module, SMAPPEE_SYNC_LOCKING);
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

static void sampler_accept(struct smappee_module *module,
			   const struct smappee_samples *samples, u64 first)
{
	size_t stride = ALIGN(samples->channels *
			      (smappee_format_bits(samples->format) == 16 ?
			       sizeof(s16) : sizeof(s32)), sizeof(s64)) +
			sizeof(s64);
	struct smappee_segment *segment = module->segment;
	struct smappee_sampler *s = segment->sampler;

	if (smappee_samples_unpack(samples, s->scans, stride)) {
		if (module->failures < SAMPLER_HOPELESS) {
			sampler_bad_answer(module);
			return;
		}
		/* The CRC is right, so the module itself packs nonsense. */
		sampler_lost(module, first, samples->scans);
	} else {
		if (first != module->next)
			sampler_lost(module, module->next,
				     first - module->next);
		sampler_deliver(module, first, samples->scans, stride);
		if (module->failures) {
			atomic64_inc(&module->count.repaired_blocks);
			atomic64_inc(&segment->count.repaired_blocks);
		}
	}

	module->failures = 0;
	module->retry_ns = 0;
	module->ask = min(module->ask * 2, (int)module->most);
	module->next = first + samples->scans;
	module->due_ns = sampler_due(segment,
				     module->next + sampler_block(segment));
}

/* Ask a module for its next block. */
static void sampler_samples(struct smappee_segment *segment,
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
	if (newest > module->next + SAMPLER_BEHIND_MAX) {
		newest = round_down(newest, (u64)sampler_block(segment));
		sampler_lost(module, module->next, newest - module->next);
		module->next = newest;
	}

	ret = modbus_read_samples(&rq, module->sdev.unit, module->next,
				  module->ask);
	if (!ret)
		ret = smappee_line_transact(&segment->line, SMAPPEE_SAMPLES,
					    &rq, &answer, &module->count);
	if (ret) {
		sampler_failed(module, ret);
		return;
	}
	if (smappee_samples_parse(answer.frame, answer.len, &samples)) {
		sampler_bad_answer(module);
		return;
	}

	ret = sampler_check(module, &samples, &first);
	trace_smappee_block(segment->line.id, module->sdev.unit,
			    first ?: module->next, samples.scans, samples.held,
			    samples.status);
	if (ret == -EPROTO) {
		sampler_bad_answer(module);
		return;
	}
	sampler_answered(module);
	if (ret == -EAGAIN)
		module->retry_ns = ktime_get_ns() +
				   (sampler_locked(module) ?
				    SAMPLER_BLOCK_MS * NSEC_PER_MSEC / 2 :
				    SAMPLER_UNLOCKED_NS);
	else
		sampler_accept(module, &samples, first);
}

static void sampler_sleep(struct smappee_segment *segment, s64 until_ns)
{
	s64 wait_ns = until_ns - ktime_get_ns();

	if (wait_ns <= 0)
		return;
	wait_event_interruptible_hrtimeout(segment->wake,
					   READ_ONCE(segment->kick) ||
					   kthread_should_stop(),
					   ns_to_ktime(wait_ns));
}

static int sampler_thread(void *data)
{
	struct smappee_segment *segment = data;

	while (!kthread_should_stop()) {
		struct sampler_choice choice;

		WRITE_ONCE(segment->kick, false);
		choice = sampler_choose(segment, ktime_get_ns());
		switch (choice.work) {
		case SAMPLER_SYNC:
			sampler_sync(segment, choice.module);
			break;
		case SAMPLER_SAMPLES:
			sampler_samples(segment, choice.module);
			break;
		case SAMPLER_LOOK:
			sampler_look(segment, choice.module);
			break;
		case SAMPLER_NOTHING:
			sampler_sleep(segment, choice.at_ns);
			break;
		}
		if (choice.module)
			put_device(&choice.module->sdev.dev);
		/* A line that fails at once must not keep the processor. */
		cond_resched();
	}

	return 0;
}

/**
 * smappee_sampler_start() - start the sampler of a segment
 * @segment: the segment
 *
 * Return: 0 or -ENOMEM.
 */
int smappee_sampler_start(struct smappee_segment *segment)
{
	struct task_struct *task;

	segment->sampler = kvzalloc(sizeof(*segment->sampler), GFP_KERNEL);
	if (!segment->sampler)
		return -ENOMEM;

	task = kthread_run(sampler_thread, segment, "smappee/%u",
			   segment->line.id);
	if (IS_ERR(task)) {
		kvfree(segment->sampler);
		return PTR_ERR(task);
	}
	segment->task = task;

	return 0;
}

/**
 * smappee_sampler_stop() - stop the sampler of a segment
 * @segment: the segment, whose line has been stopped
 */
void smappee_sampler_stop(struct smappee_segment *segment)
{
	kthread_stop(segment->task);
	kvfree(segment->sampler);
}

/**
 * smappee_stream_start() - begin to deliver a module's scans
 * @sdev: the module, a waveform module
 * @sink: where they go; stays valid until smappee_stream_stop() returns
 *
 * The first block begins at an index that is a multiple of 32 ms, so modules
 * that are started one after the other soon have indices in common.
 *
 * Context: may sleep.
 * Return: 0. -ENODEV the module is gone, -EOPNOTSUPP it gives no samples,
 * -EBUSY it has a sink.
 */
int smappee_stream_start(struct smappee_device *sdev, struct smappee_sink *sink)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_segment *segment = module->segment;

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;
	if (!sdev->channels)
		return -EOPNOTSUPP;

	scoped_guard(mutex, &segment->rate_lock) {
		if (rcu_access_pointer(module->sink))
			return -EBUSY;
		/* Before the sink, so that no block that is underway gets there. */
		set_bit(SMAPPEE_MODULE_FRESH, &module->flags);
		set_bit(SMAPPEE_MODULE_JOIN, &module->flags);
		rcu_assign_pointer(module->sink, sink);
		segment->streams++;
	}
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
	smappee_sampler_kick(segment);

	return 0;
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_start, SMAPPEE_BUS_NS);

/**
 * smappee_stream_stop() - deliver no more scans of a module
 * @sdev: the module
 *
 * When it returns, no push is running and none will begin.
 *
 * Context: may sleep. Not from smappee_sink.push(), and with no lock held that
 * a push may take.
 */
void smappee_stream_stop(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_segment *segment = module->segment;

	scoped_guard(mutex, &segment->rate_lock) {
		if (!rcu_access_pointer(module->sink))
			return;
		rcu_assign_pointer(module->sink, NULL);
		segment->streams--;
	}
	synchronize_srcu(&segment->sink_srcu);
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_stop, SMAPPEE_BUS_NS);

/**
 * smappee_stream_rate() - sampling rate of a module's segment
 * @sdev: the module
 *
 * Return: Hz.
 */
unsigned int smappee_stream_rate(struct smappee_device *sdev)
{
	return READ_ONCE(to_smappee_module(&sdev->dev)->segment->rate_hz);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_rate, SMAPPEE_BUS_NS);

/**
 * smappee_stream_rates() - sampling rates that all modules of a segment support
 * @sdev: one of the modules
 *
 * Return: SMAPPEE_RATES_*.
 */
unsigned int smappee_stream_rates(struct smappee_device *sdev)
{
	struct smappee_segment *segment = to_smappee_module(&sdev->dev)->segment;
	struct smappee_module *module;
	unsigned int rates = ~0U;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.channels)
			rates &= module->sdev.rates;

	return rates & (SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000 |
			SMAPPEE_RATES_8000);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_rates, SMAPPEE_BUS_NS);

static bool sampler_all_configured(struct smappee_segment *segment)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.channels &&
		    test_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags) &&
		    !test_bit(SMAPPEE_MODULE_SILENT, &module->flags))
			return false;

	return true;
}

/* The condition takes a mutex, so this is no case for wait_event(). */
static int sampler_wait_configured(struct smappee_segment *segment)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long left = 3 * HZ;
	bool done;

	add_wait_queue(&segment->configured, &wait);
	while (!(done = sampler_all_configured(segment)) && left)
		left = wait_woken(&wait, TASK_UNINTERRUPTIBLE, left);
	remove_wait_queue(&segment->configured, &wait);

	return done ? 0 : -ETIMEDOUT;
}

/**
 * smappee_stream_set_rate() - set the sampling rate of a whole segment
 * @sdev: one of its modules
 * @rate_hz: 2000, 4000 or 8000
 *
 * Waits until all modules that answer have restarted at that rate.
 *
 * Context: may sleep, for up to three seconds.
 * Return: 0. -EINVAL if not all modules support it, -EBUSY while a module of the
 * segment streams, -ETIMEDOUT if a module does not confirm it in time; it will
 * be set again until it does.
 */
int smappee_stream_set_rate(struct smappee_device *sdev, unsigned int rate_hz)
{
	struct smappee_segment *segment = to_smappee_module(&sdev->dev)->segment;
	unsigned int rates = smappee_stream_rates(sdev);
	struct smappee_module *module;

	if (!((rate_hz == 2000 && (rates & SMAPPEE_RATES_2000)) ||
	      (rate_hz == 4000 && (rates & SMAPPEE_RATES_4000)) ||
	      (rate_hz == 8000 && (rates & SMAPPEE_RATES_8000))))
		return -EINVAL;

	guard(mutex)(&segment->rate_lock);
	if (segment->streams)
		return -EBUSY;
	if (segment->rate_hz == rate_hz)
		return 0;

	scoped_guard(mutex, &segment->list_lock) {
		WRITE_ONCE(segment->rate_hz, rate_hz);
		list_for_each_entry(module, &segment->modules, node) {
			set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
			WRITE_ONCE(module->look_ns, 0);
		}
	}
	smappee_sampler_kick(segment);

	return sampler_wait_configured(segment);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_set_rate, SMAPPEE_BUS_NS);
