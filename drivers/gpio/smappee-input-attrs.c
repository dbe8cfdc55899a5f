// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of an input module: pulse counters, times of edges, debounce times.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "smappee-input.h"

/**
 * smappee_input_set_debounce() - set how long an input must be still
 * @in: the module
 * @input: the input
 * @address: SMAPPEE_REG_INPUT_CLOSED or _OPEN
 * @ms: how long
 *
 * Return: 0, -EINVAL if that is too long, or an error of smappee_write_registers().
 */
int smappee_input_set_debounce(struct smappee_inputs *in, unsigned int input,
			       u16 address, unsigned int ms)
{
	u16 value = ms;

	if (ms > SMAPPEE_INPUT_DEBOUNCE_MAX)
		return -EINVAL;

	return smappee_write_registers(in->sdev, address + input, 1, &value);
}

struct input_attribute {
	struct device_attribute attr;
	unsigned int input;
	u16 address;
};

#define to_input_attribute(a) container_of(a, struct input_attribute, attr)

static ssize_t input_count_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);
	unsigned int input = to_input_attribute(attr)->input;
	struct smappee_input_look look;
	int ret;

	guard(mutex)(&in->lock);
	ret = smappee_input_refresh(in, &look);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%llu\n", in->pulse[input].count);
}

static ssize_t pulse_epoch_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);
	struct smappee_input_look look;
	int ret;

	guard(mutex)(&in->lock);
	ret = smappee_input_refresh(in, &look);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%u\n", in->pulse[0].last.epoch);
}
static DEVICE_ATTR_RO(pulse_epoch);

static ssize_t lost_edges_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);

	guard(mutex)(&in->lock);

	return sysfs_emit(buf, "%llu\n", in->lost_edges);
}
static DEVICE_ATTR_RO(lost_edges);

static ssize_t input_edge_time_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct smappee_inputs *in = dev_get_drvdata(dev);

	guard(mutex)(&in->lock);

	return sysfs_emit(buf, "%lld\n",
			  in->edge_ns[to_input_attribute(attr)->input]);
}

static ssize_t input_debounce_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	struct input_attribute *a = to_input_attribute(attr);
	struct smappee_inputs *in = dev_get_drvdata(dev);
	u16 ms;
	int ret;

	ret = smappee_read_registers(in->sdev, a->address + a->input, 1, &ms);

	return ret ?: sysfs_emit(buf, "%u\n", ms);
}

static ssize_t input_debounce_store(struct device *dev,
				    struct device_attribute *attr,
				    const char *buf, size_t len)
{
	struct input_attribute *a = to_input_attribute(attr);
	struct smappee_inputs *in = dev_get_drvdata(dev);
	unsigned int ms;
	int ret;

	ret = kstrtouint(buf, 10, &ms);
	if (!ret)
		ret = smappee_input_set_debounce(in, a->input, a->address, ms);

	return ret ?: len;
}

/* A module shows what it has. */
static umode_t input_is_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	const struct input_attribute *a =
		to_input_attribute(container_of(attr, struct device_attribute, attr));

	return a->input < to_smappee_device(kobj_to_dev(kobj))->slots ? attr->mode : 0;
}

/* Files count inputs from 1. */
enum { INPUT_1, INPUT_2, INPUT_3, INPUT_4 };

#define INPUT_GROUP(n)							\
static struct input_attribute input##n##_attributes[] = {		\
	{ .attr = __ATTR(in##n##_pulses, 0444, input_count_show, NULL),	\
	  .input = INPUT_##n },						\
	{ .attr = __ATTR(in##n##_edge_time_ns, 0444,			\
			 input_edge_time_show, NULL),			\
	  .input = INPUT_##n },						\
	{ .attr = __ATTR(in##n##_min_closed_ms, 0644,			\
			 input_debounce_show, input_debounce_store),	\
	  .input = INPUT_##n, .address = SMAPPEE_REG_INPUT_CLOSED },	\
	{ .attr = __ATTR(in##n##_min_open_ms, 0644,			\
			 input_debounce_show, input_debounce_store),	\
	  .input = INPUT_##n, .address = SMAPPEE_REG_INPUT_OPEN },	\
};									\
static struct attribute *input##n##_attrs[] = {				\
	&input##n##_attributes[0].attr.attr,				\
	&input##n##_attributes[1].attr.attr,				\
	&input##n##_attributes[2].attr.attr,				\
	&input##n##_attributes[3].attr.attr,				\
	NULL								\
};									\
static const struct attribute_group input##n##_group = {		\
	.attrs = input##n##_attrs,					\
	.is_visible = input_is_visible,					\
}

INPUT_GROUP(1);
INPUT_GROUP(2);
INPUT_GROUP(3);
INPUT_GROUP(4);

static struct attribute *input_module_attrs[] = {
	&dev_attr_pulse_epoch.attr,
	&dev_attr_lost_edges.attr,
	NULL
};

static const struct attribute_group input_module_group = {
	.attrs = input_module_attrs,
};

const struct attribute_group *smappee_input_groups[] = {
	&input1_group,
	&input2_group,
	&input3_group,
	&input4_group,
	&input_module_group,
	NULL
};

static_assert(ARRAY_SIZE(smappee_input_groups) == INPUT_LINES + 2);
