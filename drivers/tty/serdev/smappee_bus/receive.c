// SPDX-License-Identifier: GPL-2.0
/*
 * What a segment's port receives: the answer that is being assembled, the echo of
 * a request, and bytes that belong to nothing.
 *
 * The receive callback runs in a kernel worker. It copies what arrives into the
 * line's own buffer, asks the codec how long the answer will be, and completes
 * the transaction. It takes no lock but @rx_lock, allocates and logs nothing,
 * and always consumes everything: bytes that nobody waits for are counted.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "segment-parts.h"

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

/**
 * smappee_receive_begin() - from here on bytes are the answer
 * @line: the line, which the caller has
 * @rq: to what
 */
void smappee_receive_begin(struct smappee_line *line,
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

/**
 * smappee_receive_give_up() - from here on bytes are strays
 * @line: the line, which the caller has
 * @status: why
 *
 * Return: false if the answer came just now.
 */
bool smappee_receive_give_up(struct smappee_line *line, int status)
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
