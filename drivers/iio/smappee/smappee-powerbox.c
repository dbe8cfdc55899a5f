// SPDX-License-Identifier: GPL-2.0
/*
 * IIO devices of a Power Box and of the CT modules behind it. They measure by
 * themselves; values are RMS values and powers. The bus reads all registers in
 * turn, so that an attribute is a look at its image, and a scan of a buffer is
 * what one poll of the powers gave.
 */
#include <linux/iio/buffer.h>
#include <linux/iio/iio.h>
#include <linux/iio/kfifo_buf.h>
#include <linux/iio/sysfs.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "iio-metering.h"
#include "smappee-f32.h"
#include "smappee-powerbox.h"

/* What can be had of an input: powers, current, energy; and the time stamp. */
#define POWERBOX_CHANNELS_MAX	(POWERBOX_INPUTS_MAX * 5 + 1)
/* What a buffer says where the box says that it has no number. */
#define POWERBOX_NO_VALUE	S32_MIN
#define POWERBOX_JOULE_PER_WH	3600

/**
 * struct powerbox - an IIO device on a Power Box or a CT module
 * @sink: where the bus delivers the powers
 * @sdev: the module
 * @indio_dev: the IIO device that this is the private part of
 * @overruns: scans that did not fit in a buffer, as nobody had read it
 * @channels: the values, and the time stamp
 * @n: how many
 * @masks: the one scan mask: a poll gives all inputs, the core picks
 * @scan: powers of the inputs, and room for the time stamp
 */
struct powerbox {
	struct smappee_poll_sink sink;
	struct smappee_device *sdev;
	struct iio_dev *indio_dev;
	atomic64_t overruns;
	struct iio_chan_spec channels[POWERBOX_CHANNELS_MAX];
	unsigned int n;
	unsigned long masks[2];
	struct {
		s32 power[POWERBOX_INPUTS_MAX];
		s64 timestamp;
	} scan __aligned(8);
};

static s32 powerbox_power(const struct smappee_device *sdev, unsigned int input,
			  const struct smappee_poll *poll)
{
	u8 channel = sdev->input[input].channel;
	s32 milli;

	if (channel == SMAPPEE_CHANNEL_NONE ||
	    smappee_f32_milli(poll->power +
			      channel * SMAPPEE_PB_ACTIVE_100MS_STRIDE,
			      &milli) == -ENODATA)
		return POWERBOX_NO_VALUE;

	return milli;
}

static void powerbox_push(struct smappee_poll_sink *sink,
			  const struct smappee_poll *poll)
{
	struct powerbox *st = container_of(sink, struct powerbox, sink);
	unsigned int i;
	s64 time_ns;

	for (i = 0; i < st->sdev->slots; i++)
		st->scan.power[i] = powerbox_power(st->sdev, i, poll);
	time_ns = poll->time_ns +
		  smappee_times_offset(poll->times,
				       iio_device_get_clock(st->indio_dev));
	if (iio_push_to_buffers_with_ts(st->indio_dev, &st->scan,
					sizeof(st->scan), time_ns))
		atomic64_inc(&st->overruns);
}

static int powerbox_postenable(struct iio_dev *indio_dev)
{
	struct powerbox *st = iio_priv(indio_dev);

	return smappee_poll_start(st->sdev, &st->sink);
}

static int powerbox_predisable(struct iio_dev *indio_dev)
{
	struct powerbox *st = iio_priv(indio_dev);

	/* When this returns, no push is running. */
	smappee_poll_stop(st->sdev);

	return 0;
}

static const struct iio_buffer_setup_ops powerbox_setup_ops = {
	.postenable = powerbox_postenable,
	.predisable = powerbox_predisable,
};

/* A floating-point measurement in thousandths. */
static int powerbox_milli(struct powerbox *st, u16 address, int *val)
{
	u16 regs[2];
	int ret;

	ret = smappee_poll_read(st->sdev, address, ARRAY_SIZE(regs), regs);
	if (ret)
		return ret;

	return smappee_f32_milli(regs, val);
}

/* Register of a value, chan->address being that of its array. */
static int powerbox_register(const struct powerbox *st,
			     const struct iio_chan_spec *chan,
			     unsigned int base, unsigned int stride)
{
	unsigned int i = chan->channel;

	if (st->sdev->entry < 0)
		return base + i * stride;
	if (st->sdev->input[i].channel == SMAPPEE_CHANNEL_NONE)
		return -ENODATA;

	return base + st->sdev->input[i].channel * stride;
}

static int powerbox_value(struct powerbox *st, const struct iio_chan_spec *chan,
			  unsigned int base, unsigned int stride, int *val)
{
	int address = powerbox_register(st, chan, base, stride);
	int ret;

	if (address < 0)
		return address;
	ret = powerbox_milli(st, address, val);

	return ret ?: IIO_VAL_INT;
}

static int powerbox_read_raw(struct iio_dev *indio_dev,
			     struct iio_chan_spec const *chan, int *val,
			     int *val2, long mask)
{
	struct powerbox *st = iio_priv(indio_dev);
	int ret;

	switch (mask) {
	case IIO_CHAN_INFO_RAW:
		return powerbox_value(st, chan, chan->address,
				      chan->scan_index < 0 ? SMAPPEE_PB_STRIDE :
				      SMAPPEE_PB_ACTIVE_100MS_STRIDE, val);
	case IIO_CHAN_INFO_AVERAGE_RAW:
		return powerbox_value(st, chan, SMAPPEE_PB_REG_ACTIVE,
				      SMAPPEE_PB_STRIDE, val);
	case IIO_CHAN_INFO_SCALE:
		/* Milli-units are what the ABI wants. */
		*val = 1;
		return IIO_VAL_INT;
	case IIO_CHAN_INFO_FREQUENCY:
		ret = powerbox_milli(st, SMAPPEE_PB_REG_FREQUENCY, val);
		if (ret)
			return ret;
		*val2 = *val % 1000 * 1000;
		*val /= 1000;
		return IIO_VAL_INT_PLUS_MICRO;
	case IIO_CHAN_INFO_SAMP_FREQ:
		*val = MSEC_PER_SEC / SMAPPEE_PB_REFRESH_MS;
		return IIO_VAL_INT;
	default:
		return -EINVAL;
	}
}

static int powerbox_read_label(struct iio_dev *indio_dev,
			       struct iio_chan_spec const *chan, char *label)
{
	struct powerbox *st = iio_priv(indio_dev);

	if (chan->type == IIO_TIMESTAMP)
		return -EINVAL;
	if (st->sdev->entry < 0)
		return sysfs_emit(label, "L%d\n", chan->channel + 1);

	return sysfs_emit(label, "%c\n", 'A' + chan->channel);
}

/* Energy in J; @private is the register of the first channel. */
static ssize_t powerbox_energy(struct iio_dev *indio_dev, uintptr_t private,
			       const struct iio_chan_spec *chan, char *buf)
{
	struct powerbox *st = iio_priv(indio_dev);
	int address = powerbox_register(st, chan, private,
					SMAPPEE_PB_ENERGY_STRIDE);
	u16 regs[2];
	int ret;

	if (address < 0)
		return address;
	ret = smappee_poll_read(st->sdev, address, ARRAY_SIZE(regs), regs);
	if (ret)
		return ret;

	return sysfs_emit(buf, "%lld\n",
			  (s64)(s32)(regs[0] | (u32)regs[1] << 16) *
			  POWERBOX_JOULE_PER_WH);
}

static const struct iio_chan_spec_ext_info powerbox_energy_info[] = {
	{
		.name = "import",
		.shared = IIO_SEPARATE,
		.read = powerbox_energy,
		.private = SMAPPEE_PB_REG_IMPORT,
	},
	{
		.name = "export",
		.shared = IIO_SEPARATE,
		.read = powerbox_energy,
		.private = SMAPPEE_PB_REG_EXPORT,
	},
	{ }
};

static struct powerbox *powerbox_of(struct device *dev)
{
	return iio_priv(dev_to_iio_dev(dev));
}

static ssize_t lost_scans_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  smappee_lost_scans(powerbox_of(dev)->sdev));
}
static IIO_DEVICE_ATTR_RO(lost_scans, 0);

static ssize_t overruns_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&powerbox_of(dev)->overruns));
}
static IIO_DEVICE_ATTR_RO(overruns, 0);

static struct attribute *powerbox_ct_attrs[] = {
	&iio_dev_attr_lost_scans.dev_attr.attr,
	&iio_dev_attr_overruns.dev_attr.attr,
	NULL
};

static const struct attribute_group powerbox_ct_group = {
	.attrs = powerbox_ct_attrs,
};

static const struct iio_info powerbox_ops = {
	.read_raw = powerbox_read_raw,
	.read_label = powerbox_read_label,
};

static const struct iio_info powerbox_ct_ops = {
	.attrs = &powerbox_ct_group,
	.read_raw = powerbox_read_raw,
	.read_label = powerbox_read_label,
};

/* A channel of this value, or NULL if the kernel has no name for it. */
static struct iio_chan_spec *powerbox_add(struct powerbox *st, unsigned int i,
					  enum metering_value value,
					  u16 address)
{
	struct iio_chan_spec *chan = &st->channels[st->n];

	if (!metering_name(chan, value))
		return NULL;
	chan->indexed = 1;
	chan->channel = i;
	chan->address = address;
	chan->scan_index = -1;
	chan->info_mask_separate = BIT(IIO_CHAN_INFO_RAW);
	chan->info_mask_shared_by_type = BIT(IIO_CHAN_INFO_SCALE);
	st->n++;

	return chan;
}

static void powerbox_box_channels(struct powerbox *st)
{
	struct iio_chan_spec *chan;
	unsigned int i;

	for (i = 0; i < SMAPPEE_PB_PHASES; i++) {
		chan = powerbox_add(st, i, METERING_VOLTAGE_RMS,
				    SMAPPEE_PB_REG_VOLTAGE);
		if (chan)
			chan->info_mask_shared_by_type |=
				BIT(IIO_CHAN_INFO_FREQUENCY);
	}
}

static void powerbox_ct_input(struct powerbox *st, unsigned int i)
{
	struct iio_chan_spec *chan;

	chan = powerbox_add(st, i, METERING_ACTIVE,
			    SMAPPEE_PB_REG_ACTIVE_100MS);
	if (chan) {
		chan->scan_index = i;
		chan->scan_type.sign = 's';
		chan->scan_type.realbits = 32;
		chan->scan_type.storagebits = 32;
		chan->scan_type.endianness = IIO_CPU;
		chan->info_mask_separate |= BIT(IIO_CHAN_INFO_AVERAGE_RAW);
		chan->info_mask_shared_by_all = BIT(IIO_CHAN_INFO_SAMP_FREQ);
	}
	powerbox_add(st, i, METERING_CURRENT_RMS, SMAPPEE_PB_REG_CURRENT);
	powerbox_add(st, i, METERING_REACTIVE, SMAPPEE_PB_REG_REACTIVE);
	powerbox_add(st, i, METERING_APPARENT, SMAPPEE_PB_REG_APPARENT);

	chan = &st->channels[st->n++];
	chan->type = IIO_ENERGY;
	chan->indexed = 1;
	chan->channel = i;
	chan->scan_index = -1;
	chan->ext_info = powerbox_energy_info;
}

static void powerbox_ct_channels(struct powerbox *st)
{
	const struct iio_chan_spec timestamp =
		IIO_CHAN_SOFT_TIMESTAMP(st->sdev->slots);
	unsigned int i;

	for (i = 0; i < st->sdev->slots; i++)
		powerbox_ct_input(st, i);
	st->channels[st->n++] = timestamp;
	st->masks[0] = GENMASK(st->sdev->slots - 1, 0);
}

static int powerbox_ct_probe(struct powerbox *st)
{
	struct smappee_device *sdev = st->sdev;
	int ret;

	if (sdev->entry < 0 || sdev->slots > POWERBOX_INPUTS_MAX)
		return dev_err_probe(&sdev->dev, -ENODEV,
				     "not behind a Power Box, or more than %d inputs\n",
				     POWERBOX_INPUTS_MAX);
	powerbox_ct_channels(st);
	st->indio_dev->name = "smappee-power";
	st->indio_dev->info = &powerbox_ct_ops;
	st->indio_dev->available_scan_masks = st->masks;
	ret = devm_iio_kfifo_buffer_setup(&sdev->dev, st->indio_dev,
					  &powerbox_setup_ops);

	return ret;
}

static int powerbox_probe(struct smappee_device *sdev)
{
	struct iio_dev *indio_dev;
	struct powerbox *st;
	u16 regs[2];
	int ret = 0;

	if (smappee_poll_read(sdev, SMAPPEE_PB_REG_FREQUENCY, ARRAY_SIZE(regs),
			      regs) == -EOPNOTSUPP)
		return dev_err_probe(&sdev->dev, -ENODEV,
				     "it is on a segment of another kind; its node must be compatible with smappee,register-segment\n");

	indio_dev = devm_iio_device_alloc(&sdev->dev, sizeof(*st));
	if (!indio_dev)
		return -ENOMEM;
	st = iio_priv(indio_dev);
	st->sink.push = powerbox_push;
	st->sdev = sdev;
	st->indio_dev = indio_dev;
	indio_dev->label = sdev->label;
	indio_dev->modes = INDIO_DIRECT_MODE;

	if (sdev->type == SMAPPEE_TYPE_POWER_BOX) {
		powerbox_box_channels(st);
		indio_dev->name = "smappee-powerbox";
		indio_dev->info = &powerbox_ops;
	} else {
		ret = powerbox_ct_probe(st);
	}
	if (ret)
		return ret;
	indio_dev->channels = st->channels;
	indio_dev->num_channels = st->n;

	return devm_iio_device_register(&sdev->dev, indio_dev);
}

static const struct smappee_device_id powerbox_ids[] = {
	{ SMAPPEE_TYPE_POWER_BOX },
	{ SMAPPEE_TYPE_CT_HUB },
	{ SMAPPEE_TYPE_CT_HUB_2 },
	{ SMAPPEE_TYPE_SOLID_CORE },
	{ }
};
MODULE_ALIAS_SMAPPEE(5400);
MODULE_ALIAS_SMAPPEE(5500);
MODULE_ALIAS_SMAPPEE(5520);
MODULE_ALIAS_SMAPPEE(5600);
static_assert(SMAPPEE_TYPE_POWER_BOX == 5400);
static_assert(SMAPPEE_TYPE_CT_HUB == 5500);
static_assert(SMAPPEE_TYPE_CT_HUB_2 == 5520);
static_assert(SMAPPEE_TYPE_SOLID_CORE == 5600);

static struct smappee_driver powerbox_driver = {
	.driver = {
		.name = "smappee-powerbox",
		.dev_groups = powerbox_groups,
	},
	.id_table = powerbox_ids,
	.probe = powerbox_probe,
};
module_smappee_driver(powerbox_driver);

MODULE_DESCRIPTION("Power Box and its CT modules");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
