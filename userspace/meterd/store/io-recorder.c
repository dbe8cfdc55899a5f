// SPDX-License-Identifier: GPL-2.0-or-later
#include "io-recorder.h"

#include <math.h>
#include <stdio.h>

#include "store.h"

#define MARK_MS 300000
#define E6 1e6

void io_recorder_add(struct io_recorder *r, const struct io_reading *reading, struct store *store,
		     int64_t utc_ms, int64_t uptime_ms, bool synchronised)
{
	int64_t mark = utc_ms / MARK_MS;
	unsigned int k;

	if (!r->mark)
		r->mark = mark;
	if (mark == r->mark)
		return;
	r->mark = mark;
	for (k = 0; k < reading->contacts; k++) {
		const struct contact_reading *c = &reading->contact[k];
		struct record record = {
			.kind = RECORD_INPUT,
			.utc_ms = mark * MARK_MS,
			.uptime_ms = uptime_ms,
			.flags = synchronised ? 0 : RECORD_CLOCK_UNSYNC,
			.role = c->contact->kind,
			.pulses = c->pulses,
		};

		if (c->problem || !isfinite(c->total) || fabs(c->total) > INT64_MAX / E6 / 2)
			continue;
		record.total_e6 = llrint(c->total * E6);
		snprintf(record.name, sizeof(record.name), "%s", c->contact->name);
		snprintf(record.text, sizeof(record.text), "%s", c->contact->unit->name);
		store_put(store, &record, 1);
	}
}
