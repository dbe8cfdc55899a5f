// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a module answers, is in step and is still running: what all parts of
 * the sampler learn about it from its answers, and from answers that are missing.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sysfs.h>

#include "enumerate.h"
#include "internal.h"
#include "sampler-parts.h"
#include "sampler.h"
#include "trace.h"

/* When a silent module is looked at again. */
#define HEALTH_SILENT_NS	NSEC_PER_SEC
/*
 * After this many requests without an answer a module is silent, but not before
 * this time: several ask it at once, and scans that it keeps shall not be given up.
 */
#define HEALTH_MISSES		6
#define HEALTH_MISSING_NS	(300 * NSEC_PER_MSEC)

/*
 * Tell whoever polls an attribute. Enumeration takes a module out of the list
 * before it unregisters it, so the list's lock keeps the attribute's node here.
 */
static void health_notify(struct smappee_module *module, const char *attr)
{
	struct smappee_module *other;

	guard(mutex)(&module->segment->list_lock);
	/* What is behind a Power Box is as silent as the box. */
	list_for_each_entry(other, &module->segment->modules, node)
		if (other == module || other->box == module)
			sysfs_notify(&other->sdev.dev.kobj, NULL, attr);
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
		atomic_inc(&module->renewals);
		set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
		clear_bit(SMAPPEE_MODULE_SILENT, &module->flags);
		dev_info(&sdev->dev, "%s answers again\n", module->serial_text);
		smappee_enumerate_now(module->segment);
	}
	trace_smappee_module(module->segment->line.id, sdev->unit, silent,
			     module->sync_state, module->boot);
	health_notify(module, "state");
}

/**
 * smappee_module_set_sync_state() - what a module says of its own clock
 * @module: the module
 * @state: SMAPPEE_SYNC_*
 */
void smappee_module_set_sync_state(struct smappee_module *module, u16 state)
{
	if (state == module->sync_state)
		return;

	WRITE_ONCE(module->sync_state, state);
	trace_smappee_module(module->segment->line.id, module->sdev.unit,
			     test_bit(SMAPPEE_MODULE_SILENT, &module->flags),
			     state, module->boot);
	health_notify(module, "sync_state");
}

/**
 * smappee_module_answered() - a module answered, whatever it said
 * @module: the module
 */
void smappee_module_answered(struct smappee_module *module)
{
	module->misses = 0;
	smappee_module_set_silent(module, false);
}

/**
 * smappee_module_missed() - a module did not answer
 * @module: the module
 * @now: CLOCK_MONOTONIC
 *
 * Return: when to try again.
 */
s64 smappee_module_missed(struct smappee_module *module, s64 now)
{
	static const u16 wait_ms[] = { 2, 10, 40, 80 };
	unsigned int last = ARRAY_SIZE(wait_ms) - 1;

	if (!module->misses++)
		module->missing_ns = now;
	if (module->misses >= HEALTH_MISSES &&
	    now - module->missing_ns >= HEALTH_MISSING_NS) {
		smappee_module_set_silent(module, true);
		module->look_ns = now + HEALTH_SILENT_NS;
		return module->look_ns;
	}

	return now + (s64)wait_ms[min(module->misses - 1, last)] * NSEC_PER_MSEC;
}

/**
 * smappee_module_restarted() - take in a module's boot counter
 * @module: the module
 * @boot: the counter
 *
 * If it moved, the module restarted: its settings may be gone, and it may be another
 * one by now.
 *
 * Return: whether it did.
 */
bool smappee_module_restarted(struct smappee_module *module, u8 boot)
{
	bool restarted = module->boot_known && boot != module->boot;

	WRITE_ONCE(module->boot, boot);
	module->boot_known = true;
	if (!restarted)
		return false;

	set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
	set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
	module->look_ns = 0;
	smappee_module_set_sync_state(module, SMAPPEE_SYNC_FREE);
	smappee_enumerate_now(module->segment);

	return true;
}
