// SPDX-License-Identifier: GPL-2.0
/*
 * The IIO drivers on the whole bus: channels, scales, labels, rates, and
 * buffered capture into a buffer of this file.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/iio/buffer.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "compat.h"

#define KEPT		32768

/**
 * struct capture - a buffer that keeps what is pushed
 * @buffer: for the IIO core
 * @indio_dev: where it is attached
 * @attached: it is
 * @full: refuses what is pushed
 * @scans: that came; those of @time_ns and @sample are the last ones
 * @fresh: woken by each
 * @time_at: offset of the time stamp in a scan
 * @time_ns: time stamps
 * @sample: first sample of each scan
 */
struct capture {
	struct iio_buffer buffer;
	struct iio_dev *indio_dev;
	bool attached;
	bool full;
	unsigned int scans;
	wait_queue_head_t fresh;
	unsigned int time_at;
	s64 time_ns[KEPT];
	s32 sample[KEPT];
};

static int capture_store(struct iio_buffer *buffer, const void *data)
{
	struct capture *capture = container_of(buffer, struct capture, buffer);
	unsigned int place = capture->scans % KEPT;

	if (READ_ONCE(capture->full))
		return -EBUSY;
	capture->time_ns[place] = *(const s64 *)(data + capture->time_at);
	capture->sample[place] = *(const s16 *)data;
	WRITE_ONCE(capture->scans, capture->scans + 1);
	wake_up_all(&capture->fresh);
	return 0;
}

static void capture_release(struct iio_buffer *buffer)
{
	bench_end_demux(buffer);
	bitmap_free(buffer->scan_mask);
	buffer->scan_mask = NULL;
}

static const struct iio_buffer_access_funcs capture_access = {
	.store_to = capture_store,
	.release = capture_release,
	.modes = INDIO_BUFFER_SOFTWARE,
};

static void capture_off(struct capture *capture)
{
	if (capture->attached)
		iio_update_buffers(capture->indio_dev, NULL, &capture->buffer);
	capture->attached = false;
}

static void capture_end(void *data)
{
	struct capture *capture = data;

	capture_off(capture);
	iio_buffer_put(&capture->buffer);
	kvfree(capture);
}

/* A buffer for the channels of @mask and the time, not yet attached. */
static struct capture *capture_new(struct fake_line *line, u8 unit, unsigned long mask)
{
	struct iio_dev *indio_dev = bench_iio(line, unit);
	struct kunit *test = line->test;
	struct capture *capture;

	KUNIT_ASSERT_NOT_NULL(test, indio_dev);
	capture = kvzalloc(sizeof(*capture), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, capture);
	init_waitqueue_head(&capture->fresh);
	capture->indio_dev = indio_dev;
	iio_buffer_init(&capture->buffer);
	capture->buffer.access = &capture_access;
	capture->buffer.scan_timestamp = true;
	capture->buffer.scan_mask = bitmap_zalloc(iio_get_masklength(indio_dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, capture->buffer.scan_mask);
	*capture->buffer.scan_mask = mask;
	capture->time_at = ALIGN(hweight_long(mask) * indio_dev->channels[0].scan_type.storagebits /
				 8, 8);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, capture_end, capture));
	return capture;
}

static int capture_on(struct capture *capture)
{
	int ret = iio_update_buffers(capture->indio_dev, &capture->buffer, NULL);

	capture->attached = !ret;
	return ret;
}

/* A buffer for all channels of a module, running. */
static struct capture *capture_start(struct fake_line *line, u8 unit)
{
	struct capture *capture = capture_new(line, unit, unit == VOLTAGE ? 7 : 15);

	KUNIT_ASSERT_EQ(line->test, 0, iio_device_set_clock(capture->indio_dev, CLOCK_MONOTONIC));
	KUNIT_ASSERT_EQ(line->test, 0, capture_on(capture));
	return capture;
}

static bool capture_get(struct capture *capture, unsigned int scans)
{
	unsigned int until = READ_ONCE(capture->scans) + scans;

	return wait_event_timeout(capture->fresh, READ_ONCE(capture->scans) >= until, 30 * HZ);
}

static void modules_get_iio_devices_with_their_names_and_labels(struct kunit *test)
{
	struct fake_line *line = bench_new(test);

	KUNIT_EXPECT_STREQ(test, "smappee-voltage", bench_iio(line, VOLTAGE)->name);
	KUNIT_EXPECT_STREQ(test, "smappee-ct", bench_iio(line, HUB)->name);
	KUNIT_EXPECT_STREQ(test, "9500104233", bench_iio(line, HUB)->label);
	KUNIT_EXPECT_EQ(test, 4, bench_iio(line, VOLTAGE)->num_channels);
	KUNIT_EXPECT_EQ(test, 5, bench_iio(line, HUB)->num_channels);
}

static const char *label_of(struct kunit *test, struct iio_dev *indio_dev, unsigned int channel)
{
	char *page = (char *)__get_free_page(GFP_KERNEL);
	char *text = NULL;

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (indio_dev->info->read_label(indio_dev, &indio_dev->channels[channel], page) > 0)
		text = kunit_kstrdup(test, page, GFP_KERNEL);
	free_page((unsigned long)page);
	return text;
}

static void channels_are_labelled_as_the_terminals(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *voltage = bench_iio(line, VOLTAGE);
	struct iio_dev *hub = bench_iio(line, HUB);

	KUNIT_EXPECT_STREQ(test, "L1\n", label_of(test, voltage, 0));
	KUNIT_EXPECT_STREQ(test, "L3\n", label_of(test, voltage, 2));
	KUNIT_EXPECT_STREQ(test, "A\n", label_of(test, hub, 0));
	KUNIT_EXPECT_STREQ(test, "D\n", label_of(test, hub, 3));
	KUNIT_EXPECT_NULL(test, label_of(test, hub, 4));
}

static void channels_have_the_types_and_layout_of_the_abi(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *hub = bench_iio(line, HUB);

	KUNIT_EXPECT_EQ(test, IIO_VOLTAGE, bench_iio(line, VOLTAGE)->channels[0].type);
	for (int i = 0; i < 4; i++) {
		const struct iio_chan_spec *chan = &hub->channels[i];

		KUNIT_EXPECT_EQ(test, IIO_CURRENT, chan->type);
		KUNIT_EXPECT_EQ(test, i, chan->channel);
		KUNIT_EXPECT_EQ(test, i, chan->scan_index);
		KUNIT_EXPECT_EQ(test, 's', chan->scan_type.sign);
		KUNIT_EXPECT_EQ(test, 16, chan->scan_type.realbits);
		KUNIT_EXPECT_EQ(test, 16, chan->scan_type.storagebits);
		KUNIT_EXPECT_EQ(test, IIO_CPU, chan->scan_type.endianness);
	}
	KUNIT_EXPECT_EQ(test, IIO_TIMESTAMP, hub->channels[4].type);
	KUNIT_EXPECT_EQ(test, 0xf, hub->available_scan_masks[0]);
}

static void scales_are_millivolts_and_milliamperes_per_step(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *voltage = bench_iio(line, VOLTAGE);
	struct iio_dev *hub = bench_iio(line, HUB);
	int val, val2;

	/* 30.517578 mV, of which channel 2 has 2 nV more */
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT_PLUS_NANO,
			voltage->info->read_raw(voltage, &voltage->channels[2], &val, &val2,
						IIO_CHAN_INFO_SCALE));
	KUNIT_EXPECT_EQ(test, 30, val);
	KUNIT_EXPECT_EQ(test, 517580000, val2);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT_PLUS_NANO,
			hub->info->read_raw(hub, &hub->channels[0], &val, &val2,
					    IIO_CHAN_INFO_SCALE));
	KUNIT_EXPECT_EQ(test, 4, val);
	KUNIT_EXPECT_EQ(test, 577637000, val2);
}

static void a_current_tells_the_type_of_its_sensor(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *voltage = bench_iio(line, VOLTAGE);
	struct iio_dev *hub = bench_iio(line, HUB);
	const struct iio_chan_spec *chan = &hub->channels[2];
	char *page = (char *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, voltage->channels[0].ext_info);
	if (chan->ext_info) {
		KUNIT_EXPECT_STREQ(test, "sensor", chan->ext_info->name);
		chan->ext_info->read(hub, 0, chan, page);
	}
	KUNIT_EXPECT_STREQ(test, "5\n", page);
	free_page((unsigned long)page);
}

static void a_step_of_24_bits_is_a_256th(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct iio_dev *hub;
	int val, val2;

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233)->formats = BIT(SMAPPEE_FORMAT_S24);
	fake_line_add(line);
	bench_settle(line, 2);
	hub = bench_iio(line, HUB);
	KUNIT_EXPECT_EQ(test, 24, hub->channels[0].scan_type.realbits);
	KUNIT_EXPECT_EQ(test, 32, hub->channels[0].scan_type.storagebits);
	hub->info->read_raw(hub, &hub->channels[0], &val, &val2, IIO_CHAN_INFO_SCALE);
	KUNIT_EXPECT_EQ(test, 0, val);
	KUNIT_EXPECT_EQ(test, 17881394, val2);
}

static void a_waveform_has_no_single_value(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *hub = bench_iio(line, HUB);
	int val, val2;

	KUNIT_EXPECT_FALSE(test, hub->channels[0].info_mask_separate & BIT(IIO_CHAN_INFO_RAW));
	KUNIT_EXPECT_EQ(test, -EINVAL, hub->info->read_raw(hub, &hub->channels[0], &val, &val2,
							   IIO_CHAN_INFO_RAW));
}

static void a_module_with_the_wrong_kind_of_channel_is_not_bound(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct smappee_segment *segment;

	fake_hub(line, HUB, 104233)->kind = SMAPPEE_KIND_VOLTAGE;
	fake_line_add(line);
	segment = dev_get_drvdata(fake_line_serdev(line));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, READ_ONCE(segment->scanned), 10000));
	KUNIT_EXPECT_NOT_NULL(test, bench_module(line, HUB));
	KUNIT_EXPECT_NULL(test, bench_iio(line, HUB));
}

static int write_rate(struct iio_dev *indio_dev, int rate_hz)
{
	return indio_dev->info->write_raw(indio_dev, &indio_dev->channels[0], rate_hz, 0,
					  IIO_CHAN_INFO_SAMP_FREQ);
}

static int read_rate(struct iio_dev *indio_dev)
{
	int val = 0, val2;

	indio_dev->info->read_raw(indio_dev, &indio_dev->channels[0], &val, &val2,
				  IIO_CHAN_INFO_SAMP_FREQ);
	return val;
}

static void the_sampling_frequency_is_that_of_the_whole_segment(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct iio_dev *hub = bench_iio(line, HUB);
	int type, length;
	const int *vals;

	KUNIT_EXPECT_EQ(test, 4000, read_rate(hub));
	KUNIT_ASSERT_EQ(test, IIO_AVAIL_LIST,
			hub->info->read_avail(hub, &hub->channels[0], &vals, &type, &length,
					      IIO_CHAN_INFO_SAMP_FREQ));
	KUNIT_ASSERT_EQ(test, 2, length);
	KUNIT_EXPECT_EQ(test, 2000, vals[0]);
	KUNIT_EXPECT_EQ(test, 4000, vals[1]);
	KUNIT_EXPECT_EQ(test, 0, write_rate(hub, 2000));
	KUNIT_EXPECT_EQ(test, 2000, read_rate(bench_iio(line, VOLTAGE)));
	KUNIT_EXPECT_EQ(test, -EINVAL, write_rate(hub, 8000));
	KUNIT_EXPECT_EQ(test, -EINVAL, write_rate(hub, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, write_rate(hub, -2000));
}

static void the_sampling_frequency_is_busy_while_any_buffer_is_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);

	KUNIT_EXPECT_EQ(test, -EBUSY, write_rate(bench_iio(line, HUB), 2000));
	KUNIT_EXPECT_EQ(test, -EBUSY, write_rate(bench_iio(line, VOLTAGE), 2000));
	capture_off(capture);
	KUNIT_EXPECT_EQ(test, 0, write_rate(bench_iio(line, VOLTAGE), 2000));
}

static void a_buffer_gets_scans_a_period_apart(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 2 * SECOND));
	capture_off(capture);
	for (unsigned int i = 1; i < capture->scans; i++) {
		s64 period = capture->time_ns[i] - capture->time_ns[i - 1];
		s32 step = capture->sample[i] - capture->sample[i - 1];

		KUNIT_ASSERT_GE_MSG(test, period, 249900, "scan %u", i);
		KUNIT_ASSERT_LE_MSG(test, period, 250100, "scan %u", i);
		/* the fake's samples grow by 3, and fall once in 5003 */
		KUNIT_ASSERT_TRUE_MSG(test, step == 3 || step == -3 * 5002, "scan %u: step %d", i,
				      step);
	}
}

/* Scans of two captures with the same time must be those of the same index. */
static unsigned int matching(struct kunit *test, struct capture *a, u8 unit_a, struct capture *b,
			     u8 unit_b)
{
	unsigned int i = 0, j = 0, n = 0;

	while (i < a->scans && j < b->scans) {
		if (a->time_ns[i] < b->time_ns[j]) {
			i++;
		} else if (a->time_ns[i] > b->time_ns[j]) {
			j++;
		} else {
			KUNIT_EXPECT_EQ(test, a->sample[i] - unit_a * 1000,
					b->sample[j] - unit_b * 1000);
			n++;
			i++;
			j++;
		}
	}
	return n;
}

static void one_index_has_the_same_time_on_all_devices(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *voltage = capture_start(line, VOLTAGE);
	struct capture *hub = capture_start(line, HUB);
	struct capture *hub2 = capture_start(line, HUB2);

	WRITE_ONCE(line->noise_percent, 10);
	KUNIT_ASSERT_TRUE(test, capture_get(voltage, 4 * SECOND));
	KUNIT_ASSERT_TRUE(test, capture_get(hub, SECOND));
	KUNIT_ASSERT_TRUE(test, capture_get(hub2, SECOND));
	capture_off(voltage);
	capture_off(hub);
	capture_off(hub2);
	KUNIT_EXPECT_GE(test, matching(test, voltage, VOLTAGE, hub, HUB), 3 * SECOND);
	KUNIT_EXPECT_GE(test, matching(test, hub, HUB, hub2, HUB2), 3 * SECOND);
}

static void the_same_holds_for_every_clock(struct kunit *test)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
	};
	struct fake_line *line = bench_new(test);

	for (int i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct capture *voltage = capture_new(line, VOLTAGE, 7);
		struct capture *hub = capture_new(line, HUB, 15);

		KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(voltage->indio_dev, clocks[i]));
		KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(hub->indio_dev, clocks[i]));
		KUNIT_ASSERT_EQ(test, 0, capture_on(voltage));
		KUNIT_ASSERT_EQ(test, 0, capture_on(hub));
		KUNIT_ASSERT_TRUE(test, capture_get(voltage, SECOND));
		KUNIT_ASSERT_TRUE(test, capture_get(hub, 100));
		capture_off(voltage);
		capture_off(hub);
		KUNIT_EXPECT_GE_MSG(test, matching(test, voltage, VOLTAGE, hub, HUB), SECOND / 2,
				    "clock %d", clocks[i]);
	}
}

static void realtime_stamps_are_near_the_wall_clock(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_new(line, HUB, 15);
	s64 age;

	KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(capture->indio_dev, CLOCK_REALTIME));
	KUNIT_ASSERT_EQ(test, 0, capture_on(capture));
	KUNIT_ASSERT_TRUE(test, capture_get(capture, SECOND));
	age = ktime_get_real_ns() - capture->time_ns[(capture->scans - 1) % KEPT];
	KUNIT_EXPECT_GE(test, age, 0);
	KUNIT_EXPECT_LE(test, age, 200 * NSEC_PER_MSEC);
}

static void a_buffer_may_take_some_of_the_channels(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_new(line, HUB, BIT(2));

	KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(capture->indio_dev, CLOCK_MONOTONIC));
	KUNIT_ASSERT_EQ(test, 0, capture_on(capture));
	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	capture_off(capture);
	/* channel 2 of the fake is 200 above channel 0, whose samples are 2000 + 3 n */
	for (int i = 0; i < 1000; i++) {
		KUNIT_ASSERT_EQ(test, 1, (capture->sample[i] - 2000 + 15009) % 3 == 2);
		KUNIT_ASSERT_TRUE(test, !i || capture->time_ns[i] > capture->time_ns[i - 1]);
	}
}

static void scans_that_find_no_place_are_counted(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct device *dev = &capture->indio_dev->dev;

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "overruns"));
	WRITE_ONCE(capture->full, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_number(test, dev, "overruns") > 500,
					       5000));
	WRITE_ONCE(capture->full, false);
	KUNIT_EXPECT_TRUE(test, capture_get(capture, 1000));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "lost_scans"));
}

static void lost_and_repaired_are_shown_by_the_iio_device(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct device *dev = &capture->indio_dev->dev;

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	fake_line_fault(line, FAKE_CORRUPT, HUB, SMAPPEE_FC_READ_SAMPLES, 1, 0);
	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	KUNIT_EXPECT_STREQ(test, "1", bench_show(test, dev, "repaired_blocks"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "lost_scans"));
}

static void no_scan_comes_after_the_buffer_is_off(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *other = capture_start(line, HUB2);

	for (int round = 0; round < 30; round++) {
		struct capture *capture = capture_start(line, HUB);
		unsigned int scans;

		KUNIT_ASSERT_TRUE(test, capture_get(capture, 1 + 37 * round));
		capture_off(capture);
		scans = READ_ONCE(capture->scans);
		KUNIT_ASSERT_TRUE(test, capture_get(other, 200));
		KUNIT_EXPECT_EQ(test, scans, READ_ONCE(capture->scans));
	}
}

static void a_driver_may_be_unbound_while_its_buffer_is_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct capture *other = capture_start(line, VOLTAGE);
	struct device *dev = &bench_module(line, HUB)->dev;
	unsigned int scans;

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	device_release_driver(dev);
	capture->attached = false;
	scans = READ_ONCE(capture->scans);
	KUNIT_ASSERT_TRUE(test, capture_get(other, SECOND));
	KUNIT_EXPECT_EQ(test, scans, READ_ONCE(capture->scans));
	KUNIT_EXPECT_STREQ(test, "idle", bench_show(test, dev, "state"));

	KUNIT_ASSERT_GE(test, device_attach(dev), 0);
	bench_settle(line, 3);
	capture = capture_start(line, HUB);
	KUNIT_EXPECT_TRUE(test, capture_get(capture, 1000));
}

static void a_port_may_go_while_buffers_are_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct capture *other = capture_start(line, VOLTAGE);
	unsigned int scans;

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	fake_line_remove(line);
	capture->attached = false;
	other->attached = false;
	scans = READ_ONCE(capture->scans);
	schedule_timeout_uninterruptible(HZ);
	KUNIT_EXPECT_EQ(test, scans, READ_ONCE(capture->scans));
}

static void a_module_may_be_exchanged_while_its_buffer_is_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct capture *other = capture_start(line, HUB2);

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	spin_lock(&line->lock);
	line->module[1].serial = 555555;
	line->module[1].boot++;
	spin_unlock(&line->lock);
	KUNIT_ASSERT_TRUE(test, capture_get(other, 8 * SECOND));
	capture->attached = false;
	KUNIT_ASSERT_NOT_NULL(test, bench_iio(line, HUB));
	KUNIT_EXPECT_STREQ(test, "9500555555", bench_iio(line, HUB)->label);
}

static void a_module_may_fall_silent_while_its_buffer_is_on(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct capture *capture = capture_start(line, HUB);
	struct capture *other = capture_start(line, HUB2);
	struct device *dev = &bench_module(line, HUB)->dev;
	unsigned int before;
	s64 gap_ns;

	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	WRITE_ONCE(line->module[1].silent, true);
	KUNIT_ASSERT_TRUE(test, capture_get(other, 4 * SECOND));
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, dev, "state"));
	before = READ_ONCE(capture->scans);
	WRITE_ONCE(line->module[1].silent, false);
	KUNIT_ASSERT_TRUE(test, capture_get(capture, 1000));
	KUNIT_EXPECT_STREQ(test, "streaming", bench_show(test, dev, "state"));
	/* the hole in time is as long as the scans that are counted as lost */
	gap_ns = capture->time_ns[before] - capture->time_ns[before - 1];
	KUNIT_EXPECT_LE(test, abs((long)(gap_ns / 250000 - 1 -
					 bench_number(test, dev, "lost_scans"))), 2L);
}

static int capture_by_kthread(void *data)
{
	struct capture *capture = data;

	while (!kthread_should_stop()) {
		if (!capture_on(capture))
			capture_get(capture, 10);
		capture_off(capture);
	}
	return 0;
}

static void buffers_may_be_switched_while_the_segment_is_scanned(struct kunit *test)
{
	struct fake_line *line = bench_new(test);
	struct task_struct *thread[3];

	for (int i = 0; i < 3; i++) {
		struct capture *capture = capture_new(line, VOLTAGE + i, i ? 15 : 7);

		thread[i] = kthread_run(capture_by_kthread, capture, "capture%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread[i]);
	}
	for (int i = 0; i < 5; i++)
		bench_rescan(line);
	for (int i = 0; i < 3; i++)
		kthread_stop(thread[i]);
	KUNIT_EXPECT_EQ(test, 3, bench_modules(line));
}

static struct kunit_case iio_cases[] = {
	KUNIT_CASE(modules_get_iio_devices_with_their_names_and_labels),
	KUNIT_CASE(channels_are_labelled_as_the_terminals),
	KUNIT_CASE(channels_have_the_types_and_layout_of_the_abi),
	KUNIT_CASE(scales_are_millivolts_and_milliamperes_per_step),
	KUNIT_CASE(a_current_tells_the_type_of_its_sensor),
	KUNIT_CASE(a_step_of_24_bits_is_a_256th),
	KUNIT_CASE(a_waveform_has_no_single_value),
	KUNIT_CASE(a_module_with_the_wrong_kind_of_channel_is_not_bound),
	KUNIT_CASE(the_sampling_frequency_is_that_of_the_whole_segment),
	KUNIT_CASE(the_sampling_frequency_is_busy_while_any_buffer_is_on),
	KUNIT_CASE(a_buffer_gets_scans_a_period_apart),
	KUNIT_CASE(one_index_has_the_same_time_on_all_devices),
	KUNIT_CASE(the_same_holds_for_every_clock),
	KUNIT_CASE(realtime_stamps_are_near_the_wall_clock),
	KUNIT_CASE(a_buffer_may_take_some_of_the_channels),
	KUNIT_CASE(scans_that_find_no_place_are_counted),
	KUNIT_CASE(lost_and_repaired_are_shown_by_the_iio_device),
	KUNIT_CASE(no_scan_comes_after_the_buffer_is_off),
	KUNIT_CASE(a_driver_may_be_unbound_while_its_buffer_is_on),
	KUNIT_CASE(a_port_may_go_while_buffers_are_on),
	KUNIT_CASE(a_module_may_be_exchanged_while_its_buffer_is_on),
	KUNIT_CASE(a_module_may_fall_silent_while_its_buffer_is_on),
	KUNIT_CASE(buffers_may_be_switched_while_the_segment_is_scanned),
	{ }
};

static struct kunit_suite iio_suite = {
	.name = "smappee-iio",
	.test_cases = iio_cases,
};

kunit_test_suite(iio_suite);

MODULE_DESCRIPTION("Tests of the IIO drivers of metering modules");
MODULE_LICENSE("GPL");
