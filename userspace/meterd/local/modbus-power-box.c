// SPDX-License-Identifier: GPL-2.0-or-later
#include "modbus-power-box.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define CHANNELS 28
#define J_PER_WH 3600.0
#define TYPE_POWER_BOX 5400
#define TYPE_CLOSED_CT 12
/* the first one whose registers are these is 1.44 */
#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 44

/* Number of the terminals of a voltage: positive in the low, negative in the high half. */
static const struct {
	const char *phase;
	uint16_t terminals;
} voltages[] = { { "L1", 1 }, { "L2", 2 }, { "L3", 4 }, { "L12", 33 } };

/**
 * enum quantity - what a block has
 */
enum quantity {
	VOLTAGE,
	CURRENT,
	ACTIVE,
	REACTIVE,
	APPARENT,
	FREQUENCY,
	NOMINAL,
	IMPORT,
	EXPORT,
};

/**
 * struct block - the same quantity of all channels
 * @first: register
 * @step: registers from one to the next
 * @count: channels or phases
 * @what: quantity; each is two registers
 */
static const struct block {
	uint16_t first;
	uint16_t step;
	uint16_t count;
	enum quantity what;
} blocks[] = {
	{ 0x0000, 4, 3, VOLTAGE },	   { 0x0080, 4, CHANNELS, CURRENT },
	{ 0x0100, 4, CHANNELS, ACTIVE },   { 0x0180, 4, CHANNELS, REACTIVE },
	{ 0x0182, 4, CHANNELS, REACTIVE }, { 0x0300, 4, CHANNELS, APPARENT },
	{ 0x0380, 2, CHANNELS, ACTIVE },   { 0x03f6, 2, 1, NOMINAL },
	{ 0x03f8, 2, 1, FREQUENCY },	   { 0x3000, 4, CHANNELS, IMPORT },
	{ 0x3002, 4, CHANNELS, EXPORT },
};

/* Return: element @channel of all loads, or NULL. */
static const struct element_reading *element_of(const struct reading *r, unsigned int channel)
{
	unsigned int k;

	for (k = 0; k < r->loads; k++) {
		if (channel < r->load[k].elements)
			return &r->load[k].element[channel];
		channel -= r->load[k].elements;
	}
	return NULL;
}

static double of_element(const struct element_reading *e, enum quantity what)
{
	switch (what) {
	case CURRENT:
		return e->i_a;
	case ACTIVE:
		return e->p_w;
	case REACTIVE:
		return e->q1_var;
	case APPARENT:
		return e->s_va;
	case IMPORT:
		return e->energy.import_j / J_PER_WH;
	default:
		return e->energy.export_j / J_PER_WH;
	}
}

static double quantity(const struct reading *r, enum quantity what, unsigned int index)
{
	const struct element_reading *e;

	if (!r)
		return NAN;
	if (what == VOLTAGE)
		return index < r->voltages ? r->voltage[index].ln_v : 0;
	if (what == FREQUENCY)
		return r->frequency_hz;
	if (what == NOMINAL)
		return r->frequency_hz > 55 ? 60 : 50;
	e = element_of(r, index);
	return e ? of_element(e, what) : 0;
}

static uint32_t bits_of(enum quantity what, double value)
{
	float f = (float)value;
	uint32_t bits;

	if (what == IMPORT || what == EXPORT)
		return (uint32_t)(fabs(value) < INT32_MAX ? (int32_t)value : INT32_MIN);
	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static uint16_t terminals(const struct reading *r, unsigned int channel)
{
	const struct element_reading *e = r ? element_of(r, channel) : NULL;
	size_t k;

	for (k = 0; e && k < sizeof(voltages) / sizeof(voltages[0]); k++)
		if (!strcmp(voltages[k].phase, e->phase))
			return voltages[k].terminals;
	return 0;
}

/* Settings and identity, as far as they have a meaning here. */
static uint16_t setting(const struct reading *r, uint16_t address)
{
	if (address >= 0x1000 && address < 0x1000 + CHANNELS)
		return terminals(r, address - 0x1000u);
	if (address >= 0x1100 && address < 0x1100 + CHANNELS)
		return r && element_of(r, address - 0x1100u) ? TYPE_CLOSED_CT : 0;
	if (address >= 0x1140 && address < 0x1140 + CHANNELS)
		return address - 0x1140;
	if (address == 0x1181)
		return POWER_BOX_UNIT;
	if (address == 0x1620)
		return TYPE_POWER_BOX;
	if (address == 0x1624)
		return FIRMWARE_MINOR;
	if (address == 0x1625)
		return FIRMWARE_MAJOR;
	return 0;
}

/* Ranges that can be read, holes included. */
static bool is_there(uint16_t address)
{
	return address < 0x0400 || (address >= 0x1000 && address < 0x1700) ||
	       (address >= 0x3000 && address < 0x3200);
}

int power_box_register(const struct reading *r, uint16_t address, uint16_t *value)
{
	size_t k;

	if (!is_there(address))
		return -ENOENT;
	for (k = 0; k < sizeof(blocks) / sizeof(blocks[0]); k++) {
		const struct block *b = &blocks[k];
		unsigned int offset = address - b->first;
		uint32_t bits;

		if (address < b->first || offset / b->step >= b->count || offset % b->step > 1)
			continue;
		bits = bits_of(b->what, quantity(r, b->what, offset / b->step));
		*value = (uint16_t)(offset % b->step ? bits >> 16 : bits);
		return 0;
	}
	*value = setting(r, address);
	return 0;
}
