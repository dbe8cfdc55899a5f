// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The read side of the register map: a table of arrays with start, stride, and
 * where the readings are. All 32-bit values have the low word first.
 */
#include "box-registers.h"

#include <math.h>
#include <stddef.h>
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
 * @show: how the reading at @place is shown
 * @place: where struct power_box has the first reading, a double
 * @step: bytes from it to the next one
 * @get: gives the value with that number, where it is no reading
 */
struct array {
	unsigned int start;
	unsigned int stride;
	unsigned int count;
	unsigned int words;
	uint32_t (*show)(double reading);
	size_t place;
	size_t step;
	uint32_t (*get)(const struct power_box *b, unsigned int number);
};

#define TABLE_REGISTERS (SMAPPEE_PB_ENTRIES * SMAPPEE_PB_ENTRY_STRIDE)
#define READINGS(start, stride, count, form, member, type)                                         \
	{ start,	stride, count, 2, form, offsetof(struct power_box, meter.member),          \
	  sizeof(type), NULL }
#define BY_CHANNEL(start, stride, form, member)                                                    \
	READINGS(start, stride, SMAPPEE_PB_CHANNELS, form, channel[0].member, struct box_channel)
#define BY_METER(start, stride, form, member)                                                      \
	READINGS(start, stride, SMAPPEE_PB_METERS, form, meter[0].member, struct box_virtual)
#define OTHER(start, stride, count, words, get) { start, stride, count, words, NULL, 0, 0, get }

static const struct array arrays[] = {
	READINGS(SMAPPEE_PB_REG_VOLTAGE, SMAPPEE_PB_STRIDE, SMAPPEE_PB_PHASES, f32, voltage_v[0],
		 double),
	BY_CHANNEL(SMAPPEE_PB_REG_CURRENT, SMAPPEE_PB_STRIDE, f32, i_a),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE, SMAPPEE_PB_STRIDE, f32, p_w),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE_1, SMAPPEE_PB_STRIDE, f32, p1_w),
	BY_CHANNEL(SMAPPEE_PB_REG_REACTIVE, SMAPPEE_PB_STRIDE, f32, q_var),
	BY_CHANNEL(SMAPPEE_PB_REG_REACTIVE_1, SMAPPEE_PB_STRIDE, f32, q1_var),
	BY_CHANNEL(SMAPPEE_PB_REG_APPARENT, SMAPPEE_PB_STRIDE, f32, s_va),
	BY_CHANNEL(SMAPPEE_PB_REG_APPARENT_1, SMAPPEE_PB_STRIDE, f32, s1_va),
	BY_CHANNEL(SMAPPEE_PB_REG_ACTIVE_100MS, SMAPPEE_PB_ACTIVE_100MS_STRIDE, f32, fast_w),
	BY_METER(SMAPPEE_PB_REG_METER_ACTIVE, SMAPPEE_PB_METER_ACTIVE_STRIDE, f32, fast_w),
	OTHER(SMAPPEE_PB_REG_NOMINAL, 2, 1, 2, nominal),
	OTHER(SMAPPEE_PB_REG_FREQUENCY, 2, 1, 2, frequency),
	BY_CHANNEL(SMAPPEE_PB_REG_IMPORT, SMAPPEE_PB_ENERGY_STRIDE, s32, import_wh),
	BY_CHANNEL(SMAPPEE_PB_REG_EXPORT, SMAPPEE_PB_ENERGY_STRIDE, s32, export_wh),
	BY_METER(SMAPPEE_PB_REG_METER_IMPORT, SMAPPEE_PB_METER_ENERGY_STRIDE, s32, import_wh),
	BY_METER(SMAPPEE_PB_REG_METER_EXPORT, SMAPPEE_PB_METER_ENERGY_STRIDE, s32, export_wh),
	OTHER(SMAPPEE_REG_IDENTITY, 1, SMAPPEE_REG_IDENTITY_COUNT, 1, identity),
	OTHER(SMAPPEE_PB_REG_TABLE, 1, TABLE_REGISTERS, 1, table),
};

static uint32_t value_of(const struct power_box *b, const struct array *a, unsigned int number)
{
	double reading;

	if (a->get)
		return a->get(b, number);
	memcpy(&reading, (const char *)b + a->place + number * a->step, sizeof(reading));
	return a->show(reading);
}

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
			return (uint16_t)(value_of(b, a, number) >> 16 * word);
	}
	return value;
}
