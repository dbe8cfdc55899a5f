/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: packed samples. Three bytes say format, channels and scans, the
 * rest are the data; what comes out must be in the range of its format.
 */
#include <stdlib.h>
#include <string.h>

#include "samples.h"

#define STRIDE (SMAPPEE_CHANNELS_MAX * sizeof(s32))

int LLVMFuzzerTestOneInput(const u8 *input, size_t size);

static void check_range(const struct smappee_samples *s, const void *out)
{
	for (unsigned int scan = 0; scan < s->scans; scan++) {
		const s32 *place = (const s32 *)((const char *)out + scan * STRIDE);

		for (unsigned int c = 0; c < s->channels; c++) {
			if (place[c] > 8388607 || place[c] < -8388608)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const u8 *input, size_t size)
{
	struct smappee_samples s = { 0 };
	u8 *data;
	void *out;

	if (size < 3 || size - 3 > SMAPPEE_SAMPLES_DATA_MAX)
		return 0;
	s.format = input[0] & 1 ? SMAPPEE_FORMAT_S16_PACKED : SMAPPEE_FORMAT_S24_PACKED;
	s.channels = 1 + input[1] % SMAPPEE_CHANNELS_MAX;
	s.scans = input[2] * 4;
	s.bytes = size - 3;
	data = malloc(s.bytes + !s.bytes);
	memcpy(data, input + 3, s.bytes);
	s.data = data;
	out = malloc(s.scans * STRIDE + 1);
	if (!smappee_samples_unpack(&s, out, STRIDE) && s.format == SMAPPEE_FORMAT_S24_PACKED)
		check_range(&s, out);
	free(out);
	free(data);
	return 0;
}
