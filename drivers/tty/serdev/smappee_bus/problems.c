// SPDX-License-Identifier: GPL-2.0
/*
 * Problems of a segment. There are few, so they are a short array.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "problems.h"

static const char *const problem_names[SMAPPEE_PROBLEMS] = {
	[SMAPPEE_PROBLEM_DUPLICATE_SERIAL] = "duplicate-serial",
	[SMAPPEE_PROBLEM_TOO_MANY_INPUTS] = "too-many-inputs",
	[SMAPPEE_PROBLEM_WRONG_SEGMENT] = "wrong-segment",
	[SMAPPEE_PROBLEM_BABBLING] = "babbling",
	[SMAPPEE_PROBLEM_NO_ADDRESS] = "no-address",
	[SMAPPEE_PROBLEM_FIRMWARE] = "firmware",
};

/* Add one; false if it is known. */
static bool problem_add(struct smappee_problems *problems,
			const struct smappee_problem *problem)
{
	unsigned int i;

	guard(mutex)(&problems->lock);
	for (i = 0; i < problems->count; i++)
		if (problems->list[i].kind == problem->kind &&
		    problems->list[i].unit == problem->unit &&
		    !strcmp(problems->list[i].text, problem->text))
			return false;
	if (problems->count < SMAPPEE_PROBLEMS_MAX)
		problems->list[problems->count++] = *problem;

	return true;
}

/**
 * smappee_problem_set() - something is wrong
 * @segment: the segment
 * @kind: what
 * @unit: unit address concerned, 0 for none
 * @format: in words, with the way out; no newline
 *
 * Logged when it is new. Context: may sleep.
 */
void smappee_problem_set(struct smappee_segment *segment,
			 enum smappee_problem_kind kind, u8 unit,
			 const char *format, ...)
{
	struct smappee_problem problem = { .kind = kind, .unit = unit };
	va_list args;

	va_start(args, format);
	vscnprintf(problem.text, sizeof(problem.text), format, args);
	va_end(args);
	if (!problem_add(&segment->problems, &problem))
		return;
	dev_err(segment->dev, "%s\n", problem.text);
	sysfs_notify(&segment->dev->kobj, NULL, "problems");
}

/**
 * smappee_problem_clear() - it is no longer wrong
 * @segment: the segment
 * @kind: what
 * @unit: unit address concerned, 0 for none, -1 for whichever
 *
 * Context: may sleep.
 */
void smappee_problem_clear(struct smappee_segment *segment,
			   enum smappee_problem_kind kind, int unit)
{
	struct smappee_problems *problems = &segment->problems;
	unsigned int i, kept = 0;
	bool changed;

	scoped_guard(mutex, &problems->lock) {
		for (i = 0; i < problems->count; i++)
			if (problems->list[i].kind != kind ||
			    (unit >= 0 && problems->list[i].unit != unit))
				problems->list[kept++] = problems->list[i];
		changed = kept != problems->count;
		problems->count = kept;
	}
	if (changed)
		sysfs_notify(&segment->dev->kobj, NULL, "problems");
}

/**
 * smappee_problems_emit() - show them in sysfs
 * @segment: the segment
 * @buf: the attribute's page
 *
 * Return: bytes written, as sysfs_emit().
 */
int smappee_problems_emit(struct smappee_segment *segment, char *buf)
{
	struct smappee_problems *problems = &segment->problems;
	unsigned int i;
	int len = 0;

	guard(mutex)(&problems->lock);
	for (i = 0; i < problems->count; i++)
		len += sysfs_emit_at(buf, len, "%s %u %s\n",
				     problem_names[problems->list[i].kind],
				     problems->list[i].unit,
				     problems->list[i].text);

	return len;
}
