// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The read side of the register map: a table of arrays with start, stride and a
 * function that gives the 32 bits of one item. All 32-bit values have the low
 * word first.
 */
#include "box-registers.h"

#include <math.h>
#include <string.h>

/* IEEE 754 single; adding 0 makes minus zero a plain one. */
static uint32_t f32(double value)
{
	float single = (float)value + 0.0f;
	uint32_t bits;

	memcpy(&bits, &single, sizeof(bits));
	return bits;
}

/* Whole Wh, of those that are full; wraps as a 32-bit counter does. */
static uint32_t s32(double wh)
{
	return (uint32_t)(int64_t)floor(wh);
}

static uint32_t voltage(const struct power_box *b, unsigned int phase)
{
	return f32(b->meter.voltage_v[phase]);
}

static uint32_t current(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].i_a);
}

static uint32_t active(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].p_w);
}

static uint32_t active_1(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].p1_w);
}

static uint32_t reactive(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].q_var);
}

static uint32_t reactive_1(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].q1_var);
}

static uint32_t apparent(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].s_va);
}

static uint32_t apparent_1(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].s1_va);
}

static uint32_t active_100ms(const struct power_box *b, unsigned int channel)
{
	return f32(b->meter.channel[channel].fast_w);
}

static uint32_t meter_active(const struct power_box *b, unsigned int meter)
{
	return f32(b->meter.meter[meter].fast_w);
}

static uint32_t nominal(const struct power_box *b, unsigned int item)
{
	(void)item;
	return f32(box_meter_nominal(&b->meter));
}

static uint32_t frequency(const struct power_box *b, unsigned int item)
{
	(void)item;
	return f32(box_meter_frequency(&b->meter));
}

static uint32_t imported(const struct power_box *b, unsigned int channel)
{
	return s32(b->meter.channel[channel].import_wh);
}

static uint32_t exported(const struct power_box *b, unsigned int channel)
{
	return s32(b->meter.channel[channel].export_wh);
}

static uint32_t meter_imported(const struct power_box *b, unsigned int meter)
{
	return s32(b->meter.meter[meter].import_wh);
}

static uint32_t meter_exported(const struct power_box *b, unsigned int meter)
{
	return s32(b->meter.meter[meter].export_wh);
}

/* The head that the box and the entries of its table have in common. */
static uint16_t head(const struct scenario_module *m, uint32_t serial, unsigned int slots,
		     unsigned int offset)
{
	switch (offset) {
	case SMAPPEE_PB_ENTRY_TYPE:
		return m->type;
	case SMAPPEE_PB_ENTRY_SLOTS:
		return (uint16_t)slots;
	case SMAPPEE_PB_ENTRY_SERIAL:
		return (uint16_t)serial;
	case SMAPPEE_PB_ENTRY_SERIAL + 1:
		return (uint16_t)(serial >> 16);
	case SMAPPEE_PB_ENTRY_FW_MINOR:
		return m->fw_minor;
	case SMAPPEE_PB_ENTRY_FW_MAJOR:
		return m->fw_major;
	default:
		return 0;
	}
}

static uint32_t identity(const struct power_box *b, unsigned int offset)
{
	return head(&b->scenario->module[b->number], b->serial, 0, offset);
}

static const struct scenario_module *entry(const struct power_box *b, unsigned int number)
{
	for (unsigned int i = 0; i < b->scenario->modules; i++) {
		const struct scenario_module *m = &b->scenario->module[i];

		if (m->behind == b->number + 1 && m->entry == number)
			return m;
	}
	return NULL;
}

/* Input of the module whose slot number is at @offset; its channels if none. */
static unsigned int input_at(const struct scenario_module *m, unsigned int offset)
{
	unsigned int input = offset - SMAPPEE_PB_ENTRY_SLOT;

	if (input < SMAPPEE_PB_ENTRY_GAP)
		return input < m->channels ? input : m->channels;
	if (input == SMAPPEE_PB_ENTRY_GAP)
		return m->channels;
	return input - 1 < m->channels ? input - 1 : m->channels;
}

static uint32_t table(const struct power_box *b, unsigned int at)
{
	const struct scenario_module *m = entry(b, at / SMAPPEE_PB_ENTRY_STRIDE);
	unsigned int offset = at % SMAPPEE_PB_ENTRY_STRIDE, input;

	if (!m)
		return 0;
	if (offset < SMAPPEE_PB_ENTRY_SLOT)
		return head(m, m->serial, m->channels, offset);
	input = input_at(m, offset);
	return input < m->channels ? m->slot[input] : 0;
}

/**
 * struct array - values at equal distances
 * @start: address of the first
 * @stride: registers from one to the next
 * @count: how many
 * @words: registers of a value, 1 or 2
 * @get: gives the value with that number
 */
struct array {
	unsigned int start;
	unsigned int stride;
	unsigned int count;
	unsigned int words;
	uint32_t (*get)(const struct power_box *b, unsigned int number);
};

#define TABLE_REGISTERS (SMAPPEE_PB_ENTRIES * SMAPPEE_PB_ENTRY_STRIDE)
#define BY_CHANNEL(start, stride, get) { start, stride, SMAPPEE_PB_CHANNELS, 2, get }
#define BY_METER(start, stride, get) { start, stride, SMAPPEE_PB_METERS, 2, get }

static const struct array arrays[] = {
	{ SMAPPEE_PB_REG_VOLTAGE, SMAPPEE_PB_STRIDE, SMAPPEE_PB_PHASES, 2, voltage },
	BY_CHANNEL(SMAPPEE_PB_REG_CURRENT, SMAPPEE_PB_STRIDE, current),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE, SMAPPEE_PB_STRIDE, active),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE_1, SMAPPEE_PB_STRIDE, active_1),
	BY_CHANNEL(SMAPPEE_PB_REG_REACTIVE, SMAPPEE_PB_STRIDE, reactive),
	BY_CHANNEL(SMAPPEE_PB_REG_REACTIVE_1, SMAPPEE_PB_STRIDE, reactive_1),
	BY_CHANNEL(SMAPPEE_PB_REG_APPARENT, SMAPPEE_PB_STRIDE, apparent),
	BY_CHANNEL(SMAPPEE_PB_REG_APPARENT_1, SMAPPEE_PB_STRIDE, apparent_1),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE_100MS, SMAPPEE_PB_ACTIVE_100MS_STRIDE, active_100ms),
	BY_METER(SMAPPEE_PB_REG_METER_ACTIVE, SMAPPEE_PB_METER_ACTIVE_STRIDE, meter_active),
	{ SMAPPEE_PB_REG_NOMINAL, 2, 1, 2, nominal },
	{ SMAPPEE_PB_REG_FREQUENCY, 2, 1, 2, frequency },
	BY_CHANNEL(SMAPPEE_PB_REG_IMPORT, SMAPPEE_PB_ENERGY_STRIDE, imported),
	BY_CHANNEL(SMAPPEE_PB_REG_EXPORT, SMAPPEE_PB_ENERGY_STRIDE, exported),
	BY_METER(SMAPPEE_PB_REG_METER_IMPORT, SMAPPEE_PB_METER_ENERGY_STRIDE, meter_imported),
	BY_METER(SMAPPEE_PB_REG_METER_EXPORT, SMAPPEE_PB_METER_ENERGY_STRIDE, meter_exported),
	{ SMAPPEE_REG_IDENTITY, 1, SMAPPEE_REG_IDENTITY_COUNT, 1, identity },
	{ SMAPPEE_PB_REG_TABLE, 1, TABLE_REGISTERS, 1, table },
};

uint16_t box_register(const struct power_box *b, unsigned int address)
{
	uint16_t value = 0;

	if (box_settings_read(&b->settings, address, &value))
		return value;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		const struct array *a = &arrays[i];
		unsigned int number = (address - a->start) / a->stride;
		unsigned int word = (address - a->start) % a->stride;

		if (address >= a->start && number < a->count && word < a->words)
			return (uint16_t)(a->get(b, number) >> 16 * word);
	}
	return value;
}
