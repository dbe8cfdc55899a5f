/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot - the last reading, for those who ask when they like.
 *
 * A reading belongs to the chain and is there only while it is handed out. This is a
 * copy, with the time at which it came: what is older than SNAPSHOT_FRESH_S is not the
 * present any more and must not be given out as such.
 */
#ifndef METERD_SNAPSHOT_H
#define METERD_SNAPSHOT_H

#include "reading.h"

#define SNAPSHOT_FRESH_S 10

/**
 * struct snapshot - the copy; all zero before the first reading
 * @reading: copy; its names belong to the configuration
 * @load: its loads
 * @room: loads that @load has room for
 * @at_us: CLOCK_MONOTONIC at which it came, 0: none came
 */
struct snapshot {
	struct reading reading;
	struct load_reading *load;
	unsigned int room;
	uint64_t at_us;
};

/** snapshot_take() - copy @r; allocates only when there are more loads than ever before */
void snapshot_take(struct snapshot *s, const struct reading *r, uint64_t now_us);

/** snapshot_age_s() - age of the copy in seconds, NAN before the first */
double snapshot_age_s(const struct snapshot *s, uint64_t now_us);

/** snapshot_fresh() - the copy, or NULL when there is none or it is too old */
const struct reading *snapshot_fresh(const struct snapshot *s, uint64_t now_us);

/** snapshot_free() - free; all zero afterwards */
void snapshot_free(struct snapshot *s);

#endif
