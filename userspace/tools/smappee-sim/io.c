// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of input and output modules.
 */
#include "io.h"

#include <math.h>
#include <stdlib.h>

bool io_is(uint16_t type)
{
	return type == SMAPPEE_TYPE_OPEN_INPUT || type == SMAPPEE_TYPE_OPEN_OUTPUT;
}

static bool has_inputs(const struct io *io)
{
	return io->built->type == SMAPPEE_TYPE_OPEN_INPUT;
}

struct io *io_new(const struct scenario_module *built)
{
	struct io *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->built = built;
	io->serial = built->serial;
	if (has_inputs(io))
		contacts_init(&io->contacts, built);
	else
		relays_init(&io->relays, built->channels);
	return io;
}

bool io_knows(uint8_t function)
{
	return function == SMAPPEE_FC_READ_REGISTERS || function == SMAPPEE_FC_WRITE_REGISTERS;
}

void io_power(struct io *io, double off, double on)
{
	io->boot++;
	io->started = on;
	if (has_inputs(io))
		contacts_power(&io->contacts, off, on);
	else
		relays_power(&io->relays, off, on);
}

static uint16_t identity(const struct io *io, double t, unsigned int address)
{
	uint32_t uptime = (uint32_t)fmax(t - io->started, 0);

	switch (address) {
	case SMAPPEE_REG_TYPE:
		return io->built->type;
	case SMAPPEE_REG_SLOTS:
		return (uint16_t)io->built->channels;
	case SMAPPEE_REG_SERIAL:
		return (uint16_t)io->serial;
	case SMAPPEE_REG_SERIAL + 1:
		return (uint16_t)(io->serial >> 16);
	case SMAPPEE_REG_FW_MINOR:
		return io->built->fw_minor;
	case SMAPPEE_REG_FW_MAJOR:
		return io->built->fw_major;
	case SMAPPEE_REG_STATUS:
		return !has_inputs(io) && io->relays.in_force ? SMAPPEE_WORD_FAIL_SAFE : 0;
	case SMAPPEE_REG_UPTIME:
		return (uint16_t)uptime;
	case SMAPPEE_REG_UPTIME + 1:
		return (uint16_t)(uptime >> 16);
	default:
		return 0;
	}
}

static bool within(unsigned int address, unsigned int count, unsigned int start, unsigned int end)
{
	return address >= start && address + count <= end;
}

static bool in_block(const struct io *io, unsigned int address, unsigned int count)
{
	return has_inputs(io) ? within(address, count, SMAPPEE_REG_INPUT, SMAPPEE_REG_INPUT_END)
			      : within(address, count, SMAPPEE_REG_OUTPUT,
				       SMAPPEE_REG_OUTPUT + SMAPPEE_REG_OUTPUT_COUNT);
}

static void advance(struct io *io, double t)
{
	if (has_inputs(io))
		contacts_advance(&io->contacts, t);
	else
		relays_advance(&io->relays, t);
}

uint8_t io_read(struct io *io, double t, unsigned int address, unsigned int count, uint16_t *values)
{
	bool who = within(address, count, SMAPPEE_REG_IDENTITY,
			  SMAPPEE_REG_IDENTITY + SMAPPEE_REG_IDENTITY_COUNT);

	if (!count || count > SMAPPEE_REGS_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	if (!who && !in_block(io, address, count))
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	advance(io, t);
	for (unsigned int i = 0; i < count; i++)
		values[i] = who ? identity(io, t, address + i)
			    : has_inputs(io)
				    ? contacts_read(&io->contacts, t, io->boot, address + i)
				    : relays_read(&io->relays, t, io->boot, address + i);
	return 0;
}

static uint8_t write_one(struct io *io, double t, unsigned int address, uint16_t value, bool check)
{
	if (!in_block(io, address, 1))
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	return has_inputs(io) ? contacts_write(&io->contacts, address, value, check)
			      : relays_write(&io->relays, t, address, value, check);
}

uint8_t io_write(struct io *io, double t, unsigned int address, unsigned int count,
		 const uint16_t *values)
{
	uint8_t code = 0;

	advance(io, t);
	for (unsigned int i = 0; i < count && !code; i++)
		code = write_one(io, t, address + i, values[i], true);
	for (unsigned int i = 0; i < count && !code; i++)
		write_one(io, t, address + i, values[i], false);
	return code;
}
