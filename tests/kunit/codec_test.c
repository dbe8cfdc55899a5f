// SPDX-License-Identifier: GPL-2.0
/*
 * The Modbus RTU codec: against the worked frames of protocol.rst, cut at every
 * place, damaged in every byte, and at its limits.
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../../drivers/tty/serdev/smappee_bus/discover.h"
#include "../../drivers/tty/serdev/smappee_bus/modbus-rtu.h"
#include "fake-line.h"
#include "worked-frames.h"

static void worked_frame_name(const struct worked_frame *frame, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %zu bytes", frame->name, frame->len);
}

KUNIT_ARRAY_PARAM(worked_frame, worked_frames, worked_frame_name);

static bool is_answer(const struct worked_frame *frame)
{
	return worked_is(frame, "exception") || strstr(frame->name, "-answer");
}

/* The request that a worked frame is or that it answers. */
static int request_for(const struct worked_frame *frame, struct modbus_request *rq)
{
	s64 unit = worked_field(frame, "unit");
	s64 reg = worked_field(frame, "register");
	s64 count = worked_field(frame, "count");
	s64 values[MODBUS_WRITE_MAX];
	u16 words[MODBUS_WRITE_MAX];
	int n;

	if (worked_is(frame, "exception"))
		return modbus_read_registers(rq, unit, 0x4000, 1);
	if (worked_is(frame, "read-registers-request"))
		return modbus_read_registers(rq, unit, reg, count);
	if (worked_is(frame, "read-registers-answer"))
		return modbus_read_registers(rq, unit, reg, (frame->len - 5) / 2);
	if (worked_is(frame, "write-registers-request")) {
		n = worked_list(frame, "values", values, MODBUS_WRITE_MAX);
		for (int i = 0; i < n; i++)
			words[i] = values[i];
		return modbus_write_registers(rq, unit, reg, n, words);
	}
	if (worked_is(frame, "write-registers-answer")) {
		memset(words, 0, sizeof(words));
		return modbus_write_registers(rq, unit, reg, count, words);
	}
	if (worked_is(frame, "read-samples-request"))
		return modbus_read_samples(rq, unit, worked_field(frame, "index"),
					   worked_field(frame, "scans"));
	if (worked_is(frame, "read-samples-answer"))
		return modbus_read_samples(rq, unit, worked_field(frame, "index"),
					   SMAPPEE_SAMPLES_SCANS_MAX);
	if (worked_is(frame, "sync-request") || worked_is(frame, "sync-answer"))
		return modbus_sync(rq, unit);
	if (worked_is(frame, "discover-request") || worked_is(frame, "discover-answer"))
		return modbus_discover(rq, worked_field(frame, "operation"), unit,
				       worked_field(frame, "bits"),
				       smappee_key(worked_field(frame, "type"),
						   worked_field(frame, "serial")));
	return -ENOENT;
}

/* What modbus_answer_check() says about an undamaged worked answer. */
static int verdict_on(const struct worked_frame *frame)
{
	return worked_is(frame, "exception") ? -ENXIO : 0;
}

static void every_worked_frame_is_known(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;

	KUNIT_EXPECT_EQ_MSG(test, 0, request_for(frame, &rq), "%s:%s", frame->name, frame->fields);
	KUNIT_EXPECT_EQ_MSG(test, 0, fake_crc16(frame->bytes, frame->len), "the page's own CRC");
}

static void requests_are_built_as_the_page_shows(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;

	if (is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	KUNIT_ASSERT_EQ(test, frame->len, rq.len);
	KUNIT_EXPECT_MEMEQ(test, rq.frame, frame->bytes, frame->len);
}

static void answers_are_accepted_as_the_page_shows(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;

	if (!is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	KUNIT_EXPECT_EQ(test, frame->len, modbus_answer_length(&rq, frame->bytes, frame->len));
	KUNIT_EXPECT_EQ(test, verdict_on(frame),
			modbus_answer_check(&rq, frame->bytes, frame->len));
	KUNIT_EXPECT_LE(test, frame->len, modbus_answer_max(&rq));
}

static void registers_of_an_answer_have_the_values_of_the_page(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	u16 regs[SMAPPEE_REGS_MAX];
	s64 values[SMAPPEE_REGS_MAX];
	struct modbus_request rq;
	int n;

	if (!worked_is(frame, "read-registers-answer"))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	modbus_answer_registers(&rq, frame->bytes, regs);
	n = worked_list(frame, "values", values, ARRAY_SIZE(values));
	for (int i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, values[i], regs[i]);
	if (n) {
		KUNIT_EXPECT_EQ(test, n, rq.count);
		return;
	}
	KUNIT_EXPECT_EQ(test, worked_field(frame, "type"), regs[0]);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "slots"), regs[1]);
	KUNIT_EXPECT_EQ(test, worked_field(frame, "serial"), modbus_u32(regs + 2));
	KUNIT_EXPECT_EQ(test, worked_field(frame, "status"), modbus_u32(regs + 6));
	KUNIT_EXPECT_EQ(test, worked_field(frame, "uptime_s"), modbus_u32(regs + 8));
}

static void a_discover_answer_names_the_module_of_the_page(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;

	if (!worked_is(frame, "discover-answer"))
		return;
	KUNIT_EXPECT_EQ(test, worked_field(frame, "from"), frame->bytes[0]);
	KUNIT_EXPECT_EQ(test, smappee_key(worked_field(frame, "type"),
					  worked_field(frame, "serial")),
			modbus_answer_key(frame->bytes));
}

static void an_answer_cut_anywhere_is_not_an_answer(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;
	int length;

	if (!is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	for (size_t cut = 0; cut < frame->len; cut++) {
		length = modbus_answer_length(&rq, frame->bytes, cut);
		KUNIT_EXPECT_TRUE_MSG(test, !length || length == frame->len,
				      "cut at %zu: length %d", cut, length);
		KUNIT_EXPECT_EQ_MSG(test, -EPROTO, modbus_answer_check(&rq, frame->bytes, cut),
				    "cut at %zu", cut);
	}
}

static void the_length_is_known_from_the_head_and_stays(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;
	int known = 0, length;

	if (!is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	for (size_t have = 0; have <= frame->len; have++) {
		length = modbus_answer_length(&rq, frame->bytes, have);
		if (known)
			KUNIT_EXPECT_EQ_MSG(test, known, length, "after %zu bytes", have);
		known = length;
	}
	KUNIT_EXPECT_EQ(test, frame->len, known);
}

static void one_byte_too_many_is_refused(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;
	u8 *longer;

	if (!is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	longer = kunit_kzalloc(test, frame->len + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, longer);
	memcpy(longer, frame->bytes, frame->len);
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_check(&rq, longer, frame->len + 1));
}

/*
 * A module's frame never gets by with a damaged byte, whichever byte and
 * whatever it has become.
 */
static void any_damaged_byte_is_found(struct kunit *test)
{
	const struct worked_frame *frame = test->param_value;
	struct modbus_request rq;
	u8 *damaged;
	int verdict;

	if (!is_answer(frame))
		return;
	KUNIT_ASSERT_EQ(test, 0, request_for(frame, &rq));
	/* exactly as long, so that KASAN sees every byte too many */
	damaged = kunit_kmalloc(test, frame->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, damaged);
	for (size_t at = 0; at < frame->len; at++) {
		memcpy(damaged, frame->bytes, frame->len);
		for (unsigned int flip = 1; flip < 256; flip++) {
			damaged[at] = frame->bytes[at] ^ flip;
			verdict = modbus_answer_check(&rq, damaged, frame->len);
			if (verdict == -EPROTO || verdict == -EBADMSG)
				continue;
			KUNIT_FAIL(test, "byte %zu changed by %#x: %d", at, flip, verdict);
		}
	}
}

static void samples_need_both_checksums(struct kunit *test)
{
	u8 answer[SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL];
	struct modbus_request rq;

	/* given a block without scans whose CRC-32 is wrong and whose CRC-16 is right */
	memset(answer, 0, sizeof(answer));
	answer[0] = 2;
	answer[1] = SMAPPEE_FC_READ_SAMPLES;
	answer[SMAPPEE_SAMPLES_FORMAT] = SMAPPEE_FORMAT_S16;
	answer[SMAPPEE_SAMPLES_CHANNELS] = 4;
	fake_seal(answer, sizeof(answer) - 2);
	KUNIT_ASSERT_EQ(test, 0, modbus_read_samples(&rq, 2, 0, 10));

	KUNIT_EXPECT_EQ(test, -EBADMSG, modbus_answer_check(&rq, answer, sizeof(answer)));
}

static void another_unit_or_function_is_refused_at_once(struct kunit *test)
{
	static const u8 other_unit[] = { 3 };
	static const u8 other_function[] = { 2, 4 };
	static const u8 other_exception[] = { 2, 0x84 };
	struct modbus_request rq;

	KUNIT_ASSERT_EQ(test, 0, modbus_read_registers(&rq, 2, 0x1620, 10));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, other_unit, 1));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, other_function, 2));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, other_exception, 2));
}

static void a_count_that_was_not_asked_for_is_refused(struct kunit *test)
{
	static const u8 too_few[] = { 2, 3, 18 };
	static const u8 too_many[] = { 2, 3, 22 };
	struct modbus_request rq;

	KUNIT_ASSERT_EQ(test, 0, modbus_read_registers(&rq, 2, 0x1620, 10));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, too_few, 3));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, too_many, 3));
}

static void more_scans_than_asked_for_are_refused(struct kunit *test)
{
	u8 head[SMAPPEE_SAMPLES_DATA] = { 2, SMAPPEE_FC_READ_SAMPLES, SMAPPEE_FORMAT_S16, 4 };
	struct modbus_request rq;

	KUNIT_ASSERT_EQ(test, 0, modbus_read_samples(&rq, 2, 0, 10));
	put_unaligned_be16(10, head + SMAPPEE_SAMPLES_SCANS);
	put_unaligned_be16(80, head + SMAPPEE_SAMPLES_BYTES);
	KUNIT_EXPECT_EQ(test, 102, modbus_answer_length(&rq, head, sizeof(head)));
	put_unaligned_be16(11, head + SMAPPEE_SAMPLES_SCANS);
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, head, sizeof(head)));
}

static void a_sample_block_is_at_most_4118_bytes(struct kunit *test)
{
	u8 head[SMAPPEE_SAMPLES_DATA] = { 2, SMAPPEE_FC_READ_SAMPLES, SMAPPEE_FORMAT_S16, 4 };
	struct modbus_request rq;

	KUNIT_ASSERT_EQ(test, 0, modbus_read_samples(&rq, 2, 0, SMAPPEE_SAMPLES_SCANS_MAX));
	KUNIT_EXPECT_EQ(test, SMAPPEE_FRAME_MAX_SAMPLES, modbus_answer_max(&rq));
	put_unaligned_be16(4096, head + SMAPPEE_SAMPLES_BYTES);
	KUNIT_EXPECT_EQ(test, 4118, modbus_answer_length(&rq, head, sizeof(head)));
	put_unaligned_be16(4097, head + SMAPPEE_SAMPLES_BYTES);
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_length(&rq, head, sizeof(head)));
}

static void arguments_out_of_range_make_no_request(struct kunit *test)
{
	u16 values[MODBUS_WRITE_MAX + 1] = { };
	struct modbus_request rq;

	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_read_registers(&rq, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_read_registers(&rq, 248, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, modbus_read_registers(&rq, 247, 0, 125));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_read_registers(&rq, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_read_registers(&rq, 1, 0, 126));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_write_registers(&rq, 1, 0, 0, values));
	KUNIT_EXPECT_EQ(test, 0, modbus_write_registers(&rq, 1, 0, MODBUS_WRITE_MAX, values));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			modbus_write_registers(&rq, 1, 0, MODBUS_WRITE_MAX + 1, values));
	KUNIT_EXPECT_EQ(test, 0, modbus_read_samples(&rq, 1, U32_MAX, 1024));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_read_samples(&rq, 1, 0, 1025));
	KUNIT_EXPECT_EQ(test, -EINVAL, modbus_sync(&rq, 0));
}

struct exception_row {
	u8 code;
	int error;
};

static const struct exception_row exception_rows[] = {
	{ 0x01, -EOPNOTSUPP }, { 0x02, -ENXIO }, { 0x03, -EINVAL },
	{ 0x04, -EREMOTEIO }, { 0x06, -EBUSY }, { 0x05, -EREMOTEIO },
	{ 0x00, -EREMOTEIO }, { 0xff, -EREMOTEIO },
};

static void exception_name(const struct exception_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "code %u", row->code);
}

KUNIT_ARRAY_PARAM(exception, exception_rows, exception_name);

static void each_exception_has_its_own_error(struct kunit *test)
{
	const struct exception_row *row = test->param_value;
	u8 answer[5] = { 2, 0x83, row->code };
	struct modbus_request rq;

	fake_seal(answer, 3);
	KUNIT_ASSERT_EQ(test, 0, modbus_read_registers(&rq, 2, 0x1620, 10));
	KUNIT_EXPECT_EQ(test, row->error, modbus_answer_check(&rq, answer, sizeof(answer)));
}

static void a_write_that_echoes_something_else_is_refused(struct kunit *test)
{
	static const u16 rate = 4000;
	u8 answer[8] = { 2, 0x10, 0x17, 0x02, 0, 1 };
	struct modbus_request rq;

	fake_seal(answer, 6);
	KUNIT_ASSERT_EQ(test, 0, modbus_write_registers(&rq, 2, 0x1701, 1, &rate));
	KUNIT_EXPECT_EQ(test, -EPROTO, modbus_answer_check(&rq, answer, sizeof(answer)));
}

static void noise_is_never_an_answer_and_never_reads_too_far(struct kunit *test)
{
	struct modbus_request rq[4];
	struct rnd_state rnd;
	u16 value = 1;
	u8 *noise;
	int accepted = 0;

	modbus_read_registers(&rq[0], 2, 0x1620, 10);
	modbus_write_registers(&rq[1], 2, 0x1701, 1, &value);
	modbus_read_samples(&rq[2], 2, 0, 160);
	modbus_sync(&rq[3], 2);
	prandom_seed_state(&rnd, 2);
	for (int round = 0; round < 4000; round++) {
		struct modbus_request *request = &rq[round % 4];
		size_t len = prandom_u32_state(&rnd) % 64;

		noise = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, noise);
		prandom_bytes_state(&rnd, noise, len);
		if (len > 1 && round & 4) {
			noise[0] = 2;
			noise[1] = request->function;
		}
		modbus_answer_length(request, noise, len);
		accepted += !modbus_answer_check(request, noise, len);
		kfree(noise);
	}
	KUNIT_EXPECT_EQ(test, 0, accepted);
}

static struct kunit_case codec_cases[] = {
	KUNIT_CASE_PARAM(every_worked_frame_is_known, worked_frame_gen_params),
	KUNIT_CASE_PARAM(requests_are_built_as_the_page_shows, worked_frame_gen_params),
	KUNIT_CASE_PARAM(answers_are_accepted_as_the_page_shows, worked_frame_gen_params),
	KUNIT_CASE_PARAM(registers_of_an_answer_have_the_values_of_the_page,
			 worked_frame_gen_params),
	KUNIT_CASE_PARAM(a_discover_answer_names_the_module_of_the_page,
			 worked_frame_gen_params),
	KUNIT_CASE_PARAM(an_answer_cut_anywhere_is_not_an_answer, worked_frame_gen_params),
	KUNIT_CASE_PARAM(the_length_is_known_from_the_head_and_stays, worked_frame_gen_params),
	KUNIT_CASE_PARAM(one_byte_too_many_is_refused, worked_frame_gen_params),
	KUNIT_CASE_PARAM(any_damaged_byte_is_found, worked_frame_gen_params),
	KUNIT_CASE(samples_need_both_checksums),
	KUNIT_CASE(another_unit_or_function_is_refused_at_once),
	KUNIT_CASE(a_count_that_was_not_asked_for_is_refused),
	KUNIT_CASE(more_scans_than_asked_for_are_refused),
	KUNIT_CASE(a_sample_block_is_at_most_4118_bytes),
	KUNIT_CASE(arguments_out_of_range_make_no_request),
	KUNIT_CASE_PARAM(each_exception_has_its_own_error, exception_gen_params),
	KUNIT_CASE(a_write_that_echoes_something_else_is_refused),
	KUNIT_CASE(noise_is_never_an_answer_and_never_reads_too_far),
	{ }
};

static struct kunit_suite codec_suite = {
	.name = "smappee-codec",
	.test_cases = codec_cases,
};

kunit_test_suite(codec_suite);

MODULE_DESCRIPTION("Tests of the Modbus RTU codec of metering segments");
MODULE_LICENSE("GPL");
