// SPDX-License-Identifier: GPL-2.0
/*
 * Enumeration: ask the units that the firmware description lists, then all
 * others of the scan range, who they are; compare with what is known; register
 * what is new and unregister what is no longer there. A module that is still
 * the same is left alone, whatever it is doing.
 *
 * All of it happens in one work item per segment, so nothing here runs twice at
 * a time and nothing is registered under a lock. Transactions have the lowest
 * priority and a share of the line: streams go on while a segment is scanned.
 *
 * On a segment of register modules there is a Power Box, and its device table
 * tells what is behind it. A read of the table is compared in the same way.
 *
 * Modules without an address, and those that share one, are search.c's business:
 * it ends in smappee_enumerate_unit() for the address that was assigned.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/property.h>

#include "describe.h"
#include "enumerate.h"
#include "internal.h"
#include "mains.h"
#include "problems.h"
#include "registry.h"
#include "sampler.h"
#include "search.h"
#include "trace.h"

/* Looks in a row without an answer, after which a module is silent. */
#define ENUMERATE_ABSENT	3
/* Bursts of unasked bytes between two looks that noise does not explain. */
#define ENUMERATE_BABBLE	10
/* A unit that is listed, or known, is asked more often than any other. */
#define ENUMERATE_TRIES_KNOWN	3
#define ENUMERATE_TRIES		2
/* While something that should be there is missing, look again this often. */
#define ENUMERATE_AGAIN_MS	5000
/* Has anybody connected a module that does not belong beside a Power Box? */
#define ENUMERATE_STRANGERS_MS	60000
/* A module that verification could not reach is verified again after this. */
#define ENUMERATE_VERIFY_MS	500
/* Of units that seem to be shared, one is searched at each look; the next one then. */
#define ENUMERATE_CROWDS_MS	500

/* Say why we do not take the module that answers. */
static void enumerate_refuse(struct smappee_segment *segment, u8 unit,
			     const struct smappee_identity *id, int why)
{
	if (!test_and_set_bit(unit, segment->refused))
		trace_smappee_enumerate(segment->line.id, unit, id->type,
					id->serial, SMAPPEE_ENUMERATE_REFUSED);
	if (why == -EPROTONOSUPPORT)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_FIRMWARE, unit,
				    "unit %u (%04u%06u): firmware %u.%u is too old, its registers are others; update it to %u.%u or later",
				    unit, id->type, id->serial,
				    id->firmware_major, id->firmware_minor,
				    SMAPPEE_PB_FW_MAJOR_MIN,
				    SMAPPEE_PB_FW_MINOR_MIN);
	else if (segment->registers)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit,
				    "unit %u (%04u%06u) is no Power Box; on this segment nothing else is supported",
				    unit, id->type, id->serial);
	else
		smappee_problem_set(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit,
				    "unit %u (%04u%06u) is a Power Box; connect it to a segment of register modules",
				    unit, id->type, id->serial);
}

/* What was wrong with the module at a unit no longer is. */
static void enumerate_accept(struct smappee_segment *segment, u8 unit)
{
	clear_bit(unit, segment->refused);
	smappee_problem_clear(segment, SMAPPEE_PROBLEM_FIRMWARE, unit);
	smappee_problem_clear(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT, unit);
}

/*
 * The same serial number is known at another unit. Either the module has been
 * given another address, or it answers at two.
 */
static int enumerate_moved(struct smappee_segment *segment, u8 unit,
			   const struct smappee_identity *id)
{
	struct smappee_module *module;
	struct smappee_identity there;

	module = smappee_registry_find_serial(segment, id->type, id->serial);
	if (!module || module->sdev.unit == unit)
		return 0;
	if (!smappee_identify(segment, module->sdev.unit,
			      ENUMERATE_TRIES_KNOWN, &there) &&
	    smappee_registry_same(module, &there)) {
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING,
				    module->sdev.unit,
				    "unit %u (%s) answers for unit %u, too; replace it",
				    module->sdev.unit, module->serial_text,
				    unit);
		return -EEXIST;
	}
	smappee_registry_remove(segment, module, "it has another address now");

	return 0;
}

/**
 * smappee_enumerate_unit() - who is at this unit? Make the list of modules say so
 * @segment: the segment
 * @unit: unit address
 * @tries: how often to ask
 * @drop_silent: remove a silent module that does not answer now either
 *
 * Context: the enumeration work.
 * Return: 0 if there is a module that is registered, -ETIMEDOUT if nobody answers,
 * or why who answers is not registered.
 */
int smappee_enumerate_unit(struct smappee_segment *segment, u8 unit,
			   unsigned int tries, bool drop_silent)
{
	struct smappee_module *module = smappee_registry_find(segment, unit, -1);
	struct smappee_identity id;
	int ret;

	ret = smappee_identify(segment, unit, tries, &id);
	if (ret == -ENODEV || ret == -EPROTONOSUPPORT) {
		enumerate_refuse(segment, unit, &id, ret);
		if (module)
			smappee_registry_remove(segment, module,
						"another module answers for it");
		return ret;
	}
	if (ret == -ETIMEDOUT && drop_silent) {
		clear_bit(unit, segment->heard);
		enumerate_accept(segment, unit);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_TOO_MANY_INPUTS,
				      unit);
		if (module && test_bit(SMAPPEE_MODULE_SILENT, &module->flags))
			smappee_registry_remove(segment, module, "it does not answer");
	}
	if (ret) {
		if (!module && ret != -ETIMEDOUT && ret != -ESHUTDOWN)
			set_bit(unit, segment->heard);
		/* Nobody but us may ask it; the next work looks who else is there. */
		if (module && !segment->registers &&
		    (ret == -EBADMSG || ret == -EPROTO))
			set_bit(SMAPPEE_MODULE_CROWDED, &module->flags);
		return ret;
	}

	enumerate_accept(segment, unit);
	if (module && smappee_registry_same(module, &id)) {
		atomic_inc(&module->renewals);
		if (test_and_clear_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
			smappee_sampler_kick(segment);
		return segment->registers ? smappee_registry_table(module) : 0;
	}
	if (module)
		smappee_registry_remove(segment, module, "another module answers for it");

	ret = enumerate_moved(segment, unit, &id);
	if (ret)
		return ret;
	ret = smappee_registry_add(segment, unit, &id);
	assign_bit(unit, segment->heard, ret);
	if (ret || !segment->registers)
		return ret;

	return smappee_registry_table(smappee_registry_find(segment, unit, -1));
}

/**
 * smappee_enumerate_verify() - are modules that restarted or came back the same?
 * @segment: the segment
 *
 * A scan calls this between any two questions, so a module that failed is left alone
 * for a while.
 *
 * Context: the enumeration work.
 * Return: all that had to be looked at are registered.
 */
bool smappee_enumerate_verify(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	bool all = true;
	unsigned int unit;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node) {
			if (!test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
				continue;
			if (time_before(jiffies, module->verify_at)) {
				all = false;
				continue;
			}
			module->verify_at = jiffies +
				msecs_to_jiffies(ENUMERATE_VERIFY_MS);
			set_bit(module->sdev.unit, units);
		}

	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1)
		if (smappee_enumerate_unit(segment, unit, 1, false))
			all = false;

	return all;
}

/*
 * Modules whose answers are damaged again and again: are they alone? On a line that
 * damages everything all of them are asked about, so it is one at a look. Returns
 * whether there are more.
 */
static bool enumerate_crowds(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	unsigned int unit;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node)
			if (test_bit(SMAPPEE_MODULE_CROWDED, &module->flags))
				set_bit(module->sdev.unit, units);

	unit = find_next_bit(units, SMAPPEE_UNIT_MAX + 1, segment->crowd + 1);
	if (unit > SMAPPEE_UNIT_MAX)
		unit = find_first_bit(units, SMAPPEE_UNIT_MAX + 1);
	if (unit > SMAPPEE_UNIT_MAX)
		return false;
	module = smappee_registry_find(segment, unit, -1);
	if (module)
		clear_bit(SMAPPEE_MODULE_CROWDED, &module->flags);
	segment->crowd = unit;
	clear_bit(unit, units);
	smappee_search_unit(segment, unit);

	return !bitmap_empty(units, SMAPPEE_UNIT_MAX + 1);
}

/* Modules that are not sampled and have no driver are asked by nobody else. */
static void enumerate_ping(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1) = {};
	struct smappee_module *module;
	unsigned int unit;
	int ret;

	scoped_guard(mutex, &segment->list_lock)
		list_for_each_entry(module, &segment->modules, node)
			if (!module->sdev.channels &&
			    !READ_ONCE(module->sdev.dev.driver))
				set_bit(module->sdev.unit, units);

	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1) {
		ret = smappee_enumerate_unit(segment, unit, 1, false);
		module = smappee_registry_find(segment, unit, -1);
		if (!module || ret == -ESHUTDOWN)
			continue;
		if (ret != -ETIMEDOUT) {
			module->absent = 0;
			smappee_module_set_silent(module, false);
		} else if (++module->absent >= ENUMERATE_ABSENT) {
			smappee_module_set_silent(module, true);
		}
	}
}

/* Does something send that nobody has asked? Twice in a row is no accident. */
static void enumerate_babble(struct smappee_segment *segment)
{
	unsigned int strays;
	u8 unit;

	strays = smappee_line_strays(&segment->line, &unit);
	if (strays < ENUMERATE_BABBLE) {
		if (segment->babbles)
			smappee_problem_clear(segment,
					      SMAPPEE_PROBLEM_BABBLING, -1);
		segment->babbles = 0;
		return;
	}
	if (++segment->babbles < 2)
		return;
	if (unit)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING, unit,
				    "unit %u sends without having been asked; replace it",
				    unit);
	else if (segment->babbles == 2)
		smappee_problem_set(segment, SMAPPEE_PROBLEM_BABBLING, 0,
				    "something sends without having been asked; unplug modules until this ends");
}

/* Drivers of modules may ask for it until the last of them is gone. */
static void enumerate_queue(struct smappee_segment *segment)
{
	smappee_line_queue(&segment->line, segment->queue, &segment->enumerate);
}

static bool enumerate_stopping(struct smappee_segment *segment)
{
	return READ_ONCE(segment->line.stopping);
}

/* Ask all units; the listed ones first. */
static void enumerate_scan(struct smappee_segment *segment, bool drop_silent)
{
	unsigned int unit;

	if (drop_silent) {
		/* What is still wrong is said again. */
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_DUPLICATE_SERIAL,
				      -1);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT,
				      -1);
		smappee_problem_clear(segment, SMAPPEE_PROBLEM_NO_ADDRESS, -1);
	}
	for_each_set_bit(unit, segment->named, SMAPPEE_UNIT_MAX + 1) {
		if (enumerate_stopping(segment))
			return;
		smappee_enumerate_unit(segment, unit, ENUMERATE_TRIES_KNOWN,
				       drop_silent);
	}
	if (segment->registers && !test_bit(SMAPPEE_PB_UNIT, segment->named))
		smappee_enumerate_unit(segment, SMAPPEE_PB_UNIT,
				       ENUMERATE_TRIES_KNOWN, drop_silent);
	/* An open module on a segment of register modules shows up as well. */
	smappee_search_new(segment);
	/* A Power Box on a segment of open modules can only be there. */
	if (!segment->registers && !test_bit(SMAPPEE_PB_UNIT, segment->named))
		smappee_enumerate_unit(segment, SMAPPEE_PB_UNIT, 1,
				       drop_silent);
	for (unit = SMAPPEE_UNIT_MIN;
	     unit <= SMAPPEE_UNIT_SCAN_MAX && !segment->registers; unit++) {
		if (enumerate_stopping(segment))
			return;
		if (test_bit(unit, segment->named))
			continue;
		smappee_enumerate_unit(segment, unit, ENUMERATE_TRIES,
				       drop_silent);
		smappee_enumerate_verify(segment);
	}
	segment->scanned = true;
	segment->look_at = jiffies + msecs_to_jiffies(ENUMERATE_AGAIN_MS);
}

/*
 * Units that are listed, or where something answers, and that have no module.
 * Returns whether something is missing still.
 */
static bool enumerate_missing(struct smappee_segment *segment)
{
	DECLARE_BITMAP(units, SMAPPEE_UNIT_MAX + 1);
	bool missing = false, searched = false;
	unsigned int unit;
	int ret;

	bitmap_or(units, segment->named, segment->heard, SMAPPEE_UNIT_MAX + 1);
	for_each_set_bit(unit, units, SMAPPEE_UNIT_MAX + 1) {
		if (enumerate_stopping(segment))
			return false;
		if (smappee_registry_find(segment, unit, -1))
			continue;
		ret = smappee_enumerate_unit(segment, unit, 1, false);
		if (ret)
			missing = true;
		/* Two modules that nobody knows yet, with one address. */
		if (searched || segment->registers ||
		    (ret != -EBADMSG && ret != -EPROTO))
			continue;
		searched = true;
		smappee_search_unit(segment, unit);
	}

	return missing;
}

/* What has to be looked for now and then. */
static void enumerate_look(struct smappee_segment *segment)
{
	segment->look_at = jiffies + msecs_to_jiffies(ENUMERATE_AGAIN_MS);
	smappee_search_new(segment);
	if (segment->registers)
		return;
	enumerate_ping(segment);
	enumerate_babble(segment);
}

static void enumerate_work(struct work_struct *work)
{
	struct smappee_segment *segment =
		container_of(to_delayed_work(work), struct smappee_segment,
			     enumerate);
	/* Whoever has counted himself in has set what he wants before. */
	int wanted = atomic_read(&segment->scans_wanted);
	bool drop_silent = xchg(&segment->rescan, false);
	unsigned int again_ms = 0;
	bool crowds;

	if (xchg(&segment->release, false))
		smappee_search_release(segment);
	crowds = enumerate_crowds(segment);
	if (drop_silent || !segment->scanned)
		enumerate_scan(segment, drop_silent);
	else if (time_after_eq(jiffies, segment->look_at))
		enumerate_look(segment);
	if (!smappee_segment_modules(segment)) {
		/* Nobody at home: the whole line may not be powered yet. */
		segment->scanned = false;
		again_ms = ENUMERATE_AGAIN_MS;
	} else if (enumerate_missing(segment) || !segment->registers) {
		again_ms = ENUMERATE_AGAIN_MS;
	} else {
		again_ms = ENUMERATE_STRANGERS_MS;
	}
	if (crowds)
		again_ms = ENUMERATE_CROWDS_MS;
	if (!smappee_enumerate_verify(segment))
		again_ms = ENUMERATE_VERIFY_MS;

	WRITE_ONCE(segment->scans_done, wanted);
	wake_up_all(&segment->scan_done);
	if (again_ms && !enumerate_stopping(segment))
		queue_delayed_work(segment->queue, &segment->enumerate,
				   msecs_to_jiffies(again_ms));
}

/**
 * smappee_enumerate_init() - prepare the enumeration of a segment
 * @segment: the segment
 *
 * Return: 0; -EINVAL if the firmware description lists a unit that cannot be;
 * -ENOMEM.
 */
int smappee_enumerate_init(struct smappee_segment *segment)
{
	struct fwnode_handle *child;
	u32 reg;

	INIT_DELAYED_WORK(&segment->enumerate, enumerate_work);
	device_for_each_child_node(segment->dev, child) {
		if (smappee_mains_is_node(child))
			continue;
		if (fwnode_property_read_u32(child, "reg", &reg) ||
		    reg < SMAPPEE_UNIT_MIN || reg > SMAPPEE_UNIT_MAX) {
			dev_err(segment->dev,
				"%pfwP: reg is not a unit address, %u to %u\n",
				child, SMAPPEE_UNIT_MIN, SMAPPEE_UNIT_MAX);
			fwnode_handle_put(child);
			return -EINVAL;
		}
		set_bit(reg, segment->named);
	}

	segment->queue = alloc_ordered_workqueue("smappee%u", 0,
						 segment->line.id);

	return segment->queue ? 0 : -ENOMEM;
}

/**
 * smappee_enumerate_start() - begin to look for modules
 * @segment: the segment
 */
void smappee_enumerate_start(struct smappee_segment *segment)
{
	enumerate_queue(segment);
}

/**
 * smappee_enumerate_pause() - look for no modules until the next start
 * @segment: the segment, whose line is paused
 *
 * All units will be asked again, as after a probe; nobody is dropped.
 */
void smappee_enumerate_pause(struct smappee_segment *segment)
{
	cancel_delayed_work_sync(&segment->enumerate);
	segment->scanned = false;
}

/**
 * smappee_enumerate_now() - a module wants to be verified
 * @segment: the segment
 */
void smappee_enumerate_now(struct smappee_segment *segment)
{
	enumerate_queue(segment);
}

/**
 * smappee_enumerate_crowded() - the answers of a module are damaged again and again
 * @module: the module; another one may have the same address
 */
void smappee_enumerate_crowded(struct smappee_module *module)
{
	if (!test_and_set_bit(SMAPPEE_MODULE_CROWDED, &module->flags))
		smappee_enumerate_now(module->segment);
}

/**
 * smappee_enumerate_release() - let all modules forget their addresses, and find
 *				 them anew
 * @segment: the segment, of open modules
 *
 * Those that are registered get the addresses that they had. Waits for the end.
 *
 * Return: as smappee_enumerate_rescan().
 */
int smappee_enumerate_release(struct smappee_segment *segment)
{
	WRITE_ONCE(segment->release, true);

	return smappee_enumerate_rescan(segment);
}

/**
 * smappee_enumerate_again() - look at all units again
 * @segment: the segment
 *
 * Modules that are silent, and do not answer now either, are removed.
 */
void smappee_enumerate_again(struct smappee_segment *segment)
{
	WRITE_ONCE(segment->rescan, true);
	enumerate_queue(segment);
}

/**
 * smappee_enumerate_rescan() - look at all units again, and wait for the end
 * @segment: the segment
 *
 * A line on which somebody lies can keep it for some ten seconds, so that who waits
 * may be interrupted; the look goes on.
 *
 * Context: may sleep.
 * Return: 0, or -ERESTARTSYS.
 */
int smappee_enumerate_rescan(struct smappee_segment *segment)
{
	int wanted;

	WRITE_ONCE(segment->rescan, true);
	wanted = atomic_inc_return(&segment->scans_wanted);
	enumerate_queue(segment);

	return wait_event_interruptible(segment->scan_done,
					READ_ONCE(segment->scans_done) - wanted >= 0);
}

/**
 * smappee_enumerate_exit() - remove all modules
 * @segment: the segment, whose line has been stopped
 */
void smappee_enumerate_exit(struct smappee_segment *segment)
{
	cancel_delayed_work_sync(&segment->enumerate);
	destroy_workqueue(segment->queue);

	/* The work is gone, so nobody else changes the list. */
	smappee_registry_clear(segment, "its segment is going away");
}
