// SPDX-License-Identifier: GPL-2.0
/*
 * IIO device of a waveform module: buffered channels in a software kfifo, fed
 * by the bus. The bus decodes into scans that already have the layout that IIO
 * wants, so that a push is a time stamp and a copy.
 *
 * The time stamp of a scan depends on its index alone: devices of a segment
 * that use the same clock have equal stamps for equal instants.
 */
#include <linux/iio/buffer.h>
#include <linux/iio/iio.h>
#include <linux/iio/kfifo_buf.h>
#include <linux/iio/sysfs.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>
#include <linux/sysfs.h>
#include <linux/units.h>

#include "compat.h"
#include "smappee-iio.h"

/**
 * struct smappee_iio - an IIO device on a module
 * @sink: where the bus delivers
 * @sdev: the module
 * @indio_dev: the IIO device that this is the private part of
 * @info: what kind of module it is
 * @channels: the inputs, and the time stamp
 * @masks: the one scan mask: a module delivers all inputs, the core picks
 * @rates: sampling rates that can be chosen, Hz
 */
struct smappee_iio {
	struct smappee_sink sink;
	struct smappee_device *sdev;
	struct iio_dev *indio_dev;
	const struct smappee_iio_info *info;
	struct iio_chan_spec channels[SMAPPEE_CHANNELS_MAX + 1];
	unsigned long masks[2];
	int rates[3];
};

static void smappee_iio_push(struct smappee_sink *sink,
			     const struct smappee_block *block)
{
	struct smappee_iio *st = container_of(sink, struct smappee_iio, sink);
	struct iio_dev *indio_dev = st->indio_dev;
	s64 offset_ns = smappee_times_offset(block->times,
					     iio_device_get_clock(indio_dev));
	void *scan = block->data;
	unsigned int lost = 0;
	unsigned int i;

	for (i = 0; i < block->scans; i++, scan += block->stride)
		if (iio_push_to_buffers_with_ts(indio_dev, scan, block->stride,
						block->time_ns[i] + offset_ns))
			lost++;
	if (lost)
		smappee_count_overruns(st->sdev, block->index, lost);
}

static int smappee_iio_postenable(struct iio_dev *indio_dev)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	return smappee_stream_start(st->sdev, &st->sink);
}

static int smappee_iio_predisable(struct iio_dev *indio_dev)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	/* When this returns, no push is running. */
	smappee_stream_stop(st->sdev);

	return 0;
}

static const struct iio_buffer_setup_ops smappee_iio_setup_ops = {
	.postenable = smappee_iio_postenable,
	.predisable = smappee_iio_predisable,
};

/*
 * mV or mA per LSB, from nV or nA per LSB of 16 bits; a 24-bit LSB is 1/256 of it.
 * Potential transformers make mains voltages of those at the terminals.
 */
static int smappee_iio_scale(const struct smappee_iio *st, unsigned int channel,
			     int *val, int *val2)
{
	const struct smappee_mains *mains = smappee_segment_mains(st->sdev);
	bool wide = st->channels[channel].scan_type.realbits != 16;
	u32 scale = st->sdev->channel[channel].scale;
	u32 primary = 1, divisor = wide ? 256 : 1;
	u64 nano;
	u32 part;

	if (st->info->type == IIO_VOLTAGE && mains->secondary) {
		primary = mains->primary;
		divisor *= mains->secondary;
	}
	/* 32 bits, 10 and at most 17 */
	nano = div_u64(scale * 1000ULL * primary, divisor);
	*val = div_u64_rem(nano, NANO, &part);
	*val2 = part;

	return IIO_VAL_INT_PLUS_NANO;
}

static int smappee_iio_read_raw(struct iio_dev *indio_dev,
				struct iio_chan_spec const *chan, int *val,
				int *val2, long mask)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	switch (mask) {
	case IIO_CHAN_INFO_SCALE:
		return smappee_iio_scale(st, chan->channel, val, val2);
	case IIO_CHAN_INFO_SAMP_FREQ:
		*val = smappee_stream_rate(st->sdev);
		return IIO_VAL_INT;
	default:
		return -EINVAL;
	}
}

static int smappee_iio_read_avail(struct iio_dev *indio_dev,
				  struct iio_chan_spec const *chan,
				  const int **vals, int *type, int *length,
				  long mask)
{
	struct smappee_iio *st = iio_priv(indio_dev);
	unsigned int rates, n = 0;

	if (mask != IIO_CHAN_INFO_SAMP_FREQ)
		return -EINVAL;

	rates = smappee_stream_rates(st->sdev);
	if (rates & SMAPPEE_RATES_2000)
		st->rates[n++] = 2000;
	if (rates & SMAPPEE_RATES_4000)
		st->rates[n++] = 4000;
	if (rates & SMAPPEE_RATES_8000)
		st->rates[n++] = 8000;

	*vals = st->rates;
	*type = IIO_VAL_INT;
	*length = n;

	return IIO_AVAIL_LIST;
}

static int smappee_iio_write_raw(struct iio_dev *indio_dev,
				 struct iio_chan_spec const *chan, int val,
				 int val2, long mask)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	if (mask != IIO_CHAN_INFO_SAMP_FREQ || val < 0 || val2)
		return -EINVAL;

	return smappee_stream_set_rate(st->sdev, val);
}

static int smappee_iio_read_label(struct iio_dev *indio_dev,
				  struct iio_chan_spec const *chan, char *label)
{
	struct smappee_iio *st = iio_priv(indio_dev);
	const struct smappee_mains *mains;

	/* The core asks for the time stamp, too, whose channel is -1. */
	if (chan->type == IIO_TIMESTAMP)
		return -EINVAL;
	mains = smappee_segment_mains(st->sdev);
	if (chan->type == IIO_VOLTAGE && chan->channel < mains->names)
		return sysfs_emit(label, "%s\n", mains->name[chan->channel]);

	return sysfs_emit(label, "%s\n", st->info->labels[chan->channel]);
}

static ssize_t smappee_iio_read_sensor(struct iio_dev *indio_dev,
				       uintptr_t private,
				       const struct iio_chan_spec *chan,
				       char *buf)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	return sysfs_emit(buf, "%u\n", st->sdev->channel[chan->channel].sensor);
}

static const struct iio_chan_spec_ext_info smappee_iio_current_ext_info[] = {
	{
		.name = "sensor",
		.shared = IIO_SEPARATE,
		.read = smappee_iio_read_sensor,
	},
	{ }
};

static struct smappee_iio *smappee_iio_of(struct device *dev)
{
	return iio_priv(dev_to_iio_dev(dev));
}

static ssize_t lost_scans_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  smappee_lost_scans(smappee_iio_of(dev)->sdev));
}
static IIO_DEVICE_ATTR_RO(lost_scans, 0);

static ssize_t repaired_blocks_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  smappee_repaired_blocks(smappee_iio_of(dev)->sdev));
}
static IIO_DEVICE_ATTR_RO(repaired_blocks, 0);

static ssize_t overruns_show(struct device *dev,
			     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  smappee_overruns(smappee_iio_of(dev)->sdev));
}
static IIO_DEVICE_ATTR_RO(overruns, 0);

static struct attribute *smappee_iio_attrs[] = {
	&iio_dev_attr_lost_scans.dev_attr.attr,
	&iio_dev_attr_repaired_blocks.dev_attr.attr,
	&iio_dev_attr_overruns.dev_attr.attr,
	NULL
};

static const struct attribute_group smappee_iio_group = {
	.attrs = smappee_iio_attrs,
};

static const struct iio_info smappee_iio_ops = {
	.attrs = &smappee_iio_group,
	.read_raw = smappee_iio_read_raw,
	.read_avail = smappee_iio_read_avail,
	.write_raw = smappee_iio_write_raw,
	.read_label = smappee_iio_read_label,
};

static int smappee_iio_channels(struct smappee_iio *st)
{
	const struct iio_chan_spec timestamp =
		IIO_CHAN_SOFT_TIMESTAMP(st->sdev->channels);
	const struct smappee_device *sdev = st->sdev;
	bool wide = sdev->format == SMAPPEE_FORMAT_S24 ||
		    sdev->format == SMAPPEE_FORMAT_S24_PACKED;
	unsigned int i;

	if (!sdev->channels || sdev->channels > st->info->n_labels)
		return -ENODEV;

	for (i = 0; i < sdev->channels; i++) {
		struct iio_chan_spec *chan = &st->channels[i];

		if (sdev->channel[i].kind != SMAPPEE_KIND_NONE &&
		    sdev->channel[i].kind != st->info->kind)
			return -ENODEV;

		chan->type = st->info->type;
		chan->indexed = 1;
		chan->channel = i;
		chan->scan_index = i;
		chan->scan_type.sign = 's';
		chan->scan_type.realbits = wide ? 24 : 16;
		chan->scan_type.storagebits = wide ? 32 : 16;
		chan->scan_type.endianness = IIO_CPU;
		/* An input without a sensor has no scale. */
		if (sdev->channel[i].kind != SMAPPEE_KIND_NONE)
			chan->info_mask_separate = BIT(IIO_CHAN_INFO_SCALE);
		if (sdev->channel[i].kind == SMAPPEE_KIND_CURRENT)
			chan->ext_info = smappee_iio_current_ext_info;
		chan->info_mask_shared_by_all = BIT(IIO_CHAN_INFO_SAMP_FREQ);
		chan->info_mask_shared_by_all_available =
			BIT(IIO_CHAN_INFO_SAMP_FREQ);
	}
	st->channels[i] = timestamp;
	st->masks[0] = GENMASK(sdev->channels - 1, 0);

	return 0;
}

/**
 * smappee_iio_probe() - make an IIO device for a module
 * @sdev: the module
 * @info: what kind of module it is
 *
 * All is undone when the driver is unbound.
 *
 * Return: 0; -ENODEV if the module's inputs are not what @info says; or an
 * error of the IIO core.
 */
int smappee_iio_probe(struct smappee_device *sdev,
		      const struct smappee_iio_info *info)
{
	struct iio_dev *indio_dev;
	struct smappee_iio *st;
	int ret;

	indio_dev = devm_iio_device_alloc(&sdev->dev, sizeof(*st));
	if (!indio_dev)
		return -ENOMEM;

	st = iio_priv(indio_dev);
	st->sink.push = smappee_iio_push;
	st->sdev = sdev;
	st->indio_dev = indio_dev;
	st->info = info;
	ret = smappee_iio_channels(st);
	if (ret)
		return dev_err_probe(&sdev->dev, ret,
				     "its inputs are not those of a %s module\n",
				     info->name);

	indio_dev->name = info->name;
	indio_dev->label = sdev->label;
	indio_dev->info = &smappee_iio_ops;
	indio_dev->modes = INDIO_DIRECT_MODE;
	indio_dev->channels = st->channels;
	indio_dev->num_channels = sdev->channels + 1;
	indio_dev->available_scan_masks = st->masks;

	ret = devm_iio_kfifo_buffer_setup(&sdev->dev, indio_dev,
					  &smappee_iio_setup_ops);
	if (ret)
		return ret;

	return devm_iio_device_register(&sdev->dev, indio_dev);
}
EXPORT_SYMBOL_NS_GPL(smappee_iio_probe, SMAPPEE_IIO_NS);

MODULE_DESCRIPTION("IIO devices of modular energy meters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
