// SPDX-License-Identifier: GPL-2.0-or-later
#include "contact.h"

#include <math.h>

#define US_PER_S 1e6

/* The first pulse marks the begin: how long before it none came is not known. */
static void follow_flow(struct contact_flow *f, uint32_t came, uint64_t now_us)
{
	double passed_s = (double)(now_us - f->mark_us) / US_PER_S;

	if (!f->mark_us) {
		f->per_s = NAN;
		if (came)
			f->mark_us = now_us;
		return;
	}
	f->pulses += came;
	if (f->pulses && passed_s >= CONTACT_FLOW_S && came) {
		f->per_s = (double)f->pulses / passed_s;
		f->mark_us = now_us;
		f->pulses = 0;
	} else if (passed_s >= CONTACT_STILL_S) {
		f->per_s = 0;
	} else if (!f->pulses && f->per_s * passed_s > 1) {
		/* the next pulse is overdue */
		f->per_s = 1 / passed_s;
	}
}

enum contact_news contact_count(struct pulse_register *r, struct contact_flow *flow,
				const struct contact_look *look)
{
	uint32_t counter = (uint32_t)look->pulses;
	enum contact_news news = CONTACT_NOTHING;
	uint32_t came = 0;

	if (!r->place) {
		news = CONTACT_BEGUN;
	} else if (r->place != look->place) {
		news = CONTACT_MOVED;
	} else if (r->epoch != look->epoch) {
		news = CONTACT_FORGOT;
		came = counter;
	} else {
		came = counter - r->counter;
		news = came ? CONTACT_PULSES : CONTACT_NOTHING;
	}
	r->pulses += came;
	r->place = look->place;
	r->epoch = look->epoch;
	r->counter = counter;
	follow_flow(flow, came, look->at_us);
	return news;
}
