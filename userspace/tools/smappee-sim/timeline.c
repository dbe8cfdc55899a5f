// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sample clock in straight pieces. Index and phase are kept apart: after
 * days a double of both would leave only nanoseconds.
 */
#include "timeline.h"

#include <math.h>
#include <string.h>

#define RUN_MAX ((int64_t)1 << 30)

struct position position_add(struct position p, double periods)
{
	double whole = floor(p.phase + periods);
	double phase = p.phase + periods - whole;

	/* A hair below a whole number rounds up to it. */
	if (phase >= 1) {
		phase = 0;
		whole += 1;
	}
	return (struct position){ p.index + (int64_t)whole, phase };
}

double position_minus(struct position a, struct position b)
{
	return (double)(a.index - b.index) + (a.phase - b.phase);
}

void timeline_start(struct timeline *tl, double local, struct position at, double rate)
{
	tl->pieces = 1;
	tl->piece[0] = (struct timeline_piece){ local, at, rate };
}

static const struct timeline_piece *piece_at(const struct timeline *tl, double local)
{
	unsigned int i = tl->pieces - 1;

	while (i > 0 && tl->piece[i].local > local)
		i--;
	return &tl->piece[i];
}

struct position timeline_position(const struct timeline *tl, double local)
{
	const struct timeline_piece *p = piece_at(tl, local);

	return position_add(p->at, (local - p->local) * p->rate);
}

static void append(struct timeline *tl, double local, double rate)
{
	struct position at = timeline_position(tl, local);

	if (tl->pieces == TIMELINE_PIECES) {
		tl->pieces--;
		memmove(tl->piece, tl->piece + 1, tl->pieces * sizeof(tl->piece[0]));
	}
	tl->piece[tl->pieces++] = (struct timeline_piece){ local, at, rate };
}

void timeline_steer(struct timeline *tl, double local, double rate, double until, double rate_after)
{
	/* What was planned for the future has not happened. */
	while (tl->pieces > 1 && tl->piece[tl->pieces - 1].local >= local)
		tl->pieces--;
	append(tl, local, rate);
	append(tl, until, rate_after);
}

double timeline_local(const struct timeline *tl, int64_t index, int64_t *run)
{
	struct position at = { index, 0 };
	unsigned int i = tl->pieces - 1;
	const struct timeline_piece *p;

	while (i > 0 && position_minus(at, tl->piece[i].at) < 0)
		i--;
	p = &tl->piece[i];
	if (run) {
		*run = RUN_MAX;
		if (i + 1 < tl->pieces) {
			const struct position *end = &tl->piece[i + 1].at;

			*run = end->index + (end->phase > 0) - index;
		}
	}
	return p->local + position_minus(at, p->at) / p->rate;
}
