// SPDX-License-Identifier: GPL-2.0
/*
 * Streams as the modules' drivers see them: start, stop, sampling rate.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include <linux/wait.h>

#include "compat.h"
#include "internal.h"
#include "sampler.h"

/* What is not urgent leaves room for streams. */
static void stream_count(struct smappee_segment *segment, int more)
{
	lockdep_assert_held(&segment->rate_lock);

	WRITE_ONCE(segment->streams, segment->streams + more);
	smappee_line_share(&segment->line, segment->streams);
}

/**
 * smappee_stream_start() - begin to deliver a module's scans
 * @sdev: the module: a waveform module, a Power Box, or one behind it
 * @sink: where they go; stays valid until smappee_stream_stop() returns
 *
 * The first block of a waveform module begins at an index that is a multiple of
 * 32 ms, so modules that are started one after the other soon have indices in
 * common. A Power Box and the modules behind it get what each poll gives.
 *
 * Context: may sleep.
 * Return: 0. -ENODEV the module is gone, -EOPNOTSUPP it gives no samples, or
 * others than @sink takes, -EBUSY it has a sink.
 */
int smappee_stream_start(struct smappee_device *sdev, struct smappee_sink *sink)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_module *answers = module->box ?: module;
	struct smappee_segment *segment = module->segment;

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;
	if (segment->registers ? !sink->poll : !sdev->channels || !sink->push)
		return -EOPNOTSUPP;

	scoped_guard(mutex, &segment->rate_lock)
	{
		if (rcu_access_pointer(module->sink))
			return -EBUSY;
		/* Before the sink, so that no block that is underway gets there. */
		set_bit(SMAPPEE_MODULE_FRESH, &module->flags);
		set_bit(SMAPPEE_MODULE_JOIN, &answers->flags);
		rcu_assign_pointer(module->sink, sink);
		stream_count(segment, 1);
	}
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
	smappee_sampler_kick(segment);

	return 0;
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_start, SMAPPEE_BUS_NS);

/**
 * smappee_stream_stop() - deliver no more scans of a module
 * @sdev: the module
 *
 * When it returns, no push is running and none will begin.
 *
 * Context: may sleep. Not from what is in the sink, and with no lock held that
 * this may take.
 */
void smappee_stream_stop(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_segment *segment = module->segment;

	scoped_guard(mutex, &segment->rate_lock)
	{
		if (!rcu_access_pointer(module->sink))
			return;
		rcu_assign_pointer(module->sink, NULL);
		stream_count(segment, -1);
	}
	synchronize_srcu(&segment->sink_srcu);
	sysfs_notify(&sdev->dev.kobj, NULL, "state");
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_stop, SMAPPEE_BUS_NS);

/**
 * smappee_stream_rate() - sampling rate of a module's segment
 * @sdev: the module
 *
 * Return: Hz.
 */
unsigned int smappee_stream_rate(struct smappee_device *sdev)
{
	return READ_ONCE(to_smappee_module(&sdev->dev)->segment->rate_hz);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_rate, SMAPPEE_BUS_NS);

/**
 * smappee_stream_rates() - sampling rates that all modules of a segment support
 * @sdev: one of the modules
 *
 * Return: SMAPPEE_RATES_*.
 */
unsigned int smappee_stream_rates(struct smappee_device *sdev)
{
	struct smappee_segment *segment =
		to_smappee_module(&sdev->dev)->segment;
	struct smappee_module *module;
	unsigned int rates = ~0U;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.channels)
			rates &= module->sdev.rates;

	return rates &
	       (SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000 | SMAPPEE_RATES_8000);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_rates, SMAPPEE_BUS_NS);

static bool stream_all_configured(struct smappee_segment *segment)
{
	struct smappee_module *module;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		if (module->sdev.channels &&
		    test_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags) &&
		    !test_bit(SMAPPEE_MODULE_SILENT, &module->flags))
			return false;

	return true;
}

/* The condition takes a mutex, so this is no case for wait_event(). */
static int stream_wait_configured(struct smappee_segment *segment)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long left = 3 * HZ;
	bool done;

	add_wait_queue(&segment->configured, &wait);
	while (!(done = stream_all_configured(segment)) && left)
		left = wait_woken(&wait, TASK_UNINTERRUPTIBLE, left);
	remove_wait_queue(&segment->configured, &wait);

	return done ? 0 : -ETIMEDOUT;
}

/**
 * smappee_stream_set_rate() - set the sampling rate of a whole segment
 * @sdev: one of its modules
 * @rate_hz: 2000, 4000 or 8000
 *
 * Waits until all modules that answer have restarted at that rate.
 *
 * Context: may sleep, for up to three seconds.
 * Return: 0. -EINVAL if not all modules support it, -EBUSY while a module of the
 * segment streams, -ETIMEDOUT if a module does not confirm it in time; it will
 * be set again until it does.
 */
int smappee_stream_set_rate(struct smappee_device *sdev, unsigned int rate_hz)
{
	struct smappee_segment *segment =
		to_smappee_module(&sdev->dev)->segment;
	unsigned int rates = smappee_stream_rates(sdev);
	struct smappee_module *module;

	if (!((rate_hz == 2000 && (rates & SMAPPEE_RATES_2000)) ||
	      (rate_hz == 4000 && (rates & SMAPPEE_RATES_4000)) ||
	      (rate_hz == 8000 && (rates & SMAPPEE_RATES_8000))))
		return -EINVAL;

	guard(mutex)(&segment->rate_lock);
	if (segment->streams)
		return -EBUSY;
	if (segment->rate_hz == rate_hz)
		return 0;

	scoped_guard(mutex, &segment->list_lock)
	{
		WRITE_ONCE(segment->rate_hz, rate_hz);
		list_for_each_entry(module, &segment->modules, node) {
			set_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags);
			WRITE_ONCE(module->look_ns, 0);
		}
	}
	smappee_sampler_kick(segment);

	return stream_wait_configured(segment);
}
EXPORT_SYMBOL_NS_GPL(smappee_stream_set_rate, SMAPPEE_BUS_NS);
