/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the bus share: segments and modules, who owns which field,
 * and the order of locks.
 *
 * Locks, outermost first:
 *
 *	IIO's mode lock of a device
 *	  segment->rate_lock	changing the rate against starting streams
 *	    segment->list_lock	the list of modules; never held while waiting
 *	    segment->clock_lock	the clock
 *	    line->readers	one reader of registers at a time
 *	    line->lock		who has the line
 *	      line->rx_lock	the answer that is being assembled
 *
 * On a segment of register modules a poll thread (poll.c) does this in place of
 * the sampler.
 *
 * The receive callback takes line->rx_lock and nothing else. The sampler thread
 * pushes scans inside an SRCU read section of segment->sink_srcu and holds no
 * lock meanwhile; smappee_stream_stop() waits for it. Modules are registered
 * and unregistered by the enumeration work only, with no lock held.
 */
#ifndef SMAPPEE_INTERNAL_H
#define SMAPPEE_INTERNAL_H

#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/smappee/bus.h>
#include <linux/srcu.h>
#include <linux/sysfs.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "compat.h"
#include "problems.h"
#include "segment.h"

struct auxiliary_device;
struct dentry;
struct smappee_poller;
struct task_struct;

/* Name of the printed serial number: type in 4 digits, serial in 6. */
#define SMAPPEE_SERIAL_LEN	16

/* Bits of smappee_module.flags. */
enum {
	SMAPPEE_MODULE_GONE,		/* being unregistered: leave it alone */
	SMAPPEE_MODULE_VERIFY,		/* is it still the same? enumerate.c clears it */
	SMAPPEE_MODULE_CONFIGURE,	/* rate, format, reference to be checked */
	SMAPPEE_MODULE_JOIN,		/* its stream begins anew, at a block boundary */
	SMAPPEE_MODULE_FRESH,		/* nothing has been delivered to its sink yet */
	SMAPPEE_MODULE_SILENT,		/* it has not answered for a while */
	SMAPPEE_MODULE_UNUSABLE,	/* it answers, but we cannot use it */
	SMAPPEE_MODULE_CROWDED,		/* does another one answer with it? */
};

/**
 * struct smappee_module - a module, as the bus sees it
 * @sdev: as drivers see it; its device's release frees this
 * @segment: the segment that it is on; holds a reference
 * @box: the Power Box that it is behind, or NULL; holds a reference
 * @node: in the segment's list, protected by its list_lock
 * @flags: SMAPPEE_MODULE_*, atomic bits
 * @sink: where scans go; written by smappee_stream_start() and _stop()
 * @poller: registers of a Power Box as read last; NULL if it is none
 * @leds: its lights, or NULL; the enumeration's own
 * @renewals: how often it may have become another one, or forgotten its settings
 * @count: what happened
 * @serial_text: the printed serial number
 * @sync_state: SMAPPEE_SYNC_*, written by the sampler, read by sysfs
 * @sync_offset_ns: likewise, as the module measured it
 * @boot: boot counter of the module, written by the sampler
 * @boot_known: @boot has been read
 * @next: first scan that has not been delivered; this and all that follow
 *	  belong to the sampler thread
 * @hole_ns: time that @next had when its stream had to begin anew, else 0;
 *	     CLOCK_BOOTTIME, so that a sleep of the host counts
 * @most: scans that are asked for at once on a good line
 * @ask: scans that are asked for at once now
 * @due_ns: when the next block should be there, CLOCK_MONOTONIC
 * @retry_ns: not before this, after a failure
 * @look_ns: when its status is read next
 * @misses: requests in a row without an answer
 * @missing_ns: the time of the first of them
 * @failures: failed attempts to get the block at @next; of a module without samples:
 *	      damaged answers in a row
 * @absent: looks in a row without an answer, of a module without samples; this and
 *	    all that follow are the enumeration's own
 * @verify_at: not verified again before this, jiffies
 */
struct smappee_module {
	struct smappee_device sdev;
	struct smappee_segment *segment;
	struct smappee_module *box;
	struct list_head node;
	unsigned long flags;
	struct smappee_sink __rcu *sink;
	struct smappee_poller *poller;
	struct auxiliary_device *leds;
	atomic_t renewals;
	struct smappee_counters count;
	char serial_text[SMAPPEE_SERIAL_LEN];

	u16 sync_state;
	s32 sync_offset_ns;
	u8 boot;
	bool boot_known;

	u64 next;
	s64 hole_ns;
	u16 most;
	u16 ask;
	s64 due_ns;
	s64 retry_ns;
	s64 look_ns;
	unsigned int misses;
	s64 missing_ns;
	unsigned int failures;
	unsigned int absent;
	unsigned long verify_at;
};

/**
 * smappee_emit_count() - show a counter in sysfs
 * @buf: the attribute's page
 * @count: the counter
 *
 * Return: as sysfs_emit().
 */
static inline int smappee_emit_count(char *buf, const atomic64_t *count)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(count));
}

/**
 * smappee_watch_priority() - how urgent it is to ask a module how it is
 * @module: the module
 *
 * Return: as urgent as samples, unless nobody may be there.
 */
static inline enum smappee_priority
smappee_watch_priority(const struct smappee_module *module)
{
	return test_bit(SMAPPEE_MODULE_SILENT, &module->flags) ?
		       SMAPPEE_BACKGROUND :
		       SMAPPEE_SAMPLES;
}

#define to_smappee_module(d) \
	container_of(to_smappee_device(d), struct smappee_module, sdev)

/**
 * struct smappee_segment - a serial port with modules behind it
 * @kref: held by the port's driver and by each module
 * @dev: the serdev device
 * @registers: a segment of register modules: a Power Box and what is behind it
 * @mains: what the voltage module is wired to
 * @line: transactions
 * @count: what happened
 * @rate_hz: sampling rate of all modules
 * @rate_lock: a change of the rate excludes starting streams
 * @streams: modules that have a sink; protected by @rate_lock
 * @sink_srcu: readers push to sinks
 * @list_lock: protects @modules and @reference
 * @modules: the modules, by unit and entry
 * @reference: the module that answers sync; chosen by the sampler
 * @queue: runs @enumerate, one at a time
 * @enumerate: looks for modules
 * @rescan: @enumerate shall also drop modules that are silent
 * @scans_wanted: how often somebody has asked for that and waits
 * @scans_done: how many of these have been served, in order; written by @enumerate
 * @scan_done: woken when @scans_done changes
 * @scanned: all units have been looked at once
 * @look_at: when @enumerate looks for new modules again, jiffies
 * @named: units that the firmware description lists
 * @heard: units where something answers that could not be registered
 * @warned: units that the log says cannot be used
 * @refused: units whose module we do not take, and have said so
 * @release: @enumerate shall let all modules forget their addresses
 * @crowd: unit that was searched last for modules that share it
 * @babbles: looks in a row at which something had been sent unasked
 * @problems: what is wrong
 * @task: the sampler or poll thread
 * @wake: wakes that thread
 * @kick: there is something new to look at
 * @configured: woken when a module has been configured
 * @clock_lock: protects @clock
 * @clock: index to time; written by the sampler
 * @sampler: what only the sampler thread knows
 * @debugfs: folder
 */
struct smappee_segment {
	struct kref kref;
	struct device *dev;
	bool registers;
	struct smappee_mains mains;
	struct smappee_line line;
	struct smappee_counters count;

	unsigned int rate_hz;
	struct mutex rate_lock;	/* rate against streams */
	unsigned int streams;
	struct srcu_struct sink_srcu;

	struct mutex list_lock;	/* modules, reference */
	struct list_head modules;
	struct smappee_module *reference;

	struct workqueue_struct *queue;
	struct delayed_work enumerate;
	bool rescan;
	atomic_t scans_wanted;
	int scans_done;
	wait_queue_head_t scan_done;
	bool scanned;
	unsigned long look_at;
	DECLARE_BITMAP(named, SMAPPEE_UNIT_MAX + 1);
	DECLARE_BITMAP(heard, SMAPPEE_UNIT_MAX + 1);
	DECLARE_BITMAP(warned, SMAPPEE_UNIT_MAX + 1);
	DECLARE_BITMAP(refused, SMAPPEE_UNIT_MAX + 1);
	bool release;
	u8 crowd;
	unsigned int babbles;
	struct smappee_problems problems;

	struct task_struct *task;
	wait_queue_head_t wake;
	bool kick;
	wait_queue_head_t configured;
	struct mutex clock_lock;	/* clock */
	struct smappee_clock clock;
	struct smappee_sampler *sampler;

	struct dentry *debugfs;
};

/* core.c */
struct smappee_segment *smappee_segment_get(struct smappee_segment *segment);
void smappee_segment_put(struct smappee_segment *segment);
unsigned int smappee_segment_modules(struct smappee_segment *segment);
void smappee_segment_sleep(struct smappee_segment *segment, s64 until_ns);

/* bus.c */
extern compat_bus_type smappee_bus_type;
extern const struct device_type smappee_module_type;
int smappee_bus_init(void);
void smappee_bus_exit(void);

#ifdef CONFIG_DEBUG_FS
void smappee_debugfs_init(void);
void smappee_debugfs_exit(void);
void smappee_debugfs_add(struct smappee_segment *segment);
void smappee_debugfs_remove(struct smappee_segment *segment);
#else
static inline void smappee_debugfs_init(void) {}
static inline void smappee_debugfs_exit(void) {}
static inline void smappee_debugfs_add(struct smappee_segment *segment) {}
static inline void smappee_debugfs_remove(struct smappee_segment *segment) {}
#endif

#endif
