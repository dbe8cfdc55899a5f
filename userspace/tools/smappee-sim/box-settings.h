/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box-settings - what can be configured in a Power Box: which voltage, which
 * sensor and which slot belong to each channel, and the rest of the registers
 * that a save keeps.
 */
#ifndef SIM_BOX_SETTINGS_H
#define SIM_BOX_SETTINGS_H

#include <linux/smappee.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct box_settings - one set of settings
 * @phase: associated voltage of each channel, SMAPPEE_PB_PHASE_*
 * @ct_type: sensor of each channel, SMAPPEE_PB_CT_*
 * @slot: slot that each channel shows, 0 to 27
 * @phantom: SMAPPEE_PB_PHANTOM_*
 * @unit: address, 1 to 247
 * @mask: channels that each virtual meter adds, bit 0 for channel 0
 */
struct box_settings {
	uint16_t phase[SMAPPEE_PB_CHANNELS];
	uint16_t ct_type[SMAPPEE_PB_CHANNELS];
	uint16_t slot[SMAPPEE_PB_CHANNELS];
	uint16_t phantom;
	uint16_t unit;
	uint32_t mask[SMAPPEE_PB_METERS];
};

/** box_settings_init() - as it leaves the factory: no phases, slots in order, unit 61 */
void box_settings_init(struct box_settings *s);

/** box_settings_same() - do @a and @b agree? */
bool box_settings_same(const struct box_settings *a, const struct box_settings *b);

/**
 * box_settings_check() - may @value be written to the setting at @address?
 *
 * Return: 0; SMAPPEE_EX_ILLEGAL_ADDRESS: no setting is there;
 * SMAPPEE_EX_ILLEGAL_VALUE.
 */
uint8_t box_settings_check(unsigned int address, uint16_t value);

/** box_settings_write() - write a checked @value to @address */
void box_settings_write(struct box_settings *s, unsigned int address, uint16_t value);

/**
 * box_settings_read() - read the register at @address
 * @value: gets it
 *
 * Return: there is a setting at @address.
 */
bool box_settings_read(const struct box_settings *s, unsigned int address, uint16_t *value);

#endif
