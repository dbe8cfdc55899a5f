// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For each type: is one in progress, and does the next value begin, continue or end it?
 */
#include "event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* filter of the sliding reference: one minute of 0.2 s windows (IEC 61000-4-30) */
#define SLIDING_PART 0.0033

void event_init(struct event_detector *d, const struct event_config *config)
{
	memset(d, 0, sizeof(*d));
	d->config = *config;
}

void event_declare(struct event_detector *d, const double *declared_v)
{
	memcpy(d->declared_v, declared_v, sizeof(d->declared_v));
	memcpy(d->sliding_v, declared_v, sizeof(d->sliding_v));
}

static double reference(const struct event_detector *d, unsigned int slot)
{
	return d->config.sliding ? d->sliding_v[slot] : d->declared_v[slot];
}

/* Is this slot beyond the threshold, or beyond its hysteresis when @in progress? */
static bool beyond(const struct event_detector *d, enum event_type type, unsigned int slot,
		   double v, bool in)
{
	const struct event_config *c = &d->config;
	double part = v / reference(d, slot);
	double more = in ? c->hysteresis : 0.0;

	if (type == EVENT_SWELL)
		return in ? part > c->swell - more : part > c->swell;
	return part < (type == EVENT_DIP ? c->dip : c->interruption) + more;
}

/* Mask of the slots beyond the threshold. */
static unsigned int affected(const struct event_detector *d, enum event_type type,
			     const struct urms_value *v)
{
	bool in = d->active & (1U << type);
	unsigned int mask = 0;
	unsigned int k;

	for (k = 0; k < d->config.slots; k++)
		if ((d->seen & (1U << k)) && beyond(d, type, k, v->v[k], in))
			mask |= 1U << k;
	return mask;
}

static void note(struct pq_event *e, const struct urms_value *v, unsigned int mask)
{
	bool high = e->type == EVENT_SWELL;
	unsigned int k;

	e->end_ns = v->end_ns;
	e->phases |= mask;
	for (k = 0; k < v->slots; k++) {
		e->slot_v[k] = high ? fmax(e->slot_v[k], v->v[k]) : fmin(e->slot_v[k], v->v[k]);
		if (mask & (1U << k))
			e->extreme_v =
				high ? fmax(e->extreme_v, v->v[k]) : fmin(e->extreme_v, v->v[k]);
	}
}

static void begin(struct event_detector *d, enum event_type type, const struct urms_value *v,
		  unsigned int mask)
{
	struct pq_event *e = &d->current[type];
	unsigned int first = 0;

	while (!(mask & (1U << first)))
		first++;
	*e = (struct pq_event){ .type = type,
				.start_ns = v->start_ns,
				.reference_v = reference(d, first),
				.extreme_v = v->v[first] };
	memcpy(e->slot_v, v->v, sizeof(e->slot_v));
	note(e, v, mask);
	d->active |= 1U << type;
	if (type == EVENT_INTERRUPTION)
		d->current[EVENT_DIP].interrupted = true;
	d->config.emit(d->config.user, e);
}

static void end(struct event_detector *d, enum event_type type, int64_t end_ns)
{
	struct pq_event *e = &d->current[type];

	e->end_ns = end_ns;
	e->finished = true;
	d->active &= ~(1U << type);
	d->config.emit(d->config.user, e);
}

static void step(struct event_detector *d, enum event_type type, const struct urms_value *v)
{
	unsigned int mask = affected(d, type, v);
	bool holds = type == EVENT_INTERRUPTION ? d->seen && mask == d->seen : mask;

	if (d->active & (1U << type)) {
		if (holds)
			note(&d->current[type], v, mask);
		else
			end(d, type, v->start_ns);
	} else if (holds) {
		begin(d, type, v, mask);
	}
}

void event_half(struct event_detector *d, const struct urms_value *v)
{
	unsigned int k;

	if (!(d->declared_v[0] > 0.0))
		return;
	for (k = 0; k < d->config.slots; k++)
		if (v->v[k] >= (d->config.dip + d->config.hysteresis) * reference(d, k))
			d->seen |= 1U << k;
	for (k = 0; k < EVENT_URMS_TYPES; k++)
		step(d, (enum event_type)k, v);
}

void event_window(struct event_detector *d, const double *rms_v)
{
	unsigned int k;

	if (d->active)
		return;
	for (k = 0; k < d->config.slots; k++)
		d->sliding_v[k] += SLIDING_PART * (rms_v[k] - d->sliding_v[k]);
}

void event_gap(struct event_detector *d)
{
	unsigned int k;

	for (k = 0; k < EVENT_URMS_TYPES; k++)
		d->current[k].incomplete = true;
}

void event_describe(const struct pq_event *e, const char *const *phase, char *text, size_t size)
{
	char names[READING_PHASES_MAX * 8] = "";
	unsigned int k;

	for (k = 0; k < READING_PHASES_MAX; k++) {
		if (!(e->phases & (1U << k)))
			continue;
		if (names[0])
			strcat(names, " ");
		strncat(names, phase[k], 6);
	}
	snprintf(text, size, "%s: %.2f V (%.1f %%), %.4f s%s%s", names, e->extreme_v,
		 100.0 * e->extreme_v / e->reference_v, (double)(e->end_ns - e->start_ns) / 1e9,
		 e->interrupted ? ", with an interruption" : "",
		 e->incomplete ? ", samples were lost" : "");
}

const char *event_type_name(enum event_type type)
{
	static const char *const name[EVENT_TYPES] = { "dip", "swell", "interruption",
						       "transient" };

	return name[type];
}
