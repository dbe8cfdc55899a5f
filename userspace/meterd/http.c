// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http - libmicrohttpd inside the daemon's event loop: one MHD daemon per
 * listening socket, each with its own epoll descriptor that sd-event watches.
 *
 * Events go through one ring that all streams read with a cursor of their own.
 * So a stream costs no memory beyond its connection, and one that has fallen
 * behind by the length of the ring is known by its cursor and is disconnected.
 * A stream that has sent everything is suspended in MHD and resumed by the next
 * event.
 *
 * MHD's time-out looks at inactivity only. A client that sends its request byte
 * by byte is cut off here, by age; and when many connections are open, the
 * oldest one that asks for nothing makes place for a new one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "history.h"
#include "http.h"
#include "lib/modules.h"
#include "listen.h"
#include "live.h"
#include "log.h"
#include "mqtt.h"
#include "version.h"

#define US_PER_S 1000000ULL
#define US_PER_MS 1000ULL

/* A reading older than this is not handed out any more as the present one. */
#define STALE_US (10 * US_PER_S)
/* A new stream starts with the last reading if that is younger than this. */
#define FRESH_US (1500 * US_PER_MS)
/* The list of modules is read from sysfs at most this often. */
#define MODULES_US (1 * US_PER_S)

#define TICK_US (1 * US_PER_S)
#define KEEPALIVE_TICKS 15

/* From the connection, or the last answer, to a complete request. */
#define REQUEST_US (15 * US_PER_S)
#define INACTIVE_S 10
#define URI_MAX 1024
#define MEMORY_PER_CONNECTION 16384
#define SEND_BUFFER 65536

#define CONNECTIONS_MAX 128
/* From here on the oldest connection that waits for nothing is closed. */
#define CONNECTIONS_CROWD 96
#define STREAMS_MAX 32
#define RING 16
#define FILE_MAX (1 << 20)

#define LISTENERS 2
#define PAGE_FILES 3

#define JSON_TYPE "application/json; charset=utf-8"

/**
 * struct client - one connection
 * @listener: where it came in
 * @previous: older connection
 * @next: newer connection
 * @connection: MHD's
 * @fd: its socket
 * @since_us: when it began to owe us a request
 * @busy: a request was read and is being answered
 * @streaming: it is a stream of events
 * @suspended: it is taken out of MHD's loop until the next event
 * @event: number of the event to send next
 * @offset: bytes of that event that were sent
 */
struct client {
	struct listener *listener;
	struct client *previous;
	struct client *next;
	struct MHD_Connection *connection;
	int fd;
	uint64_t since_us;
	bool busy;
	bool streaming;
	bool suspended;
	uint64_t event;
	size_t offset;
};

/**
 * struct listener - one listening socket
 * @http: owner
 * @daemon: MHD's; NULL when this listener is not used
 * @io: watches the epoll descriptor of @daemon
 * @timer: next time-out of @daemon
 * @oldest: first of the connections, in order of their age
 * @newest: last of the connections
 * @connections: how many
 * @loopback: on a loopback address: refuse foreign host names
 */
struct listener {
	struct http *http;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	sd_event_source *timer;
	struct client *oldest;
	struct client *newest;
	unsigned int connections;
	bool loopback;
};

/**
 * struct event - a piece of the event stream
 * @text: "event: live", its data, and an empty line; or a comment
 * @length: bytes in @text
 * @size: bytes allocated
 */
struct event {
	char *text;
	size_t length;
	size_t size;
};

/**
 * struct page_file - a file of the page, read once
 * @path: path of the URL
 * @name: name in web_dir
 * @type: media type
 */
struct page_file {
	const char *path;
	const char *name;
	const char *type;
};

/**
 * struct provision - a path that someone else answers
 * @path: the path
 * @get: makes the answer
 * @user: its argument
 */
struct provision {
	const char *path;
	http_provided *get;
	void *user;
};

/**
 * struct http - the server
 * @event: loop, referenced
 * @tick: once a second: age of connections, life sign of streams
 * @ticks: counts them
 * @listener: TCP and unix
 * @mqtt: whose counters the status shows; NULL when there is none
 * @gateway: name
 * @web_dir: for messages; NULL when there is no page
 * @modules_dir: folder of the bus; NULL for the default
 * @socket: path of the unix socket; NULL when none
 * @port: TCP port in use
 * @page: answers of the page's files, in the order of page_files; NULL when missing
 * @ring: the last events, number n in ring[n % RING]
 * @events: number of the next event; the first is 0
 * @last_live: number of the last event that is a reading
 * @streams: open streams
 * @closing: streams end instead of waiting
 * @json: the last reading
 * @history: power of the last minutes
 * @have_reading: @json holds one
 * @reading_us: CLOCK_MONOTONIC time at which it came
 * @first_reading_us: CLOCK_BOOTTIME time of the first
 * @started_us: CLOCK_BOOTTIME time at which the process began
 * @modules: text of the module list; NULL before it was asked for
 * @modules_us: CLOCK_MONOTONIC time at which it was read
 * @provided: paths that others answer
 * @provisions: how many
 */
struct http {
	sd_event *event;
	sd_event_source *tick;
	unsigned int ticks;
	struct listener listener[LISTENERS];
	const struct mqtt *mqtt;
	char *gateway;
	char *web_dir;
	char *modules_dir;
	char *socket;
	unsigned int port;
	struct MHD_Response *page[PAGE_FILES];
	struct event ring[RING];
	uint64_t events;
	uint64_t last_live;
	unsigned int streams;
	bool closing;
	struct live_buffer json;
	struct history *history;
	bool have_reading;
	uint64_t reading_us;
	uint64_t first_reading_us;
	uint64_t started_us;
	char *modules;
	uint64_t modules_us;
	struct provision provided[HTTP_PROVIDED];
	unsigned int provisions;
};

static const struct page_file page_files[PAGE_FILES] = {
	{ "/", "index.html", "text/html; charset=utf-8" },
	{ "/style.css", "style.css", "text/css; charset=utf-8" },
	{ "/app.js", "app.js", "text/javascript; charset=utf-8" },
};

/* Progress of a request, kept by MHD as the address of one of these. */
static char request_new, request_too_long, request_encoded, request_known;

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* CLOCK_BOOTTIME at which this process began, from field 22 of its stat file. */
static uint64_t process_start_us(void)
{
	unsigned long long ticks = 0;
	long hz = sysconf(_SC_CLK_TCK);
	char text[1024];
	char *p = NULL;
	FILE *f;

	f = fopen("/proc/self/stat", "re");
	if (f) {
		/* The name in field 2 may hold anything; the last ')' ends it. */
		p = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
		fclose(f);
	}
	if (!p || hz <= 0 ||
	    sscanf(p + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d %*d %llu",
		   &ticks) != 1)
		return clock_us(CLOCK_BOOTTIME);
	return ticks * US_PER_S / hz;
}

/* ---- answers ---------------------------------------------------------- */

static void secure(struct MHD_Response *response, const char *type, const char *cache)
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

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *text, size_t length)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response = MHD_create_response_from_buffer(length, (void *)text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	secure(response, JSON_TYPE, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, "Retry-After", "1");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer_object(struct MHD_Connection *connection, unsigned int status,
				     struct json_object *object)
{
	const char *text;
	enum MHD_Result ret;

	if (!object)
		return MHD_NO;
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = text ? answer(connection, status, text, strlen(text)) : MHD_NO;
	json_object_put(object);
	return ret;
}

__attribute__((format(printf, 3, 4))) static enum MHD_Result
answer_error(struct MHD_Connection *connection, unsigned int status, const char *format, ...)
{
	struct json_object *object = json_object_new_object();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (object)
		json_object_object_add(object, "error", json_object_new_string(text));
	return answer_object(connection, status, object);
}

static enum MHD_Result get_live(struct http *h, struct MHD_Connection *connection)
{
	uint64_t age = clock_us(CLOCK_MONOTONIC) - h->reading_us;

	if (!h->have_reading)
		return answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "no reading yet; the first comes some seconds after the start, "
				    "see /api/v1/status and /api/v1/modules");
	if (age > STALE_US)
		return answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "no reading for %.1f s; see /api/v1/modules for modules that "
				    "are silent, and the log of meterd",
				    (double)age / US_PER_S);
	return answer(connection, MHD_HTTP_OK, h->json.text, h->json.length);
}

static enum MHD_Result get_history(struct http *h, struct MHD_Connection *connection)
{
	return answer_object(connection, MHD_HTTP_OK, history_json(h->history));
}

static enum MHD_Result get_modules(struct http *h, struct MHD_Connection *connection)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);
	struct json_object *list;

	if (!h->modules || now - h->modules_us >= MODULES_US) {
		list = modules_list(h->modules_dir);
		if (!list)
			return answer_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
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
	return answer(connection, MHD_HTTP_OK, h->modules, strlen(h->modules));
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

static enum MHD_Result get_status(struct http *h, struct MHD_Connection *connection)
{
	struct json_object *object = json_object_new_object();

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
	json_object_object_add(object, "mqtt", mqtt_status(h->mqtt));
	return answer_object(connection, MHD_HTTP_OK, object);
}

/* ---- streams ---------------------------------------------------------- */

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

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

static void stream_end(struct client *c)
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

static enum MHD_Result get_events(struct http *h, struct MHD_Connection *connection)
{
	struct client *c = client_of(connection);
	struct MHD_Response *response;
	enum MHD_Result ret;

	if (!c)
		return MHD_NO;
	if (h->streams >= STREAMS_MAX)
		return answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "%u event streams are open, which is the limit; close a page, "
				    "or ask /api/v1/live instead",
				    h->streams);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, c, NULL);
	if (!response)
		return MHD_NO;
	secure(response, "text/event-stream", "no-store");
	MHD_add_response_header(response, "X-Accel-Buffering", "no");
	c->streaming = true;
	c->offset = 0;
	c->event = is_fresh(h) ? h->last_live : h->events;
	h->streams++;
	ret = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	if (ret == MHD_NO)
		stream_end(c);
	return ret;
}

static void run(struct listener *l);

/* Wake the streams that wait, disconnect those that have fallen behind. */
static void serve_streams(struct http *h)
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
		run(&h->listener[i]);
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
static bool push_event(struct http *h, const char *name, const char *data, size_t length)
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

static void push_live(struct http *h)
{
	if (push_event(h, "live", h->json.text, h->json.length))
		h->last_live = h->events - 1;
}

/* So that a connection whose client has gone is noticed while no readings come. */
static void push_life_sign(struct http *h)
{
	static const char text[] = ": alive\n\n";
	struct event *e = next_event(h, sizeof(text) - 1);

	if (e)
		memcpy(e->text, text, sizeof(text) - 1);
}

/* ---- requests --------------------------------------------------------- */

static const struct {
	const char *path;
	enum MHD_Result (*get)(struct http *h, struct MHD_Connection *connection);
} routes[] = {
	{ "/api/v1/live", get_live },	    { "/api/v1/events", get_events },
	{ "/api/v1/history", get_history }, { "/api/v1/modules", get_modules },
	{ "/api/v1/status", get_status },
};

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

static enum MHD_Result answer_provided(struct MHD_Connection *connection, const struct provision *p)
{
	struct json_object *object = p->get(p->user);

	if (!object)
		return answer(connection, MHD_HTTP_OK, "null", 4);
	return answer_object(connection, MHD_HTTP_OK, object);
}

static enum MHD_Result get(struct http *h, struct MHD_Connection *connection, const char *url)
{
	size_t i;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(url, routes[i].path))
			return routes[i].get(h, connection);
	for (i = 0; i < h->provisions; i++)
		if (!strcmp(url, h->provided[i].path))
			return answer_provided(connection, &h->provided[i]);
	for (i = 0; i < PAGE_FILES; i++) {
		if (strcmp(url, page_files[i].path))
			continue;
		if (h->page[i])
			return MHD_queue_response(connection, MHD_HTTP_OK, h->page[i]);
		return answer_error(connection, MHD_HTTP_NOT_FOUND,
				    "the web page is not installed (%s%s%s); the data are at "
				    "/api/v1/live",
				    h->web_dir ? h->web_dir : "no web_dir is configured",
				    h->web_dir ? "/" : "", h->web_dir ? page_files[i].name : "");
	}
	return answer_error(connection, MHD_HTTP_NOT_FOUND,
			    "nothing at %.200s; there are /, /api/v1/live, /api/v1/events, "
			    "/api/v1/history, /api/v1/modules and /api/v1/status",
			    url);
}

/* Called with the headers first, then once more per piece of body, then without. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **progress)
{
	struct listener *l = data;
	struct client *c = client_of(connection);

	if (*progress == &request_too_long)
		return answer_error(connection, MHD_HTTP_URI_TOO_LONG,
				    "the address is longer than %d characters", URI_MAX);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "method %.20s is not possible, only GET and HEAD; nothing can "
				    "be changed here",
				    method);
	if (*progress == &request_encoded)
		return answer_error(connection, MHD_HTTP_NOT_FOUND,
				    "nothing at an address with %% in its path");
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
		return answer_error(connection, MHD_HTTP_MISDIRECTED_REQUEST,
				    "this address is for this machine only; open it as "
				    "http://127.0.0.1:%u/",
				    l->http->port);
	return get(l->http, connection, url);
}

static void *on_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
	if (strlen(uri) > URI_MAX)
		return &request_too_long;
	/* Our paths need no %XX, and a %00 would hide what follows it. */
	if (memchr(uri, '%', strcspn(uri, "?")))
		return &request_encoded;
	return &request_new;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **progress,
			 enum MHD_RequestTerminationCode code)
{
	struct client *c = client_of(connection);

	if (!c)
		return;
	stream_end(c);
	c->suspended = false;
	c->busy = false;
	c->since_us = clock_us(CLOCK_MONOTONIC);
}

/* ---- connections ------------------------------------------------------ */

static void make_room(struct listener *l)
{
	struct client *c;

	for (c = l->oldest; c && c != l->newest; c = c->next) {
		if (!c->busy) {
			c->busy = true; /* is on its way out */
			shutdown(c->fd, SHUT_RDWR);
			return;
		}
	}
}

static void connection_started(struct listener *l, struct MHD_Connection *connection,
			       void **context)
{
	const union MHD_ConnectionInfo *info;
	struct client *c = calloc(1, sizeof(*c));
	int size = SEND_BUFFER;

	*context = c;
	if (!c)
		return;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info ? info->connect_fd : -1;
	c->listener = l;
	c->connection = connection;
	c->since_us = clock_us(CLOCK_MONOTONIC);
	/* What the kernel holds for a slow client must be bounded, too. */
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));

	c->previous = l->newest;
	if (l->newest)
		l->newest->next = c;
	else
		l->oldest = c;
	l->newest = c;
	if (++l->connections > CONNECTIONS_CROWD)
		make_room(l);
}

static void connection_closed(struct listener *l, struct client *c)
{
	if (!c)
		return;
	stream_end(c);
	if (c->previous)
		c->previous->next = c->next;
	else
		l->oldest = c->next;
	if (c->next)
		c->next->previous = c->previous;
	else
		l->newest = c->previous;
	l->connections--;
	free(c);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_started(data, connection, context);
	else
		connection_closed(data, *context);
}

static void run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!l->daemon)
		return;
	MHD_run(l->daemon);
	if (MHD_get_timeout(l->daemon, &ms) == MHD_YES) {
		sd_event_source_set_time_relative(l->timer, ms * US_PER_MS);
		sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
	} else {
		sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
	}
}

static int on_listener(sd_event_source *source, int fd, uint32_t events, void *data)
{
	run(data);
	return 0;
}

static int on_listener_timer(sd_event_source *source, uint64_t usec, void *data)
{
	run(data);
	return 0;
}

static void cut_off_late_requests(struct listener *l, uint64_t now)
{
	struct client *c;

	for (c = l->oldest; c; c = c->next) {
		if (!c->busy && now - c->since_us > REQUEST_US) {
			c->busy = true;
			shutdown(c->fd, SHUT_RDWR);
		}
	}
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct http *h = data;
	unsigned int i;

	for (i = 0; i < LISTENERS; i++)
		cut_off_late_requests(&h->listener[i], clock_us(CLOCK_MONOTONIC));
	if (++h->ticks % KEEPALIVE_TICKS == 0) {
		push_life_sign(h);
		serve_streams(h);
	}
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- set-up ----------------------------------------------------------- */

/* Takes over @fd; the caller has bound it. */
static int start_daemon(struct listener *l, int fd, const char *name)
{
	const union MHD_DaemonInfo *info;
	int ret;

	if (listen(fd, SOMAXCONN)) {
		ret = -errno;
		close(fd);
		goto failed;
	}
	l->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)INACTIVE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
		NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!l->daemon) {
		ret = errno ? -errno : -EIO;
		close(fd);
		goto failed;
	}
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	ret = info ? sd_event_add_io(l->http->event, &l->io, info->epoll_fd, EPOLLIN, on_listener,
				     l)
		   : -ENOTSUP;
	if (ret >= 0)
		ret = sd_event_add_time_relative(l->http->event, &l->timer, CLOCK_MONOTONIC, 0, 0,
						 on_listener_timer, l);
	if (ret >= 0)
		return 0;
failed:
	log_error("http: %s: cannot serve: %s", name, strerror(-ret));
	return ret;
}

static int serve_tcp(struct listener *l, const char *text)
{
	struct listen_result result;
	int ret = listen_tcp(text, &result);

	if (ret)
		return ret;
	l->loopback = result.loopback;
	l->http->port = result.port;
	if (!result.loopback)
		log_notice(
			"http: listening on %s: everyone on that network can read the measurements",
			text);
	return start_daemon(l, result.fd, text);
}

static int serve_unix(struct listener *l, const char *path)
{
	struct listen_result result;
	int ret = listen_unix(path, &result);

	if (ret)
		return ret;
	l->http->socket = strdup(path);
	if (!l->http->socket) {
		close(result.fd);
		unlink(path);
		return -ENOMEM;
	}
	return start_daemon(l, result.fd, path);
}

static char *read_file(const char *dir, const char *name, size_t *length)
{
	char *path, *text = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX)
		text = malloc(st.st_size + 1);
	if (text)
		n = read(fd, text, st.st_size);
	if (n < 0 || n != st.st_size) {
		free(text);
		text = NULL;
	}
	close(fd);
	*length = text ? n : 0;
	return text;
}

static void load_page(struct http *h)
{
	size_t length;
	char *text;
	int i;

	if (!h->web_dir)
		return;
	for (i = 0; i < PAGE_FILES; i++) {
		text = read_file(h->web_dir, page_files[i].name, &length);
		if (!text) {
			log_warning("[http] web_dir = %s: cannot read %s; the web page is not "
				    "available, the API is",
				    h->web_dir, page_files[i].name);
			continue;
		}
		h->page[i] = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
		if (h->page[i])
			secure(h->page[i], page_files[i].type, "no-cache");
		else
			free(text);
	}
}

static bool is_set(const char *text)
{
	return text && *text;
}

static int copy_config(struct http *h, const struct http_config *config, const char *gateway)
{
	h->history = history_new();
	h->gateway = strdup(gateway);
	if (is_set(config->web_dir))
		h->web_dir = strdup(config->web_dir);
	if (is_set(config->modules_dir))
		h->modules_dir = strdup(config->modules_dir);
	if (!h->history || !h->gateway || (is_set(config->web_dir) && !h->web_dir) ||
	    (is_set(config->modules_dir) && !h->modules_dir)) {
		log_error("http: out of memory");
		return -ENOMEM;
	}
	return 0;
}

int http_open(struct http **out, sd_event *event, const struct http_config *config,
	      const char *gateway)
{
	struct http *h = calloc(1, sizeof(*h));
	unsigned int i;
	int ret;

	*out = NULL;
	if (!h) {
		log_error("http: out of memory");
		return -ENOMEM;
	}
	signal(SIGPIPE, SIG_IGN);
	h->event = sd_event_ref(event);
	h->started_us = process_start_us();
	for (i = 0; i < LISTENERS; i++)
		h->listener[i].http = h;

	ret = copy_config(h, config, gateway);
	if (!ret && is_set(config->listen))
		ret = serve_tcp(&h->listener[0], config->listen);
	if (!ret && is_set(config->socket))
		ret = serve_unix(&h->listener[1], config->socket);
	if (!ret)
		ret = sd_event_add_time_relative(event, &h->tick, CLOCK_MONOTONIC, TICK_US, 0,
						 on_tick, h);
	if (ret < 0) {
		http_close(h);
		return ret;
	}
	load_page(h);
	*out = h;
	return 0;
}

void http_watch_mqtt(struct http *h, const struct mqtt *m)
{
	if (h)
		h->mqtt = m;
}

void http_provide(struct http *h, const char *path, http_provided *get_it, void *user)
{
	if (h && h->provisions < HTTP_PROVIDED)
		h->provided[h->provisions++] = (struct provision){ path, get_it, user };
}

void http_event(struct http *h, const char *name, struct json_object *data)
{
	const char *text = json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);

	if (h && text && push_event(h, name, text, strlen(text)))
		serve_streams(h);
	json_object_put(data);
}

unsigned int http_port(const struct http *h)
{
	return h ? h->port : 0;
}

void http_publish(struct http *h, const struct reading *r)
{
	if (!h)
		return;
	if (live_json(&h->json, r)) {
		h->have_reading = false;
		return;
	}
	h->have_reading = true;
	h->reading_us = clock_us(CLOCK_MONOTONIC);
	if (!h->first_reading_us)
		h->first_reading_us = clock_us(CLOCK_BOOTTIME);
	history_add(h->history, r);
	push_live(h);
	serve_streams(h);
}

static void close_listener(struct listener *l)
{
	struct client *c;

	l->io = sd_event_source_disable_unref(l->io);
	l->timer = sd_event_source_disable_unref(l->timer);
	if (!l->daemon)
		return;
	/* MHD cannot stop while connections are suspended. */
	for (c = l->oldest; c; c = c->next) {
		shutdown(c->fd, SHUT_RDWR);
		if (c->suspended)
			MHD_resume_connection(c->connection);
		c->suspended = false;
	}
	MHD_run(l->daemon);
	MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
}

void http_close(struct http *h)
{
	unsigned int i;

	if (!h)
		return;
	h->closing = true;
	sd_event_source_disable_unref(h->tick);
	for (i = 0; i < LISTENERS; i++)
		close_listener(&h->listener[i]);
	if (h->socket)
		unlink(h->socket);
	for (i = 0; i < PAGE_FILES; i++)
		if (h->page[i])
			MHD_destroy_response(h->page[i]);
	for (i = 0; i < RING; i++)
		free(h->ring[i].text);
	live_free(&h->json);
	history_free(h->history);
	sd_event_unref(h->event);
	free(h->modules);
	free(h->gateway);
	free(h->web_dir);
	free(h->modules_dir);
	free(h->socket);
	free(h);
}
