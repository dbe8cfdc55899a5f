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
 *
 * This file is the thread and its choice; what it does is in sync.c, block.c and
 * look.c.
 */
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "sampler-parts.h"
#include "sampler.h"

/* A look that is this late goes before samples. */
#define SAMPLER_LOOK_LATE_NS	NSEC_PER_SEC

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

static void sampler_take(struct sampler_choice *choice, enum sampler_work work,
			 struct smappee_module *module)
{
	choice->work = work;
	choice->module = module;
}

/* Decide what to do next. */
static struct sampler_choice sampler_choose(struct smappee_segment *segment,
					    s64 now)
{
	struct sampler_choice choice = { .at_ns = now + NSEC_PER_SEC };
	struct smappee_module *oldest = NULL, *look = NULL, *module;
	struct smappee_sampler *s = segment->sampler;
	bool clock = smappee_sync_has_clock(segment);
	s64 oldest_ns = S64_MAX, look_ns = S64_MAX;
	bool all_locked = true;
	s64 at;

	guard(mutex)(&segment->list_lock);

	smappee_sync_choose_reference(segment);
	list_for_each_entry(module, &segment->modules, node) {
		if (!module->sdev.channels)
			continue;
		if (clock && smappee_block_wanted(module, now, &at) &&
		    at < oldest_ns) {
			oldest = module;
			oldest_ns = at;
		}
		if (module->look_ns < look_ns) {
			look = module;
			look_ns = module->look_ns;
		}
		if (!test_bit(SMAPPEE_MODULE_SILENT, &module->flags) &&
		    !smappee_module_locked(module))
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

static int sampler_thread(void *data)
{
	struct smappee_segment *segment = data;

	while (!kthread_should_stop()) {
		struct sampler_choice choice;

		if (kthread_should_park())
			kthread_parkme();
		WRITE_ONCE(segment->kick, false);
		choice = sampler_choose(segment, ktime_get_ns());
		switch (choice.work) {
		case SAMPLER_SYNC:
			smappee_sync_ask(segment, choice.module);
			break;
		case SAMPLER_SAMPLES:
			smappee_block_ask(segment, choice.module);
			break;
		case SAMPLER_LOOK:
			smappee_look(segment, choice.module);
			break;
		case SAMPLER_NOTHING:
			smappee_segment_sleep(segment, choice.at_ns);
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
 * smappee_sampler_resume() - forget what was true before a sleep
 * @segment: the segment, its thread parked
 *
 * Modules went on sampling, or were without power; CLOCK_MONOTONIC stood still.
 * So the clock begins anew, and so do all streams, once enumeration has seen that
 * the modules are still the same.
 */
void smappee_sampler_resume(struct smappee_segment *segment)
{
	struct smappee_module *module;

	smappee_sync_restart(segment);
	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node) {
		set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
		module->misses = 0;
		module->look_ns = 0;
	}
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
