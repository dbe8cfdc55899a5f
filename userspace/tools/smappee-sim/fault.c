// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of trouble and their dice.
 */
#include "fault.h"

#include "random.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const names[FAULT_KINDS] = {
	[FAULT_BIT_ERRORS] = "bit_errors", [FAULT_DROP] = "drop",
	[FAULT_DELAY] = "delay",	   [FAULT_TRUNCATE] = "truncate",
	[FAULT_DUPLICATE] = "duplicate",   [FAULT_GARBAGE] = "garbage",
	[FAULT_WRONG_UNIT] = "wrong_unit", [FAULT_EXCEPTION] = "exception",
	[FAULT_MISS_SYNC] = "miss_sync",   [FAULT_SILENT] = "silent",
	[FAULT_RESTART] = "restart",	   [FAULT_POWER] = "power",
	[FAULT_MEMORY] = "memory",	   [FAULT_BABBLE] = "babble",
	[FAULT_SERIAL] = "serial",	   [FAULT_HOSTILE] = "hostile",
};

const char *fault_name(enum fault_kind kind)
{
	return names[kind];
}

enum fault_kind fault_kind(const char *name)
{
	unsigned int kind = 0;

	while (kind < FAULT_KINDS && strcmp(names[kind], name))
		kind++;
	return (enum fault_kind)kind;
}

bool fault_at_once(enum fault_kind kind)
{
	return kind == FAULT_SERIAL || kind == FAULT_SILENT || kind == FAULT_RESTART ||
	       kind == FAULT_POWER || kind == FAULT_MEMORY;
}

void fault_init(struct faults *f, uint64_t seed)
{
	*f = (struct faults){ .random = random_hash(seed ^ 0xfa017) };
}

int fault_add(struct faults *f, const struct fault_rule *rule)
{
	if (f->rules == FAULT_RULES_MAX)
		return -ENOSPC;
	f->rule[f->rules++] = *rule;
	return 0;
}

void fault_clear(struct faults *f)
{
	f->rules = 0;
}

static void drop_spent(struct faults *f)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < f->rules; i++)
		if (f->rule[i].count)
			f->rule[kept++] = f->rule[i];
	f->rules = kept;
}

bool fault_strikes(struct faults *f, enum fault_kind kind, uint8_t unit, double *value)
{
	bool strikes = false;

	for (unsigned int i = 0; i < f->rules && !strikes; i++) {
		struct fault_rule *r = &f->rule[i];

		if (r->kind != kind || (r->unit && r->unit != unit) ||
		    random_unit(&f->random) >= r->rate)
			continue;
		strikes = true;
		f->done[kind]++;
		if (r->count > 0)
			r->count--;
		if (value)
			*value = r->value;
	}
	if (strikes)
		drop_spent(f);
	return strikes;
}

/* Distance to the next bad bit at @rate per bit: geometric. */
static double bits_to_next(struct faults *f, double rate)
{
	return rate >= 1 ? 1 : 1 + floor(log(1 - random_unit(&f->random)) / log1p(-rate));
}

unsigned int fault_flip(struct faults *f, uint8_t unit, uint8_t *bytes, size_t len)
{
	double bits = (double)len * 8;
	unsigned int flipped = 0;

	for (unsigned int i = 0; i < f->rules; i++) {
		struct fault_rule *r = &f->rule[i];

		if (r->kind != FAULT_BIT_ERRORS || (r->unit && r->unit != unit) || r->rate <= 0)
			continue;
		for (double at = bits_to_next(f, r->rate) - 1; at < bits && r->count;
		     at += bits_to_next(f, r->rate)) {
			size_t bit = (size_t)at;

			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			flipped++;
			if (r->count > 0)
				r->count--;
		}
	}
	f->done[FAULT_BIT_ERRORS] += flipped;
	drop_spent(f);
	return flipped;
}
