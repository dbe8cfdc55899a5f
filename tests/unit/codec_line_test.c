// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much of what is on the line is samples: the driver's requests and block length, the
 * simulator's answers, a full segment at 4 kHz.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/tty/serdev/smappee_bus/modbus-rtu.h"
#include "../../drivers/tty/serdev/smappee_bus/samples.h"
#include "../../userspace/tools/smappee-sim/segment.h"

#define SCENARIO "userspace/tools/smappee-sim/scenarios/accuracy-3p.ini"
#define SECONDS 4
/* As the driver does it: blocks of 32 ms, sync four times a second. */
#define BLOCK_SCANS 128
#define SYNC_S 0.25
#define WANTED_PERCENT 90.0

static struct scenario s;
static struct segment g;
static struct reply reply;

static size_t ask(const struct modbus_request *rq, double t)
{
	uint8_t bytes[sizeof(rq->frame)];

	memcpy(bytes, rq->frame, rq->len);
	segment_request(&g, bytes, rq->len, t, &reply);
	assert_int_equal(modbus_answer_check(rq, reply.bytes, reply.len), 0);
	return rq->len + reply.len;
}

static size_t sync_at(double t)
{
	struct modbus_request rq;

	assert_int_equal(modbus_sync(&rq, 1), 0);
	return ask(&rq, t);
}

/* Bytes on the line for block number @block of each module; *@samples: of them data. */
static size_t blocks_at(double t, uint32_t block, uint64_t *samples)
{
	struct modbus_request rq;
	struct smappee_samples got;
	size_t bytes = 0;

	for (unsigned int i = 0; i < g.modules; i++) {
		modbus_read_samples(&rq, g.module[i].unit, block * BLOCK_SCANS, BLOCK_SCANS);
		bytes += ask(&rq, t);
		assert_int_equal(smappee_samples_parse(reply.bytes, (u16)reply.len, &got), 0);
		assert_int_equal(got.scans, BLOCK_SCANS);
		*samples += got.bytes;
	}
	return bytes;
}

static void nine_tenths_of_the_bytes_on_a_full_line_are_samples(void **state)
{
	char error[SCENARIO_ERROR_MAX];
	uint64_t samples = 0, bytes = 0;
	double t = 0.0, next_sync = 0.0, percent;
	uint32_t block;

	if (scenario_load(&s, SCENARIO, NULL, error))
		fail_msg("%s", error);
	assert_int_equal(segment_init(&g, &s), 0);
	for (unsigned int i = 0; i < g.modules; i++)
		g.module[i].format = SMAPPEE_FORMAT_S16_PACKED;
	/* until all have locked */
	for (t = 0.1; t < 3.0; t += 0.1)
		sync_at(t);
	next_sync = t;
	block = (uint32_t)module_position(segment_reference(&g), t).index / BLOCK_SCANS;
	g.sample_bytes = 0;
	for (uint32_t end = block + SECONDS * 4000 / BLOCK_SCANS; block < end; block++) {
		t += BLOCK_SCANS / 4000.0;
		bytes += blocks_at(t, block, &samples);
		if (t >= next_sync) {
			bytes += sync_at(t);
			next_sync += SYNC_S;
		}
	}
	percent = 100.0 * (double)samples / (double)bytes;
	print_message("31 channels at 4 kHz, packed: %.1f kB/s, %.2f %% samples\n",
		      (double)bytes / SECONDS / 1000.0, percent);
	if (!(percent >= WANTED_PERCENT))
		fail_msg("%.2f %% of %llu bytes are samples; wanted %g %%", percent,
			 (unsigned long long)bytes, WANTED_PERCENT);
	/* what the simulator tells whoever measures it from outside */
	assert_int_equal(g.sample_bytes, samples);
	segment_free(&g);
	scenario_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nine_tenths_of_the_bytes_on_a_full_line_are_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
