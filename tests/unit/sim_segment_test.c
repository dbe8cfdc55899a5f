// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The segment as a host sees it: registers, scans, what goes wrong on request,
 * and the time on the line; all on a virtual clock.
 */
#include "frame.h"
#include "random.h"
#include "scenario-rig.h"
#include "wire.h"

#include <linux/smappee.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct scenario s;
static struct segment g;
static struct wire w;
static int64_t now;
static uint8_t got[SEGMENT_REPLY_MAX];

static int set_up(void **state)
{
	static const uint16_t type[] = { SMAPPEE_TYPE_OPEN_VOLTAGE, SMAPPEE_TYPE_OPEN_CT_HUB,
					 SMAPPEE_TYPE_OPEN_SOLID_CORE };
	static const unsigned int channels[] = { 3, 4, 3 };

	(void)state;
	plain_scenario(&s, 3, 3);
	for (unsigned int p = 0; p < 3; p++) {
		s.signal.terminal[p].base_hz = 50;
		s.signal.terminal[p].fundamental = 1;
		wave_add(&s.signal.terminal[p], 1, 325, -2 * M_PI / 3 * p);
	}
	for (unsigned int i = 0; i < 3; i++) {
		struct scenario_module *m = &s.module[i];

		snprintf(m->name, sizeof(m->name), "m%u", i + 1);
		m->type = type[i];
		m->unit = (uint8_t)(i + 1);
		m->serial = 100000 + i;
		m->channels = channels[i];
		m->fw_major = 1;
		m->fw_minor = 7;
		m->reference = !i;
		m->crystal_ppm = 20.0 * i - 20;
		m->noise_lsb = 0.5;
		m->capture_ns = 10;
		for (unsigned int c = 0; c < channels[i]; c++)
			m->full_scale[c] = i ? 100 : 500;
	}
	assert_int_equal(segment_init(&g, &s), 0);
	wire_init(&w, &g, 0);
	now = 1000000000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	segment_free(&g);
	signal_free(&s.signal);
	return 0;
}

/* Take all that is on the line until it is quiet; returns how many bytes. */
static size_t collect(void)
{
	size_t len = 0;

	while (wire_next(&w) != WIRE_NEVER) {
		const uint8_t *bytes;
		size_t due;

		now = wire_next(&w);
		due = wire_due(&w, now, &bytes);
		assert_true(due > 0 && len + due <= sizeof(got));
		memcpy(got + len, bytes, due);
		wire_handed(&w, due);
		len += due;
	}
	return len;
}

static size_t ask(const uint8_t *body, size_t len)
{
	uint8_t request[64];

	memcpy(request, body, len);
	now += 20000000;
	wire_receive(&w, request, frame_seal(request, len), now);
	return collect();
}

static size_t read_registers(uint8_t unit, uint16_t address, uint16_t count)
{
	uint8_t body[6] = { unit, SMAPPEE_FC_READ_REGISTERS };

	frame_put16(body + 2, address);
	frame_put16(body + 4, count);
	return ask(body, sizeof(body));
}

static uint16_t value(unsigned int number)
{
	return frame_get16(got + 3 + 2 * number);
}

static size_t write_register(uint8_t unit, uint16_t address, uint16_t to)
{
	uint8_t body[9] = { unit, SMAPPEE_FC_WRITE_REGISTERS };

	frame_put16(body + 2, address);
	frame_put16(body + 4, 1);
	body[6] = 2;
	frame_put16(body + 7, to);
	return ask(body, sizeof(body));
}

static size_t read_samples(uint8_t unit, uint32_t index, uint16_t scans)
{
	uint8_t body[8] = { unit, SMAPPEE_FC_READ_SAMPLES };

	frame_put32(body + 2, index);
	frame_put16(body + 6, scans);
	return ask(body, sizeof(body));
}

static void sync(void)
{
	const uint8_t body[] = { 1, SMAPPEE_FC_SYNC };

	ask(body, sizeof(body));
}

static void lock(void)
{
	for (int i = 0; i < 5; i++) {
		sync();
		now += 80000000;
	}
}

static void assert_exception(size_t len, uint8_t code)
{
	assert_int_equal(len, 5);
	assert_true(frame_intact(got, 5));
	assert_true(got[1] & SMAPPEE_FC_EXCEPTION);
	assert_int_equal(got[2], code);
}

static uint32_t index_given(void)
{
	return frame_get32(got + SMAPPEE_SAMPLES_INDEX);
}

static unsigned int scans_given(void)
{
	return frame_get16(got + SMAPPEE_SAMPLES_SCANS);
}

static void identity_and_waveform_blocks_are_as_built(void **state)
{
	(void)state;
	assert_int_equal(read_registers(2, SMAPPEE_REG_IDENTITY, SMAPPEE_REG_IDENTITY_COUNT), 25);
	assert_int_equal(value(0), 9500);
	assert_int_equal(value(1), 4);
	assert_int_equal(value(2) | value(3) << 16, 100001);
	assert_int_equal(value(4), 7);
	assert_int_equal(value(5), 1);
	assert_int_equal(value(8), 1);
	read_registers(2, SMAPPEE_REG_WAVEFORM, SMAPPEE_REG_WAVEFORM_COUNT);
	assert_int_equal(value(0), SMAPPEE_PROTOCOL_VERSION);
	assert_int_equal(value(1), 4000);
	assert_int_equal(value(5), 2000);
	assert_int_equal(value(6), 4);
	read_registers(1, SMAPPEE_REG_CHANNEL, 12);
	assert_int_equal(value(0), SMAPPEE_KIND_VOLTAGE);
	assert_int_equal(value(2) | value(3) << 16, lrint(500e9 / 32768));
}

static void requests_outside_of_the_map_get_their_exception(void **state)
{
	const uint8_t unknown[] = { 2, 0x2b, 0x0e, 1, 0 };
	const uint8_t sync_to_hub[] = { 2, SMAPPEE_FC_SYNC };

	(void)state;
	assert_exception(read_registers(2, 0x1000, 1), SMAPPEE_EX_ILLEGAL_ADDRESS);
	assert_exception(read_registers(2, SMAPPEE_REG_REFERENCE, 2), SMAPPEE_EX_ILLEGAL_ADDRESS);
	assert_exception(read_registers(2, SMAPPEE_REG_IDENTITY, 0), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(read_registers(2, SMAPPEE_REG_IDENTITY, 126), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(write_register(2, SMAPPEE_REG_RATE, 3999), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(write_register(2, SMAPPEE_REG_FORMAT, 5), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(write_register(2, SMAPPEE_REG_REFERENCE, 1), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(write_register(2, SMAPPEE_REG_DEPTH, 1), SMAPPEE_EX_ILLEGAL_ADDRESS);
	assert_exception(read_samples(2, 0, 1025), SMAPPEE_EX_ILLEGAL_VALUE);
	assert_exception(ask(unknown, sizeof(unknown)), SMAPPEE_EX_ILLEGAL_FUNCTION);
	assert_exception(ask(sync_to_hub, sizeof(sync_to_hub)), SMAPPEE_EX_ILLEGAL_FUNCTION);
	assert_int_equal(g.exceptions, 11);
}

static void silence_for_other_units_and_damaged_requests(void **state)
{
	uint8_t request[8] = { 2, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, 10 };

	(void)state;
	assert_int_equal(read_registers(9, SMAPPEE_REG_IDENTITY, 10), 0);
	assert_int_equal(g.foreign, 1);
	frame_seal(request, 6);
	request[3] ^= 1;
	now += 20000000;
	wire_receive(&w, request, sizeof(request), now);
	assert_int_equal(collect(), 0);
	assert_int_equal(g.damaged, 1);
	/* The rest of a garbled frame is not taken for another request ... */
	request[3] ^= 1;
	wire_receive(&w, request, sizeof(request), now + 1000);
	assert_int_equal(collect(), 0);
	/* ... and after a silence all is well again. */
	assert_int_equal(read_registers(2, SMAPPEE_REG_IDENTITY, 10), 25);
}

static void unlocked_module_gives_no_scans(void **state)
{
	(void)state;
	assert_int_equal(read_samples(2, 0, 100), 22);
	assert_int_equal(scans_given(), 0);
	assert_int_equal(got[SMAPPEE_SAMPLES_STATUS], 0);
	assert_true(read_samples(1, 3900, 10) > 22);
	assert_int_equal(scans_given(), 10);
	assert_int_equal(got[SMAPPEE_SAMPLES_STATUS],
			 SMAPPEE_STATUS_LOCKED | SMAPPEE_STATUS_REFERENCE);
}

static void overwritten_scans_are_reported(void **state)
{
	uint32_t newest;

	(void)state;
	now += 10000000000;
	lock();
	newest = (uint32_t)module_position(&g.module[0], wire_time(&w, now)).index;
	read_samples(1, newest - 5000, 10);
	assert_true(got[SMAPPEE_SAMPLES_STATUS] & SMAPPEE_STATUS_OVERWRITTEN);
	assert_true(newest - index_given() < 2000 && newest - index_given() > 1800);
	assert_int_equal(scans_given(), 10);
	read_samples(1, newest - 100, 10);
	assert_false(got[SMAPPEE_SAMPLES_STATUS] & SMAPPEE_STATUS_OVERWRITTEN);
	assert_int_equal(index_given(), newest - 100);
	read_samples(1, newest + 1000000, 10);
	assert_int_equal(scans_given(), 0);
	assert_int_equal(frame_get16(got + SMAPPEE_SAMPLES_HELD), 0);
	assert_true(index_given() - newest < 1000);
}

static void same_scans_asked_again_are_the_same(void **state)
{
	uint8_t first[64];
	uint32_t index;

	(void)state;
	lock();
	index = (uint32_t)module_position(&g.module[1], wire_time(&w, now)).index - 300;
	read_samples(2, index, 5);
	memcpy(first, got + SMAPPEE_SAMPLES_DATA, 40);
	sync();
	read_samples(2, index - 77, 200);
	assert_memory_equal(got + SMAPPEE_SAMPLES_DATA + 77 * 8, first, 40);
}

static void voltage_is_saturated_beyond_the_rails(void **state)
{
	(void)state;
	read_samples(1, 3900, 100);
	assert_false(got[SMAPPEE_SAMPLES_STATUS] & SMAPPEE_STATUS_SATURATED);
	g.module[0].scale_nano[0] /= 2;
	read_samples(1, 3700, 100);
	assert_true(got[SMAPPEE_SAMPLES_STATUS] & SMAPPEE_STATUS_SATURATED);
	read_registers(1, SMAPPEE_REG_STATUS, 1);
	assert_int_equal(value(0), 3);
}

static void samples_are_the_voltage_at_the_true_instants(void **state)
{
	uint32_t index = 3800;

	(void)state;
	s.module[0].noise_lsb = 0;
	read_samples(1, index, 100);
	for (unsigned int k = 0; k < 100; k++) {
		double at = module_sample_time(&g.module[0], index + k);
		double v = 325 * cos(2 * M_PI * 50 * at) / 500 * 32768;
		int16_t code = (int16_t)frame_get16(got + SMAPPEE_SAMPLES_DATA + 6 * k);

		if (fabs(code - v) > 0.51)
			fail_msg("scan %u: %d, not %.2f", k, code, v);
	}
}

static void writing_the_rate_restarts_the_module(void **state)
{
	(void)state;
	lock();
	assert_int_equal(write_register(2, SMAPPEE_REG_RATE, 8000), 8);
	read_registers(2, SMAPPEE_REG_WAVEFORM, SMAPPEE_REG_WAVEFORM_COUNT);
	assert_int_equal(value(1), 8000);
	assert_int_equal(value(5), 4000);
	assert_int_equal(value(7), SMAPPEE_SYNC_FREE);
	assert_int_equal(value(10), 1);
	/* It does not follow a reference of another rate. */
	lock();
	assert_int_equal(module_sync_state(&g.module[1], wire_time(&w, now)), SMAPPEE_SYNC_FREE);
	write_register(1, SMAPPEE_REG_RATE, 8000);
	lock();
	assert_int_equal(module_sync_state(&g.module[1], wire_time(&w, now)), SMAPPEE_SYNC_LOCKED);
}

static void add_fault(enum fault_kind kind, double rate, double number)
{
	struct fault_rule rule = {
		.kind = kind, .unit = 2, .rate = rate, .count = -1, .value = number
	};

	assert_int_equal(segment_fault(&g, &rule, wire_time(&w, now)), 0);
}

static void each_fault_does_what_it_says_and_is_counted(void **state)
{
	size_t len;

	(void)state;
	add_fault(FAULT_DROP, 1, 0);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 0);
	assert_int_equal(read_registers(3, SMAPPEE_REG_TYPE, 1), 7);
	fault_clear(&g.faults);
	add_fault(FAULT_TRUNCATE, 1, 0);
	len = read_registers(2, SMAPPEE_REG_TYPE, 1);
	assert_true(len >= 1 && len < 7);
	fault_clear(&g.faults);
	add_fault(FAULT_DUPLICATE, 1, 0);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 14);
	assert_memory_equal(got, got + 7, 7);
	fault_clear(&g.faults);
	add_fault(FAULT_GARBAGE, 1, 0);
	len = read_registers(2, SMAPPEE_REG_TYPE, 1);
	assert_true(len > 7 && len <= 7 + SEGMENT_GARBAGE_MAX);
	assert_true(frame_intact(got + len - 7, 7));
	fault_clear(&g.faults);
	add_fault(FAULT_WRONG_UNIT, 1, 0);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 7);
	assert_int_equal(got[0], 3);
	assert_true(frame_intact(got, 7));
	fault_clear(&g.faults);
	add_fault(FAULT_EXCEPTION, 1, SMAPPEE_EX_BUSY);
	assert_exception(read_registers(2, SMAPPEE_REG_TYPE, 1), SMAPPEE_EX_BUSY);
	fault_clear(&g.faults);
	add_fault(FAULT_SERIAL, 1, 777);
	read_registers(2, SMAPPEE_REG_SERIAL, 2);
	assert_int_equal(value(0), 777);
	add_fault(FAULT_BABBLE, 1, 0);
	/* after another's answer, and where nobody is */
	assert_int_equal(read_registers(3, SMAPPEE_REG_TYPE, 1), 7 + 5 + 20);
	assert_true(frame_intact(got + 7, 25));
	assert_int_equal(got[7], 2);
	fault_clear(&g.faults);
	add_fault(FAULT_HOSTILE, 1, 0);
	read_registers(2, SMAPPEE_REG_TYPE, 1);
	fault_clear(&g.faults);
	for (int kind = FAULT_DROP; kind < FAULT_KINDS; kind++)
		if (kind != FAULT_DELAY && kind != FAULT_MISS_SYNC && kind != FAULT_SILENT &&
		    kind != FAULT_RESTART && kind != FAULT_POWER && kind != FAULT_MEMORY)
			assert_int_equal(g.faults.done[kind], 1);
}

/* Every trick that keeps the check sums right passes them, and no length is out of bounds. */
static void a_hostile_peer_lies_with_right_check_sums(void **state)
{
	static struct hostile h;
	static uint8_t frame[SMAPPEE_FRAME_MAX_SAMPLES];
	unsigned int lies[HOSTILE_TRICKS] = { 0 };
	uint64_t random = 5;

	(void)state;
	lock();
	for (unsigned int i = 0; i < 20000; i++) {
		enum hostile_trick trick = i % HOSTILE_TRICKS;
		size_t len = i % 3 ? read_registers(2, SMAPPEE_REG_TYPE, 1 + i % 10)
				   : read_samples(1, (uint32_t)g.module[0].valid_from, i % 100);
		size_t said;

		assert_true(len >= SMAPPEE_FRAME_MIN && len <= sizeof(frame));
		memcpy(frame, got, len);
		said = hostile_twist(&h, trick, &random, frame, len);
		assert_true(said >= 2 && said <= sizeof(frame));
		if (said >= SMAPPEE_FRAME_MIN && trick != HOSTILE_NOISE)
			assert_true(frame_intact(frame, said));
		lies[trick] += said != len || memcmp(frame, got, len) != 0;
	}
	for (unsigned int trick = 0; trick < HOSTILE_TRICKS; trick++)
		assert_true(lies[trick] > 1000);
}

static void silent_and_restarting_modules_come_back(void **state)
{
	(void)state;
	add_fault(FAULT_SILENT, 1, 2);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 0);
	now += 2100000000;
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 7);
	add_fault(FAULT_RESTART, 1, 0);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 0);
	now += 1000000000;
	read_registers(2, SMAPPEE_REG_BOOT, 1);
	assert_int_equal(value(0), 1);
}

static void count_ends_a_fault(void **state)
{
	struct fault_rule rule = { .kind = FAULT_DROP, .rate = 1, .count = 3 };

	(void)state;
	assert_int_equal(segment_fault(&g, &rule, 1), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 0);
	assert_int_equal(read_registers(2, SMAPPEE_REG_TYPE, 1), 7);
	assert_int_equal(g.faults.done[FAULT_DROP], 3);
}

static void bit_errors_come_at_their_rate(void **state)
{
	static uint8_t bytes[100000];
	struct fault_rule rule = { .kind = FAULT_BIT_ERRORS, .rate = 1e-3, .count = -1 };
	unsigned int flipped, ones = 0;
	struct faults f;

	(void)state;
	fault_init(&f, 5);
	assert_int_equal(fault_add(&f, &rule), 0);
	flipped = fault_flip(&f, 1, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ones += (unsigned int)__builtin_popcount(bytes[i]);
	assert_int_equal(ones, flipped);
	assert_int_equal(f.done[FAULT_BIT_ERRORS], flipped);
	/* 800 expected, five sigma are 141 */
	if (flipped < 659 || flipped > 941)
		fail_msg("%u of 800000 bits flipped at 1e-3", flipped);
}

static void same_seed_gives_same_faults(void **state)
{
	uint8_t once[4096] = { 0 }, again[4096] = { 0 };
	struct fault_rule rule = { .kind = FAULT_BIT_ERRORS, .rate = 1e-3, .count = -1 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct faults f;

		fault_init(&f, 77);
		fault_add(&f, &rule);
		fault_flip(&f, 1, round ? again : once, sizeof(once));
	}
	assert_memory_equal(once, again, sizeof(once));
}

static void bytes_come_no_earlier_than_on_the_line(void **state)
{
	uint8_t request[SMAPPEE_SAMPLES_REQ_LEN] = { 1, SMAPPEE_FC_READ_SAMPLES };
	int64_t start, earliest;
	size_t handed = 0;

	(void)state;
	frame_put32(request + 2, 3000);
	frame_put16(request + 6, 600);
	frame_seal(request, 8);
	start = now;
	wire_receive(&w, request, sizeof(request), start);
	/* 10 bytes of request, turnaround, 2.5 us a byte at 4 Mbit/s */
	earliest = start + 10 * 2500 + 200000;
	for (int64_t at = start; wire_next(&w) != WIRE_NEVER; at += 10000) {
		const uint8_t *bytes;
		size_t due = wire_due(&w, at, &bytes);

		if (!due)
			continue;
		handed += due;
		if (at + 2 < earliest + (int64_t)handed * 2500)
			fail_msg("%zu bytes after %ld us", handed, (long)(at - start) / 1000);
		/* At most one chunk late. */
		assert_true(at <= earliest + (int64_t)handed * 2500 + 20000);
		assert_true(due <= 256);
		wire_handed(&w, due);
	}
	assert_int_equal(handed, 22 + 600 * 6);
}

static void slow_lines_hand_over_every_millisecond(void **state)
{
	const uint8_t *bytes;

	(void)state;
	s.bit_rate = 38400;
	wire_init(&w, &g, 0);
	read_registers(2, SMAPPEE_REG_IDENTITY, 1);
	assert_int_equal(w.chunk, 3);
	now += 20000000;
	wire_receive(&w, (const uint8_t[]){ 2, 3, 0x16, 0x20, 0, 10, 0xc0, 0x7c }, 8, now);
	assert_int_equal(wire_due(&w, now + 2000000, &bytes), 0);
	assert_int_equal(wire_due(&w, now + 2083333 + 200000 + 790000, &bytes), 3);
}

static void bytes_during_a_reply_collide(void **state)
{
	uint8_t request[8] = { 2, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, 10 };

	(void)state;
	frame_seal(request, 6);
	wire_receive(&w, request, 8, now);
	wire_receive(&w, request, 8, now + 1000);
	assert_int_equal(collect(), 25);
	assert_int_equal(w.collisions, 8);
}

static void an_echo_comes_before_the_answer_and_not_before_it_was_sent(void **state)
{
	uint8_t request[8] = { 2, SMAPPEE_FC_READ_REGISTERS, 0x16, 0x20, 0, 10 };
	const uint8_t *bytes;

	(void)state;
	s.echo = true;
	frame_seal(request, 6);
	wire_receive(&w, request, 3, now);
	wire_receive(&w, request + 3, 5, now + 1000);
	assert_int_equal(wire_due(&w, now + 8 * 2500 - 1, &bytes), 0);
	assert_int_equal(wire_next(&w), now + 8 * 2500);
	assert_int_equal(wire_due(&w, now + 8 * 2500, &bytes), 8);
	/* the port takes what it can */
	wire_handed(&w, 2);
	assert_int_equal(wire_due(&w, now + 8 * 2500, &bytes), 6);
	assert_memory_equal(bytes, request + 2, 6);
	wire_handed(&w, 6);
	assert_int_equal(collect(), 25);
	assert_int_equal(value(0), SMAPPEE_TYPE_OPEN_CT_HUB);
	/* also of what nobody answers */
	wire_receive(&w, request, 1, now + 50000000);
	assert_int_equal(collect(), 1);
	assert_int_equal(w.collisions, 0);
}

static void a_module_of_24_bits_has_no_format_of_16(void **state)
{
	(void)state;
	tear_down(NULL);
	s.module[1].bits = 24;
	assert_int_equal(segment_init(&g, &s), 0);
	read_registers(2, SMAPPEE_REG_FORMAT, 2);
	assert_int_equal(value(0), SMAPPEE_FORMAT_S24);
	assert_int_equal(value(1), 1 << SMAPPEE_FORMAT_S24 | 1 << SMAPPEE_FORMAT_S24_PACKED);
	assert_exception(write_register(2, SMAPPEE_REG_FORMAT, SMAPPEE_FORMAT_S16_PACKED),
			 SMAPPEE_EX_ILLEGAL_VALUE);
	assert_int_equal(write_register(2, SMAPPEE_REG_FORMAT, SMAPPEE_FORMAT_S24_PACKED), 8);
	assert_exception(write_register(2, SMAPPEE_REG_FORMAT, 77), SMAPPEE_EX_ILLEGAL_VALUE);
	/* the others have both */
	assert_int_equal(write_register(3, SMAPPEE_REG_FORMAT, SMAPPEE_FORMAT_S16_PACKED), 8);
	assert_int_equal(write_register(3, SMAPPEE_REG_FORMAT, SMAPPEE_FORMAT_S24), 8);
}

static void random_bytes_do_no_harm(void **state)
{
	uint64_t random = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[300];
		size_t len = 1 + random_next(&random) % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)random_next(&random);
		/* Often enough a head that leads on. */
		if (round % 2) {
			bytes[0] = 2;
			bytes[1] = (uint8_t[]){ 3, 0x10, 0x41, 0x43 }[round / 2 % 4];
		}
		if (round % 4 == 1 && len > 4)
			frame_seal(bytes, len - 2);
		wire_receive(&w, bytes, len, now);
		now += round % 3 ? 20000000 : 1000;
		collect();
	}
	now += 20000000;
	assert_int_equal(read_registers(2, SMAPPEE_REG_IDENTITY, 10), 25);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity_and_waveform_blocks_are_as_built),
		TEST(requests_outside_of_the_map_get_their_exception),
		TEST(silence_for_other_units_and_damaged_requests),
		TEST(unlocked_module_gives_no_scans),
		TEST(overwritten_scans_are_reported),
		TEST(same_scans_asked_again_are_the_same),
		TEST(voltage_is_saturated_beyond_the_rails),
		TEST(samples_are_the_voltage_at_the_true_instants),
		TEST(writing_the_rate_restarts_the_module),
		TEST(each_fault_does_what_it_says_and_is_counted),
		TEST(a_hostile_peer_lies_with_right_check_sums),
		TEST(silent_and_restarting_modules_come_back),
		TEST(count_ends_a_fault),
		TEST(bit_errors_come_at_their_rate),
		TEST(same_seed_gives_same_faults),
		TEST(bytes_come_no_earlier_than_on_the_line),
		TEST(slow_lines_hand_over_every_millisecond),
		TEST(bytes_during_a_reply_collide),
		TEST(an_echo_comes_before_the_answer_and_not_before_it_was_sent),
		TEST(a_module_of_24_bits_has_no_format_of_16),
		TEST(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("sim_segment", tests, NULL, NULL);
}
