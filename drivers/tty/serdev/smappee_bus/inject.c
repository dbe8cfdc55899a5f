// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on request.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/error-injection.h>
#include <linux/errno.h>

#include "inject.h"
#include "segment.h"
#include "trace.h"

/* Is one asked for? Then it is made now. */
static bool inject_take(struct smappee_line *line, enum smappee_fault fault)
{
	if (!atomic_add_unless(&line->fault[fault], -1, 0))
		return false;
	trace_smappee_fault(line->id, fault);

	return true;
}

/**
 * smappee_inject_drop_byte() - shall the last byte of this piece be lost?
 * @line: the line
 *
 * As a UART whose FIFO overflows loses it. Useful to test that an answer that
 * stops short ends its transaction in time, that what comes late is drained and
 * counted, and that the block is asked for again, with nothing lost.
 *
 * Return: whether.
 */
noinline bool smappee_inject_drop_byte(struct smappee_line *line)
{
	return inject_take(line, SMAPPEE_FAULT_DROP_BYTE);
}
ALLOW_ERROR_INJECTION(smappee_inject_drop_byte, TRUE);

/**
 * smappee_inject_corrupt() - shall a bit of this piece be flipped?
 * @line: the line
 *
 * As noise on the pair does. Useful to test that a wrong check sum is noticed and
 * counted, and that no value of such an answer gets anywhere.
 *
 * Return: whether.
 */
noinline bool smappee_inject_corrupt(struct smappee_line *line)
{
	return inject_take(line, SMAPPEE_FAULT_CORRUPT);
}
ALLOW_ERROR_INJECTION(smappee_inject_corrupt, TRUE);

/**
 * smappee_inject_write() - shall the port refuse this request?
 * @line: the line
 *
 * As a port whose driver is stuck does. Useful to test that the segment does not
 * wait for an answer to what was never sent, that its modules become silent if
 * that goes on, and that all is well again when it ends.
 *
 * Return: 0, or the error of the port.
 */
noinline int smappee_inject_write(struct smappee_line *line)
{
	return inject_take(line, SMAPPEE_FAULT_WRITE) ? -EIO : 0;
}
ALLOW_ERROR_INJECTION(smappee_inject_write, ERRNO);

/**
 * smappee_inject_late() - shall this piece be noticed too late?
 * @line: the line
 *
 * As on a host whose workers do not run for a while. Useful to test that a late
 * answer is not taken for that of the next request, and that the clock does not
 * believe when it came.
 *
 * Return: whether.
 */
noinline bool smappee_inject_late(struct smappee_line *line)
{
	return inject_take(line, SMAPPEE_FAULT_LATE);
}
ALLOW_ERROR_INJECTION(smappee_inject_late, TRUE);

/**
 * smappee_inject_debugfs() - files that ask for faults
 * @line: the line
 * @folder: of its segment; its removal removes them
 */
void smappee_inject_debugfs(struct smappee_line *line, struct dentry *folder)
{
	static const char * const names[SMAPPEE_FAULTS] = {
		[SMAPPEE_FAULT_DROP_BYTE] = "drop_byte",
		[SMAPPEE_FAULT_CORRUPT] = "corrupt",
		[SMAPPEE_FAULT_WRITE] = "write",
		[SMAPPEE_FAULT_LATE] = "late",
	};
	unsigned int i;

	folder = debugfs_create_dir("inject", folder);
	for (i = 0; i < SMAPPEE_FAULTS; i++)
		debugfs_create_atomic_t(names[i], 0600, folder,
					&line->fault[i]);
}
