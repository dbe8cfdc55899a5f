/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-iio - a libiio that is played here, and the list of its devices in sysfs: devices with
 * labels that come, go, stay away, refuse a rate and deliver at their own pace.
 */
#ifndef TEST_FAKE_IIO_H
#define TEST_FAKE_IIO_H

#include "chain.h"

#include <dirent.h>
#include <iio.h>

#define DEVICES 3

struct iio_channel {
	char id[16];
	const char *label;
	bool enabled;
	bool stamp;
	double scale; /* NAN: it has none */
	struct iio_data_format format;
};

struct iio_device {
	const char *id;
	const char *name;
	const char *label;
	unsigned int channels;
	struct iio_channel channel[5];
	bool there;
	double rate_hz;
	char clock[16];
	unsigned int opened; /* how often its buffer was made */
	unsigned int depth;  /* blocks of the kernel's FIFO */
	bool streaming;
	int fails;	 /* errno of the next refill */
	uint64_t next;	 /* index of the next scan */
	uint64_t behind; /* scans that it does not give yet */
	int64_t shift;	 /* of its stamps, ns: another segment's clock */
	long long lost_scans;
	long long overruns;
	struct iio_buffer *buffer;
};

struct iio_context {
	unsigned int devices;
	struct iio_device *device[DEVICES];
};

struct iio_buffer {
	struct iio_device *dev;
	size_t scans;
	bool blocking;
	_Alignas(8) char data[65536];
};

static struct iio_device house[DEVICES];
static uint64_t clock_scans; /* scans that exist */
static unsigned int contexts;
static int refuse; /* errno of setting hub2's rate */

struct iio_context *iio_create_context_from_uri(const char *uri)
{
	struct iio_context *ctx = calloc(1, sizeof(*ctx));
	unsigned int k;

	for (k = 0; k < DEVICES; k++)
		if (house[k].there)
			ctx->device[ctx->devices++] = &house[k];
	contexts++;
	return ctx;
}

void iio_context_destroy(struct iio_context *ctx)
{
	contexts--;
	free(ctx);
}

int iio_context_set_timeout(struct iio_context *ctx, unsigned int ms)
{
	return 0;
}

unsigned int iio_context_get_devices_count(const struct iio_context *ctx)
{
	return ctx->devices;
}

struct iio_device *iio_context_get_device(const struct iio_context *ctx, unsigned int k)
{
	return ctx->device[k];
}

const char *iio_device_get_id(const struct iio_device *dev)
{
	return dev->id;
}

const char *iio_device_get_name(const struct iio_device *dev)
{
	return dev->name;
}

const char *iio_device_get_label(const struct iio_device *dev)
{
	return dev->label;
}

unsigned int iio_device_get_channels_count(const struct iio_device *dev)
{
	return dev->channels;
}

struct iio_channel *iio_device_get_channel(const struct iio_device *dev, unsigned int k)
{
	return (struct iio_channel *)&dev->channel[k];
}

struct iio_channel *iio_device_find_channel(const struct iio_device *dev, const char *name,
					    bool out)
{
	return (struct iio_channel *)&dev->channel[dev->channels - 1];
}

const char *iio_device_find_attr(const struct iio_device *dev, const char *name)
{
	return strcmp(name, "repaired_blocks") ? name : NULL;
}

ssize_t iio_device_attr_read(const struct iio_device *dev, const char *attr, char *to, size_t bytes)
{
	if (!strcmp(attr, "current_timestamp_clock"))
		return snprintf(to, bytes, "%s\n", dev->clock) + 1;
	return snprintf(to, bytes, "2000 4000\n") + 1;
}

ssize_t iio_device_attr_write(const struct iio_device *dev, const char *attr, const char *text)
{
	assert_false(dev->streaming);
	snprintf(((struct iio_device *)dev)->clock, sizeof(dev->clock), "%s", text);
	return 1;
}

int iio_device_attr_read_double(const struct iio_device *dev, const char *attr, double *value)
{
	*value = dev->rate_hz;
	return 0;
}

int iio_device_attr_write_double(const struct iio_device *dev, const char *attr, double value)
{
	if (refuse && dev == &house[2])
		return -refuse;
	if (value != 2000 && value != 4000)
		return -EINVAL;
	((struct iio_device *)dev)->rate_hz = value;
	return 0;
}

int iio_device_attr_read_longlong(const struct iio_device *dev, const char *attr, long long *value)
{
	*value = strcmp(attr, "overruns") ? dev->lost_scans : dev->overruns;
	return 0;
}

int iio_device_set_kernel_buffers_count(const struct iio_device *dev, unsigned int n)
{
	((struct iio_device *)dev)->depth = n;
	return 0;
}

/* Room of a scan: enabled channels of 2 bytes, then the stamp of 8, aligned. */
static ptrdiff_t stamp_offset(const struct iio_device *dev)
{
	unsigned int n = 0;
	unsigned int k;

	for (k = 0; k + 1 < dev->channels; k++)
		n += dev->channel[k].enabled;
	return (2 * n + 7) / 8 * 8;
}

struct iio_buffer *iio_device_create_buffer(const struct iio_device *dev, size_t scans, bool cyclic)
{
	struct iio_device *d = (struct iio_device *)dev;
	struct iio_buffer *b = calloc(1, sizeof(*b));

	assert_string_equal(d->clock, "monotonic");
	assert_true(scans * (stamp_offset(dev) + 8) <= sizeof(b->data));
	assert_false(d->streaming);
	b->dev = d;
	b->scans = scans;
	b->blocking = true;
	d->buffer = b;
	d->streaming = true;
	d->opened++;
	d->next = clock_scans - d->behind;
	return b;
}

void iio_buffer_destroy(struct iio_buffer *b)
{
	b->dev->streaming = false;
	free(b);
}

int iio_buffer_set_blocking_mode(struct iio_buffer *b, bool blocking)
{
	b->blocking = blocking;
	return 0;
}

ptrdiff_t iio_buffer_step(const struct iio_buffer *b)
{
	return stamp_offset(b->dev) + 8;
}

void *iio_buffer_start(const struct iio_buffer *b)
{
	return (void *)b->data;
}

void *iio_buffer_end(const struct iio_buffer *b)
{
	return (char *)b->data + b->scans * iio_buffer_step(b);
}

void *iio_buffer_first(const struct iio_buffer *b, const struct iio_channel *ch)
{
	ptrdiff_t at = 0;
	unsigned int k;

	if (ch->stamp)
		return (char *)b->data + stamp_offset(b->dev);
	for (k = 0; &b->dev->channel[k] != ch; k++)
		at += 2 * b->dev->channel[k].enabled;
	return (char *)b->data + at;
}

static double amplitude(const struct iio_device *dev)
{
	return dev == &house[0] ? 230 * M_SQRT2 / 0.02 : 10 * M_SQRT2 / 0.005;
}

ssize_t iio_buffer_refill(struct iio_buffer *b)
{
	struct iio_device *d = b->dev;
	uint64_t ready = clock_scans - d->behind;
	size_t n = 0;
	unsigned int k;

	/* only the network may wait */
	assert_false(b->blocking);
	if (d->fails)
		return -d->fails;
	for (; n < b->scans && d->next < ready; n++, d->next++) {
		char *scan = b->data + n * iio_buffer_step(b);
		int64_t *stamp = (int64_t *)(scan + stamp_offset(d));
		int16_t *to = (int16_t *)scan;

		*stamp = (int64_t)d->next * 250000 + d->shift;
		for (k = 0; k + 1 < d->channels; k++)
			if (d->channel[k].enabled)
				*to++ = (int16_t)lrint(amplitude(d) *
						       sin(2 * M_PI * (d->next / 80.0 - k / 3.0)));
	}
	return n ? (ssize_t)(n * iio_buffer_step(b)) : -EAGAIN;
}

bool iio_channel_is_output(const struct iio_channel *ch)
{
	return false;
}

bool iio_channel_is_scan_element(const struct iio_channel *ch)
{
	return true;
}

ssize_t iio_channel_attr_read(const struct iio_channel *ch, const char *attr, char *to,
			      size_t bytes)
{
	if (!ch->label)
		return -ENOENT;
	return snprintf(to, bytes, "%s\n", ch->label) + 1;
}

int iio_channel_attr_read_double(const struct iio_channel *ch, const char *attr, double *value)
{
	*value = ch->scale;
	return isnan(ch->scale) ? -ENOENT : 0;
}

const char *iio_channel_get_id(const struct iio_channel *ch)
{
	return ch->id;
}

void iio_channel_enable(struct iio_channel *ch)
{
	ch->enabled = true;
}

void iio_channel_disable(struct iio_channel *ch)
{
	ch->enabled = false;
}

const struct iio_data_format *iio_channel_get_data_format(const struct iio_channel *ch)
{
	return &ch->format;
}

void iio_channel_convert(const struct iio_channel *ch, void *to, const void *from)
{
	fail_msg("16 bits of the host need no conversion");
}

/* The list of IIO devices in sysfs: those that are there. */
static unsigned int listed;

DIR *opendir(const char *path)
{
	assert_string_equal(path, "/sys/bus/iio/devices");
	listed = 0;
	return (DIR *)&listed;
}

struct dirent *readdir(DIR *dir)
{
	static struct dirent entry;

	while (listed < DEVICES && !house[listed].there)
		listed++;
	if (listed == DEVICES)
		return NULL;
	entry.d_ino = 1000 + listed;
	snprintf(entry.d_name, sizeof(entry.d_name), "%s", house[listed++].id);
	return &entry;
}

int closedir(DIR *dir)
{
	return 0;
}

static void make_device(unsigned int k, const char *id, const char *name, const char *label,
			const char *kind, const char *const *labels, unsigned int channels)
{
	struct iio_device *d = &house[k];
	unsigned int c;

	memset(d, 0, sizeof(*d));
	d->id = id;
	d->name = name;
	d->label = label;
	d->rate_hz = 2000;
	d->there = true;
	strcpy(d->clock, "realtime");
	for (c = 0; c <= channels; c++) {
		bool stamp = c == channels;

		snprintf(d->channel[c].id, sizeof(d->channel[c].id), "%s%u", kind, c);
		d->channel[c].label = stamp ? NULL : labels[c];
		d->channel[c].stamp = stamp;
		d->channel[c].scale = strcmp(kind, "voltage") ? 5.0 : 20.0;
		d->channel[c].format = (struct iio_data_format){ .length = stamp ? 64 : 16,
								 .bits = stamp ? 64 : 16,
								 .is_signed = true };
	}
	d->channels = channels + 1;
}

#endif
