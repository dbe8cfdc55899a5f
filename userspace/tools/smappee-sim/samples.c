// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The answer to read samples: which scans, in which state, and the frame.
 */
#include "samples.h"

#include "frame.h"
#include "pack.h"

#define HELD_MAX 65535

size_t samples_frame(uint8_t *out, const struct samples_head *head, const int32_t *codes,
		     size_t stride, unsigned int scans, int64_t available)
{
	size_t bytes = pack_fitting(out + SMAPPEE_SAMPLES_DATA, SMAPPEE_SAMPLES_DATA_MAX,
				    head->format, head->channels, codes, stride, &scans);
	int64_t held = available - scans;
	size_t len = SMAPPEE_SAMPLES_DATA + bytes;

	out[0] = head->unit;
	out[1] = SMAPPEE_FC_READ_SAMPLES;
	out[SMAPPEE_SAMPLES_FORMAT] = head->format;
	out[SMAPPEE_SAMPLES_CHANNELS] = head->channels;
	out[SMAPPEE_SAMPLES_STATUS] = head->status;
	out[SMAPPEE_SAMPLES_BOOT] = head->boot;
	frame_put32(out + SMAPPEE_SAMPLES_INDEX, head->index);
	frame_put16(out + SMAPPEE_SAMPLES_SCANS, (uint16_t)scans);
	frame_put16(out + SMAPPEE_SAMPLES_HELD, (uint16_t)(held < HELD_MAX ? held : HELD_MAX));
	frame_put16(out + SMAPPEE_SAMPLES_BYTES, (uint16_t)bytes);
	frame_put32(out + len, frame_crc32(out, len));
	return frame_seal(out, len + 4);
}

size_t samples_answer(struct module *m, double t, uint32_t index, unsigned int scans, uint8_t *out)
{
	static int32_t codes[SMAPPEE_CHANNELS_MAX * SMAPPEE_SAMPLES_SCANS_MAX];
	uint8_t state = module_sync_state(m, t);
	struct samples_head head = {
		.unit = m->unit,
		.format = m->format,
		.channels = (uint8_t)m->built->channels,
		.boot = m->boot,
	};
	int64_t oldest, newest, first, available;

	module_range(m, t, &oldest, &newest);
	first = newest + (int32_t)(index - (uint32_t)newest);
	if (state == SMAPPEE_SYNC_REFERENCE)
		head.status |= SMAPPEE_STATUS_REFERENCE | SMAPPEE_STATUS_LOCKED;
	else if (state == SMAPPEE_SYNC_LOCKED)
		head.status |= SMAPPEE_STATUS_LOCKED;
	if (!head.status || first > newest || oldest > newest) {
		head.index = (uint32_t)(newest + 1);
		return samples_frame(out, &head, codes, 0, 0, 0);
	}
	if (first < oldest) {
		first = oldest;
		head.status |= SMAPPEE_STATUS_OVERWRITTEN;
	}
	available = newest - first + 1;
	if (scans > available)
		scans = (unsigned int)available;
	if (module_scans(m, first, scans, codes, SMAPPEE_SAMPLES_SCANS_MAX))
		head.status |= SMAPPEE_STATUS_SATURATED;
	head.index = (uint32_t)first;
	return samples_frame(out, &head, codes, SMAPPEE_SAMPLES_SCANS_MAX, scans, available);
}
