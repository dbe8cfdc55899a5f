/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the input module's driver share: gpio-smappee-input.c has the
 * lines and their interrupts, smappee-input-follow.c asks the module and takes in what
 * happened, smappee-input-attrs.c shows counters and times.
 */
#ifndef SMAPPEE_INPUT_H
#define SMAPPEE_INPUT_H

#include <linux/gpio/driver.h>
#include <linux/mutex.h>
#include <linux/smappee/bus.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "smappee-pulse.h"

struct attribute_group;

/* While somebody waits for edges. */
#define INPUT_POLL_MS		25
/* Inputs of a module; the protocol has room for more. */
#define INPUT_LINES		4
/* Levels, edges and counters in one read. */
#define INPUT_REGS_MAX							\
	(SMAPPEE_REG_INPUT_COUNT - SMAPPEE_REG_INPUT + 2 * INPUT_LINES)

/**
 * struct smappee_inputs - an input module
 * @sdev: the module
 * @gc: its lines
 * @names: names of the lines
 * @poll: asks the module
 * @kick_lock: protects @stopped, and @poll against being queued after it is set
 * @stopped: @poll is not to be queued any more
 * @enabled: interrupts that are not masked, atomic bits
 * @enabling: those that are to be @enabled, atomic bits
 * @rising: those that want a closing, atomic bits
 * @falling: those that want an opening, atomic bits
 * @delivering: the task that is calling interrupt handlers, else NULL
 * @follow_lock: edges are taken in one after the other; held over handlers, which
 *		 therefore must not request an interrupt of this chip
 * @lock: protects all that follows; inside of @follow_lock; held over transactions,
 *	  not over handlers
 * @known: @boot, @edges and @levels are known
 * @boot: boot counter of the module
 * @edges: number of the next edge
 * @levels: as the edges up to there have left them
 * @misses: polls in a row without an answer
 * @lost_edges: edges that were overwritten before they were read
 * @edge_ns: time of the last edge by input, CLOCK_MONOTONIC, 0: none yet
 * @pulse: pulse counters, by input
 */
struct smappee_inputs {
	struct smappee_device *sdev;
	struct gpio_chip gc;
	const char *names[INPUT_LINES];
	struct delayed_work poll;
	spinlock_t kick_lock;	/* stopped */
	bool stopped;
	unsigned long enabled;
	unsigned long enabling;
	unsigned long rising;
	unsigned long falling;
	struct task_struct *delivering;

	struct mutex follow_lock;	/* order of edges */
	struct mutex lock;	/* all below */
	bool known;
	u16 boot;
	u32 edges;
	unsigned long levels;
	unsigned int misses;
	u64 lost_edges;
	s64 edge_ns[INPUT_LINES];
	struct smappee_pulse pulse[INPUT_LINES];
};

/**
 * struct smappee_input_look - what one read of a module says
 * @regs: its registers from SMAPPEE_REG_INPUT
 * @time_ns: when it answered, CLOCK_MONOTONIC
 */
struct smappee_input_look {
	u16 regs[INPUT_REGS_MAX];
	s64 time_ns;
};

/* smappee-input-follow.c */
void smappee_input_init(struct smappee_inputs *in);
void smappee_input_kick(struct smappee_inputs *in, unsigned int ms);
void smappee_input_stop(struct smappee_inputs *in);
int smappee_input_refresh(struct smappee_inputs *in, struct smappee_input_look *look);
int smappee_input_follow(struct smappee_inputs *in,
			 const struct smappee_input_look *look);

/* smappee-input-attrs.c */
extern const struct attribute_group *smappee_input_groups[];
int smappee_input_set_debounce(struct smappee_inputs *in, unsigned int input,
			       u16 address, unsigned int ms);

#endif
