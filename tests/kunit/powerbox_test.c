// SPDX-License-Identifier: GPL-2.0
/*
 * The Power Box driver and the poll schedule, on a fake Power Box: values,
 * buffers, what the line is used for, and faults.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/iio/buffer.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"
#include "fake-box.h"

#define SOLID	1
#define HUB_AT	2
#define KEPT	512

/* Floating-point registers that are easy to tell apart. */
#define F32_230		0x43660000
#define F32_12_5	0x41480000
#define F32_MINUS_8	0xc1000000
#define F32_100		0x42c80000
#define F32_NAN		0x7fc00000
#define F32_49_994	0x4247f9db

static struct fake_line *powered(struct kunit *test)
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
	fake_box_set32(line, SMAPPEE_PB_REG_IMPORT + 4 * 6, 70000);
	fake_box_set32(line, SMAPPEE_PB_REG_EXPORT + 4 * 6, 1000000000);
	return line;
}

static struct fake_line *powered_up(struct kunit *test)
{
	struct fake_line *line = powered(test);

	box_scanned(line);
	KUNIT_ASSERT_NOT_NULL(test, box_entry(line, HUB_AT));
	return line;
}

static int is_iio(struct device *dev, void *data)
{
	return dev->bus == &iio_bus_type;
}

static void put_iio(void *dev)
{
	put_device(dev);
}

static struct iio_dev *iio_of(struct fake_line *line, int entry)
{
	struct smappee_device *sdev = box_entry(line, entry);
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(line->test, sdev);
	dev = device_find_child(&sdev->dev, NULL, is_iio);
	KUNIT_ASSERT_NOT_NULL(line->test, dev);
	KUNIT_ASSERT_EQ(line->test, 0, kunit_add_action_or_reset(line->test, put_iio, dev));
	return dev_to_iio_dev(dev);
}

static const struct iio_chan_spec *channel_of(struct iio_dev *indio_dev, enum iio_chan_type type,
					      int channel)
{
	for (int i = 0; i < indio_dev->num_channels; i++) {
		if (indio_dev->channels[i].type == type &&
		    indio_dev->channels[i].channel == channel)
			return &indio_dev->channels[i];
	}
	return NULL;
}

static int read_of(struct iio_dev *indio_dev, enum iio_chan_type type, int channel, long mask,
		   int *val)
{
	const struct iio_chan_spec *chan = channel_of(indio_dev, type, channel);
	int val2 = 0;

	return chan ? indio_dev->info->read_raw(indio_dev, chan, val, &val2, mask) : -ENOENT;
}

static const char *energy_of(struct kunit *test, struct iio_dev *indio_dev, int channel,
			     const char *name)
{
	const struct iio_chan_spec *chan = channel_of(indio_dev, IIO_ENERGY, channel);
	char *page = (char *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	char *text;

	KUNIT_ASSERT_NOT_NULL(test, chan);
	KUNIT_ASSERT_NOT_NULL(test, page);
	for (const struct iio_chan_spec_ext_info *info = chan->ext_info; info->name; info++) {
		if (!strcmp(info->name, name))
			info->read(indio_dev, info->private, chan, page);
	}
	text = kunit_kstrdup(test, page, GFP_KERNEL);
	free_page((unsigned long)page);
	return text;
}

static void the_box_shows_voltages_and_frequency(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *box = iio_of(line, -1);
	int val = 0, val2 = 0;

	KUNIT_EXPECT_STREQ(test, "smappee-powerbox", box->name);
	KUNIT_EXPECT_STREQ(test, "5400029342", box->label);
	for (int phase = 0; phase < 3; phase++) {
		KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, IIO_ALTVOLTAGE, phase,
							   IIO_CHAN_INFO_RAW, &val));
		KUNIT_EXPECT_EQ(test, 230000, val);
	}
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(box, IIO_ALTVOLTAGE, 0, IIO_CHAN_INFO_SCALE,
						   &val));
	KUNIT_EXPECT_EQ(test, 1, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT_PLUS_MICRO,
			box->info->read_raw(box, box->channels, &val, &val2,
					    IIO_CHAN_INFO_FREQUENCY));
	KUNIT_EXPECT_EQ(test, 49, val);
	KUNIT_EXPECT_EQ(test, 994000, val2);
	KUNIT_EXPECT_EQ(test, -EINVAL, read_of(box, IIO_ALTVOLTAGE, 0, IIO_CHAN_INFO_OFFSET,
					       &val));
}

static void a_module_shows_powers_and_energy_of_its_inputs(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *hub = iio_of(line, HUB_AT);
	int val = 0;

	KUNIT_EXPECT_STREQ(test, "smappee-power", hub->name);
	KUNIT_EXPECT_STREQ(test, "5500008944", hub->label);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, IIO_POWER, 0, IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, 12500, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, IIO_POWER, 3, IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, -8000, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, IIO_POWER, 0, IIO_CHAN_INFO_AVERAGE_RAW,
						   &val));
	KUNIT_EXPECT_EQ(test, 100000, val);
	KUNIT_EXPECT_EQ(test, IIO_VAL_INT, read_of(hub, IIO_POWER, 0, IIO_CHAN_INFO_SAMP_FREQ,
						   &val));
	KUNIT_EXPECT_EQ(test, 10, val);
	KUNIT_EXPECT_STREQ(test, "252000000\n", energy_of(test, hub, 0, "import"));
	KUNIT_EXPECT_STREQ(test, "3600000000000\n", energy_of(test, hub, 0, "export"));
	KUNIT_EXPECT_STREQ(test, "0\n", energy_of(test, hub, 1, "export"));
	KUNIT_EXPECT_NULL(test, channel_of(iio_of(line, SOLID), IIO_POWER, 3));
}

static void inputs_have_the_letters_that_are_printed_on_them(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct iio_dev *box = iio_of(line, -1), *hub = iio_of(line, HUB_AT);
	char *page = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	page = PTR_ALIGN(page, PAGE_SIZE);
	box->info->read_label(box, channel_of(box, IIO_ALTVOLTAGE, 2), page);
	KUNIT_EXPECT_STREQ(test, "L3\n", page);
	hub->info->read_label(hub, channel_of(hub, IIO_POWER, 3), page);
	KUNIT_EXPECT_STREQ(test, "D\n", page);
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
	KUNIT_EXPECT_EQ(test, -ENODATA, read_of(iio_of(line, HUB_AT), IIO_POWER, 0,
						IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_EQ(test, -ENODATA, read_of(iio_of(line, HUB_AT), IIO_POWER, 3,
						IIO_CHAN_INFO_RAW, &val));
	KUNIT_EXPECT_STREQ(test, "", energy_of(test, iio_of(line, HUB_AT), 3, "import"));
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
		read_of(hub, IIO_POWER, i % 4, IIO_CHAN_INFO_AVERAGE_RAW, &val);
	KUNIT_EXPECT_LE(test, fake_line_count(line, BOX, 0), before + 1);
}

/* A buffer that keeps what is pushed. */
struct powers {
	struct iio_buffer buffer;
	struct iio_dev *indio_dev;
	bool attached;
	unsigned int scans;
	wait_queue_head_t fresh;
	unsigned int time_at;
	s64 time_ns[KEPT];
	s32 power[KEPT][4];
};

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
	bitmap_free(buffer->scan_mask);
	buffer->scan_mask = NULL;
}

static const struct iio_buffer_access_funcs powers_access = {
	.store_to = powers_store,
	.release = powers_release,
	.modes = INDIO_BUFFER_SOFTWARE,
};

static void powers_off(struct powers *powers)
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

static struct powers *powers_start(struct fake_line *line, int entry)
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
	*powers->buffer.scan_mask = indio_dev->available_scan_masks[0];
	powers->time_at = ALIGN(4 * hweight_long(*powers->buffer.scan_mask), 8);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, powers_end, powers));
	KUNIT_ASSERT_EQ(test, 0, iio_device_set_clock(indio_dev, CLOCK_MONOTONIC));
	KUNIT_ASSERT_EQ(test, 0, iio_update_buffers(indio_dev, &powers->buffer, NULL));
	powers->attached = true;
	return powers;
}

static bool powers_get(struct powers *powers, unsigned int scans)
{
	unsigned int until = READ_ONCE(powers->scans) + scans;

	return wait_event_timeout(powers->fresh, READ_ONCE(powers->scans) >= until, 30 * HZ);
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
				      base == 0x0180 ? 0x0300 : base == 0x0300 ? 0x3000 : 0) {
		KUNIT_EXPECT_GE_MSG(test, reads_of(line, base, from), 8, "0x%04x", base);
		KUNIT_EXPECT_GE_MSG(test, reads_of(line, base + 56, from), 8, "0x%04x", base);
	}
	KUNIT_EXPECT_GE(test, reads_of(line, 0x0000, from), 8);
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

static void a_box_on_a_segment_of_waveform_modules_is_not_bound(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct smappee_segment *segment;

	fake_hub(line, HUB, 104233)->type = SMAPPEE_TYPE_POWER_BOX;
	fake_line_add(line);
	segment = dev_get_drvdata(fake_line_serdev(line));
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, READ_ONCE(segment->scanned), 30000));
	async_synchronize_full();
	KUNIT_EXPECT_FALSE(test, device_is_bound(&bench_module(line, HUB)->dev));
}

static void settings_of_an_input_are_those_of_its_channel(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct device *dev;

	/* slot 6 is shown by channel 20 */
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 6, 20);
	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 20, 6);
	fake_box_set(line, SMAPPEE_PB_REG_PHASE + 20, SMAPPEE_PB_PHASE_L3_L2);
	fake_box_set(line, SMAPPEE_PB_REG_CT_TYPE + 20, SMAPPEE_PB_CT_SCT02_50A);
	box_scanned(line);
	dev = &box_entry(line, HUB_AT)->dev;
	KUNIT_EXPECT_STREQ(test, "L3-L2", bench_show(test, dev, "input0_associated_voltage"));
	KUNIT_EXPECT_STREQ(test, "none", bench_show(test, dev, "input1_associated_voltage"));
	KUNIT_EXPECT_STREQ(test, "3", bench_show(test, dev, "input0_ct_type"));

	KUNIT_EXPECT_EQ(test, 4, bench_store(test, dev, "input0_associated_voltage", "N-L1"));
	KUNIT_EXPECT_EQ(test, 0x10, fake_box_get(line, SMAPPEE_PB_REG_PHASE + 20));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "input0_associated_voltage", "L4-N"));
	KUNIT_EXPECT_EQ(test, 3, bench_store(test, dev, "input0_ct_type", "12\n"));
	KUNIT_EXPECT_EQ(test, 12, fake_box_get(line, SMAPPEE_PB_REG_CT_TYPE + 20));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "input0_ct_type", "16"));
	fake_box_set(line, SMAPPEE_PB_REG_PHASE + 20, 0x77);
	KUNIT_EXPECT_STREQ(test, "0x77", bench_show(test, dev, "input0_associated_voltage"));
	/* the LED is that of the slot */
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "1"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "0"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
}

static void an_input_without_a_channel_has_no_settings_but_flashes(struct kunit *test)
{
	struct fake_line *line = powered(test);
	struct device *dev;

	fake_box_set(line, SMAPPEE_PB_REG_SLOT_MAP + 6, 20);
	box_scanned(line);
	dev = &box_entry(line, HUB_AT)->dev;
	KUNIT_EXPECT_EQ(test, -ENODATA, bench_store(test, dev, "input0_associated_voltage",
						    "L1-N"));
	KUNIT_EXPECT_EQ(test, -ENODATA, bench_store(test, dev, "input0_ct_type", "3"));
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "input0_identify", "1"));
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->identified[6]);
}

static void inputs_that_a_module_has_not_have_no_settings(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	const struct attribute_group **groups;
	struct device *dev = &box_entry(line, SOLID)->dev;
	unsigned int shown = 0;

	for (groups = dev->driver->dev_groups; *groups; groups++) {
		for (int i = 0; (*groups)->attrs[i]; i++)
			shown += !!(*groups)->is_visible(&dev->kobj, (*groups)->attrs[i], i);
	}
	KUNIT_EXPECT_EQ(test, 3 * 3, shown);
}

static void phantom_voltages_have_names(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct device *dev = &box_entry(line, -1)->dev;

	KUNIT_EXPECT_STREQ(test, "off", bench_show(test, dev, "phantom_voltages"));
	KUNIT_EXPECT_EQ(test, 12, bench_store(test, dev, "phantom_voltages", "three-phase\n"));
	KUNIT_EXPECT_EQ(test, 1, fake_box_get(line, SMAPPEE_PB_REG_PHANTOM));
	KUNIT_EXPECT_STREQ(test, "three-phase", bench_show(test, dev, "phantom_voltages"));
	KUNIT_EXPECT_EQ(test, -EINVAL, bench_store(test, dev, "phantom_voltages", "4"));
}

static void a_save_ends_when_the_box_is_no_longer_busy(struct kunit *test)
{
	struct fake_line *line = powered_up(test);
	struct powers *hub = powers_start(line, HUB_AT);
	struct device *dev = &box_entry(line, -1)->dev;
	s64 begin;

	KUNIT_ASSERT_TRUE(test, powers_get(hub, 5));
	begin = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, 1, bench_store(test, dev, "save", "1"));
	KUNIT_EXPECT_GE(test, (s64)ktime_get_ns() - begin, 200 * NSEC_PER_MSEC);
	KUNIT_EXPECT_LT(test, (s64)ktime_get_ns() - begin, 400 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, 1, line->module[0].box->saves);
	/* a box that is busy is not silent, and powers go on */
	KUNIT_EXPECT_TRUE(test, powers_get(hub, 5));
	KUNIT_EXPECT_STREQ(test, "0", bench_show(test, dev, "timeouts"));
	/* what is set meanwhile waits */
	KUNIT_EXPECT_EQ(test, 0, smappee_write_registers(to_smappee_device(dev),
							 SMAPPEE_PB_REG_SAVE, 1,
							 &(const u16){ 1 }));
	KUNIT_EXPECT_EQ(test, 9, bench_store(test, dev, "phantom_voltages", "two-phase"));
	KUNIT_EXPECT_EQ(test, 2, fake_box_get(line, SMAPPEE_PB_REG_PHANTOM));
}

static void a_box_that_stays_busy_is_given_up(struct kunit *test)
{
	struct fake_line *line = powered_up(test);

	line->module[0].box->busy_ms = 60000;
	KUNIT_EXPECT_EQ(test, -EBUSY, bench_store(test, &box_entry(line, -1)->dev, "save", "1"));
}

static struct kunit_case powerbox_cases[] = {
	KUNIT_CASE(the_box_shows_voltages_and_frequency),
	KUNIT_CASE(a_module_shows_powers_and_energy_of_its_inputs),
	KUNIT_CASE(inputs_have_the_letters_that_are_printed_on_them),
	KUNIT_CASE(what_the_box_does_not_know_is_no_number),
	KUNIT_CASE(an_attribute_is_a_look_at_the_image),
	KUNIT_CASE(a_buffer_gets_the_powers_of_each_poll),
	KUNIT_CASE(a_buffer_says_what_is_no_number),
	KUNIT_CASE(powers_come_ten_times_a_second_and_all_else_once),
	KUNIT_CASE(a_setting_waits_for_one_transaction_at_most),
	KUNIT_CASE(damaged_powers_are_asked_for_again_in_the_same_cycle),
	KUNIT_CASE(cycles_that_bring_no_powers_are_lost),
	KUNIT_CASE(a_box_that_falls_silent_comes_back),
	KUNIT_CASE(the_port_may_go_while_buffers_are_on),
	KUNIT_CASE(a_module_may_leave_the_table_while_its_buffer_is_on),
	KUNIT_CASE(settings_of_an_input_are_those_of_its_channel),
	KUNIT_CASE(an_input_without_a_channel_has_no_settings_but_flashes),
	KUNIT_CASE(inputs_that_a_module_has_not_have_no_settings),
	KUNIT_CASE(phantom_voltages_have_names),
	KUNIT_CASE(a_save_ends_when_the_box_is_no_longer_busy),
	KUNIT_CASE(a_box_that_stays_busy_is_given_up),
	KUNIT_CASE(a_box_on_a_segment_of_waveform_modules_is_not_bound),
	{ }
};

static struct kunit_suite powerbox_suite = {
	.name = "smappee-powerbox",
	.test_cases = powerbox_cases,
};

kunit_test_suite(powerbox_suite);

MODULE_DESCRIPTION("Tests of the Power Box driver and its poll schedule");
MODULE_LICENSE("GPL");
