// SPDX-License-Identifier: GPL-2.0
/*
 * The Power Box driver and the poll schedule, on a fake Power Box: values,
 * buffers, what the line is used for, and faults.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/iio/iio.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-box.h"
#include "powerbox-rig.h"

static void the_box_shows_voltages_and_frequency(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *box = iio_of(line, -1);
	int val = 0, val2 = 0;

	KUNIT_EXPECT_STREQ(test, "smappee-powerbox", box->name);
	KUNIT_EXPECT_STREQ(test, "5400029342", box->label);
	for (int phase = 0; phase < 3; phase++) {
		KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, METERING_VOLTAGE_RMS, phase,
							   IIO_CHAN_INFO_RAW, &val));
		KUNIT_EXPECT_EQ(test, 230000, val);
	}
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, METERING_VOLTAGE_RMS, 0,
						   IIO_CHAN_INFO_SCALE, &val));
	KUNIT_EXPECT_EQ(test, 1, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT_PLUS_MICRO,
			box->info->read_raw(box, box->channels, &val, &val2,
					    IIO_CHAN_INFO_FREQUENCY));
	KUNIT_EXPECT_EQ(test, 49, val);
	KUNIT_EXPECT_EQ(test, 994000, val2);
	KUNIT_EXPECT_EQ(test, -EINVAL, read_of(box, METERING_VOLTAGE_RMS, 0, IIO_CHAN_INFO_OFFSET,
					       &val));
}

static void a_module_shows_powers_and_energy_of_its_inputs(struct kunit *test)
{
	static const struct { enum metering_value value; int input; int wanted; } others[] = {
		{ METERING_REACTIVE, 1, -8000 },
		{ METERING_APPARENT, 2, 12500 },
		{ METERING_CURRENT_RMS, 3, 100000 },
		{ METERING_IMPORT, 0, 70000 },
		{ METERING_EXPORT, 0, 1000000000 },
		{ METERING_EXPORT, 1, 0 },
	};
	struct fake_line *line = powered_up(test);
	struct iio_dev *hub = iio_of(line, HUB_AT);
	int val = 0;

	KUNIT_EXPECT_STREQ(test, "smappee-power", hub->name);
	KUNIT_EXPECT_STREQ(test, "5500008944", hub->label);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, METERING_ACTIVE, 0, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, 12500, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, METERING_ACTIVE, 3, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, -8000, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, METERING_ACTIVE_MEAN, 0, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, 100000, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, METERING_ACTIVE, 0, IIO_CHAN_INFO_SAMP_FREQ,
						   &val));
	KUNIT_EXPECT_EQ(test, 10, val);
	for (int i = 0; i < ARRAY_SIZE(others); i++) {
		KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, others[i].value, others[i].input,
							   IIO_CHAN_INFO_RAW, &val));
		KUNIT_EXPECT_EQ_MSG(test, others[i].wanted, val, "value %d", others[i].value);
	}
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, METERING_IMPORT, 0, IIO_CHAN_INFO_SCALE,
						   &val));
	KUNIT_EXPECT_EQ(test, 3600, val);
	KUNIT_EXPECT_NULL(test, channel_of(iio_of(line, SOLID), METERING_ACTIVE, 3));
}

static void inputs_have_the_letters_that_are_printed_on_them(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *box = iio_of(line, -1), *hub = iio_of(line, HUB_AT);
	char *page = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	page = PTR_ALIGN(page, PAGE_SIZE);
	box->info->read_label(box, channel_of(box, METERING_VOLTAGE_RMS, 2), page);
	KUNIT_EXPECT_STREQ(test, "L3\n", page);
	hub->info->read_label(hub, channel_of(hub, METERING_ACTIVE, 3), page);
	KUNIT_EXPECT_STREQ(test, "D\n", page);
	hub->info->read_label(hub, channel_of(hub, METERING_REACTIVE, 3), page);
	KUNIT_EXPECT_STREQ(test, "D reactive\n", page);
	box->info->read_label(box, channel_of(box, METERING_EXPORT, 26), page);
	KUNIT_EXPECT_STREQ(test, "meter 26 export\n", page);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			hub->info->read_label(hub, &hub->channels[hub->num_channels - 1], page));
}

static void what_the_box_does_not_know_is_no_number(struct kunit *test)
{
	struct fake_line *line = powered(test);
	int val;

	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 6, F32_NAN);
	/* slot 9 is shown by no channel */
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 9, 0);
	box_scanned(line);
	KUNIT_EXPECT_EQ(test, -ENODATA, read_of(iio_of(line, HUB_AT), METERING_ACTIVE, 0,
						IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, -ENODATA, read_of(iio_of(line, HUB_AT), METERING_ACTIVE, 3,
						IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, -ENODATA, read_of(iio_of(line, HUB_AT), METERING_IMPORT, 3,
						IIO_CHAN_INFO_RAW, &val));
}

static void an_attribute_is_a_look_at_the_image(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *hub = iio_of(line, HUB_AT);
	unsigned int before;
	int val;

	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, fake_line_count(line, BOX, 0) > 30, 5000));
	before = fake_line_count(line, BOX, 0);
	for (int i = 0; i < 100; i++)
		read_of(hub, METERING_ACTIVE_MEAN, i % 4, IIO_CHAN_INFO_RAW, &val);
	KUNIT_EXPECT_LE(test, fake_line_count(line, BOX, 0), before + 1);
}

static void a_buffer_gets_the_powers_of_each_poll(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct powers *solid = powers_start(line, SOLID);
	struct device *dev = &box_entry(line, HUB_AT)->dev;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 50));
	KUNIT_EXPECT_STREQ(test, "streaming", bench_show(test, dev, "state"));
	powers_off(hub);
	powers_off(solid);
	KUNIT_EXPECT_STREQ(test, "idle", bench_show(test, dev, "state"));
	KUNIT_EXPECT_EQ(test, 12500, hub->power[9][0]);
	KUNIT_EXPECT_EQ(test, 0, hub->power[9][1]);
	KUNIT_EXPECT_EQ(test, -8000, hub->power[9][3]);
	KUNIT_EXPECT_EQ(test, 100000, solid->power[9][0]);
	KUNIT_EXPECT_EQ(test, hub->time_ns[20], solid->time_ns[20 - hub->scans + solid->scans]);
	for (int i = 3; i < 50; i++) {
		s64 step_ns = hub->time_ns[i] - hub->time_ns[i - 1];

		KUNIT_EXPECT_GT(test, step_ns, 55 * NSEC_PER_MSEC);
		KUNIT_EXPECT_LT(test, step_ns, 145 * NSEC_PER_MSEC);
	}
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "lost_scans"));
}

static void a_scan_has_all_values_of_all_inputs(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub;

	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, fake_line_count(line, BOX, 0) > 40, 9000));
	hub = powers_start(line, HUB_AT);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 5));
	powers_off(hub);
	KUNIT_EXPECT_EQ(test, 12500, hub->power[3][0]);
	KUNIT_EXPECT_EQ(test, 100000, hub->power[3][4]);
	KUNIT_EXPECT_EQ(test, -8000, hub->power[3][2 * 4 + 1]);
	KUNIT_EXPECT_EQ(test, 12500, hub->power[3][3 * 4 + 2]);
	KUNIT_EXPECT_EQ(test, 100000, hub->power[3][4 * 4 + 3]);
	KUNIT_EXPECT_EQ(test, 70000, hub->power[3][5 * 4]);
	KUNIT_EXPECT_EQ(test, 1000000000, hub->power[3][6 * 4]);
	for (int i = 0; i < VALUES; i++)
		KUNIT_EXPECT_EQ(test, i, hub->indio_dev->channels[i].scan_index);
}

static void the_box_has_scans_of_its_voltages(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *box = powers_start(line, -1);
	struct powers *hub = powers_start(line, HUB_AT);
	bool found = false;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 5));
	powers_off(hub);
	powers_off(box);
	for (int phase = 0; phase < 3; phase++)
		KUNIT_EXPECT_EQ(test, 230000, box->power[3][phase]);
	/* one poll, one time stamp */
	for (int i = 0; i < box->scans; i++)
		found |= box->time_ns[i] == hub->time_ns[3];
	KUNIT_EXPECT_TRUE(test, found);
}

static void virtual_meters_are_channels_of_the_box(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct iio_dev *box;
	int val;

	fake_box_set32(line, SMAPPEE_PB_REG_METER_ACTIVE + 2 * 26, F32_MINUS_8);
	fake_box_set32(line, SMAPPEE_PB_REG_METER_IMPORT + 8 * 26, 1234);
	fake_box_set32(line, SMAPPEE_PB_REG_METER_EXPORT, 70000);
	box_scanned(line);
	box = iio_of(line, -1);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, METERING_ACTIVE, 26, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, -8000, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, METERING_IMPORT, 26, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, 1234, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, METERING_EXPORT, 0, IIO_CHAN_INFO_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, 70000, val);
	KUNIT_EXPECT_NULL(test, channel_of(box, METERING_ACTIVE, 27));
}

static void a_buffer_says_what_is_no_number(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub;

	fake_box_set32(line, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 7, F32_NAN);
	hub = powers_start(line, HUB_AT);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 3));
	powers_off(hub);
	KUNIT_EXPECT_EQ(test, S32_MIN, hub->power[2][1]);
	KUNIT_EXPECT_EQ(test, 12500, hub->power[2][0]);
}

static void a_kfifo_that_nobody_reads_counts_each_scan(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));
	struct iio_dev *hub = iio_of(line, HUB_AT);
	struct iio_buffer *buffer = hub->buffer;

	KUNIT_ASSERT_NOT_NULL(test, buffer->scan_mask);
	KUNIT_ASSERT_EQ(test, 0, buffer->access->set_length(buffer, 8));
	bitmap_copy(buffer->scan_mask, hub->available_scan_masks, iio_get_masklength(hub));
	KUNIT_ASSERT_EQ(test, 0, iio_update_buffers(hub, buffer, NULL));
	msleep(5000);
	iio_update_buffers(hub, NULL, buffer);
	/* ten in a second */
	KUNIT_EXPECT_GE(test, bench_number(test, &hub->dev, "overruns"), 40);
	KUNIT_EXPECT_LE(test, bench_number(test, &hub->dev, "overruns"), 43);
	KUNIT_EXPECT_EQ(test, atomic64_read(&segment->count.overruns),
			bench_number(test, &hub->dev, "overruns"));
	KUNIT_EXPECT_EQ(test, 0, bench_number(test, &iio_of(line, -1)->dev, "overruns"));
}

/* Reads of a part since request @from. */
static unsigned int reads_of(struct fake_line *line, u16 address, unsigned int from)
{
	struct fake_request request;
	unsigned int n = 0;

	for (; fake_line_find(line, BOX, SMAPPEE_FC_READ_REGISTERS, from, &request); from++)
		n += request.index == address;
	return n;
}

/* The longest time between two reads of the powers since request @from. */
static u64 longest_cycle_ns(struct fake_line *line, unsigned int from)
{
	struct fake_request request;
	u64 last_ns = 0, longest_ns = 0;

	for (; fake_line_find(line, BOX, SMAPPEE_FC_READ_REGISTERS, from, &request); from++) {
		if (request.index != SMAPPEE_PB_REG_ACTIVE_100MS)
			continue;
		if (last_ns)
			longest_ns = max(longest_ns, request.time_ns - last_ns);
		last_ns = request.time_ns;
	}
	return longest_ns;
}

static void powers_come_ten_times_a_second_and_all_else_once(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	unsigned int from;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	from = fake_line_count(line, BOX, SMAPPEE_FC_READ_REGISTERS);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 100));
	powers_off(hub);
	kunit_info(test, "per 10 s: powers %u, voltages %u, currents %u and %u, energy %u\n",
		   reads_of(line, 0x0380, from), reads_of(line, 0x0000, from),
		   reads_of(line, 0x0080, from), reads_of(line, 0x00b8, from),
		   reads_of(line, 0x3000, from));
	KUNIT_EXPECT_LT(test, longest_cycle_ns(line, from), 105 * NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, reads_of(line, 0x0380, from), 99);
	KUNIT_EXPECT_LE(test, reads_of(line, 0x0380, from), 101);
	for (u16 base = 0x0080; base; base = base == 0x0080 ? 0x0100 : base == 0x0100 ? 0x0180 :
				      base == 0x0180 ? 0x0300 : 0) {
		KUNIT_EXPECT_GE_MSG(test, reads_of(line, base, from), 8, "0x%04x", base);
		KUNIT_EXPECT_GE_MSG(test, reads_of(line, base + 56, from), 8, "0x%04x", base);
	}
	KUNIT_EXPECT_GE(test, reads_of(line, 0x0000, from), 8);
	KUNIT_EXPECT_GE(test, reads_of(line, 0x03c0, from), 8);
	/* energy every six seconds, that of the virtual meters in four parts */
	for (u16 base = 0x3000; base; base = base == 0x3000 ? 0x3038 : base == 0x3038 ? 0x3100 :
				      base < 0x31a8 ? base + 0x38 : 0) {
		KUNIT_EXPECT_GE_MSG(test, reads_of(line, base, from), 1, "0x%04x", base);
		KUNIT_EXPECT_LE_MSG(test, reads_of(line, base, from), 2, "0x%04x", base);
	}
	KUNIT_EXPECT_GE(test, reads_of(line, 0x03f6, from), 8);
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(line, HUB_AT)->dev,
						 "lost_scans"));
}

static void a_setting_waits_for_one_transaction_at_most(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct smappee_device *box = box_entry(line, -1);
	struct powers *hub = powers_start(line, HUB_AT);
	const u16 value = SMAPPEE_PB_PHASE_L1;
	s64 worst_ns = 0;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	for (int i = 0; i < 40; i++) {
		s64 begin = ktime_get_ns();

		KUNIT_EXPECT_EQ(test, 0, smappee_write_registers(box, SMAPPEE_PB_REG_PHASE, 1,
								 &value));
		worst_ns = max(worst_ns, (s64)ktime_get_ns() - begin);
		fsleep(50000 + i * 1003);
	}
	kunit_info(test, "worst wait and write: %lld us\n", div_s64(worst_ns, 1000));
	/* 40 ms for what is underway, 10 ms for the write itself */
	KUNIT_EXPECT_LT(test, worst_ns, 55 * NSEC_PER_MSEC);
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(line, HUB_AT)->dev,
						 "lost_scans"));
}

static void what_the_box_refuses_is_not_asked_for_all_the_time(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct powers *hub;
	unsigned int from;
	int val;

	line->module[0].box->refuse = SMAPPEE_PB_REG_METER_IMPORT;
	line->module[0].box->refuse_code = SMAPPEE_EX_ILLEGAL_ADDRESS;
	box_scanned(line);
	hub = powers_start(line, HUB_AT);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 20));
	from = fake_line_count(line, BOX, SMAPPEE_FC_READ_REGISTERS);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 100));
	KUNIT_EXPECT_LE(test, reads_of(line, SMAPPEE_PB_REG_METER_IMPORT, from), 1);
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(line, HUB_AT)->dev,
						 "lost_scans"));
	KUNIT_EXPECT_EQ(test, -ENXIO, read_of(iio_of(line, -1), METERING_IMPORT, 0,
					      IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(iio_of(line, -1), METERING_IMPORT, 7,
						   IIO_CHAN_INFO_RAW, &val));
}

static void two_boxes_have_a_line_each(struct kunit *test)
{
	struct fake_line *line = powered_up(test), *other = powered(test);
	struct powers *hub = powers_start(line, HUB_AT), *second;

	fake_box_set32(other, SMAPPEE_PB_REG_ACTIVE_100MS + 2 * 6, F32_230);
	box_scanned(other);
	second = powers_start(other, HUB_AT);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 20));
	KUNIT_ASSERT_TRUE(test, powers_get(second, 20));
	KUNIT_EXPECT_STRNEQ(test, dev_name(&box_entry(line, -1)->dev),
			    dev_name(&box_entry(other, -1)->dev));
	/* one that falls silent is no business of the other */
	WRITE_ONCE(line->module[0].silent, true);
	KUNIT_ASSERT_TRUE(test, powers_get(second, 50));
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, &box_entry(line, HUB_AT)->dev,
						      "state"));
	KUNIT_EXPECT_STREQ(test, "streaming", bench_show(test, &box_entry(other, HUB_AT)->dev,
							 "state"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(other, HUB_AT)->dev,
						 "lost_scans"));
	powers_off(hub);
	powers_off(second);
	KUNIT_EXPECT_EQ(test, 12500, hub->power[9][0]);
	KUNIT_EXPECT_EQ(test, 230000, second->power[9][0]);
	fake_line_remove(other);
}

static void a_sink_for_blocks_gets_no_polls(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct smappee_sink none = { };

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, smappee_stream_start(box_entry(line, HUB_AT), &none));
}

static void damaged_powers_are_asked_for_again_in_the_same_cycle(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct device *dev = &box_entry(line, -1)->dev;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	for (int i = 0; i < 5; i++) {
		fake_line_fault(line, FAKE_CORRUPT, BOX, 0, 1, 0);
		KUNIT_ASSERT_TRUE(test, powers_get(hub, 3));
	}
	KUNIT_EXPECT_EQ(test, 5, bench_number(test, dev, "crc_errors"));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(line, HUB_AT)->dev,
						 "lost_scans"));
}

static void cycles_that_bring_no_powers_are_lost(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	fake_line_fault(line, FAKE_DROP, BOX, 0, 4, 0);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	KUNIT_EXPECT_GT(test, bench_number(test, &box_entry(line, HUB_AT)->dev, "lost_scans"), 0);
}

static void a_box_that_falls_silent_comes_back(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct smappee_device *sdev = box_entry(line, HUB_AT);
	struct smappee_module *box = to_smappee_module(&box_entry(line, -1)->dev);
	unsigned int before;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 3));
	WRITE_ONCE(line->module[0].silent, true);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, test_bit(SMAPPEE_MODULE_SILENT, &box->flags),
					       10000));
	KUNIT_EXPECT_STREQ(test, "silent", bench_show(test, &sdev->dev, "state"));
	/* it is asked once a second only */
	before = fake_line_count(line, BOX, 0);
	fsleep(5 * USEC_PER_SEC);
	KUNIT_EXPECT_LE(test, fake_line_count(line, BOX, 0), before + 6);
	WRITE_ONCE(line->module[0].silent, false);
	KUNIT_ASSERT_TRUE(test, powers_get(hub, 10));
	KUNIT_EXPECT_STREQ(test, "streaming", bench_show(test, &sdev->dev, "state"));
	KUNIT_EXPECT_PTR_EQ(test, sdev, box_entry(line, HUB_AT));
}

static void the_port_may_go_while_buffers_are_on(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	unsigned int scans;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 3));
	fake_line_remove(line);
	scans = READ_ONCE(hub->scans);
	fsleep(USEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, scans, READ_ONCE(hub->scans));
	hub->attached = false;
}

static void a_module_may_leave_the_table_while_its_buffer_is_on(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct powers *solid = powers_start(line, SOLID);

	KUNIT_ASSERT_TRUE(test, powers_get(solid, 3));
	fake_box_entry(line, HUB_AT, 0, 0, 0, 0);
	bench_rescan(line);
	hub->attached = false;
	KUNIT_EXPECT_NULL(test, box_entry(line, HUB_AT));
	KUNIT_EXPECT_TRUE(test, powers_get(solid, 10));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, &box_entry(line, SOLID)->dev,
						 "lost_scans"));
}

static void a_box_on_a_segment_of_waveform_modules_is_not_taken(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_hub(line, HUB, 104233)->type = SMAPPEE_TYPE_POWER_BOX;
	fake_hub(line, HUB2, 104234);
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bench_modules(line) == 1 &&
					       fake_line_count(line, 32, 0), 30000));
	KUNIT_EXPECT_NULL(test, bench_module(line, HUB));
}

static struct kunit_case powerbox_cases[] = {
	KUNIT_CASE(the_box_shows_voltages_and_frequency),
	KUNIT_CASE(a_module_shows_powers_and_energy_of_its_inputs),
	KUNIT_CASE(inputs_have_the_letters_that_are_printed_on_them),
	KUNIT_CASE(what_the_box_does_not_know_is_no_number),
	KUNIT_CASE(an_attribute_is_a_look_at_the_image),
	KUNIT_CASE(a_buffer_gets_the_powers_of_each_poll),
	KUNIT_CASE(a_scan_has_all_values_of_all_inputs),
	KUNIT_CASE(the_box_has_scans_of_its_voltages),
	KUNIT_CASE(virtual_meters_are_channels_of_the_box),
	KUNIT_CASE(a_buffer_says_what_is_no_number),
	KUNIT_CASE(a_kfifo_that_nobody_reads_counts_each_scan),
	KUNIT_CASE(powers_come_ten_times_a_second_and_all_else_once),
	KUNIT_CASE(a_setting_waits_for_one_transaction_at_most),
	KUNIT_CASE(what_the_box_refuses_is_not_asked_for_all_the_time),
	KUNIT_CASE(two_boxes_have_a_line_each),
	KUNIT_CASE(a_sink_for_blocks_gets_no_polls),
	KUNIT_CASE(damaged_powers_are_asked_for_again_in_the_same_cycle),
	KUNIT_CASE(cycles_that_bring_no_powers_are_lost),
	KUNIT_CASE(a_box_that_falls_silent_comes_back),
	KUNIT_CASE(the_port_may_go_while_buffers_are_on),
	KUNIT_CASE(a_module_may_leave_the_table_while_its_buffer_is_on),
	KUNIT_CASE(a_box_on_a_segment_of_waveform_modules_is_not_taken),
	{ }
};

static struct kunit_suite powerbox_suite = {
	.name = "smappee-powerbox",
	.test_cases = powerbox_cases,
};

kunit_test_suite(powerbox_suite);

MODULE_DESCRIPTION("Tests of the Power Box driver and its poll schedule");
MODULE_LICENSE("GPL");
