// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of a unit: read and written in one transaction, which is repeated
 * where a second try can heal what went wrong.
 */
#include <linux/delay.h>

#include "segment.h"

/* A module that answers "not now" is asked again this much later. */
#define ACCESS_BUSY_MS		10

/*
 * Control goes before samples, and everybody may read what modules say: by sysfs, as often
 * and as many at a time as they like. One after the other, they leave every second turn to
 * samples.
 */
static int access_ask(struct smappee_line *line, enum smappee_priority priority,
		      const struct modbus_request *rq,
		      struct smappee_answer *answer,
		      struct smappee_counters *count)
{
	bool reads = priority == SMAPPEE_CONTROL &&
		     rq->function == SMAPPEE_FC_READ_REGISTERS;
	int ret;

	if (reads)
		mutex_lock(&line->readers);
	ret = smappee_line_transact(line, priority, rq, answer, count);
	if (reads)
		mutex_unlock(&line->readers);

	return ret;
}

/* Ask again for what a second try can heal. */
static int access_insist(struct smappee_line *line,
			 enum smappee_priority priority,
			 const struct modbus_request *rq,
			 struct smappee_answer *answer, unsigned int tries,
			 struct smappee_counters *count)
{
	int ret;

	for (;;) {
		ret = access_ask(line, priority, rq, answer, count);
		switch (ret) {
		case -EBUSY:
		case -ETIMEDOUT:
		case -EBADMSG:
		case -EPROTO:
			break;
		default:
			return ret;
		}
		if (!--tries)
			return ret;
		atomic64_inc(&line->count->retries);
		if (count)
			atomic64_inc(&count->retries);
		if (ret == -EBUSY)
			usleep_range(ACCESS_BUSY_MS * 1000, ACCESS_BUSY_MS * 1250);
	}
}

/**
 * smappee_line_read_registers() - read registers of a unit
 * @line: the line
 * @priority: how urgent it is
 * @unit: unit address
 * @address: first register
 * @n: how many, 1 to 125
 * @values: room for them
 * @tries: how often to ask, at least once
 * @count: counters of the module, or NULL
 *
 * Context: may sleep.
 * Return: 0, or an error of smappee_line_transact().
 */
int smappee_line_read_registers(struct smappee_line *line,
				enum smappee_priority priority, u8 unit,
				u16 address, u16 n, u16 *values,
				unsigned int tries,
				struct smappee_counters *count)
{
	u8 frame[SMAPPEE_FRAME_MAX_MODBUS];
	struct smappee_answer answer = {
		.frame = frame,
		.size = sizeof(frame),
	};
	struct modbus_request rq;
	int ret;

	ret = modbus_read_registers(&rq, unit, address, n);
	if (ret)
		return ret;
	ret = access_insist(line, priority, &rq, &answer, tries, count);
	if (ret)
		return ret;
	modbus_answer_registers(&rq, frame, values);

	return 0;
}

/**
 * smappee_line_write_registers() - write registers of a unit
 * @line: the line
 * @priority: how urgent it is
 * @unit: unit address
 * @address: first register
 * @n: how many, 1 to MODBUS_WRITE_MAX
 * @values: what to write
 * @tries: how often to ask, at least once; the values are absolute, so writing
 *	   them twice does no harm
 * @count: counters of the module, or NULL
 *
 * Context: may sleep.
 * Return: 0, or an error of smappee_line_transact().
 */
int smappee_line_write_registers(struct smappee_line *line,
				 enum smappee_priority priority, u8 unit,
				 u16 address, u16 n, const u16 *values,
				 unsigned int tries,
				 struct smappee_counters *count)
{
	u8 frame[SMAPPEE_FRAME_MAX_MODBUS];
	struct smappee_answer answer = {
		.frame = frame,
		.size = sizeof(frame),
	};
	struct modbus_request rq;
	int ret;

	ret = modbus_write_registers(&rq, unit, address, n, values);
	if (ret)
		return ret;

	return access_insist(line, priority, &rq, &answer, tries, count);
}
