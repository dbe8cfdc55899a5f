/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iio-samples - samples of any format of IIO as floats.
 *
 * Formats may come from a server over the network, so what cannot be read is refused.
 */
#ifndef METERD_IIO_SAMPLES_H
#define METERD_IIO_SAMPLES_H

#include <iio.h>
#include <stdbool.h>
#include <stddef.h>

/** iio_is_sample() - can iio_samples() read it? */
bool iio_is_sample(const struct iio_data_format *f);

/** iio_is_stamp() - is it a time stamp as 64 bits of the host? */
bool iio_is_stamp(const struct iio_data_format *f);

/** iio_is_host_s16() - are the samples 16 bits of the host, without a shift? */
bool iio_is_host_s16(const struct iio_channel *ch);

/**
 * iio_samples() - samples of one channel out of interleaved scans
 * @ch: the channel, whose format iio_is_sample() accepts
 * @from: its first sample
 * @step: bytes from scan to scan
 * @n: how many
 * @to: in units of the samples
 */
void iio_samples(const struct iio_channel *ch, const char *from, ptrdiff_t step, unsigned int n,
		 float *to);

#endif
