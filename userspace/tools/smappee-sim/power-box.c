// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Power Box: how it is wired and commissioned, what is lost when it restarts,
 * and the write side of its register map.
 */
#include "power-box.h"

#include "box-registers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody knows for how long a LED is asked to flash; nobody asks it to stop. */
#define IDENTIFY_S 30

static const struct scenario_module *built(const struct power_box *b)
{
	return &b->scenario->module[b->number];
}

static void connect_slots(struct power_box *b, const struct scenario_module *m)
{
	for (unsigned int c = 0; c < m->channels; c++) {
		struct box_slot *slot = &b->meter.slot[m->slot[c]];
		char name[SIGNAL_NAME_MAX + 8], channel[4];

		scenario_channel_name(m, c, channel);
		snprintf(name, sizeof(name), "%s/%s", m->name, channel);
		slot->input = signal_current(&b->scenario->signal, name);
		slot->sensor = m->sensor;
	}
}

static bool first_channel_of(const struct box_settings *s, const struct box_slot *slots,
			     const struct element *e, unsigned int *channel)
{
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++) {
		if (slots[s->slot[c]].input.wave != &e->wave)
			continue;
		*channel = c;
		return true;
	}
	return false;
}

/* What an installer has set: the phase of each CT, and a virtual meter per load. */
static void commission(struct power_box *b)
{
	const struct signal *signal = &b->scenario->signal;
	struct box_settings *s = &b->settings;
	unsigned int meters = 0;

	for (unsigned int i = 0; i < signal->loads; i++) {
		const struct load *l = &signal->load[i];
		uint32_t mask = 0;

		for (unsigned int e = 0; e < l->elements; e++) {
			unsigned int code =
				l->reversed ? SMAPPEE_PB_PHASE_L1_REVERSED : SMAPPEE_PB_PHASE_L1;
			unsigned int c;

			if (!first_channel_of(s, b->meter.slot, &l->element[e], &c))
				continue;
			s->phase[c] = (uint16_t)(code << l->element[e].phase);
			mask |= 1u << c;
		}
		if (mask && meters < SMAPPEE_PB_METERS)
			s->mask[meters++] = mask;
	}
}

static void make_settings(struct power_box *b)
{
	const struct scenario_box *box = &built(b)->box;
	struct box_settings *s = &b->settings;

	box_settings_init(s);
	s->unit = built(b)->unit;
	s->phantom = box->phantom;
	for (unsigned int c = 0; c < box->slot_map_count; c++)
		s->slot[c] = box->slot_map[c];
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		s->ct_type[c] = b->meter.slot[s->slot[c]].sensor;
	if (box->commissioned)
		commission(b);
	b->saved = *s;
}

static void switch_on(struct power_box *b, double t)
{
	b->busy_until = -INFINITY;
	for (unsigned int slot = 0; slot < SMAPPEE_PB_SLOTS; slot++)
		b->identify_until[slot] = -INFINITY;
	box_meter_start(&b->meter, t);
}

struct power_box *power_box_new(const struct scenario *s, unsigned int number)
{
	struct power_box *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->scenario = s;
	b->number = number;
	b->serial = built(b)->serial;
	b->meter.signal = &s->signal;
	b->meter.settings = &b->settings;
	b->meter.rate_hz = s->rate_hz;
	b->meter.wired = built(b)->box.wired;
	for (unsigned int i = 0; i < s->modules; i++)
		if (s->module[i].behind == number + 1)
			connect_slots(b, &s->module[i]);
	make_settings(b);
	switch_on(b, 0);
	if (!box_meter_connect(&b->meter))
		return b;
	free(b);
	return NULL;
}

void power_box_restart(struct power_box *b, double t)
{
	box_meter_advance(&b->meter, t);
	b->settings = b->saved;
	switch_on(b, t);
	box_meter_connect(&b->meter);
}

bool power_box_knows(uint8_t function)
{
	return function == SMAPPEE_FC_READ_REGISTERS || function == SMAPPEE_FC_WRITE_REGISTERS;
}

uint8_t power_box_read(struct power_box *b, double t, unsigned int address, unsigned int count,
		       uint16_t *values)
{
	if (t < b->busy_until)
		return SMAPPEE_EX_BUSY;
	if (!count || count > SMAPPEE_REGS_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	if (address + count > UINT16_MAX + 1)
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	box_meter_advance(&b->meter, t);
	for (unsigned int i = 0; i < count; i++)
		values[i] = box_register(b, address + i);
	return 0;
}

static bool is_identify(unsigned int address)
{
	return address >= SMAPPEE_PB_REG_IDENTIFY &&
	       address < SMAPPEE_PB_REG_IDENTIFY + SMAPPEE_PB_SLOTS;
}

static uint8_t check(unsigned int address, uint16_t value)
{
	if (is_identify(address))
		return value <= 1 ? 0 : SMAPPEE_EX_ILLEGAL_VALUE;
	if (address == SMAPPEE_PB_REG_SAVE)
		return value == 1 ? 0 : SMAPPEE_EX_ILLEGAL_VALUE;
	return box_settings_check(address, value);
}

static void apply(struct power_box *b, double t, unsigned int address, uint16_t value)
{
	if (is_identify(address)) {
		b->identify_until[address - SMAPPEE_PB_REG_IDENTIFY] =
			value ? t + IDENTIFY_S : -INFINITY;
	} else if (address == SMAPPEE_PB_REG_SAVE) {
		b->saved = b->settings;
		b->busy_until = t + built(b)->box.busy_s;
	} else {
		box_settings_write(&b->settings, address, value);
	}
}

uint8_t power_box_write(struct power_box *b, double t, unsigned int address, unsigned int count,
			const uint16_t *values)
{
	uint8_t code = 0;

	if (t < b->busy_until)
		return SMAPPEE_EX_BUSY;
	for (unsigned int i = 0; i < count && !code; i++)
		code = check(address + i, values[i]);
	if (code)
		return code;
	/* What was before counts with the settings from before. */
	box_meter_advance(&b->meter, t);
	for (unsigned int i = 0; i < count; i++)
		apply(b, t, address + i, values[i]);
	return box_meter_connect(&b->meter) ? SMAPPEE_EX_DEVICE_FAILURE : 0;
}

bool power_box_identifies(const struct power_box *b, unsigned int slot, double t)
{
	return t < b->identify_until[slot];
}
