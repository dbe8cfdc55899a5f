// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-capture - a capture of the joined scans as the body of an answer.
 *
 * The sample path writes into the ring of the capture (tap.h) and asks the loop to go
 * on with it later; a client that is too slow finds the reason at the end of what
 * it gets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http-private.h"

static ssize_t capture_read(void *data, uint64_t position, char *buffer, size_t max)
{
	struct client *c = data;
	size_t n;

	if (c->listener->http->closing || !c->tap)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = tap_read(c->tap, buffer, max);
	if (n)
		return (ssize_t)n;
	if (tap_over(c->tap))
		return MHD_CONTENT_READER_END_OF_STREAM;
	c->suspended = true;
	MHD_suspend_connection(c->connection);
	return 0;
}

void http_capture_end(struct client *c)
{
	struct http *h = c->listener->http;
	unsigned int k;

	if (!c->tap)
		return;
	for (k = 0; k < HTTP_CAPTURES; k++)
		if (h->capture[k] == c)
			h->capture[k] = NULL;
	tap_destroy(c->tap);
	c->tap = NULL;
}

/* A free place, or -1. */
static int find_place(const struct http *h)
{
	int k;

	for (k = 0; k < HTTP_CAPTURES; k++)
		if (!h->capture[k])
			return k;
	return -1;
}

static enum MHD_Result begin(struct http *h, struct client *c, int place)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, capture_read, c, NULL);
	if (!response)
		return MHD_NO;
	http_secure(response, "application/octet-stream", "no-store");
	h->capture[place] = c;
	ret = MHD_queue_response(c->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return ret;
}

enum MHD_Result http_capture_open(struct http *h, struct MHD_Connection *connection)
{
	const char *text =
		MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "seconds");
	struct client *c = http_client_of(connection);
	struct tap_config config = h->captured;
	int place = find_place(h);
	char *end = NULL;

	if (!c)
		return MHD_NO;
	if (!config.inputs)
		return http_answer_error(connection, MHD_HTTP_NOT_FOUND,
					 "there are no samples to capture: the modules measure by "
					 "themselves");
	config.seconds = text ? strtod(text, &end) : 0.0;
	if (!text || end == text || *end ||
	    !(config.seconds > 0.0 && config.seconds <= TAP_SECONDS_MAX))
		return http_answer_error(
			connection, MHD_HTTP_BAD_REQUEST,
			"seconds is \"%.20s\"; ask for ?seconds=N, N above 0 and at "
			"most %d",
			text ? text : "", TAP_SECONDS_MAX);
	if (place < 0)
		return http_answer_error(
			connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			"%d captures are running, which is the limit; wait for one "
			"to end",
			HTTP_CAPTURES);
	if (tap_create(&c->tap, &config))
		return http_answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
	if (begin(h, c, place) == MHD_YES)
		return MHD_YES;
	http_capture_end(c);
	return MHD_NO;
}

static int on_serve(sd_event_source *source, void *user)
{
	struct http *h = user;
	unsigned int k;

	for (k = 0; k < HTTP_CAPTURES; k++) {
		struct client *c = h->capture[k];

		if (!c || !c->suspended)
			continue;
		c->suspended = false;
		MHD_resume_connection(c->connection);
	}
	for (k = 0; k < LISTENERS; k++)
		http_run(&h->listener[k]);
	return 0;
}

int http_captures(struct http *h, const struct tap_config *config)
{
	int error;

	if (!h)
		return 0;
	error = sd_event_add_defer(h->event, &h->serve_captures, on_serve, h);
	if (error >= 0)
		error = sd_event_source_set_enabled(h->serve_captures, SD_EVENT_OFF);
	if (error >= 0)
		error = sd_event_source_set_priority(h->serve_captures, SD_EVENT_PRIORITY_IDLE);
	if (error < 0)
		return error;
	h->captured = *config;
	h->captured.gateway = h->gateway;
	return 0;
}

bool http_capturing(const struct http *h)
{
	return h && (h->capture[0] || h->capture[1]);
}

void http_scans(struct http *h, const struct align_run *run, int64_t utc_ns)
{
	unsigned int k;

	for (k = 0; k < HTTP_CAPTURES; k++)
		if (h->capture[k])
			tap_scans(h->capture[k]->tap, run, utc_ns);
	sd_event_source_set_enabled(h->serve_captures, SD_EVENT_ONESHOT);
}
