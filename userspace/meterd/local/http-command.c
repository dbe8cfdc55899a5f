// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-command - POST /api/v1/commands/NAME: who may ask, and the body of the request.
 *
 * The token is looked at before any of the body is taken. A page of a browser cannot send
 * it from elsewhere, because it is in a header of its own and no answer allows that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock-state.h"
#include "command.h"
#include "http-private.h"
#include "log.h"
#include "secret.h"

#define BEARER "Bearer "

static void origin_of(struct MHD_Connection *connection, char *text, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	char name[INET6_ADDRSTRLEN] = "socket";

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			  name, sizeof(name));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6,
			  &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, name,
			  sizeof(name));
	snprintf(text, size, "api %s", name);
}

static unsigned int status_of(int error)
{
	switch (error) {
	case 0:
		return MHD_HTTP_OK;
	case -EINVAL:
		return MHD_HTTP_BAD_REQUEST;
	case -ENOENT:
		return MHD_HTTP_NOT_FOUND;
	case -EPERM:
		return MHD_HTTP_FORBIDDEN;
	case -EBUSY:
		return MHD_HTTP_CONFLICT;
	case -EAGAIN:
		return MHD_HTTP_TOO_MANY_REQUESTS;
	}
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static enum MHD_Result refuse(struct http *h, struct MHD_Connection *connection, int error)
{
	char origin[COMMAND_ORIGIN_MAX];

	origin_of(connection, origin, sizeof(origin));
	if (!command_allowed(h->commands, origin, clock_us(CLOCK_MONOTONIC)))
		return http_answer_error(connection, MHD_HTTP_TOO_MANY_REQUESTS,
					 "too many commands from %s; wait a second", origin);
	if (error == -EACCES) {
		log_warning("http: %s gives a command without the right token: refused", origin);
		return http_answer_error(connection, MHD_HTTP_UNAUTHORIZED,
					 "a command needs the header \"Authorization: Bearer "
					 "TOKEN\", with the token of meterd's token_file");
	}
	log_error("[http] token_file = %s: %s; write %d to %d characters into its first line",
		  h->token_file, error == -ERANGE ? "too short or too long" : strerror(-error),
		  SECRET_MIN, SECRET_MAX);
	return http_answer_error(connection, MHD_HTTP_FORBIDDEN,
				 "commands are not possible: see the log of meterd");
}

enum MHD_Result http_command_begin(struct http *h, struct MHD_Connection *connection, bool *go)
{
	const char *said = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_AUTHORIZATION);
	int error;

	*go = false;
	if (!h->commands || !h->token_file)
		return http_answer_error(connection, MHD_HTTP_FORBIDDEN,
					 "commands are off; set token_file in [http] of "
					 "meterd.conf");
	error = said && !strncasecmp(said, BEARER, strlen(BEARER))
			? secret_matches(h->token_file, said + strlen(BEARER))
			: -EACCES;
	if (error)
		return refuse(h, connection, error);
	*go = true;
	return MHD_YES;
}

bool http_command_body(struct client *c, const char *text, size_t length)
{
	if (!c->body)
		c->body = malloc(COMMAND_TEXT_MAX);
	if (!c->body)
		return false;
	if (c->body_length + length <= COMMAND_TEXT_MAX)
		memcpy(c->body + c->body_length, text, length);
	c->body_length += length;
	return true;
}

void http_command_forget(struct client *c)
{
	free(c->body);
	c->body = NULL;
	c->body_length = 0;
}

static void on_answered(void *user, const struct command_reply *reply)
{
	http_later_answer(user, status_of(reply->error), command_reply_json(reply));
}

static void run(struct http *h, struct client *c, const char *name, struct http_later *later)
{
	char origin[COMMAND_ORIGIN_MAX];
	struct command_reply reply;

	origin_of(c->connection, origin, sizeof(origin));
	command_run(h->commands, origin, name, c->body, c->body_length, clock_us(CLOCK_MONOTONIC),
		    &reply);
	http_command_forget(c);
	if (reply.later)
		command_await(reply.later, on_answered, later);
	else
		on_answered(later, &reply);
	command_reply_end(&reply);
}

enum MHD_Result http_command_answer(struct http *h, struct client *c, const char *name)
{
	struct http_later *later = c->later ? NULL : http_later_begin(c);

	if (later)
		run(h, c, name, later);
	return http_later_wait(c);
}
