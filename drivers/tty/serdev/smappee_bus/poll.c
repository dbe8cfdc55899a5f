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
 * arithmetic is in Documentation/driver-api/smappee/power-box.rst.
 *
 * A box that does not answer several times in a row is silent: it is looked at
 * once a second, and when it answers, enumeration verifies who it is first.
 */
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "internal.h"
#include "poll.h"
#include "poll-parts.h"
#include "sampler.h"
#include "trace.h"

/* Powers, while they are wanted. */
#define POLL_FAST_NS		(SMAPPEE_PB_REFRESH_MS * NSEC_PER_MSEC)
/* Turnaround and gap that the budget allows for. */
#define POLL_TURNAROUND_NS	(5 * NSEC_PER_MSEC)
/* Room for one setting before the next read of powers. */
#define POLL_RESERVE_NS		(10 * NSEC_PER_MSEC)
/* After a save the box is busy for some hundred ms. */
#define POLL_BUSY_NS		(50 * NSEC_PER_MSEC)
/* A part that failed is read again after this. */
#define POLL_AGAIN_NS		(100 * NSEC_PER_MSEC)
/* Registers that this box does not have: it may get new firmware. */
#define POLL_REFUSED_NS		(60LL * NSEC_PER_SEC)
/* So many missing answers in a row make a box silent. */
#define POLL_MISSES		6
/* A part that has been due for so long does not wait for room. */
#define POLL_STARVED_NS		(2 * NSEC_PER_SEC)
/* Request and answer without registers. */
#define POLL_FRAME_BYTES	(8 + 5)
/* A box and all that can be behind it. */
#define POLL_LISTENERS	(1 + SMAPPEE_PB_ENTRIES)

static s64 poll_cost_ns(const struct smappee_segment *segment, unsigned int part)
{
	return (s64)segment->line.byte_ns *
	       (POLL_FRAME_BYTES + 2 * smappee_poll_parts[part].count) +
	       POLL_TURNAROUND_NS;
}

static s64 poll_period_ns(const struct smappee_segment *segment)
{
	return READ_ONCE(segment->streams) ? POLL_FAST_NS : POLL_IDLE_NS;
}

/*
 * The part of a box to be read now, or -1; @at_ns: look again then.
 *
 * This thread does not queue for a slow part while somebody else has the line: a
 * rescan has request after request, and the next powers would wait with it. The
 * powers themselves get in between any two of them.
 */
static int poll_next(struct smappee_module *box, s64 now, s64 *at_ns)
{
	struct smappee_poller *p = box->poller;
	s64 fast_ns = p->due_ns[POLL_FAST];
	int part = -1;
	bool wanted;
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

	wanted = smappee_line_wanted(&box->segment->line);
	for (i = POLL_FAST + 1; i < POLL_PARTS; i++) {
		if (p->due_ns[i] > now) {
			*at_ns = min(*at_ns, p->due_ns[i]);
			continue;
		}
		if (wanted && now - p->due_ns[i] < POLL_STARVED_NS) {
			*at_ns = min(*at_ns, now + POLL_RESERVE_NS);
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

/* Somebody wants powers: not later than a fast cycle after the last ones. */
static void poll_join(struct smappee_poller *p, s64 now)
{
	s64 soon_ns = max(p->last_ns + POLL_FAST_NS, now);

	p->due_ns[POLL_FAST] = min(p->due_ns[POLL_FAST], soon_ns);
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
			poll_join(module->poller, now);
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

/* The box and modules behind it, those that want powers, with references. */
static unsigned int poll_listeners(struct smappee_module *box,
				   struct smappee_module **found)
{
	struct smappee_module *module;
	unsigned int n = 0;

	guard(mutex)(&box->segment->list_lock);
	list_for_each_entry(module, &box->segment->modules, node)
		if ((module == box || module->box == box) &&
		    n < POLL_LISTENERS && rcu_access_pointer(module->sink)) {
			get_device(&module->sdev.dev);
			found[n++] = module;
		}

	return n;
}

static void poll_deliver(struct smappee_module *box, s64 time_ns)
{
	struct smappee_module *found[POLL_LISTENERS];
	struct smappee_segment *segment = box->segment;
	struct smappee_times times;
	struct smappee_poll poll = {
		.time_ns = max(time_ns, box->poller->last_ns + 1),
		.times = &times,
		.poller = box->poller,
	};
	unsigned int i, n = poll_listeners(box, found);
	struct smappee_sink *sink;
	int idx;

	box->poller->last_ns = poll.time_ns;
	poll_times(&times);
	for (i = 0; i < n; i++) {
		idx = srcu_read_lock(&segment->sink_srcu);
		sink = srcu_dereference(found[i]->sink,
					&segment->sink_srcu);
		if (sink)
			sink->poll(sink, &poll);
		srcu_read_unlock(&segment->sink_srcu, idx);
		put_device(&found[i]->sdev.dev);
	}
}

/* Cycles without powers, for all that wanted them. */
static void poll_lost(struct smappee_module *box, u64 cycles)
{
	struct smappee_module *found[POLL_LISTENERS];
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
				    smappee_poll_parts[part].address,
				    smappee_poll_parts[part].count);
	if (ret)
		return ret;
	ret = smappee_line_transact(&box->segment->line,
				    part == POLL_FAST ? SMAPPEE_SAMPLES :
							SMAPPEE_BACKGROUND,
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

	smappee_poll_keep(p, part, values, time_ns);

	if (part != POLL_FAST) {
		p->due_ns[part] = time_ns + smappee_poll_parts[part].period_ns;
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

/* Said by the box itself; it will say so again. */
static bool poll_refused(int error)
{
	return error == -ENXIO || error == -EINVAL || error == -EOPNOTSUPP;
}

static void poll_failed(struct smappee_module *box, unsigned int part, int error)
{
	struct smappee_poller *p = box->poller;
	s64 now = ktime_get_ns();

	if (test_bit(SMAPPEE_MODULE_SILENT, &box->flags)) {
		poll_advance(box, now, false);
		p->due_ns[POLL_FAST] = max(p->due_ns[POLL_FAST],
					   now + POLL_IDLE_NS);
	} else if (part != POLL_FAST) {
		p->due_ns[part] = now + (poll_refused(error) ? POLL_REFUSED_NS :
							       POLL_AGAIN_NS);
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
	s64 late_ns;
	int ret;

	late_ns = ktime_get_ns() - box->poller->due_ns[part];
	ret = poll_read(box, part, values, &time_ns);
	trace_smappee_poll(box->segment->line.id, box->sdev.unit,
			   smappee_poll_parts[part].address, smappee_poll_parts[part].count,
			   ret, late_ns);
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
		poll_failed(box, part, ret);
	else
		poll_good(box, part, values, time_ns);
}

static int poll_thread(void *data)
{
	struct smappee_segment *segment = data;
	struct smappee_module *box;
	s64 at_ns;
	int part;

	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		WRITE_ONCE(segment->kick, false);
		box = poll_choose(segment, ktime_get_ns(), &part, &at_ns);
		if (box) {
			poll_part(box, part);
			put_device(&box->sdev.dev);
		} else {
			smappee_segment_sleep(segment, at_ns);
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
 * smappee_poll_resume() - forget what was true before a sleep
 * @segment: the segment, its thread parked
 *
 * The box may be another one by now, or without power: it is identified first,
 * and its cycles begin anew.
 */
void smappee_poll_resume(struct smappee_segment *segment)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node) {
		if (!module->poller)
			continue;
		set_bit(SMAPPEE_MODULE_VERIFY, &module->flags);
		set_bit(SMAPPEE_MODULE_JOIN, &module->flags);
		module->misses = 0;
	}
}

/**
 * smappee_poll_halt() - stop the thread of a segment
 * @segment: the segment, whose line has been stopped
 */
void smappee_poll_halt(struct smappee_segment *segment)
{
	kthread_stop(segment->task);
}
