// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S 1e6

void snapshot_take(struct snapshot *s, const struct reading *r, uint64_t now_us)
{
	struct load_reading *load;

	if (r->loads > s->room) {
		load = reallocarray(s->load, r->loads, sizeof(*load));
		if (!load) {
			s->at_us = 0;
			return;
		}
		s->load = load;
		s->room = r->loads;
	}
	s->reading = *r;
	if (r->loads)
		memcpy(s->load, r->load, r->loads * sizeof(*s->load));
	s->reading.load = s->load;
	s->at_us = now_us;
}

double snapshot_age_s(const struct snapshot *s, uint64_t now_us)
{
	return s->at_us ? (double)(now_us - s->at_us) / US_PER_S : NAN;
}

const struct reading *snapshot_fresh(const struct snapshot *s, uint64_t now_us)
{
	return snapshot_age_s(s, now_us) <= SNAPSHOT_FRESH_S ? &s->reading : NULL;
}

void snapshot_free(struct snapshot *s)
{
	free(s->load);
	*s = (struct snapshot){ 0 };
}
