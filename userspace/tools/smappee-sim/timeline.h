/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeline - the sample clock of one module: which sample index, and how far
 * into its period, at which local time. Straight pieces, the newest few kept, so
 * that the instants of samples already taken never change afterwards.
 */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include <stdint.h>

/* Pieces kept: two per sync answer, ten answers a second, three seconds. */
#define TIMELINE_PIECES 64

/**
 * struct position - a place on the sample index
 * @index: whole periods
 * @phase: part of a period, 0 to below 1
 */
struct position {
	int64_t index;
	double phase;
};

/**
 * struct timeline_piece - a straight piece
 * @local: local time of its start, s
 * @at: position there
 * @rate: periods per local second
 */
struct timeline_piece {
	double local;
	struct position at;
	double rate;
};

struct timeline {
	unsigned int pieces;
	struct timeline_piece piece[TIMELINE_PIECES];
};

/** position_add() - @p moved by @periods, of any sign */
struct position position_add(struct position p, double periods);

/** position_minus() - periods from @b to @a */
double position_minus(struct position a, struct position b);

/** timeline_start() - forget all and go on from @at at @local with @rate */
void timeline_start(struct timeline *tl, double local, struct position at, double rate);

/**
 * timeline_steer() - change the rate without a step
 * @tl: the time line
 * @local: from this local time on, not before an earlier one
 * @rate: periods per local second until @until
 * @until: local time at which @rate_after takes over
 * @rate_after: periods per local second from then on
 */
void timeline_steer(struct timeline *tl, double local, double rate, double until,
		    double rate_after);

/** timeline_position() - position at @local; extrapolates beyond both ends */
struct position timeline_position(const struct timeline *tl, double local);

/**
 * timeline_local() - local time of the sample @index
 * @run: if not NULL, gets how many samples from @index on lie on the same
 *	straight piece, at least 1, at most 2^30
 */
double timeline_local(const struct timeline *tl, int64_t index, int64_t *run);

#endif
