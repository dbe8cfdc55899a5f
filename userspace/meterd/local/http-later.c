// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-later - answers that take time: another process makes them.
 *
 * The connection is taken out of MHD's loop until the answer is there. A client that
 * leaves is forgotten, and its answer thrown away when it comes.
 */
#include <stdlib.h>
#include <string.h>

#include "http-private.h"

/**
 * struct http_later - an answer that is made
 * @http: server
 * @client: who waits, or NULL
 * @answered: it is there
 * @text: it, JSON; NULL: there is none
 * @length: of @text
 * @sent: of that
 */
struct http_later {
	struct http *http;
	struct client *client;
	bool answered;
	char *text;
	size_t length;
	size_t sent;
};

static void forget(struct http_later *later)
{
	free(later->text);
	free(later);
}

static ssize_t read_answer(void *data, uint64_t position, char *buffer, size_t max)
{
	struct client *c = data;
	struct http_later *later = c->later;
	size_t n;

	if (c->listener->http->closing || !later || (later->answered && !later->text))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!later->answered) {
		c->suspended = true;
		MHD_suspend_connection(c->connection);
		return 0;
	}
	n = later->length - later->sent;
	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = n < max ? n : max;
	memcpy(buffer, later->text + later->sent, n);
	later->sent += n;
	return (ssize_t)n;
}

void http_later_end(struct client *c)
{
	struct http_later *later = c->later;

	if (!later)
		return;
	c->later = NULL;
	later->client = NULL;
	if (later->answered)
		forget(later);
}

const char *http_argument(const struct http_later *later, const char *name)
{
	return MHD_lookup_connection_value(later->client->connection, MHD_GET_ARGUMENT_KIND, name);
}

void http_later_answer(struct http_later *later, char *text)
{
	later->answered = true;
	later->text = text;
	later->length = text ? strlen(text) : 0;
	if (later->client)
		sd_event_source_set_enabled(later->http->serve_later, SD_EVENT_ONESHOT);
	else
		forget(later);
}

static enum MHD_Result begin(struct client *c)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_answer, c, NULL);
	enum MHD_Result ret;

	if (!response)
		return MHD_NO;
	http_secure(response, HTTP_JSON_TYPE, "no-store");
	ret = MHD_queue_response(c->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return ret;
}

enum MHD_Result http_later_open(struct http *h, struct MHD_Connection *connection,
				const struct provision *p)
{
	struct client *c = http_client_of(connection);
	struct http_later *later = c ? calloc(1, sizeof(*later)) : NULL;
	char why[HTTP_WHY_MAX] = "";
	unsigned int status;

	if (!later)
		return MHD_NO;
	later->http = h;
	later->client = c;
	status = p->report->ask(p->user, later, why);
	if (status) {
		forget(later);
		return http_answer_error(connection, status, "%s", why);
	}
	c->later = later;
	return begin(c);
}

static void serve(struct client *c)
{
	if (!c->later || !c->later->answered || !c->suspended)
		return;
	c->suspended = false;
	MHD_resume_connection(c->connection);
}

static int on_serve(sd_event_source *source, void *user)
{
	struct http *h = user;
	struct client *c;
	unsigned int k;

	for (k = 0; k < LISTENERS; k++) {
		for (c = h->listener[k].oldest; c; c = c->next)
			serve(c);
		http_run(&h->listener[k]);
	}
	return 0;
}

int http_later_init(struct http *h)
{
	int error = sd_event_add_defer(h->event, &h->serve_later, on_serve, h);

	return error < 0 ? error : sd_event_source_set_enabled(h->serve_later, SD_EVENT_OFF);
}
