/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device-set - which of the devices of the inputs.
 */
#ifndef METERD_DEVICE_SET_H
#define METERD_DEVICE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "inputs.h"

#define DEVICE_SET_WORDS ((INPUT_DEVICES_MAX + 63) / 64)

/**
 * struct device_set - a bit for each device; all zero is the empty set
 * @word: 64 of them each
 */
struct device_set {
	uint64_t word[DEVICE_SET_WORDS];
};

/** device_set_has() - is @device in it? */
static inline bool device_set_has(const struct device_set *s, unsigned int device)
{
	return s->word[device / 64] >> device % 64 & 1;
}

/** device_set_add() - put @device into it */
static inline void device_set_add(struct device_set *s, unsigned int device)
{
	s->word[device / 64] |= UINT64_C(1) << device % 64;
}

/** device_set_both() - the devices that are in @a and in @b */
static inline struct device_set device_set_both(struct device_set a, struct device_set b)
{
	unsigned int k;

	for (k = 0; k < DEVICE_SET_WORDS; k++)
		a.word[k] &= b.word[k];
	return a;
}

/** device_set_equal() - are they the same? */
static inline bool device_set_equal(const struct device_set *a, const struct device_set *b)
{
	unsigned int k;

	for (k = 0; k < DEVICE_SET_WORDS; k++)
		if (a->word[k] != b->word[k])
			return false;
	return true;
}

#endif
