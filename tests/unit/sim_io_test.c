// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of input and output modules: what is out of range is refused with its exception,
 * and changes nothing.
 */
#include "io.h"

#include <linux/smappee.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define BLOCK 64

static struct scenario_module built;
static struct io *io;

static void build(uint16_t type, unsigned int channels)
{
	memset(&built, 0, sizeof(built));
	built.type = type;
	built.unit = 9;
	built.serial = 100901;
	built.channels = channels;
	built.fw_major = 1;
	io = io_new(&built);
	assert_non_null(io);
}

static int remove_module(void **state)
{
	free(io);
	io = NULL;
	return 0;
}

/**
 * struct bad - a request that is refused
 * @address: first register
 * @count: of registers
 * @value: of each, of a write
 * @exception: the answer
 */
struct bad {
	unsigned int address;
	unsigned int count;
	uint16_t value;
	uint8_t exception;
};

static void reads_are_refused(const struct bad *bad, size_t n)
{
	uint16_t values[BLOCK * 4];

	for (size_t k = 0; k < n; k++)
		if (io_read(io, 1, bad[k].address, bad[k].count, values) != bad[k].exception)
			fail_msg("read of %u at 0x%x: exception %u", bad[k].count, bad[k].address,
				 io_read(io, 1, bad[k].address, bad[k].count, values));
}

/* And the block at @begin is as it was. */
static void writes_are_refused(const struct bad *bad, size_t n, unsigned int begin,
			       unsigned int count)
{
	uint16_t before[BLOCK], after[BLOCK], values[BLOCK];

	assert_int_equal(io_read(io, 1, begin, count, before), 0);
	for (size_t k = 0; k < n; k++) {
		for (unsigned int i = 0; i < BLOCK; i++)
			values[i] = bad[k].value;
		if (io_write(io, 1, bad[k].address, bad[k].count, values) != bad[k].exception)
			fail_msg("write of %u x %u at 0x%x: not exception %u", bad[k].count,
				 bad[k].value, bad[k].address, bad[k].exception);
		assert_int_equal(io_read(io, 1, begin, count, after), 0);
		assert_memory_equal(before, after, count * sizeof(*before));
	}
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void an_input_module_refuses_what_is_out_of_range(void **state)
{
	static const struct bad reads[] = {
		{ SMAPPEE_REG_INPUT - 1, 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_INPUT_EDGE + 4 * SMAPPEE_EDGES, 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_OUTPUT, 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ 0xffff, 2, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_INPUT, 0, 0, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_INPUT, 126, 0, SMAPPEE_EX_ILLEGAL_VALUE },
	};
	static const struct bad writes[] = {
		{ SMAPPEE_REG_INPUT_CLOSED, 1, SMAPPEE_INPUT_DEBOUNCE_MAX + 1,
		  SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_INPUT_OPEN + 3, 1, 0xffff, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_INPUT_CLOSED + 3, 2, 5, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_INPUT_COUNT, 1, 5, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_INPUT_LEVELS, 1, 5, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_OUTPUT_SWITCH, 1, 0x0101, SMAPPEE_EX_ILLEGAL_ADDRESS },
	};

	build(SMAPPEE_TYPE_OPEN_INPUT, 4);
	reads_are_refused(reads, COUNT(reads));
	writes_are_refused(writes, COUNT(writes), SMAPPEE_REG_INPUT_CLOSED, 4);
}

static void an_output_module_refuses_what_is_out_of_range(void **state)
{
	static const struct bad reads[] = {
		{ SMAPPEE_REG_OUTPUT - 1, 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_OUTPUT, SMAPPEE_REG_OUTPUT_COUNT + 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_INPUT, 1, 0, SMAPPEE_EX_ILLEGAL_ADDRESS },
	};
	static const struct bad writes[] = {
		/* a relay that does not exist, to be switched, or as a state */
		{ SMAPPEE_REG_OUTPUT_SWITCH, 1, 0x0404, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_OUTPUT_SAFE, 1, 0x0004, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_OUTPUT_START, 1, 0x8000, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_OUTPUT_HEARTBEAT, 1, 0, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_OUTPUT_HEARTBEAT, 1, 2, SMAPPEE_EX_ILLEGAL_VALUE },
		{ SMAPPEE_REG_OUTPUT_RELAYS, 1, 1, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_OUTPUT_CAUSE, 1, 1, SMAPPEE_EX_ILLEGAL_ADDRESS },
		{ SMAPPEE_REG_OUTPUT + SMAPPEE_REG_OUTPUT_COUNT, 1, 1, SMAPPEE_EX_ILLEGAL_ADDRESS },
		/* one good and one bad: none */
		{ SMAPPEE_REG_OUTPUT_TIMEOUT, 2, 7, SMAPPEE_EX_ILLEGAL_VALUE },
	};

	build(SMAPPEE_TYPE_OPEN_OUTPUT, 2);
	reads_are_refused(reads, COUNT(reads));
	writes_are_refused(writes, COUNT(writes), SMAPPEE_REG_OUTPUT, SMAPPEE_REG_OUTPUT_COUNT);
}

static void in_the_fail_safe_state_a_switch_is_refused_until_a_heartbeat(void **state)
{
	const uint16_t timeout = 2, on = 0x0101, beat = 1;
	uint16_t relays;

	build(SMAPPEE_TYPE_OPEN_OUTPUT, 2);
	assert_int_equal(io_write(io, 1, SMAPPEE_REG_OUTPUT_TIMEOUT, 1, &timeout), 0);
	assert_int_equal(io_write(io, 2, SMAPPEE_REG_OUTPUT_SWITCH, 1, &on), 0);
	assert_int_equal(io_read(io, 2, SMAPPEE_REG_OUTPUT_RELAYS, 1, &relays), 0);
	assert_int_equal(relays, 1);
	assert_int_equal(io_write(io, 10, SMAPPEE_REG_OUTPUT_SWITCH, 1, &on), SMAPPEE_EX_BUSY);
	assert_int_equal(io_read(io, 10, SMAPPEE_REG_OUTPUT_RELAYS, 1, &relays), 0);
	assert_int_equal(relays, 0);
	assert_int_equal(io_write(io, 11, SMAPPEE_REG_OUTPUT_HEARTBEAT, 1, &beat), 0);
	assert_int_equal(io_write(io, 11, SMAPPEE_REG_OUTPUT_SWITCH, 1, &on), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_input_module_refuses_what_is_out_of_range,
					  remove_module),
		cmocka_unit_test_teardown(an_output_module_refuses_what_is_out_of_range,
					  remove_module),
		cmocka_unit_test_teardown(
			in_the_fail_safe_state_a_switch_is_refused_until_a_heartbeat,
			remove_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
