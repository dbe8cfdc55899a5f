// SPDX-License-Identifier: GPL-2.0
/*
 * Debugfs: what a developer wants to see of a segment. No tool depends on it;
 * what tools need is in sysfs, see Documentation/ABI/testing/sysfs-bus-smappee.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "internal.h"

static struct dentry *debugfs_root;

static void debugfs_counter(struct seq_file *seq, const char *name,
			    const atomic64_t *count)
{
	seq_printf(seq, " %s=%lld", name, atomic64_read(count));
}

static void debugfs_counters(struct seq_file *seq,
			     const struct smappee_counters *count)
{
	debugfs_counter(seq, "transactions", &count->transactions);
	debugfs_counter(seq, "timeouts", &count->timeouts);
	debugfs_counter(seq, "crc_errors", &count->crc_errors);
	debugfs_counter(seq, "bad_answers", &count->bad_answers);
	debugfs_counter(seq, "exceptions", &count->exceptions);
	debugfs_counter(seq, "retries", &count->retries);
	debugfs_counter(seq, "lost_scans", &count->lost_scans);
	debugfs_counter(seq, "repaired_blocks", &count->repaired_blocks);
	debugfs_counter(seq, "stray_bytes", &count->stray_bytes);
	debugfs_counter(seq, "echo_errors", &count->echo_errors);
	debugfs_counter(seq, "overruns", &count->overruns);
	seq_putc(seq, '\n');
}

static int stats_show(struct seq_file *seq, void *unused)
{
	struct smappee_segment *segment = seq->private;
	struct smappee_module *module;

	seq_printf(seq, "segment speed=%u rate_hz=%u streams=%u",
		   segment->line.speed, READ_ONCE(segment->rate_hz),
		   READ_ONCE(segment->streams));
	debugfs_counters(seq, &segment->count);

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node) {
		seq_printf(seq, "unit=%u", module->sdev.unit);
		debugfs_counters(seq, &module->count);
	}

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int modules_show(struct seq_file *seq, void *unused)
{
	struct smappee_segment *segment = seq->private;
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		seq_printf(seq,
			   "unit=%u serial=%s channels=%u format=%u flags=0x%lx sync_state=%u boot=%u next=%llu most=%u misses=%u failures=%u%s\n",
			   module->sdev.unit, module->serial_text,
			   module->sdev.channels, module->sdev.format,
			   module->flags, module->sync_state, module->boot,
			   module->next, module->most, module->misses,
			   module->failures,
			   segment->reference == module ? " reference" : "");

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(modules);

/* Each line: index time_ns period_ns */
static int clock_show(struct seq_file *seq, void *unused)
{
	struct smappee_segment *segment = seq->private;
	const struct smappee_epoch *epoch;
	unsigned int n;

	guard(mutex)(&segment->clock_lock);
	for (n = 0; (epoch = smappee_clock_kept(&segment->clock, n)); n++)
		seq_printf(seq, "%llu %lld %llu.%09llu\n", epoch->index,
			   epoch->time_ns, epoch->period >> 32,
			   (epoch->period & U32_MAX) * NSEC_PER_SEC >> 32);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(clock);

void smappee_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir("smappee", NULL);
}

void smappee_debugfs_exit(void)
{
	debugfs_remove(debugfs_root);
}

void smappee_debugfs_add(struct smappee_segment *segment)
{
	char name[sizeof("segment") + 10];

	snprintf(name, sizeof(name), "segment%u", segment->line.id);
	segment->debugfs = debugfs_create_dir(name, debugfs_root);
	debugfs_create_file("stats", 0444, segment->debugfs, segment,
			    &stats_fops);
	debugfs_create_file("modules", 0444, segment->debugfs, segment,
			    &modules_fops);
	debugfs_create_file("clock", 0444, segment->debugfs, segment,
			    &clock_fops);
	smappee_inject_debugfs(&segment->line, segment->debugfs);
}

void smappee_debugfs_remove(struct smappee_segment *segment)
{
	debugfs_remove(segment->debugfs);
}
