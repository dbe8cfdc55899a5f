// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-later - answers that may take time: of commands, and of what another process makes.
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
 * @status: of HTTP; 0: it is not there yet
 * @text: it, JSON; NULL: there is none
 */
struct http_later {
	struct http *http;
	struct client *client;
	unsigned int status;
	char *text;
};

static void forget(struct http_later *later)
{
	free(later->text);
	free(later);
}

void http_later_end(struct client *c)
{
	struct http_later *later = c->later;

	if (!later)
		return;
	c->later = NULL;
	later->client = NULL;
	if (later->status)
		forget(later);
}

const char *http_argument(const struct http_later *later, const char *name)
{
	return MHD_lookup_connection_value(later->client->connection, MHD_GET_ARGUMENT_KIND, name);
}

void http_later_answer(struct http_later *later, unsigned int status, char *text)
{
	later->status = status;
	later->text = text;
	if (later->client)
		sd_event_source_set_enabled(later->http->serve_later, SD_EVENT_ONESHOT);
	else
		forget(later);
}

struct http_later *http_later_begin(struct client *c)
{
	struct http_later *later = calloc(1, sizeof(*later));

	if (!later)
		return NULL;
	later->http = c->listener->http;
	later->client = c;
	c->later = later;
	return later;
}

enum MHD_Result http_later_wait(struct client *c)
{
	struct http_later *later = c->later;
	enum MHD_Result ret;

	if (!later)
		return MHD_NO;
	if (!later->status && !later->http->closing) {
		c->suspended = true;
		MHD_suspend_connection(c->connection);
		return MHD_YES;
	}
	ret = later->text
		      ? http_answer(c->connection, later->status, later->text, strlen(later->text))
		      : MHD_NO;
	http_later_end(c);
	return ret;
}

enum MHD_Result http_later_open(struct client *c, const struct provision *p)
{
	struct http_later *later = c->later ? NULL : http_later_begin(c);
	char why[HTTP_WHY_MAX] = "";
	unsigned int status = later ? p->report->ask(p->user, later, why) : 0;

	if (!status)
		return http_later_wait(c);
	c->later = NULL;
	forget(later);
	return http_answer_error(c->connection, status, "%s", why);
}

static void serve(struct client *c)
{
	if (!c->later || !c->later->status || !c->suspended)
		return;
	c->suspended = false;
	MHD_resume_connection(c->connection);
}

void http_later_serve(struct http *h)
{
	struct client *c;
	unsigned int k;

	for (k = 0; k < LISTENERS; k++) {
		for (c = h->listener[k].oldest; c; c = c->next)
			serve(c);
		http_run(&h->listener[k]);
	}
}

static int on_serve(sd_event_source *source, void *user)
{
	http_later_serve(user);
	return 0;
}

int http_later_init(struct http *h)
{
	int error = sd_event_add_defer(h->event, &h->serve_later, on_serve, h);

	return error < 0 ? error : sd_event_source_set_enabled(h->serve_later, SD_EVENT_OFF);
}
