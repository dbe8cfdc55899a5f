/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's decoder of sample blocks against the worked frames of
 * protocol.rst and against what the simulator packs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../drivers/tty/serdev/smappee_bus/modbus-rtu.h"
#include "../../drivers/tty/serdev/smappee_bus/samples.h"
#include "../../userspace/tools/smappee-sim/frame.h"
#include "../../userspace/tools/smappee-sim/pack.h"
#include "../../userspace/tools/smappee-sim/samples.h"
#include "support/waveform.h"
#include "support/worked-frames.h"

#define STRIDE 32 /* bytes of a decoded scan */

static long long decoded(const struct smappee_samples *s, const void *out, unsigned int scan,
			 unsigned int channel)
{
	const char *place = (const char *)out + scan * STRIDE;

	if (smappee_format_bits(s->format) == 16)
		return ((const s16 *)place)[channel];
	return ((const s32 *)place)[channel];
}

static void blocks_of_the_page_have_its_samples(void **state)
{
	static struct worked_frame frames[WORKED_FRAMES_MAX];
	unsigned int count, blocks = 0;
	struct smappee_samples s;
	long long want[64];
	s32 out[64 * 8];
	const char *error = worked_frames_read(frames, &count);
	size_t n;

	if (error)
		fail_msg("%s", error);
	for (const struct worked_frame *f = frames; f < frames + count; f++) {
		if (strcmp(f->kind, "read-samples-answer"))
			continue;
		assert_int_equal(smappee_samples_parse(f->bytes, f->len, &s), 0);
		assert_int_equal(s.format, worked_number(f, "format"));
		assert_int_equal(s.index, worked_number(f, "index"));
		assert_int_equal(s.held, worked_number(f, "held"));
		assert_int_equal(smappee_samples_unpack(&s, out, STRIDE), 0);
		n = worked_numbers(f, "samples", want, 64);
		assert_int_equal(n, s.scans * s.channels);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(decoded(&s, out, i / s.channels, i % s.channels), want[i]);
		blocks++;
	}
	assert_int_equal(blocks, 4);
}

enum shape { SILENCE, SINE, NOISE, EXTREMES, SHAPES };

static int32_t sample(enum shape shape, unsigned int i, int32_t full, uint64_t *seed)
{
	switch (shape) {
	case SILENCE:
		return 0;
	case SINE:
		return (int32_t)(full * 0.9 * __builtin_sin(i * 0.0785));
	case NOISE:
		return (int32_t)((random_part(seed) * 2 - 1) * full);
	default:
		return random_part(seed) < 0.5 ? full : -full - 1;
	}
}

static void what_the_simulator_packs_comes_out_unchanged(void **state)
{
	static int32_t codes[8 * SMAPPEE_SAMPLES_SCANS_MAX];
	static s32 out[8 * SMAPPEE_SAMPLES_SCANS_MAX];
	uint8_t frame[SMAPPEE_FRAME_MAX_SAMPLES];
	uint64_t seed = random_seed();

	for (int round = 0; round < 600; round++) {
		struct samples_head head = {
			.unit = 2,
			.format = (uint8_t)(1 + round % 4),
			.channels = (uint8_t)(1 + random_part(&seed) * 7.99),
			.status = SMAPPEE_STATUS_LOCKED,
			.boot = 5,
			.index = (uint32_t)(random_part(&seed) * 4294967295.0),
		};
		unsigned int scans = (unsigned int)(random_part(&seed) * 1024.99);
		int32_t full = smappee_format_bits(head.format) == 16 ? 32767 : 8388607;
		struct modbus_request rq;
		struct smappee_samples s;
		size_t len;

		for (unsigned int c = 0; c < head.channels; c++) {
			enum shape shape = (enum shape)(random_part(&seed) * (SHAPES - 0.01));

			for (unsigned int i = 0; i < scans; i++)
				codes[c * SMAPPEE_SAMPLES_SCANS_MAX + i] =
					sample(shape, i, full, &seed);
		}
		len = samples_frame(frame, &head, codes, SMAPPEE_SAMPLES_SCANS_MAX, scans, scans);
		assert_int_equal(modbus_read_samples(&rq, 2, head.index, (u16)scans), 0);
		assert_int_equal(modbus_answer_check(&rq, frame, len), 0);
		assert_int_equal(smappee_samples_parse(frame, len, &s), 0);
		assert_in_range(s.scans, 0, scans);
		assert_int_equal(s.held, scans - s.scans);
		assert_int_equal(smappee_samples_unpack(&s, out, STRIDE), 0);
		for (unsigned int i = 0; i < s.scans; i++) {
			for (unsigned int c = 0; c < head.channels; c++)
				assert_int_equal(decoded(&s, out, i, c),
						 codes[c * SMAPPEE_SAMPLES_SCANS_MAX + i]);
		}
	}
}

static void a_sync_answer_of_the_simulator_is_read(void **state)
{
	uint8_t frame[SMAPPEE_SYNC_LEN];
	struct smappee_sync sync;

	frame_sync_answer(frame, 1, 200, 7, 0x12345678, 0x9abcdef0, 8000);
	assert_int_equal(smappee_sync_parse(frame, sizeof(frame), &sync), 0);
	assert_int_equal(sync.sequence, 200);
	assert_int_equal(sync.boot, 7);
	assert_int_equal(sync.index, 0x12345678);
	assert_int_equal(sync.phase, 0x9abcdef0);
	assert_int_equal(sync.rate, 8000);
}

/*
 * Nothing is read or written beside its place: sanitizers watch, the places are
 * exactly as long as they must be.
 */
static void damaged_packed_data_are_refused_or_decoded_within_bounds(void **state)
{
	uint64_t seed = random_seed();
	int32_t codes[40];
	uint8_t packed[1024];
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 40; i++)
		codes[i] = sample(SINE, i, 32767, &seed);
	for (int round = 0; round < 20000; round++) {
		size_t len = pack_scans(packed, sizeof(packed), SMAPPEE_FORMAT_S16_PACKED, 1, codes,
					40, 40);
		uint8_t *data = malloc(len);
		s16 *out = malloc(40 * sizeof(*out));
		struct smappee_samples s = {
			.format = SMAPPEE_FORMAT_S16_PACKED,
			.channels = 1,
			.scans = 40,
			.bytes = (u16)len,
			.data = data,
		};

		memcpy(data, packed, len);
		for (int n = 0; n < 3; n++)
			data[(size_t)(random_part(&seed) * (double)(len - 1))] =
				(uint8_t)(random_part(&seed) * 255);
		refused += smappee_samples_unpack(&s, out, sizeof(*out)) == -EPROTO;
		free(out);
		free(data);
	}
	assert_in_range(refused, 1000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_the_page_have_its_samples),
		cmocka_unit_test(what_the_simulator_packs_comes_out_unchanged),
		cmocka_unit_test(a_sync_answer_of_the_simulator_is_read),
		cmocka_unit_test(damaged_packed_data_are_refused_or_decoded_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
