// SPDX-License-Identifier: GPL-2.0-or-later
/* See iio-find.h. */
#include "iio-find.h"

#include <dirent.h>
#include <string.h>

#include "words.h"

#define DEVICES_PATH "/sys/bus/iio/devices"

static bool is_labelled(const struct iio_device *dev, const char *label)
{
	const char *name = iio_device_get_label(dev);

	return (name && !strcmp(name, label)) || !strcmp(iio_device_get_id(dev), label);
}

struct iio_channel *iio_find_channel(const struct iio_device *dev, const char *name)
{
	unsigned int k;

	for (k = 0; k < iio_device_get_channels_count(dev); k++) {
		struct iio_channel *ch = iio_device_get_channel(dev, k);
		char label[64] = "";

		if (iio_channel_is_output(ch) || !iio_channel_is_scan_element(ch))
			continue;
		if (iio_channel_attr_read(ch, "label", label, sizeof(label)) < 0)
			label[0] = '\0';
		label[strcspn(label, "\n")] = '\0';
		if (!strcmp(label, name) || !strcmp(iio_channel_get_id(ch), name))
			return ch;
	}
	return NULL;
}

static bool has_channels(const struct iio_find *f, unsigned int d, const struct iio_device *dev)
{
	const struct input_device *in = &f->inputs->device[d];
	unsigned int k;

	for (k = 0; k < in->channels; k++)
		if (!iio_find_channel(dev, f->inputs->channel[in->channel[k]].name))
			return false;
	return true;
}

struct iio_device *iio_find_device(const struct iio_find *f, unsigned int d,
				   const struct iio_context *context, struct iio_device **twin)
{
	const char *label = f->inputs->device[d].label;
	struct iio_device *found = NULL;
	unsigned int k;

	*twin = NULL;
	for (k = 0; k < iio_context_get_devices_count(context); k++) {
		struct iio_device *dev = iio_context_get_device(context, k);

		if (!words_allow(f->names, iio_device_get_name(dev)) || f->in_use(f->user, dev))
			continue;
		if (!label && has_channels(f, d, dev))
			return dev;
		if (!label || !is_labelled(dev, label))
			continue;
		if (found)
			*twin = dev;
		else
			found = dev;
	}
	return found;
}

uint64_t iio_find_list(const char *uri)
{
	uint64_t sum = 0;
	struct dirent *e;
	DIR *dir;

	if (strncmp(uri, "local:", 6))
		return 0;
	dir = opendir(DEVICES_PATH);
	if (!dir)
		return 0;
	while ((e = readdir(dir))) {
		uint64_t hash = e->d_ino;
		const char *c;

		for (c = e->d_name; *c; c++)
			hash = hash * 31 + (unsigned char)*c;
		sum += hash | 1;
	}
	closedir(dir);
	return sum;
}
