// SPDX-License-Identifier: GPL-2.0
/*
 * Poll schedule of a segment of register modules. All measurements of a Power
 * Box lie in a few arrays; they are read in parts that are short enough for two
 * of them to fit in 100 ms, with time left for somebody's setting. The parts make
 * an image from which drivers take their values.
 *
 * The active powers of 100 ms are read first, in one request for all channels,
 * every 100 ms while somebody has a buffer on, every second otherwise. Between
 * two of these reads, the other parts follow in turn, as many as fit. The
 * arithmetic is in Documentation/driver-api/smappee/internals.rst.
 *
 * A box that does not answer several times in a row is silent: it is looked at
 * once a second, and when it answers, enumeration verifies who it is first.
 */
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "internal.h"
#include "poll.h"
#include "sampler.h"

/* Powers, while they are wanted and while not. */
#define POLL_FAST_NS		(SMAPPEE_PB_REFRESH_MS * NSEC_PER_MSEC)
#define POLL_IDLE_NS		NSEC_PER_SEC
/* All else. */
#define POLL_SLOW_NS		NSEC_PER_SEC
/* Turnaround and gap that the budget allows for. */
#define POLL_TURNAROUND_NS	(5 * NSEC_PER_MSEC)
/* Room for one setting before the next read of powers. */
#define POLL_RESERVE_NS		(10 * NSEC_PER_MSEC)
/* After a save the box is busy for some hundred ms. */
#define POLL_BUSY_NS		(50 * NSEC_PER_MSEC)
/* A part that failed is read again after this. */
#define POLL_AGAIN_NS		(100 * NSEC_PER_MSEC)
/* So many missing answers in a row make a box silent. */
#define POLL_MISSES		6
/* A value of the image may be so old; then the box is asked. */
#define POLL_FRESH_NS		(2 * NSEC_PER_SEC)
/* A part that has been due for so long does not wait for room. */
#define POLL_STARVED_NS		(2 * NSEC_PER_SEC)
/* Request and answer without registers. */
#define POLL_FRAME_BYTES	(8 + 5)
/* Half an array of 28 items of four registers. */
#define POLL_HALF		(SMAPPEE_PB_CHANNELS / 2 * SMAPPEE_PB_STRIDE)

struct poll_part {
	u16 address;
	u16 count;
};

/* The first one is the fast one. */
static const struct poll_part poll_parts[] = {
	{ SMAPPEE_PB_REG_ACTIVE_100MS,
	  SMAPPEE_PB_CHANNELS * SMAPPEE_PB_ACTIVE_100MS_STRIDE },
	{ SMAPPEE_PB_REG_VOLTAGE,
	  (SMAPPEE_PB_PHASES - 1) * SMAPPEE_PB_STRIDE + 2 },
	{ SMAPPEE_PB_REG_NOMINAL,
	  SMAPPEE_PB_REG_FREQUENCY + 2 - SMAPPEE_PB_REG_NOMINAL },
	{ SMAPPEE_PB_REG_CURRENT, POLL_HALF },
	{ SMAPPEE_PB_REG_CURRENT + POLL_HALF, POLL_HALF },
	{ SMAPPEE_PB_REG_ACTIVE, POLL_HALF },
	{ SMAPPEE_PB_REG_ACTIVE + POLL_HALF, POLL_HALF },
	{ SMAPPEE_PB_REG_REACTIVE, POLL_HALF },
	{ SMAPPEE_PB_REG_REACTIVE + POLL_HALF, POLL_HALF },
	{ SMAPPEE_PB_REG_APPARENT, POLL_HALF },
	{ SMAPPEE_PB_REG_APPARENT + POLL_HALF, POLL_HALF },
	{ SMAPPEE_PB_REG_IMPORT, POLL_HALF },
	{ SMAPPEE_PB_REG_IMPORT + POLL_HALF, POLL_HALF },
};

#define POLL_PARTS	ARRAY_SIZE(poll_parts)
#define POLL_FAST	0

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

static_assert(SMAPPEE_PB_CHANNELS * SMAPPEE_PB_ACTIVE_100MS_STRIDE <=
	      POLL_HALF);

/**
 * smappee_poller_new() - an empty image
 *
 * Return: it, or NULL if there is no memory.
 */
struct smappee_poller *smappee_poller_new(void)
{
	struct smappee_poller *poller = kzalloc(sizeof(*poller), GFP_KERNEL);

	unsigned int i;

	if (!poller)
		return NULL;
	spin_lock_init(&poller->lock);
	for (i = 0; i < POLL_PARTS; i++)
		poller->due_ns[i] = ktime_get_ns();

	return poller;
}

/**
 * smappee_poller_free() - free an image
 * @poller: it, or NULL
 */
void smappee_poller_free(struct smappee_poller *poller)
{
	kfree(poller);
}

static s64 poll_cost_ns(const struct smappee_segment *segment, unsigned int part)
{
	return (s64)segment->line.byte_ns *
	       (POLL_FRAME_BYTES + 2 * poll_parts[part].count) +
	       POLL_TURNAROUND_NS;
}

static s64 poll_period_ns(const struct smappee_segment *segment)
{
	return READ_ONCE(segment->streams) ? POLL_FAST_NS : POLL_IDLE_NS;
}

/* The part of a box to be read now, or -1; @at_ns: look again then. */
static int poll_next(struct smappee_module *box, s64 now, s64 *at_ns)
{
	struct smappee_poller *p = box->poller;
	s64 fast_ns = p->due_ns[POLL_FAST];
	int part = -1;
	unsigned int i;

	if (p->hold_ns > now) {
		*at_ns = min(*at_ns, p->hold_ns);
		return -1;
	}
	if (fast_ns <= now)
		return POLL_FAST;
	*at_ns = min(*at_ns, fast_ns);
	if (test_bit(SMAPPEE_MODULE_SILENT, &box->flags))
		return -1;

	for (i = POLL_FAST + 1; i < POLL_PARTS; i++) {
		if (p->due_ns[i] > now) {
			*at_ns = min(*at_ns, p->due_ns[i]);
			continue;
		}
		/* On a box that is too slow for all of it, powers give way. */
		if (now + poll_cost_ns(box->segment, i) + POLL_RESERVE_NS >
		    fast_ns && now - p->due_ns[i] < POLL_STARVED_NS)
			continue;
		if (part < 0 || p->due_ns[i] < p->due_ns[part])
			part = i;
	}

	return part;
}

/* The box and part to be read now, with a reference; NULL if none is due. */
static struct smappee_module *poll_choose(struct smappee_segment *segment,
					  s64 now, int *part, s64 *at_ns)
{
	struct smappee_module *module, *chosen = NULL;
	int next;

	*at_ns = now + POLL_IDLE_NS;
	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node) {
		if (!module->poller)
			continue;
		if (test_and_clear_bit(SMAPPEE_MODULE_JOIN, &module->flags))
			module->poller->due_ns[POLL_FAST] =
				min(module->poller->due_ns[POLL_FAST], now);
		next = poll_next(module, now, at_ns);
		if (next < 0)
			continue;
		if (!chosen || module->poller->due_ns[next] <
			       chosen->poller->due_ns[*part]) {
			chosen = module;
			*part = next;
		}
	}
	if (chosen)
		get_device(&chosen->sdev.dev);

	return chosen;
}

static void poll_times(struct smappee_times *times)
{
	s64 mono = ktime_get_ns();

	times->offset_ns[0] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_REAL)) - mono;
	times->offset_ns[1] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_BOOT)) - mono;
	times->offset_ns[2] =
		ktime_to_ns(ktime_mono_to_any(mono, TK_OFFS_TAI)) - mono;
	times->offset_ns[3] = ktime_get_raw_ns() - mono;
}

/* Modules behind a box that want powers, with references. */
static unsigned int poll_listeners(struct smappee_module *box,
				   struct smappee_module **found)
{
	struct smappee_module *module;
	unsigned int n = 0;

	guard(mutex)(&box->segment->list_lock);
	list_for_each_entry(module, &box->segment->modules, node)
		if (module->box == box && n < SMAPPEE_PB_ENTRIES &&
		    rcu_access_pointer(module->poll_sink)) {
			get_device(&module->sdev.dev);
			found[n++] = module;
		}

	return n;
}

static void poll_deliver(struct smappee_module *box, s64 time_ns)
{
	struct smappee_module *found[SMAPPEE_PB_ENTRIES];
	struct smappee_segment *segment = box->segment;
	struct smappee_times times;
	struct smappee_poll poll = {
		.time_ns = max(time_ns, box->poller->last_ns + 1),
		.times = &times,
		.power = box->poller->regs[POLL_FAST],
	};
	unsigned int i, n = poll_listeners(box, found);
	struct smappee_poll_sink *sink;
	int idx;

	box->poller->last_ns = poll.time_ns;
	poll_times(&times);
	for (i = 0; i < n; i++) {
		idx = srcu_read_lock(&segment->sink_srcu);
		sink = srcu_dereference(found[i]->poll_sink,
					&segment->sink_srcu);
		if (sink)
			sink->push(sink, &poll);
		srcu_read_unlock(&segment->sink_srcu, idx);
		put_device(&found[i]->sdev.dev);
	}
}

/* Cycles without powers, for all that wanted them. */
static void poll_lost(struct smappee_module *box, u64 cycles)
{
	struct smappee_module *found[SMAPPEE_PB_ENTRIES];
	unsigned int i, n = poll_listeners(box, found);

	for (i = 0; i < n; i++) {
		atomic64_add(cycles, &found[i]->count.lost_scans);
		atomic64_add(cycles, &box->segment->count.lost_scans);
		put_device(&found[i]->sdev.dev);
	}
}

/* On to the next cycle; those that are over without having been read are lost. */
static void poll_advance(struct smappee_module *box, s64 now, bool delivered)
{
	s64 period_ns = poll_period_ns(box->segment);
	struct smappee_poller *p = box->poller;
	u64 lost = !delivered;
	s64 late_ns;

	p->failed = false;
	p->due_ns[POLL_FAST] += period_ns;
	late_ns = now - p->due_ns[POLL_FAST];
	if (late_ns >= 0) {
		u64 cycles = div64_u64(late_ns, period_ns) + 1;

		p->due_ns[POLL_FAST] += cycles * period_ns;
		lost += cycles;
	}
	if (lost)
		poll_lost(box, lost);
}

static int poll_read(struct smappee_module *box, unsigned int part,
		     u16 *values, s64 *time_ns)
{
	u8 frame[SMAPPEE_FRAME_MAX_MODBUS];
	struct smappee_answer answer = {
		.frame = frame,
		.size = sizeof(frame),
	};
	struct modbus_request rq;
	int ret;

	ret = modbus_read_registers(&rq, box->sdev.unit,
				    poll_parts[part].address,
				    poll_parts[part].count);
	if (ret)
		return ret;
	ret = smappee_line_transact(&box->segment->line,
				    part == POLL_FAST ? SMAPPEE_SAMPLES :
							SMAPPEE_HOUSEKEEPING,
				    &rq, &answer, &box->count);
	if (ret)
		return ret;
	modbus_answer_registers(&rq, frame, values);
	*time_ns = answer.first_ns;

	return 0;
}

static void poll_good(struct smappee_module *box, unsigned int part,
		      const u16 *values, s64 time_ns)
{
	struct smappee_poller *p = box->poller;
	bool known;

	spin_lock(&p->lock);
	memcpy(p->regs[part], values, 2 * poll_parts[part].count);
	p->read_ns[part] = time_ns;
	spin_unlock(&p->lock);

	if (part != POLL_FAST) {
		p->due_ns[part] = time_ns + POLL_SLOW_NS;
		return;
	}
	if (p->failed) {
		atomic64_inc(&box->count.repaired_blocks);
		atomic64_inc(&box->segment->count.repaired_blocks);
	}
	/* It may be another box by now. */
	known = !test_bit(SMAPPEE_MODULE_VERIFY, &box->flags);
	if (known)
		poll_deliver(box, time_ns);
	poll_advance(box, ktime_get_ns(), known);
}

static void poll_failed(struct smappee_module *box, unsigned int part)
{
	struct smappee_poller *p = box->poller;
	s64 now = ktime_get_ns();

	if (test_bit(SMAPPEE_MODULE_SILENT, &box->flags)) {
		poll_advance(box, now, false);
		p->due_ns[POLL_FAST] = max(p->due_ns[POLL_FAST],
					   now + POLL_IDLE_NS);
	} else if (part != POLL_FAST) {
		p->due_ns[part] = now + POLL_AGAIN_NS;
	} else if (!p->failed && now + poll_cost_ns(box->segment, part) <=
				 p->due_ns[part] + poll_period_ns(box->segment)) {
		/* There is time to ask again within this cycle. */
		p->failed = true;
		atomic64_inc(&box->count.retries);
		atomic64_inc(&box->segment->count.retries);
	} else {
		poll_advance(box, now, false);
	}
}

static void poll_part(struct smappee_module *box, unsigned int part)
{
	u16 values[POLL_HALF];
	s64 time_ns = 0;
	int ret;

	ret = poll_read(box, part, values, &time_ns);
	switch (ret) {
	case -ETIMEDOUT:
	case -EIO:
		if (++box->misses >= POLL_MISSES)
			smappee_module_set_silent(box, true);
		break;
	case -EBUSY:
	case -ESHUTDOWN:
		box->poller->hold_ns = ktime_get_ns() + POLL_BUSY_NS;
		return;
	default:
		box->misses = 0;
		smappee_module_set_silent(box, false);
		break;
	}
	if (ret)
		poll_failed(box, part);
	else
		poll_good(box, part, values, time_ns);
}

static void poll_sleep(struct smappee_segment *segment, s64 until_ns)
{
	s64 wait_ns = until_ns - ktime_get_ns();

	if (wait_ns <= 0)
		return;
	wait_event_interruptible_hrtimeout(segment->wake,
					   READ_ONCE(segment->kick) ||
					   kthread_should_stop(),
					   ns_to_ktime(wait_ns));
}

static int poll_thread(void *data)
{
	struct smappee_segment *segment = data;
	struct smappee_module *box;
	s64 at_ns;
	int part;

	while (!kthread_should_stop()) {
		WRITE_ONCE(segment->kick, false);
		box = poll_choose(segment, ktime_get_ns(), &part, &at_ns);
		if (box) {
			poll_part(box, part);
			put_device(&box->sdev.dev);
		} else {
			poll_sleep(segment, at_ns);
		}
		/* A line that fails at once must not keep the processor. */
		cond_resched();
	}

	return 0;
}

/**
 * smappee_poll_run() - start the thread of a segment
 * @segment: the segment
 *
 * Return: 0 or an error of kthread_run().
 */
int smappee_poll_run(struct smappee_segment *segment)
{
	struct task_struct *task;

	task = kthread_run(poll_thread, segment, "smappee/%u",
			   segment->line.id);
	if (IS_ERR(task))
		return PTR_ERR(task);
	segment->task = task;

	return 0;
}

/**
 * smappee_poll_halt() - stop the thread of a segment
 * @segment: the segment, whose line has been stopped
 */
void smappee_poll_halt(struct smappee_segment *segment)
{
	kthread_stop(segment->task);
}

/**
 * smappee_poll_start() - begin to deliver the powers of each poll
 * @sdev: the module, one behind a Power Box
 * @sink: where they go; stays valid until smappee_poll_stop() returns
 *
 * Context: may sleep.
 * Return: 0. -ENODEV the module is gone, -EOPNOTSUPP it is not behind a Power
 * Box, -EBUSY it has a sink.
 */
int smappee_poll_start(struct smappee_device *sdev,
		       struct smappee_poll_sink *sink)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_segment *segment = module->segment;

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;
	if (!module->box)
		return -EOPNOTSUPP;

	scoped_guard(mutex, &segment->rate_lock) {
		if (rcu_access_pointer(module->poll_sink))
			return -EBUSY;
		rcu_assign_pointer(module->poll_sink, sink);
		segment->streams++;
		set_bit(SMAPPEE_MODULE_JOIN, &module->box->flags);
	}
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
	smappee_sampler_kick(segment);

	return 0;
}
EXPORT_SYMBOL_NS_GPL(smappee_poll_start, SMAPPEE_BUS_NS);

/**
 * smappee_poll_stop() - deliver no more powers
 * @sdev: the module
 *
 * When it returns, no push is running and none will begin.
 *
 * Context: may sleep. Not from smappee_poll_sink.push(), and with no lock held
 * that a push may take.
 */
void smappee_poll_stop(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_segment *segment = module->segment;

	scoped_guard(mutex, &segment->rate_lock) {
		if (!rcu_access_pointer(module->poll_sink))
			return;
		rcu_assign_pointer(module->poll_sink, NULL);
		segment->streams--;
	}
	synchronize_srcu(&segment->sink_srcu);
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
}
EXPORT_SYMBOL_NS_GPL(smappee_poll_stop, SMAPPEE_BUS_NS);

/* Take registers from the image if they are in it and not too old. */
static bool poll_image(struct smappee_poller *p, u16 address, u16 count,
		       u16 *values)
{
	s64 oldest_ns = ktime_get_ns() - POLL_FRESH_NS;
	bool fresh = false;
	unsigned int i;

	for (i = 0; i < POLL_PARTS && !fresh; i++) {
		const struct poll_part *part = &poll_parts[i];

		if (address < part->address ||
		    address + count > part->address + part->count)
			continue;
		spin_lock(&p->lock);
		fresh = p->read_ns[i] && p->read_ns[i] >= oldest_ns;
		if (fresh)
			memcpy(values, &p->regs[i][address - part->address],
			       2 * count);
		spin_unlock(&p->lock);
	}

	return fresh;
}

/**
 * smappee_poll_read() - measurements as they were read last
 * @sdev: a Power Box or a module behind one
 * @address: first register
 * @count: how many, 1 to 125
 * @values: room for them, CPU endian; all of one read
 *
 * What the poll schedule has not read within two seconds is read now.
 *
 * Context: may sleep; not in smappee_poll_sink.push().
 * Return: 0, -EOPNOTSUPP if @sdev is on another kind of segment, or an error of
 * smappee_read_registers().
 */
int smappee_poll_read(struct smappee_device *sdev, u16 address, u16 count,
		      u16 *values)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_module *box = module->box ?: module;

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;
	if (!box->poller)
		return -EOPNOTSUPP;
	if (poll_image(box->poller, address, count, values))
		return 0;

	return smappee_read_registers(sdev, address, count, values);
}
EXPORT_SYMBOL_NS_GPL(smappee_poll_read, SMAPPEE_BUS_NS);
