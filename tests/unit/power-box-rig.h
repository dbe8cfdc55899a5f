/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * power-box-rig - a scenario with a Power Box on a virtual clock, and a host that
 * asks it over a line of the scenario's bit rate. For tests of the simulator;
 * include cmocka and what it wants first.
 */
#ifndef TEST_POWER_BOX_RIG_H
#define TEST_POWER_BOX_RIG_H

#include "frame.h"
#include "wire.h"

#include <linux/smappee.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIG_UNUSED __attribute__((unused))

/* The installation of the public dump: slots 0 to 2 and entry 0 are empty. */
#define RIG_HEAD                                                                                   \
	"[segment]\nbit_rate = 38400\n"                                                            \
	"[mains]\nfrequency_hz = 49.994\nvoltage_v = 230, 231, 232\nharmonic.5 = 3 % @ 20\n"
#define RIG_BOX "[module box]\ntype = power_box\nserial = 29342\nfirmware = 1.76\n"
#define RIG_CTS                                                                                    \
	"[module solid]\ntype = solid_core\nbehind = box\nentry = 1\nslots = 3, 4, 5\n"            \
	"serial = 16462\nfirmware = 1.30\n"                                                        \
	"[module hub]\ntype = ct_hub\nbehind = box\nentry = 2\nslots = 6, 7, 8, 9\n"               \
	"serial = 8944\nfirmware = 1.41\n"
#define RIG_LOADS                                                                                  \
	"[load grid]\ninputs = solid/A, solid/B, solid/C\nphases = L1, L2, L3\n"                   \
	"current_a = 10, 6, 4\npf = 0.8 lag\nharmonic.3 = 20 % @ 30\nharmonic.5 = 10 % @ 50\n"     \
	"[load pv]\ninputs = hub/A\nphases = L2\ncurrent_a = -8\npf = 1\n"                         \
	"[load router]\ninputs = hub/B\nphases = L3\ncurrent_a = 0.3\npf = 0.6 lead\n"             \
	"[load kettle]\ninputs = hub/C\nphases = L1\ncurrent_a = 9\nsteps = 0:9, 20:3, 30:9\n"

static struct scenario rig_scenario;
static struct segment rig_segment;
static struct wire rig_wire;
static int64_t rig_now;
static uint8_t rig_got[SEGMENT_REPLY_MAX];
static size_t rig_len;
static uint8_t rig_unit;

static int rig_load(const char *text)
{
	char path[] = "/tmp/power-box-XXXXXX", error[SCENARIO_ERROR_MAX];
	int fd = mkstemp(path), ret;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -1;
	close(fd);
	ret = scenario_load(&rig_scenario, path, NULL, error);
	unlink(path);
	if (ret)
		print_error("%s\n", error);
	return ret;
}

/* Start a box of this scenario; the clock is at 10.05 s, between two ticks. */
static RIG_UNUSED void rig_start(const char *text)
{
	assert_int_equal(rig_load(text), 0);
	assert_int_equal(segment_init(&rig_segment, &rig_scenario), 0);
	wire_init(&rig_wire, &rig_segment, 0);
	rig_unit = SMAPPEE_PB_UNIT;
	rig_now = 10050000000;
}

static RIG_UNUSED int rig_stop(void **state)
{
	(void)state;
	segment_free(&rig_segment);
	scenario_free(&rig_scenario);
	return 0;
}

/* Take all that is on the line until it is quiet. */
static void rig_collect(void)
{
	rig_len = 0;
	while (wire_next(&rig_wire) != WIRE_NEVER) {
		const uint8_t *bytes;
		size_t due;

		rig_now = wire_next(&rig_wire);
		due = wire_due(&rig_wire, rig_now, &bytes);
		assert_true(due > 0 && rig_len + due <= sizeof(rig_got));
		memcpy(rig_got + rig_len, bytes, due);
		wire_handed(&rig_wire, due);
		rig_len += due;
	}
}

/* Send a request and take what comes; returns how many bytes came. */
static size_t rig_ask(const uint8_t *body, size_t len)
{
	uint8_t request[300];

	memcpy(request, body, len);
	/* 3.5 characters of silence before it */
	rig_now += 911458;
	wire_receive(&rig_wire, request, frame_seal(request, len), rig_now);
	rig_now += (int64_t)(rig_wire.byte_ns * (double)(len + 2));
	rig_collect();
	return rig_len;
}

static RIG_UNUSED size_t rig_function(uint8_t function, uint16_t address, uint16_t count)
{
	uint8_t body[6] = { rig_unit, function };

	frame_put16(body + 2, address);
	frame_put16(body + 4, count);
	return rig_ask(body, sizeof(body));
}

/* Read registers; they must come. */
static RIG_UNUSED void rig_read(uint16_t address, uint16_t count)
{
	size_t len = rig_function(SMAPPEE_FC_READ_REGISTERS, address, count);

	if (len != 5u + 2 * count || !frame_intact(rig_got, len) || rig_got[0] != rig_unit ||
	    rig_got[1] != SMAPPEE_FC_READ_REGISTERS || rig_got[2] != 2 * count)
		fail_msg("%u registers at 0x%04x: %zu bytes, %02x %02x %02x", count, address, len,
			 rig_got[0], rig_got[1], rig_got[2]);
}

/* Number @number of the registers that were read. */
static RIG_UNUSED uint16_t rig_value(unsigned int number)
{
	return frame_get16(rig_got + 3 + 2 * number);
}

static RIG_UNUSED uint16_t rig_u16(uint16_t address)
{
	rig_read(address, 1);
	return rig_value(0);
}

static RIG_UNUSED uint32_t rig_u32(uint16_t address)
{
	rig_read(address, 2);
	return rig_value(0) | (uint32_t)rig_value(1) << 16;
}

static RIG_UNUSED double rig_f32(uint16_t address)
{
	uint32_t bits = rig_u32(address);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

static RIG_UNUSED size_t rig_write_many(uint16_t address, uint16_t count, const uint16_t *values)
{
	uint8_t body[300] = { rig_unit, SMAPPEE_FC_WRITE_REGISTERS };

	frame_put16(body + 2, address);
	frame_put16(body + 4, count);
	body[6] = (uint8_t)(2 * count);
	for (unsigned int i = 0; i < count; i++)
		frame_put16(body + 7 + 2 * i, values[i]);
	return rig_ask(body, 7 + 2 * (size_t)count);
}

/* Write one register; it must be taken. */
static RIG_UNUSED void rig_write(uint16_t address, uint16_t value)
{
	size_t len = rig_write_many(address, 1, &value);

	if (len != 8 || !frame_intact(rig_got, 8) || frame_get16(rig_got + 2) != address ||
	    frame_get16(rig_got + 4) != 1)
		fail_msg("write of %u to 0x%04x: %zu bytes, %02x %02x %02x", value, address, len,
			 rig_got[0], rig_got[1], rig_got[2]);
}

/* The last answer was an exception with this code. */
static RIG_UNUSED void rig_refused(uint8_t function, uint8_t code)
{
	if (rig_len != 5 || !frame_intact(rig_got, 5) || rig_got[0] != rig_unit ||
	    rig_got[1] != (function | SMAPPEE_FC_EXCEPTION) || rig_got[2] != code)
		fail_msg("%zu bytes, %02x %02x %02x, expected exception %u of function %u", rig_len,
			 rig_got[0], rig_got[1], rig_got[2], code, function);
}

static RIG_UNUSED void rig_wait(double seconds)
{
	rig_now += (int64_t)llrint(seconds * 1e9);
}

static RIG_UNUSED void rig_near(const char *what, double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%s: %.9g, expected %.9g within %.2g", what, got, expected, tolerance);
}

#endif
