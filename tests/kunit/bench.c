// SPDX-License-Identifier: GPL-2.0
/*
 * Finds what the bus made of the fake line, and a sink that checks scans.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/atomic.h>
#include <linux/console.h>
#include <linux/device.h>
#include <linux/iio/buffer_impl.h>
#include <linux/iio/iio.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "../../drivers/tty/serdev/smappee_bus/internal.h"
#include "bench.h"

static int count_module(struct device *dev, void *data)
{
	unsigned int *modules = data;

	*modules += dev->type == &smappee_module_type;
	return 0;
}

unsigned int bench_modules(struct fake_line *line)
{
	unsigned int modules = 0;

	device_for_each_child(fake_line_serdev(line), &modules, count_module);
	return modules;
}

static int count_settled(struct device *dev, void *data)
{
	unsigned int *settled = data;
	struct smappee_module *module;

	if (dev->type != &smappee_module_type)
		return 0;
	module = to_smappee_module(dev);
	if (device_is_bound(dev) && READ_ONCE(module->sync_state) >= SMAPPEE_SYNC_LOCKED &&
	    !test_bit(SMAPPEE_MODULE_CONFIGURE, &module->flags))
		++*settled;
	return 0;
}

static unsigned int bench_settled(struct fake_line *line)
{
	unsigned int settled = 0;

	async_synchronize_full();
	device_for_each_child(fake_line_serdev(line), &settled, count_settled);
	return settled;
}

void bench_settle(struct fake_line *line, unsigned int modules)
{
	struct smappee_segment *segment = dev_get_drvdata(fake_line_serdev(line));

	KUNIT_ASSERT_NOT_NULL_MSG(line->test, segment, "the driver did not bind");
	KUNIT_ASSERT_TRUE_MSG(line->test,
			      fake_line_wait(line, bench_settled(line) == modules, 30000),
			      "%u of %u modules are locked and have a driver",
			      bench_settled(line), modules);
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, READ_ONCE(segment->clock.n_epochs),
						     10000));
	/* How far the first scan of all units is by now differs between kernels. */
	KUNIT_ASSERT_TRUE(line->test, fake_line_wait(line, READ_ONCE(segment->scanned), 10000));
}

struct fake_line *bench_new(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);

	fake_voltage(line, VOLTAGE, 100001);
	fake_hub(line, HUB, 104233);
	fake_hub(line, HUB2, 104234);
	fake_line_add(line);
	bench_settle(line, 3);
	return line;
}

static void bench_put(void *dev)
{
	put_device(dev);
}

static int is_unit(struct device *dev, find_child_const void *data)
{
	return dev->type == &smappee_module_type &&
	       to_smappee_device(dev)->unit == *(const u8 *)data;
}

struct smappee_device *bench_module(struct fake_line *line, u8 unit)
{
	struct device *dev = device_find_child(fake_line_serdev(line), &unit, is_unit);

	if (!dev)
		return NULL;
	KUNIT_ASSERT_EQ(line->test, 0, kunit_add_action_or_reset(line->test, bench_put, dev));
	return to_smappee_device(dev);
}

static int is_iio(struct device *dev, find_child_const void *data)
{
	return dev->bus == &iio_bus_type;
}

struct iio_dev *bench_iio(struct fake_line *line, u8 unit)
{
	struct smappee_device *sdev = bench_module(line, unit);
	struct device *dev = sdev ? device_find_child(&sdev->dev, NULL, is_iio) : NULL;

	if (!dev)
		return NULL;
	KUNIT_ASSERT_EQ(line->test, 0, kunit_add_action_or_reset(line->test, bench_put, dev));
	return dev_to_iio_dev(dev);
}

static struct device_attribute *find_in(struct device *dev,
					const struct attribute_group *const *groups,
					const char *name)
{
	for (; groups && *groups; groups++) {
		for (struct attribute **attr = (*groups)->attrs; attr && *attr; attr++) {
			if (strcmp((*attr)->name, name))
				continue;
			if ((*groups)->is_visible &&
			    !(*groups)->is_visible(&dev->kobj, *attr, attr - (*groups)->attrs))
				return NULL;
			return container_of(*attr, struct device_attribute, attr);
		}
	}
	return NULL;
}

static struct device_attribute *find_attribute(struct device *dev, const char *name)
{
	struct device_attribute *attr = find_in(dev, dev->groups, name);

	if (!attr && dev->type)
		attr = find_in(dev, dev->type->groups, name);
	if (!attr && dev->driver)
		attr = find_in(dev, dev->driver->dev_groups, name);
	if (!attr && dev->class)
		attr = find_in(dev, dev->class->dev_groups, name);
	return attr;
}

void bench_end_demux(struct iio_buffer *buffer)
{
	static LIST_HEAD(left);

	/* The core alone knows what an entry is, so they are kept, not freed. */
	list_splice_init(&buffer->demux_list, &left);
	kfree(buffer->demux_bounce);
	buffer->demux_bounce = NULL;
}

const char *bench_show(struct kunit *test, struct device *dev, const char *name)
{
	struct device_attribute *attr = find_attribute(dev, name);
	char *page = (char *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	char *text;
	ssize_t len;

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (!attr || !attr->show) {
		strscpy(page, "missing", PAGE_SIZE);
	} else {
		len = attr->show(dev, attr, page);
		if (len < 0)
			snprintf(page, PAGE_SIZE, "error %zd", len);
		else if (len && page[len - 1] == '\n')
			page[len - 1] = '\0';
	}
	text = kunit_kstrdup(test, page, GFP_KERNEL);
	free_page((unsigned long)page);
	KUNIT_ASSERT_NOT_NULL(test, text);
	return text;
}

s64 bench_number(struct kunit *test, struct device *dev, const char *name)
{
	const char *text = bench_show(test, dev, name);
	s64 number = -1;

	KUNIT_EXPECT_EQ_MSG(test, 0, kstrtos64(text, 10, &number), "%s: %s", name, text);
	return number;
}

struct fake_module *bench_fake(struct fake_line *line, u8 unit)
{
	return &line->module[unit - 1];
}

s64 bench_lost(struct fake_line *line, u8 unit)
{
	return bench_number(line->test, &bench_module(line, unit)->dev, "lost_scans");
}

s64 bench_repaired(struct fake_line *line, u8 unit)
{
	return bench_number(line->test, &bench_module(line, unit)->dev, "repaired_blocks");
}

ssize_t bench_store(struct kunit *test, struct device *dev, const char *name, const char *text)
{
	struct device_attribute *attr = find_attribute(dev, name);

	KUNIT_ASSERT_NOT_NULL_MSG(test, attr, "%s", name);
	KUNIT_ASSERT_NOT_NULL_MSG(test, attr->store, "%s", name);
	return attr->store(dev, attr, text, strlen(text));
}

void bench_rescan(struct fake_line *line)
{
	KUNIT_EXPECT_EQ(line->test, 1,
			bench_store(line->test, fake_line_serdev(line), "rescan", "1"));
	async_synchronize_full();
}

static const char *log_text;
static atomic_t log_lines;

static void log_write(struct console *console, const char *line, unsigned int len)
{
	/* What KUnit says of a test is indented. */
	if (strncmp(line, "    ", min(len, 4U)) && strnstr(line, log_text, len))
		atomic_inc(&log_lines);
}

static struct console log_console = {
	.name = "smappee-kunit",
	.write = log_write,
};

static void log_end(void *console)
{
	unregister_console(console);
}

void bench_log(struct kunit *test, const char *text)
{
	log_text = text;
	atomic_set(&log_lines, 0);
	log_console.flags = CON_ENABLED;
	log_console.index = -1;
	register_console(&log_console);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, log_end, &log_console));
}

unsigned int bench_log_lines(void)
{
	/* all that was printed has been shown */
	console_lock();
	console_unlock();
	return atomic_read(&log_lines);
}

static unsigned int wrong_samples(const struct bench_sink *sink, const struct smappee_block *block,
				  unsigned int channels)
{
	bool wide = block->bits == 24;
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < block->scans; i++) {
		const void *scan = block->data + i * block->stride;

		for (unsigned int c = 0; c < channels; c++) {
			s32 got = wide ? ((s32 *)scan)[c] : ((s16 *)scan)[c];

			wrong += got != fake_sample(sink->unit, c, (u32)(block->index + i), wide);
		}
	}
	return wrong;
}

static void sink_push(struct smappee_sink *smappee_sink, const struct smappee_block *block)
{
	struct bench_sink *sink = container_of(smappee_sink, struct bench_sink, sink);

	spin_lock(&sink->lock);
	if (!sink->scans)
		sink->first = block->index;
	else if (block->index < sink->next)
		sink->restarts++;
	else
		sink->missing += block->index - sink->next;
	sink->wrong += wrong_samples(sink, block, sink->unit == VOLTAGE ? 3 : 4);
	for (unsigned int i = 0; i < block->scans; i++) {
		unsigned int place = sink->scans++ % SINK_KEPT;

		sink->index[place] = block->index + i;
		sink->time_ns[place] = block->time_ns[i];
		sink->backwards += block->time_ns[i] <= sink->last_ns;
		if (sink->scans > 1)
			sink->gap_ns = max(sink->gap_ns, block->time_ns[i] - sink->last_ns);
		sink->last_ns = block->time_ns[i];
	}
	sink->next = block->index + block->scans;
	sink->real_ns = block->times->offset_ns[0];
	sink->blocks++;
	spin_unlock(&sink->lock);
	wake_up_all(&sink->fresh);
}

struct stream {
	struct bench_sink sink;
	struct smappee_device *sdev;
	bool on;
};

static void stream_end(void *data)
{
	struct stream *stream = data;

	if (stream->on)
		smappee_stream_stop(stream->sdev);
	kvfree(stream);
}

struct bench_sink *bench_stream(struct fake_line *line, u8 unit)
{
	struct smappee_device *sdev = bench_module(line, unit);
	struct kunit *test = line->test;
	struct stream *stream;

	KUNIT_ASSERT_NOT_NULL(test, sdev);
	stream = kvzalloc(sizeof(*stream), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stream);
	stream->sdev = sdev;
	stream->sink.sink.push = sink_push;
	stream->sink.line = line;
	stream->sink.unit = unit;
	stream->sink.last_ns = S64_MIN;
	spin_lock_init(&stream->sink.lock);
	init_waitqueue_head(&stream->sink.fresh);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, stream_end, stream));
	KUNIT_ASSERT_EQ(test, 0, smappee_stream_start(sdev, &stream->sink.sink));
	stream->on = true;
	return &stream->sink;
}

void bench_stop(struct bench_sink *sink)
{
	struct stream *stream = container_of(sink, struct stream, sink);

	smappee_stream_stop(stream->sdev);
	stream->on = false;
}

bool bench_get(struct bench_sink *sink, u64 scans)
{
	u64 until = READ_ONCE(sink->scans) + scans;

	return wait_event_timeout(sink->fresh, READ_ONCE(sink->scans) >= until, 30 * HZ);
}

s64 bench_time(struct bench_sink *sink, u64 index)
{
	s64 time_ns = S64_MIN;

	spin_lock(&sink->lock);
	for (unsigned int i = 0; i < SINK_KEPT; i++) {
		if (sink->index[i] == index)
			time_ns = sink->time_ns[i];
	}
	spin_unlock(&sink->lock);
	return time_ns;
}

void bench_expect_clean(struct kunit *test, struct bench_sink *sink)
{
	u64 missing, restarts, wrong, backwards;

	spin_lock(&sink->lock);
	missing = sink->missing;
	restarts = sink->restarts;
	wrong = sink->wrong;
	backwards = sink->backwards;
	spin_unlock(&sink->lock);

	/* A failing expectation sleeps. */
	KUNIT_EXPECT_EQ_MSG(test, 0, missing, "unit %u", sink->unit);
	KUNIT_EXPECT_EQ_MSG(test, 0, restarts, "unit %u", sink->unit);
	KUNIT_EXPECT_EQ_MSG(test, 0, wrong, "unit %u", sink->unit);
	KUNIT_EXPECT_EQ_MSG(test, 0, backwards, "unit %u", sink->unit);
}
