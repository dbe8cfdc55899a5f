// SPDX-License-Identifier: GPL-2.0
/*
 * Output modules of modular energy meters: relays as GPIO lines, and their
 * fail-safe state.
 *
 * The module itself watches over the time-out. It begins anew with each write to
 * the heartbeat attribute and with nothing else: this driver never keeps a module
 * alive by itself, so that a program that hangs cannot hide behind the kernel.
 * Neither probe nor remove switches a relay.
 */
#include <linux/bits.h>
#include <linux/gpio/driver.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/property.h>
#include <linux/smappee/bus.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "gpio-set.h"

#define OUTPUT_RELAYS	2
#define OUTPUT_POLL_MS	1000

/**
 * struct smappee_outputs - an output module
 * @sdev: the module
 * @gc: its lines
 * @names: names of the lines
 * @poll: looks whether the module answers, and at its fail-safe state
 * @in_force: the fail-safe state was, when last looked; the poll's own
 * @state_lock: a change of a state register is a read and a write
 */
struct smappee_outputs {
	struct smappee_device *sdev;
	struct gpio_chip gc;
	const char *names[OUTPUT_RELAYS];
	struct delayed_work poll;
	bool in_force;
	struct mutex state_lock;	/* read, change, write */
};

static int output_read(struct smappee_outputs *out, u16 address, u16 *value)
{
	return smappee_read_registers(out->sdev, address, 1, value);
}

static int output_write(struct smappee_outputs *out, u16 address, u16 value)
{
	return smappee_write_registers(out->sdev, address, 1, &value);
}

static void output_poll(struct work_struct *work)
{
	struct smappee_outputs *out = container_of(to_delayed_work(work),
						   struct smappee_outputs, poll);
	struct device *dev = &out->sdev->dev;
	u16 regs[SMAPPEE_REG_OUTPUT_COUNT];
	bool in_force;
	int ret;

	ret = smappee_watch_registers(out->sdev, SMAPPEE_REG_OUTPUT,
				      ARRAY_SIZE(regs), regs, NULL);
	if (!ret)
		ret = smappee_watch_boot(out->sdev, regs[0]);
	/* A line that is stopped may go on, after a sleep; a module that is gone does not. */
	if (ret == -ENODEV)
		return;
	in_force = !ret ? regs[SMAPPEE_REG_OUTPUT_IN_FORCE - SMAPPEE_REG_OUTPUT] :
			  out->in_force;
	if (in_force != out->in_force) {
		out->in_force = in_force;
		if (in_force)
			dev_warn(dev, "no heartbeat for %u s: relays are in their fail-safe state\n",
				 regs[SMAPPEE_REG_OUTPUT_TIMEOUT -
				      SMAPPEE_REG_OUTPUT]);
		else
			dev_info(dev, "heartbeat again\n");
		sysfs_notify(&dev->kobj, NULL, "fail_safe");
	}
	schedule_delayed_work(&out->poll, msecs_to_jiffies(OUTPUT_POLL_MS));
}

/* GPIO */

static int output_get_direction(struct gpio_chip *gc, unsigned int offset)
{
	return GPIO_LINE_DIRECTION_OUT;
}

static int output_get_multiple(struct gpio_chip *gc, unsigned long *mask,
			       unsigned long *bits)
{
	u16 relays;
	int ret;

	ret = output_read(gpiochip_get_data(gc), SMAPPEE_REG_OUTPUT_RELAYS,
			  &relays);
	if (ret)
		return ret;
	*bits = relays & *mask;

	return 0;
}

static int output_get(struct gpio_chip *gc, unsigned int offset)
{
	unsigned long mask = BIT(offset), bits;
	int ret = output_get_multiple(gc, &mask, &bits);

	return ret ?: !!bits;
}

static int output_switch(struct gpio_chip *gc, unsigned long mask,
			 unsigned long bits)
{
	u16 those = mask & GENMASK(gc->ngpio - 1, 0);
	u16 on = bits & those;

	return output_write(gpiochip_get_data(gc), SMAPPEE_REG_OUTPUT_SWITCH,
			    those | on << SMAPPEE_RELAY_STAYS);
}

static compat_gpio_set_t output_set_multiple(struct gpio_chip *gc,
					     unsigned long *mask,
					     unsigned long *bits)
{
	return compat_gpio_set_result(gc, output_switch(gc, *mask, *bits));
}

static compat_gpio_set_t output_set(struct gpio_chip *gc, unsigned int offset,
				    int value)
{
	return compat_gpio_set_result(gc, output_switch(gc, BIT(offset),
							value ? BIT(offset) : 0));
}

static int output_direction_output(struct gpio_chip *gc, unsigned int offset,
				   int value)
{
	return output_switch(gc, BIT(offset), value ? BIT(offset) : 0);
}

/* Attributes */

struct output_attribute {
	struct device_attribute attr;
	unsigned int relay;
	u16 address;
};

#define to_output_attribute(a) container_of(a, struct output_attribute, attr)

static const char *const output_states[] = { "off", "on", "keep" };

enum { OUTPUT_OFF, OUTPUT_ON, OUTPUT_KEEP };

/* The state register @value with another state for @relay. */
static u16 output_state(u16 value, unsigned int relay, int state)
{
	value &= ~(BIT(relay) | BIT(SMAPPEE_RELAY_STAYS + relay));
	if (state == OUTPUT_ON)
		value |= BIT(relay);
	else if (state == OUTPUT_KEEP)
		value |= BIT(SMAPPEE_RELAY_STAYS + relay);

	return value;
}

static ssize_t output_state_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct output_attribute *a = to_output_attribute(attr);
	int ret, state = OUTPUT_OFF;
	u16 value;

	ret = output_read(dev_get_drvdata(dev), a->address, &value);
	if (ret)
		return ret;
	if (value & BIT(SMAPPEE_RELAY_STAYS + a->relay))
		state = OUTPUT_KEEP;
	else if (value & BIT(a->relay))
		state = OUTPUT_ON;

	return sysfs_emit(buf, "%s\n", output_states[state]);
}

static ssize_t output_state_store(struct device *dev,
				  struct device_attribute *attr,
				  const char *buf, size_t len)
{
	struct output_attribute *a = to_output_attribute(attr);
	struct smappee_outputs *out = dev_get_drvdata(dev);
	int state = sysfs_match_string(output_states, buf);
	u16 value;
	int ret;

	if (state < 0)
		return state;

	guard(mutex)(&out->state_lock);
	ret = output_read(out, a->address, &value);
	if (!ret)
		ret = output_write(out, a->address,
				   output_state(value, a->relay, state));

	return ret ?: len;
}

static ssize_t output_relay_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct output_attribute *a = to_output_attribute(attr);
	u16 relays;
	int ret;

	ret = output_read(dev_get_drvdata(dev), a->address, &relays);

	return ret ?: sysfs_emit(buf, "%u\n", !!(relays & BIT(a->relay)));
}

#define OUTPUT_ATTR(_name, _relay, _mode, _show, _store, _address)	\
	static struct output_attribute output_attr_##_name = {		\
		.attr = __ATTR(_name, _mode, _show, _store),		\
		.relay = _relay,					\
		.address = _address,					\
	}

OUTPUT_ATTR(relay1_state, 0, 0444, output_relay_show, NULL,
	    SMAPPEE_REG_OUTPUT_RELAYS);
OUTPUT_ATTR(relay1_fail_safe, 0, 0644, output_state_show, output_state_store,
	    SMAPPEE_REG_OUTPUT_SAFE);
OUTPUT_ATTR(relay1_restart, 0, 0644, output_state_show, output_state_store,
	    SMAPPEE_REG_OUTPUT_START);
OUTPUT_ATTR(relay2_state, 1, 0444, output_relay_show, NULL,
	    SMAPPEE_REG_OUTPUT_RELAYS);
OUTPUT_ATTR(relay2_fail_safe, 1, 0644, output_state_show, output_state_store,
	    SMAPPEE_REG_OUTPUT_SAFE);
OUTPUT_ATTR(relay2_restart, 1, 0644, output_state_show, output_state_store,
	    SMAPPEE_REG_OUTPUT_START);

static ssize_t output_number_show(struct device *dev, char *buf, u16 address)
{
	u16 value;
	int ret;

	ret = output_read(dev_get_drvdata(dev), address, &value);

	return ret ?: sysfs_emit(buf, "%u\n", value);
}

static ssize_t fail_safe_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return output_number_show(dev, buf, SMAPPEE_REG_OUTPUT_IN_FORCE);
}
static DEVICE_ATTR_RO(fail_safe);

static ssize_t fail_safe_left_sec_show(struct device *dev,
				       struct device_attribute *attr, char *buf)
{
	return output_number_show(dev, buf, SMAPPEE_REG_OUTPUT_LEFT);
}
static DEVICE_ATTR_RO(fail_safe_left_sec);

static ssize_t fail_safe_timeout_sec_show(struct device *dev,
					  struct device_attribute *attr,
					  char *buf)
{
	return output_number_show(dev, buf, SMAPPEE_REG_OUTPUT_TIMEOUT);
}

static ssize_t fail_safe_timeout_sec_store(struct device *dev,
					   struct device_attribute *attr,
					   const char *buf, size_t len)
{
	u16 timeout;
	int ret;

	ret = kstrtou16(buf, 10, &timeout);
	if (!ret)
		ret = output_write(dev_get_drvdata(dev),
				   SMAPPEE_REG_OUTPUT_TIMEOUT, timeout);

	return ret ?: len;
}
static DEVICE_ATTR_RW(fail_safe_timeout_sec);

static ssize_t heartbeat_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t len)
{
	bool beat;
	int ret;

	ret = kstrtobool(buf, &beat);
	if (!ret && !beat)
		ret = -EINVAL;
	if (!ret)
		ret = output_write(dev_get_drvdata(dev),
				   SMAPPEE_REG_OUTPUT_HEARTBEAT, 1);

	return ret ?: len;
}
static DEVICE_ATTR_WO(heartbeat);

static ssize_t last_change_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	static const char *const causes[] = {
		[SMAPPEE_CAUSE_RESTART] = "restart",
		[SMAPPEE_CAUSE_HOST] = "host",
		[SMAPPEE_CAUSE_FAIL_SAFE] = "fail-safe",
	};
	u16 cause;
	int ret;

	ret = output_read(dev_get_drvdata(dev), SMAPPEE_REG_OUTPUT_CAUSE,
			  &cause);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%s\n", cause < ARRAY_SIZE(causes) ?
			  causes[cause] : "unknown");
}
static DEVICE_ATTR_RO(last_change);

static struct attribute *output_relay_attrs[] = {
	&output_attr_relay1_state.attr.attr,
	&output_attr_relay1_fail_safe.attr.attr,
	&output_attr_relay1_restart.attr.attr,
	&output_attr_relay2_state.attr.attr,
	&output_attr_relay2_fail_safe.attr.attr,
	&output_attr_relay2_restart.attr.attr,
	NULL
};

/* A module shows what it has. */
static umode_t output_is_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	const struct output_attribute *a =
		to_output_attribute(container_of(attr, struct device_attribute, attr));

	return a->relay < to_smappee_device(kobj_to_dev(kobj))->slots ? attr->mode : 0;
}

static const struct attribute_group output_relay_group = {
	.attrs = output_relay_attrs,
	.is_visible = output_is_visible,
};

static struct attribute *output_module_attrs[] = {
	&dev_attr_fail_safe.attr,
	&dev_attr_fail_safe_left_sec.attr,
	&dev_attr_fail_safe_timeout_sec.attr,
	&dev_attr_heartbeat.attr,
	&dev_attr_last_change.attr,
	NULL
};

static const struct attribute_group output_module_group = {
	.attrs = output_module_attrs,
};

static const struct attribute_group *smappee_output_groups[] = {
	&output_relay_group,
	&output_module_group,
	NULL
};

/* Probe */

/* Write a register only if it is another value, as a write may mean more. */
static int output_want(struct smappee_outputs *out, u16 address, u16 value)
{
	u16 is;
	int ret;

	ret = output_read(out, address, &is);
	if (ret || is == value)
		return ret;

	return output_write(out, address, value);
}

/* What the firmware description says of the fail-safe state. */
static int output_describe(struct smappee_outputs *out)
{
	const char *names[OUTPUT_RELAYS];
	struct device *dev = &out->sdev->dev;
	int i, n, state, ret = 0;
	u16 safe = 0;
	u32 timeout;

	n = device_property_string_array_count(dev, "fail-safe-state");
	if (n > 0) {
		if (n != out->sdev->slots)
			return dev_err_probe(dev, -EINVAL,
					     "fail-safe-state: %d states for %u relays\n",
					     n, out->sdev->slots);
		ret = device_property_read_string_array(dev, "fail-safe-state",
							names, n);
		for (i = 0; i < n && ret >= 0; i++) {
			state = match_string(output_states,
					     ARRAY_SIZE(output_states),
					     names[i]);
			if (state < 0)
				return dev_err_probe(dev, -EINVAL,
						     "fail-safe-state \"%s\": give off, on or keep\n",
						     names[i]);
			safe = output_state(safe, i, state);
		}
		if (ret >= 0)
			ret = output_want(out, SMAPPEE_REG_OUTPUT_SAFE, safe);
		if (ret)
			return ret;
	}

	if (device_property_read_u32(dev, "fail-safe-timeout-sec", &timeout))
		return 0;
	if (timeout > U16_MAX)
		return dev_err_probe(dev, -EINVAL,
				     "fail-safe-timeout-sec %u: give 0 to %u\n",
				     timeout, U16_MAX);

	return output_want(out, SMAPPEE_REG_OUTPUT_TIMEOUT, timeout);
}

static int output_add_chip(struct smappee_outputs *out)
{
	struct device *dev = &out->sdev->dev;
	struct gpio_chip *gc = &out->gc;
	unsigned int i;

	gc->label = dev_name(dev);
	gc->parent = dev;
	gc->owner = THIS_MODULE;
	gc->base = -1;
	gc->ngpio = out->sdev->slots;
	gc->can_sleep = true;
	gc->get_direction = output_get_direction;
	gc->direction_output = output_direction_output;
	gc->get = output_get;
	gc->get_multiple = output_get_multiple;
	gc->compat_gpio_set = output_set;
	gc->compat_gpio_set_multiple = output_set_multiple;
	for (i = 0; i < gc->ngpio; i++) {
		out->names[i] = devm_kasprintf(dev, GFP_KERNEL, "%s:relay%u",
					       out->sdev->label, i + 1);
		if (!out->names[i])
			return -ENOMEM;
	}
	/* Names from the firmware description go before these. */
	if (!device_property_present(dev, "gpio-line-names"))
		gc->names = out->names;

	return devm_gpiochip_add_data(dev, gc, out);
}

static int output_probe(struct smappee_device *sdev)
{
	struct device *dev = &sdev->dev;
	struct smappee_outputs *out;
	int ret;

	if (sdev->slots > OUTPUT_RELAYS)
		return dev_err_probe(dev, -EINVAL,
				     "%u relays, 1 or %u are supported\n",
				     sdev->slots, OUTPUT_RELAYS);
	out = devm_kzalloc(dev, sizeof(*out), GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	out->sdev = sdev;
	mutex_init(&out->state_lock);
	INIT_DELAYED_WORK(&out->poll, output_poll);
	dev_set_drvdata(dev, out);

	ret = output_describe(out);
	if (ret)
		return dev_err_probe(dev, ret, "no fail-safe state\n");
	ret = output_add_chip(out);
	if (ret)
		return dev_err_probe(dev, ret, "no GPIO lines\n");
	schedule_delayed_work(&out->poll, 0);

	return 0;
}

static void output_remove(struct smappee_device *sdev)
{
	struct smappee_outputs *out = dev_get_drvdata(&sdev->dev);

	cancel_delayed_work_sync(&out->poll);
}

static const struct smappee_device_id output_ids[] = {
	{ SMAPPEE_TYPE_OPEN_OUTPUT },
	{ }
};
MODULE_ALIAS_SMAPPEE(9800);

static struct smappee_driver output_driver = {
	.driver = {
		.name = "smappee-output",
		.dev_groups = smappee_output_groups,
	},
	.id_table = output_ids,
	.probe = output_probe,
	.remove = output_remove,
};
module_smappee_driver(output_driver);

MODULE_DESCRIPTION("Output modules of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
