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

#define INPUT_ATTR(_name, _input, _mode, _show, _store, _address)	\
	static struct input_attribute input_attr_##_name = {		\
		.attr = __ATTR(_name, _mode, _show, _store),		\
		.input = _input,					\
		.address = _address,					\
	}

#define INPUT_ATTR_PULSES(n)						\
	INPUT_ATTR(in##n##_pulses, (n) - 1, 0444, input_count_show, NULL, 0)
#define INPUT_ATTR_EDGE_TIME(n)						\
	INPUT_ATTR(in##n##_edge_time_ns, (n) - 1, 0444,			\
		   input_edge_time_show, NULL, 0)
#define INPUT_ATTR_DEBOUNCE(n, _name, _address)				\
	INPUT_ATTR(in##n##_##_name, (n) - 1, 0644, input_debounce_show,	\
		   input_debounce_store, _address)

INPUT_ATTR_PULSES(1);
INPUT_ATTR_EDGE_TIME(1);
INPUT_ATTR_DEBOUNCE(1, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(1, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(2);
INPUT_ATTR_EDGE_TIME(2);
INPUT_ATTR_DEBOUNCE(2, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(2, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(3);
INPUT_ATTR_EDGE_TIME(3);
INPUT_ATTR_DEBOUNCE(3, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(3, min_open_ms, SMAPPEE_REG_INPUT_OPEN);
INPUT_ATTR_PULSES(4);
INPUT_ATTR_EDGE_TIME(4);
INPUT_ATTR_DEBOUNCE(4, min_closed_ms, SMAPPEE_REG_INPUT_CLOSED);
INPUT_ATTR_DEBOUNCE(4, min_open_ms, SMAPPEE_REG_INPUT_OPEN);

static struct attribute *smappee_input_attrs[] = {
	&input_attr_in1_pulses.attr.attr,
	&input_attr_in1_edge_time_ns.attr.attr,
	&input_attr_in1_min_closed_ms.attr.attr,
	&input_attr_in1_min_open_ms.attr.attr,
	&input_attr_in2_pulses.attr.attr,
	&input_attr_in2_edge_time_ns.attr.attr,
	&input_attr_in2_min_closed_ms.attr.attr,
	&input_attr_in2_min_open_ms.attr.attr,
	&input_attr_in3_pulses.attr.attr,
	&input_attr_in3_edge_time_ns.attr.attr,
	&input_attr_in3_min_closed_ms.attr.attr,
	&input_attr_in3_min_open_ms.attr.attr,
	&input_attr_in4_pulses.attr.attr,
	&input_attr_in4_edge_time_ns.attr.attr,
	&input_attr_in4_min_closed_ms.attr.attr,
	&input_attr_in4_min_open_ms.attr.attr,
	&dev_attr_pulse_epoch.attr,
	&dev_attr_lost_edges.attr,
	NULL
};

static const struct attribute_group smappee_input_group = {
	.attrs = smappee_input_attrs,
};

const struct attribute_group *smappee_input_groups[] = {
	&smappee_input_group,
	NULL
};
