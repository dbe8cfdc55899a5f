/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on request: points in the code where a fault can be made that a real
 * line makes seldom, and never when one looks.
 *
 * Each point is a function that says whether the fault happens now. With
 * CONFIG_FUNCTION_ERROR_INJECTION the kernel's fail_function can make it say so;
 * without, as on kernels of distributions, a number written to a file of debugfs
 * (smappee/segmentN/inject/) makes that many faults. With
 * CONFIG_SMAPPEE_BUS_ERROR_INJECTION off there is nothing of this in the code.
 */
#ifndef SMAPPEE_INJECT_H
#define SMAPPEE_INJECT_H

#include <linux/types.h>

struct dentry;
struct smappee_line;

/**
 * enum smappee_fault - what can be made to happen
 * @SMAPPEE_FAULT_DROP_BYTE: the last byte of a piece of an answer is lost
 * @SMAPPEE_FAULT_CORRUPT: a bit of an answer is flipped
 * @SMAPPEE_FAULT_WRITE: the port does not take a request
 * @SMAPPEE_FAULT_LATE: an answer comes after nobody waits for it any more
 * @SMAPPEE_FAULTS: how many there are
 */
enum smappee_fault {
	SMAPPEE_FAULT_DROP_BYTE,
	SMAPPEE_FAULT_CORRUPT,
	SMAPPEE_FAULT_WRITE,
	SMAPPEE_FAULT_LATE,
	SMAPPEE_FAULTS
};

#ifdef CONFIG_SMAPPEE_BUS_ERROR_INJECTION
bool smappee_inject_drop_byte(struct smappee_line *line);
bool smappee_inject_corrupt(struct smappee_line *line);
int smappee_inject_write(struct smappee_line *line);
bool smappee_inject_late(struct smappee_line *line);
void smappee_inject_debugfs(struct smappee_line *line, struct dentry *folder);
#else
static inline bool smappee_inject_drop_byte(struct smappee_line *line)
{
	return false;
}

static inline bool smappee_inject_corrupt(struct smappee_line *line)
{
	return false;
}

static inline int smappee_inject_write(struct smappee_line *line)
{
	return 0;
}

static inline bool smappee_inject_late(struct smappee_line *line)
{
	return false;
}

static inline void smappee_inject_debugfs(struct smappee_line *line,
					  struct dentry *folder)
{
}
#endif

#endif
