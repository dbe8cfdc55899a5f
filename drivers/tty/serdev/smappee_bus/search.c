// SPDX-License-Identifier: GPL-2.0
/*
 * Discover: find modules that are new on the line, or that share an address, and
 * place each: at the address that it has, at the one that it had, or at a free one.
 * Which question comes next is discover.c's business, who is registered
 * enumerate.c's. All of it runs in the enumeration work, one question at a time
 * and at the lowest priority, so that streams go on.
 *
 * A collision can look like an answer. So nobody is believed to be there before
 * the identity block, read at the unit address, says the same.
 */
#include <linux/bitmap.h>
#include <linux/property.h>

#include "discover.h"
#include "enumerate.h"
#include "internal.h"
#include "problems.h"
#include "registry.h"
#include "search.h"

/* An assignment is repeated until it is answered. */
#define SEARCH_TRIES		3
/* Of so many answers of one module by its whole key, so many are damaged... */
#define SEARCH_TWIN_TRIES	8
/* ... only if there are two of it. */
#define SEARCH_TWIN_DAMAGED	4
/* So many that answer and are not there when they are called: these are no modules. */
#define SEARCH_GHOSTS_MAX	4

/* The printed serial number, for logs: two arguments of "%04u%06u". */
#define SEARCH_TYPE(key)	((unsigned int)((key) >> SMAPPEE_KEY_SERIAL_BITS))
#define SEARCH_SERIAL(key) \
	((unsigned int)((key) & ((1UL << SMAPPEE_KEY_SERIAL_BITS) - 1)))

/**
 * search_ask() - one discover request
 * @segment: the segment
 * @operation: SMAPPEE_DISCOVER_*
 * @unit: its unit field
 * @bits: bits of the key that are compared
 * @key: the key
 * @frame: gets the answer, SMAPPEE_DISCOVER_LEN bytes
 *
 * Return: 0 for one clean answer, -ETIMEDOUT for silence, -ESHUTDOWN and -EIO as
 * smappee_line_transact(), another error for anything else that came.
 */
static int search_ask(struct smappee_segment *segment, u8 operation, u8 unit,
		      u8 bits, u64 key, u8 *frame)
{
	struct smappee_answer answer = {
		.frame = frame,
		.size = SMAPPEE_DISCOVER_LEN,
	};
	struct modbus_request rq;
	int ret;

	ret = modbus_discover(&rq, operation, unit, bits, key);
	if (ret)
		return ret;
	ret = smappee_line_transact(&segment->line, SMAPPEE_HOUSEKEEPING, &rq,
				    &answer, NULL);
	/* Half an answer is no silence. */
	if (ret == -ETIMEDOUT && answer.len)
		return -EPROTO;

	return ret;
}

static bool search_given_up(int ret)
{
	return ret == -ESHUTDOWN || ret == -EIO;
}

static u64 search_key(const struct smappee_module *module)
{
	return smappee_key(module->sdev.type, module->sdev.serial);
}

static struct smappee_module *search_module(struct smappee_segment *segment,
					    u64 key)
{
	return smappee_registry_find_serial(segment, SEARCH_TYPE(key),
					    SEARCH_SERIAL(key));
}

/* Is the module with that key at this unit, as its identity block says? */
static bool search_confirm(struct smappee_segment *segment, u8 unit, u64 key)
{
	struct smappee_module *module;

	smappee_enumerate_unit(segment, unit, SEARCH_TRIES, false);
	module = smappee_registry_find(segment, unit, -1);
	if (module && search_key(module) == key)
		return true;
	/* Something is there or will be; ask again before long. */
	set_bit(unit, segment->heard);

	return false;
}

/* Nobody is known to have this unit, and nobody answers there. */
static bool search_is_free(struct smappee_segment *segment, u8 unit)
{
	if (smappee_registry_find(segment, unit, -1) ||
	    test_bit(unit, segment->heard))
		return false;

	return smappee_enumerate_unit(segment, unit, 1, false) == -ETIMEDOUT;
}

/**
 * search_address() - the unit address that a module shall have
 * @segment: the segment
 * @key: the module
 * @avoid: not this one, 0 for none
 *
 * In this order: that of its node in the firmware description, the one that it is
 * registered at, the lowest free one that no node is for, the lowest free one.
 *
 * Return: the address, 0 if all are taken.
 */
static u8 search_address(struct smappee_segment *segment, u64 key, u8 avoid)
{
	struct smappee_module *module = search_module(segment, key);
	unsigned int unit;
	bool named;

	unit = smappee_registry_named_unit(segment, SEARCH_TYPE(key),
					   SEARCH_SERIAL(key));
	if (unit && unit != avoid && search_is_free(segment, unit))
		return unit;
	if (module && module->sdev.unit != avoid)
		return module->sdev.unit;
	for (named = false;; named = true) {
		for (unit = SMAPPEE_UNIT_MIN; unit <= SMAPPEE_UNIT_SCAN_MAX;
		     unit++)
			if (unit != avoid &&
			    test_bit(unit, segment->named) == named &&
			    search_is_free(segment, unit))
				return unit;
		if (named)
			return 0;
	}
}

/* Give a module an address of its own. Returns whether it has one now, or never will. */
static bool search_assign(struct smappee_segment *segment, u64 key, u8 avoid)
{
	u8 unit = search_address(segment, key, avoid);
	unsigned int tries = SEARCH_TRIES;
	u8 frame[SMAPPEE_DISCOVER_LEN];
	int ret;

	if (!unit) {
		smappee_problem_set(segment, SMAPPEE_PROBLEM_NO_ADDRESS, 0,
				    "module %04u%06u gets no unit address, all %u are taken; remove modules and write 1 to rescan",
				    SEARCH_TYPE(key), SEARCH_SERIAL(key),
				    SMAPPEE_UNIT_SCAN_MAX);
		return true;
	}
	do {
		ret = search_ask(segment, SMAPPEE_DISCOVER_ASSIGN, unit,
				 SMAPPEE_KEY_BITS, key, frame);
	} while (ret && !search_given_up(ret) && --tries);
	if (search_given_up(ret))
		return true;
	/* Whether or not it was answered: is it there? */
	if (!search_confirm(segment, unit, key))
		return false;
	dev_info(segment->dev, "module %04u%06u has unit %u\n",
		 SEARCH_TYPE(key), SEARCH_SERIAL(key), unit);

	return true;
}

/*
 * A new module: with an address that nobody else has, it keeps that. Returns false if
 * it is not there.
 */
static bool search_place_new(struct smappee_segment *segment, u8 from, u64 key)
{
	struct smappee_module *module;

	if (segment->registers) {
		smappee_problem_set(segment, SMAPPEE_PROBLEM_WRONG_SEGMENT,
				    from,
				    "module %04u%06u is no Power Box; connect it to a segment of open modules",
				    SEARCH_TYPE(key), SEARCH_SERIAL(key));
		return true;
	}
	module = from ? smappee_registry_find(segment, from, -1) : NULL;
	if (!from || (module && search_key(module) != key))
		return search_assign(segment, key, from);

	return search_confirm(segment, from, key);
}

/**
 * struct search - a walk and what it is for
 * @segment: the segment
 * @unit: the unit that is shared, 0: new modules
 * @keep: key of the module that keeps @unit, 0: not known yet
 * @ghost: key that answered last and could not be placed, 0: none
 * @vain: how often that was tried with it
 * @ghosts: how many such keys there were
 * @d: where it is
 */
struct search {
	struct smappee_segment *segment;
	u8 unit;
	u64 keep;
	u64 ghost;
	unsigned int vain;
	unsigned int ghosts;
	struct smappee_discover d;
};

/*
 * Place who has answered. What cannot be placed answers again and again, or is no module
 * at all: each try is dozens of questions.
 */
static void search_place(struct search *s, u8 from, u64 key)
{
	if (key == s->ghost && s->vain >= SEARCH_TRIES)
		return;
	if (s->unit ? search_assign(s->segment, key, from) :
		      search_place_new(s->segment, from, key))
		return;
	if (key != s->ghost) {
		s->ghost = key;
		s->vain = 0;
		s->ghosts++;
	}
	s->vain++;
}

static void search_found(struct search *s, u8 from, u64 key)
{
	if (!s->unit) {
		search_place(s, from, key);
		smappee_discover_answer(&s->d, key);
		return;
	}
	if (!s->keep)
		s->keep = key;
	if (s->keep == key) {
		/* It stays and would go on to answer. */
		smappee_discover_silence(&s->d);
		return;
	}
	dev_warn(s->segment->dev,
		 "unit %u is also that of module %04u%06u, which gets another\n",
		 s->unit, SEARCH_TYPE(key), SEARCH_SERIAL(key));
	search_place(s, s->unit, key);
	smappee_discover_answer(&s->d, key);
}

/* Two with the same key cannot be told apart, but be heard to be two. */
static void search_twins(struct search *s, u64 key)
{
	unsigned int damaged = 0;
	unsigned int i;
	u8 frame[SMAPPEE_DISCOVER_LEN];
	int ret;

	if (!SEARCH_TYPE(key) || SEARCH_TYPE(key) > SMAPPEE_TYPE_MAX ||
	    !SEARCH_SERIAL(key) || SEARCH_SERIAL(key) > SMAPPEE_SERIAL_MAX)
		return;
	for (i = 0; i < SEARCH_TWIN_TRIES; i++) {
		ret = search_ask(s->segment, SMAPPEE_DISCOVER_SEARCH, s->unit,
				 SMAPPEE_KEY_BITS, key, frame);
		if (search_given_up(ret))
			return;
		damaged += ret && ret != -ETIMEDOUT;
	}
	if (damaged >= SEARCH_TWIN_DAMAGED)
		smappee_problem_set(s->segment,
				    SMAPPEE_PROBLEM_DUPLICATE_SERIAL, s->unit,
				    "two modules say that they are %04u%06u; remove one of them",
				    SEARCH_TYPE(key), SEARCH_SERIAL(key));
}

static void search_collided(struct search *s)
{
	u64 key = s->d.key;
	unsigned int stuck = s->d.stuck;

	smappee_discover_collision(&s->d);
	if (s->d.stuck != stuck)
		search_twins(s, key);
}

/* One question. Returns false if the line is gone. */
static bool search_step(struct search *s)
{
	struct smappee_segment *segment = s->segment;
	u8 frame[SMAPPEE_DISCOVER_LEN];
	int ret;

	ret = search_ask(segment, SMAPPEE_DISCOVER_SEARCH, s->unit, s->d.bits,
			 s->d.key, frame);
	if (search_given_up(ret))
		return false;
	if (!ret) {
		search_found(s, frame[0], modbus_answer_key(frame));
		return true;
	}
	if (ret != -ETIMEDOUT) {
		search_collided(s);
		return true;
	}
	smappee_discover_silence(&s->d);

	return true;
}

static void search_run(struct search *s)
{
	smappee_discover_begin(&s->d);
	while (s->ghosts < SEARCH_GHOSTS_MAX && smappee_discover_next(&s->d)) {
		if (READ_ONCE(s->segment->line.stopping) || !search_step(s))
			return;
		smappee_enumerate_verify(s->segment);
	}
	if (s->d.hopeless || s->ghosts >= SEARCH_GHOSTS_MAX)
		smappee_problem_set(s->segment, SMAPPEE_PROBLEM_BABBLING, 0,
				    "something answers whatever is asked; unplug modules until this ends");
}

/**
 * smappee_search_new() - find modules that are new, and place them
 * @segment: the segment
 *
 * One question if there are none. Context: the enumeration work.
 */
void smappee_search_new(struct smappee_segment *segment)
{
	struct search s = { .segment = segment };

	search_run(&s);
}

/**
 * smappee_search_unit() - find out who shares a unit, and tell them apart
 * @segment: the segment
 * @unit: the unit, whose answers are damaged again and again
 *
 * The module that is registered there keeps it. Context: the enumeration work.
 */
void smappee_search_unit(struct smappee_segment *segment, u8 unit)
{
	struct smappee_module *module = smappee_registry_find(segment, unit, -1);
	struct search s = {
		.segment = segment,
		.unit = unit,
		.keep = module ? search_key(module) : 0,
	};

	search_run(&s);
	/* Nobody else is there, and yet its answers are damaged. */
	if (s.keep && !s.d.found)
		search_twins(&s, s.keep);
}

/**
 * smappee_search_release() - let all modules forget their addresses
 * @segment: the segment, of open modules
 *
 * Context: the enumeration work.
 */
void smappee_search_release(struct smappee_segment *segment)
{
	unsigned int tries = SEARCH_TRIES;
	u8 frame[SMAPPEE_DISCOVER_LEN];

	/* Not answered, so it is said more than once. */
	while (tries--)
		search_ask(segment, SMAPPEE_DISCOVER_RELEASE, 0, 0, 0, frame);
}
