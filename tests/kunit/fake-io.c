// SPDX-License-Identifier: GPL-2.0
/*
 * What input and output modules of the fake segment say, written from
 * protocol.rst alone.
 */

#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>

#include "fake-io.h"
#include "fake-line.h"

u16 *fake_io_reg(struct fake_module *module, u16 address)
{
	return &module->io->reg[address - FAKE_IO_FIRST];
}

static u16 peek(const struct fake_module *module, u16 address)
{
	return module->io->reg[address - FAKE_IO_FIRST];
}

static u32 get32(struct fake_module *module, u16 address)
{
	return peek(module, address) | (u32)peek(module, address + 1) << 16;
}

static void set32(struct fake_module *module, u16 address, u32 value)
{
	*fake_io_reg(module, address) = lower_16_bits(value);
	*fake_io_reg(module, address + 1) = upper_16_bits(value);
}

static u32 clock_ms(const struct fake_module *module)
{
	return div_u64(ktime_get_ns() - module->start_ns, NSEC_PER_MSEC);
}

static struct fake_module *fake_io_new(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_hub(line, unit, serial);

	module->io = kunit_kzalloc(line->test, sizeof(*module->io), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(line->test, module->io);
	/* It has an identity in common with a hub, and no sample clock. */
	module->protocol = 0;
	module->sync_state = SMAPPEE_SYNC_FREE;
	return module;
}

struct fake_module *fake_input(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_io_new(line, unit, serial);

	module->type = SMAPPEE_TYPE_OPEN_INPUT;
	module->channels = 4;
	*fake_io_reg(module, SMAPPEE_REG_INPUT_EPOCH) = 4711;
	for (unsigned int i = 0; i < 4; i++) {
		*fake_io_reg(module, SMAPPEE_REG_INPUT_CLOSED + i) = SMAPPEE_INPUT_DEBOUNCE;
		*fake_io_reg(module, SMAPPEE_REG_INPUT_OPEN + i) = SMAPPEE_INPUT_DEBOUNCE;
	}
	return module;
}

struct fake_module *fake_output(struct fake_line *line, u8 unit, u32 serial)
{
	struct fake_module *module = fake_io_new(line, unit, serial);

	module->type = SMAPPEE_TYPE_OPEN_OUTPUT;
	module->channels = 2;
	return module;
}

void fake_input_edge(struct fake_line *line, struct fake_module *module, unsigned int input,
		     bool closed)
{
	u16 *levels = fake_io_reg(module, SMAPPEE_REG_INPUT_LEVELS);
	u32 number = get32(module, SMAPPEE_REG_INPUT_EDGES);
	u16 at = SMAPPEE_REG_INPUT_EDGE + number % SMAPPEE_EDGES * SMAPPEE_EDGE_STRIDE;

	spin_lock(&line->lock);
	*levels = closed ? *levels | BIT(input) : *levels & ~BIT(input);
	set32(module, at + SMAPPEE_EDGE_TIME, clock_ms(module));
	*fake_io_reg(module, at + SMAPPEE_EDGE_WHAT) = input | (closed ? SMAPPEE_EDGE_CLOSED : 0);
	*fake_io_reg(module, at + SMAPPEE_EDGE_NUMBER) = number;
	set32(module, SMAPPEE_REG_INPUT_EDGES, number + 1);
	if (closed)
		set32(module, SMAPPEE_REG_INPUT_COUNT + 2 * input,
		      get32(module, SMAPPEE_REG_INPUT_COUNT + 2 * input) + 1);
	spin_unlock(&line->lock);
}

void fake_input_pulses(struct fake_line *line, struct fake_module *module, unsigned int input,
		       u32 pulses)
{
	u16 at = SMAPPEE_REG_INPUT_COUNT + 2 * input;

	spin_lock(&line->lock);
	set32(module, at, get32(module, at) + pulses);
	spin_unlock(&line->lock);
}

void fake_io_restart(struct fake_line *line, struct fake_module *module)
{
	spin_lock(&line->lock);
	module->start_ns = ktime_get_ns();
	memset(module->led, 0, sizeof(module->led));
	if (module->type == SMAPPEE_TYPE_OPEN_INPUT) {
		++*fake_io_reg(module, SMAPPEE_REG_INPUT_BOOT);
		set32(module, SMAPPEE_REG_INPUT_EDGES, 0);
	} else {
		++*fake_io_reg(module, SMAPPEE_REG_OUTPUT_BOOT);
		*fake_io_reg(module, SMAPPEE_REG_OUTPUT_RELAYS) =
			peek(module, SMAPPEE_REG_OUTPUT_START) & 3;
		*fake_io_reg(module, SMAPPEE_REG_OUTPUT_CAUSE) = SMAPPEE_CAUSE_RESTART;
		module->io->beat_ns = module->start_ns;
	}
	spin_unlock(&line->lock);
}

/* The fail-safe state, if it is time for it. */
static void output_advance(const struct fake_module *module)
{
	u16 *reg = module->io->reg;
	u16 timeout = peek(module, SMAPPEE_REG_OUTPUT_TIMEOUT);
	u16 safe = peek(module, SMAPPEE_REG_OUTPUT_SAFE);
	u16 *relays = &reg[SMAPPEE_REG_OUTPUT_RELAYS - FAKE_IO_FIRST];
	u16 keep = safe >> SMAPPEE_RELAY_STAYS;
	u64 end_ns = module->io->beat_ns + timeout * NSEC_PER_SEC;
	u64 now = ktime_get_ns();

	if (module->type != SMAPPEE_TYPE_OPEN_OUTPUT)
		return;
	reg[SMAPPEE_REG_OUTPUT_LEFT - FAKE_IO_FIRST] =
		timeout && now < end_ns ? DIV_ROUND_UP_ULL(end_ns - now, NSEC_PER_SEC) : 0;
	if (!timeout || now < end_ns || peek(module, SMAPPEE_REG_OUTPUT_IN_FORCE))
		return;
	reg[SMAPPEE_REG_OUTPUT_IN_FORCE - FAKE_IO_FIRST] = 1;
	reg[SMAPPEE_REG_OUTPUT_CAUSE - FAKE_IO_FIRST] = SMAPPEE_CAUSE_FAIL_SAFE;
	*relays = (*relays & keep) | (safe & ~keep & 3);
}

bool fake_io_register(const struct fake_module *module, u16 address, u16 *value)
{
	bool input = module->type == SMAPPEE_TYPE_OPEN_INPUT;
	u16 first = input ? SMAPPEE_REG_INPUT : SMAPPEE_REG_OUTPUT;
	u16 end = input ? SMAPPEE_REG_INPUT_END : FAKE_IO_END;

	if (address < first || address >= end)
		return false;
	output_advance(module);
	*value = peek(module, address);
	if (address == SMAPPEE_REG_INPUT_CLOCK)
		*value = lower_16_bits(clock_ms(module));
	if (address == SMAPPEE_REG_INPUT_CLOCK + 1)
		*value = upper_16_bits(clock_ms(module));
	return true;
}

static u8 input_write(struct fake_module *module, u16 address, u16 value)
{
	if (address < SMAPPEE_REG_INPUT_CLOSED || address >= SMAPPEE_REG_INPUT_OPEN + 4)
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	if (value > SMAPPEE_INPUT_DEBOUNCE_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	*fake_io_reg(module, address) = value;
	return 0;
}

static void output_beat(struct fake_module *module)
{
	module->io->beat_ns = ktime_get_ns();
	*fake_io_reg(module, SMAPPEE_REG_OUTPUT_IN_FORCE) = 0;
}

u8 fake_io_write(struct fake_module *module, u16 address, u16 value)
{
	u16 those = value & 3;
	u16 *relays;

	if (module->type == SMAPPEE_TYPE_OPEN_INPUT)
		return input_write(module, address, value);
	relays = fake_io_reg(module, SMAPPEE_REG_OUTPUT_RELAYS);
	output_advance(module);
	switch (address) {
	case SMAPPEE_REG_OUTPUT_SWITCH:
		if (peek(module, SMAPPEE_REG_OUTPUT_IN_FORCE))
			return SMAPPEE_EX_BUSY;
		*relays = (*relays & ~those) | (value >> SMAPPEE_RELAY_STAYS & those);
		*fake_io_reg(module, SMAPPEE_REG_OUTPUT_CAUSE) = SMAPPEE_CAUSE_HOST;
		module->io->switches++;
		return 0;
	case SMAPPEE_REG_OUTPUT_HEARTBEAT:
		if (value != 1)
			return SMAPPEE_EX_ILLEGAL_VALUE;
		module->io->beats++;
		output_beat(module);
		return 0;
	case SMAPPEE_REG_OUTPUT_TIMEOUT:
		output_beat(module);
		fallthrough;
	case SMAPPEE_REG_OUTPUT_SAFE:
	case SMAPPEE_REG_OUTPUT_START:
		*fake_io_reg(module, address) = value;
		return 0;
	default:
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
}
