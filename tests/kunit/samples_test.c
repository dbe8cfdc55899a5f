// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder of sample blocks: all four formats, the limits of every field,
 * and packed data that lie.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../../drivers/tty/serdev/smappee_bus/samples.h"
#include "fake-line.h"
#include "formats.h"
#include "worked-frames.h"

static void worked_frame_name(const struct worked_frame *frame, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %zu bytes", frame->name, frame->len);
}

KUNIT_ARRAY_PARAM(worked_frame, worked_frames, worked_frame_name);

static s32 sample_at(const struct smappee_samples *s, const void *out, size_t stride,
		     unsigned int scan, unsigned int channel)
{
	const void *place = out + scan * stride;

	return smappee_format_bits(s->format) == 16 ? ((const s16 *)place)[channel] :
						      ((const s32 *)place)[channel];
}

static void blocks_are_read_as_the_page_shows(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct smappee_samples s;
	s64 want[16];
	s32 out[16 * 8];
	int n;

	if (!worked_is(frame, "read-samples-answer"))
		return;
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_parse(frame->bytes, frame->len, &s));
	KUNIT_EXPECT_EQ(test, worked_field(frame, "format"), s.format);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "channels"), s.channels);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "status"), s.status);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "boot"), s.boot);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "index"), s.index);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "scans"), s.scans);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "held"), s.held);
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 32));
	n = worked_list(frame, "samples", want, ARRAY_SIZE(want));
	KUNIT_ASSERT_EQ(test, n, s.scans * s.channels);
	for (int i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, want[i],
				    sample_at(&s, out, 32, i / s.channels, i % s.channels),
				    "sample %d", i);
}

static void sync_answers_are_read_as_the_page_shows(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct smappee_sync sync;

	if (!worked_is(frame, "sync-answer"))
		return;
	KUNIT_ASSERT_EQ(test, 0, smappee_sync_parse(frame->bytes, frame->len, &sync));
	KUNIT_EXPECT_EQ(test, worked_field(frame, "sequence"), sync.sequence);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "boot"), sync.boot);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "index"), sync.index);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "phase"), sync.phase);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "rate"), sync.rate);
}

static void a_sync_answer_with_an_unknown_rate_is_refused(struct kunit *test)
{
	u8 frame[SMAPPEE_SYNC_LEN] = { 1, SMAPPEE_FC_SYNC };
	struct smappee_sync sync;

	put_unaligned_be16(4001, frame + SMAPPEE_SYNC_RATE);
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_sync_parse(frame, sizeof(frame), &sync));
	put_unaligned_be16(8000, frame + SMAPPEE_SYNC_RATE);
	KUNIT_EXPECT_EQ(test, 0, smappee_sync_parse(frame, sizeof(frame), &sync));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_sync_parse(frame, sizeof(frame) - 1, &sync));
}

/* A module's answer to "scans from @first", in @format, in a fresh buffer. */
static u8 *block_of(struct kunit *test, u16 format, u32 first, u16 scans, size_t *len)
{
	struct fake_line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);
	u8 request[SMAPPEE_SAMPLES_REQ_LEN] = { 2, SMAPPEE_FC_READ_SAMPLES };
	struct fake_module *hub;
	u8 *frame;

	KUNIT_ASSERT_NOT_NULL(test, line);
	line->test = test;
	hub = fake_hub(line, 2, 104233);
	hub->format = format;
	hub->start_ns -= 100ULL * NSEC_PER_SEC;
	hub->depth = 65535;
	put_unaligned_be32(fake_module_next(hub) - first, request + SMAPPEE_SAMPLES_REQ_INDEX);
	put_unaligned_be16(scans, request + SMAPPEE_SAMPLES_REQ_SCANS);
	fake_seal(request, sizeof(request) - 2);
	*len = fake_module_answer(line, request, sizeof(request), line->answer);
	frame = kunit_kmalloc(test, *len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, frame);
	memcpy(frame, line->answer, *len);
	return frame;
}

static void what_a_module_sampled_is_what_comes_out(struct kunit *test)
{
	const u16 format = *(const u16 *)test->param_value;
	struct smappee_samples s;
	bool wide = smappee_format_bits(format) == 24;
	size_t len;
	u8 *frame = block_of(test, format, 4000, 300, &len);
	void *out = kunit_kzalloc(test, 300 * 32, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_parse(frame, len, &s));
	KUNIT_ASSERT_EQ(test, 300, s.scans);
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 32));
	for (unsigned int i = 0; i < s.scans; i++) {
		for (unsigned int c = 0; c < s.channels; c++)
			KUNIT_ASSERT_EQ_MSG(test, fake_sample(2, c, s.index + i, wide),
					    sample_at(&s, out, 32, i, c), "scan %u channel %u", i,
					    c);
	}
}

static void nothing_is_written_beside_a_scan(struct kunit *test)
{
	const u16 format = *(const u16 *)test->param_value;
	struct smappee_samples s;
	size_t len, used;
	u8 *frame = block_of(test, format, 4000, 20, &len);
	u8 *out = kunit_kmalloc(test, 20 * 40, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	memset(out, 0x5a, 20 * 40);
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_parse(frame, len, &s));
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 40));
	used = s.channels * (smappee_format_bits(format) == 16 ? 2 : 4);
	for (unsigned int i = 0; i < 20; i++)
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(out + i * 40 + used, 0x5a, 40 - used),
				      "scan %u", i);
}

static void data_that_end_early_or_late_are_refused(struct kunit *test)
{
	const u16 format = *(const u16 *)test->param_value;
	struct smappee_samples s;
	size_t len;
	u8 *frame = block_of(test, format, 4000, 40, &len);
	void *out = kunit_kzalloc(test, 41 * 32, GFP_KERNEL);
	int verdict;
	u8 *data;
	u16 whole;

	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_parse(frame, len, &s));
	whole = s.bytes;
	for (u16 bytes = 0; bytes <= whole + 1; bytes++) {
		size_t cut = SMAPPEE_SAMPLES_DATA + bytes + SMAPPEE_SAMPLES_TAIL;

		/* as long as it says, so that KASAN sees every byte too many */
		data = kzalloc(cut, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, data);
		memcpy(data, frame, min(cut, len));
		put_unaligned_be16(bytes, data + SMAPPEE_SAMPLES_BYTES);
		verdict = smappee_samples_parse(data, cut, &s);
		if (!verdict)
			verdict = smappee_samples_unpack(&s, out, 32);
		KUNIT_EXPECT_EQ_MSG(test, bytes == whole ? 0 : -EPROTO, verdict,
				    "%u of %u bytes", bytes, whole);
		kfree(data);
	}
}

struct head_row {
	const char *what;
	unsigned int offset;
	u8 value;
};

static const struct head_row head_rows[] = {
	{ "format 0", SMAPPEE_SAMPLES_FORMAT, 0 },
	{ "format 5", SMAPPEE_SAMPLES_FORMAT, 5 },
	{ "no channel", SMAPPEE_SAMPLES_CHANNELS, 0 },
	{ "nine channels", SMAPPEE_SAMPLES_CHANNELS, 9 },
	{ "too many scans", SMAPPEE_SAMPLES_SCANS, 0x04 },
	{ "scans without data", SMAPPEE_SAMPLES_SCANS + 1, 1 },
};

static void head_name(const struct head_row *row, char *desc)
{
	strscpy(desc, row->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(head, head_rows, head_name);

static void a_head_out_of_range_is_refused(struct kunit *test)
{
	const struct head_row *row = test->param_value;
	u8 frame[SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL] = {
		2, SMAPPEE_FC_READ_SAMPLES, SMAPPEE_FORMAT_S16, 4
	};
	struct smappee_samples s;

	KUNIT_ASSERT_EQ(test, 0, smappee_samples_parse(frame, sizeof(frame), &s));
	frame[row->offset] = row->value;
	if (row->offset == SMAPPEE_SAMPLES_SCANS)
		frame[row->offset + 1] = 1;	/* 1025 */
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_parse(frame, sizeof(frame), &s));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_parse(frame, sizeof(frame) - 1, &s));
}

/* Packed data of one channel, as a block. */
static struct smappee_samples packed(u8 format, u16 scans, const u8 *data, u16 bytes)
{
	return (struct smappee_samples){
		.format = format, .channels = 1, .scans = scans, .bytes = bytes, .data = data,
	};
}

static void an_order_or_width_out_of_range_is_refused(struct kunit *test)
{
	static const u8 order[] = { 3, 0, 0, 0, 0, 0, 0, 0 };
	static const u8 width16[] = { 0, 19, 0, 0, 0 };
	static const u8 width24[] = { 0, 27, 0, 0, 0, 0 };
	struct smappee_samples s;
	s32 out[8];

	s = packed(SMAPPEE_FORMAT_S16_PACKED, 3, order, sizeof(order));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
	s = packed(SMAPPEE_FORMAT_S16_PACKED, 1, width16, sizeof(width16));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
	s = packed(SMAPPEE_FORMAT_S24_PACKED, 1, width24, sizeof(width24));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
}

static void a_sample_out_of_range_is_refused(struct kunit *test)
{
	/* order 1, 32767, then a difference of +1 or of -1 in two bits */
	static const u8 above[] = { 1, 0x7f, 0xff, 2, 0x40 };
	static const u8 within[] = { 1, 0x7f, 0xff, 2, 0xc0 };
	/* order 1, -32768, then -1 */
	static const u8 below[] = { 1, 0x80, 0x00, 1, 0x80 };
	/* order 0 with 18 bits: 32768 */
	static const u8 plain[] = { 0, 18, 0x20, 0x00, 0x00 };
	/* 24 bits, order 1: 8388607, then +1 */
	static const u8 above24[] = { 1, 0x7f, 0xff, 0xff, 2, 0x40 };
	struct smappee_samples s;
	s32 out[4];

	s = packed(SMAPPEE_FORMAT_S16_PACKED, 2, above, sizeof(above));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
	s = packed(SMAPPEE_FORMAT_S16_PACKED, 2, within, sizeof(within));
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 4));
	KUNIT_EXPECT_EQ(test, 32766, *((s16 *)(out + 1)));
	s = packed(SMAPPEE_FORMAT_S16_PACKED, 2, below, sizeof(below));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
	s = packed(SMAPPEE_FORMAT_S16_PACKED, 1, plain, sizeof(plain));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
	s = packed(SMAPPEE_FORMAT_S24_PACKED, 2, above24, sizeof(above24));
	KUNIT_EXPECT_EQ(test, -EPROTO, smappee_samples_unpack(&s, out, 4));
}

static void the_largest_swings_survive_packing(struct kunit *test)
{
	/* order 2: -8388608, 8388607, then -8388608 again: difference -33554430, 26 bits */
	static const u8 swing[] = {
		2, 0x80, 0x00, 0x00, 0x7f, 0xff, 0xff, 26, 0x80, 0x00, 0x00, 0x80
	};
	struct smappee_samples s;
	s32 out[3];

	s = packed(SMAPPEE_FORMAT_S24_PACKED, 3, swing, sizeof(swing));
	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 4));
	KUNIT_EXPECT_EQ(test, -8388608, out[0]);
	KUNIT_EXPECT_EQ(test, 8388607, out[1]);
	KUNIT_EXPECT_EQ(test, -8388608, out[2]);
}

static void a_block_of_fewer_scans_than_its_order_is_plain(struct kunit *test)
{
	static const u8 one[] = { 2, 0x12, 0x34 };
	struct smappee_samples s = packed(SMAPPEE_FORMAT_S16_PACKED, 1, one, sizeof(one));
	s16 out[2] = { };

	KUNIT_ASSERT_EQ(test, 0, smappee_samples_unpack(&s, out, 2));
	KUNIT_EXPECT_EQ(test, 0x1234, out[0]);
	KUNIT_EXPECT_EQ(test, 0, out[1]);
}

static void random_packed_data_stay_within_their_bounds(struct kunit *test)
{
	struct smappee_samples s;
	struct rnd_state rnd;
	s32 *out = kunit_kmalloc(test, 64 * 8 * sizeof(s32), GFP_KERNEL);
	int good = 0;

	KUNIT_ASSERT_NOT_NULL(test, out);
	prandom_seed_state(&rnd, 3);
	for (int round = 0; round < 20000; round++) {
		u16 bytes = prandom_u32_state(&rnd) % 80;
		u8 *data = kmalloc(bytes, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, data);
		prandom_bytes_state(&rnd, data, bytes);
		if (bytes > 3)
			data[0] %= 4;
		s = packed(round & 1 ? SMAPPEE_FORMAT_S16_PACKED : SMAPPEE_FORMAT_S24_PACKED,
			   prandom_u32_state(&rnd) % 64, data, bytes);
		s.channels = 1 + round % 8;
		good += !smappee_samples_unpack(&s, out, 32);
		kfree(data);
	}
	/* those with no scans are good; the rest almost never */
	KUNIT_EXPECT_GT(test, good, 0);
	KUNIT_EXPECT_LT(test, good, 1000);
}

static struct kunit_case samples_cases[] = {
	KUNIT_CASE_PARAM(blocks_are_read_as_the_page_shows, worked_frame_gen_params),
	KUNIT_CASE_PARAM(sync_answers_are_read_as_the_page_shows, worked_frame_gen_params),
	KUNIT_CASE(a_sync_answer_with_an_unknown_rate_is_refused),
	KUNIT_CASE_PARAM(what_a_module_sampled_is_what_comes_out, format_gen_params),
	KUNIT_CASE_PARAM(nothing_is_written_beside_a_scan, format_gen_params),
	KUNIT_CASE_PARAM(data_that_end_early_or_late_are_refused, format_gen_params),
	KUNIT_CASE_PARAM(a_head_out_of_range_is_refused, head_gen_params),
	KUNIT_CASE(an_order_or_width_out_of_range_is_refused),
	KUNIT_CASE(a_sample_out_of_range_is_refused),
	KUNIT_CASE(the_largest_swings_survive_packing),
	KUNIT_CASE(a_block_of_fewer_scans_than_its_order_is_plain),
	KUNIT_CASE(random_packed_data_stay_within_their_bounds),
	{ }
};

static struct kunit_suite samples_suite = {
	.name = "smappee-samples",
	.test_cases = samples_cases,
};

kunit_test_suite(samples_suite);

MODULE_DESCRIPTION("Tests of the decoder of sample blocks");
MODULE_LICENSE("GPL");
