// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-stream - server-sent events.
 *
 * Events go through one ring that all streams read with a cursor of their own.
 * So a stream costs no memory beyond its connection, and one that has fallen
 * behind by the length of the ring is known by its cursor and is disconnected.
 * A stream that has sent everything is suspended in MHD and resumed by the next
 * event.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock-state.h"
#include "http-private.h"

/* A new stream starts with the last reading if that is younger than this. */
#define FRESH_US (1500 * US_PER_MS)
#define STREAMS_MAX 32

static ssize_t stream_read(void *data, uint64_t position, char *buffer, size_t max)
{
	struct client *c = data;
	struct http *h = c->listener->http;
	const struct event *e;
	size_t n;

	if (h->closing || h->events - c->event > RING)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (c->event == h->events) {
		c->suspended = true;
		MHD_suspend_connection(c->connection);
		return 0;
	}
	e = &h->ring[c->event % RING];
	n = e->length - c->offset < max ? e->length - c->offset : max;
	memcpy(buffer, e->text + c->offset, n);
	c->offset += n;
	if (c->offset == e->length) {
		c->event++;
		c->offset = 0;
	}
	return n;
}

void http_stream_end(struct client *c)
{
	if (c->streaming)
		c->listener->http->streams--;
	c->streaming = false;
}

static bool is_fresh(const struct http *h)
{
	return h->have_reading && h->events - h->last_live <= RING &&
	       clock_us(CLOCK_MONOTONIC) - h->reading_us < FRESH_US;
}

enum MHD_Result http_stream_open(struct http *h, struct MHD_Connection *connection)
{
	struct client *c = http_client_of(connection);
	struct MHD_Response *response;
	enum MHD_Result ret;

	if (!c)
		return MHD_NO;
	if (h->streams >= STREAMS_MAX)
		return http_answer_error(
			connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			"%u event streams are open, which is the limit; close a page, "
			"or ask /api/v1/live instead",
			h->streams);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, c, NULL);
	if (!response)
		return MHD_NO;
	http_secure(response, "text/event-stream", "no-store");
	MHD_add_response_header(response, "X-Accel-Buffering", "no");
	c->streaming = true;
	c->offset = 0;
	c->event = is_fresh(h) ? h->last_live : h->events;
	h->streams++;
	ret = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	if (ret == MHD_NO)
		http_stream_end(c);
	return ret;
}

/* Wake the streams that wait, disconnect those that have fallen behind. */
void http_streams_serve(struct http *h)
{
	struct client *c, *next;
	unsigned int i;

	for (i = 0; i < LISTENERS; i++) {
		for (c = h->listener[i].oldest; c; c = next) {
			next = c->next;
			if (!c->streaming)
				continue;
			if (h->events - c->event > RING)
				shutdown(c->fd, SHUT_RDWR);
			if (c->suspended) {
				c->suspended = false;
				MHD_resume_connection(c->connection);
			}
		}
		http_run(&h->listener[i]);
	}
}

static struct event *next_event(struct http *h, size_t length)
{
	struct event *e = &h->ring[h->events % RING];
	char *text;

	if (e->size < length) {
		text = realloc(e->text, length);
		if (!text)
			return NULL;
		e->text = text;
		e->size = length;
	}
	e->length = length;
	h->events++;
	return e;
}

/* Return: false when memory is short. */
bool http_stream_push(struct http *h, const char *name, const char *data, size_t length)
{
	size_t head = strlen("event: \ndata: ") + strlen(name);
	struct event *e = next_event(h, head + length + 2);

	if (!e)
		return false;
	/* the NUL of the head is overwritten by the data */
	snprintf(e->text, e->length, "event: %s\ndata: ", name);
	memcpy(e->text + head, data, length);
	memcpy(e->text + head + length, "\n\n", 2);
	return true;
}

void http_stream_push_live(struct http *h)
{
	if (http_stream_push(h, "live", h->json.text, h->json.length))
		h->last_live = h->events - 1;
}

/* So that a connection whose client has gone is noticed while no readings come. */
void http_stream_push_life_sign(struct http *h)
{
	static const char text[] = ": alive\n\n";
	struct event *e = next_event(h, sizeof(text) - 1);

	if (e)
		memcpy(e->text, text, sizeof(text) - 1);
}
