/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strip - a linear piece of the recent past: voltages of the slots in V, the reference of
 * the tracker, the currents as they came, the time stamps, and what the correction of the
 * sensors needs of them.
 *
 * Runs are appended at its end; what is no longer needed is dropped at the front.
 * Positions count in scans from its begin. Each voltage is held once more for every
 * delay that a current in its slot has, and integrated where a current has a pole;
 * these lag behind by a few scans, less than the tracker does. The output of a Rogowski
 * coil that nobody integrated is integrated while it is appended.
 */
#ifndef METERD_STRIP_H
#define METERD_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "align.h"
#include "integral.h"
#include "load.h"

/** Longest delay of a sensor either way, s; below the lag of the tracker */
#define STRIP_DELAY_MAX_S 0.001

/** Most scans appended at a time */
#define STRIP_CHUNK 256

/**
 * struct strip_partner - a voltage as some of the currents need it
 * @slot: its slot
 * @delay: in scans
 * @v: delayed voltage, V; NULL: that of the slot
 * @w: its integral, V s; NULL: nobody needs it
 * @integral: state
 */
struct strip_partner {
	unsigned int slot;
	double delay;
	float *v;
	float *w;
	struct integral integral;
};

/**
 * struct strip - the recent past
 * @scans: scans held
 * @room: scans that fit
 * @total: scans appended since strip_create()
 * @time_ns: time stamps
 * @slot: voltages of the slots, V
 * @reference: of the tracker, V
 * @current: currents, in units of the samples
 * @raw: output of a coil; NULL where @current is what came
 * @partner_of: partner of each current
 * @partners: entries in @partner
 * @partner: voltages for the currents
 * @saturated: by channel, @total after the last run with a sample at its rail; 0: none
 *
 * The rest is its own.
 */
struct strip {
	unsigned int scans;
	unsigned int room;
	uint64_t total;
	int64_t *time_ns;
	float *slot[READING_PHASES_MAX];
	float *reference;
	float *current[INPUT_CHANNELS_MAX];
	float *raw[INPUT_CHANNELS_MAX];
	unsigned int partner_of[INPUT_CHANNELS_MAX];
	unsigned int partners;
	struct strip_partner partner[INPUT_CHANNELS_MAX + READING_PHASES_MAX];
	uint64_t saturated[INPUT_CHANNELS_MAX];
	const struct installation *in;
	const double *scale;
	const float *rail;
	double rate_hz;
	unsigned int slots;
	unsigned int voltages;
	unsigned int inputs;
	unsigned int derived;
	unsigned int ahead;
	struct integral coil[INPUT_CHANNELS_MAX];
	void *memory;
	void *partner_memory;
	float *silence;
};

/**
 * strip_create() - make an empty strip
 * @s: filled in; free with strip_free() also after an error
 * @in: installation; must outlive it
 * @element: the elements and neutrals, in the order of the current inputs
 * @inputs: how many
 * @rate_hz: sampling rate
 * @scale: V or A per unit of the samples
 * @rail: by channel, size of a sample that is at the rail of its converter; INFINITY: not
 *	known; NULL: of none
 *
 * Return: 0 or -ENOMEM.
 */
int strip_create(struct strip *s, const struct installation *in,
		 const struct load_element *const *element, unsigned int inputs, double rate_hz,
		 const double *scale, const float *rail);

/** strip_free() - free; all zero is allowed */
void strip_free(struct strip *s);

/**
 * strip_pair() - find the partners of the currents anew, after a slot or a model changed
 *
 * Not in the path of the samples. The delayed voltages begin empty: nothing of them may
 * be used that is older than the call.
 *
 * Return: 0 or -ENOMEM.
 */
int strip_pair(struct strip *s, const struct load_element *const *element);

/** strip_append() - append @n scans of a run, at most STRIP_CHUNK; there must be room */
void strip_append(struct strip *s, const struct align_run *run, unsigned int from, unsigned int n);

/** strip_refer() - reference of scans @from to @to - 1: the slots by their weights */
void strip_refer(struct strip *s, const double *weight, unsigned int from, unsigned int to);

/** strip_drop() - drop @n scans at the front */
void strip_drop(struct strip *s, unsigned int n);

/** strip_reset() - drop all; what follows is not connected */
void strip_reset(struct strip *s);

/**
 * strip_settle() - begin all integrals anew, without offset and mean
 * @s: the strip
 * @edge: position with a cycle at either side; nothing is done when there is less
 * @per_scan: frequency, cycles per scan
 */
void strip_settle(struct strip *s, double edge, double per_scan);

/** strip_steer() - correct the offsets after a window with these means */
void strip_steer(struct strip *s, const struct window_mean *mean);

/** strip_time() - time of a position */
int64_t strip_time(const struct strip *s, double position);

/** strip_saturated() - was @channel at its rail since @total scans had been appended? */
static inline bool strip_saturated(const struct strip *s, unsigned int channel, uint64_t total)
{
	return s->saturated[channel] > total;
}

#endif
