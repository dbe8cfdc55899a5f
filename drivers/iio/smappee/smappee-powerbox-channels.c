// SPDX-License-Identifier: GPL-2.0
/*
 * Channels of a Power Box and of the CT modules behind it: which values there are,
 * which registers they are in, and how they are called.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/errno.h>

#include "compat.h"
#include "smappee-powerbox.h"

/**
 * struct powerbox_value - a kind of value
 * @value: what it is
 * @base: register of the first one
 * @stride: registers from one to the next
 * @suffix: of its label
 */
struct powerbox_value {
	enum metering_value value;
	u16 base;
	u8 stride;
	const char *suffix;
};

/* In the order of a scan. The first is that of each poll. */
static const struct powerbox_value powerbox_ct_values[] = {
	{ METERING_ACTIVE, SMAPPEE_PB_REG_ACTIVE_100MS,
	  SMAPPEE_PB_ACTIVE_100MS_STRIDE, "" },
	{ METERING_ACTIVE_MEAN, SMAPPEE_PB_REG_ACTIVE, SMAPPEE_PB_STRIDE,
	  " mean" },
	{ METERING_REACTIVE, SMAPPEE_PB_REG_REACTIVE, SMAPPEE_PB_STRIDE,
	  " reactive" },
	{ METERING_APPARENT, SMAPPEE_PB_REG_APPARENT, SMAPPEE_PB_STRIDE,
	  " apparent" },
	{ METERING_CURRENT_RMS, SMAPPEE_PB_REG_CURRENT, SMAPPEE_PB_STRIDE,
	  " current" },
	{ METERING_IMPORT, SMAPPEE_PB_REG_IMPORT, SMAPPEE_PB_ENERGY_STRIDE,
	  " import" },
	{ METERING_EXPORT, SMAPPEE_PB_REG_EXPORT, SMAPPEE_PB_ENERGY_STRIDE,
	  " export" },
};

static_assert(ARRAY_SIZE(powerbox_ct_values) == POWERBOX_VALUES);

static const struct powerbox_value powerbox_voltage = {
	METERING_VOLTAGE_RMS, SMAPPEE_PB_REG_VOLTAGE, SMAPPEE_PB_STRIDE, "",
};

static const struct powerbox_value powerbox_meter_values[] = {
	{ METERING_ACTIVE, SMAPPEE_PB_REG_METER_ACTIVE,
	  SMAPPEE_PB_METER_ACTIVE_STRIDE, "" },
	{ METERING_IMPORT, SMAPPEE_PB_REG_METER_IMPORT,
	  SMAPPEE_PB_METER_ENERGY_STRIDE, " import" },
	{ METERING_EXPORT, SMAPPEE_PB_REG_METER_EXPORT,
	  SMAPPEE_PB_METER_ENERGY_STRIDE, " export" },
};

#define POWERBOX_BOX_CHANNELS \
	(SMAPPEE_PB_PHASES + \
	 SMAPPEE_PB_METERS * ARRAY_SIZE(powerbox_meter_values) + 1)

static_assert(SMAPPEE_PB_METERS <= METERING_RANGE);

static void powerbox_add(struct iio_chan_spec *chan,
			 const struct powerbox_value *value, unsigned int input,
			 u8 at)
{
	metering_name(chan, value->value, input);
	chan->address = POWERBOX_NO_REGISTER;
	if (at != SMAPPEE_CHANNEL_NONE)
		chan->address = value->base + at * value->stride;
	chan->scan_index = -1;
	chan->info_mask_separate = BIT(IIO_CHAN_INFO_RAW);
	chan->info_mask_shared_by_type = BIT(IIO_CHAN_INFO_SCALE);
}

/* Let it be part of the scans. */
static void powerbox_scanned(struct iio_chan_spec *chan, int scan_index)
{
	chan->scan_index = scan_index;
	chan->scan_type.sign = 's';
	chan->scan_type.realbits = 32;
	chan->scan_type.storagebits = 32;
	chan->scan_type.endianness = IIO_CPU;
	chan->info_mask_shared_by_all = BIT(IIO_CHAN_INFO_SAMP_FREQ);
}

static unsigned int powerbox_box_channels(struct iio_chan_spec *chan)
{
	struct iio_chan_spec *first = chan;
	unsigned int i, v;

	for (i = 0; i < SMAPPEE_PB_PHASES; i++, chan++) {
		powerbox_add(chan, &powerbox_voltage, i, i);
		powerbox_scanned(chan, i);
		chan->info_mask_shared_by_type |= BIT(IIO_CHAN_INFO_FREQUENCY);
	}
	for (v = 0; v < ARRAY_SIZE(powerbox_meter_values); v++)
		for (i = 0; i < SMAPPEE_PB_METERS; i++, chan++) {
			powerbox_add(chan, &powerbox_meter_values[v], i, i);
			if (!v)
				chan->ext_info = powerbox_meter_info;
		}

	return chan - first;
}

static unsigned int powerbox_ct_channels(const struct smappee_device *sdev,
					 struct iio_chan_spec *chan)
{
	unsigned int i, v, n = 0;

	for (v = 0; v < POWERBOX_VALUES; v++)
		for (i = 0; i < sdev->slots; i++, n++) {
			powerbox_add(&chan[n], &powerbox_ct_values[v], i,
				     sdev->input[i].channel);
			powerbox_scanned(&chan[n], n);
		}

	return n;
}

/**
 * powerbox_channels() - make the channels of a module
 * @sdev: a Power Box, or a module behind one with up to POWERBOX_INPUTS_MAX inputs
 * @indio_dev: gets them, and the one scan mask: a poll gives all values, IIO's
 *	       core picks
 *
 * Return: 0 or -ENOMEM.
 */
int powerbox_channels(struct smappee_device *sdev, struct iio_dev *indio_dev)
{
	bool box = sdev->entry < 0;
	unsigned int n = box ? POWERBOX_BOX_CHANNELS :
			       sdev->slots * POWERBOX_VALUES + 1;
	unsigned int scanned = box ? SMAPPEE_PB_PHASES :
				     sdev->slots * POWERBOX_VALUES;
	const struct iio_chan_spec timestamp = IIO_CHAN_SOFT_TIMESTAMP(scanned);
	struct iio_chan_spec *chan;
	unsigned long *masks;

	chan = devm_kcalloc(&sdev->dev, n, sizeof(*chan), GFP_KERNEL);
	/* An empty mask ends the list. */
	masks = devm_kcalloc(&sdev->dev, 2 * BITS_TO_LONGS(scanned + 1),
			     sizeof(*masks), GFP_KERNEL);
	if (!chan || !masks)
		return -ENOMEM;

	n = box ? powerbox_box_channels(chan) : powerbox_ct_channels(sdev, chan);
	chan[n] = timestamp;
	bitmap_set(masks, 0, scanned);
	indio_dev->channels = chan;
	indio_dev->num_channels = n + 1;
	indio_dev->available_scan_masks = masks;

	return 0;
}

/**
 * powerbox_label() - label of a channel
 * @sdev: the module
 * @indio_dev: its IIO device
 * @chan: one of the channels of @indio_dev
 * @label: a page for it
 *
 * Return: as sysfs_emit(), -EINVAL for the time stamp.
 */
int powerbox_label(struct smappee_device *sdev,
		   const struct iio_dev *indio_dev,
		   const struct iio_chan_spec *chan, char *label)
{
	const struct smappee_mains *mains = smappee_segment_mains(sdev);
	unsigned int i = chan - indio_dev->channels;

	if (chan->type == IIO_TIMESTAMP)
		return -EINVAL;
	if (sdev->entry >= 0)
		return sysfs_emit(label, "%c%s\n", 'A' + i % sdev->slots,
				  powerbox_ct_values[i / sdev->slots].suffix);
	if (i < mains->names)
		return sysfs_emit(label, "%s\n", mains->name[i]);
	if (i < SMAPPEE_PB_PHASES)
		return sysfs_emit(label, "L%u\n", i + 1);
	i -= SMAPPEE_PB_PHASES;

	return sysfs_emit(label, "meter %u%s\n", i % SMAPPEE_PB_METERS,
			  powerbox_meter_values[i / SMAPPEE_PB_METERS].suffix);
}
