/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's Modbus codec against the worked frames of protocol.rst and
 * against the simulator's frames.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../drivers/tty/serdev/smappee_bus/discover.h"
#include "../../drivers/tty/serdev/smappee_bus/modbus-rtu.h"
#include "../../userspace/tools/smappee-sim/frame.h"
#include "support/waveform.h"
#include "support/worked-frames.h"

static struct worked_frame frames[WORKED_FRAMES_MAX];
static unsigned int count;

static int read_page(void **state)
{
	const char *error = worked_frames_read(frames, &count);

	if (error)
		fail_msg("%s", error);
	return 0;
}

static int is(const struct worked_frame *f, const char *kind)
{
	return !strcmp(f->kind, kind);
}

static int is_answer(const struct worked_frame *f)
{
	return is(f, "exception") || strstr(f->kind, "-answer");
}

/* The request that a frame of the page is, or that it answers. */
static int request_for(const struct worked_frame *f, struct modbus_request *rq)
{
	u8 unit = (u8)worked_number(f, "unit");
	u16 address = (u16)worked_number(f, "register");
	u32 index = (u32)worked_number(f, "index");
	u16 values[MODBUS_WRITE_MAX] = { 0 };
	long long list[MODBUS_WRITE_MAX];
	size_t n;

	if (is(f, "exception"))
		return modbus_read_registers(rq, unit, 0x4000, 1);
	if (is(f, "read-registers-request"))
		return modbus_read_registers(rq, unit, address, (u16)worked_number(f, "count"));
	if (is(f, "read-registers-answer"))
		return modbus_read_registers(rq, unit, address, (u16)((f->len - 5) / 2));
	if (is(f, "write-registers-request")) {
		n = worked_numbers(f, "values", list, MODBUS_WRITE_MAX);
		for (size_t i = 0; i < n; i++)
			values[i] = (u16)list[i];
		return modbus_write_registers(rq, unit, address, (u16)n, values);
	}
	if (is(f, "write-registers-answer"))
		return modbus_write_registers(rq, unit, address, (u16)worked_number(f, "count"),
					      values);
	if (is(f, "read-samples-request"))
		return modbus_read_samples(rq, unit, index, (u16)worked_number(f, "scans"));
	if (is(f, "read-samples-answer"))
		return modbus_read_samples(rq, unit, index, SMAPPEE_SAMPLES_SCANS_MAX);
	if (is(f, "discover-request") || is(f, "discover-answer"))
		return modbus_discover(rq, (u8)worked_number(f, "operation"), unit,
				       (u8)worked_number(f, "bits"),
				       smappee_key((u16)worked_number(f, "type"),
						   (u32)worked_number(f, "serial")));
	return modbus_sync(rq, unit);
}

static void requests_are_those_of_the_page(void **state)
{
	struct modbus_request rq;
	unsigned int compared = 0;

	for (const struct worked_frame *f = frames; f < frames + count; f++) {
		if (is_answer(f))
			continue;
		assert_int_equal(request_for(f, &rq), 0);
		assert_int_equal(rq.len, f->len);
		assert_memory_equal(rq.frame, f->bytes, f->len);
		compared++;
	}
	assert_true(compared >= 11);
}

static void answers_of_the_page_are_accepted(void **state)
{
	struct modbus_request rq;
	unsigned int compared = 0;

	for (const struct worked_frame *f = frames; f < frames + count; f++) {
		if (!is_answer(f))
			continue;
		assert_int_equal(request_for(f, &rq), 0);
		assert_int_equal(modbus_answer_length(&rq, f->bytes, f->len), f->len);
		assert_int_equal(modbus_answer_check(&rq, f->bytes, f->len),
				 is(f, "exception") ? -ENXIO : 0);
		compared++;
	}
	assert_true(compared >= 11);
}

static void the_simulator_understands_the_length_of_every_request(void **state)
{
	uint64_t seed = random_seed();
	struct modbus_request rq;
	u16 values[MODBUS_WRITE_MAX] = { 0 };

	for (int round = 0; round < 2000; round++) {
		u8 unit = (u8)(1 + random_part(&seed) * 246);
		u16 word = (u16)(random_part(&seed) * 65535);

		switch (round % 4) {
		case 0:
			modbus_read_registers(&rq, unit, word, (u16)(1 + word % 125));
			break;
		case 1:
			modbus_write_registers(&rq, unit, word, (u16)(1 + word % MODBUS_WRITE_MAX),
					       values);
			break;
		case 2:
			modbus_read_samples(&rq, unit, word * 65537u, word % 1025);
			break;
		default:
			modbus_sync(&rq, unit);
		}
		assert_true(frame_intact(rq.frame, rq.len));
		assert_int_equal(frame_request_length(rq.frame, rq.len), rq.len);
	}
}

static void answers_of_the_simulator_are_accepted(void **state)
{
	uint64_t seed = random_seed();
	uint8_t frame[SMAPPEE_FRAME_MAX_MODBUS];
	u16 values[SMAPPEE_REGS_MAX], read[SMAPPEE_REGS_MAX];
	struct modbus_request rq;
	size_t len;

	for (int round = 0; round < 500; round++) {
		u16 n = (u16)(1 + random_part(&seed) * (SMAPPEE_REGS_MAX - 1));

		for (unsigned int i = 0; i < n; i++)
			values[i] = (u16)(random_part(&seed) * 65535);
		assert_int_equal(modbus_read_registers(&rq, 9, 0x1620, n), 0);
		len = frame_registers_answer(frame, 9, values, n);
		assert_int_equal(modbus_answer_check(&rq, frame, len), 0);
		modbus_answer_registers(&rq, frame, read);
		assert_memory_equal(read, values, 2 * n);
	}
	assert_int_equal(modbus_write_registers(&rq, 9, 0x1701, 1, values), 0);
	len = frame_written_answer(frame, 9, 0x1701, 1);
	assert_int_equal(modbus_answer_check(&rq, frame, len), 0);
	len = frame_written_answer(frame, 9, 0x1702, 1);
	assert_int_equal(modbus_answer_check(&rq, frame, len), -EPROTO);
	len = frame_exception(frame, 9, SMAPPEE_FC_WRITE_REGISTERS, SMAPPEE_EX_BUSY);
	assert_int_equal(modbus_answer_check(&rq, frame, len), -EBUSY);
}

/* Bits that the CRC protects: none may be wrong unnoticed, one or two at a time. */
static void one_or_two_wrong_bits_are_always_found(void **state)
{
	uint8_t frame[SMAPPEE_FRAME_MAX_MODBUS];
	const struct worked_frame *answer = NULL;
	struct modbus_request rq;
	size_t bits;

	for (const struct worked_frame *f = frames; f < frames + count; f++) {
		if (is(f, "read-registers-answer") && !answer)
			answer = f;
	}
	assert_non_null(answer);
	assert_int_equal(request_for(answer, &rq), 0);
	bits = 8 * answer->len;
	for (size_t a = 0; a < bits; a++) {
		for (size_t b = a; b < bits; b++) {
			memcpy(frame, answer->bytes, answer->len);
			frame[a / 8] ^= (uint8_t)(1 << a % 8);
			if (b != a)
				frame[b / 8] ^= (uint8_t)(1 << b % 8);
			if (!modbus_answer_check(&rq, frame, answer->len))
				fail_msg("bits %zu and %zu changed unnoticed", a, b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_those_of_the_page),
		cmocka_unit_test(answers_of_the_page_are_accepted),
		cmocka_unit_test(the_simulator_understands_the_length_of_every_request),
		cmocka_unit_test(answers_of_the_simulator_are_accepted),
		cmocka_unit_test(one_or_two_wrong_bits_are_always_found),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
