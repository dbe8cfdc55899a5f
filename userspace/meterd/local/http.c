// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http - libmicrohttpd inside the daemon's event loop: one MHD daemon per
 * listening socket, each with its own epoll descriptor that sd-event watches.
 *
 * MHD's time-out looks at inactivity only. A client that sends its request byte
 * by byte, or reads the answer so, is cut off here, by age; and when many connections are
 * open, the oldest one that asks for nothing makes place for a new one.
 */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock-state.h"
#include "history.h"
#include "http-private.h"
#include "listen.h"
#include "log.h"

#define TICK_US (1 * US_PER_S)
#define KEEPALIVE_TICKS 15

/* From the connection, or the last answer, to a complete request. */
#define REQUEST_US (15 * US_PER_S)
/* To read an answer, however slowly. */
#define ANSWER_US (60 * US_PER_S)
#define INACTIVE_S 10
#define MEMORY_PER_CONNECTION 16384
#define SEND_BUFFER 65536

#define CONNECTIONS_MAX 128
/* From here on the oldest connection that waits for nothing is closed. */
#define CONNECTIONS_CROWD 96

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

/* ---- connections ------------------------------------------------------ */

struct client *http_client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

/* Whatever has not been answered yet: nobody waits for it any more. */
static void forget_request(struct client *c)
{
	http_stream_end(c);
	http_command_forget(c);
	http_capture_end(c);
	http_later_end(c);
	http_release(c);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **progress,
			 enum MHD_RequestTerminationCode code)
{
	struct client *c = http_client_of(connection);

	if (!c)
		return;
	forget_request(c);
	c->suspended = false;
	c->busy = false;
	c->since_us = clock_us(CLOCK_MONOTONIC);
}

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
	forget_request(c);
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

void http_run(struct listener *l)
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
	http_run(data);
	return 0;
}

static int on_listener_timer(sd_event_source *source, uint64_t usec, void *data)
{
	http_run(data);
	return 0;
}

static void cut_off_late_clients(struct listener *l, uint64_t now)
{
	struct client *c;

	for (c = l->oldest; c; c = c->next) {
		if (c->held && now - c->since_us > ANSWER_US)
			shutdown(c->fd, SHUT_RDWR);
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
		cut_off_late_clients(&h->listener[i], clock_us(CLOCK_MONOTONIC));
	if (++h->ticks % KEEPALIVE_TICKS == 0) {
		http_stream_push_life_sign(h);
		http_streams_serve(h);
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
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_request, l,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)INACTIVE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_URI_LOG_CALLBACK,
		http_request_uri, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
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
	int ret = listen_tcp("http", text, &result);

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
	if (is_set(config->token_file))
		h->token_file = strdup(config->token_file);
	if (!h->history || !h->gateway || (is_set(config->token_file) && !h->token_file) ||
	    (is_set(config->web_dir) && !h->web_dir) ||
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
		ret = http_later_init(h);
	if (ret >= 0)
		ret = sd_event_add_time_relative(event, &h->tick, CLOCK_MONOTONIC, TICK_US, 0,
						 on_tick, h);
	if (ret < 0) {
		http_close(h);
		return ret;
	}
	http_page_load(h);
	*out = h;
	return 0;
}

void http_watch_mqtt(struct http *h, const struct mqtt *m)
{
	if (h)
		h->mqtt = m;
}

void http_provide(struct http *h, const struct http_report *report, void *user)
{
	if (h && h->provisions < HTTP_PROVIDED)
		h->provided[h->provisions++] = (struct provision){ .report = report, .user = user };
}

void http_take_commands(struct http *h, struct commands *c)
{
	if (h)
		h->commands = c;
}

void http_event(struct http *h, const char *name, struct json_object *data)
{
	const char *text = json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);

	if (h && text && http_stream_push(h, name, text, strlen(text)))
		http_streams_serve(h);
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
	http_stream_push_live(h);
	http_streams_serve(h);
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
	http_later_serve(h);
	h->closing = true;
	sd_event_source_disable_unref(h->tick);
	sd_event_source_disable_unref(h->serve_captures);
	sd_event_source_disable_unref(h->serve_later);
	for (i = 0; i < LISTENERS; i++)
		close_listener(&h->listener[i]);
	if (h->socket)
		unlink(h->socket);
	http_page_free(h);
	for (i = 0; i < RING; i++)
		free(h->ring[i].text);
	live_free(&h->json);
	history_free(h->history);
	sd_event_unref(h->event);
	free(h->modules);
	free(h->gateway);
	free(h->web_dir);
	free(h->modules_dir);
	free(h->token_file);
	free(h->socket);
	free(h);
}
