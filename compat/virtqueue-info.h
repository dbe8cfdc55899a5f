/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names and callbacks of a device's queues: one table, two arrays once. For
 * tests/vm/vserdev.
 */
#ifndef SMAPPEE_VIRTQUEUE_INFO_H
#define SMAPPEE_VIRTQUEUE_INFO_H

#include <linux/virtio_config.h>

#ifndef SMAPPEE_HAVE_VIRTQUEUE_INFO
#define COMPAT_QUEUES_MAX	4

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};

static inline int compat_virtio_find_vqs(struct virtio_device *vdev,
					 unsigned int n, struct virtqueue *vqs[],
					 const struct virtqueue_info info[],
					 struct irq_affinity *desc)
{
	vq_callback_t *callbacks[COMPAT_QUEUES_MAX];
	const char *names[COMPAT_QUEUES_MAX];

	if (n > COMPAT_QUEUES_MAX)
		return -EINVAL;

	for (unsigned int i = 0; i < n; i++) {
		callbacks[i] = info[i].callback;
		names[i] = info[i].name;
	}

	return virtio_find_vqs(vdev, n, vqs, callbacks, names, desc);
}

#define virtio_find_vqs	compat_virtio_find_vqs
#endif

#endif
