// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-routes - what is answered to which request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock-state.h"
#include "history.h"
#include "http-private.h"
#include "lib/modules.h"
#include "mqtt.h"
#include "utf8.h"
#include "version.h"

/* A reading older than this is not handed out any more as the present one. */
#define STALE_US (10 * US_PER_S)
/* The list of modules is read from sysfs at most this often. */
#define MODULES_US (1 * US_PER_S)
#define URI_MAX 1024
#define COMMAND_PATH "/api/v1/commands/"

/* Progress of a request, kept by MHD as the address of one of these. */
static char request_new, request_too_long, request_encoded, request_known, request_command;

static enum MHD_Result get_live(struct http *h, struct MHD_Connection *connection)
{
	uint64_t age = clock_us(CLOCK_MONOTONIC) - h->reading_us;

	if (!h->have_reading)
		return http_answer_error(
			connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			"no reading yet; the first comes some seconds after the start, "
			"see /api/v1/status and /api/v1/modules");
	if (age > STALE_US)
		return http_answer_error(
			connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			"no reading for %.1f s; see /api/v1/modules for modules that "
			"are silent, and the log of meterd",
			(double)age / US_PER_S);
	return http_answer(connection, MHD_HTTP_OK, h->json.text, h->json.length);
}

static enum MHD_Result get_history(struct http *h, struct MHD_Connection *connection)
{
	return http_answer_object(connection, MHD_HTTP_OK, history_json(h->history));
}

static enum MHD_Result get_modules(struct http *h, struct MHD_Connection *connection)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);
	struct json_object *list;

	if (!h->modules || now - h->modules_us >= MODULES_US) {
		list = modules_list(h->modules_dir);
		if (!list)
			return http_answer_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
						 "%s: %s; meterd must be allowed to read it",
						 h->modules_dir ? h->modules_dir : MODULES_DIR,
						 strerror(errno));
		free(h->modules);
		h->modules = strdup(json_object_to_json_string_ext(
			list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		h->modules_us = now;
		json_object_put(list);
		if (!h->modules)
			return MHD_NO;
	}
	return http_answer(connection, MHD_HTTP_OK, h->modules, strlen(h->modules));
}

static struct json_object *seconds(uint64_t us)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)us / US_PER_S);
	return json_object_new_double_s((double)us / US_PER_S, text);
}

static struct json_object *mqtt_status(const struct mqtt *m)
{
	struct json_object *object;
	struct mqtt_counters c;

	if (!m)
		return NULL;
	mqtt_counters(m, &c);
	object = json_object_new_object();
	json_object_object_add(object, "connected", json_object_new_boolean(c.connected));
	json_object_object_add(object, "published", json_object_new_int64(c.published));
	json_object_object_add(object, "dropped", json_object_new_int64(c.dropped));
	return object;
}

static struct json_object *clock_status(void)
{
	struct json_object *object = json_object_new_object();
	double error_s = clock_error_s();

	json_object_object_add(object, "synchronised",
			       json_object_new_boolean(clock_synchronised()));
	json_object_object_add(object, "error_s",
			       isfinite(error_s) ? seconds((uint64_t)(error_s * US_PER_S)) : NULL);
	return object;
}

/* What others provide for that path, or NULL. */
static const struct provision *find_provision(const struct http *h, const char *path)
{
	unsigned int i;

	for (i = 0; i < h->provisions; i++)
		if (!strcmp(path, h->provided[i].report->path))
			return &h->provided[i];
	return NULL;
}

static enum MHD_Result get_status(struct http *h, struct MHD_Connection *connection)
{
	struct json_object *object = json_object_new_object();
	const struct provision *site = find_provision(h, HTTP_SITE);

	if (!object)
		return MHD_NO;
	json_object_object_add(object, "gateway", json_object_new_string(h->gateway));
	json_object_object_add(object, "version", json_object_new_string(SMAPPEE_VERSION));
	json_object_object_add(object, "uptime_s",
			       seconds(clock_us(CLOCK_BOOTTIME) - h->started_us));
	json_object_object_add(object, "source_age_s",
			       h->have_reading ? seconds(clock_us(CLOCK_MONOTONIC) - h->reading_us)
					       : NULL);
	json_object_object_add(object, "first_reading_s",
			       h->first_reading_us ? seconds(h->first_reading_us - h->started_us)
						   : NULL);
	json_object_object_add(object, "boot_to_first_reading_s",
			       h->first_reading_us ? seconds(h->first_reading_us) : NULL);
	json_object_object_add(object, "event_streams", json_object_new_int(h->streams));
	json_object_object_add(object, "clock", clock_status());
	json_object_object_add(object, "mqtt", mqtt_status(h->mqtt));
	json_object_object_add(object, "site", site ? site->report->get(site->user) : NULL);
	return http_answer_object(connection, MHD_HTTP_OK, object);
}

static enum MHD_Result get_paths(struct http *h, struct MHD_Connection *connection);

static const struct {
	const char *path;
	const char *summary;
	enum MHD_Result (*get)(struct http *h, struct MHD_Connection *connection);
} routes[] = {
	{ "/api/v1", "this list", get_paths },
	{ "/api/v1/live", "the present reading", get_live },
	{ "/api/v1/events", "server-sent events: live, event, io", http_stream_open },
	{ "/api/v1/history", "active power of the last five minutes", get_history },
	{ "/api/v1/modules", "modules on the bus", get_modules },
	{ "/api/v1/status", "state of meterd, its source and its clock", get_status },
	{ "/api/v1/capture", "samples of the next ?seconds=N as a file", http_capture_open },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static void add_path(struct json_object *list, const char *method, const char *path,
		     const char *summary)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "method", json_object_new_string(method));
	json_object_object_add(o, "path", json_object_new_string(path));
	json_object_object_add(o, "summary", json_object_new_string(summary));
	json_object_array_add(list, o);
}

/* All that is answered but the files of the page, from the tables that the answers come from. */
static struct json_object *paths_json(const struct http *h)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < ROUTES; i++)
		add_path(list, "GET", routes[i].path, routes[i].summary);
	for (i = 0; i < h->provisions; i++)
		add_path(list, "GET", h->provided[i].report->path, h->provided[i].report->summary);
	add_path(list, "POST", COMMAND_PATH "NAME", "do a command; its arguments are the body");
	return list;
}

static enum MHD_Result get_paths(struct http *h, struct MHD_Connection *connection)
{
	return http_answer_object(connection, MHD_HTTP_OK, paths_json(h));
}

static enum MHD_Result answer_not_found(struct http *h, struct MHD_Connection *connection,
					const char *url)
{
	struct json_object *o = json_object_new_object();
	char text[256];

	snprintf(text, sizeof(text), "nothing at %.200s; see paths", url);
	utf8_mend(text);
	json_object_object_add(o, "error", json_object_new_string(text));
	json_object_object_add(o, "paths", paths_json(h));
	return http_answer_object(connection, MHD_HTTP_NOT_FOUND, o);
}

/*
 * A page from elsewhere can let its own name point to 127.0.0.1 and then read
 * what a loopback server answers. It cannot change the Host header, though.
 */
static bool host_is_ours(struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	unsigned char address[sizeof(struct in6_addr)];
	char name[INET6_ADDRSTRLEN];
	size_t n;

	if (!host)
		return true;
	if (*host == '[') {
		host++;
		n = strcspn(host, "]");
	} else {
		n = strcspn(host, ":");
	}
	if (n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	return !strcasecmp(name, "localhost") || inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

static enum MHD_Result answer_misdirected(struct listener *l, struct MHD_Connection *connection)
{
	return http_answer_error(connection, MHD_HTTP_MISDIRECTED_REQUEST,
				 "this address is for this machine only; open it as "
				 "http://127.0.0.1:%u/",
				 l->http->port);
}

static enum MHD_Result answer_provided_text(struct MHD_Connection *connection,
					    const struct provision *p)
{
	struct MHD_Response *response;
	char *text = p->report->text(p->user);
	enum MHD_Result ret;

	if (!text)
		return MHD_NO;
	if (!http_hold(connection, strlen(text))) {
		free(text);
		return http_answer_crowded(connection);
	}
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	http_secure(response, p->report->type, "no-store");
	ret = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer_provided(struct MHD_Connection *connection, const struct provision *p)
{
	struct client *c = http_client_of(connection);
	struct json_object *object;

	if (p->report->ask)
		return c ? http_later_open(c, p) : MHD_NO;
	if (p->report->text)
		return answer_provided_text(connection, p);
	object = p->report->get(p->user);
	if (!object)
		return http_answer(connection, MHD_HTTP_OK, "null", 4);
	return http_answer_object(connection, MHD_HTTP_OK, object);
}

static enum MHD_Result get(struct http *h, struct MHD_Connection *connection, const char *url)
{
	const struct provision *provision;
	enum MHD_Result ret;
	size_t i;

	for (i = 0; i < ROUTES; i++)
		if (!strcmp(url, routes[i].path))
			return routes[i].get(h, connection);
	provision = find_provision(h, url);
	if (provision)
		return answer_provided(connection, provision);
	if (http_page_answer(h, connection, url, &ret))
		return ret;
	return answer_not_found(h, connection, url);
}

/* The name of the command of a request, or NULL when it is none. */
static const char *command_of(const char *method, const char *url)
{
	if (strcmp(method, "POST") || strncmp(url, COMMAND_PATH, strlen(COMMAND_PATH)))
		return NULL;
	return url + strlen(COMMAND_PATH);
}

static enum MHD_Result command_request(struct listener *l, struct MHD_Connection *connection,
				       const char *name, const char *upload, size_t *upload_size,
				       void **progress)
{
	struct client *c = http_client_of(connection);
	enum MHD_Result ret;
	bool go;

	if (!c)
		return MHD_NO;
	if (*progress != &request_command) {
		if (l->loopback && !host_is_ours(connection))
			return answer_misdirected(l, connection);
		ret = http_command_begin(l->http, connection, &go);
		*progress = go ? &request_command : *progress;
		return ret;
	}
	if (*upload_size) {
		ret = http_command_body(c, upload, *upload_size) ? MHD_YES : MHD_NO;
		*upload_size = 0;
		return ret;
	}
	c->busy = true;
	return http_command_answer(l->http, c, name);
}

/* Called with the headers first, then once more per piece of body, then without. */
enum MHD_Result http_request(void *data, struct MHD_Connection *connection, const char *url,
			     const char *method, const char *version, const char *upload,
			     size_t *upload_size, void **progress)
{
	struct listener *l = data;
	struct client *c = http_client_of(connection);

	if (*progress == &request_too_long)
		return http_answer_error(connection, MHD_HTTP_URI_TOO_LONG,
					 "the address is longer than %d characters", URI_MAX);
	if (*progress == &request_encoded)
		return http_answer_error(connection, MHD_HTTP_NOT_FOUND,
					 "nothing at an address with %% in its path");
	if (command_of(method, url))
		return command_request(l, connection, command_of(method, url), upload, upload_size,
				       progress);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return http_answer_error(
			connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			"method %.20s is not possible here, only GET and HEAD; commands "
			"are POST " COMMAND_PATH "NAME",
			method);
	if (*progress != &request_known) {
		*progress = &request_known;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (c)
		c->busy = true;
	if (l->loopback && !host_is_ours(connection))
		return answer_misdirected(l, connection);
	return get(l->http, connection, url);
}

void *http_request_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
	if (strlen(uri) > URI_MAX)
		return &request_too_long;
	/* Our paths need no %XX, and a %00 would hide what follows it. */
	if (memchr(uri, '%', strcspn(uri, "?")))
		return &request_encoded;
	return &request_new;
}
