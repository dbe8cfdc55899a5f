// SPDX-License-Identifier: GPL-2.0
/*
 * Index to time.
 *
 * Sync events are late by a variable amount and never early, so the true line
 * lies under all of them. Of all lines that do, the one with the least sum of
 * distances is the edge of the points' lower convex hull that spans their mean
 * position. Its slope is believed once the points cover enough time; before
 * that the nominal period (or that of the last fit) is, and in both cases the
 * line is put as high as it fits under all points.
 *
 * The line that is published does not jump to the fit: it starts where the one
 * before it ends and steers to meet the fit a while later. Only while nobody has
 * been given a time from it is it put where the fit is: the first event may have
 * been seen many milliseconds late, which would take a minute to steer out.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "clock.h"

#define CLOCK_NSEC_PER_SEC	1000000000LL
/* Positions are in 1/256 scans. */
#define CLOCK_POSITION_SHIFT	8
/* The slope is believed from this many seconds on ... */
#define CLOCK_SLOPE_SECONDS	8
/* ... within this of nominal (crystal 50 ppm, and the host's own) ... */
#define CLOCK_SLOPE_PPM		150
/* ... and from this many on, even if the host's clock is being slewed. */
#define CLOCK_SLOPE_SURE	24
#define CLOCK_SLOPE_SURE_PPM	600
/* An epoch steers to the fit within this many seconds ... */
#define CLOCK_STEER_SECONDS	2
/* ... but bends the time scale no more than this: 50 Hz +- 0.01 Hz. */
#define CLOCK_STEER_PPM		200
/* A point that far from the fit is not late but wrong. */
#define CLOCK_WRONG_NS		(CLOCK_NSEC_PER_SEC / 2)
/* Points that are older than this many seconds do not help. */
#define CLOCK_STALE_SECONDS	64
/* Epochs of a second are at least this fraction long. */
#define CLOCK_EPOCHS_PER_SECOND	4

static u64 clock_nominal(u32 rate_hz)
{
	/* 10^9 * 2^32 is less than 2^62. */
	return div_u64((u64)CLOCK_NSEC_PER_SEC << 32, rate_hz);
}

/* Time that a distance in 1/256 scans takes, rounded down. */
static s64 clock_span(u64 distance, u64 period)
{
	u64 scans = distance >> CLOCK_POSITION_SHIFT;
	u64 part = distance & ((1 << CLOCK_POSITION_SHIFT) - 1);

	return scans * (period >> 32) + (scans * (u32)period >> 32) +
	       (part * (period >> 16) >> (16 + CLOCK_POSITION_SHIFT));
}

static s64 clock_span_signed(u64 from, u64 to, u64 period)
{
	if (to < from)
		return -clock_span(from - to, period);

	return clock_span(to - from, period);
}

static u64 clock_limit(u64 period, u64 centre, u32 ppm)
{
	u64 limit = div_u64(centre, 1000000) * ppm;

	return clamp(period, centre - limit, centre + limit);
}

/**
 * smappee_clock_init() - a clock that has never run
 * @clock: the clock
 * @rate_hz: nominal sampling rate
 */
void smappee_clock_init(struct smappee_clock *clock, u32 rate_hz)
{
	memset(clock, 0, sizeof(*clock));
	clock->rate_hz = rate_hz;
	clock->period = clock_nominal(rate_hz);
	clock->floor_ns = S64_MIN;
}

/**
 * smappee_clock_restart() - begin a new index space
 * @clock: the clock
 * @rate_hz: nominal sampling rate from now on
 *
 * All points and epochs are forgotten. Times that will be given are later than
 * all that have been given.
 */
void smappee_clock_restart(struct smappee_clock *clock, u32 rate_hz)
{
	const struct smappee_epoch *last = smappee_clock_newest(clock);
	s64 floor_ns = clock->floor_ns;
	u64 period = clock->period;
	bool same = rate_hz == clock->rate_hz;

	if (last)
		floor_ns = max(floor_ns,
			       smappee_epoch_time(last, max(clock->horizon,
							    last->index)));
	smappee_clock_init(clock, rate_hz);
	clock->floor_ns = floor_ns;
	if (same)
		clock->period = period;
}

/**
 * smappee_clock_newest() - the epoch in force for the newest scans
 * @clock: the clock
 *
 * Return: the epoch, NULL while the clock has none.
 */
struct smappee_epoch *smappee_clock_newest(struct smappee_clock *clock)
{
	if (!clock->n_epochs)
		return NULL;

	return &clock->epochs[(clock->first + clock->n_epochs - 1) %
			      SMAPPEE_CLOCK_EPOCHS];
}

/**
 * smappee_clock_kept() - one of the epochs that are kept
 * @clock: the clock
 * @n: which, 0 is the oldest
 *
 * Return: the epoch, NULL if there are not as many.
 */
const struct smappee_epoch *smappee_clock_kept(const struct smappee_clock *clock,
					       unsigned int n)
{
	if (n >= clock->n_epochs)
		return NULL;

	return &clock->epochs[(clock->first + n) % SMAPPEE_CLOCK_EPOCHS];
}

/* How late is point b if point a is on the line? */
static s64 clock_lateness(const struct smappee_clock_point *a,
			  const struct smappee_clock_point *b, u64 period)
{
	return b->time_ns - a->time_ns -
	       clock_span(b->position - a->position, period);
}

/* Keep the least late point of each second. */
static void clock_keep(struct smappee_clock *clock,
		       const struct smappee_clock_point *point)
{
	u64 second = (u64)clock->rate_hz << CLOCK_POSITION_SHIFT;
	unsigned int n = clock->n_points;

	while (n && point->position - clock->points[0].position >
		    CLOCK_STALE_SECONDS * second) {
		n--;
		memmove(clock->points, clock->points + 1,
			n * sizeof(*clock->points));
	}

	if (n && point->position - clock->bucket < second) {
		if (clock_lateness(&clock->points[n - 1], point,
				   clock->period) <= 0)
			clock->points[n - 1] = *point;
	} else {
		if (n == SMAPPEE_CLOCK_POINTS) {
			n--;
			memmove(clock->points, clock->points + 1,
				n * sizeof(*clock->points));
		}
		clock->points[n++] = *point;
		clock->bucket = point->position;
	}
	clock->n_points = n;
}

/*
 * Find the edge of the lower convex hull that spans the mean position. With
 * less than 64 s of points at 8 kHz, positions differ by less than 2^27, and
 * with residuals below 2^30 ns the products fit in 64 bits.
 */
static void clock_edge(const s64 *x, const s64 *r, unsigned int n,
		       unsigned int *left, unsigned int *right)
{
	u8 hull[SMAPPEE_CLOCK_POINTS];
	unsigned int h = 0;
	unsigned int i;
	s64 mean = 0;

	for (i = 0; i < n; i++) {
		mean += x[i];
		while (h >= 2) {
			unsigned int a = hull[h - 2];
			unsigned int b = hull[h - 1];

			/* Is b below the line from a to i? Then it stays. */
			if ((r[b] - r[a]) * (x[i] - x[a]) <
			    (r[i] - r[a]) * (x[b] - x[a]))
				break;
			h--;
		}
		hull[h++] = i;
	}
	mean = div_s64(mean, n);

	for (i = 1; i < h - 1; i++)
		if (x[hull[i]] >= mean)
			break;
	*left = hull[i - 1];
	*right = hull[i];
}

/* Fit the period. Needs two points or more. */
static u64 clock_fit_period(const struct smappee_clock *clock)
{
	const struct smappee_clock_point *points = clock->points;
	u64 nominal = clock_nominal(clock->rate_hz);
	unsigned int n = clock->n_points;
	s64 x[SMAPPEE_CLOCK_POINTS];
	s64 r[SMAPPEE_CLOCK_POINTS];
	unsigned int left, right, i;
	u64 seconds;
	s64 slope;

	seconds = div_u64(points[n - 1].position - points[0].position,
			  clock->rate_hz << CLOCK_POSITION_SHIFT);
	if (seconds < CLOCK_SLOPE_SECONDS)
		return clock->period;

	for (i = 0; i < n; i++) {
		x[i] = points[i].position - points[0].position;
		r[i] = clock_lateness(&points[0], &points[i], nominal);
	}
	clock_edge(x, r, n, &left, &right);
	slope = div64_s64((r[right] - r[left]) * (1LL << 32),
			  x[right] - x[left]);

	return clock_limit(nominal + slope * (1LL << CLOCK_POSITION_SHIFT), nominal,
			   seconds < CLOCK_SLOPE_SURE ? CLOCK_SLOPE_PPM :
			   CLOCK_SLOPE_SURE_PPM);
}

/* The line's time at the first point: as high as fits under all points. */
static s64 clock_fit_origin(const struct smappee_clock *clock, u64 period)
{
	s64 least = 0;
	unsigned int i;

	for (i = 1; i < clock->n_points; i++)
		least = min(least, clock_lateness(&clock->points[0],
						  &clock->points[i], period));

	return clock->points[0].time_ns + least;
}

static void clock_publish(struct smappee_clock *clock, u64 index, s64 time_ns,
			  u64 period)
{
	struct smappee_epoch *epoch;

	if (clock->n_epochs == SMAPPEE_CLOCK_EPOCHS)
		clock->first = (clock->first + 1) % SMAPPEE_CLOCK_EPOCHS;
	else
		clock->n_epochs++;
	epoch = smappee_clock_newest(clock);
	memset(epoch, 0, sizeof(*epoch));
	epoch->index = index;
	epoch->time_ns = time_ns;
	epoch->period = period;
}

/**
 * smappee_clock_add() - take in a sync event
 * @clock: the clock
 * @index: index of the reference at the event; grows from event to event
 * @phase: how far the sample period had advanced, 2^-32 periods
 * @time_ns: when the host saw the event, CLOCK_MONOTONIC
 *
 * Return: 1 if a new epoch was published (the caller sets its offsets), 0 if
 * not. -EINVAL if the event is not after the one before it. -ERANGE if it is
 * more than half a second away from where the one before it lets expect it: the
 * clock is unchanged, and if that goes on, it must be restarted.
 */
int smappee_clock_add(struct smappee_clock *clock, u64 index, u32 phase,
		      s64 time_ns)
{
	struct smappee_clock_point point = {
		.position = index << CLOCK_POSITION_SHIFT |
			    phase >> (32 - CLOCK_POSITION_SHIFT),
		.time_ns = time_ns,
	};
	const struct smappee_epoch *last = smappee_clock_newest(clock);
	u64 first, period;
	s64 error_ns, fit_ns;

	if (clock->n_points) {
		const struct smappee_clock_point *before =
			&clock->points[clock->n_points - 1];

		if (point.position <= before->position)
			return -EINVAL;
		error_ns = clock_lateness(before, &point, clock->period);
		if (error_ns > CLOCK_WRONG_NS || error_ns < -CLOCK_WRONG_NS)
			return -ERANGE;
	}

	clock_keep(clock, &point);
	clock->period = clock_fit_period(clock);

	first = max(clock->horizon, index);
	if (last && !clock->horizon) {
		/* Nobody knows a time yet: the one epoch moves to the fit. */
		first = last->index;
		if (index - first > CLOCK_STALE_SECONDS * clock->rate_hz)
			first = index - CLOCK_STALE_SECONDS * clock->rate_hz;
		clock->n_epochs = 0;
		last = NULL;
	}
	fit_ns = clock_fit_origin(clock, clock->period) +
		 clock_span_signed(clock->points[0].position,
				   first << CLOCK_POSITION_SHIFT,
				   clock->period);
	if (!last) {
		clock_publish(clock, first, max(fit_ns, clock->floor_ns + 1),
			      clock->period);
		return 1;
	}
	if (first - last->index < clock->rate_hz / CLOCK_EPOCHS_PER_SECOND)
		return 0;

	/* Start where the last epoch ends, and steer to the fit. */
	error_ns = fit_ns - smappee_epoch_time(last, first);
	error_ns = clamp(error_ns, -CLOCK_WRONG_NS, CLOCK_WRONG_NS);
	period = clock->period +
		 div_s64(error_ns * (1LL << 32),
			 clock->rate_hz * CLOCK_STEER_SECONDS);
	clock_publish(clock, first, smappee_epoch_time(last, first),
		      clock_limit(period, clock->period, CLOCK_STEER_PPM));

	return 1;
}

/**
 * smappee_clock_epoch() - the epoch that an index belongs to
 * @clock: the clock
 * @index: the index
 * @end: the caller wants times up to here, exclusive; greater than @index
 * @until: times of @index up to here, exclusive, are those of the epoch
 *
 * Times of these indices count as given: no later epoch will change them.
 *
 * Return: the epoch, NULL if the index is older than all epochs.
 */
const struct smappee_epoch *smappee_clock_epoch(struct smappee_clock *clock,
						u64 index, u64 end, u64 *until)
{
	unsigned int n = clock->n_epochs;

	*until = end;
	while (n--) {
		const struct smappee_epoch *epoch = smappee_clock_kept(clock, n);

		if (index >= epoch->index) {
			clock->horizon = max(clock->horizon, *until);
			return epoch;
		}
		*until = min(*until, epoch->index);
	}

	return NULL;
}

/**
 * smappee_clock_index() - which index is sampled at a time
 * @clock: the clock, with at least one epoch
 * @time_ns: CLOCK_MONOTONIC; less than three days after the newest epoch began,
 *	     as the result falls back by 2^48 ns beyond that
 *
 * Return: the last index whose time is not later, to within one scan; 0 if that
 * would be negative.
 */
u64 smappee_clock_index(const struct smappee_clock *clock, s64 time_ns)
{
	const struct smappee_epoch *epoch =
		smappee_clock_kept(clock, clock->n_epochs - 1);
	s64 ahead_ns = time_ns - epoch->time_ns;
	u64 scans;

	scans = div64_u64((u64)(ahead_ns < 0 ? -ahead_ns : ahead_ns) << 16,
			  epoch->period >> 16);
	if (ahead_ns >= 0)
		return epoch->index + scans;

	return epoch->index > scans + 1 ? epoch->index - scans - 1 : 0;
}
