/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that the drivers are built for. The drivers
 * are written for the newest one; the macros tested here come from
 * compat/features.mk. Nothing else in this project looks at kernel versions.
 */
#ifndef SMAPPEE_COMPAT_H
#define SMAPPEE_COMPAT_H

/* What a serdev client's receive_buf() returns. */
#ifdef SMAPPEE_HAVE_SERDEV_SIZE_T
#define serdev_receive_t	size_t
#define serdev_receive_u8	u8
#else
#define serdev_receive_t	int
#define serdev_receive_u8	unsigned char
#endif

/* A bus type, constant if the driver core takes one; needs linux/device.h. */
#define compat_bus_type		typeof(*((struct device *)NULL)->bus)

/* The arguments of bus_type.match() and bus_type.uevent(). */
#ifdef SMAPPEE_HAVE_CONST_MATCH
#define bus_match_const		const
#else
#define bus_match_const
#endif

#ifdef SMAPPEE_HAVE_CONST_UEVENT
#define bus_uevent_const	const
#else
#define bus_uevent_const
#endif

/* What device_find_child() hands to its match. */
#ifdef SMAPPEE_HAVE_CONST_FIND_CHILD
#define find_child_const	const
#else
#define find_child_const
#endif

/* Symbol namespaces: a token first, a string later. */
#ifdef SMAPPEE_HAVE_STRING_NS
#define SMAPPEE_BUS_NS		"SMAPPEE_BUS"
#define SMAPPEE_IIO_NS		"SMAPPEE_IIO"
#else
#define SMAPPEE_BUS_NS		SMAPPEE_BUS
#define SMAPPEE_IIO_NS		SMAPPEE_IIO
#endif

/* The length of a device's scan masks, for those who have buffers of their own. */
#if defined(_INDUSTRIAL_IO_H_) && !defined(SMAPPEE_HAVE_MASKLENGTH)
static inline unsigned int iio_get_masklength(const struct iio_dev *indio_dev)
{
	return indio_dev->masklength;
}
#endif

/* The push that knows how large its buffer is. */
#if defined(_IIO_BUFFER_GENERIC_H_) && !defined(SMAPPEE_HAVE_PUSH_WITH_TS)
static inline int iio_push_to_buffers_with_ts(struct iio_dev *indio_dev,
					      void *data, size_t size,
					      s64 timestamp)
{
	if (size < indio_dev->scan_bytes)
		return -ENOSPC;

	return iio_push_to_buffers_with_timestamp(indio_dev, data, timestamp);
}
#endif

#endif
