/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random - reproducible random numbers: a stateless hash for noise that must be
 * the same when the same sample is asked for again, and a stream for faults.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

/**
 * random_hash() - mix a key into 64 well distributed bits (splitmix64 finaliser)
 * @key: any number
 *
 * Return: the same value for the same key, always.
 */
static inline uint64_t random_hash(uint64_t key)
{
	key += 0x9e3779b97f4a7c15ULL;
	key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ULL;
	key = (key ^ (key >> 27)) * 0x94d049bb133111ebULL;
	return key ^ (key >> 31);
}

/**
 * random_next() - next number of a stream
 * @state: the stream; any start value
 */
static inline uint64_t random_next(uint64_t *state)
{
	return random_hash((*state)++);
}

/**
 * random_unit() - next number of a stream, uniform in [0, 1)
 * @state: the stream
 */
static inline double random_unit(uint64_t *state)
{
	return (double)(random_next(state) >> 11) * 0x1p-53;
}

/**
 * random_normal() - nearly normal number of mean 0 and variance 1
 * @hash: 64 random bits, for example of random_hash()
 *
 * The sum of four uniform 16-bit numbers: good to three standard deviations,
 * never beyond 3.47, which suits converter noise.
 */
static inline double random_normal(uint64_t hash)
{
	int64_t sum = (int64_t)(hash & 0xffff) + (int64_t)(hash >> 16 & 0xffff) +
		      (int64_t)(hash >> 32 & 0xffff) + (int64_t)(hash >> 48);

	/* four of variance (2^16)^2 / 12 each: sigma is 2^16 / sqrt(3) */
	return (double)(sum - 2 * 65535) * (1.7320508075688772 / 65536.0);
}

#endif
