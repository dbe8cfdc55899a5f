// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-answer - answers of the API: JSON, with the headers that keep a browser from
 * doing anything with it but showing it.
 */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock-state.h"
#include "http-private.h"
#include "utf8.h"

/* What clients that read slowly may cost together; a short answer is always given. */
#define HELD_MAX (8U << 20)
#define SHORT_ANSWER 2048

bool http_hold(struct MHD_Connection *connection, size_t length)
{
	struct client *c = http_client_of(connection);
	struct http *h = c ? c->listener->http : NULL;

	if (!c || (length > SHORT_ANSWER && h->held + length > HELD_MAX))
		return false;
	c->held += length;
	h->held += length;
	c->since_us = clock_us(CLOCK_MONOTONIC);
	return true;
}

void http_release(struct client *c)
{
	c->listener->http->held -= c->held;
	c->held = 0;
}

enum MHD_Result http_answer_crowded(struct MHD_Connection *connection)
{
	return http_answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "other clients have not read their answers yet, %u MB of them; "
				 "ask again in a minute",
				 HELD_MAX >> 20);
}

void http_secure(struct MHD_Response *response, const char *type, const char *cache)
{
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", cache);
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'; script-src 'self'; style-src 'self'; "
				"img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
				"form-action 'none'; frame-ancestors 'none'");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
}

enum MHD_Result http_answer(struct MHD_Connection *connection, unsigned int status,
			    const char *text, size_t length)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	if (!http_hold(connection, length))
		return length > SHORT_ANSWER ? http_answer_crowded(connection) : MHD_NO;
	response = MHD_create_response_from_buffer(length, (void *)text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	http_secure(response, HTTP_JSON_TYPE, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, "Retry-After", "1");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

enum MHD_Result http_answer_object(struct MHD_Connection *connection, unsigned int status,
				   struct json_object *object)
{
	const char *text;
	enum MHD_Result ret;

	if (!object)
		return MHD_NO;
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = text ? http_answer(connection, status, text, strlen(text)) : MHD_NO;
	json_object_put(object);
	return ret;
}

enum MHD_Result http_answer_error(struct MHD_Connection *connection, unsigned int status,
				  const char *format, ...)
{
	struct json_object *object = json_object_new_object();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	utf8_mend(text);
	if (object)
		json_object_object_add(object, "error", json_object_new_string(text));
	return http_answer_object(connection, status, object);
}
