// SPDX-License-Identifier: GPL-2.0
/*
 * IIO devices of a Power Box and of the CT modules behind it. They measure by
 * themselves; values are RMS values, powers and energy. The bus reads all registers
 * in turn, so that an attribute is a look at its image, and a scan of a buffer is
 * the image as it is after a poll of the powers.
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
#include "smappee-f32.h"
#include "smappee-powerbox.h"

/* What a buffer says where the box has no number. */
#define POWERBOX_NO_VALUE	S32_MIN
/* Energy is counted in Wh, and IIO wants joule. */
#define POWERBOX_JOULE_PER_WH	3600

/**
 * struct powerbox - an IIO device on a Power Box or a CT module
 * @sink: where the bus delivers the polls
 * @sdev: the module
 * @indio_dev: the IIO device that this is the private part of
 * @scan: the values, and room for the time stamp
 */
struct powerbox {
	struct smappee_sink sink;
	struct smappee_device *sdev;
	struct iio_dev *indio_dev;
	struct {
		s32 value[POWERBOX_SCAN_MAX];
		s64 timestamp;
	} scan __aligned(8);
};

/* The value in a channel's registers: thousandths, or Wh. */
static int powerbox_convert(const struct iio_chan_spec *chan, const u16 *regs,
			    s32 *value)
{
	if (chan->type != IIO_ENERGY)
		return smappee_f32_milli(regs, value);
	*value = (s32)(regs[0] | (u32)regs[1] << 16);

	return 0;
}

static s32 powerbox_scan_value(const struct iio_chan_spec *chan,
			       const struct smappee_poll *poll)
{
	const u16 *regs;
	s32 value;

	if (chan->address == POWERBOX_NO_REGISTER)
		return POWERBOX_NO_VALUE;
	regs = smappee_poll_regs(poll, chan->address, 2);
	/* A value that is too large is as large as it can be. */
	if (!regs || powerbox_convert(chan, regs, &value) == -ENODATA)
		return POWERBOX_NO_VALUE;

	return value;
}

static void powerbox_poll(struct smappee_sink *sink,
			  const struct smappee_poll *poll)
{
	struct powerbox *st = container_of(sink, struct powerbox, sink);
	const struct iio_chan_spec *chan = st->indio_dev->channels;
	unsigned int i;
	s64 time_ns;

	/* Those that are scanned come first, in the order of the scan. */
	for (i = 0; chan[i].type != IIO_TIMESTAMP && chan[i].scan_index >= 0;
	     i++)
		st->scan.value[i] = powerbox_scan_value(&chan[i], poll);
	time_ns = poll->time_ns +
		  smappee_times_offset(poll->times,
				       iio_device_get_clock(st->indio_dev));
	if (iio_push_to_buffers_with_ts(st->indio_dev, &st->scan,
					sizeof(st->scan), time_ns))
		smappee_count_overruns(st->sdev, 0, 1);
}

static int powerbox_postenable(struct iio_dev *indio_dev)
{
	struct powerbox *st = iio_priv(indio_dev);

	return smappee_stream_start(st->sdev, &st->sink);
}

static int powerbox_predisable(struct iio_dev *indio_dev)
{
	struct powerbox *st = iio_priv(indio_dev);

	/* When this returns, no poll is running. */
	smappee_stream_stop(st->sdev);

	return 0;
}

static const struct iio_buffer_setup_ops powerbox_setup_ops = {
	.postenable = powerbox_postenable,
	.predisable = powerbox_predisable,
};

static int powerbox_value(struct powerbox *st, const struct iio_chan_spec *chan,
			  int *val)
{
	u16 regs[2];
	int ret;

	if (chan->address == POWERBOX_NO_REGISTER)
		return -ENODATA;
	ret = smappee_poll_read(st->sdev, chan->address, ARRAY_SIZE(regs),
				regs);
	if (ret)
		return ret;
	ret = powerbox_convert(chan, regs, val);

	return ret ?: IIO_VAL_INT;
}

static int powerbox_frequency(struct powerbox *st, int *val, int *val2)
{
	u16 regs[2];
	int ret;

	ret = smappee_poll_read(st->sdev, SMAPPEE_PB_REG_FREQUENCY,
				ARRAY_SIZE(regs), regs);
	if (ret)
		return ret;
	ret = smappee_f32_milli(regs, val);
	if (ret)
		return ret;
	*val2 = *val % 1000 * 1000;
	*val /= 1000;

	return IIO_VAL_INT_PLUS_MICRO;
}

/*
 * Milli-units are what the ABI wants, and joule. All but currents are as much larger as
 * potential transformers make the voltage smaller.
 */
static int powerbox_scale(struct powerbox *st, const struct iio_chan_spec *chan,
			  int *val, int *val2)
{
	const struct smappee_mains *mains = smappee_segment_mains(st->sdev);

	*val = chan->type == IIO_ENERGY ? POWERBOX_JOULE_PER_WH : 1;
	if (!mains->secondary || metering_is_current(chan))
		return IIO_VAL_INT;
	*val *= mains->primary;
	*val2 = mains->secondary;

	return IIO_VAL_FRACTIONAL;
}

static int powerbox_read_raw(struct iio_dev *indio_dev,
			     struct iio_chan_spec const *chan, int *val,
			     int *val2, long mask)
{
	struct powerbox *st = iio_priv(indio_dev);

	switch (mask) {
	case IIO_CHAN_INFO_RAW:
		return powerbox_value(st, chan, val);
	case IIO_CHAN_INFO_SCALE:
		return powerbox_scale(st, chan, val, val2);
	case IIO_CHAN_INFO_FREQUENCY:
		return powerbox_frequency(st, val, val2);
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

	return powerbox_label(st->sdev, indio_dev, chan, label);
}

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
	return sysfs_emit(buf, "%llu\n",
			  smappee_overruns(powerbox_of(dev)->sdev));
}
static IIO_DEVICE_ATTR_RO(overruns, 0);

static struct attribute *powerbox_attrs[] = {
	&iio_dev_attr_lost_scans.dev_attr.attr,
	&iio_dev_attr_overruns.dev_attr.attr,
	NULL
};

static const struct attribute_group powerbox_group = {
	.attrs = powerbox_attrs,
};

static const struct iio_info powerbox_info = {
	.attrs = &powerbox_group,
	.read_raw = powerbox_read_raw,
	.read_label = powerbox_read_label,
};

static int powerbox_check(struct smappee_device *sdev)
{
	u16 regs[2];

	if (smappee_poll_read(sdev, SMAPPEE_PB_REG_FREQUENCY, ARRAY_SIZE(regs),
			      regs) == -EOPNOTSUPP)
		return dev_err_probe(&sdev->dev, -ENODEV,
				     "it is on a segment of another kind; its node must be compatible with smappee,register-segment\n");
	if (sdev->type == SMAPPEE_TYPE_POWER_BOX)
		return 0;
	if (sdev->entry < 0 || sdev->slots > POWERBOX_INPUTS_MAX)
		return dev_err_probe(&sdev->dev, -ENODEV,
				     "not behind a Power Box, or more than %d inputs\n",
				     POWERBOX_INPUTS_MAX);

	return 0;
}

static int powerbox_probe(struct smappee_device *sdev)
{
	struct powerbox_regs *regs;
	struct iio_dev *indio_dev;
	struct powerbox *st;
	int ret;

	ret = powerbox_check(sdev);
	if (ret)
		return ret;
	regs = powerbox_regs_new(sdev);
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	dev_set_drvdata(&sdev->dev, regs);

	indio_dev = devm_iio_device_alloc(&sdev->dev, sizeof(*st));
	if (!indio_dev)
		return -ENOMEM;
	st = iio_priv(indio_dev);
	st->sink.poll = powerbox_poll;
	st->sdev = sdev;
	st->indio_dev = indio_dev;
	indio_dev->name = sdev->entry < 0 ? "smappee-powerbox" :
					    "smappee-power";
	indio_dev->label = sdev->label;
	indio_dev->modes = INDIO_DIRECT_MODE;
	indio_dev->info = &powerbox_info;
	ret = powerbox_channels(sdev, indio_dev);
	if (ret)
		return ret;
	ret = devm_iio_kfifo_buffer_setup(&sdev->dev, indio_dev,
					  &powerbox_setup_ops);
	if (ret)
		return ret;

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
