// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time on the line. An emulated UART hands bytes over one by one or all at once
 * and in its own time; here they get the times that a line would give them, never
 * earlier than they really came.
 */
#include "wire.h"

#include "frame.h"

#include <math.h>
#include <string.h>

/* 10 ms without a byte end a frame that makes no sense. */
#define QUIET_NS 10000000
#define CHUNK_MAX 256
#define CHUNK_NS 1000000

void wire_init(struct wire *w, struct segment *g, int64_t epoch_ns)
{
	double byte_ns = 10e9 / g->scenario->bit_rate;
	size_t chunk = (size_t)(CHUNK_NS / byte_ns);

	memset(w, 0, sizeof(*w));
	w->segment = g;
	w->epoch_ns = epoch_ns;
	w->byte_ns = byte_ns;
	w->chunk = chunk > CHUNK_MAX ? CHUNK_MAX : chunk < 1 ? 1 : chunk;
}

void wire_reset(struct wire *w)
{
	w->request_len = 0;
	w->echo_len = 0;
	w->reply.len = 0;
	w->sent = 0;
	w->deaf = false;
}

double wire_time(const struct wire *w, int64_t now_ns)
{
	return (double)(now_ns - w->epoch_ns) * 1e-9;
}

/* True time at which the request's last bit has been on the line. */
static int64_t request_end(const struct wire *w)
{
	int64_t least = w->first_ns + (int64_t)ceil(w->byte_ns * (double)w->request_len);

	return least > w->last_ns ? least : w->last_ns;
}

static void finish_request(struct wire *w)
{
	int64_t end = request_end(w);

	w->busy_ns += w->byte_ns * (double)w->request_len;
	segment_request(w->segment, w->request, w->request_len, wire_time(w, end), &w->reply);
	w->request_len = 0;
	w->sent = 0;
	w->edge_ns = w->epoch_ns + (int64_t)(w->reply.edge_s * 1e9);
}

/* Is what came so far a whole request? Makes the line deaf if it never will be. */
static bool whole_request(struct wire *w)
{
	size_t len = frame_request_length(w->request, w->request_len);

	if (len == FRAME_LENGTH_UNKNOWN) {
		/* No length to go by: the check sum tells where it ends. */
		if (frame_intact(w->request, w->request_len))
			return true;
		w->deaf = w->request_len >= SMAPPEE_FRAME_MAX_MODBUS;
		return false;
	}
	if (len > SMAPPEE_FRAME_MAX_MODBUS || (len && w->request_len > len)) {
		w->deaf = true;
		return false;
	}
	if (!len || w->request_len < len)
		return false;
	w->deaf = !frame_intact(w->request, len);
	return !w->deaf;
}

static void receive_byte(struct wire *w, uint8_t byte, int64_t now_ns)
{
	if (now_ns - w->last_ns > QUIET_NS) {
		/* What is left of a request will never be whole. */
		if (w->request_len && !w->deaf)
			w->segment->damaged++;
		w->deaf = false;
		w->request_len = 0;
	}
	w->last_ns = now_ns;
	if (w->deaf)
		return;
	if (w->sent < w->reply.len) {
		w->collisions++;
		return;
	}
	if (!w->request_len)
		w->first_ns = now_ns;
	w->request[w->request_len++] = byte;
	if (whole_request(w))
		finish_request(w);
	else if (w->deaf)
		w->segment->damaged++;
}

/* The host hears itself. What exceeds a frame it has no use for. */
static void keep_echo(struct wire *w, const uint8_t *bytes, size_t len, int64_t now_ns)
{
	int64_t from = w->echo_len && w->echo_ns > now_ns ? w->echo_ns : now_ns;

	if (len > sizeof(w->echo) - w->echo_len)
		len = sizeof(w->echo) - w->echo_len;
	memcpy(w->echo + w->echo_len, bytes, len);
	w->echo_len += len;
	w->echo_ns = from + (int64_t)ceil(w->byte_ns * (double)len);
}

void wire_receive(struct wire *w, const uint8_t *bytes, size_t len, int64_t now_ns)
{
	w->bytes_in += len;
	if (w->segment->scenario->echo)
		keep_echo(w, bytes, len, now_ns);
	for (size_t i = 0; i < len; i++)
		receive_byte(w, bytes[i], now_ns);
}

size_t wire_due(const struct wire *w, int64_t now_ns, const uint8_t **bytes)
{
	double passed = ((double)(now_ns - w->edge_ns) + 1) / w->byte_ns;
	size_t due;

	/* A reply follows its request, so the echo comes first. */
	if (w->echo_len) {
		*bytes = w->echo;
		return now_ns >= w->echo_ns ? w->echo_len : 0;
	}
	if (w->sent >= w->reply.len || passed <= 0)
		return 0;
	due = passed >= (double)w->reply.len ? w->reply.len : (size_t)passed;
	if (due < w->reply.len)
		due -= due % w->chunk;
	if (due <= w->sent)
		return 0;
	*bytes = w->reply.bytes + w->sent;
	return due - w->sent;
}

void wire_handed(struct wire *w, size_t len)
{
	w->bytes_out += len;
	if (w->echo_len) {
		w->echo_len -= len;
		memmove(w->echo, w->echo + len, w->echo_len);
		return;
	}
	w->sent += len;
	w->busy_ns += w->byte_ns * (double)len;
}

int64_t wire_next(const struct wire *w)
{
	size_t end;

	if (w->echo_len)
		return w->echo_ns;
	if (w->sent >= w->reply.len)
		return WIRE_NEVER;
	end = w->sent - w->sent % w->chunk + w->chunk;
	if (end > w->reply.len)
		end = w->reply.len;
	return w->edge_ns + (int64_t)ceil((double)end * w->byte_ns);
}
