/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quality - power quality: the one thing of it that the chain calls.
 *
 * Gets the scans, cycles and windows that the chain goes through and hands them to
 * harmonics, events, transients, flicker, intervals and the weekly verdict. Driven by
 * the time of the samples only. Nothing is allocated after quality_create().
 *
 * Power quality looks at the voltages of the slots; of the currents there are only
 * harmonics and the waveforms around events.
 */
#ifndef METERD_QUALITY_H
#define METERD_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate.h"
#include "capture.h"
#include "en50160.h"
#include "event.h"
#include "flicker.h"
#include "harmonics.h"
#include "inputs.h"
#include "reading.h"
#include "window.h"

/** Newest events that are remembered */
#define QUALITY_EVENTS 64

struct quality;

/** enum quality_wiring - what the slots are, for the unbalance */
enum quality_wiring {
	QUALITY_OTHER,	   /* there is none */
	QUALITY_STAR,	   /* three phases to neutral */
	QUALITY_LINE_PAIR, /* first two slots are V13 and V23: three phases without neutral */
};

/**
 * struct quality_config - what it needs
 * @rate_hz: sampling rate
 * @slots: voltage slots
 * @inputs: currents
 * @captured: so many currents are part of the waveforms of events, at most 3
 * @captured_first: number of the first of them
 * @wiring: what the slots are
 * @declared_v: declared voltage of the first slot; 0: learned from the first seconds,
 *	the usual voltage that is nearest
 * @part: declared voltage of each slot as a multiple of that of the first
 * @mains_hz: 50 or 60; 0: learned
 * @dip: thresholds of events, as in struct event_config
 * @swell: likewise
 * @interruption: likewise
 * @hysteresis: likewise
 * @sliding: likewise
 * @transient: threshold of transients, part of the peak of the declared voltage
 * @harmonics: compute spectra
 * @flicker: compute flicker
 * @lamp_v: 230 or 120; 0: by the declared voltage
 * @state: file of the weekly verdict, or NULL
 * @utc_ns: converts the time of a sample; NULL: samples are in UTC
 * @event: gets begin and end of events; may be NULL
 * @interval: gets the intervals; may be NULL
 * @user: first argument of these
 */
struct quality_config {
	double rate_hz;
	unsigned int slots;
	unsigned int inputs;
	unsigned int captured;
	unsigned int captured_first;
	enum quality_wiring wiring;
	double declared_v;
	double part[READING_PHASES_MAX];
	double mains_hz;
	double dip;
	double swell;
	double interruption;
	double hysteresis;
	bool sliding;
	double transient;
	bool harmonics;
	bool flicker;
	double lamp_v;
	const char *state;
	int64_t (*utc_ns)(void *user, int64_t sample_ns);
	void (*event)(void *user, const struct pq_event *event);
	void (*interval)(void *user, const struct aggregate_value *value);
	void *user;
};

/**
 * struct quality_view - the recent past that the chain holds
 * @scans: scans held
 * @slot: voltages of the slots, V
 * @input: currents, in units of the samples
 * @time_ns: time stamps
 */
struct quality_view {
	unsigned int scans;
	const float *const *slot;
	const float *const *input;
	const int64_t *time_ns;
};

/**
 * struct quality_window - a 10/12-cycle window
 * @start_ns: begin
 * @end_ns: end
 * @scans: length
 * @cycles: 10 or 12
 * @frequency_hz: NAN without lock
 * @slot: means of the slots
 */
struct quality_window {
	int64_t start_ns;
	int64_t end_ns;
	double scans;
	unsigned int cycles;
	double frequency_hz;
	const struct slot_mean *slot;
};

/** quality_defaults() - thresholds of IEC 61000-4-30 and EN 50160, all parts on */
void quality_defaults(struct quality_config *config);

/**
 * quality_create() - make all parts
 *
 * A state file that is damaged or of another declared voltage is named and begun anew.
 *
 * Return: 0, -EINVAL when the rate is too low, -ENOMEM.
 */
int quality_create(struct quality **q, const struct quality_config *config);

/** quality_destroy() - save and free; NULL is allowed */
void quality_destroy(struct quality *q);

/* The following do nothing when @q is NULL. */

/** quality_gap() - samples were lost, or the voltages are not there */
void quality_gap(struct quality *q);

/** quality_scans() - scans @from ... of the view are new; @present: with voltages */
void quality_scans(struct quality *q, const struct quality_view *v, unsigned int from,
		   bool present);

/** quality_begin() - a cycle begins here, and none ended here */
void quality_begin(struct quality *q);

/** quality_cycle() - a cycle between two edges; @locked: they were measured */
void quality_cycle(struct quality *q, const struct quality_view *v, double from, double to,
		   bool locked, bool present);

/** quality_window() - the window that the last cycles make; @w NULL: it is not valid */
void quality_window(struct quality *q, const struct quality_window *w);

/** quality_end() - no more samples come: finish what waits */
void quality_end(struct quality *q);

/**
 * quality_thd() - mean THD since the call before, root of the mean of the squares
 * @q: state; NULL is allowed
 * @thd: filled in: ratios of the slots, then of the inputs; NAN where there is none
 * @signals: how many
 */
void quality_thd(struct quality *q, float *thd, unsigned int signals);

/** quality_keeps() - is there a state file, and something to write? NULL @q is allowed */
bool quality_keeps(const struct quality *q);

/** quality_save() - write the state file; not from where samples wait */
void quality_save(struct quality *q);

/* For the outputs. */

/** quality_declared_v(), quality_mains_hz() - declared values; 0: not known yet */
double quality_declared_v(const struct quality *q, unsigned int slot);
double quality_mains_hz(const struct quality *q);

/** quality_captured() - number of the first current in the waveforms */
unsigned int quality_captured(const struct quality *q);

/** quality_harmonics() - the last spectra, slots first, then inputs; or NULL, as for a NULL @q */
const struct harmonics_result *quality_harmonics(const struct quality *q);

/** quality_last() - the last interval of a kind, or NULL */
const struct aggregate_value *quality_last(const struct quality *q, enum aggregate_kind kind);

/** quality_pinst() - instantaneous flicker of a slot; NAN when it is off */
double quality_pinst(const struct quality *q, unsigned int slot);

/** quality_week() - the weekly verdict */
const struct en50160 *quality_week(const struct quality *q);

/** quality_event_count() - events since start; their numbers are 1 ... this */
uint64_t quality_event_count(const struct quality *q);

/** quality_event() - the event of this number, or NULL when it is forgotten */
const struct pq_event *quality_event(const struct quality *q, uint64_t number);

/** quality_waveform() - the waveform around an event, or NULL */
const struct capture_piece *quality_waveform(const struct quality *q, uint64_t number);

#endif
