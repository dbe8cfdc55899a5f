// SPDX-License-Identifier: GPL-2.0
/*
 * Bus of modular energy meters: glue to serdev, life of a segment, and the
 * segment's attributes.
 */
#include <linux/hrtimer.h>
#include <linux/kstrtox.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/property.h>
#include <linux/serdev.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "enumerate.h"
#include "internal.h"
#include "mains.h"
#include "poll.h"
#include "sampler.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* A port may miss the speed by this much: 10 bits must be sampled right. */
#define CORE_SPEED_PERMILLE	20
/* The rate of a segment before anybody has chosen one. */
#define CORE_RATE_HZ		4000

/* What is on the line: the same frames, another kind of polling. */
enum core_kind {
	CORE_WAVEFORM = 1,
	CORE_REGISTERS,
};

/**
 * smappee_segment_get() - hold a segment
 * @segment: the segment
 *
 * Return: @segment.
 */
struct smappee_segment *smappee_segment_get(struct smappee_segment *segment)
{
	kref_get(&segment->kref);

	return segment;
}

static void core_free(struct kref *kref)
{
	struct smappee_segment *segment =
		container_of(kref, struct smappee_segment, kref);

	cleanup_srcu_struct(&segment->sink_srcu);
	mutex_destroy(&segment->line.readers);
	mutex_destroy(&segment->problems.lock);
	mutex_destroy(&segment->clock_lock);
	mutex_destroy(&segment->list_lock);
	mutex_destroy(&segment->rate_lock);
	kfree(segment);
}

/**
 * smappee_segment_put() - let go of a segment
 * @segment: the segment
 */
void smappee_segment_put(struct smappee_segment *segment)
{
	kref_put(&segment->kref, core_free);
}

/**
 * smappee_segment_modules() - how many modules a segment has
 * @segment: the segment
 *
 * Return: modules that are registered, silent ones included.
 */
unsigned int smappee_segment_modules(struct smappee_segment *segment)
{
	struct smappee_module *module;
	unsigned int n = 0;

	guard(mutex)(&segment->list_lock);
	list_for_each_entry(module, &segment->modules, node)
		n++;

	return n;
}

/**
 * smappee_segment_sleep() - the segment's thread has nothing to do for a while
 * @segment: the segment
 * @until_ns: CLOCK_MONOTONIC; or until it is kicked, shall park or stop
 */
void smappee_segment_sleep(struct smappee_segment *segment, s64 until_ns)
{
	s64 wait_ns = until_ns - ktime_get_ns();

	if (wait_ns <= 0)
		return;
	wait_event_interruptible_hrtimeout(segment->wake,
					   READ_ONCE(segment->kick) ||
					   kthread_should_park() ||
					   kthread_should_stop(),
					   ns_to_ktime(wait_ns));
}

static serdev_receive_t core_receive(struct serdev_device *serdev,
				     const serdev_receive_u8 *data,
				     size_t count)
{
	struct smappee_segment *segment = serdev_device_get_drvdata(serdev);

	return smappee_line_receive(&segment->line, data, count);
}

static const struct serdev_device_ops core_serdev_ops = {
	.receive_buf = core_receive,
	.write_wakeup = serdev_device_write_wakeup,
};

static struct smappee_segment *core_alloc(struct serdev_device *serdev,
					  unsigned int speed, bool registers)
{
	struct smappee_segment *segment;

	segment = kzalloc(sizeof(*segment), GFP_KERNEL);
	if (!segment)
		return ERR_PTR(-ENOMEM);
	if (init_srcu_struct(&segment->sink_srcu)) {
		kfree(segment);
		return ERR_PTR(-ENOMEM);
	}

	kref_init(&segment->kref);
	segment->dev = &serdev->dev;
	segment->registers = registers;
	segment->rate_hz = CORE_RATE_HZ;
	mutex_init(&segment->rate_lock);
	mutex_init(&segment->list_lock);
	mutex_init(&segment->clock_lock);
	mutex_init(&segment->problems.lock);
	INIT_LIST_HEAD(&segment->modules);
	init_waitqueue_head(&segment->wake);
	init_waitqueue_head(&segment->configured);
	init_waitqueue_head(&segment->scan_done);
	smappee_clock_init(&segment->clock, segment->rate_hz);
	/* A port has one client, so its number is ours; probes come in any order. */
	smappee_line_init(&segment->line, serdev, serdev->ctrl->nr, speed,
			  registers, &segment->count);
	segment->line.echo = device_property_read_bool(&serdev->dev,
						       "local-echo");
	smappee_mains_parse(&segment->mains, segment->dev);

	return segment;
}

/* Open the port and set it up: 8N1, no flow control, our speed. */
static int core_open(struct smappee_segment *segment)
{
	struct smappee_line *line = &segment->line;
	struct serdev_device *serdev = line->serdev;
	unsigned int speed;
	int ret;

	ret = serdev_device_open(serdev);
	if (ret)
		return dev_err_probe(segment->dev, ret, "cannot open the port\n");

	speed = serdev_device_set_baudrate(serdev, line->speed);
	if (max(speed, line->speed) - min(speed, line->speed) >
	    line->speed / 1000 * CORE_SPEED_PERMILLE) {
		dev_err(segment->dev,
			"the port gives %u baud instead of %u; set current-speed to what all modules and the port can do\n",
			speed, line->speed);
		ret = -EINVAL;
		goto close;
	}
	smappee_line_set_speed(line, speed);
	serdev_device_set_flow_control(serdev, false);
	ret = serdev_device_set_parity(serdev, SERDEV_PARITY_NONE);
	if (ret)
		goto close;

	return 0;

close:
	serdev_device_close(serdev);
	return ret;
}

static int core_probe(struct serdev_device *serdev)
{
	struct device *dev = &serdev->dev;
	struct smappee_segment *segment;
	bool registers;
	u32 speed;
	int ret;

	registers = (uintptr_t)device_get_match_data(dev) == CORE_REGISTERS;
	ret = device_property_read_u32(dev, "current-speed", &speed);
	if (ret || speed < 1200 || speed > 12000000)
		return dev_err_probe(dev, ret ?: -EINVAL,
				     "current-speed is missing or impossible\n");

	segment = core_alloc(serdev, speed, registers);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	serdev_device_set_drvdata(serdev, segment);
	serdev_device_set_client_ops(serdev, &core_serdev_ops);

	ret = core_open(segment);
	if (ret)
		goto put;
	ret = smappee_enumerate_init(segment);
	if (ret)
		goto close;
	ret = registers ? smappee_poll_run(segment) :
			  smappee_sampler_start(segment);
	if (ret)
		goto stop;
	smappee_debugfs_add(segment);
	smappee_enumerate_start(segment);
	dev_info(dev, "segment %u at %u baud\n", segment->line.id,
		 segment->line.speed);

	return 0;

stop:
	smappee_line_stop(&segment->line);
	smappee_enumerate_exit(segment);
close:
	serdev_device_close(serdev);
put:
	smappee_segment_put(segment);
	return ret;
}

static void core_remove(struct serdev_device *serdev)
{
	struct smappee_segment *segment = serdev_device_get_drvdata(serdev);

	/* No transaction begins any more, so all that follows is quick. */
	smappee_line_stop(&segment->line);
	smappee_debugfs_remove(segment);
	/* It queues enumeration work, so it goes first. */
	if (segment->registers)
		smappee_poll_halt(segment);
	else
		smappee_sampler_stop(segment);
	smappee_enumerate_exit(segment);
	serdev_device_close(serdev);
	smappee_segment_put(segment);
}

/*
 * Sleep of the whole system. The port's own driver goes to sleep after us and
 * wakes up before. Buffers stay on: their streams begin anew.
 */
static int core_suspend(struct device *dev)
{
	struct smappee_segment *segment = dev_get_drvdata(dev);

	/* It ends what it is at; then nobody else may use the line. */
	kthread_park(segment->task);
	smappee_line_pause(&segment->line);
	smappee_enumerate_pause(segment);

	return 0;
}

static int core_resume(struct device *dev)
{
	struct smappee_segment *segment = dev_get_drvdata(dev);

	if (segment->registers)
		smappee_poll_resume(segment);
	else
		smappee_sampler_resume(segment);
	smappee_line_resume(&segment->line);
	kthread_unpark(segment->task);
	smappee_enumerate_start(segment);

	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(core_pm_ops, core_suspend, core_resume);

static struct smappee_segment *core_segment(struct device *dev)
{
	return serdev_device_get_drvdata(to_serdev_device(dev));
}

static ssize_t speed_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n", core_segment(dev)->line.speed);
}
static DEVICE_ATTR_RO(speed);

static ssize_t modules_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  smappee_segment_modules(core_segment(dev)));
}
static DEVICE_ATTR_RO(modules);

static ssize_t rescan_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (!ret && yes)
		ret = smappee_enumerate_rescan(core_segment(dev));

	return ret ?: count;
}
static DEVICE_ATTR_WO(rescan);

static ssize_t release_addresses_store(struct device *dev,
				       struct device_attribute *attr,
				       const char *buf, size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	if (yes && core_segment(dev)->registers)
		return -EOPNOTSUPP;
	if (yes)
		ret = smappee_enumerate_release(core_segment(dev));

	return ret ?: count;
}
static DEVICE_ATTR_WO(release_addresses);

static ssize_t problems_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return smappee_problems_emit(core_segment(dev), buf);
}
static DEVICE_ATTR_RO(problems);

static ssize_t transactions_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.transactions);
}
static DEVICE_ATTR_RO(transactions);

static ssize_t crc_errors_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.crc_errors);
}
static DEVICE_ATTR_RO(crc_errors);

static ssize_t timeouts_show(struct device *dev,
			     struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.timeouts);
}
static DEVICE_ATTR_RO(timeouts);

static ssize_t retries_show(struct device *dev,
			    struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.retries);
}
static DEVICE_ATTR_RO(retries);

static ssize_t lost_scans_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.lost_scans);
}
static DEVICE_ATTR_RO(lost_scans);

static ssize_t repaired_blocks_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &core_segment(dev)->count.repaired_blocks);
}
static DEVICE_ATTR_RO(repaired_blocks);

static struct attribute *smappee_segment_attrs[] = {
	&dev_attr_speed.attr,
	&dev_attr_modules.attr,
	&dev_attr_rescan.attr,
	&dev_attr_release_addresses.attr,
	&dev_attr_problems.attr,
	&dev_attr_transactions.attr,
	&dev_attr_crc_errors.attr,
	&dev_attr_timeouts.attr,
	&dev_attr_retries.attr,
	&dev_attr_lost_scans.attr,
	&dev_attr_repaired_blocks.attr,
	NULL
};

static const struct attribute_group smappee_segment_group = {
	.attrs = smappee_segment_attrs,
};

static const struct attribute_group *smappee_segment_groups[] = {
	&smappee_segment_group,
	&smappee_mains_group,
	NULL
};

static const struct of_device_id core_of_match[] = {
	{
		.compatible = "smappee,waveform-segment",
		.data = (void *)CORE_WAVEFORM,
	},
	{
		.compatible = "smappee,register-segment",
		.data = (void *)CORE_REGISTERS,
	},
	{ }
};
MODULE_DEVICE_TABLE(of, core_of_match);

static struct serdev_device_driver core_driver = {
	.driver = {
		.name = "smappee-bus",
		.of_match_table = core_of_match,
		.dev_groups = smappee_segment_groups,
		.pm = pm_sleep_ptr(&core_pm_ops),
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
	},
	.probe = core_probe,
	.remove = core_remove,
};

static int __init core_init(void)
{
	int ret;

	ret = smappee_bus_init();
	if (ret)
		return ret;
	smappee_debugfs_init();
	ret = serdev_device_driver_register(&core_driver);
	if (ret) {
		smappee_debugfs_exit();
		smappee_bus_exit();
	}

	return ret;
}
module_init(core_init);

static void __exit core_exit(void)
{
	serdev_device_driver_unregister(&core_driver);
	smappee_debugfs_exit();
	smappee_bus_exit();
}
module_exit(core_exit);

MODULE_DESCRIPTION("Bus of modular energy meters on a serial line");
MODULE_LICENSE("GPL");
