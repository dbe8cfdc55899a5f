// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers of input and output modules need to look after a module
 * themselves: nobody samples it, so its driver is the one who learns that it
 * has fallen silent, is back, or has restarted.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "enumerate.h"
#include "internal.h"
#include "sampler-parts.h"

/* Damaged answers in a row after which another module may have the same address. */
#define WATCH_DAMAGED	5

/* What a try tells about the module: silent, there, or not alone. */
static void watch_learn(struct smappee_module *module, int ret, bool half)
{
	bool damaged = ret == -EBADMSG || ret == -EPROTO ||
		       (ret == -ETIMEDOUT && half);

	if (damaged) {
		if (++module->failures % WATCH_DAMAGED == 0)
			smappee_enumerate_crowded(module);
	} else if (!ret) {
		module->failures = 0;
	}
	if (!damaged && (ret == -ETIMEDOUT || ret == -EIO))
		smappee_module_missed(module, ktime_get_ns());
	else if (ret != -ESHUTDOWN)
		smappee_module_answered(module);
}

/**
 * smappee_watch_registers() - read registers of a module that is not sampled
 * @sdev: the module; smappee_device.channels is 0
 * @address: first register
 * @count: how many, 1 to 125
 * @values: room for them, CPU endian
 * @time_ns: when the first byte of the answer arrived, CLOCK_MONOTONIC; NULL is
 *	     allowed
 *
 * One try, behind control and on a par with samples, or behind them if the module
 * is silent. The module's state follows from it: silent after some misses, and
 * after that nothing it says counts until the bus has verified that it is still
 * the same module.
 *
 * Context: may sleep. One caller at a time per module.
 * Return: 0, -EAGAIN not verified yet, -EOPNOTSUPP the module is sampled, or an
 * error of smappee_read_registers().
 */
int smappee_watch_registers(struct smappee_device *sdev, u16 address, u16 count,
			    u16 *values, s64 *time_ns)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	u8 frame[SMAPPEE_FRAME_MAX_MODBUS];
	struct smappee_answer answer = {
		.frame = frame,
		.size = sizeof(frame),
	};
	struct modbus_request rq;
	int ret;

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;
	if (sdev->channels || module->box || module->poller)
		return -EOPNOTSUPP;

	ret = modbus_read_registers(&rq, sdev->unit, address, count);
	if (ret)
		return ret;
	ret = smappee_line_transact(&module->segment->line,
				    smappee_watch_priority(module), &rq,
				    &answer, &module->count);
	watch_learn(module, ret, answer.len);
	if (ret)
		return ret;
	if (test_bit(SMAPPEE_MODULE_VERIFY, &module->flags))
		return -EAGAIN;

	modbus_answer_registers(&rq, frame, values);
	if (time_ns)
		*time_ns = answer.first_ns;

	return 0;
}
EXPORT_SYMBOL_NS_GPL(smappee_watch_registers, SMAPPEE_BUS_NS);

/**
 * smappee_watch_boot() - a module that is not sampled has told its boot counter
 * @sdev: the module
 * @boot: the counter
 *
 * If it moved, the bus verifies who answers there, and until then
 * smappee_watch_registers() gives nothing.
 *
 * Context: may sleep; whoever calls smappee_watch_registers().
 * Return: 0, or -EAGAIN: it restarted, what it said does not count yet.
 */
int smappee_watch_boot(struct smappee_device *sdev, u16 boot)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	return smappee_module_restarted(module, boot) ? -EAGAIN : 0;
}
EXPORT_SYMBOL_NS_GPL(smappee_watch_boot, SMAPPEE_BUS_NS);
