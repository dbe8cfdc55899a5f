// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings of a Power Box and the registers they are in. A table says where each
 * array is, and which values it takes.
 */
#include "box-settings.h"

#include <stddef.h>
#include <string.h>

static bool is_phase(unsigned int at, uint16_t value)
{
	static const uint8_t known[] = {
		SMAPPEE_PB_PHASE_NONE,	      SMAPPEE_PB_PHASE_L1,
		SMAPPEE_PB_PHASE_L2,	      SMAPPEE_PB_PHASE_L3,
		SMAPPEE_PB_PHASE_L1_REVERSED, SMAPPEE_PB_PHASE_L2_REVERSED,
		SMAPPEE_PB_PHASE_L3_REVERSED, SMAPPEE_PB_PHASE_L1_L2,
		SMAPPEE_PB_PHASE_L2_L1,	      SMAPPEE_PB_PHASE_L2_L3,
		SMAPPEE_PB_PHASE_L3_L2,	      SMAPPEE_PB_PHASE_L1_L3,
		SMAPPEE_PB_PHASE_L3_L1,
	};

	(void)at;
	return value <= UINT8_MAX && memchr(known, value, sizeof(known));
}

static bool is_ct_type(unsigned int at, uint16_t value)
{
	(void)at;
	return value < SMAPPEE_PB_CT_TYPES;
}

static bool is_slot(unsigned int at, uint16_t value)
{
	(void)at;
	return value < SMAPPEE_PB_SLOTS;
}

static bool is_phantom(unsigned int at, uint16_t value)
{
	(void)at;
	return value <= SMAPPEE_PB_PHANTOM_STAR;
}

static bool is_unit(unsigned int at, uint16_t value)
{
	(void)at;
	return value >= SMAPPEE_UNIT_MIN && value <= SMAPPEE_UNIT_MAX;
}

/* The high word has room for channels 16 to 27. */
static bool is_mask(unsigned int at, uint16_t value)
{
	return at % 2 == 0 || value < 1u << (SMAPPEE_PB_CHANNELS - 16);
}

/**
 * struct array - settings in neighbouring registers
 * @start: address of the first
 * @count: registers
 * @place: where it is in struct box_settings
 * @wide: items are of two registers, low word first
 * @good: does register number @at of the array take @value?
 */
struct array {
	unsigned int start;
	unsigned int count;
	size_t place;
	bool wide;
	bool (*good)(unsigned int at, uint16_t value);
};

#define PLACE(member) offsetof(struct box_settings, member)

static const struct array arrays[] = {
	{ SMAPPEE_PB_REG_PHASE, SMAPPEE_PB_CHANNELS, PLACE(phase), false, is_phase },
	{ SMAPPEE_PB_REG_CT_TYPE, SMAPPEE_PB_CHANNELS, PLACE(ct_type), false, is_ct_type },
	{ SMAPPEE_PB_REG_SLOT_MAP, SMAPPEE_PB_CHANNELS, PLACE(slot), false, is_slot },
	{ SMAPPEE_PB_REG_PHANTOM, 1, PLACE(phantom), false, is_phantom },
	{ SMAPPEE_PB_REG_UNIT, 1, PLACE(unit), false, is_unit },
	{ SMAPPEE_PB_REG_METER_MASK, 2 * SMAPPEE_PB_METERS, PLACE(mask), true, is_mask },
};

static const struct array *find(unsigned int address)
{
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		if (address >= arrays[i].start && address < arrays[i].start + arrays[i].count)
			return &arrays[i];
	return NULL;
}

void box_settings_init(struct box_settings *s)
{
	*s = (struct box_settings){ .unit = SMAPPEE_PB_UNIT };
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		s->slot[c] = (uint16_t)c;
}

bool box_settings_same(const struct box_settings *a, const struct box_settings *b)
{
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		for (unsigned int at = 0; at < arrays[i].count; at++) {
			uint16_t x, y;

			box_settings_read(a, arrays[i].start + at, &x);
			box_settings_read(b, arrays[i].start + at, &y);
			if (x != y)
				return false;
		}
	}
	return true;
}

uint8_t box_settings_check(unsigned int address, uint16_t value)
{
	const struct array *a = find(address);

	if (!a)
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	return a->good(address - a->start, value) ? 0 : SMAPPEE_EX_ILLEGAL_VALUE;
}

void box_settings_write(struct box_settings *s, unsigned int address, uint16_t value)
{
	const struct array *a = find(address);
	unsigned int at = address - a->start;
	char *place = (char *)s + a->place;

	if (a->wide) {
		uint32_t *item = (uint32_t *)(void *)place + at / 2;
		unsigned int shift = at % 2 * 16;

		*item = (*item & ~(0xffffu << shift)) | (uint32_t)value << shift;
	} else {
		((uint16_t *)(void *)place)[at] = value;
	}
}

bool box_settings_read(const struct box_settings *s, unsigned int address, uint16_t *value)
{
	const struct array *a = find(address);
	const char *place;
	unsigned int at;

	if (!a)
		return false;
	at = address - a->start;
	place = (const char *)s + a->place;
	if (a->wide)
		*value = (uint16_t)(((const uint32_t *)(const void *)place)[at / 2] >> at % 2 * 16);
	else
		*value = ((const uint16_t *)(const void *)place)[at];
	return true;
}
