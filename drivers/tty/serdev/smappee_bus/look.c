// SPDX-License-Identifier: GPL-2.0
/*
 * A look at a module: its status is read, and its rate, format and role are set
 * where they are not what they should be.
 *
 * The thread looks when no block is due, but while it waits for the line, blocks
 * become due. So a look is as urgent as they are: behind a search, question after
 * question of the lowest priority, it would wait until modules forget their scans.
 * A look at a module that is silent, though, lets control go first.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "enumerate.h"
#include "internal.h"
#include "sampler-parts.h"
#include "samples.h"

/* Status of modules, until they are locked, and then. */
#define LOOK_FAST_NS		(150 * NSEC_PER_MSEC)
#define LOOK_NS			(2 * NSEC_PER_SEC)
/* One answer with samples may keep the line for this long. */
#define LOOK_ANSWER_NS		(20 * NSEC_PER_MSEC)

/* A register among those that were read. */
#define LOOK_AT(regs, address)	(&(regs)[(address) - SMAPPEE_REG_WAVEFORM])

/* Write a register if it is not what it should be. Returns 1 if written. */
static int look_adjust(struct smappee_module *module, const u16 *regs,
		       u16 address, u16 value)
{
	int ret;

	if (*LOOK_AT(regs, address) == value)
		return 0;

	ret = smappee_line_write_registers(&module->segment->line,
					   SMAPPEE_SAMPLES,
					   module->sdev.unit, address, 1,
					   &value, 2, &module->count);

	return ret ?: 1;
}

/*
 * Bring a module's settings to what they should be, one at a time, as a write
 * may restart the module. Returns 0 when all of them are.
 */
static int look_configure(struct smappee_module *module, const u16 *regs)
{
	struct smappee_segment *segment = module->segment;
	int ret;

	ret = look_adjust(module, regs, SMAPPEE_REG_RATE, segment->rate_hz);
	if (ret)
		return ret;
	ret = look_adjust(module, regs, SMAPPEE_REG_FORMAT,
			  module->sdev.format);
	if (ret || !smappee_module_is_voltage(module))
		return ret;

	return look_adjust(module, regs, SMAPPEE_REG_REFERENCE,
			   READ_ONCE(segment->reference) == module);
}

/* How many scans to ask for at once. */
static u16 look_most(const struct smappee_module *module)
{
	const struct smappee_line *line = &module->segment->line;
	unsigned int bytes = min_t(u64, SMAPPEE_SAMPLES_DATA_MAX,
				   div_u64(LOOK_ANSWER_NS, line->byte_ns));
	unsigned int scan = module->sdev.channels *
			    smappee_format_bits(module->sdev.format) / 8;
	unsigned int scans = bytes / scan;

	/* Packed samples take about half; the module gives what fits. */
	if (module->sdev.format == SMAPPEE_FORMAT_S16_PACKED ||
	    module->sdev.format == SMAPPEE_FORMAT_S24_PACKED)
		scans *= 2;

	return clamp(scans, smappee_sampler_block(module->segment),
		     (unsigned int)SMAPPEE_SAMPLES_SCANS_MAX);
}

/* Was a setting written, or may it be accepted later? */
static bool look_not_yet(int ret)
{
	switch (ret) {
	case 1:
	case -EBUSY:
	case -ETIMEDOUT:
	case -EBADMSG:
	case -EPROTO:
	case -EREMOTEIO:
	case -EIO:
	case -ESHUTDOWN:
		return true;
	default:
		return false;
	}
}

static void look_configured(struct smappee_module *module, int ret, s64 now)
{
	struct smappee_segment *segment = module->segment;

	if (look_not_yet(ret)) {
		/* Read again what it says now. */
		module->look_ns = now + SAMPLER_UNLOCKED_NS;
		return;
	}
	if (ret) {
		/* Its rate is still another one, so this comes again and again. */
		if (!test_and_set_bit(SMAPPEE_MODULE_UNUSABLE, &module->flags))
			dev_warn(&module->sdev.dev,
				 "%s refuses rate %u Hz, format %u or its role: %pe; it gives no samples\n",
				 module->serial_text, segment->rate_hz,
				 module->sdev.format, ERR_PTR(ret));
	} else {
		clear_bit(SMAPPEE_MODULE_UNUSABLE, &module->flags);
		module->most = look_most(module);
		module->ask = module->most;
	}
	clear_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
	wake_up_all(&segment->configured);
}

/**
 * smappee_look() - read a module's status and act on it
 * @segment: the segment
 * @module: the module
 */
void smappee_look(struct smappee_segment *segment,
		  struct smappee_module *module)
{
	u16 regs[SMAPPEE_REG_WAVEFORM_COUNT];
	s32 offset_ns;
	s64 now;
	int ret;

	ret = smappee_line_read_registers(&segment->line,
					  smappee_watch_priority(module),
					  module->sdev.unit,
					  SMAPPEE_REG_WAVEFORM,
					  ARRAY_SIZE(regs), regs, 1,
					  &module->count);
	now = ktime_get_ns();
	if (ret) {
		module->look_ns = now + LOOK_FAST_NS;
		if (smappee_no_answer(ret))
			module->look_ns = smappee_module_missed(module, now);
		else if (ret == -EBADMSG || ret == -EPROTO)
			smappee_enumerate_crowded(module);
		return;
	}

	smappee_module_answered(module);
	offset_ns = modbus_u32(LOOK_AT(regs, SMAPPEE_REG_SYNC_OFFSET));
	WRITE_ONCE(module->sync_offset_ns, offset_ns);
	smappee_module_set_sync_state(module,
				      *LOOK_AT(regs, SMAPPEE_REG_SYNC_STATE));
	module->look_ns = now + (smappee_module_locked(module) ? LOOK_NS :
				 LOOK_FAST_NS);
	if (smappee_module_restarted(module,
				     *LOOK_AT(regs, SMAPPEE_REG_BOOT)) &&
	    READ_ONCE(segment->reference) == module)
		segment->sampler->sync_ns = 0;
	if (*LOOK_AT(regs, SMAPPEE_REG_RATE) != segment->rate_hz)
		set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);

	/* Another module may answer here by now: let it be verified first. */
	if (test_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags) &&
	    !test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
		look_configured(module, look_configure(module, regs), now);
	else if (test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
		module->look_ns = now + LOOK_FAST_NS;
}
