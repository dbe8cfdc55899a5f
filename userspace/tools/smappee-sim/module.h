/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module - one module on the segment. A Power Box is a thing of its own
 * (power-box.h). An open metering module is: its crystal and sample clock, its discipline to
 * the reference, its samples and its settings. All times are true time in
 * seconds since the simulator's start, handed in by the caller, so that the
 * module runs on any clock.
 */
#ifndef SIM_MODULE_H
#define SIM_MODULE_H

#include "crystal.h"
#include "io.h"
#include "leds.h"
#include "power-box.h"
#include "scenario.h"
#include "servo.h"
#include "signals.h"
#include "timeline.h"

#include <stdbool.h>
#include <stdint.h>

/* Locked within this; beyond the second one a locked module starts over. */
#define MODULE_LOCK_S 0.5e-6
#define MODULE_UNLOCK_S 2e-6
#define MODULE_LOCK_PAIRS 3
/* Free-running after so long without a sync answer. */
#define MODULE_HOLD_OVER_S 10.0

/**
 * struct edge - own capture of the first edge of a sync answer
 * @valid: there is one
 * @seq: sequence number of that answer
 * @local: captured local time, s
 */
struct edge {
	bool valid;
	uint8_t seq;
	double local;
};

/**
 * struct module - one module
 * @built: how it is built; owned by the scenario
 * @box: the Power Box that it is, owned; NULL: an open module. Of a Power Box
 *	only the members up to @silent_until count, but @leds
 * @io: the input or output module that it is, owned, NULL: another one; likewise
 * @leds: lights of an open module
 * @plugged: it is on the line
 * @unit: address of an open module, 0 for none; kept over a restart
 * @known: somebody has asked at that address since it started
 * @serial: serial number it shows now
 * @boot: boot counter
 * @started: true time of the last start, s
 * @silent_until: true time until which it neither hears nor answers, s
 * @crystal: its clock
 * @timeline: its sample clock, in local time
 * @rate_hz: nominal sampling rate
 * @format: sample format
 * @reference: it answers sync
 * @depth: scans it keeps
 * @valid_from: first index that is a sample of the present sample clock
 * @state: SMAPPEE_SYNC_* of a follower
 * @servo: its knowledge of the reference
 * @edge: last sync answer it heard
 * @reference_boot: boot counter of the reference it follows, -1 for none
 * @heard_local: local time of the last sync answer, s
 * @offset_s: last offset measured, own minus reference, s
 * @next_seq: reference: number of the next sync answer
 * @sent: reference: own capture of its last sync answer
 * @input: what its channels see
 * @scale_nano: nV or nA per LSB of the 16-bit formats, per channel
 * @noise_key: start of the noise of its samples
 * @ring: samples already computed as 24-bit codes, channel after channel
 * @ring_index: index that each place of @ring holds, INT64_MIN for none
 * @saturated_at: index of the newest sample seen at a rail, -1 for none
 */
struct module {
	const struct scenario_module *built;
	struct power_box *box;
	struct io *io;
	struct leds leds;
	bool plugged;
	uint8_t unit;
	bool known;
	uint32_t serial;
	uint8_t boot;
	double started;
	double silent_until;
	struct crystal crystal;
	struct timeline timeline;
	unsigned int rate_hz;
	double depth_s;
	uint8_t format;
	bool reference;
	unsigned int depth;
	int64_t valid_from;
	uint8_t state;
	struct servo servo;
	struct edge edge;
	int reference_boot;
	double heard_local;
	double offset_s;
	uint8_t next_seq;
	struct edge sent;
	struct input input[SMAPPEE_CHANNELS_MAX];
	uint32_t scale_nano[SMAPPEE_CHANNELS_MAX];
	uint64_t noise_key;
	int32_t *ring;
	int64_t *ring_index;
	int64_t saturated_at;
};

/**
 * module_init() - build and start a module at true time 0
 * @m: the module
 * @s: the scenario; must outlive the module
 * @number: which of its modules
 *
 * Return: 0, -ENOMEM.
 */
int module_init(struct module *m, const struct scenario *s, unsigned int number);

/** module_free() - release what the module owns */
void module_free(struct module *m);

/** module_samples() - has it got a sample clock? */
bool module_samples(const struct module *m);

/** module_unit() - the address that it answers to now, 0 for none */
uint8_t module_unit(const struct module *m);

/** module_set_serial() - show another serial number */
void module_set_serial(struct module *m, uint32_t serial);

/**
 * module_restart() - power cycle at true time @t
 *
 * The boot counter grows by one, the index starts at 0, a follower is
 * free-running again. Rate, format and reference are kept. A Power Box forgets
 * what was not saved.
 */
void module_restart(struct module *m, double t);

/**
 * module_power() - no power from true time @off to @on, and off the line
 *
 * What is kept, and what is not, is that of module_restart(); an input module sees
 * no pulse meanwhile, the relays of an output module are off.
 */
void module_power(struct module *m, double off, double on);

/**
 * module_plug() - put it on the line at true time @t, with power: it starts
 *
 * Its address is the one that it had.
 */
void module_plug(struct module *m, double t);

/** module_unplug() - take it from the line */
void module_unplug(struct module *m);

/** module_here() - is it on the line, and does it hear and answer at true time @t? */
bool module_here(const struct module *m, double t);

/**
 * module_set_rate() - write the sampling rate at true time @t, which restarts
 *
 * Return: 0, or -ENOMEM: nothing changed.
 */
int module_set_rate(struct module *m, unsigned int rate_hz, double t);

/**
 * module_set_reference() - become the reference, or a follower, at true time @t
 *
 * A new reference goes on with its own index.
 */
void module_set_reference(struct module *m, bool reference, double t);

/** module_sync_state() - SMAPPEE_SYNC_* at true time @t */
uint8_t module_sync_state(struct module *m, double t);

/** module_position() - its sample clock at true time @t */
struct position module_position(const struct module *m, double t);

/** module_sample_time() - true time of its sample @index, s */
double module_sample_time(const struct module *m, int64_t index);

/** module_range() - oldest and newest scan that it holds at true time @t */
void module_range(const struct module *m, double t, int64_t *oldest, int64_t *newest);

/**
 * module_scans() - codes of scans that it holds
 * @m: the module
 * @first: first index, within module_range()
 * @scans: how many, within module_range()
 * @codes: gets the codes of the present format, channel after channel
 * @stride: distance of two channels in @codes
 *
 * Asked again, the same scans give the same codes. Return: a code is at a rail.
 */
bool module_scans(struct module *m, int64_t first, unsigned int scans, int32_t *codes,
		  size_t stride);

/**
 * module_sync_answer() - the reference's next answer to sync
 * @m: the reference
 * @edge: true time of the answer's first edge, s
 * @out: room for SMAPPEE_SYNC_LEN bytes
 *
 * Return: length of the answer.
 */
size_t module_sync_answer(struct module *m, double edge, uint8_t *out);

/**
 * module_hear() - a follower hears a frame of the reference
 * @m: the module
 * @edge: true time of the frame's first edge, s
 * @end: true time of its end, s
 * @frame: its bytes as they are on the line; anything but an intact sync
 *	answer is ignored
 * @len: how many
 */
void module_hear(struct module *m, double edge, double end, const uint8_t *frame, size_t len);

#endif
