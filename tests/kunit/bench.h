/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of the whole bus need: the devices that it made, their attributes,
 * and a sink that checks each scan against what the fake modules sampled.
 */
#ifndef SMAPPEE_KUNIT_BENCH_H
#define SMAPPEE_KUNIT_BENCH_H

#include <linux/smappee/bus.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "fake-line.h"

struct iio_buffer;
struct iio_dev;
struct kunit;

/* Modules of the usual bench. */
#define VOLTAGE		1
#define HUB		2
#define HUB2		3

#define SECOND		4000ULL		/* scans at the rate of the bench */

/**
 * bench_new() - a line with a voltage module and two hubs, registered
 * @test: owner
 *
 * Returns when all three are there, locked, and bound to their drivers.
 *
 * Return: the line.
 */
struct fake_line *bench_new(struct kunit *test);

/** bench_settle() - wait until @modules modules are there and bound, and all units asked. */
void bench_settle(struct fake_line *line, unsigned int modules);

/** bench_modules() - how many devices the segment has now. */
unsigned int bench_modules(struct fake_line *line);

/** bench_module() - the device of a unit, held until the test ends; NULL if none. */
struct smappee_device *bench_module(struct fake_line *line, u8 unit);

/** bench_fake() - the fake module at a unit. */
struct fake_module *bench_fake(struct fake_line *line, u8 unit);

/** bench_lost() - scans that a module's attribute says are lost. */
s64 bench_lost(struct fake_line *line, u8 unit);

/** bench_repaired() - blocks that a module's attribute says came when they were asked for again. */
s64 bench_repaired(struct fake_line *line, u8 unit);

/** bench_iio() - the IIO device of a module, held until the test ends; NULL if none. */
struct iio_dev *bench_iio(struct fake_line *line, u8 unit);

/**
 * bench_end_demux() - what the IIO core leaves of a buffer with some of the channels
 * @buffer: a buffer that is being released
 *
 * The core (6.1 to 7.2) frees the table and the bounce buffer of its demux when the
 * next buffer is switched on, not when this one goes. Here, no search for leaks
 * shall find them.
 */
void bench_end_demux(struct iio_buffer *buffer);

/**
 * bench_show() - read an attribute of a device
 * @test: owner of the text
 * @dev: the device
 * @name: of the attribute
 *
 * Return: its text without the newline, valid until the test ends; the error as
 * "error N", and "missing" if there is no such attribute.
 */
const char *bench_show(struct kunit *test, struct device *dev, const char *name);

/** bench_number() - read an attribute that is a number. */
s64 bench_number(struct kunit *test, struct device *dev, const char *name);

/** bench_store() - write an attribute; its result. */
ssize_t bench_store(struct kunit *test, struct device *dev, const char *name, const char *text);

/** bench_rescan() - let the segment look for modules again. */
void bench_rescan(struct fake_line *line);

/**
 * bench_log() - count lines of the kernel's log from now on
 * @test: ends it
 * @text: of the lines that count
 */
void bench_log(struct kunit *test, const char *text);

/** bench_log_lines() - how many there have been since bench_log(). */
unsigned int bench_log_lines(void);

#define SINK_KEPT	16384	/* times of the last scans, a power of two */

/**
 * struct bench_sink - takes scans and checks them
 * @sink: for smappee_stream_start()
 * @line: whose modules are checked
 * @unit: the module
 * @fresh: woken by each block
 * @lock: protects all that follows
 * @scans: that came
 * @blocks: that came
 * @first: index of the first scan
 * @next: index after the last scan
 * @missing: scans between one block and the next
 * @restarts: times that the index went back
 * @wrong: samples with a wrong value
 * @backwards: times that were not later than the one before
 * @gap_ns: longest time from one scan to the next
 * @last_ns: time of the last scan
 * @real_ns: what turned it into CLOCK_REALTIME
 * @index: index of the last scans
 * @time_ns: their times
 */
struct bench_sink {
	struct smappee_sink sink;
	struct fake_line *line;
	u8 unit;
	wait_queue_head_t fresh;

	spinlock_t lock;	/* all below */
	u64 scans;
	unsigned int blocks;
	u64 first;
	u64 next;
	u64 missing;
	unsigned int restarts;
	unsigned int wrong;
	unsigned int backwards;
	s64 gap_ns;
	s64 last_ns;
	s64 real_ns;
	u64 index[SINK_KEPT];
	s64 time_ns[SINK_KEPT];
};

/** bench_stream() - a new sink that gets a module's scans; stopped when the test ends. */
struct bench_sink *bench_stream(struct fake_line *line, u8 unit);

/** bench_stop() - end it; the module may be gone. */
void bench_stop(struct bench_sink *sink);

/** bench_get() - wait for @scans more scans; false if they do not come in 30 s. */
bool bench_get(struct bench_sink *sink, u64 scans);

/** bench_time() - time of a scan that is kept, S64_MIN if it is not. */
s64 bench_time(struct bench_sink *sink, u64 index);

/** bench_expect_clean() - nothing missing, wrong or out of order. */
void bench_expect_clean(struct kunit *test, struct bench_sink *sink);

#endif
