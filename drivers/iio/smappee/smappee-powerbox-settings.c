// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of a Power Box and of the CT inputs behind it, as attributes of the
 * modules' devices. They take effect when written, and outlive a restart of the
 * box if they were saved.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/smappee/bus.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "smappee-powerbox.h"

/* Terminals of an associated voltage, positive first. */
static const struct {
	u16 code;
	const char *name;
} settings_voltages[] = {
	{ SMAPPEE_PB_PHASE_NONE, "none" },
	{ SMAPPEE_PB_PHASE_L1, "L1-N" },
	{ SMAPPEE_PB_PHASE_L2, "L2-N" },
	{ SMAPPEE_PB_PHASE_L3, "L3-N" },
	{ SMAPPEE_PB_PHASE_L1_REVERSED, "N-L1" },
	{ SMAPPEE_PB_PHASE_L2_REVERSED, "N-L2" },
	{ SMAPPEE_PB_PHASE_L3_REVERSED, "N-L3" },
	{ SMAPPEE_PB_PHASE_L1_L2, "L1-L2" },
	{ SMAPPEE_PB_PHASE_L2_L1, "L2-L1" },
	{ SMAPPEE_PB_PHASE_L2_L3, "L2-L3" },
	{ SMAPPEE_PB_PHASE_L3_L2, "L3-L2" },
	{ SMAPPEE_PB_PHASE_L1_L3, "L1-L3" },
	{ SMAPPEE_PB_PHASE_L3_L1, "L3-L1" },
};

static const char *const settings_phantoms[] = {
	[SMAPPEE_PB_PHANTOM_OFF] = "off",
	[SMAPPEE_PB_PHANTOM_THREE] = "three-phase",
	[SMAPPEE_PB_PHANTOM_TWO] = "two-phase",
	[SMAPPEE_PB_PHANTOM_STAR] = "star-point",
};

static int settings_read(struct device *dev, u16 address, u16 *value)
{
	return powerbox_read(dev_get_drvdata(dev), address, 1, value);
}

static int settings_write(struct device *dev, u16 address, u16 value)
{
	return powerbox_write(dev_get_drvdata(dev), address, 1, &value);
}

/**
 * struct settings_attribute - an attribute of a CT input
 * @attr: the attribute
 * @input: the input
 */
struct settings_attribute {
	struct device_attribute attr;
	unsigned int input;
};

static const struct smappee_input *
settings_input(struct device *dev, struct device_attribute *attr)
{
	struct settings_attribute *setting =
		container_of(attr, struct settings_attribute, attr);

	return &to_smappee_device(dev)->input[setting->input];
}

static ssize_t associated_voltage_show(struct device *dev,
				       struct device_attribute *attr, char *buf)
{
	const struct smappee_input *input = settings_input(dev, attr);
	unsigned int i;
	u16 code;
	int ret;

	if (input->channel == SMAPPEE_CHANNEL_NONE)
		return -ENODATA;
	ret = settings_read(dev, SMAPPEE_PB_REG_PHASE + input->channel, &code);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(settings_voltages); i++)
		if (settings_voltages[i].code == code)
			return sysfs_emit(buf, "%s\n",
					  settings_voltages[i].name);

	return sysfs_emit(buf, "0x%02x\n", code);
}

static ssize_t associated_voltage_store(struct device *dev,
					struct device_attribute *attr,
					const char *buf, size_t count)
{
	const struct smappee_input *input = settings_input(dev, attr);
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(settings_voltages); i++)
		if (sysfs_streq(buf, settings_voltages[i].name))
			break;
	if (i == ARRAY_SIZE(settings_voltages))
		return -EINVAL;
	if (input->channel == SMAPPEE_CHANNEL_NONE)
		return -ENODATA;
	ret = settings_write(dev, SMAPPEE_PB_REG_PHASE + input->channel,
			     settings_voltages[i].code);

	return ret ?: count;
}

static ssize_t ct_type_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	const struct smappee_input *input = settings_input(dev, attr);
	u16 code;
	int ret;

	if (input->channel == SMAPPEE_CHANNEL_NONE)
		return -ENODATA;
	ret = settings_read(dev, SMAPPEE_PB_REG_CT_TYPE + input->channel, &code);

	return ret ?: sysfs_emit(buf, "%u\n", code);
}

static ssize_t ct_type_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	const struct smappee_input *input = settings_input(dev, attr);
	u16 code;
	int ret;

	ret = kstrtou16(buf, 10, &code);
	if (ret)
		return ret;
	if (code >= SMAPPEE_PB_CT_TYPES)
		return -EINVAL;
	if (input->channel == SMAPPEE_CHANNEL_NONE)
		return -ENODATA;
	ret = settings_write(dev, SMAPPEE_PB_REG_CT_TYPE + input->channel, code);

	return ret ?: count;
}

static ssize_t identify_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	const struct smappee_input *input = settings_input(dev, attr);
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	if (yes)
		ret = settings_write(dev, SMAPPEE_PB_REG_IDENTIFY + input->slot, 1);

	return ret ?: count;
}

static ssize_t phantom_voltages_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	u16 mode;
	int ret;

	ret = settings_read(dev, SMAPPEE_PB_REG_PHANTOM,
			    &mode);
	if (ret)
		return ret;
	if (mode >= ARRAY_SIZE(settings_phantoms))
		return sysfs_emit(buf, "%u\n", mode);

	return sysfs_emit(buf, "%s\n", settings_phantoms[mode]);
}

static ssize_t phantom_voltages_store(struct device *dev,
				      struct device_attribute *attr,
				      const char *buf, size_t count)
{
	int mode = sysfs_match_string(settings_phantoms, buf);
	int ret;

	if (mode < 0)
		return mode;
	ret = settings_write(dev, SMAPPEE_PB_REG_PHANTOM,
			     mode);

	return ret ?: count;
}
static DEVICE_ATTR_RW(phantom_voltages);

/* Which slot each channel shows, all of them in one line. */
static ssize_t slot_map_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	u16 map[SMAPPEE_PB_CHANNELS];
	unsigned int i;
	int len = 0;
	int ret;

	ret = powerbox_read(dev_get_drvdata(dev), SMAPPEE_PB_REG_SLOT_MAP,
			    ARRAY_SIZE(map), map);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		len += sysfs_emit_at(buf, len, "%u%c", map[i],
				     i + 1 < ARRAY_SIZE(map) ? ' ' : '\n');

	return len;
}

/* Numbers of up to four digits with blanks between them, as many as there are channels. */
static int settings_parse_map(const char *buf, u16 *map)
{
	unsigned int n = 0;
	int used;

	while (*(buf = skip_spaces(buf))) {
		if (n == SMAPPEE_PB_CHANNELS ||
		    sscanf(buf, "%4hu%n", &map[n], &used) != 1 ||
		    (buf[used] && !isspace(buf[used])) ||
		    map[n] >= SMAPPEE_PB_SLOTS)
			return -EINVAL;
		buf += used;
		n++;
	}

	return n == SMAPPEE_PB_CHANNELS ? 0 : -EINVAL;
}

/* At once, so that no input is without a channel in between. */
static ssize_t slot_map_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	u16 map[SMAPPEE_PB_CHANNELS];
	int ret;

	ret = settings_parse_map(buf, map);
	if (ret)
		return ret;
	ret = powerbox_write(dev_get_drvdata(dev), SMAPPEE_PB_REG_SLOT_MAP,
			     ARRAY_SIZE(map), map);
	if (ret)
		return ret;
	/* Modules whose inputs have other channels now become new devices. */
	smappee_rescan(to_smappee_device(dev));

	return count;
}
static DEVICE_ATTR_RW(slot_map);

/* Done when the box talks again, so that whoever saves may cut the power then. */
static ssize_t save_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	if (!yes)
		return count;
	ret = settings_write(dev, SMAPPEE_PB_REG_SAVE, 1);
	if (!ret)
		ret = powerbox_wait(dev_get_drvdata(dev));

	return ret ?: count;
}
static DEVICE_ATTR_WO(save);

#define SETTINGS_RW(_n, _name)						\
	static struct settings_attribute input##_n##_##_name = {	\
		.attr = __ATTR(input##_n##_##_name, 0644, _name##_show,	\
			       _name##_store),				\
		.input = _n,						\
	}

#define SETTINGS_WO(_n, _name)						\
	static struct settings_attribute input##_n##_##_name = {	\
		.attr = __ATTR(input##_n##_##_name, 0200, NULL,		\
			       _name##_store),				\
		.input = _n,						\
	}

SETTINGS_RW(0, associated_voltage);
SETTINGS_RW(0, ct_type);
SETTINGS_WO(0, identify);
SETTINGS_RW(1, associated_voltage);
SETTINGS_RW(1, ct_type);
SETTINGS_WO(1, identify);
SETTINGS_RW(2, associated_voltage);
SETTINGS_RW(2, ct_type);
SETTINGS_WO(2, identify);
SETTINGS_RW(3, associated_voltage);
SETTINGS_RW(3, ct_type);
SETTINGS_WO(3, identify);
SETTINGS_RW(4, associated_voltage);
SETTINGS_RW(4, ct_type);
SETTINGS_WO(4, identify);
SETTINGS_RW(5, associated_voltage);
SETTINGS_RW(5, ct_type);
SETTINGS_WO(5, identify);
SETTINGS_RW(6, associated_voltage);
SETTINGS_RW(6, ct_type);
SETTINGS_WO(6, identify);
SETTINGS_RW(7, associated_voltage);
SETTINGS_RW(7, ct_type);
SETTINGS_WO(7, identify);

static struct attribute *settings_ct_attrs[] = {
	&input0_associated_voltage.attr.attr,
	&input0_ct_type.attr.attr,
	&input0_identify.attr.attr,
	&input1_associated_voltage.attr.attr,
	&input1_ct_type.attr.attr,
	&input1_identify.attr.attr,
	&input2_associated_voltage.attr.attr,
	&input2_ct_type.attr.attr,
	&input2_identify.attr.attr,
	&input3_associated_voltage.attr.attr,
	&input3_ct_type.attr.attr,
	&input3_identify.attr.attr,
	&input4_associated_voltage.attr.attr,
	&input4_ct_type.attr.attr,
	&input4_identify.attr.attr,
	&input5_associated_voltage.attr.attr,
	&input5_ct_type.attr.attr,
	&input5_identify.attr.attr,
	&input6_associated_voltage.attr.attr,
	&input6_ct_type.attr.attr,
	&input6_identify.attr.attr,
	&input7_associated_voltage.attr.attr,
	&input7_ct_type.attr.attr,
	&input7_identify.attr.attr,
	NULL
};

/* Attributes of inputs that a module has not are not there. */
static umode_t settings_ct_visible(struct kobject *kobj, struct attribute *attr,
				   int n)
{
	struct device *dev = kobj_to_dev(kobj);
	const struct device_attribute *device_attr =
		container_of(attr, struct device_attribute, attr);
	const struct settings_attribute *setting =
		container_of(device_attr, struct settings_attribute, attr);
	const struct smappee_device *sdev = to_smappee_device(dev);

	if (sdev->entry < 0 || setting->input >= sdev->slots)
		return 0;

	return attr->mode;
}

static const struct attribute_group settings_ct_group = {
	.attrs = settings_ct_attrs,
	.is_visible = settings_ct_visible,
};

static struct attribute *settings_box_attrs[] = {
	&dev_attr_phantom_voltages.attr,
	&dev_attr_slot_map.attr,
	&dev_attr_save.attr,
	NULL
};

static umode_t settings_box_visible(struct kobject *kobj,
				    struct attribute *attr, int n)
{
	struct device *dev = kobj_to_dev(kobj);

	return to_smappee_device(dev)->entry < 0 ? attr->mode : 0;
}

static const struct attribute_group settings_box_group = {
	.attrs = settings_box_attrs,
	.is_visible = settings_box_visible,
};

static u16 settings_mask_register(const struct iio_chan_spec *chan)
{
	return SMAPPEE_PB_REG_METER_MASK +
	       chan->channel * SMAPPEE_PB_METER_MASK_STRIDE;
}

/* Channels that a virtual meter adds, a bit for each. */
static ssize_t settings_mask_read(struct iio_dev *indio_dev, uintptr_t private,
				  const struct iio_chan_spec *chan, char *buf)
{
	struct device *dev = indio_dev->dev.parent;
	u16 regs[SMAPPEE_PB_METER_MASK_STRIDE];
	int ret;

	ret = powerbox_read(dev_get_drvdata(dev), settings_mask_register(chan),
			    ARRAY_SIZE(regs), regs);

	return ret ?: sysfs_emit(buf, "0x%07x\n", regs[0] | (u32)regs[1] << 16);
}

static ssize_t settings_mask_write(struct iio_dev *indio_dev, uintptr_t private,
				   const struct iio_chan_spec *chan,
				   const char *buf, size_t count)
{
	struct device *dev = indio_dev->dev.parent;
	u16 regs[SMAPPEE_PB_METER_MASK_STRIDE];
	u32 mask;
	int ret;

	ret = kstrtou32(buf, 0, &mask);
	if (ret)
		return ret;
	if (mask >= BIT(SMAPPEE_PB_CHANNELS))
		return -EINVAL;
	regs[0] = lower_16_bits(mask);
	regs[1] = upper_16_bits(mask);
	ret = powerbox_write(dev_get_drvdata(dev), settings_mask_register(chan),
			     ARRAY_SIZE(regs), regs);

	return ret ?: count;
}

const struct iio_chan_spec_ext_info powerbox_meter_info[] = {
	{
		.name = "channels",
		.shared = IIO_SEPARATE,
		.read = settings_mask_read,
		.write = settings_mask_write,
	},
	{ }
};

const struct attribute_group *powerbox_groups[] = {
	&settings_ct_group,
	&settings_box_group,
	NULL
};
