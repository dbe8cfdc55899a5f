/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment: the line behind one serial port, and the one transaction that is
 * in flight on it.
 */
#ifndef SMAPPEE_SEGMENT_H
#define SMAPPEE_SEGMENT_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "inject.h"
#include "modbus-rtu.h"

struct delayed_work;
struct serdev_device;
struct workqueue_struct;

/**
 * enum smappee_priority - who gets the line first
 * @SMAPPEE_CONTROL: somebody waits for it (a register access of a driver)
 * @SMAPPEE_SAMPLES: what the sampler thread asks: sample blocks, sync, status
 * @SMAPPEE_BACKGROUND: is a module that is silent there again? And the slow parts of a
 *			poll
 * @SMAPPEE_HOUSEKEEPING: enumeration
 * @SMAPPEE_PRIORITIES: how many there are
 */
enum smappee_priority {
	SMAPPEE_CONTROL,
	SMAPPEE_SAMPLES,
	SMAPPEE_BACKGROUND,
	SMAPPEE_HOUSEKEEPING,
	SMAPPEE_PRIORITIES
};

/**
 * struct smappee_counters - what happened, for a segment or for a module
 * @transactions: requests that were sent
 * @timeouts: requests that the port did not send, without an answer, or whose
 *	      answer stopped half-way
 * @crc_errors: answers with a wrong CRC
 * @bad_answers: whole answers that cannot be right: from another unit, with
 *		 another function, length, index, count, or undecodable data
 * @exceptions: exception answers
 * @retries: requests that were sent again
 * @lost_scans: scans that were not delivered and never will be
 * @repaired_blocks: blocks that came right after having been asked for again
 * @stray_bytes: bytes that belong to no answer
 * @echo_errors: requests whose echo was not what had been sent
 * @overruns: scans that found no place in a buffer, as nobody had read it
 */
struct smappee_counters {
	atomic64_t transactions;
	atomic64_t timeouts;
	atomic64_t crc_errors;
	atomic64_t bad_answers;
	atomic64_t exceptions;
	atomic64_t retries;
	atomic64_t lost_scans;
	atomic64_t repaired_blocks;
	atomic64_t stray_bytes;
	atomic64_t echo_errors;
	atomic64_t overruns;
};

/* Of a burst of strays, enough is kept for an identity block. */
#define SMAPPEE_STRAY_MAX	(5 + 2 * SMAPPEE_REG_IDENTITY_COUNT)

/**
 * struct smappee_line - transactions on a serial port
 * @serdev: the port
 * @id: number of the segment, for traces
 * @speed: bits per second that the port really has
 * @byte_ns: time that a byte takes on the wire
 * @answer_ms: how long to wait for the first bytes of an answer
 * @prompt: modules begin to answer within SMAPPEE_TURNAROUND_US
 * @gap_us: quiet time between two frames
 * @echo: the transceiver hears what it sends: each request comes back first
 * @count: what happened; NULL is allowed nowhere
 * @fault: faults that are still to be made on request, see inject.h
 * @late_ns: from the last byte of a request to the first of its answer, at most,
 *	     lately; of whoever has the line
 * @lock: protects @busy to @rest_ns
 * @busy: a transaction has the line
 * @turns: who waits for it, in the order in which they will have it
 * @stopping: no transaction may begin any more
 * @share: housekeeping leaves room for streams
 * @stale_unit: the unit that was given up last by who is not urgent
 * @stale_ns: until then its answer may still come, CLOCK_MONOTONIC
 * @rest_ns: no housekeeping before this, CLOCK_MONOTONIC, if @share
 * @free: woken when @busy or @stopping change
 * @readers: who reads registers as control is one at a time: all of them together do
 *	     not keep samples from the line
 * @rx_lock: protects all that follows against the receive callback
 * @rx_pending: an answer is being assembled; otherwise bytes are strays. Cleared
 *		when it is whole or wrong, or when nobody waits for it any more.
 * @strays: bursts of bytes that belong to no answer
 * @rx_late: an answer was given up and may still come; it is no stray burst
 * @stray_len: bytes kept in @stray
 * @stray: the beginning of the last burst
 * @rx_dirty: strays arrived since the line was last seen quiet
 * @rx_request: what the answer must belong to
 * @rx_echo: bytes of the request's echo that are still to come
 * @rx_len: bytes assembled in @rx
 * @rx_need: length of the whole answer, 0 until its head tells
 * @rx_status: 0, or why the answer cannot be right
 * @rx_first_ns: when the first byte arrived, CLOCK_MONOTONIC
 * @rx_done: woken when the answer is whole or wrong, and when somebody wants the line
 * @rx: the answer. The receive callback writes it while @rx_pending is set,
 *	whoever has the line reads it afterwards.
 */
struct smappee_line {
	struct serdev_device *serdev;
	unsigned int id;
	unsigned int speed;
	unsigned int byte_ns;
	unsigned int answer_ms;
	unsigned int gap_us;
	bool prompt;
	bool echo;
	struct smappee_counters *count;
#ifdef CONFIG_SMAPPEE_BUS_ERROR_INJECTION
	atomic_t fault[SMAPPEE_FAULTS];
#endif

	s64 late_ns;

	spinlock_t lock;	/* all up to rest_ns */
	bool busy;
	struct list_head turns;
	bool stopping;
	bool share;
	u8 stale_unit;
	s64 stale_ns;
	s64 rest_ns;
	wait_queue_head_t free;

	struct mutex readers;	/* one of them */

	spinlock_t rx_lock;	/* all below */
	bool rx_pending;
	bool rx_dirty;
	bool rx_late;
	unsigned int strays;
	unsigned int stray_len;
	u8 stray[SMAPPEE_STRAY_MAX];
	struct modbus_request rx_request;
	size_t rx_echo;
	size_t rx_len;
	size_t rx_need;
	int rx_status;
	s64 rx_first_ns;
	wait_queue_head_t rx_done;
	u8 rx[SMAPPEE_FRAME_MAX_SAMPLES];
};

/**
 * struct smappee_answer - where an answer goes
 * @frame: room for it
 * @size: bytes of room
 * @len: bytes of the answer; without a good one, bytes that came
 * @first_ns: when its first byte arrived, CLOCK_MONOTONIC; late by however long
 *	      the host took to notice, never early
 */
struct smappee_answer {
	u8 *frame;
	size_t size;
	size_t len;
	s64 first_ns;
};

void smappee_line_init(struct smappee_line *line, struct serdev_device *serdev,
		       unsigned int id, unsigned int speed, bool registers,
		       struct smappee_counters *count);
void smappee_line_set_speed(struct smappee_line *line, unsigned int speed);
void smappee_line_stop(struct smappee_line *line);
void smappee_line_queue(struct smappee_line *line,
			struct workqueue_struct *queue,
			struct delayed_work *work);
void smappee_line_pause(struct smappee_line *line);
void smappee_line_resume(struct smappee_line *line);
void smappee_line_share(struct smappee_line *line, bool share);
bool smappee_line_wanted(struct smappee_line *line);
size_t smappee_line_receive(struct smappee_line *line, const u8 *data,
			    size_t count);
unsigned int smappee_line_strays(struct smappee_line *line, u8 *unit);
int smappee_line_transact(struct smappee_line *line,
			  enum smappee_priority priority,
			  const struct modbus_request *rq,
			  struct smappee_answer *answer,
			  struct smappee_counters *count);
int smappee_line_read_registers(struct smappee_line *line,
				enum smappee_priority priority, u8 unit,
				u16 address, u16 n, u16 *values,
				unsigned int tries,
				struct smappee_counters *count);
int smappee_line_write_registers(struct smappee_line *line,
				 enum smappee_priority priority, u8 unit,
				 u16 address, u16 n, const u16 *values,
				 unsigned int tries,
				 struct smappee_counters *count);

#endif
