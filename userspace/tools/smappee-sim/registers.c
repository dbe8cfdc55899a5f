// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register map: identity, waveform and channel blocks.
 */
#include "registers.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define RATES (SMAPPEE_RATES_2000 | SMAPPEE_RATES_4000 | SMAPPEE_RATES_8000)
#define FORMATS_16 (1u << SMAPPEE_FORMAT_S16 | 1u << SMAPPEE_FORMAT_S16_PACKED)
#define FORMATS_24 (1u << SMAPPEE_FORMAT_S24 | 1u << SMAPPEE_FORMAT_S24_PACKED)
#define CHANNEL_COUNT (SMAPPEE_CHANNELS_MAX * SMAPPEE_REG_CHANNEL_STRIDE)

/* "Saturated now" means within so many seconds. */
#define SATURATED_S 1

static void put_low_first(uint16_t *at, uint32_t value)
{
	at[0] = (uint16_t)value;
	at[1] = (uint16_t)(value >> 16);
}

static bool saturated_now(const struct module *m, double t)
{
	return m->saturated_at >= 0 &&
	       module_position(m, t).index - m->saturated_at < (int64_t)m->rate_hz * SATURATED_S;
}

static void identity_block(struct module *m, double t, uint16_t *block)
{
	const struct scenario_module *b = m->built;
	uint8_t state = module_sync_state(m, t);
	uint32_t status = 0;

	if (state == SMAPPEE_SYNC_LOCKED || state == SMAPPEE_SYNC_REFERENCE)
		status |= 1u << 0;
	if (saturated_now(m, t))
		status |= 1u << 1;
	block[SMAPPEE_REG_TYPE - SMAPPEE_REG_IDENTITY] = b->type;
	block[SMAPPEE_REG_SLOTS - SMAPPEE_REG_IDENTITY] = (uint16_t)b->channels;
	put_low_first(block + SMAPPEE_REG_SERIAL - SMAPPEE_REG_IDENTITY, m->serial);
	block[SMAPPEE_REG_FW_MINOR - SMAPPEE_REG_IDENTITY] = b->fw_minor;
	block[SMAPPEE_REG_FW_MAJOR - SMAPPEE_REG_IDENTITY] = b->fw_major;
	put_low_first(block + SMAPPEE_REG_STATUS - SMAPPEE_REG_IDENTITY, status);
	put_low_first(block + SMAPPEE_REG_UPTIME - SMAPPEE_REG_IDENTITY,
		      (uint32_t)fmax(t - m->started, 0));
}

static uint16_t formats(const struct module *m)
{
	switch (m->built->bits) {
	case 16:
		return FORMATS_16;
	case 24:
		return FORMATS_24;
	default:
		return FORMATS_16 | FORMATS_24;
	}
}

static uint32_t offset_ns(const struct module *m)
{
	double ns = fmin(fmax(m->offset_s * 1e9, INT32_MIN), INT32_MAX);

	return m->reference ? 0 : (uint32_t)(int32_t)lrint(ns);
}

static void waveform_block(struct module *m, double t, uint16_t *block)
{
	block[SMAPPEE_REG_PROTOCOL - SMAPPEE_REG_WAVEFORM] = SMAPPEE_PROTOCOL_VERSION;
	block[SMAPPEE_REG_RATE - SMAPPEE_REG_WAVEFORM] = (uint16_t)m->rate_hz;
	block[SMAPPEE_REG_RATES - SMAPPEE_REG_WAVEFORM] = RATES;
	block[SMAPPEE_REG_FORMAT - SMAPPEE_REG_WAVEFORM] = m->format;
	block[SMAPPEE_REG_FORMATS - SMAPPEE_REG_WAVEFORM] = formats(m);
	block[SMAPPEE_REG_DEPTH - SMAPPEE_REG_WAVEFORM] = (uint16_t)m->depth;
	block[SMAPPEE_REG_CHANNELS - SMAPPEE_REG_WAVEFORM] = (uint16_t)m->built->channels;
	block[SMAPPEE_REG_SYNC_STATE - SMAPPEE_REG_WAVEFORM] = module_sync_state(m, t);
	put_low_first(block + SMAPPEE_REG_SYNC_OFFSET - SMAPPEE_REG_WAVEFORM, offset_ns(m));
	block[SMAPPEE_REG_BOOT - SMAPPEE_REG_WAVEFORM] = m->boot;
	block[SMAPPEE_REG_REFERENCE - SMAPPEE_REG_WAVEFORM] = m->reference;
}

static void channel_block(const struct module *m, uint16_t *block)
{
	bool voltage = m->built->type == SMAPPEE_TYPE_OPEN_VOLTAGE;

	for (unsigned int c = 0; c < m->built->channels; c++) {
		uint16_t *at = block + SMAPPEE_REG_CHANNEL_STRIDE * c;

		at[SMAPPEE_CHANNEL_KIND] = voltage ? SMAPPEE_KIND_VOLTAGE : SMAPPEE_KIND_CURRENT;
		at[SMAPPEE_CHANNEL_SENSOR] = voltage ? 0 : m->built->sensor;
		put_low_first(at + SMAPPEE_CHANNEL_SCALE, m->scale_nano[c]);
	}
}

static bool within(unsigned int address, unsigned int count, unsigned int start, unsigned int size)
{
	return address >= start && address + count <= start + size;
}

uint8_t registers_read(struct module *m, double t, unsigned int address, unsigned int count,
		       uint16_t *values)
{
	uint16_t block[CHANNEL_COUNT] = { 0 };
	unsigned int start;

	if (!count || count > SMAPPEE_REGS_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	if (within(address, count, SMAPPEE_REG_IDENTITY, SMAPPEE_REG_IDENTITY_COUNT)) {
		start = SMAPPEE_REG_IDENTITY;
		identity_block(m, t, block);
	} else if (within(address, count, SMAPPEE_REG_WAVEFORM, SMAPPEE_REG_WAVEFORM_COUNT)) {
		start = SMAPPEE_REG_WAVEFORM;
		waveform_block(m, t, block);
	} else if (within(address, count, SMAPPEE_REG_CHANNEL, CHANNEL_COUNT)) {
		start = SMAPPEE_REG_CHANNEL;
		channel_block(m, block);
	} else {
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
	memcpy(values, block + (address - start), count * sizeof(*values));
	return 0;
}

static uint8_t check(const struct module *m, unsigned int address, uint16_t value)
{
	bool good;

	switch (address) {
	case SMAPPEE_REG_RATE:
		good = value == 2000 || value == 4000 || value == 8000;
		break;
	case SMAPPEE_REG_FORMAT:
		good = value < 16 && formats(m) >> value & 1;
		break;
	case SMAPPEE_REG_REFERENCE:
		good = value == 0 || (value == 1 && m->built->type == SMAPPEE_TYPE_OPEN_VOLTAGE);
		break;
	default:
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
	return good ? 0 : SMAPPEE_EX_ILLEGAL_VALUE;
}

static uint8_t apply(struct module *m, double t, unsigned int address, uint16_t value)
{
	switch (address) {
	case SMAPPEE_REG_RATE:
		return module_set_rate(m, value, t) ? SMAPPEE_EX_DEVICE_FAILURE : 0;
	case SMAPPEE_REG_FORMAT:
		m->format = (uint8_t)value;
		return 0;
	default:
		module_set_reference(m, value, t);
		return 0;
	}
}

uint8_t registers_write(struct module *m, double t, unsigned int address, unsigned int count,
			const uint16_t *values)
{
	uint8_t code = 0;

	for (unsigned int i = 0; i < count && !code; i++)
		code = check(m, address + i, values[i]);
	for (unsigned int i = 0; i < count && !code; i++)
		code = apply(m, t, address + i, values[i]);
	return code;
}
