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

/* Return: MHD_YES with c->later set, or what was answered. */
static enum MHD_Result ask(struct http *h, struct client *c, const struct provision *p)
{
	struct http_later *later = calloc(1, sizeof(*later));
	char why[HTTP_WHY_MAX] = "";
	unsigned int status;

	if (!later)
		return MHD_NO;
	later->http = h;
	later->client = c;
	status = p->report->ask(p->user, later, why);
	if (status) {
		forget(later);
		return http_answer_error(c->connection, status, "%s", why);
	}
	c->later = later;
	return MHD_YES;
}

/* Called again when the connection goes on. */
enum MHD_Result http_later_open(struct http *h, struct MHD_Connection *connection,
				const struct provision *p)
{
	struct client *c = http_client_of(connection);
	enum MHD_Result ret;

	if (!c)
		return MHD_NO;
	if (!c->later) {
		ret = ask(h, c, p);
		if (!c->later)
			return ret;
	}
	if (!c->later->status && !h->closing) {
		c->suspended = true;
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	ret = c->later->text ? http_answer(connection, c->later->status, c->later->text,
					   strlen(c->later->text))
			     : MHD_NO;
	http_later_end(c);
	return ret;
}

static void serve(struct client *c)
{
	if (!c->later || !c->later->status || !c->suspended)
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
