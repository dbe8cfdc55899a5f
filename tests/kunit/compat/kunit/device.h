/* SPDX-License-Identifier: GPL-2.0 */
/* A device that a test owns, for kernels that have no <kunit/device.h>. */
#ifndef SMAPPEE_KUNIT_DEVICE_H
#define SMAPPEE_KUNIT_DEVICE_H

#include <linux/device.h>

static inline void compat_device_end(void *dev)
{
	root_device_unregister(dev);
}

static inline struct device *kunit_device_register(struct kunit *test, const char *name)
{
	struct device *dev = root_device_register(name);
	int ret;

	if (IS_ERR(dev))
		return dev;
	ret = kunit_add_action_or_reset(test, compat_device_end, dev);
	return ret ? ERR_PTR(ret) : dev;
}

#endif
