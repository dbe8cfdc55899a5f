// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of the wire protocol. The check sums are computed with tables made at
 * first use; everything else is plain stores and loads.
 */
#include "frame.h"

#include <linux/smappee.h>

struct crc_tables {
	bool ready;
	uint16_t crc16[256];
	uint32_t crc32[256];
};

static struct crc_tables tables;

static uint32_t reflected(uint32_t value, uint32_t polynomial)
{
	for (int bit = 0; bit < 8; bit++)
		value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
	return value;
}

static const struct crc_tables *crc_tables(void)
{
	if (tables.ready)
		return &tables;
	for (uint32_t i = 0; i < 256; i++) {
		tables.crc16[i] = (uint16_t)reflected(i, 0xa001);
		tables.crc32[i] = reflected(i, 0xedb88320);
	}
	tables.ready = true;
	return &tables;
}

/* Modbus CRC: reflected 0x8005, seed 0xffff. */
static uint16_t crc16(const uint8_t *bytes, size_t len)
{
	const struct crc_tables *t = crc_tables();
	uint16_t crc = 0xffff;

	while (len--)
		crc = (uint16_t)(crc >> 8) ^ t->crc16[(crc ^ *bytes++) & 0xff];
	return crc;
}

uint32_t frame_crc32(const uint8_t *bytes, size_t len)
{
	const struct crc_tables *t = crc_tables();
	uint32_t crc = 0xffffffff;

	while (len--)
		crc = crc >> 8 ^ t->crc32[(crc ^ *bytes++) & 0xff];
	return ~crc;
}

void frame_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void frame_put32(uint8_t *at, uint32_t value)
{
	frame_put16(at, (uint16_t)(value >> 16));
	frame_put16(at + 2, (uint16_t)value);
}

uint16_t frame_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t frame_get32(const uint8_t *at)
{
	return (uint32_t)frame_get16(at) << 16 | frame_get16(at + 2);
}

size_t frame_seal(uint8_t *frame, size_t len)
{
	uint16_t crc = crc16(frame, len);

	frame[len] = (uint8_t)crc;
	frame[len + 1] = (uint8_t)(crc >> 8);
	return len + 2;
}

bool frame_intact(const uint8_t *frame, size_t len)
{
	if (len < SMAPPEE_FRAME_MIN)
		return false;
	return crc16(frame, len - 2) == (frame[len - 2] | frame[len - 1] << 8);
}

size_t frame_request_length(const uint8_t *head, size_t len)
{
	if (len < 2)
		return 0;
	switch (head[1]) {
	case SMAPPEE_FC_READ_REGISTERS:
		return 8;
	case SMAPPEE_FC_WRITE_REGISTERS:
		return len < 7 ? 0 : 9u + head[6];
	case SMAPPEE_FC_READ_SAMPLES:
		return SMAPPEE_SAMPLES_REQ_LEN;
	case SMAPPEE_FC_SYNC:
		return SMAPPEE_SYNC_REQ_LEN;
	case SMAPPEE_FC_DISCOVER:
		return SMAPPEE_DISCOVER_LEN;
	default:
		return FRAME_LENGTH_UNKNOWN;
	}
}

size_t frame_exception(uint8_t *out, uint8_t unit, uint8_t function, uint8_t code)
{
	out[0] = unit;
	out[1] = function | SMAPPEE_FC_EXCEPTION;
	out[2] = code;
	return frame_seal(out, 3);
}

size_t frame_sync_answer(uint8_t *out, uint8_t unit, uint8_t seq, uint8_t boot, uint32_t index,
			 uint32_t phase, uint16_t rate)
{
	out[0] = unit;
	out[1] = SMAPPEE_FC_SYNC;
	out[SMAPPEE_SYNC_SEQ] = seq;
	out[SMAPPEE_SYNC_BOOT] = boot;
	frame_put32(out + SMAPPEE_SYNC_INDEX, index);
	frame_put32(out + SMAPPEE_SYNC_PHASE, phase);
	frame_put16(out + SMAPPEE_SYNC_RATE, rate);
	return frame_seal(out, SMAPPEE_SYNC_LEN - 2);
}

size_t frame_discover_answer(uint8_t *out, uint8_t from, const uint8_t *request, uint16_t type,
			     uint32_t serial)
{
	out[0] = from;
	out[1] = SMAPPEE_FC_DISCOVER;
	out[SMAPPEE_DISCOVER_OPERATION] =
		request[SMAPPEE_DISCOVER_OPERATION] | SMAPPEE_DISCOVER_ANSWER;
	out[SMAPPEE_DISCOVER_UNIT] = request[SMAPPEE_DISCOVER_UNIT];
	out[SMAPPEE_DISCOVER_BITS] = request[SMAPPEE_DISCOVER_BITS];
	out[SMAPPEE_DISCOVER_RESERVED] = 0;
	frame_put16(out + SMAPPEE_DISCOVER_TYPE, type);
	frame_put32(out + SMAPPEE_DISCOVER_SERIAL, serial);
	return frame_seal(out, SMAPPEE_DISCOVER_LEN - 2);
}

size_t frame_registers_answer(uint8_t *out, uint8_t unit, const uint16_t *values,
			      unsigned int count)
{
	out[0] = unit;
	out[1] = SMAPPEE_FC_READ_REGISTERS;
	out[2] = (uint8_t)(2 * count);
	for (unsigned int i = 0; i < count; i++)
		frame_put16(out + 3 + 2 * i, values[i]);
	return frame_seal(out, 3 + 2 * (size_t)count);
}

size_t frame_written_answer(uint8_t *out, uint8_t unit, uint16_t address, uint16_t count)
{
	out[0] = unit;
	out[1] = SMAPPEE_FC_WRITE_REGISTERS;
	frame_put16(out + 2, address);
	frame_put16(out + 4, count);
	return frame_seal(out, 6);
}
