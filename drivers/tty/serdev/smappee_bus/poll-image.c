// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of a Power Box as they were read last, part by part, from which
 * drivers take their values: in a poll, or whenever somebody asks.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "compat.h"
#include "internal.h"
#include "poll.h"
#include "poll-parts.h"

/* Measurements of all other kinds. */
#define POLL_SLOW_NS		NSEC_PER_SEC
/* Energy, which a mean household moves by 1 Wh in seconds. */
#define POLL_ENERGY_NS		(6LL * NSEC_PER_SEC)
/* A value of the image may be so many periods old; then the box is asked. */
#define POLL_FRESH_PERIODS	2
/* As much: a quarter of the energy of 27 virtual meters, eight registers each. */
#define POLL_METERS		(POLL_HALF / SMAPPEE_PB_METER_ENERGY_STRIDE)
#define POLL_QUARTER(n) \
	(SMAPPEE_PB_REG_METER_IMPORT + (n) * POLL_HALF)
#define POLL_LAST_QUARTER \
	((SMAPPEE_PB_METERS - 3 * POLL_METERS) * SMAPPEE_PB_METER_ENERGY_STRIDE)

/* The first one is the fast one. */
const struct smappee_poll_part smappee_poll_parts[] = {
	{ SMAPPEE_PB_REG_ACTIVE_100MS,
	  SMAPPEE_PB_CHANNELS * SMAPPEE_PB_ACTIVE_100MS_STRIDE },
	{ SMAPPEE_PB_REG_VOLTAGE,
	  (SMAPPEE_PB_PHASES - 1) * SMAPPEE_PB_STRIDE + 2, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_NOMINAL,
	  SMAPPEE_PB_REG_FREQUENCY + 2 - SMAPPEE_PB_REG_NOMINAL, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_CURRENT, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_CURRENT + POLL_HALF, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_ACTIVE, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_ACTIVE + POLL_HALF, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_REACTIVE, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_REACTIVE + POLL_HALF, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_APPARENT, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_APPARENT + POLL_HALF, POLL_HALF, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_METER_ACTIVE,
	  SMAPPEE_PB_METERS * SMAPPEE_PB_METER_ACTIVE_STRIDE, POLL_SLOW_NS },
	{ SMAPPEE_PB_REG_IMPORT, POLL_HALF, POLL_ENERGY_NS },
	{ SMAPPEE_PB_REG_IMPORT + POLL_HALF, POLL_HALF, POLL_ENERGY_NS },
	{ POLL_QUARTER(0), POLL_HALF, POLL_ENERGY_NS },
	{ POLL_QUARTER(1), POLL_HALF, POLL_ENERGY_NS },
	{ POLL_QUARTER(2), POLL_HALF, POLL_ENERGY_NS },
	{ POLL_QUARTER(3), POLL_LAST_QUARTER, POLL_ENERGY_NS },
};

static_assert(ARRAY_SIZE(smappee_poll_parts) == POLL_PARTS);
static_assert(SMAPPEE_PB_CHANNELS * SMAPPEE_PB_ACTIVE_100MS_STRIDE <=
	      POLL_HALF);
static_assert(SMAPPEE_PB_METERS * SMAPPEE_PB_METER_ACTIVE_STRIDE <= POLL_HALF);
static_assert(POLL_LAST_QUARTER <= POLL_HALF);

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

/**
 * smappee_poll_keep() - a part has been read
 * @p: the image
 * @part: the part
 * @values: its registers
 * @time_ns: when, CLOCK_MONOTONIC
 */
void smappee_poll_keep(struct smappee_poller *p, unsigned int part,
		       const u16 *values, s64 time_ns)
{
	spin_lock(&p->lock);
	memcpy(p->regs[part], values, 2 * smappee_poll_parts[part].count);
	p->read_ns[part] = time_ns;
	spin_unlock(&p->lock);
}

/* The part that holds registers, or NULL; @regs: where it has the first. */
static const struct smappee_poll_part *
poll_find(const struct smappee_poller *p, u16 address, u16 count,
	  const u16 **regs, s64 *read_ns)
{
	unsigned int i;

	for (i = 0; i < POLL_PARTS; i++) {
		const struct smappee_poll_part *part = &smappee_poll_parts[i];

		if (address < part->address ||
		    address + count > part->address + part->count)
			continue;
		*regs = &p->regs[i][address - part->address];
		*read_ns = p->read_ns[i];
		return part;
	}

	return NULL;
}

static bool poll_fresh(const struct smappee_poll_part *part, s64 read_ns)
{
	s64 period_ns = part->period_ns ?: POLL_IDLE_NS;

	return read_ns &&
	       ktime_get_ns() - read_ns <= POLL_FRESH_PERIODS * period_ns;
}

/**
 * smappee_poll_regs() - measurements of a poll
 * @poll: the poll
 * @address: first register
 * @count: how many
 *
 * The active powers of 100 ms are those that were read in this cycle. All else is
 * what was read last, in one piece.
 *
 * Context: in smappee_sink.poll(), which runs where the registers are written.
 * Return: the registers, valid for the call that got @poll; NULL if they have not
 * been read for two of their periods, or are none that the schedule reads.
 */
const u16 *smappee_poll_regs(const struct smappee_poll *poll, u16 address,
			     u16 count)
{
	const struct smappee_poll_part *part;
	const u16 *regs;
	s64 read_ns;

	part = poll_find(poll->poller, address, count, &regs, &read_ns);

	return part && poll_fresh(part, read_ns) ? regs : NULL;
}
EXPORT_SYMBOL_NS_GPL(smappee_poll_regs, SMAPPEE_BUS_NS);

/* Take registers from the image if they are in it and not too old. */
static bool poll_image(struct smappee_poller *p, u16 address, u16 count,
		       u16 *values)
{
	const struct smappee_poll_part *part;
	const u16 *regs;
	s64 read_ns;
	bool fresh;

	spin_lock(&p->lock);
	part = poll_find(p, address, count, &regs, &read_ns);
	fresh = part && poll_fresh(part, read_ns);
	if (fresh)
		memcpy(values, regs, 2 * count);
	spin_unlock(&p->lock);

	return fresh;
}

/**
 * smappee_poll_read() - measurements as they were read last
 * @sdev: a Power Box or a module behind one
 * @address: first register
 * @count: how many, 1 to 125
 * @values: room for them, CPU endian; all of one read
 *
 * What the poll schedule has not read for two of its periods is read now.
 *
 * Context: may sleep; not in smappee_sink.poll().
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
