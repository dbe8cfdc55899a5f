// SPDX-License-Identifier: GPL-2.0
/*
 * What happened at an input module: it is asked, often while somebody waits for
 * edges, once a second otherwise; its pulses are counted, its edges become interrupts
 * in their order.
 */
#include <linux/bits.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "compat.h"
#include "smappee-input.h"

/* While nobody waits for edges. */
#define INPUT_IDLE_MS		1000
/* A module that misses answers is asked less often, down to this. */
#define INPUT_SILENT_MS		1000
/* Edges that fit in one read. */
#define INPUT_EDGES_MAX		(SMAPPEE_REGS_MAX / SMAPPEE_EDGE_STRIDE)
/* A reader of a counter does not give up at the first damaged answer. */
#define INPUT_TRIES		5

static u16 look_u16(const struct smappee_input_look *look, u16 address)
{
	return look->regs[address - SMAPPEE_REG_INPUT];
}

static u32 look_u32(const struct smappee_input_look *look, u16 address)
{
	const u16 *regs = &look->regs[address - SMAPPEE_REG_INPUT];

	return regs[0] | (u32)regs[1] << 16;
}

/**
 * smappee_input_kick() - ask the module
 * @in: the module
 * @ms: so much later
 */
void smappee_input_kick(struct smappee_inputs *in, unsigned int ms)
{
	unsigned long flags;

	spin_lock_irqsave(&in->kick_lock, flags);
	if (!in->stopped)
		mod_delayed_work(system_wq, &in->poll, msecs_to_jiffies(ms));
	spin_unlock_irqrestore(&in->kick_lock, flags);
}

/* Ask the module for all but its edges, and count. */
static int input_look(struct smappee_inputs *in, struct smappee_input_look *look)
{
	struct smappee_device *sdev = in->sdev;
	struct smappee_reading reading;
	unsigned int i;
	int ret, all = 0;

	lockdep_assert_held(&in->lock);

	ret = smappee_watch_registers(sdev, SMAPPEE_REG_INPUT,
				      SMAPPEE_REG_INPUT_COUNT -
				      SMAPPEE_REG_INPUT + 2 * sdev->slots,
				      look->regs, &look->time_ns);
	if (!ret)
		ret = smappee_watch_boot(sdev, look_u16(look,
							SMAPPEE_REG_INPUT_BOOT));
	if (ret)
		return ret;

	reading.epoch = look_u16(look, SMAPPEE_REG_INPUT_EPOCH);
	reading.time_ms = div_s64(look->time_ns, NSEC_PER_MSEC);
	for (i = 0; i < sdev->slots; i++) {
		reading.count = look_u32(look, SMAPPEE_REG_INPUT_COUNT + 2 * i);
		ret = smappee_pulse_update(&in->pulse[i], &reading);
		if (ret)
			all = ret;
	}

	return all;
}

/**
 * smappee_input_refresh() - ask, and do not give up at the first damaged answer
 * @in: the module, its lock held
 * @look: gets what it says
 *
 * Return: 0, or an error of smappee_watch_registers().
 */
int smappee_input_refresh(struct smappee_inputs *in, struct smappee_input_look *look)
{
	int ret, tries;

	for (tries = 0; tries < INPUT_TRIES; tries++) {
		ret = input_look(in, look);
		if (ret != -EAGAIN && ret != -ETIMEDOUT && ret != -EBADMSG &&
		    ret != -EPROTO)
			break;
	}

	return ret;
}

/* Call whoever waits for this. The line reads as this edge left it meanwhile. */
static void input_deliver(struct smappee_inputs *in, unsigned int input,
			  bool closed)
{
	unsigned long *wanted = closed ? &in->rising : &in->falling;
	unsigned int irq;

	WRITE_ONCE(in->levels, closed ? in->levels | BIT(input) :
					in->levels & ~BIT(input));
	if (!test_bit(input, &in->enabled) || !test_bit(input, wanted))
		return;
	irq = irq_find_mapping(in->gc.irq.domain, input);
	if (!irq)
		return;

	/* Handlers may read lines and attributes. */
	WRITE_ONCE(in->delivering, current);
	mutex_unlock(&in->lock);
	handle_nested_irq(irq);
	mutex_lock(&in->lock);
	WRITE_ONCE(in->delivering, NULL);
}

/* One edge out of the module's memory. */
static void input_edge(struct smappee_inputs *in, const struct smappee_input_look *look,
		       u32 number, const u16 *regs)
{
	u16 what = regs[SMAPPEE_EDGE_WHAT];
	unsigned int input = what & SMAPPEE_EDGE_INPUT;
	u32 time_ms = regs[SMAPPEE_EDGE_TIME] |
		      (u32)regs[SMAPPEE_EDGE_TIME + 1] << 16;
	u32 ago_ms = look_u32(look, SMAPPEE_REG_INPUT_CLOCK) - time_ms;

	if (regs[SMAPPEE_EDGE_NUMBER] != (u16)number ||
	    input >= in->sdev->slots) {
		in->lost_edges++;
		return;
	}
	in->edge_ns[input] = look->time_ns - (s64)ago_ms * NSEC_PER_MSEC;
	input_deliver(in, input, what & SMAPPEE_EDGE_CLOSED);
}

/* Read the edges up to @end; they lie in a ring, so in up to two pieces. */
static int input_edges(struct smappee_inputs *in, const struct smappee_input_look *look,
		       u32 end)
{
	u16 regs[INPUT_EDGES_MAX * SMAPPEE_EDGE_STRIDE];
	unsigned int slot, n, i;
	int ret;

	if (end - in->edges > SMAPPEE_EDGES) {
		in->lost_edges += end - in->edges - SMAPPEE_EDGES;
		in->edges = end - SMAPPEE_EDGES;
	}
	while (in->edges != end) {
		slot = in->edges % SMAPPEE_EDGES;
		n = min3(end - in->edges, SMAPPEE_EDGES - slot,
			 (u32)INPUT_EDGES_MAX);
		ret = smappee_watch_registers(in->sdev, SMAPPEE_REG_INPUT_EDGE +
					      slot * SMAPPEE_EDGE_STRIDE,
					      n * SMAPPEE_EDGE_STRIDE, regs,
					      NULL);
		if (ret)
			return ret;
		for (i = 0; i < n; i++)
			input_edge(in, look, in->edges++,
				   &regs[i * SMAPPEE_EDGE_STRIDE]);
	}

	return 0;
}

/**
 * smappee_input_follow() - take in what changed, in the order in which it did
 * @in: the module, both of its locks held
 * @look: what it says
 *
 * Return: 0, or an error of smappee_watch_registers(): the rest comes next time.
 */
int smappee_input_follow(struct smappee_inputs *in,
			 const struct smappee_input_look *look)
{
	u16 boot = look_u16(look, SMAPPEE_REG_INPUT_BOOT);
	u16 levels = look_u16(look, SMAPPEE_REG_INPUT_LEVELS);
	u32 end = look_u32(look, SMAPPEE_REG_INPUT_EDGES);
	unsigned int i;
	int ret;

	lockdep_assert_held(&in->follow_lock);

	if (!in->known) {
		in->boot = boot;
		in->edges = end;
		WRITE_ONCE(in->levels, levels);
		in->known = true;
	}
	/* A restarted module numbers its edges anew. */
	if (boot != in->boot) {
		in->boot = boot;
		in->edges = 0;
	}
	ret = input_edges(in, look, end);
	if (ret)
		return ret;

	/* What edges that are lost, or a restart, have left behind. */
	for (i = 0; i < in->sdev->slots; i++)
		if ((levels ^ in->levels) & BIT(i))
			input_deliver(in, i, levels & BIT(i));

	return 0;
}

static void input_poll(struct work_struct *work)
{
	struct smappee_inputs *in = container_of(to_delayed_work(work),
						 struct smappee_inputs, poll);
	struct smappee_input_look look;
	unsigned int ms;
	int ret;

	mutex_lock(&in->follow_lock);
	mutex_lock(&in->lock);
	ret = input_look(in, &look);
	if (!ret)
		ret = smappee_input_follow(in, &look);
	in->misses = ret ? in->misses + 1 : 0;
	ms = READ_ONCE(in->enabled) || ret ? INPUT_POLL_MS : INPUT_IDLE_MS;
	/* A line that is stopped may go on, after a sleep. */
	if (ret == -ESHUTDOWN)
		ms = INPUT_SILENT_MS;
	else if (ret == -ETIMEDOUT || ret == -EIO)
		ms = min(INPUT_SILENT_MS, ms << min(in->misses, 6u));
	mutex_unlock(&in->lock);
	mutex_unlock(&in->follow_lock);

	if (ret != -ENODEV)
		smappee_input_kick(in, ms);
}

/**
 * smappee_input_init() - prepare to follow a module
 * @in: the module, zeroed but for its sdev
 */
void smappee_input_init(struct smappee_inputs *in)
{
	mutex_init(&in->follow_lock);
	mutex_init(&in->lock);
	spin_lock_init(&in->kick_lock);
	INIT_DELAYED_WORK(&in->poll, input_poll);
}

/**
 * smappee_input_stop() - deliver nothing any more
 * @in: the module
 */
void smappee_input_stop(struct smappee_inputs *in)
{
	scoped_guard(spinlock_irqsave, &in->kick_lock)
		in->stopped = true;
	cancel_delayed_work_sync(&in->poll);
}
