/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box-meter - what a Power Box measures: voltages, and current, powers and
 * energies of each channel and virtual meter, from the definition of the
 * scenario's signals and the box's settings.
 *
 * Values change every 100 ms. A mean counts whole cycles: steps of a load count
 * by their time, where in a cycle a window ends does not matter.
 */
#ifndef SIM_BOX_METER_H
#define SIM_BOX_METER_H

#include "box-settings.h"
#include "signals.h"

/**
 * struct box_slot - one CT input of the modules behind the box
 * @input: what it sees; wave NULL: nothing is connected
 * @sensor: the CT that is really there, SMAPPEE_PB_CT_*
 */
struct box_slot {
	struct input input;
	uint16_t sensor;
};

/**
 * struct box_factors - a channel's values while the profile of its load is 1
 * @v_v: RMS of its voltage, V
 * @v1_v: of its fundamental, V
 * @i_a: RMS current, A
 * @i1_a: of its fundamental, A
 * @p_w: active power, W
 * @p1_w: of the fundamental, W
 * @q_var: reactive power, sum over all orders, var
 * @q1_var: of the fundamental, var
 */
struct box_factors {
	double v_v;
	double v1_v;
	double i_a;
	double i1_a;
	double p_w;
	double p1_w;
	double q_var;
	double q1_var;
};

/**
 * struct box_channel - readings of one channel
 * @i_a: RMS current, A, over the last second, as all without another word
 * @p_w: active power, W
 * @p1_w: of the fundamental, W
 * @q_var: reactive power, var, positive inductive
 * @q1_var: of the fundamental, var
 * @s_va: apparent power, VA
 * @s1_va: of the fundamental, VA
 * @fast_w: active power over the last 100 ms, W
 * @import_wh: energy while the active power was positive
 * @export_wh: energy while it was negative, positive number
 */
struct box_channel {
	double i_a;
	double p_w;
	double p1_w;
	double q_var;
	double q1_var;
	double s_va;
	double s1_va;
	double fast_w;
	double import_wh;
	double export_wh;
};

/**
 * struct box_virtual - readings of one virtual meter
 * @fast_w: sum of its channels' active power over the last 100 ms, W
 * @import_wh: energy while the sum was positive
 * @export_wh: energy while it was negative, positive number
 */
struct box_virtual {
	double fast_w;
	double import_wh;
	double export_wh;
};

/**
 * struct box_meter - the measuring part of a box
 * @signal: the scenario's signals
 * @settings: the settings in force; owned by the box
 * @rate_hz: sampling rate; only a replayed recording depends on it (filter)
 * @wired: phases that are connected, bit 0 for L1
 * @slot: the CT inputs
 * @factors: per channel
 * @wired_v: RMS voltage per phase, phantoms included, V
 * @started: true time of the last start, s
 * @ticks: periods of 100 ms since then, up to which all is counted
 * @voltage_v: readings of the voltages
 * @channel: readings of the channels
 * @meter: readings of the virtual meters
 */
struct box_meter {
	const struct signal *signal;
	const struct box_settings *settings;
	double rate_hz;
	unsigned int wired;
	struct box_slot slot[SMAPPEE_PB_SLOTS];
	struct box_factors factors[SMAPPEE_PB_CHANNELS];
	double wired_v[SMAPPEE_PB_PHASES];
	double started;
	int64_t ticks;
	double voltage_v[SMAPPEE_PB_PHASES];
	struct box_channel channel[SMAPPEE_PB_CHANNELS];
	struct box_virtual meter[SMAPPEE_PB_METERS];
};

/**
 * box_meter_connect() - take over changed settings
 *
 * Readings follow at once, also their windows of time that are past; energies
 * from the last tick on. Return: 0, or -ENOMEM: the readings are undefined.
 */
int box_meter_connect(struct box_meter *m);

/** box_meter_start() - power comes back at true time @t; energies are kept */
void box_meter_start(struct box_meter *m, double t);

/** box_meter_advance() - bring all readings to the last tick before true time @t */
void box_meter_advance(struct box_meter *m, double t);

/** box_meter_frequency() - measured frequency, Hz; 0 without a voltage */
double box_meter_frequency(const struct box_meter *m);

/** box_meter_nominal() - nominal frequency, 50 or 60 Hz */
double box_meter_nominal(const struct box_meter *m);

#endif
