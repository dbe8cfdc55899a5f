/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario - the INI file that describes a segment: its line, the mains, the
 * modules and the loads. smappee-sim(1) lists the keys.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "signals.h"

#include <linux/smappee.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_MODULES_MAX 32
#define SCENARIO_ERROR_MAX 512

/**
 * struct scenario_box - what only a Power Box has
 * @wired: phases that are connected to it, bit 0 for L1
 * @phantom: SMAPPEE_PB_PHANTOM_*, as saved in its flash
 * @slot_map_count: how many channels @slot_map is for
 * @slot_map: slot that each channel shows, as saved
 * @commissioned: phases of CTs and virtual meters are saved as the loads are
 * @turnaround_s: from the last byte of a request to the first edge, s
 * @busy_s: how long a save keeps it busy, s
 */
struct scenario_box {
	unsigned int wired;
	uint16_t phantom;
	unsigned int slot_map_count;
	uint16_t slot_map[SMAPPEE_PB_CHANNELS];
	bool commissioned;
	double turnaround_s;
	double busy_s;
};

/* Times at which a contact toggles that one scenario may give. */
#define SCENARIO_TOGGLES_MAX 32

/**
 * struct scenario_contact - what moves the contact of an input
 * @pulse_hz: it closes so often, the first time after half a period; 0: never
 * @closed_s: for so long, s
 * @pulses: so many times; 0: without end
 * @toggles: how many of @toggle_s there are
 * @toggle_s: true times at which it changes, s, rising
 * @counter: where the module's counter begins
 */
struct scenario_contact {
	double pulse_hz;
	double closed_s;
	unsigned long pulses;
	unsigned int toggles;
	double toggle_s[SCENARIO_TOGGLES_MAX];
	uint32_t counter;
};

/**
 * struct scenario_module - one module as it is built
 * @name: its name in the scenario
 * @type: SMAPPEE_TYPE_*
 * @behind: number of the Power Box behind which it is, counted from 1; 0: it is on
 *	the segment itself
 * @entry: behind a Power Box: entry of its device table
 * @slot: behind a Power Box: slot number of each channel
 * @box: of a Power Box
 * @unit: address, 1 to 247; 0 behind a Power Box, and for an open module that waits
 *	for one
 * @automatic: it has no address yet
 * @unplugged: it is not on the line at the start
 * @serial: 1 to 999999
 * @fw_major: firmware version
 * @fw_minor: firmware version
 * @channels: measuring slots
 * @full_scale: peak value at the rail, V or A, per channel
 * @sensor: CT type code of its channels
 * @noise_lsb: RMS noise, in LSB of the 16-bit formats
 * @bits: it supports the formats of 16 or of 24 bits only; 0: both
 * @crystal_ppm: constant frequency error, ppm
 * @wander_ppm: amplitude of the slow part, ppm
 * @wander_period_s: period of the slow part, s
 * @capture_ns: granularity of time-stamp capture, ns
 * @reference: starts as the reference
 * @contact: of an input module: its inputs
 * @epoch: of an input module: counter epoch
 */
struct scenario_module {
	char name[SIGNAL_NAME_MAX];
	uint16_t type;
	unsigned int behind;
	unsigned int entry;
	uint16_t slot[SMAPPEE_PB_ENTRY_SLOTS_MAX];
	struct scenario_box box;
	uint8_t unit;
	bool automatic;
	bool unplugged;
	uint32_t serial;
	uint16_t fw_major;
	uint16_t fw_minor;
	unsigned int channels;
	double full_scale[SMAPPEE_CHANNELS_MAX];
	uint16_t sensor;
	double noise_lsb;
	unsigned int bits;
	double crystal_ppm;
	double wander_ppm;
	double wander_period_s;
	double capture_ns;
	bool reference;
	struct scenario_contact contact[SMAPPEE_INPUTS_MAX];
	uint16_t epoch;
};

/**
 * struct scenario - one segment
 * @bit_rate: bits per second on the line
 * @turnaround_s: from the last byte of a request to the first edge, s
 * @seed: of noise, start phases and faults
 * @rate_hz: sampling rate of modules that nobody has set yet
 * @depth_s: how long a module keeps scans, s
 * @first_index: index at which the reference starts, near 2^32 to see it wrap
 * @echo: the host's transceiver hears what the host sends
 * @signal: mains and loads
 * @modules: number of modules
 * @module: the modules
 */
struct scenario {
	double bit_rate;
	double turnaround_s;
	uint64_t seed;
	unsigned int rate_hz;
	double depth_s;
	uint32_t first_index;
	bool echo;
	struct signal signal;
	unsigned int modules;
	struct scenario_module module[SCENARIO_MODULES_MAX];
};

/**
 * scenario_load() - read a scenario
 * @s: gets it; free with scenario_free(), also after an error
 * @path: the file
 * @data: folder of recordings for [replay], NULL: that of the scenario
 * @error: SCENARIO_ERROR_MAX bytes; gets one line "FILE:LINE: [section] key =
 *	value: what is wrong; what is allowed"
 *
 * Return: 0, or a negative error number with @error filled.
 */
int scenario_load(struct scenario *s, const char *path, const char *data, char *error);

/** scenario_channel_name() - "L1".. of voltage module and Power Box, "A".. of the others */
void scenario_channel_name(const struct scenario_module *m, unsigned int channel, char out[4]);

/** scenario_free() - release what the scenario owns */
void scenario_free(struct scenario *s);

#endif
