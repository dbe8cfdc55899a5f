/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault - what goes wrong on request: which kind, how often, at whom, and how
 * often it did. The same seed and the same traffic give the same faults.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_RULES_MAX 32

/**
 * enum fault_kind - what goes wrong
 * @FAULT_BIT_ERRORS: bits of requests and answers flip; rate is per bit
 * @FAULT_DROP: the answer never reaches the line
 * @FAULT_DELAY: the answer comes later by so many ms
 * @FAULT_TRUNCATE: the end of the answer is missing
 * @FAULT_DUPLICATE: the answer comes twice
 * @FAULT_GARBAGE: random bytes before the answer
 * @FAULT_WRONG_UNIT: the answer carries another unit's address, CRC right
 * @FAULT_EXCEPTION: an exception instead of the answer, value is its code
 * @FAULT_MISS_SYNC: a follower does not hear a sync answer
 * @FAULT_SILENT: the module neither hears nor answers for so many seconds
 * @FAULT_RESTART: the module restarts
 * @FAULT_POWER: the module is without power for so many seconds, then restarts
 * @FAULT_MEMORY: an input module loses its counters; value is its new epoch
 * @FAULT_BABBLE: the module answers requests to units that are not there, and sends
 *	after the answers of others, unasked
 * @FAULT_SERIAL: the module shows another serial number, value
 * @FAULT_HOSTILE: the answer is one that is out to confuse (hostile.h)
 * @FAULT_KINDS: how many there are
 */
enum fault_kind {
	FAULT_BIT_ERRORS,
	FAULT_DROP,
	FAULT_DELAY,
	FAULT_TRUNCATE,
	FAULT_DUPLICATE,
	FAULT_GARBAGE,
	FAULT_WRONG_UNIT,
	FAULT_EXCEPTION,
	FAULT_MISS_SYNC,
	FAULT_SILENT,
	FAULT_RESTART,
	FAULT_POWER,
	FAULT_MEMORY,
	FAULT_BABBLE,
	FAULT_SERIAL,
	FAULT_HOSTILE,
	FAULT_KINDS,
};

/**
 * struct fault_rule - one request for trouble
 * @kind: what
 * @unit: at whom, 0 for all
 * @rate: how often, 0 to 1
 * @count: how many times still; -1 for no end
 * @value: ms, exception code
 */
struct fault_rule {
	enum fault_kind kind;
	uint8_t unit;
	double rate;
	long count;
	double value;
};

/**
 * struct faults - all rules of a segment
 * @random: stream that decides
 * @rules: rules in force
 * @rule: the rules
 * @done: how often each kind happened; bit errors count bits
 */
struct faults {
	uint64_t random;
	unsigned int rules;
	struct fault_rule rule[FAULT_RULES_MAX];
	uint64_t done[FAULT_KINDS];
};

/** fault_name() - name of a kind, as the control socket has it */
const char *fault_name(enum fault_kind kind);

/** fault_kind() - kind of that name, FAULT_KINDS if none */
enum fault_kind fault_kind(const char *name);

/** fault_at_once() - does it happen when it is asked for, not with the traffic? */
bool fault_at_once(enum fault_kind kind);

/** fault_init() - no rules, decisions drawn from @seed */
void fault_init(struct faults *f, uint64_t seed);

/**
 * fault_add() - add a rule
 *
 * Return: 0, or -ENOSPC when there are FAULT_RULES_MAX.
 */
int fault_add(struct faults *f, const struct fault_rule *rule);

/** fault_clear() - drop all rules; the counters stay */
void fault_clear(struct faults *f);

/**
 * fault_strikes() - does it happen now?
 * @f: the faults
 * @kind: any kind but FAULT_BIT_ERRORS
 * @unit: unit concerned
 * @value: if not NULL, gets the rule's value
 *
 * Counts it if so.
 */
bool fault_strikes(struct faults *f, enum fault_kind kind, uint8_t unit, double *value);

/**
 * fault_flip() - flip bits as the rules for bit errors say
 *
 * Every bit on the line counts, start and stop bits aside. Return: bits flipped.
 */
unsigned int fault_flip(struct faults *f, uint8_t unit, uint8_t *bytes, size_t len);

#endif
