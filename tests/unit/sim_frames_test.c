// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The simulator against the worked frames of protocol.rst: it makes the answers
 * byte for byte and understands the requests.
 */
#include "support/worked-frames.h"

#include "frame.h"
#include "samples.h"
#include "wire.h"

#include <linux/smappee.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct worked_frame frames[WORKED_FRAMES_MAX];
static unsigned int count;

static int read_page(void **state)
{
	const char *error = worked_frames_read(frames, &count);

	(void)state;
	if (error)
		print_error("%s\n", error);
	return error ? -1 : 0;
}

static void assert_frame(const struct worked_frame *f, const uint8_t *made, size_t len)
{
	if (len != f->len || memcmp(made, f->bytes, len))
		fail_msg("protocol.rst:%u: %s: made %zu bytes that differ from the %zu shown",
			 f->line, f->kind, len, f->len);
}

static void every_frame_ends_with_its_crc(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < count; i++)
		if (!frame_intact(frames[i].bytes, frames[i].len))
			fail_msg("protocol.rst:%u: CRC-16 is wrong", frames[i].line);
}

static void length_of_requests_follows_from_their_head(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (unsigned int i = 0; i < count; i++) {
		const struct worked_frame *f = &frames[i];

		if (!strstr(f->kind, "-request"))
			continue;
		seen++;
		assert_int_equal(frame_request_length(f->bytes, f->len), f->len);
		for (size_t n = 1; n < f->len; n++) {
			size_t len = frame_request_length(f->bytes, n);

			if (len && len != f->len)
				fail_msg("protocol.rst:%u: %zu bytes say %zu, not %zu", f->line, n,
					 len, f->len);
		}
	}
	assert_true(seen >= 4);
}

static size_t make_registers_answer(const struct worked_frame *f, uint8_t *out)
{
	unsigned int major = 0, minor = 0;
	uint16_t values[10] = { (uint16_t)worked_number(f, "type"),
				(uint16_t)worked_number(f, "slots") };
	uint32_t serial = (uint32_t)worked_number(f, "serial");
	uint32_t uptime = (uint32_t)worked_number(f, "uptime_s");
	long long list[SMAPPEE_REGS_MAX];
	size_t n = worked_numbers(f, "values", list, SMAPPEE_REGS_MAX);

	if (n) {
		uint16_t given[SMAPPEE_REGS_MAX];

		for (size_t i = 0; i < n; i++)
			given[i] = (uint16_t)list[i];
		return frame_registers_answer(out, (uint8_t)worked_number(f, "unit"), given,
					      (unsigned int)n);
	}
	sscanf(worked_value(f, "firmware"), "%u.%u", &major, &minor);
	values[2] = (uint16_t)serial;
	values[3] = (uint16_t)(serial >> 16);
	values[4] = (uint16_t)minor;
	values[5] = (uint16_t)major;
	values[6] = (uint16_t)worked_number(f, "status");
	values[8] = (uint16_t)uptime;
	values[9] = (uint16_t)(uptime >> 16);
	return frame_registers_answer(out, (uint8_t)worked_number(f, "unit"), values, 10);
}

static size_t make_samples_answer(const struct worked_frame *f, uint8_t *out)
{
	struct samples_head head = {
		.unit = (uint8_t)worked_number(f, "unit"),
		.format = (uint8_t)worked_number(f, "format"),
		.channels = (uint8_t)worked_number(f, "channels"),
		.status = (uint8_t)worked_number(f, "status"),
		.boot = (uint8_t)worked_number(f, "boot"),
		.index = (uint32_t)worked_number(f, "index"),
	};
	unsigned int scans = (unsigned int)worked_number(f, "scans");
	int32_t codes[64] = { 0 };
	long long listed[64];

	/* Listed scan after scan; the simulator keeps channel after channel. */
	assert_int_equal(worked_numbers(f, "samples", listed, 64), scans * head.channels);
	for (unsigned int n = 0; n < scans; n++)
		for (unsigned int c = 0; c < head.channels; c++)
			codes[c * scans + n] = (int32_t)listed[n * head.channels + c];
	return samples_frame(out, &head, codes, scans, scans, scans + worked_number(f, "held"));
}

static size_t make_discover_answer(const struct worked_frame *f, uint8_t *out)
{
	uint8_t request[SMAPPEE_DISCOVER_LEN] = { 0 };

	request[SMAPPEE_DISCOVER_OPERATION] = (uint8_t)worked_number(f, "operation");
	request[SMAPPEE_DISCOVER_UNIT] = (uint8_t)worked_number(f, "unit");
	request[SMAPPEE_DISCOVER_BITS] = (uint8_t)worked_number(f, "bits");
	return frame_discover_answer(out, (uint8_t)worked_number(f, "from"), request,
				     (uint16_t)worked_number(f, "type"),
				     (uint32_t)worked_number(f, "serial"));
}

static void answers_are_made_as_shown(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (unsigned int i = 0; i < count; i++) {
		const struct worked_frame *f = &frames[i];
		uint8_t unit = (uint8_t)worked_number(f, "unit");
		uint8_t out[SMAPPEE_FRAME_MAX_SAMPLES];
		size_t len;

		if (!strcmp(f->kind, "read-registers-answer"))
			len = make_registers_answer(f, out);
		else if (!strcmp(f->kind, "write-registers-answer"))
			len = frame_written_answer(out, unit,
						   (uint16_t)worked_number(f, "register"),
						   (uint16_t)worked_number(f, "count"));
		else if (!strcmp(f->kind, "exception"))
			len = frame_exception(out, unit, (uint8_t)worked_number(f, "function"),
					      (uint8_t)worked_number(f, "code"));
		else if (!strcmp(f->kind, "read-samples-answer"))
			len = make_samples_answer(f, out);
		else if (!strcmp(f->kind, "sync-answer"))
			len = frame_sync_answer(out, unit, (uint8_t)worked_number(f, "sequence"),
						(uint8_t)worked_number(f, "boot"),
						(uint32_t)worked_number(f, "index"),
						(uint32_t)worked_number(f, "phase"),
						(uint16_t)worked_number(f, "rate"));
		else if (!strcmp(f->kind, "discover-answer"))
			len = make_discover_answer(f, out);
		else
			continue;
		seen++;
		assert_frame(f, out, len);
	}
	assert_true(seen >= 8);
}

static void requests_are_answered_by_the_unit_they_name(void **state)
{
	static struct scenario s = {
		.bit_rate = 4e6, .rate_hz = 4000, .depth_s = 0.5, .modules = 4
	};
	static struct segment g;
	unsigned int seen = 0;

	(void)state;
	s.signal.kind = mains_kind("3p+n");
	s.module[0] = (struct scenario_module){ .name = "voltage",
						.type = 9400,
						.unit = 1,
						.serial = 1,
						.channels = 3,
						.reference = true };
	s.module[1] = (struct scenario_module){
		.name = "hub1", .type = 9500, .unit = 2, .serial = 104233, .channels = 4
	};
	s.module[2] = (struct scenario_module){
		.name = "in", .type = 9700, .unit = 9, .serial = 1, .channels = 4
	};
	s.module[3] = (struct scenario_module){
		.name = "out", .type = 9800, .unit = 10, .serial = 1, .channels = 2
	};
	for (unsigned int c = 0; c < 4; c++)
		s.module[0].full_scale[c] = s.module[1].full_scale[c] = 100;
	assert_int_equal(segment_init(&g, &s), 0);
	for (unsigned int i = 0; i < count; i++) {
		const struct worked_frame *f = &frames[i];
		static struct wire w;
		const uint8_t *bytes;

		if (!strstr(f->kind, "-request") || !strcmp(f->kind, "discover-request"))
			continue;
		wire_init(&w, &g, 0);
		wire_receive(&w, f->bytes, f->len, 1000000000);
		if (!wire_due(&w, 2000000000, &bytes))
			fail_msg("protocol.rst:%u: %s: no answer", f->line, f->kind);
		assert_int_equal(bytes[0], worked_number(f, "unit"));
		assert_int_equal(bytes[1], f->bytes[1]);
		seen++;
	}
	assert_true(seen >= 4);
	segment_free(&g);
}

/* Those of the page, one after the other, to the module that they are about. */
static void discover_requests_do_what_the_page_says(void **state)
{
	static struct scenario s = {
		.bit_rate = 4e6, .rate_hz = 4000, .depth_s = 0.5, .modules = 1
	};
	static const uint8_t unit_after[] = { 2, 2, 7, 0 };
	static const bool answered[] = { false, true, true, false };
	static struct segment g;
	unsigned int seen = 0;

	(void)state;
	s.signal.kind = mains_kind("3p+n");
	s.module[0] = (struct scenario_module){
		.name = "hub1", .type = 9500, .unit = 2, .serial = 104233, .channels = 4
	};
	for (unsigned int c = 0; c < 4; c++)
		s.module[0].full_scale[c] = 100;
	assert_int_equal(segment_init(&g, &s), 0);
	g.module[0].known = true;
	for (unsigned int i = 0; i < count; i++) {
		const struct worked_frame *f = &frames[i];
		static struct reply reply;
		uint8_t request[SMAPPEE_DISCOVER_LEN];

		if (strcmp(f->kind, "discover-request"))
			continue;
		assert_true(seen < 4);
		memcpy(request, f->bytes, sizeof(request));
		segment_request(&g, request, sizeof(request), 1, &reply);
		assert_int_equal(reply.len, answered[seen] ? SMAPPEE_DISCOVER_LEN : 0);
		assert_int_equal(g.module[0].unit, unit_after[seen]);
		if (reply.len) {
			const struct worked_frame *shown = f + 1;

			while (strcmp(shown->kind, "discover-answer") ||
			       worked_number(shown, "unit") != worked_number(f, "unit"))
				shown++;
			assert_frame(shown, reply.bytes, reply.len);
		}
		seen++;
	}
	assert_int_equal(seen, 4);
	segment_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_ends_with_its_crc),
		cmocka_unit_test(length_of_requests_follows_from_their_head),
		cmocka_unit_test(answers_are_made_as_shown),
		cmocka_unit_test(requests_are_answered_by_the_unit_they_name),
		cmocka_unit_test(discover_requests_do_what_the_page_says),
	};

	return cmocka_run_group_tests_name("sim_frames", tests, read_page, NULL);
}
