/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A million pulses through the simulated module, the line with its faults, the
 * kernel's codec and the kernel's counting, in simulated time: not one more, not
 * one less.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../drivers/gpio/smappee-pulse.h"
#include "../../drivers/tty/serdev/smappee_bus/modbus-rtu.h"
#include "../../userspace/tools/smappee-sim/random.h"
#include "../../userspace/tools/smappee-sim/segment.h"

#define UNIT 9
#define INPUTS 4
#define PULSES 250000
#define PULSE_HZ 5.0
#define POLL_S 0.5
#define HEAD (SMAPPEE_REG_INPUT_COUNT - SMAPPEE_REG_INPUT)

static struct scenario s = {
	.bit_rate = 4e6, .turnaround_s = 200e-6, .rate_hz = 4000, .depth_s = 0.5, .modules = 1
};
static struct segment g;
static struct smappee_pulse pulse[INPUTS];

static void build(void)
{
	struct scenario_module *m = &s.module[0];

	*m = (struct scenario_module){ .name = "meters",
				       .type = SMAPPEE_TYPE_OPEN_INPUT,
				       .unit = UNIT,
				       .serial = 1,
				       .channels = INPUTS,
				       .epoch = 1 };
	for (unsigned int i = 0; i < INPUTS; i++) {
		m->contact[i].pulse_hz = PULSE_HZ + 0.01 * i;
		m->contact[i].closed_s = 0.1;
		m->contact[i].pulses = PULSES;
		/* each of them wraps on the way, at another time */
		m->contact[i].counter = UINT32_MAX - 50000 * i;
	}
	assert_int_equal(segment_init(&g, &s), 0);
	memset(pulse, 0, sizeof(pulse));
}

/* One poll as the driver does it; what does not arrive whole is no reading. */
static int poll_once(double t)
{
	struct smappee_reading reading = { .time_ms = (s64)(t * 1e3) };
	static struct reply reply;
	uint8_t frame[SMAPPEE_FRAME_MAX_MODBUS];
	struct modbus_request rq;
	u16 regs[HEAD + 2 * INPUTS];

	assert_int_equal(modbus_read_registers(&rq, UNIT, SMAPPEE_REG_INPUT, HEAD + 2 * INPUTS), 0);
	memcpy(frame, rq.frame, rq.len);
	segment_request(&g, frame, rq.len, t, &reply);
	if (modbus_answer_check(&rq, reply.bytes, reply.len))
		return -EBADMSG;
	modbus_answer_registers(&rq, reply.bytes, regs);
	reading.epoch = regs[SMAPPEE_REG_INPUT_EPOCH - SMAPPEE_REG_INPUT];
	for (unsigned int i = 0; i < INPUTS; i++) {
		reading.count = modbus_u32(&regs[HEAD + 2 * i]);
		smappee_pulse_update(&pulse[i], &reading);
	}
	return 0;
}

static void trouble(enum fault_kind kind, double rate, double value, double t)
{
	struct fault_rule rule = {
		.kind = kind, .unit = UNIT, .rate = rate, .count = -1, .value = value
	};

	assert_int_equal(segment_fault(&g, &rule, t), 0);
}

static void a_million_pulses_are_a_million_pulses(void **state)
{
	double end = PULSES / PULSE_HZ + 100, t = 0;
	uint64_t random = random_hash(4);
	u64 first[INPUTS], sum = 0;
	unsigned int good = 0, bad = 0, cuts = 0, restarts = 0;

	build();
	while (poll_once(t += 0.01) || !pulse[0].known)
		;
	for (unsigned int i = 0; i < INPUTS; i++)
		first[i] = pulse[i].count;
	trouble(FAULT_BIT_ERRORS, 2e-4, 0, 0);
	trouble(FAULT_DROP, 0.01, 0, 0);
	trouble(FAULT_TRUNCATE, 0.01, 0, 0);
	trouble(FAULT_WRONG_UNIT, 0.01, 0, 0);
	for (; t < end; t += POLL_S) {
		double dice = random_unit(&random);

		if (dice < 0.001 && ++cuts)
			trouble(FAULT_SILENT, 1, 1 + 5000 * dice * 10, t);
		/* shorter than a pulse and than a pause between two */
		if (dice > 0.999 && ++restarts)
			module_power(&g.module[0], t, t + 0.05);
		if (poll_once(t))
			bad++;
		else
			good++;
	}
	fault_clear(&g.faults);
	g.module[0].silent_until = 0;
	assert_int_equal(poll_once(end + 1), 0);
	assert_int_equal(poll_once(end + 2), 0);
	for (unsigned int i = 0; i < INPUTS; i++) {
		const struct contact *c = &g.module[0].io->contacts.contact[i];

		assert_int_equal(c->closings, PULSES);
		assert_int_equal(c->counted, PULSES);
		assert_int_equal(pulse[i].count - first[i], PULSES);
		sum += pulse[i].count - first[i];
	}
	assert_int_equal(sum, 1000000);
	print_message("%u good polls, %u bad ones, %u cables out, %u restarts, %llu bits wrong\n",
		      good, bad, cuts, restarts,
		      (unsigned long long)g.faults.done[FAULT_BIT_ERRORS]);
	assert_true(bad > 1000 && cuts > 50 && restarts > 50);
	segment_free(&g);
}

static void take(struct smappee_pulse *p, int want, u16 epoch, u32 count, s64 time_ms)
{
	struct smappee_reading reading = { .epoch = epoch, .count = count, .time_ms = time_ms };

	assert_int_equal(smappee_pulse_update(p, &reading), want);
}

static void one_wrong_reading_changes_nothing(void **state)
{
	struct smappee_pulse p = { 0 };

	take(&p, -EAGAIN, 7, 100, 0);
	take(&p, 0, 7, 101, 25);
	assert_int_equal(p.count, 101);
	take(&p, -EAGAIN, 7, 101 ^ 0x80000000, 50);
	assert_int_equal(p.count, 101);
	take(&p, 0, 7, 102, 75);
	assert_int_equal(p.count, 102);
	/* a counter does not go back by one, either: that would be 2^32 - 1 pulses */
	take(&p, -EAGAIN, 7, 101, 100);
	take(&p, -EAGAIN, 9, 102, 125);
	take(&p, 0, 7, 103, 150);
	assert_int_equal(p.count, 103);
}

static void a_wrap_and_a_long_silence_are_counted(void **state)
{
	struct smappee_pulse p = { 0 };

	take(&p, -EAGAIN, 7, UINT32_MAX, 0);
	take(&p, 0, 7, UINT32_MAX, 25);
	take(&p, 0, 7, 5, 50);
	assert_int_equal(p.count, 1ull + UINT32_MAX + 5);
	take(&p, 0, 7, 3600005, 50 + 3600000);
	assert_int_equal(p.count, 1ull + UINT32_MAX + 3600005);
}

static void a_new_epoch_begins_where_the_module_does(void **state)
{
	struct smappee_pulse p = { 0 };

	take(&p, -EAGAIN, 7, 1000, 0);
	take(&p, 0, 7, 1000, 25);
	take(&p, -EAGAIN, 8, 2, 50);
	take(&p, 0, 8, 3, 75);
	assert_int_equal(p.count, 3);
	assert_int_equal(p.last.epoch, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_pulses_are_a_million_pulses),
		cmocka_unit_test(one_wrong_reading_changes_nothing),
		cmocka_unit_test(a_wrap_and_a_long_silence_are_counted),
		cmocka_unit_test(a_new_epoch_begins_where_the_module_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
