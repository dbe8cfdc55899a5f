// SPDX-License-Identifier: GPL-2.0
/*
 * The bus type: how modules and their drivers find each other, and what a
 * module shows in sysfs. What a module does is none of its business.
 */
#include <linux/module.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/smappee/bus.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "enumerate.h"
#include "internal.h"
#include "poll.h"
#include "trace.h"

/* smappee:t9500s4v65535.65535 and a bit */
#define BUS_MODALIAS_LEN	40

#define to_smappee_driver(d) \
	container_of_const(d, struct smappee_driver, driver)

static const struct smappee_device_id *
bus_match_id(const struct smappee_device_id *id,
	     const struct smappee_device *sdev)
{
	for (; id && id->type; id++)
		if (id->type == sdev->type)
			return id;

	return NULL;
}

static int bus_match(struct device *dev,
		     bus_match_const struct device_driver *drv)
{
	const struct smappee_driver *sdrv = to_smappee_driver(drv);

	return !!bus_match_id(sdrv->id_table, to_smappee_device(dev));
}

/* smappee:t<type>s<slots>v<firmware major>.<minor>, all decimal */
static void bus_modalias(const struct smappee_device *sdev, char *buf,
			 size_t size)
{
	snprintf(buf, size, "smappee:t%us%uv%u.%u", sdev->type, sdev->slots,
		 sdev->firmware_major, sdev->firmware_minor);
}

static int bus_uevent(bus_uevent_const struct device *dev,
		      struct kobj_uevent_env *env)
{
	const struct smappee_device *sdev = to_smappee_device(dev);
	char modalias[BUS_MODALIAS_LEN];
	int ret;

	ret = add_uevent_var(env, "SMAPPEE_UNIT=%u", sdev->unit);
	if (ret)
		return ret;
	ret = add_uevent_var(env, "SMAPPEE_SERIAL=%04u%06u", sdev->type,
			     sdev->serial);
	if (ret)
		return ret;

	bus_modalias(sdev, modalias, sizeof(modalias));

	return add_uevent_var(env, "MODALIAS=%s", modalias);
}

static int bus_probe(struct device *dev)
{
	return to_smappee_driver(dev->driver)->probe(to_smappee_device(dev));
}

static void bus_remove(struct device *dev)
{
	struct smappee_driver *sdrv = to_smappee_driver(dev->driver);

	if (sdrv->remove)
		sdrv->remove(to_smappee_device(dev));
}

compat_bus_type smappee_bus_type = {
	.name = "smappee",
	.match = bus_match,
	.uevent = bus_uevent,
	.probe = bus_probe,
	.remove = bus_remove,
};

/**
 * __smappee_driver_register() - register a driver of modules
 * @sdrv: the driver
 * @owner: its module; use smappee_driver_register()
 *
 * Return: 0 or an error of driver_register().
 */
int __smappee_driver_register(struct smappee_driver *sdrv, struct module *owner)
{
	sdrv->driver.bus = &smappee_bus_type;
	sdrv->driver.owner = owner;
	/* A driver may do transactions, and there are many modules. */
	if (sdrv->driver.probe_type == PROBE_DEFAULT_STRATEGY)
		sdrv->driver.probe_type = PROBE_PREFER_ASYNCHRONOUS;

	return driver_register(&sdrv->driver);
}
EXPORT_SYMBOL_NS_GPL(__smappee_driver_register, SMAPPEE_BUS_NS);

/**
 * smappee_driver_unregister() - unregister a driver of modules
 * @sdrv: the driver
 */
void smappee_driver_unregister(struct smappee_driver *sdrv)
{
	driver_unregister(&sdrv->driver);
}
EXPORT_SYMBOL_NS_GPL(smappee_driver_unregister, SMAPPEE_BUS_NS);

static ssize_t type_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%u\n", to_smappee_device(dev)->type);
}
static DEVICE_ATTR_RO(type);

static ssize_t serial_number_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_smappee_module(dev)->serial_text);
}
static DEVICE_ATTR_RO(serial_number);

static ssize_t firmware_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct smappee_device *sdev = to_smappee_device(dev);

	return sysfs_emit(buf, "%u.%u\n", sdev->firmware_major,
			  sdev->firmware_minor);
}
static DEVICE_ATTR_RO(firmware);

static ssize_t slots_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n", to_smappee_device(dev)->slots);
}
static DEVICE_ATTR_RO(slots);

static ssize_t unit_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%u\n", to_smappee_device(dev)->unit);
}
static DEVICE_ATTR_RO(unit);

static ssize_t label_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n", to_smappee_device(dev)->label);
}
static DEVICE_ATTR_RO(label);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct smappee_module *module = to_smappee_module(dev);
	struct smappee_module *answers = module->box ?: module;
	const char *state = "idle";

	if (test_bit(SMAPPEE_MODULE_SILENT, &answers->flags))
		state = "silent";
	else if (rcu_access_pointer(module->sink))
		state = "streaming";

	return sysfs_emit(buf, "%s\n", state);
}
static DEVICE_ATTR_RO(state);

static ssize_t sync_state_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	static const char *const names[] = {
		[SMAPPEE_SYNC_FREE] = "free-running",
		[SMAPPEE_SYNC_LOCKING] = "locking",
		[SMAPPEE_SYNC_LOCKED] = "locked",
		[SMAPPEE_SYNC_REFERENCE] = "reference",
	};
	u16 state = READ_ONCE(to_smappee_module(dev)->sync_state);

	return sysfs_emit(buf, "%s\n",
			  names[min_t(u16, state, ARRAY_SIZE(names) - 1)]);
}
static DEVICE_ATTR_RO(sync_state);

static ssize_t sync_offset_ns_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(to_smappee_module(dev)->sync_offset_ns));
}
static DEVICE_ATTR_RO(sync_offset_ns);

static ssize_t boot_count_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_smappee_module(dev)->boot));
}
static DEVICE_ATTR_RO(boot_count);

static ssize_t modalias_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	char modalias[BUS_MODALIAS_LEN];

	bus_modalias(to_smappee_device(dev), modalias, sizeof(modalias));

	return sysfs_emit(buf, "%s\n", modalias);
}
static DEVICE_ATTR_RO(modalias);

static ssize_t lost_scans_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &to_smappee_module(dev)->count.lost_scans);
}
static DEVICE_ATTR_RO(lost_scans);

static ssize_t repaired_blocks_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &to_smappee_module(dev)->count.repaired_blocks);
}
static DEVICE_ATTR_RO(repaired_blocks);

static ssize_t crc_errors_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &to_smappee_module(dev)->count.crc_errors);
}
static DEVICE_ATTR_RO(crc_errors);

static ssize_t timeouts_show(struct device *dev,
			     struct device_attribute *attr, char *buf)
{
	return smappee_emit_count(buf, &to_smappee_module(dev)->count.timeouts);
}
static DEVICE_ATTR_RO(timeouts);

static struct attribute *smappee_module_attrs[] = {
	&dev_attr_type.attr,
	&dev_attr_serial_number.attr,
	&dev_attr_firmware.attr,
	&dev_attr_slots.attr,
	&dev_attr_unit.attr,
	&dev_attr_label.attr,
	&dev_attr_state.attr,
	&dev_attr_sync_state.attr,
	&dev_attr_sync_offset_ns.attr,
	&dev_attr_boot_count.attr,
	&dev_attr_lost_scans.attr,
	&dev_attr_repaired_blocks.attr,
	&dev_attr_crc_errors.attr,
	&dev_attr_timeouts.attr,
	&dev_attr_modalias.attr,
	NULL
};

/* What only modules that sample have. */
static umode_t smappee_module_visible(struct kobject *kobj,
				      struct attribute *attr, int n)
{
	struct device *dev = kobj_to_dev(kobj);
	struct smappee_module *module = to_smappee_module(dev);

	if (module->segment->registers &&
	    (attr == &dev_attr_sync_state.attr ||
	     attr == &dev_attr_sync_offset_ns.attr ||
	     attr == &dev_attr_boot_count.attr))
		return 0;

	return attr->mode;
}

static const struct attribute_group smappee_module_group = {
	.attrs = smappee_module_attrs,
	.is_visible = smappee_module_visible,
};
__ATTRIBUTE_GROUPS(smappee_module);

static void smappee_module_release(struct device *dev)
{
	struct smappee_module *module = to_smappee_module(dev);

	if (module->box)
		put_device(&module->box->sdev.dev);
	fwnode_handle_put(dev_fwnode(dev));
	smappee_segment_put(module->segment);
	smappee_poller_free(module->poller);
	kfree_const(module->sdev.label);
	kfree(module);
}

const struct device_type smappee_module_type = {
	.name = "smappee_module",
	.groups = smappee_module_groups,
	.release = smappee_module_release,
};

/**
 * smappee_read_registers() - read registers of a module
 * @sdev: the module
 * @address: first register
 * @count: how many, 1 to 125
 * @values: room for them, CPU endian
 *
 * Context: may sleep; not in smappee_sink.push().
 * Return: 0, -ENODEV if the module is gone, or -ETIMEDOUT no answer, -EBADMSG
 * damaged answer, -EPROTO wrong answer, -EIO the port does not send,
 * -ESHUTDOWN the segment is going away, or what the module answered:
 * -EOPNOTSUPP, -ENXIO, -EINVAL, -EBUSY, -EREMOTEIO.
 */
int smappee_read_registers(struct smappee_device *sdev, u16 address, u16 count,
			   u16 *values)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;

	return smappee_line_read_registers(&module->segment->line,
					   SMAPPEE_CONTROL, sdev->unit, address,
					   count, values, 3, &module->count);
}
EXPORT_SYMBOL_NS_GPL(smappee_read_registers, SMAPPEE_BUS_NS);

/**
 * smappee_write_registers() - write registers of a module
 * @sdev: the module
 * @address: first register
 * @count: how many, 1 to 28
 * @values: what to write, CPU endian
 *
 * Context: may sleep; not in smappee_sink.push().
 * Return: 0, or an error of smappee_read_registers().
 */
int smappee_write_registers(struct smappee_device *sdev, u16 address, u16 count,
			    const u16 *values)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	if (test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		return -ENODEV;

	return smappee_line_write_registers(&module->segment->line,
					    SMAPPEE_CONTROL, sdev->unit,
					    address, count, values, 3,
					    &module->count);
}
EXPORT_SYMBOL_NS_GPL(smappee_write_registers, SMAPPEE_BUS_NS);

/**
 * smappee_renewals() - how often a module may have forgotten what it was told
 * @sdev: the module
 *
 * A driver that remembers settings has to ask for them again when this number
 * has changed: the module, or the Power Box it is behind, has been silent, or has
 * been looked at by a rescan.
 *
 * Return: the number, which wraps.
 */
unsigned int smappee_renewals(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);
	struct smappee_module *answers = module->box ?: module;

	return atomic_read(&answers->renewals);
}
EXPORT_SYMBOL_NS_GPL(smappee_renewals, SMAPPEE_BUS_NS);

/**
 * smappee_rescan() - let the module's segment be looked at again
 * @sdev: the module
 *
 * For a driver that has changed what modules a Power Box shows, or where. Does not
 * wait: the module itself may be replaced by it.
 */
void smappee_rescan(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	if (!test_bit(SMAPPEE_MODULE_GONE, &module->flags))
		smappee_enumerate_again(module->segment);
}
EXPORT_SYMBOL_NS_GPL(smappee_rescan, SMAPPEE_BUS_NS);

/**
 * smappee_lost_scans() - scans of a module that are lost for good
 * @sdev: the module
 *
 * Return: how many since it was found.
 */
u64 smappee_lost_scans(struct smappee_device *sdev)
{
	return atomic64_read(&to_smappee_module(&sdev->dev)->count.lost_scans);
}
EXPORT_SYMBOL_NS_GPL(smappee_lost_scans, SMAPPEE_BUS_NS);

/**
 * smappee_repaired_blocks() - blocks of a module that came at a second try
 * @sdev: the module
 *
 * Return: how many since it was found.
 */
u64 smappee_repaired_blocks(struct smappee_device *sdev)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	return atomic64_read(&module->count.repaired_blocks);
}
EXPORT_SYMBOL_NS_GPL(smappee_repaired_blocks, SMAPPEE_BUS_NS);

/**
 * smappee_count_overruns() - scans of a module found no place in a buffer
 * @sdev: the module
 * @index: index of one of them, 0 if they have none
 * @scans: how many
 *
 * Context: any, as from smappee_sink.push().
 */
void smappee_count_overruns(struct smappee_device *sdev, u64 index,
			    unsigned int scans)
{
	struct smappee_module *module = to_smappee_module(&sdev->dev);

	atomic64_add(scans, &module->count.overruns);
	atomic64_add(scans, &module->segment->count.overruns);
	trace_smappee_overrun(module->segment->line.id, sdev->unit, index,
			      scans);
}
EXPORT_SYMBOL_NS_GPL(smappee_count_overruns, SMAPPEE_BUS_NS);

/**
 * smappee_overruns() - scans of a module that found no place in a buffer
 * @sdev: the module
 *
 * Return: how many since it was found.
 */
u64 smappee_overruns(struct smappee_device *sdev)
{
	return atomic64_read(&to_smappee_module(&sdev->dev)->count.overruns);
}
EXPORT_SYMBOL_NS_GPL(smappee_overruns, SMAPPEE_BUS_NS);

int smappee_bus_init(void)
{
	return bus_register(&smappee_bus_type);
}

void smappee_bus_exit(void)
{
	bus_unregister(&smappee_bus_type);
}
