/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http-private - what the parts of the server share: http.c (connections),
 * http-stream.c (server-sent events), http-capture.c (captures), http-later.c (answers that take
 * time), http-page.c (files of the page), http-command.c (commands), http-answer.c (answers) and
 * http-routes.c (what is answered to which request).
 */
#ifndef METERD_HTTP_PRIVATE_H
#define METERD_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "http.h"
#include "live.h"

#define US_PER_S 1000000ULL
#define US_PER_MS 1000ULL

#define HTTP_JSON_TYPE "application/json; charset=utf-8"
#define RING 16
#define LISTENERS 2
#define PAGE_FILES 10

/**
 * struct client - one connection
 * @listener: where it came in
 * @previous: older connection
 * @next: newer connection
 * @connection: MHD's
 * @fd: its socket
 * @since_us: when it began to owe us a request, or to read the answer
 * @busy: a request was read and is being answered
 * @streaming: it is a stream of events
 * @suspended: it is taken out of MHD's loop until the next event or the answer
 * @event: number of the event to send next
 * @offset: bytes of that event that were sent
 * @body: of a command, COMMAND_TEXT_MAX bytes of room; NULL while there is none
 * @body_length: bytes of it that came; beyond COMMAND_TEXT_MAX they are only counted
 * @tap: the capture that it is, or NULL
 * @later: the answer that it waits for, or NULL
 * @held: bytes of the answer that it is reading
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
	char *body;
	size_t body_length;
	struct tap *tap;
	struct http_later *later;
	size_t held;
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
 * struct provision - a path that someone else answers
 * @report: path, and what makes the answer
 * @user: its argument
 */
struct provision {
	const struct http_report *report;
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
 * @token_file: who knows what is in it may give commands; NULL: nobody
 * @commands: them, or NULL
 * @socket: path of the unix socket; NULL when none
 * @port: TCP port in use
 * @page: answers of the page's files, in the order of page_files; NULL when missing
 * @ring: the last events, number n in ring[n % RING]
 * @events: number of the next event; the first is 0
 * @last_live: number of the last event that is a reading
 * @streams: open streams
 * @held: bytes of answers that clients are reading
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
 * @captured: what a capture captures; no inputs: nothing
 * @capture: clients with a capture
 * @serve_captures: goes on with them
 * @serve_later: goes on with clients whose answer has come
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
	char *token_file;
	struct commands *commands;
	char *socket;
	unsigned int port;
	struct MHD_Response *page[PAGE_FILES];
	struct event ring[RING];
	uint64_t events;
	uint64_t last_live;
	unsigned int streams;
	size_t held;
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
	struct tap_config captured;
	struct client *capture[HTTP_CAPTURES];
	sd_event_source *serve_captures;
	sd_event_source *serve_later;
};

/** http_client_of() - our part of a connection, or NULL */
struct client *http_client_of(struct MHD_Connection *connection);

/** http_run() - let MHD do what there is to do on this listener */
void http_run(struct listener *l);

/** http_secure() - headers of every answer */
void http_secure(struct MHD_Response *response, const char *type, const char *cache);

/** http_hold() - is there room for an answer of this length, beside those that are being read? */
bool http_hold(struct MHD_Connection *connection, size_t length);

/** http_release() - the answer is read, or the client is gone */
void http_release(struct client *c);

/** http_answer_crowded() - answer that there is no room for the answer */
enum MHD_Result http_answer_crowded(struct MHD_Connection *connection);

/** http_answer() - answer with JSON text, which is copied */
enum MHD_Result http_answer(struct MHD_Connection *connection, unsigned int status,
			    const char *text, size_t length);

/** http_answer_object() - answer with an object, which is put; NULL closes the connection */
enum MHD_Result http_answer_object(struct MHD_Connection *connection, unsigned int status,
				   struct json_object *object);

/** http_answer_error() - answer {"error":"..."} */
enum MHD_Result http_answer_error(struct MHD_Connection *connection, unsigned int status,
				  const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * http_command_begin() - may this connection give commands?
 *
 * Return: MHD_YES with @go set, or what was answered.
 */
enum MHD_Result http_command_begin(struct http *h, struct MHD_Connection *connection, bool *go);

/** http_command_body() - a piece of the body; false when memory is short */
bool http_command_body(struct client *c, const char *text, size_t length);

/** http_command_answer() - the request is complete: do it, and answer when it is done */
enum MHD_Result http_command_answer(struct http *h, struct client *c, const char *name);

/** http_command_forget() - free the body */
void http_command_forget(struct client *c);

/** http_page_load() - read the files of the page; those that are missing are named */
void http_page_load(struct http *h);

/** http_page_answer() - answer with a file of the page; false: @url is none of them */
bool http_page_answer(struct http *h, struct MHD_Connection *connection, const char *url,
		      enum MHD_Result *ret);

/** http_page_free() - forget the files */
void http_page_free(struct http *h);

/** http_stream_open() - answer with a stream of events */
enum MHD_Result http_stream_open(struct http *h, struct MHD_Connection *connection);

/** http_stream_end() - the connection is no stream any more */
void http_stream_end(struct client *c);

/** http_stream_push() - put an event into the ring; false when memory is short */
bool http_stream_push(struct http *h, const char *name, const char *data, size_t length);

/** http_stream_push_live() - put the last reading into the ring */
void http_stream_push_live(struct http *h);

/** http_stream_push_life_sign() - so that a client that has gone is noticed without readings */
void http_stream_push_life_sign(struct http *h);

/** http_streams_serve() - wake the streams that wait, disconnect those that fell behind */
void http_streams_serve(struct http *h);

/** http_capture_open() - answer with a capture */
enum MHD_Result http_capture_open(struct http *h, struct MHD_Connection *connection);

/** http_capture_end() - the connection is no capture any more */
void http_capture_end(struct client *c);

/** http_later_init() - before the first request; 0 or -errno */
int http_later_init(struct http *h);

/** http_later_begin() - for http_later_answer(), which ends it; NULL when memory is short */
struct http_later *http_later_begin(struct client *c);

/** http_later_wait() - answer, or take the connection out of the loop until there is an answer */
enum MHD_Result http_later_wait(struct client *c);

/** http_later_open() - ask for an answer that may take time, and wait for it */
enum MHD_Result http_later_open(struct client *c, const struct provision *p);

/** http_later_serve() - go on with the clients whose answer has come */
void http_later_serve(struct http *h);

/** http_later_end() - the connection waits for no answer any more */
void http_later_end(struct client *c);

/** http_request() - MHD's: a request, its headers first, then its body in pieces, then once more */
enum MHD_Result http_request(void *data, struct MHD_Connection *connection, const char *url,
			     const char *method, const char *version, const char *upload,
			     size_t *upload_size, void **progress);

/** http_request_uri() - MHD's: the address of a request, before anything else of it */
void *http_request_uri(void *data, const char *uri, struct MHD_Connection *connection);

#endif
