// SPDX-License-Identifier: GPL-2.0
/*
 * Transactions on a segment's line.
 *
 * One transaction is in flight at a time (turn.c). It ends within the answer
 * timeout plus the time that its answer takes on the wire. One that asks whether
 * somebody is there gives way earlier: a module begins to answer within a time
 * that the protocol sets, and when that is over and nothing has come, the rest of
 * the timeout is only for a host that notices late. It is not waited for while
 * somebody else wants the line.
 *
 * Answers carry no number. After an answer that was late, damaged or wrong, and
 * when bytes arrive that nobody asked for, the next transaction begins only
 * when the line has been quiet for a while. After a question that gave way only the
 * unit that was asked, and whoever is not urgent, has to wait (turn.c).
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/serdev.h>
#include <linux/string.h>

#include "segment-parts.h"
#include "trace.h"

/* A module answers within 2 ms (SMAPPEE_TURNAROUND_US); the rest is for the host. */
#define LINE_ANSWER_MS		20
/* Masters in use give a register module so long for a short answer. */
#define LINE_ANSWER_REGISTERS_MS	100
/* Bytes of an answer follow each other; UARTs and workers make small pauses. */
#define LINE_PAUSE_MS		25
/* Longer than a module's turnaround: whoever wanted to talk has begun. */
#define LINE_QUIET_US		3000
/*
 * An answer to a register access does not say which registers it holds, so one
 * that is very late must not meet the next request.
 */
#define LINE_QUIET_LATE_US	10000
/* After a whole frame with a wrong CRC nothing should follow. */
#define LINE_QUIET_SHORT_US	1000
/* Modbus wants this between two frames at more than 19200 bits per second. */
#define LINE_GAP_REGISTERS_US	1750
/* A line that chatters for so many quiet times, 0.3 to 4 s, is tried all the same. */
#define LINE_QUIET_TRIES	300
/* The request is at most a few dozen bytes. */
#define LINE_WRITE_MS		100
/* A host that is not busy notices an answer within this time. */
#define LINE_NOTICE_US		500
/* How late it was is forgotten by this part with each answer. */
#define LINE_LATE_SHARE		16

/**
 * smappee_line_init() - prepare a line
 * @line: the line, zeroed
 * @serdev: its port
 * @id: number of the segment
 * @speed: bits per second that the port shall have
 * @registers: there are register modules: slower to answer, and plain Modbus
 * @count: counters of the segment
 */
void smappee_line_init(struct smappee_line *line, struct serdev_device *serdev,
		       unsigned int id, unsigned int speed, bool registers,
		       struct smappee_counters *count)
{
	line->serdev = serdev;
	line->id = id;
	smappee_line_set_speed(line, speed);
	line->answer_ms = registers ? LINE_ANSWER_REGISTERS_MS : LINE_ANSWER_MS;
	line->prompt = !registers;
	line->gap_us = registers ? LINE_GAP_REGISTERS_US : LINE_QUIET_SHORT_US;
	line->count = count;
	spin_lock_init(&line->lock);
	mutex_init(&line->readers);
	spin_lock_init(&line->rx_lock);
	INIT_LIST_HEAD(&line->turns);
	init_waitqueue_head(&line->free);
	init_waitqueue_head(&line->rx_done);
}

/**
 * smappee_line_set_speed() - the port has another speed than was asked for
 * @line: the line, with nothing in flight
 * @speed: bits per second that the port really has
 */
void smappee_line_set_speed(struct smappee_line *line, unsigned int speed)
{
	line->speed = speed;
	line->byte_ns = div_u64(10ULL * NSEC_PER_SEC, speed);
}

/* Wait until nothing has arrived for a while. */
static void line_quiet(struct smappee_line *line, unsigned int quiet_us)
{
	unsigned int tries = LINE_QUIET_TRIES;
	bool dirty;

	do {
		spin_lock(&line->rx_lock);
		line->rx_dirty = false;
		spin_unlock(&line->rx_lock);
		usleep_range(quiet_us, quiet_us + quiet_us / 4);
		spin_lock(&line->rx_lock);
		dirty = line->rx_dirty;
		spin_unlock(&line->rx_lock);
	} while (dirty && --tries);
}

/*
 * Is a unit that has not begun to answer after a while not there? Only open modules
 * know discover, wherever they are.
 */
static bool line_is_prompt(const struct smappee_line *line,
			   const struct modbus_request *rq)
{
	return line->prompt || rq->function == SMAPPEE_FC_DISCOVER;
}

/* Does this transaction only ask whether somebody is there? */
static bool line_gives_way(const struct smappee_line *line,
			   const struct modbus_request *rq,
			   enum smappee_priority priority)
{
	return line_is_prompt(line, rq) && priority > SMAPPEE_SAMPLES;
}

/*
 * Whoever waits more urgently than this is not kept waiting for who may not be there:
 * by samples, which can be asked for again, control; by questions also their equals.
 */
static enum smappee_priority line_yields(enum smappee_priority priority)
{
	return priority > SMAPPEE_SAMPLES ? priority + 1 : priority;
}

/* Time that a request and its answer take on the wire. */
static s64 line_wire_ns(const struct smappee_line *line,
			const struct modbus_request *rq)
{
	return (s64)line->byte_ns * (rq->len + modbus_answer_max(rq));
}

/*
 * The first bytes of an answer are noticed within this time: the module has begun
 * by then, and this host was never later in the last few answers. A port with DMA
 * may hand over a whole answer at once, so the time on the wire is part of it.
 */
static s64 line_fair_ns(const struct smappee_line *line,
			const struct modbus_request *rq)
{
	s64 late_ns = max((SMAPPEE_TURNAROUND_US + LINE_NOTICE_US) *
			  (s64)NSEC_PER_USEC, 2 * line->late_ns);

	return line_wire_ns(line, rq) +
	       min(late_ns, (s64)line->answer_ms * NSEC_PER_MSEC);
}

/* How long the first bytes of an answer are waited for at most. */
static s64 line_patience_ns(const struct smappee_line *line,
			    const struct modbus_request *rq)
{
	unsigned int ms = rq->function == SMAPPEE_FC_DISCOVER ?
				  LINE_ANSWER_MS : line->answer_ms;

	return line_wire_ns(line, rq) + (s64)ms * NSEC_PER_MSEC;
}

/* Until the first bytes are there, or it is no use, or no good, to wait on. */
static void line_wait_first(struct smappee_line *line,
			    const struct modbus_request *rq,
			    enum smappee_priority priority)
{
	s64 patience_ns = line_patience_ns(line, rq);
	s64 fair_ns = patience_ns;

	/* On a segment of register modules their slowness counts as the host's. */
	if (line_is_prompt(line, rq))
		fair_ns = min(patience_ns, line_fair_ns(line, rq));
	if (!wait_event_hrtimeout(line->rx_done, !READ_ONCE(line->rx_pending),
				  ns_to_ktime(fair_ns)) ||
	    fair_ns >= patience_ns || READ_ONCE(line->rx_len))
		return;
	wait_event_hrtimeout(line->rx_done,
			     !READ_ONCE(line->rx_pending) ||
			     smappee_turn_urgent(line, line_yields(priority)),
			     ns_to_ktime(patience_ns - fair_ns));
}

/*
 * Wait for the answer: a while for its first bytes, then for as long as bytes
 * keep coming, but not for ever.
 */
static int line_wait(struct smappee_line *line, const struct modbus_request *rq,
		     enum smappee_priority priority)
{
	s64 end = ktime_get_ns() + line_wire_ns(line, rq) +
		  (s64)(line->answer_ms + LINE_SLACK_MS) * NSEC_PER_MSEC;
	s64 pause_ns = LINE_PAUSE_MS * NSEC_PER_MSEC;
	size_t before = 0;
	size_t len;

	/* Half an answer to who is there: most likely several of them at once. */
	if (line_gives_way(line, rq, priority))
		pause_ns = min(pause_ns, line_fair_ns(line, rq));
	line_wait_first(line, rq, priority);
	while (READ_ONCE(line->rx_pending)) {
		spin_lock(&line->rx_lock);
		len = line->rx_len;
		spin_unlock(&line->rx_lock);
		if (len == before || ktime_get_ns() > end) {
			if (smappee_receive_give_up(line, -ETIMEDOUT))
				return -ETIMEDOUT;
			break;
		}
		before = len;
		wait_event_hrtimeout(line->rx_done,
				     !READ_ONCE(line->rx_pending),
				     ns_to_ktime(pause_ns));
	}

	/* rx_lock was held when the answer was finished; see what it did. */
	spin_lock(&line->rx_lock);
	spin_unlock(&line->rx_lock);

	return line->rx_status;
}

/* How late has this host noticed answers lately? */
static void line_learn(struct smappee_line *line,
		       const struct modbus_request *rq, s64 sent_ns)
{
	s64 late_ns = line->rx_first_ns - sent_ns -
		      (s64)line->byte_ns * rq->len;

	line->late_ns = max(late_ns, line->late_ns -
				     line->late_ns / LINE_LATE_SHARE);
}

static void line_count(struct smappee_counters *count, int status)
{
	atomic64_inc(&count->transactions);
	switch (status) {
	case 0:
	case -ESHUTDOWN:
		break;
	case -ETIMEDOUT:
	case -EIO:
		atomic64_inc(&count->timeouts);
		break;
	case -EBADMSG:
		atomic64_inc(&count->crc_errors);
		break;
	case -EPROTO:
		atomic64_inc(&count->bad_answers);
		break;
	default:
		atomic64_inc(&count->exceptions);
		break;
	}
}

static int line_exchange(struct smappee_line *line,
			 const struct modbus_request *rq,
			 enum smappee_priority priority)
{
	ssize_t sent;
	s64 sent_ns;
	int ret;

	if (READ_ONCE(line->rx_dirty))
		line_quiet(line, LINE_QUIET_US);

	smappee_receive_begin(line, rq);
	sent_ns = ktime_get_ns();
	sent = smappee_inject_write(line);
	if (!sent)
		sent = serdev_device_write(line->serdev, rq->frame, rq->len,
					   msecs_to_jiffies(LINE_WRITE_MS));
	if (sent != rq->len) {
		smappee_receive_give_up(line, -EIO);
		/* What the port did take must not go out before the next one. */
		serdev_device_write_flush(line->serdev);
		return -EIO;
	}

	ret = line_wait(line, rq, priority);
	if (ret)
		return ret;
	line_learn(line, rq, sent_ns);

	return modbus_answer_check(rq, line->rx, line->rx_len);
}

/* Leave the line in a state in which the next answer can be trusted. */
static void line_settle(struct smappee_line *line,
			const struct modbus_request *rq,
			enum smappee_priority priority, int status)
{
	bool numbered = rq->function == SMAPPEE_FC_READ_SAMPLES ||
			rq->function == SMAPPEE_FC_SYNC ||
			rq->function == SMAPPEE_FC_DISCOVER;
	unsigned int quiet_us;

	switch (status) {
	case -ETIMEDOUT:
		quiet_us = numbered ? LINE_QUIET_US : LINE_QUIET_LATE_US;
		/* Nobody was there, so nobody has to wait, but in case it was late... */
		if (line_is_prompt(line, rq) && priority >= SMAPPEE_SAMPLES &&
		    !line->rx_len)
			smappee_turn_stale(line, rq->frame[0], quiet_us);
		else
			line_quiet(line, quiet_us);
		break;
	case -EPROTO:
		line_quiet(line, LINE_QUIET_US);
		break;
	case -EBADMSG:
		line_quiet(line, line->gap_us);
		break;
	default:
		/* It might come twice. */
		if (!numbered)
			line_quiet(line, line->gap_us);
		break;
	}
}

/**
 * smappee_line_transact() - ask, and wait for the answer
 * @line: the line
 * @priority: how urgent it is
 * @rq: the request
 * @answer: where the answer goes
 * @count: counters of the module, or NULL
 *
 * Context: may sleep, for the answer timeout plus wire time once it has the
 * line. Not interruptible: a caller that leaves would leave the line behind.
 * Return: 0 if @answer holds a good answer. -ETIMEDOUT no answer, -EBADMSG
 * damaged answer, -EPROTO an answer that cannot be right, -EIO the port does
 * not send, -ESHUTDOWN the segment is going away, or one of the exceptions of
 * modbus_answer_check().
 */
int smappee_line_transact(struct smappee_line *line,
			  enum smappee_priority priority,
			  const struct modbus_request *rq,
			  struct smappee_answer *answer,
			  struct smappee_counters *count)
{
	s64 begin, took;
	int ret;

	ret = smappee_turn_take(line, priority, rq->frame[0]);
	if (ret)
		return ret;

	begin = ktime_get_ns();
	ret = line_exchange(line, rq, priority);
	if (!ret && line->rx_len > answer->size)
		ret = -EPROTO;
	if (!ret) {
		memcpy(answer->frame, line->rx, line->rx_len);
		answer->first_ns = line->rx_first_ns;
	}
	answer->len = line->rx_len;
	took = ktime_get_ns() - begin;
	trace_smappee_transaction(line->id, rq, line->rx, line->rx_len, ret,
				  took);
	/* To discover, silence and collisions are answers. */
	line_count(line->count, rq->function == SMAPPEE_FC_DISCOVER ? 0 : ret);
	if (count)
		line_count(count, ret);

	line_settle(line, rq, priority, ret);
	/* It had the line for longer only while nobody else wanted it. */
	smappee_turn_end(line, priority, min(took, line_fair_ns(line, rq)));

	return ret;
}
