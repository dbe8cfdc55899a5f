// SPDX-License-Identifier: GPL-2.0
/*
 * Transactions on a segment's line.
 *
 * One transaction is in flight at a time. Whoever wants the line waits for it
 * in order of priority; a transaction ends within the answer timeout plus the
 * time that its answer takes on the wire, so nobody waits long.
 *
 * The receive callback runs in a kernel worker. It copies what arrives into the
 * line's own buffer, asks the codec how long the answer will be, and completes
 * the transaction. It takes no lock but @rx_lock, allocates and logs nothing,
 * and always consumes everything: bytes that nobody waits for are counted.
 *
 * Answers carry no number. After an answer that was late, damaged or wrong, and
 * when bytes arrive that nobody asked for, the next transaction begins only
 * when the line has been quiet for a while.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/serdev.h>
#include <linux/string.h>

#include "segment.h"
#include "trace.h"

/* A module answers within 2 ms; the rest is for the host's own delays. */
#define LINE_ANSWER_MS		20
/* Masters in use give a register module so long for a short answer. */
#define LINE_ANSWER_REGISTERS_MS	100
/* Bytes of an answer follow each other; UARTs and workers make small pauses. */
#define LINE_PAUSE_MS		25
/*
 * An answer as a whole may take this much longer than the wire needs. A host
 * that is slow at this moment will not be faster when it asks again, so as long
 * as bytes come, waiting for the rest is the quickest way to get it.
 */
#define LINE_SLACK_MS		250
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
/* A line that chatters for so many quiet times, a second, is tried all the same. */
#define LINE_QUIET_TRIES	300
/* The request is at most a few dozen bytes. */
#define LINE_WRITE_MS		100
/* A module that answers "not now" is asked again this much later. */
#define LINE_BUSY_MS		10

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
	line->gap_us = registers ? LINE_GAP_REGISTERS_US : LINE_QUIET_SHORT_US;
	line->count = count;
	spin_lock_init(&line->lock);
	spin_lock_init(&line->rx_lock);
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

/**
 * smappee_line_stop() - let no transaction begin any more
 * @line: the line
 *
 * One that is in flight ends by itself; those that wait fail.
 */
void smappee_line_stop(struct smappee_line *line)
{
	spin_lock(&line->lock);
	line->stopping = true;
	spin_unlock(&line->lock);
	wake_up_all(&line->free);
}

static bool line_is_free(struct smappee_line *line)
{
	bool busy;

	spin_lock(&line->lock);
	busy = line->busy;
	spin_unlock(&line->lock);

	return !busy;
}

/**
 * smappee_line_pause() - stop the line, and wait for what is in flight
 * @line: the line
 *
 * Until smappee_line_resume(), transactions fail as on a line that was stopped.
 */
void smappee_line_pause(struct smappee_line *line)
{
	smappee_line_stop(line);
	wait_event(line->free, line_is_free(line));
}

/**
 * smappee_line_resume() - let transactions begin again
 * @line: the line
 *
 * Nobody knows what the port received meanwhile, so the first one waits until it
 * is quiet.
 */
void smappee_line_resume(struct smappee_line *line)
{
	spin_lock(&line->rx_lock);
	line->rx_dirty = true;
	spin_unlock(&line->rx_lock);
	spin_lock(&line->lock);
	line->stopping = false;
	spin_unlock(&line->lock);
}

static void line_finish(struct smappee_line *line, int status)
{
	lockdep_assert_held(&line->rx_lock);

	line->rx_status = status;
	WRITE_ONCE(line->rx_pending, false);
	wake_up(&line->rx_done);
}

/* Count a burst of bytes that belong to no answer, and keep its beginning. */
static void line_keep_stray(struct smappee_line *line, const u8 *data,
			    size_t count)
{
	size_t n;

	lockdep_assert_held(&line->rx_lock);

	if (!line->rx_dirty) {
		/* A host that was too slow must not accuse its modules. */
		line->strays += !line->rx_late;
		line->rx_late = false;
		line->stray_len = 0;
	}
	line->rx_dirty = true;
	n = min(count, sizeof(line->stray) - line->stray_len);
	memcpy(line->stray + line->stray_len, data, n);
	line->stray_len += n;
}

static void line_stray(struct smappee_line *line, const u8 *data, size_t count)
{
	if (!count)
		return;
	/* What follows on discover is the rest of a collision. */
	if (line->rx_request.function == SMAPPEE_FC_DISCOVER) {
		line->rx_dirty = true;
		return;
	}
	line_keep_stray(line, data, count);
	atomic64_add(count, &line->count->stray_bytes);
}

/*
 * Swallow the echo of the request. Returns how many bytes of @data that is; if
 * it is not what was sent, somebody else was sending, and the transaction ends.
 */
static size_t line_swallow_echo(struct smappee_line *line, const u8 *data,
				size_t count)
{
	const struct modbus_request *rq = &line->rx_request;
	size_t n = min(count, line->rx_echo);

	lockdep_assert_held(&line->rx_lock);

	if (memcmp(rq->frame + rq->len - line->rx_echo, data, n)) {
		atomic64_inc(&line->count->echo_errors);
		line->rx_dirty = true;
		line_finish(line, -EPROTO);
		return count;
	}
	line->rx_echo -= n;

	return n;
}

/* Add bytes to the answer; if it is whole or wrong by that, finish it. */
static void line_receive(struct smappee_line *line, const u8 *data,
			 size_t count)
{
	size_t n = 0;
	int need;

	lockdep_assert_held(&line->rx_lock);

	if (line->rx_echo)
		n = line_swallow_echo(line, data, count);
	data += n;
	count -= n;
	if (!count)
		return;

	if (!line->rx_len)
		line->rx_first_ns = ktime_get_ns() -
				    (s64)(count * line->byte_ns);
	n = min(count, sizeof(line->rx) - line->rx_len);
	memcpy(line->rx + line->rx_len, data, n);
	if (smappee_inject_corrupt(line))
		line->rx[line->rx_len + n / 2] ^= 0x10;
	line->rx_len += n;

	if (!line->rx_need) {
		need = modbus_answer_length(&line->rx_request, line->rx,
					    line->rx_len);
		if (need < 0) {
			/* Collisions are what discover is for. */
			if (line->rx_request.function != SMAPPEE_FC_DISCOVER)
				line_keep_stray(line, line->rx, line->rx_len);
			line->rx_dirty = true;
			line_finish(line, need);
			return;
		}
		line->rx_need = need;
	}
	if (line->rx_need && line->rx_len >= line->rx_need) {
		n = count - n + line->rx_len - line->rx_need;
		line_stray(line, data + count - n, n);
		line->rx_len = line->rx_need;
		line->rx_late = false;
		line_finish(line, 0);
	}
}

/**
 * smappee_line_strays() - who sends unasked?
 * @line: the line
 * @unit: gets the unit whose frame the last burst of strays was, 0 if it was none
 *
 * Return: bursts since the last call.
 */
unsigned int smappee_line_strays(struct smappee_line *line, u8 *unit)
{
	u8 stray[SMAPPEE_STRAY_MAX];
	unsigned int strays, len;

	spin_lock(&line->rx_lock);
	strays = line->strays;
	line->strays = 0;
	len = line->stray_len;
	memcpy(stray, line->stray, len);
	spin_unlock(&line->rx_lock);
	*unit = strays ? modbus_frame_unit(stray, len) : 0;

	return strays;
}

/**
 * smappee_line_receive() - take in bytes from the port
 * @line: the line
 * @data: the bytes
 * @count: how many
 *
 * Context: the port's receive worker.
 * Return: @count, always.
 */
size_t smappee_line_receive(struct smappee_line *line, const u8 *data,
			    size_t count)
{
	size_t kept = count;

	if (smappee_inject_late(line))
		msleep(line->answer_ms + LINE_SLACK_MS);
	if (smappee_inject_drop_byte(line) && kept)
		kept--;

	spin_lock(&line->rx_lock);
	if (line->rx_pending)
		line_receive(line, data, kept);
	else
		line_stray(line, data, kept);
	spin_unlock(&line->rx_lock);

	return count;
}

/* Take the line if it is our turn; true also if we must give up waiting. */
static bool line_take(struct smappee_line *line, enum smappee_priority priority,
		      int *status)
{
	bool done = true;
	unsigned int p;

	spin_lock(&line->lock);
	*status = 0;
	if (line->stopping)
		*status = -ESHUTDOWN;
	else if (line->busy)
		done = false;
	for (p = 0; p < priority && !*status; p++)
		if (line->waiting[p])
			done = false;
	if (done) {
		line->waiting[priority]--;
		if (!*status)
			line->busy = true;
	}
	spin_unlock(&line->lock);

	return done;
}

static int line_acquire(struct smappee_line *line,
			enum smappee_priority priority)
{
	int status;

	spin_lock(&line->lock);
	line->waiting[priority]++;
	spin_unlock(&line->lock);
	wait_event(line->free, line_take(line, priority, &status));

	return status;
}

/**
 * smappee_line_wanted() - would a transaction that is not urgent have to wait?
 * @line: the line
 *
 * Return: whether somebody has the line or waits for it now.
 */
bool smappee_line_wanted(struct smappee_line *line)
{
	bool wanted;
	unsigned int p;

	spin_lock(&line->lock);
	wanted = line->busy;
	for (p = 0; p < SMAPPEE_PRIORITIES; p++)
		wanted |= line->waiting[p];
	spin_unlock(&line->lock);

	return wanted;
}

static void line_release(struct smappee_line *line)
{
	spin_lock(&line->lock);
	line->busy = false;
	spin_unlock(&line->lock);
	wake_up_all(&line->free);
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

static void line_expect(struct smappee_line *line,
			const struct modbus_request *rq)
{
	spin_lock(&line->rx_lock);
	line->rx_request = *rq;
	line->rx_echo = line->echo ? rq->len : 0;
	line->rx_len = 0;
	line->rx_need = 0;
	line->rx_status = 0;
	line->rx_pending = true;
	spin_unlock(&line->rx_lock);
}

/* From here on bytes are strays. Returns false if the answer came just now. */
static bool line_give_up(struct smappee_line *line, int status)
{
	bool pending;

	spin_lock(&line->rx_lock);
	pending = line->rx_pending;
	if (pending) {
		line->rx_pending = false;
		line->rx_late = status == -ETIMEDOUT;
		line->rx_status = status;
	}
	spin_unlock(&line->rx_lock);

	return pending;
}

/*
 * Wait for the answer: a while for its first bytes, then for as long as bytes
 * keep coming, but not for ever. A port with DMA may hand over a whole answer
 * at once, so the first while includes the time that it takes on the wire.
 */
static int line_wait(struct smappee_line *line, const struct modbus_request *rq)
{
	s64 wire_ns = (s64)line->byte_ns * (rq->len + modbus_answer_max(rq));
	s64 end = ktime_get_ns() + wire_ns +
		  (s64)(line->answer_ms + LINE_SLACK_MS) * NSEC_PER_MSEC;
	ktime_t step = ns_to_ktime((s64)line->answer_ms * NSEC_PER_MSEC +
				   wire_ns);
	size_t before = 0;
	size_t len;

	while (wait_event_hrtimeout(line->rx_done,
				    !READ_ONCE(line->rx_pending), step)) {
		spin_lock(&line->rx_lock);
		len = line->rx_len;
		spin_unlock(&line->rx_lock);
		if (len == before || ktime_get_ns() > end) {
			if (line_give_up(line, -ETIMEDOUT))
				return -ETIMEDOUT;
			break;
		}
		before = len;
		step = ms_to_ktime(LINE_PAUSE_MS);
	}

	/* rx_lock was held when the answer was finished; see what it did. */
	spin_lock(&line->rx_lock);
	spin_unlock(&line->rx_lock);

	return line->rx_status;
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
			 const struct modbus_request *rq)
{
	ssize_t sent;
	int ret;

	if (READ_ONCE(line->rx_dirty))
		line_quiet(line, LINE_QUIET_US);

	line_expect(line, rq);
	sent = smappee_inject_write(line);
	if (!sent)
		sent = serdev_device_write(line->serdev, rq->frame, rq->len,
					   msecs_to_jiffies(LINE_WRITE_MS));
	if (sent != rq->len) {
		line_give_up(line, -EIO);
		/* What the port did take must not go out before the next one. */
		serdev_device_write_flush(line->serdev);
		return -EIO;
	}

	ret = line_wait(line, rq);
	if (!ret)
		ret = modbus_answer_check(rq, line->rx, line->rx_len);

	return ret;
}

/* Leave the line in a state in which the next answer can be trusted. */
static void line_settle(struct smappee_line *line,
			const struct modbus_request *rq, int status)
{
	bool numbered = rq->function == SMAPPEE_FC_READ_SAMPLES ||
			rq->function == SMAPPEE_FC_SYNC ||
			rq->function == SMAPPEE_FC_DISCOVER;

	switch (status) {
	case -ETIMEDOUT:
		line_quiet(line, numbered ? LINE_QUIET_US : LINE_QUIET_LATE_US);
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
	s64 begin;
	int ret;

	ret = line_acquire(line, priority);
	if (ret)
		return ret;

	begin = ktime_get_ns();
	ret = line_exchange(line, rq);
	if (!ret && line->rx_len > answer->size)
		ret = -EPROTO;
	if (!ret) {
		memcpy(answer->frame, line->rx, line->rx_len);
		answer->first_ns = line->rx_first_ns;
	}
	answer->len = line->rx_len;
	trace_smappee_transaction(line->id, rq, line->rx, line->rx_len, ret,
				  ktime_get_ns() - begin);
	/* To discover, silence and collisions are answers. */
	line_count(line->count, rq->function == SMAPPEE_FC_DISCOVER ? 0 : ret);
	if (count)
		line_count(count, ret);

	line_settle(line, rq, ret);
	line_release(line);

	return ret;
}

/* Ask again for what a second try can heal. */
static int line_insist(struct smappee_line *line,
		       enum smappee_priority priority,
		       const struct modbus_request *rq,
		       struct smappee_answer *answer, unsigned int tries,
		       struct smappee_counters *count)
{
	int ret;

	for (;;) {
		ret = smappee_line_transact(line, priority, rq, answer, count);
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
			usleep_range(LINE_BUSY_MS * 1000, LINE_BUSY_MS * 1250);
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
	ret = line_insist(line, priority, &rq, &answer, tries, count);
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

	return line_insist(line, priority, &rq, &answer, tries, count);
}
