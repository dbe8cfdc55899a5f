// SPDX-License-Identifier: GPL-2.0
/*
 * Walk through the tree of keys, lowest bit first. Where the walk is, is the
 * number of bits that are compared and their values: no list is kept.
 *
 *	silence		nobody here: on to the next branch
 *	collision	several: down, first to the branch with a 0
 *	clean answer	one, which the caller places; the same question again, as
 *			others may have been drowned by it
 *
 * A module that cannot be placed answers the same question cleanly again and
 * again; after a few times the walk goes down around it. What answers whatever
 * is asked ends the search.
 */
#include <linux/string.h>

#include "discover.h"

/* A module is placed within so many clean answers to one question. */
#define DISCOVER_REPEAT		3
/* Collisions for a whole key: noise, or two modules with the same number. */
#define DISCOVER_TRIES		3
/* So many keys where nothing is ever clean: that is no module. */
#define DISCOVER_STUCK_MAX	4
/*
 * On the way to each module, and to the place where the walk is, there is at most one
 * collision per bit; as many again may be noise.
 */
#define DISCOVER_COLLISIONS_MAX(found)	(((found) + 2) * SMAPPEE_KEY_BITS)
/* 32 modules whose numbers differ only in their highest bits need fewer. */
#define DISCOVER_QUESTIONS_MAX	2048

/**
 * smappee_discover_begin() - begin a search
 * @d: the search
 */
void smappee_discover_begin(struct smappee_discover *d)
{
	memset(d, 0, sizeof(*d));
}

/**
 * smappee_discover_next() - is there something to ask?
 * @d: the search; its @key and @bits are the question
 *
 * To be followed by one of smappee_discover_silence(), _collision() and
 * _answer().
 *
 * Return: false when the search is over.
 */
bool smappee_discover_next(struct smappee_discover *d)
{
	if (d->questions >= DISCOVER_QUESTIONS_MAX ||
	    d->collisions > DISCOVER_COLLISIONS_MAX(d->found) ||
	    d->stuck >= DISCOVER_STUCK_MAX) {
		d->hopeless = true;
		d->over = true;
	}
	if (d->over)
		return false;
	d->questions++;

	return true;
}

/* On to the next branch: up over all ones, then from 0 to 1. */
static void discover_forward(struct smappee_discover *d)
{
	d->repeat = 0;
	d->last = 0;
	while (d->bits && d->key >> (d->bits - 1) & 1) {
		d->bits--;
		d->key &= ~(1ULL << d->bits);
	}
	if (!d->bits) {
		d->over = true;
		return;
	}
	d->key |= 1ULL << (d->bits - 1);
}

static void discover_down(struct smappee_discover *d)
{
	d->repeat = 0;
	d->last = 0;
	d->bits++;
}

/**
 * smappee_discover_silence() - nobody answered
 * @d: the search
 */
void smappee_discover_silence(struct smappee_discover *d)
{
	discover_forward(d);
}

/**
 * smappee_discover_collision() - something answered that is no clean answer
 * @d: the search
 */
void smappee_discover_collision(struct smappee_discover *d)
{
	d->collisions++;
	if (d->bits < SMAPPEE_KEY_BITS) {
		discover_down(d);
		return;
	}
	if (++d->repeat < DISCOVER_TRIES)
		return;
	d->stuck++;
	discover_forward(d);
}

/**
 * smappee_discover_answer() - one module answered cleanly
 * @d: the search
 * @key: its key
 *
 * The caller places it, and asks on whether or not that worked.
 */
void smappee_discover_answer(struct smappee_discover *d, u64 key)
{
	if (key != d->last) {
		d->last = key;
		d->repeat = 0;
		d->found++;
		return;
	}
	if (++d->repeat < DISCOVER_REPEAT)
		return;
	if (d->bits < SMAPPEE_KEY_BITS)
		discover_down(d);
	else
		discover_forward(d);
}
