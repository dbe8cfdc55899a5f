/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iio-find - which IIO device is which of the inputs'.
 *
 * By its label, among the devices that the configuration names; the voltages, which have no
 * label there, are those of the first device that has all of their channels.
 */
#ifndef METERD_IIO_FIND_H
#define METERD_IIO_FIND_H

#include <iio.h>
#include <stdbool.h>
#include <stdint.h>

#include "inputs.h"

/**
 * struct iio_find - what is looked for
 * @inputs: the devices and their channels
 * @names: names of devices that may be used, separated by commas; "*": all
 * @in_use: is it somebody else's already?
 * @user: first argument of it
 */
struct iio_find {
	const struct inputs *inputs;
	const char *names;
	bool (*in_use)(void *user, const struct iio_device *dev);
	void *user;
};

/** iio_find_channel() - a channel by its label, its name or its id ("voltage0"); NULL: none */
struct iio_channel *iio_find_channel(const struct iio_device *dev, const char *name);

/**
 * iio_find_device() - the device for place @d of the inputs
 * @f: what is looked for
 * @d: the place
 * @context: where
 * @twin: another one with the same label, or NULL
 *
 * Return: the device, or NULL.
 */
struct iio_device *iio_find_device(const struct iio_find *f, unsigned int d,
				   const struct iio_context *context, struct iio_device **twin);

/** iio_find_list() - a number that changes when devices come or go; 0: it cannot be known */
uint64_t iio_find_list(const char *uri);

#endif
