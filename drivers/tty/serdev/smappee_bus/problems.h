/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is wrong on a segment and stays wrong until somebody does something about
 * it: said in the log once, and shown in sysfs for as long as it lasts.
 */
#ifndef SMAPPEE_PROBLEMS_H
#define SMAPPEE_PROBLEMS_H

#include <linux/compiler_attributes.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct smappee_segment;

/* Problems that are shown at a time; more are only logged. */
#define SMAPPEE_PROBLEMS_MAX	16
#define SMAPPEE_PROBLEM_LEN	128

/**
 * enum smappee_problem_kind - what is wrong
 * @SMAPPEE_PROBLEM_DUPLICATE_SERIAL: two modules have the same serial number
 * @SMAPPEE_PROBLEM_TOO_MANY_INPUTS: more measuring points than a gateway has
 * @SMAPPEE_PROBLEM_WRONG_SEGMENT: a module that belongs to another kind of segment
 * @SMAPPEE_PROBLEM_BABBLING: something sends that nobody has asked
 * @SMAPPEE_PROBLEM_NO_ADDRESS: a module has no unit address and gets none
 * @SMAPPEE_PROBLEM_FIRMWARE: a module's firmware is too old
 * @SMAPPEE_PROBLEMS: how many kinds there are
 */
enum smappee_problem_kind {
	SMAPPEE_PROBLEM_DUPLICATE_SERIAL,
	SMAPPEE_PROBLEM_TOO_MANY_INPUTS,
	SMAPPEE_PROBLEM_WRONG_SEGMENT,
	SMAPPEE_PROBLEM_BABBLING,
	SMAPPEE_PROBLEM_NO_ADDRESS,
	SMAPPEE_PROBLEM_FIRMWARE,
	SMAPPEE_PROBLEMS
};

/**
 * struct smappee_problem - one of them
 * @kind: what is wrong
 * @unit: unit address concerned, 0 for none
 * @text: in words, with the way out
 */
struct smappee_problem {
	enum smappee_problem_kind kind;
	u8 unit;
	char text[SMAPPEE_PROBLEM_LEN];
};

/**
 * struct smappee_problems - those of a segment
 * @lock: protects all that follows
 * @count: how many
 * @list: oldest first
 */
struct smappee_problems {
	struct mutex lock;	/* all below */
	unsigned int count;
	struct smappee_problem list[SMAPPEE_PROBLEMS_MAX];
};

__printf(4, 5)
void smappee_problem_set(struct smappee_segment *segment,
			 enum smappee_problem_kind kind, u8 unit,
			 const char *format, ...);
void smappee_problem_clear(struct smappee_segment *segment,
			   enum smappee_problem_kind kind, int unit);
int smappee_problems_emit(struct smappee_segment *segment, char *buf);

#endif
