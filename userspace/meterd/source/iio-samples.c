// SPDX-License-Identifier: GPL-2.0-or-later
/* See iio-samples.h. */
#include "iio-samples.h"

#include <stdint.h>
#include <string.h>

bool iio_is_sample(const struct iio_data_format *f)
{
	bool whole = f->length == 8 || f->length == 16 || f->length == 32 || f->length == 64;

	return whole && f->bits && f->bits <= f->length && f->shift <= f->length - f->bits &&
	       f->repeat <= 1;
}

bool iio_is_stamp(const struct iio_data_format *f)
{
	return f->length == 64 && f->bits == 64 && f->is_signed && !f->is_be && f->repeat <= 1;
}

bool iio_is_host_s16(const struct iio_channel *ch)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);

	return f->length == 16 && f->bits == 16 && f->is_signed && !f->shift && !f->is_be;
}

void iio_samples(const struct iio_channel *ch, const char *from, ptrdiff_t step, unsigned int n,
		 float *to)
{
	const struct iio_data_format *f = iio_channel_get_data_format(ch);
	unsigned int k;

	if (f->length == 32 && f->is_signed && !f->is_be) {
		unsigned int left = 32 - f->bits - f->shift;

		for (k = 0; k < n; k++) {
			uint32_t raw = *(const uint32_t *)(from + k * step);

			to[k] = (float)((int32_t)(raw << left) >> (32 - f->bits));
		}
		return;
	}
	for (k = 0; k < n; k++) {
		int64_t value = 0;
		char bytes[8] = { 0 };

		iio_channel_convert(ch, bytes, from + k * step);
		memcpy(&value, bytes, f->length / 8);
		if (f->is_signed)
			value = (int64_t)((uint64_t)value << (64 - f->length)) >> (64 - f->length);
		to[k] = (float)value;
	}
}
