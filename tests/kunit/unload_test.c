// SPDX-License-Identifier: GPL-2.0
/*
 * The drivers as modules, in use: their segments, modules, streams and lines come and
 * go with the fake line. Uses only what the bus exports, since it is a module itself;
 * scripts/unload then unloads everything and lets kmemleak look for what was left.
 */
#include <kunit/test.h>
#include <linux/async.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/smappee/bus.h>

#include "compat.h"
#include "fake-box.h"
#include "fake-io.h"
#include "fake-line.h"

MODULE_IMPORT_NS(SMAPPEE_BUS_NS);

#define MODULES		6

struct use {
	struct smappee_sink sink;
	struct smappee_device *sdev;
	atomic_t got;
};

static int count_bound(struct device *dev, void *data)
{
	unsigned int *bound = data;

	*bound += dev->bus && !strcmp(dev->bus->name, "smappee") && dev->driver;
	return 0;
}

static unsigned int bound(struct fake_line *line)
{
	unsigned int n = 0;

	async_synchronize_full();
	device_for_each_child(fake_line_serdev(line), &n, count_bound);
	return n;
}

static int has_label(struct device *dev, void *label)
{
	return dev->bus && !strcmp(dev->bus->name, "smappee") && dev->driver &&
	       !strcmp(to_smappee_device(dev)->label, label);
}

static bool is_there(struct fake_line *line, const char *label)
{
	async_synchronize_full();
	return device_for_each_child(fake_line_serdev(line), (void *)label, has_label);
}

static void use_push(struct smappee_sink *sink, const struct smappee_block *block)
{
	atomic_add(block->scans, &container_of(sink, struct use, sink)->got);
}

static void use_poll(struct smappee_sink *sink, const struct smappee_poll *poll)
{
	atomic_inc(&container_of(sink, struct use, sink)->got);
}

struct uses {
	struct kunit *test;
	struct use use[MODULES];
	unsigned int n;
};

static int use_start(struct device *dev, void *data)
{
	struct uses *uses = data;
	struct use *use = &uses->use[uses->n];

	if (!dev->bus || strcmp(dev->bus->name, "smappee") || uses->n >= MODULES)
		return 0;
	use->sink.push = use_push;
	use->sink.poll = use_poll;
	use->sdev = to_smappee_device(dev);
	if (!smappee_stream_start(use->sdev, &use->sink)) {
		get_device(dev);
		uses->n++;
	}
	return 0;
}

/* Streams of all modules that have some, until each has given something. */
static void stream_all(struct kunit *test, struct fake_line *line, unsigned int streams)
{
	struct uses *uses = kunit_kzalloc(test, sizeof(*uses), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, uses);
	device_for_each_child(fake_line_serdev(line), uses, use_start);
	KUNIT_EXPECT_EQ(test, streams, uses->n);
	for (unsigned int i = 0; i < uses->n; i++)
		KUNIT_EXPECT_TRUE(test, fake_line_wait(line, atomic_read(&uses->use[i].got),
						       30000));
	for (unsigned int i = 0; i < uses->n; i++) {
		smappee_stream_stop(uses->use[i].sdev);
		put_device(&uses->use[i].sdev->dev);
	}
}

static void open_modules_come_stream_and_go(struct kunit *test)
{
	struct fake_line *line = fake_line_new(test);
	struct fake_module *hub;

	fake_voltage(line, 1, 100001);
	hub = fake_hub(line, 2, 104233);
	fake_hub(line, 0, 104234);
	fake_input(line, 0, 777);
	fake_output(line, 0, 778);
	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bound(line) == 5, 60000));
	stream_all(test, line, 3);
	/* another one in its place */
	spin_lock(&line->lock);
	hub->serial = 104299;
	hub->boot++;
	spin_unlock(&line->lock);
	KUNIT_EXPECT_TRUE(test, fake_line_wait(line, is_there(line, "9500104299"), 60000));
	stream_all(test, line, 3);
	fake_line_remove(line);
}

static void a_power_box_comes_is_polled_and_goes(struct kunit *test)
{
	struct fake_line *line = fake_box_line(test);

	fake_line_add(line);
	KUNIT_ASSERT_TRUE(test, fake_line_wait(line, bound(line) == 1, 60000));
	stream_all(test, line, 1);
	fake_line_remove(line);
}

static struct kunit_case unload_cases[] = {
	KUNIT_CASE(open_modules_come_stream_and_go),
	KUNIT_CASE(a_power_box_comes_is_polled_and_goes),
	{ }
};

static struct kunit_suite unload_suite = {
	.name = "smappee-unload",
	.test_cases = unload_cases,
};

kunit_test_suite(unload_suite);

MODULE_DESCRIPTION("Use of the metering drivers as modules");
MODULE_LICENSE("GPL");
