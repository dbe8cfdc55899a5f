// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The join. Stamps are merged like sorted lists: the next key is the smallest
 * head; a device whose head is larger lacks that key. In the normal case all heads
 * are equal and a whole block of stamps compares equal with one memcmp() per
 * device, so the cost per scan is that of reading the stamps once.
 */
#include "align.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000LL
/* the rings hold at least this much, seconds, and more than the wait */
#define RING_S 1.0
/* arrays a power of two apart would compete for the same lines of the cache */
#define SKEW_BYTES 320

typedef uint64_t ulong2 __attribute__((vector_size(16)));

/**
 * enum ring_state - what the join expects of a device
 * @EXPECTED: waited for; a key that it lacks is a hole
 * @RETURNING: waited for; a key before its first one is joined without it
 * @ABSENT: not waited for
 */
enum ring_state {
	EXPECTED,
	RETURNING,
	ABSENT,
};

/**
 * struct ring - scans of one device
 * @time_ns: time stamps
 * @channel: values per channel
 * @channels: entries in @channel
 * @head: number of the oldest scan held; index in the arrays is modulo the size
 * @tail: number of the scan to come
 * @state: what is expected of it
 */
struct ring {
	int64_t *time_ns;
	float *channel[INPUT_DEVICE_CHANNELS_MAX];
	unsigned int channels;
	uint64_t head;
	uint64_t tail;
	enum ring_state state;
};

struct align {
	const struct inputs *inputs;
	unsigned int size; /* of the rings, a power of two */
	int64_t wait_ns;
	int64_t period_ns;
	int64_t last_ns;	       /* last stamp released; INT64_MIN before the first */
	bool hole;		       /* a key was dropped since the last run */
	struct device_set run_present; /* devices of the last run */
	struct align_counters counters;
	int64_t *stamps; /* memory of the rings */
	float *values;
	struct ring ring[INPUT_DEVICES_MAX];
};

static unsigned int ring_count(const struct ring *r)
{
	return (unsigned int)(r->tail - r->head);
}

static int64_t ring_head_ns(const struct align *a, const struct ring *r)
{
	return r->time_ns[r->head & (a->size - 1)];
}

static int64_t ring_newest_ns(const struct align *a, const struct ring *r)
{
	return r->time_ns[(r->tail - 1) & (a->size - 1)];
}

static unsigned int ring_size(double rate_hz, int64_t wait_ns)
{
	double scans = rate_hz * (RING_S + 2.0 * (double)wait_ns / NS_PER_S);
	unsigned int size = 1024;

	while (size < scans)
		size *= 2;
	return size;
}

static int allocate(struct align *a)
{
	size_t stamps = a->size + SKEW_BYTES / sizeof(int64_t);
	size_t values = a->size + SKEW_BYTES / sizeof(float);
	float *next;
	unsigned int d;
	unsigned int c;

	a->stamps = calloc(a->inputs->devices * stamps, sizeof(*a->stamps));
	a->values = calloc(a->inputs->channels * values, sizeof(*a->values));
	if (!a->stamps || !a->values)
		return -ENOMEM;
	next = a->values;
	for (d = 0; d < a->inputs->devices; d++) {
		struct ring *r = &a->ring[d];

		r->time_ns = a->stamps + d * stamps;
		r->channels = a->inputs->device[d].channels;
		for (c = 0; c < r->channels; c++, next += values)
			r->channel[c] = next;
	}
	return 0;
}

int align_create(struct align **out, const struct inputs *inputs, double rate_hz, int64_t wait_ns)
{
	struct align *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->inputs = inputs;
	a->size = ring_size(rate_hz, wait_ns);
	a->wait_ns = wait_ns;
	a->period_ns = llround((double)NS_PER_S / rate_hz);
	a->last_ns = INT64_MIN;
	if (allocate(a)) {
		align_destroy(a);
		return -ENOMEM;
	}
	*out = a;
	return 0;
}

void align_destroy(struct align *a)
{
	if (!a)
		return;
	free(a->stamps);
	free(a->values);
	free(a);
}

unsigned int align_space(struct align *a, unsigned int device, struct align_space *space)
{
	struct ring *r = &a->ring[device];
	unsigned int at = r->tail & (a->size - 1);
	unsigned int room = a->size - ring_count(r);
	unsigned int c;

	space->scans = room < a->size - at ? room : a->size - at;
	space->time_ns = r->time_ns + at;
	for (c = 0; c < r->channels; c++)
		space->channel[c] = r->channel[c] + at;
	return space->scans;
}

void align_commit(struct align *a, unsigned int device, unsigned int scans)
{
	struct ring *r = &a->ring[device];

	r->tail += scans;
	if (scans && r->state == ABSENT)
		r->state = RETURNING;
}

void align_overrun(struct align *a, unsigned int device, unsigned int scans)
{
	a->counters.overruns += scans;
}

void align_expect(struct align *a, unsigned int device)
{
	if (a->ring[device].state == ABSENT)
		a->ring[device].state = RETURNING;
}

void align_forget(struct align *a, unsigned int device)
{
	a->ring[device].head = a->ring[device].tail;
	a->ring[device].state = ABSENT;
}

const struct align_counters *align_counters(const struct align *a)
{
	return &a->counters;
}

/* Drop what is not after the last scan joined: repeated or late. */
static void drop_stale(struct align *a)
{
	unsigned int d;

	for (d = 0; d < a->inputs->devices; d++) {
		struct ring *r = &a->ring[d];

		while (ring_count(r) && ring_head_ns(a, r) <= a->last_ns) {
			r->head++;
			a->counters.stale++;
		}
	}
}

/* The smallest head and the newest stamp of all devices; false when all are empty. */
static bool ends(const struct align *a, int64_t *first_ns, int64_t *newest_ns)
{
	bool any = false;
	unsigned int d;

	*first_ns = INT64_MAX;
	*newest_ns = INT64_MIN;
	for (d = 0; d < a->inputs->devices; d++) {
		const struct ring *r = &a->ring[d];

		if (!ring_count(r))
			continue;
		any = true;
		if (ring_head_ns(a, r) < *first_ns)
			*first_ns = ring_head_ns(a, r);
		if (ring_newest_ns(a, r) > *newest_ns)
			*newest_ns = ring_newest_ns(a, r);
	}
	return any;
}

/*
 * Who takes part in the scan stamped @key? Gives up devices whose silence is too
 * long or whose stamps are too far ahead.
 *
 * Return: 1 yes, 0 somebody must be waited for, -1 somebody who is expected lacks
 * this key. @limit_ns is set to the stamp at which somebody else joins.
 */
static int participants(struct align *a, int64_t key, int64_t newest, struct device_set *present,
			int64_t *limit_ns)
{
	bool wait = false;
	bool lack = false;
	unsigned int d;

	memset(present, 0, sizeof(*present));
	*limit_ns = INT64_MAX;
	for (d = 0; d < a->inputs->devices; d++) {
		struct ring *r = &a->ring[d];
		bool empty = !ring_count(r);
		int64_t ahead = (empty ? newest : ring_head_ns(a, r)) - key;

		if (!empty && !ahead) {
			device_set_add(present, d);
			r->state = EXPECTED;
			continue;
		}
		if (ahead > a->wait_ns)
			r->state = ABSENT;
		if (!empty && r->state != EXPECTED && ring_head_ns(a, r) < *limit_ns)
			*limit_ns = ring_head_ns(a, r);
		wait = wait || (empty && r->state != ABSENT);
		lack = lack || (!empty && r->state == EXPECTED);
	}
	if (lack)
		return -1;
	return !wait;
}

/* A key that not all have: drop it. Before the first run that is only the start. */
static void drop_key(struct align *a, int64_t key)
{
	unsigned int d;

	for (d = 0; d < a->inputs->devices; d++) {
		struct ring *r = &a->ring[d];

		if (ring_count(r) && ring_head_ns(a, r) == key)
			r->head++;
	}
	if (a->last_ns != INT64_MIN)
		a->hole = true;
}

/* Is each of @n stamps at least 1 and at most @longest after the one before? */
static bool is_even(const int64_t *t, unsigned int n, int64_t longest)
{
	const ulong2 most = { (uint64_t)longest, (uint64_t)longest };
	ulong2 odd = { 0 };
	ulong2 before;
	ulong2 now;
	size_t k;

	for (k = 0; k + 2 < n; k += 2) {
		memcpy(&before, t + k, sizeof(before));
		memcpy(&now, t + k + 1, sizeof(now));
		odd |= (ulong2)(now - before - 1 >= most);
	}
	for (; k + 1 < n; k++)
		odd[0] |= (uint64_t)(t[k + 1] - t[k] - 1) >= most[0];
	return !(odd[0] | odd[1]);
}

/* How many stamps of @r, from its head on, follow each other without a hole? */
static unsigned int steady(const struct align *a, const struct ring *r, unsigned int max,
			   int64_t limit_ns)
{
	const int64_t *t = r->time_ns + (r->head & (a->size - 1));
	int64_t longest = a->period_ns + a->period_ns / 2;
	unsigned int n;

	/* as a rule all of them do */
	if (is_even(t, max, longest) && t[max - 1] < limit_ns)
		return max;
	for (n = 1; n < max; n++)
		if (!is_even(t + n - 1, 2, longest) || t[n] >= limit_ns)
			break;
	return n;
}

/* The first of the devices in @present, which is not empty. */
static const struct ring *first_of(const struct align *a, const struct device_set *present)
{
	unsigned int d = 0;

	while (!device_set_has(present, d))
		d++;
	return &a->ring[d];
}

/* Length of the run that begins at the heads of the devices in @present. */
static unsigned int run_length(const struct align *a, const struct device_set *present,
			       int64_t limit_ns)
{
	const struct ring *first = first_of(a, present);
	unsigned int n = a->size;
	unsigned int d;

	for (d = 0; d < a->inputs->devices; d++) {
		const struct ring *r = &a->ring[d];
		unsigned int at = r->head & (a->size - 1);

		if (!device_set_has(present, d))
			continue;
		if (ring_count(r) < n)
			n = ring_count(r);
		if (a->size - at < n)
			n = a->size - at;
	}
	n = steady(a, first, n, limit_ns);
	for (d = 0; d < a->inputs->devices; d++) {
		const struct ring *r = &a->ring[d];
		const int64_t *t0 = first->time_ns + (first->head & (a->size - 1));
		const int64_t *t = r->time_ns + (r->head & (a->size - 1));

		if (!device_set_has(present, d) || r == first || !memcmp(t0, t, n * sizeof(*t)))
			continue;
		for (n = 1; t0[n] == t[n];)
			n++;
	}
	return n;
}

static void fill_run(struct align *a, struct align_run *run, unsigned int scans,
		     const struct device_set *present)
{
	unsigned int d;
	unsigned int c;

	run->scans = scans;
	run->present = *present;
	run->time_ns = NULL;
	for (d = 0; d < a->inputs->devices; d++) {
		const struct input_device *dev = &a->inputs->device[d];
		struct ring *r = &a->ring[d];
		unsigned int at = r->head & (a->size - 1);
		bool here = device_set_has(present, d);

		if (here && !run->time_ns)
			run->time_ns = r->time_ns + at;
		for (c = 0; c < dev->channels; c++)
			run->channel[dev->channel[c]] = here ? r->channel[c] + at : NULL;
	}
}

/* Does a hole lie before the stamp @key? Counted once per hole. */
static bool hole_before(struct align *a, int64_t key)
{
	int64_t step;

	if (a->last_ns == INT64_MIN)
		return false;
	step = key - a->last_ns;
	if (!a->hole && step <= a->period_ns + a->period_ns / 2)
		return false;
	a->counters.gaps++;
	a->counters.missing += (step + a->period_ns / 2) / a->period_ns - 1;
	return true;
}

bool align_next(struct align *a, struct align_run *run)
{
	struct device_set present;
	int64_t limit_ns;
	int64_t newest;
	int64_t key;
	int verdict;

	for (;;) {
		drop_stale(a);
		if (!ends(a, &key, &newest))
			return false;
		verdict = participants(a, key, newest, &present, &limit_ns);
		if (!verdict)
			return false;
		if (verdict > 0)
			break;
		drop_key(a, key);
	}
	run->gap = hole_before(a, key);
	a->hole = false;
	a->run_present = present;
	fill_run(a, run, run_length(a, &present, limit_ns), &present);
	return true;
}

void align_release(struct align *a, unsigned int scans)
{
	bool first = true;
	unsigned int d;

	for (d = 0; d < a->inputs->devices; d++) {
		struct ring *r = &a->ring[d];

		if (!device_set_has(&a->run_present, d))
			continue;
		if (first)
			a->last_ns = r->time_ns[(r->head + scans - 1) & (a->size - 1)];
		first = false;
		r->head += scans;
		/* an empty ring begins anew where the cache is warm */
		if (r->head == r->tail)
			r->head = r->tail = 0;
	}
	a->counters.joined += scans;
}
