/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meter - the chain: joined scans in, readings out.
 *
 * Takes the runs of the join, turns voltages into slots, lets the tracker find the
 * cycles, sums windows of 10 cycles (12 from 55 Hz on), books their energy and
 * puts about a second of windows together to a reading.
 *
 * A window with a hole in it is thrown away, and a window in which a device was
 * missing has no values of its elements. The energy of an element from its last
 * window to the next one is booked with the power of the last one, as estimated
 * energy, for at most 10 s.
 *
 * Nothing is allocated after meter_create().
 */
#ifndef METERD_METER_H
#define METERD_METER_H

#include "align.h"
#include "cycle.h"
#include "load.h"
#include "meter-window.h"
#include "reading.h"
#include "registers.h"

struct meter;
struct quality;

/**
 * struct meter_counters - what the source and the join had to do
 * @lost_scans: of the source
 * @repaired_blocks: of the source
 */
struct meter_counters {
	uint64_t lost_scans;
	uint64_t repaired_blocks;
};

/**
 * struct meter_config - what a meter needs
 * @in: the installation
 * @rate_hz: nominal sampling rate
 * @align: the join
 * @registers: energy registers
 * @scale: V or A per unit of the samples, by channel; owned by the source; NAN for a
 *	current whose scale is not known
 * @rail: by channel, size of a sample at the rail of its converter; owned by the source;
 *	INFINITY: not known; NULL: of none
 * @quality: power quality, or NULL
 * @counters: asks the source for its counters; may be NULL
 * @utc_ns: converts the time of a sample; NULL: samples are in UTC
 * @scans: gets every run of the join before it is measured; may be NULL
 * @clock_known: is UTC right now? NULL: it is not used for energy
 * @bridge_s: longest time without a meterd that is booked as estimated, s
 * @bridged: the time before this meterd was booked for @seconds, or was too long: -1;
 *	may be NULL
 * @publish: gets every reading
 * @window: gets every window; may be NULL
 * @user: first argument of these
 */
struct meter_config {
	const struct installation *in;
	double rate_hz;
	struct align *align;
	struct registers *registers;
	const double *scale;
	const float *rail;
	struct quality *quality;
	void (*counters)(void *user, struct meter_counters *counters);
	int64_t (*utc_ns)(void *user, int64_t sample_ns);
	void (*scans)(void *user, const struct align_run *run);
	bool (*clock_known)(void *user);
	double bridge_s;
	void (*bridged)(void *user, const struct reading *reading, double seconds);
	void (*publish)(void *user, const struct reading *reading);
	void (*window)(void *user, const struct meter_window *window);
	void *user;
};

/**
 * meter_create() - make the chain
 *
 * Return: 0, -EINVAL when the rate is too low for the tracker, -ENOMEM.
 */
int meter_create(struct meter **m, const struct meter_config *config);

/** meter_destroy() - free; NULL is allowed */
void meter_destroy(struct meter *m);

/** meter_process() - take all that the join has */
void meter_process(struct meter *m);

/**
 * meter_rewire() - slots, signs or models of elements have changed
 *
 * Not from the path of the samples. The window in progress is dropped; its energy is
 * continued with the power before it, as over a hole.
 *
 * Return: 0, or -ENOMEM, after which the chain goes on as it was.
 */
int meter_rewire(struct meter *m);

#endif
