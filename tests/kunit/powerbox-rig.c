// SPDX-License-Identifier: GPL-2.0
/*
 * A fake Power Box with values, its IIO devices, and a buffer that keeps scans.
 */

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/iio/buffer.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "compat.h"
#include "fake-box.h"
#include "powerbox-rig.h"

struct fake_line *powered(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_box_entry(line, SOLID, SMAPPEE_TYPE_SOLID_CORE, 16462, 3, 3);
	fake_box_entry(line, HUB_AT, SMAPPEE_TYPE_CT_HUB, 8944, 4, 6);
	for (int phase = 0; phase < 3; phase++)
		fake_box_set32(line, SMAPPEE_PB_REG_VOLTAGE + phase * SMAPPEE_PB_STRIDE, F32_230);
	fake_box_set32(line, SMAPPEE_PB_REG_FREQUENCY, F32_49_994);
	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 6, F32_12_5);
	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 9, F32_MINUS_8);
	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 3, F32_100);
	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE + 4 * 6, F32_100);
	fake_box_set32(line, SMAPPEE_PB_REG_REACTIVE + 4 * 7, F32_MINUS_8);
	fake_box_set32(line, SMAPPEE_PB_REG_APPARENT + 4 * 8, F32_12_5);
	fake_box_set32(line, SMAPPEE_PB_REG_CURRENT + 4 * 9, F32_100);
	fake_box_set32(line, SMAPPEE_PB_REG_IMPORT + 4 * 6, 70000);
	fake_box_set32(line, SMAPPEE_PB_REG_EXPORT + 4 * 6, 1000000000);
	return line;
}

struct fake_line *powered_up(struct kunit *test)
{
	struct fake_line *line = powered(test);

	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, HUB_AT));
	return line;
}

static int is_iio(struct device *dev, find_child_const void *data)
{
	return dev->bus == &iio_bus_type;
}

static void put_iio(void *dev)
{
	put_device(dev);
}

struct iio_dev *iio_of(struct fake_line *line, int entry)
{
	struct smappee_device *sdev = box_entry(line, entry);
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(line->test, sdev);
	dev = device_find_child(&sdev->dev, NULL, is_iio);
	KUNIT_ASSERT_NOT_NULL(line->test, dev);
	KUNIT_ASSERT_EQ(line->test, 0, kunit_add_action_or_reset(line->test, put_iio, dev));
	return dev_to_iio_dev(dev);
}

const struct iio_chan_spec *channel_of(struct iio_dev *indio_dev, enum metering_value value,
				       int input)
{
	struct iio_chan_spec named = { };

	metering_name(&named, value, input);
	for (int i = 0; i < indio_dev->num_channels; i++) {
		const struct iio_chan_spec *chan = &indio_dev->channels[i];

		if (chan->type == named.type && chan->channel == named.channel &&
		    chan->modified == named.modified && chan->channel2 == named.channel2)
			return chan;
	}
	return NULL;
}

int read_of(struct iio_dev *indio_dev, enum metering_value value, int input, long mask, int *val)
{
	const struct iio_chan_spec *chan = channel_of(indio_dev, value, input);
	int val2 = 0;

	return chan ? indio_dev->info->read_raw(indio_dev, chan, val, &val2, mask) : -ENOENT;
}

static int powers_store(struct iio_buffer *buffer, const void *data)
{
	struct powers *powers = container_of(buffer, struct powers, buffer);
	unsigned int place = powers->scans % KEPT;

	powers->time_ns[place] = *(const s64 *)(data + powers->time_at);
	memcpy(powers->power[place], data, powers->time_at);
	WRITE_ONCE(powers->scans, powers->scans + 1);
	wake_up_all(&powers->fresh);
	return 0;
}

static void powers_release(struct iio_buffer *buffer)
{
	bench_end_demux(buffer);
	bitmap_free(buffer->scan_mask);
	buffer->scan_mask = NULL;
}

static const struct iio_buffer_access_funcs powers_access = {
	.store_to = powers_store,
	.release = powers_release,
	.modes = INDIO_BUFFER_SOFTWARE,
};

void powers_off(struct powers *powers)
{
	if (powers->attached)
		iio_update_buffers(powers->indio_dev, NULL, &powers->buffer);
	powers->attached = false;
}

static void powers_end(void *data)
{
	struct powers *powers = data;

	powers_off(powers);
	iio_buffer_put(&powers->buffer);
	kvfree(powers);
}

struct powers *powers_start(struct fake_line *line, int entry)
{
	struct kunit *test = line->test;
	struct powers *powers = kvzalloc(sizeof(*powers), GFP_KERNEL);
	struct iio_dev *indio_dev = iio_of(line, entry);

	KUNIT_ASSERT_NOT_NULL(test, powers);
	init_waitqueue_head(&powers->fresh);
	powers->indio_dev = indio_dev;
	iio_buffer_init(&powers->buffer);
	powers->buffer.access = &powers_access;
	powers->buffer.scan_timestamp = true;
	powers->buffer.scan_mask = bitmap_zalloc(iio_get_masklength(indio_dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, powers->buffer.scan_mask);
	bitmap_copy(powers->buffer.scan_mask, indio_dev->available_scan_masks,
		    iio_get_masklength(indio_dev));
	powers->time_at = ALIGN(4 * bitmap_weight(powers->buffer.scan_mask,
						  iio_get_masklength(indio_dev)), 8);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, powers_end, powers));
	KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(indio_dev, CLOCK_MONOTONIC));
	KUNIT_ASSERT_EQ(test, 0, iio_update_buffers(indio_dev, &powers->buffer, NULL));
	powers->attached = true;
	return powers;
}

bool powers_get(struct powers *powers, unsigned int scans)
{
	unsigned int until = READ_ONCE(powers->scans) + scans;

	return wait_event_timeout(powers->fresh, READ_ONCE(powers->scans) >= until, 30 * HZ);
}
