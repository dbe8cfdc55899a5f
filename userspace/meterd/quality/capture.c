// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring is longer than a piece by the time in which an event becomes known, so the
 * scans before it are still there.
 */
#include "capture.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* an event is known at most this long after its begin */
#define LATE_S 0.2

struct capture {
	double rate_hz;
	unsigned int channels;
	unsigned int before; /* scans of a piece before the event */
	unsigned int scans;  /* of a piece */
	unsigned int room;   /* of the ring */
	float *memory;
	float *ring[CAPTURE_CHANNELS_MAX];
	uint64_t count; /* scans taken since start */
	uint64_t first; /* number of the oldest one that may be used */
	int64_t end_ns; /* time of the newest one */
	/* the piece that waits for its end */
	bool waiting;
	uint64_t event;
	uint64_t from; /* number of its first scan */
	/* the pieces kept */
	unsigned int next;
	struct capture_piece piece[CAPTURE_KEPT];
	float *kept[CAPTURE_KEPT][CAPTURE_CHANNELS_MAX];
};

static int allocate(struct capture *c)
{
	size_t each = c->room + (size_t)CAPTURE_KEPT * c->scans;
	float *next = calloc(c->channels * each, sizeof(float));
	unsigned int p;
	unsigned int k;

	if (!next)
		return -ENOMEM;
	c->memory = next;
	for (k = 0; k < c->channels; k++, next += c->room)
		c->ring[k] = next;
	for (p = 0; p < CAPTURE_KEPT; p++) {
		for (k = 0; k < c->channels; k++, next += c->scans) {
			c->kept[p][k] = next;
			c->piece[p].x[k] = next;
		}
	}
	return 0;
}

int capture_create(struct capture **out, double rate_hz, unsigned int channels)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->rate_hz = rate_hz;
	c->channels = channels;
	c->scans = (unsigned int)fmin(CAPTURE_S * rate_hz, CAPTURE_SCANS_MAX);
	c->before = (unsigned int)(c->scans * (CAPTURE_BEFORE_S / CAPTURE_S));
	c->room = c->scans + (unsigned int)(LATE_S * rate_hz);
	if (allocate(c)) {
		capture_destroy(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void capture_destroy(struct capture *c)
{
	if (!c)
		return;
	free(c->memory);
	free(c);
}

static void put(struct capture *c, const float *const *x, unsigned int from, unsigned int n)
{
	unsigned int at = (unsigned int)(c->count % c->room);
	unsigned int k;

	for (k = 0; k < c->channels; k++)
		memcpy(c->ring[k] + at, x[k] + from, n * sizeof(float));
	c->count += n;
}

/* The piece is complete: keep it. */
static void keep(struct capture *c)
{
	struct capture_piece *p = &c->piece[c->next];
	unsigned int at = (unsigned int)(c->from % c->room);
	unsigned int n = c->scans < c->room - at ? c->scans : c->room - at;
	unsigned int k;

	for (k = 0; k < c->channels; k++) {
		memcpy(c->kept[c->next][k], c->ring[k] + at, n * sizeof(float));
		memcpy(c->kept[c->next][k] + n, c->ring[k], (c->scans - n) * sizeof(float));
	}
	p->event = c->event;
	p->start_ns = c->end_ns - llround((double)(c->count - 1 - c->from) * 1e9 / c->rate_hz);
	p->rate_hz = c->rate_hz;
	p->scans = c->scans;
	p->channels = c->channels;
	c->next = (c->next + 1) % CAPTURE_KEPT;
	c->waiting = false;
}

void capture_scans(struct capture *c, const float *const *x, unsigned int scans, int64_t end_ns)
{
	unsigned int done;
	unsigned int n;

	c->end_ns = end_ns;
	for (done = 0; done < scans; done += n) {
		unsigned int room = c->room - (unsigned int)(c->count % c->room);
		uint64_t missing = c->from + c->scans - c->count;

		n = scans - done < room ? scans - done : room;
		/* not beyond the end of a piece, which the ring may be too short for */
		if (c->waiting && missing < n)
			n = (unsigned int)missing;
		put(c, x, done, n);
		if (c->waiting && c->count >= c->from + c->scans) {
			c->end_ns = end_ns - llround((double)(scans - done - n) * 1e9 / c->rate_hz);
			keep(c);
			c->end_ns = end_ns;
		}
	}
}

void capture_gap(struct capture *c)
{
	c->first = c->count;
	c->waiting = false;
}

uint64_t capture_event(struct capture *c, uint64_t event, int64_t start_ns)
{
	double ago = (double)(c->end_ns - start_ns) * 1e-9 * c->rate_hz;
	uint64_t oldest = c->count > c->room ? c->count - c->room : 0;
	double from = (double)c->count - 1.0 - ago - c->before;

	if (c->waiting)
		return c->event;
	if (oldest < c->first)
		oldest = c->first;
	/* of an event right after the begin of the stream there is less before it */
	if (from < (double)oldest)
		from = (double)oldest;
	if (ago < 0.0 || (double)c->count - 1.0 - ago < (double)oldest)
		return 0;
	c->from = (uint64_t)from;
	c->event = event;
	c->waiting = true;
	if (c->count >= c->from + c->scans)
		keep(c);
	return event;
}

const struct capture_piece *capture_find(const struct capture *c, uint64_t event)
{
	unsigned int k;

	for (k = 0; k < CAPTURE_KEPT; k++)
		if (event && c->piece[k].event == event)
			return &c->piece[k];
	return NULL;
}
