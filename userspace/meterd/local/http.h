/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http - the local API and web page.
 *
 * GET /                  the page: files of web_dir, by the table in http-page.c
 * GET /api/v1            all of these paths, a line each
 * GET /api/v1/live       the last reading (live.h); 503 before the first and
 *                        when the last is older than 10 s
 * GET /api/v1/events     server-sent events: "live", one per reading
 * GET /api/v1/history    active power of the last 5 minutes (history.h)
 * GET /api/v1/modules    modules of the bus (lib/modules.h)
 * GET /api/v1/status     state of the daemon
 * GET /api/v1/capture?seconds=N  the scans of the next N seconds (tap.h)
 * and what others provide by http_provide(); their events are part of
 * /api/v1/events, by http_event()
 * POST /api/v1/commands/NAME
 *			  a command (command.h), its arguments as JSON in the body, with
 *			  "Authorization: Bearer TOKEN"
 *
 * Nothing else can be changed from here. Errors are JSON: {"error":"..."}. Nothing
 * waits for a client: one that does not read its events is disconnected.
 */
#ifndef METERD_HTTP_H
#define METERD_HTTP_H

#include <systemd/sd-event.h>

#include "reading.h"
#include "tap.h"

#define HTTP_PROVIDED 24
/* What is provided here is shown in the status, too, as "site". */
#define HTTP_SITE "/api/v1/site"
#define HTTP_CAPTURES 2

struct commands;
struct http;
struct mqtt;

/**
 * struct http_config - section [http] of the configuration
 * @listen: ADDRESS:PORT, "[::1]:8080" for IPv6; port 0 takes any free one;
 *	NULL or empty: no TCP
 * @socket: path of the unix socket (mode 0660), NULL or empty: none
 * @web_dir: folder of the page's files; NULL or empty: no page, API only
 * @token_file: file whose first line is the token of commands; NULL: no commands
 * @modules_dir: where the modules are found; NULL: /sys/bus/smappee/devices
 */
struct http_config {
	char *listen;
	char *socket;
	char *web_dir;
	char *token_file;
	char *modules_dir;
};

/**
 * http_open() - listen
 * @h: where to put the server
 * @event: loop in which it lives; held until http_close()
 * @config: copied
 * @gateway: name of the gateway, shown in the status; copied
 *
 * Sets SIGPIPE to be ignored, since a client may leave at any time. Files of
 * @web_dir are read once, here; when one is missing it says so and goes on
 * without it.
 *
 * Return: 0, or -errno after printing the error.
 */
int http_open(struct http **h, sd_event *event, const struct http_config *config,
	      const char *gateway);

/** http_watch_mqtt() - show the counters of @m in the status; @m outlives @h, or is set to NULL */
void http_watch_mqtt(struct http *h, const struct mqtt *m);

/** http_take_commands() - those that may be given; @c outlives @h. NULL @h is allowed */
void http_take_commands(struct http *h, struct commands *c);

struct json_object;
struct http_later;

/**
 * struct http_report - a path that someone else answers
 * @path: such as "/api/v1/quality"
 * @summary: one line for people
 * @get: makes the answer, an object, which is put afterwards; NULL is null
 * @text: makes it when it is not JSON; for free(), NULL when memory is short
 * @type: media type of that
 * @ask: begins to make it, and http_later_answer() gives it: once, now or later, whether the
 *	client is still there or not. Or it returns an HTTP status with why in @why, HTTP_WHY_MAX
 *	bytes, and 0 otherwise
 */
struct http_report {
	const char *path;
	const char *summary;
	struct json_object *(*get)(void *user);
	char *(*text)(void *user);
	const char *type;
	unsigned int (*ask)(void *user, struct http_later *later, char *why);
};

#define HTTP_WHY_MAX 256

/** http_argument() - the value of ?NAME=VALUE, or NULL; only within http_report.ask() */
const char *http_argument(const struct http_later *later, const char *name);

/**
 * http_later_answer() - the answer of http_report.ask()
 * @later: freed by this
 * @status: of HTTP
 * @text: JSON, from malloc(), freed by this; NULL: there is none, and the connection is closed
 */
void http_later_answer(struct http_later *later, unsigned int status, char *text);

/**
 * http_provide() - answer GET of a path; at most HTTP_PROVIDED paths
 * @h: server; NULL is allowed
 * @report: not copied
 * @user: argument of what makes the answer
 */
void http_provide(struct http *h, const struct http_report *report, void *user);

/**
 * http_event() - send an event to all streams
 * @h: server; NULL is allowed
 * @name: such as "event"
 * @data: put by this
 */
void http_event(struct http *h, const char *name, struct json_object *data);

/**
 * http_captures() - allow captures
 * @h: server; NULL is allowed
 * @config: what is captured; the length is the client's, the name the server's
 *
 * Return: 0 or -errno.
 */
int http_captures(struct http *h, const struct tap_config *config);

/** http_capturing() - is there a capture that wants scans? NULL @h is allowed */
bool http_capturing(const struct http *h);

/**
 * http_scans() - give a run of the join to the captures; only while http_capturing()
 * @h: server
 * @run: the run
 * @utc_ns: UTC minus time stamp
 *
 * Copies what is wanted and allocates nothing; the clients are served later.
 */
void http_scans(struct http *h, const struct align_run *run, int64_t utc_ns);

/** http_port() - TCP port that is listened on, 0 when none */
unsigned int http_port(const struct http *h);

/** http_publish() - give a reading to the clients; NULL @h is allowed */
void http_publish(struct http *h, const struct reading *r);

/** http_close() - disconnect all clients and free; NULL @h is allowed */
void http_close(struct http *h);

#endif
