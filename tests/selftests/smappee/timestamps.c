// SPDX-License-Identifier: GPL-2.0
/*
 * Two devices of a segment give one sampled instant the same 64-bit time stamp:
 * read both, join by equality, and find every scan of the overlap on both sides,
 * one nominal period apart from the last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define IIO "/sys/bus/iio/devices"
#define SCANS 8000
#define WORDS 2 /* four 16-bit samples or fewer, and the time stamp */

struct device {
	char path[64];
	char node[64];
	int fd;
	size_t held; /* bytes in scan */
	int64_t scan[SCANS][WORDS];
};

static int write_attr(const struct device *device, const char *name, const char *value)
{
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device->path, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -errno : 0;
}

static int read_attr(const struct device *device, const char *name, char *value, size_t size)
{
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device->path, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	n = read(fd, value, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

/* The folder of the segment that an IIO device hangs below: .../SEGMENT/MODULE/DEVICE. */
static void segment_of(const struct device *device, char *segment)
{
	if (!realpath(device->path, segment))
		segment[0] = '\0';
	for (int i = 0; i < 2 && strrchr(segment, '/'); i++)
		*strrchr(segment, '/') = '\0';
}

/* The first IIO device of that name and, if given, segment; path is empty if there is none. */
static void find(struct device *device, const char *wanted, const char *segment)
{
	char found[PATH_MAX];
	DIR *dir = opendir(IIO);
	struct dirent *entry;
	char name[64];

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "iio:device", 10))
			continue;
		snprintf(device->path, sizeof(device->path), IIO "/%.32s", entry->d_name);
		snprintf(device->node, sizeof(device->node), "/dev/%.32s", entry->d_name);
		segment_of(device, found);
		if (!read_attr(device, "name", name, sizeof(name)) && !strcmp(name, wanted) &&
		    (!segment || !strcmp(found, segment)))
			break;
		device->path[0] = '\0';
	}
	if (dir)
		closedir(dir);
}

static int enable_channels(const struct device *device, const char *on)
{
	char path[128];
	struct dirent *entry;
	int error = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/scan_elements", device->path);
	dir = opendir(path);
	while (dir && !error && (entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);
		char name[300];

		if (length < 3 || strcmp(entry->d_name + length - 3, "_en"))
			continue;
		snprintf(name, sizeof(name), "scan_elements/%s", entry->d_name);
		error = write_attr(device, name, on);
	}
	if (dir)
		closedir(dir);
	return error;
}

/* Read what is there; 1 when SCANS are held. */
static int take(struct device *device)
{
	ssize_t n = read(device->fd, (char *)device->scan + device->held,
			 sizeof(device->scan) - device->held);

	if (n > 0)
		device->held += n;
	return device->held == sizeof(device->scan);
}

FIXTURE(pair)
{
	struct device *device[2];
	int64_t period_ns;
};

FIXTURE_SETUP(pair)
{
	static const char *const names[] = { "smappee-voltage", "smappee-ct" };
	char segment[PATH_MAX], value[64];

	for (int i = 0; i < 2; i++) {
		self->device[i] = calloc(1, sizeof(struct device));
		ASSERT_NE(NULL, self->device[i]);
		self->device[i]->fd = -1;
		find(self->device[i], names[i], i ? segment : NULL);
		if (!self->device[i]->path[0])
			SKIP(return, "there is no %s", names[i]);
		segment_of(self->device[i], segment);
		ASSERT_EQ(0, write_attr(self->device[i], "current_timestamp_clock", "monotonic"));
		ASSERT_EQ(0, enable_channels(self->device[i], "1"));
		/* all SCANS: nobody has to be quick */
		ASSERT_EQ(0, write_attr(self->device[i], "buffer/length", "8192"));
	}
	ASSERT_EQ(0, read_attr(self->device[0], "sampling_frequency", value, sizeof(value)));
	self->period_ns = 1000000000 / atoi(value);
}

FIXTURE_TEARDOWN(pair)
{
	for (int i = 0; i < 2; i++) {
		if (self->device[i]->path[0]) {
			write_attr(self->device[i], "buffer/enable", "0");
			enable_channels(self->device[i], "0");
		}
		if (self->device[i]->fd >= 0)
			close(self->device[i]->fd);
		free(self->device[i]);
	}
}

/* Fill both devices' scans, started one after the other. */
static int fill(struct device **device)
{
	struct pollfd poll_fd[2];
	int full[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		device[i]->fd = open(device[i]->node, O_RDONLY | O_NONBLOCK);
		if (device[i]->fd < 0 || write_attr(device[i], "buffer/enable", "1"))
			return -errno;
		poll_fd[i] = (struct pollfd){ .fd = device[i]->fd, .events = POLLIN };
	}
	while (!full[0] || !full[1]) {
		if (poll(poll_fd, 2, 10000) <= 0)
			return -ETIMEDOUT;
		for (int i = 0; i < 2; i++)
			full[i] = full[i] || take(device[i]);
	}
	return 0;
}

TEST_F(pair, an_instant_has_one_time_stamp_on_both_devices)
{
	struct device *a = self->device[0], *b = self->device[1];
	int ia = 0, ib = 0, joined = 0;
	int64_t last = 0, step;

	ASSERT_EQ(0, fill(self->device));
	/* drop what only one of them has, at the start */
	while (ia < SCANS && ib < SCANS && a->scan[ia][1] != b->scan[ib][1]) {
		if (a->scan[ia][1] < b->scan[ib][1])
			ia++;
		else
			ib++;
	}
	ASSERT_LT(ia, SCANS)
	{
		TH_LOG("no time stamp of one is one of the other");
	}
	for (; ia < SCANS && ib < SCANS; ia++, ib++, joined++) {
		ASSERT_EQ(a->scan[ia][1], b->scan[ib][1])
		{
			TH_LOG("after %d joined scans", joined);
		}
		step = a->scan[ia][1] - last;
		if (joined) {
			/* 200 ppm of clock error, and a nanosecond of rounding */
			EXPECT_GT(step, self->period_ns - self->period_ns / 5000 - 2);
			EXPECT_LT(step, self->period_ns + self->period_ns / 5000 + 2);
		}
		last = a->scan[ia][1];
	}
	TH_LOG("%d scans joined", joined);
	EXPECT_GT(joined, SCANS / 2);
}

TEST_F(pair, time_stamps_are_of_the_past_and_fresh)
{
	struct timespec now;
	int64_t age;

	ASSERT_EQ(0, fill(self->device));
	clock_gettime(CLOCK_MONOTONIC, &now);
	age = now.tv_sec * 1000000000LL + now.tv_nsec - self->device[0]->scan[SCANS - 1][1];
	EXPECT_GT(age, 0);
	EXPECT_LT(age, 2000000000LL);
}

TEST_HARNESS_MAIN
