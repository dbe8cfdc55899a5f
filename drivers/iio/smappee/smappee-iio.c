// SPDX-License-Identifier: GPL-2.0
/*
 * One IIO device for a waveform module: buffered channels, a time stamp that
 * is the same on all devices of a segment for the same sample index, labels
 * and scales. Fetching, repair and time are the bus's business.
 *
 * The bus pushes blocks from its sampler thread between postenable and
 * predisable and never outside: smappee_stream_stop() returns when no push is
 * under way and none will come. So a push needs no lock and no check whether
 * the buffer is still there.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iio/buffer.h>
#include <linux/iio/iio.h>
#include <linux/iio/kfifo_buf.h>
#include <linux/iio/sysfs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>
#include <linux/sysfs.h>
#include <linux/time.h>

#include "compat.h"
#include "smappee-iio.h"

#define SMAPPEE_IIO_RATES	3

/**
 * struct smappee_iio - state of one IIO device
 * @indio_dev: the IIO device
 * @sdev: the module
 * @sink: where the bus pushes to
 * @overruns: scans that found the buffer full; written by the sampler thread
 * @rates: sampling rates of the segment, Hz; written under the IIO core's lock
 *	   of the attribute that is read
 * @masks: the one scan mask: a module always delivers all its channels
 * @channels: its channels, and the time stamp
 */
struct smappee_iio {
	struct iio_dev *indio_dev;
	struct smappee_device *sdev;
	struct smappee_sink sink;
	atomic64_t overruns;
	int rates[SMAPPEE_IIO_RATES];
	unsigned long masks[2];
	struct iio_chan_spec channels[SMAPPEE_CHANNELS_MAX + 1];
};

static const char * const smappee_voltage_labels[SMAPPEE_CHANNELS_MAX] = {
	"L1", "L2", "L3", "N", "U5", "U6", "U7", "U8",
};

static const char * const smappee_current_labels[SMAPPEE_CHANNELS_MAX] = {
	"A", "B", "C", "D", "E", "F", "G", "H",
};

/*
 * The offset that turns CLOCK_MONOTONIC into the clock that user space has
 * chosen for this device. It was captured once for the block's piece of the
 * segment's clock, so it is the same on all devices. The coarse clocks differ
 * from the fine ones in resolution only, so they get the fine time.
 */
static s64 smappee_iio_offset(struct iio_dev *indio_dev,
			      const struct smappee_times *times)
{
	switch (iio_device_get_clock(indio_dev)) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return times->offset_ns[0];
	case CLOCK_BOOTTIME:
		return times->offset_ns[1];
	case CLOCK_TAI:
		return times->offset_ns[2];
	case CLOCK_MONOTONIC_RAW:
		return times->offset_ns[3];
	default:
		return 0;
	}
}

static void smappee_iio_push(struct smappee_sink *sink,
			     const struct smappee_block *block)
{
	struct smappee_iio *st = container_of(sink, struct smappee_iio, sink);
	struct iio_dev *indio_dev = st->indio_dev;
	s64 offset_ns = smappee_iio_offset(indio_dev, block->times);
	void *scan = block->data;
	unsigned int i;

	for (i = 0; i < block->scans; i++, scan += block->stride) {
		/* The bus zeroes the room between the samples and the time. */
		if (iio_push_to_buffers_with_ts(indio_dev, scan, block->stride,
						block->time_ns[i] + offset_ns))
			atomic64_inc(&st->overruns);
	}
}

static int smappee_iio_postenable(struct iio_dev *indio_dev)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	return smappee_stream_start(st->sdev, &st->sink);
}

static int smappee_iio_predisable(struct iio_dev *indio_dev)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	smappee_stream_stop(st->sdev);

	return 0;
}

static const struct iio_buffer_setup_ops smappee_iio_setup_ops = {
	.postenable = smappee_iio_postenable,
	.predisable = smappee_iio_predisable,
};

/*
 * Scales are nV and nA per 16-bit LSB on the wire, mV and mA per LSB here: one
 * millionth, and 1/256 of that for 24-bit samples.
 */
static int smappee_iio_scale(struct smappee_iio *st, unsigned int channel,
			     int *val, int *val2)
{
	u64 nano = (u64)st->sdev->channel[channel].scale * 1000;
	u32 rem;

	if (st->channels[channel].scan_type.realbits == 24)
		nano = DIV_ROUND_CLOSEST_ULL(nano, 256);

	*val = div_u64_rem(nano, NSEC_PER_SEC, &rem);
	*val2 = rem;

	return IIO_VAL_INT_PLUS_NANO;
}

static int smappee_iio_read_raw(struct iio_dev *indio_dev,
				const struct iio_chan_spec *chan,
				int *val, int *val2, long mask)
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
				  const struct iio_chan_spec *chan,
				  const int **vals, int *type, int *length,
				  long mask)
{
	static const int rate_hz[SMAPPEE_IIO_RATES] = { 2000, 4000, 8000 };
	struct smappee_iio *st = iio_priv(indio_dev);
	unsigned int rates = smappee_stream_rates(st->sdev);
	unsigned int i, n = 0;

	if (mask != IIO_CHAN_INFO_SAMP_FREQ)
		return -EINVAL;

	for (i = 0; i < SMAPPEE_IIO_RATES; i++)
		if (rates & BIT(i))
			st->rates[n++] = rate_hz[i];

	*vals = st->rates;
	*type = IIO_VAL_INT;
	*length = n;

	return IIO_AVAIL_LIST;
}

/* The rate belongs to the segment, which refuses while anyone streams. */
static int smappee_iio_write_raw(struct iio_dev *indio_dev,
				 const struct iio_chan_spec *chan,
				 int val, int val2, long mask)
{
	struct smappee_iio *st = iio_priv(indio_dev);

	if (mask != IIO_CHAN_INFO_SAMP_FREQ || val <= 0 || val2)
		return -EINVAL;

	return smappee_stream_set_rate(st->sdev, val);
}

static int smappee_iio_read_label(struct iio_dev *indio_dev,
				  const struct iio_chan_spec *chan, char *label)
{
	const char * const *labels = chan->type == IIO_VOLTAGE ?
		smappee_voltage_labels : smappee_current_labels;

	if (chan->type == IIO_TIMESTAMP)
		return -EINVAL;

	return sysfs_emit(label, "%s\n", labels[chan->channel]);
}

static ssize_t lost_scans_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct smappee_iio *st = iio_priv(dev_to_iio_dev(dev));

	return sysfs_emit(buf, "%llu\n", smappee_lost_scans(st->sdev));
}
static IIO_DEVICE_ATTR_RO(lost_scans, 0);

static ssize_t repaired_blocks_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct smappee_iio *st = iio_priv(dev_to_iio_dev(dev));

	return sysfs_emit(buf, "%llu\n", smappee_repaired_blocks(st->sdev));
}
static IIO_DEVICE_ATTR_RO(repaired_blocks, 0);

static ssize_t overruns_show(struct device *dev,
			     struct device_attribute *attr, char *buf)
{
	struct smappee_iio *st = iio_priv(dev_to_iio_dev(dev));

	return sysfs_emit(buf, "%lld\n",
			  (long long)atomic64_read(&st->overruns));
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

static const struct iio_info smappee_iio_info = {
	.attrs = &smappee_iio_group,
	.read_raw = smappee_iio_read_raw,
	.read_avail = smappee_iio_read_avail,
	.read_label = smappee_iio_read_label,
	.write_raw = smappee_iio_write_raw,
};

static void smappee_iio_channel(struct iio_chan_spec *chan, unsigned int i,
				enum iio_chan_type type, unsigned int bits)
{
	chan->type = type;
	chan->indexed = 1;
	chan->channel = i;
	chan->info_mask_separate = BIT(IIO_CHAN_INFO_SCALE);
	chan->info_mask_shared_by_all = BIT(IIO_CHAN_INFO_SAMP_FREQ);
	chan->info_mask_shared_by_all_available = BIT(IIO_CHAN_INFO_SAMP_FREQ);
	chan->scan_index = i;
	chan->scan_type.sign = 's';
	chan->scan_type.realbits = bits;
	chan->scan_type.storagebits = bits == 24 ? 32 : bits;
	chan->scan_type.endianness = IIO_CPU;
}

static unsigned int smappee_iio_bits(const struct smappee_device *sdev)
{
	switch (sdev->format) {
	case SMAPPEE_FORMAT_S24:
	case SMAPPEE_FORMAT_S24_PACKED:
		return 24;
	default:
		return 16;
	}
}

/**
 * smappee_iio_probe() - register the IIO device of a waveform module
 * @sdev: the module
 * @name: name of the IIO device
 * @kind: what all channels of the module must be, SMAPPEE_KIND_*
 *
 * The device is managed: it goes away when the driver is unbound.
 *
 * Context: Process context, from a driver's probe.
 * Return: 0, -EINVAL if the module's channels are not of @kind, or an error of
 * the IIO core.
 */
int smappee_iio_probe(struct smappee_device *sdev, const char *name, u16 kind)
{
	enum iio_chan_type type = kind == SMAPPEE_KIND_VOLTAGE ?
		IIO_VOLTAGE : IIO_CURRENT;
	static const struct iio_chan_spec timestamp[] = {
		IIO_CHAN_SOFT_TIMESTAMP(SMAPPEE_CHANNELS_MAX),
	};
	unsigned int bits = smappee_iio_bits(sdev);
	struct device *dev = &sdev->dev;
	struct iio_dev *indio_dev;
	struct smappee_iio *st;
	unsigned int i;
	int ret;

	if (!sdev->channels || sdev->channels > SMAPPEE_CHANNELS_MAX)
		return dev_err_probe(dev, -EINVAL,
				     "%u channels, 1 to %u can be handled\n",
				     sdev->channels, SMAPPEE_CHANNELS_MAX);

	indio_dev = devm_iio_device_alloc(dev, sizeof(*st));
	if (!indio_dev)
		return -ENOMEM;

	st = iio_priv(indio_dev);
	st->indio_dev = indio_dev;
	st->sdev = sdev;
	st->sink.push = smappee_iio_push;

	for (i = 0; i < sdev->channels; i++) {
		if (sdev->channel[i].kind != kind)
			return dev_err_probe(dev, -EINVAL,
					     "channel %u is of kind %u, not %u as in this type of module\n",
					     i, sdev->channel[i].kind, kind);
		smappee_iio_channel(&st->channels[i], i, type, bits);
	}
	st->channels[i] = timestamp[0];
	st->masks[0] = GENMASK(sdev->channels - 1, 0);

	indio_dev->name = name;
	indio_dev->label = sdev->label;
	indio_dev->info = &smappee_iio_info;
	indio_dev->channels = st->channels;
	indio_dev->num_channels = sdev->channels + 1;
	indio_dev->available_scan_masks = st->masks;

	ret = devm_iio_kfifo_buffer_setup(dev, indio_dev,
					  &smappee_iio_setup_ops);
	if (ret)
		return dev_err_probe(dev, ret, "no buffer\n");

	return devm_iio_device_register(dev, indio_dev);
}
EXPORT_SYMBOL_NS_GPL(smappee_iio_probe, SMAPPEE_IIO_NS);

MODULE_DESCRIPTION("IIO devices of modular energy meters");
MODULE_AUTHOR("The open metering gateway developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SMAPPEE_BUS_NS);
