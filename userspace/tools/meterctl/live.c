// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * live - follows the stream of readings: as a table that redraws itself on a
 * terminal, as lines or JSON elsewhere. A reading that is older than STALE_S is
 * marked as such; a lost connection is opened again.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "events.h"
#include "screen.h"

#define MS_PER_S 1000
#define STALE_MS (4 * MS_PER_S)
#define TICK_MS (1 * MS_PER_S)
/* A stream gives a sign of life every 15 s, so one that is silent for longer is dead. */
#define DEAD_MS (40 * MS_PER_S)
#define TITLE_MAX 256

/**
 * struct follower - a stream and what is shown of it
 * @options: of the command line
 * @screen: terminal, NULL for lines
 * @stream: connection; its fd is -1 while there is none
 * @events: its parser
 * @reading: last reading, NULL before the first
 * @reading_ms: when it came
 * @io: inputs and outputs as they were told last, NULL without any
 * @heard_ms: when anything came, or the last attempt to connect
 * @error: why there is no connection, -errno
 * @stale_told: that no readings come was already said
 * @seen: readings so far
 * @failed: output could not be written
 */
struct follower {
	const struct command_options *options;
	struct screen *screen;
	struct client_answer stream;
	struct events events;
	struct json_object *reading;
	long long reading_ms;
	struct json_object *io;
	long long heard_ms;
	int error;
	bool stale_told;
	unsigned long seen;
	bool failed;
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool is_stale(const struct follower *f)
{
	return !f->reading || now_ms() - f->reading_ms > STALE_MS;
}

static void show(struct follower *f)
{
	const struct client_address *a = &f->options->address;
	char title[TITLE_MAX];
	const char *link = f->error ? strerror(-f->error) : "connected";
	char where[CLIENT_HOST_MAX + CLIENT_PORT_MAX + 2];

	if (!f->screen)
		return;
	if (!a->socket)
		snprintf(where, sizeof(where), "%s:%s", a->host, a->port);
	if (!f->reading)
		snprintf(title, sizeof(title), "%.100s   %s   no data yet",
			 a->socket ? a->socket : where, link);
	else if (is_stale(f))
		snprintf(title, sizeof(title),
			 "%.100s   %s   STALE: last reading %lld s ago, values are old",
			 a->socket ? a->socket : where, link,
			 (now_ms() - f->reading_ms) / MS_PER_S);
	else
		snprintf(title, sizeof(title), "%.100s   %s   live", a->socket ? a->socket : where,
			 link);
	screen_show(f->screen, f->reading, title, is_stale(f));
}

static bool done(const struct follower *f)
{
	return f->failed || (f->options->count && f->seen >= f->options->count);
}

static void take_io(struct follower *f, const char *data)
{
	struct json_object *io = json_tokener_parse(data);

	if (!io)
		return;
	json_object_put(f->io);
	f->io = io;
	if (!f->reading)
		return;
	json_object_object_add(f->reading, "io", json_object_get(io));
	if (f->screen)
		show(f);
}

static void take_reading(struct follower *f, const char *data)
{
	struct json_object *reading = json_tokener_parse(data);

	if (!reading)
		return;
	if (f->io)
		json_object_object_add(reading, "io", json_object_get(f->io));
	json_object_put(f->reading);
	f->reading = reading;
	f->reading_ms = now_ms();
	f->stale_told = false;
	f->seen++;
	if (f->screen)
		show(f);
	else if (f->options->json)
		puts(json_object_to_json_string_ext(
			reading, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		table_log(reading, command_print, NULL);
	if (!f->screen && command_flush())
		f->failed = true;
}

static void take(void *context, const char *name, const char *data)
{
	struct follower *f = context;

	if (done(f))
		return;
	if (!strcmp(name, "live"))
		take_reading(f, data);
	else if (!strcmp(name, "io"))
		take_io(f, data);
}

static void disconnect(struct follower *f, int error)
{
	client_done(&f->stream);
	events_free(&f->events);
	f->error = error;
}

static void reconnect(struct follower *f)
{
	f->heard_ms = now_ms();
	f->error = client_follow(&f->options->address, "/api/v1/events", &f->stream);
	if (f->error)
		return;
	if (f->stream.status != 200) {
		disconnect(f, -EBUSY);
		return;
	}
	f->error = events_feed(&f->events, f->stream.body, f->stream.length, take, f);
}

static void receive(struct follower *f)
{
	char bytes[16384];
	ssize_t n = recv(f->stream.fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		disconnect(f, n ? -errno : -ECONNRESET);
		return;
	}
	f->heard_ms = now_ms();
	n = events_feed(&f->events, bytes, n, take, f);
	if (n)
		disconnect(f, n);
}

/* Lines have no place for "stale": say it once, on standard error. */
static void tell_stale(struct follower *f)
{
	if (f->screen || f->stale_told || now_ms() - f->reading_ms <= STALE_MS)
		return;
	f->stale_told = true;
	if (f->stream.fd < 0)
		fprintf(stderr, "meterctl: connection lost (%s), trying again\n",
			strerror(-f->error));
	else
		fprintf(stderr,
			"meterctl: no readings for %d s; see 'meterctl list' for modules that are "
			"silent\n",
			STALE_MS / MS_PER_S);
}

static bool wait_and_act(struct follower *f)
{
	struct pollfd p[2] = {
		{ .fd = f->stream.fd, .events = POLLIN },
		{ .fd = f->screen ? STDIN_FILENO : -1, .events = POLLIN },
	};
	bool go_on = true;

	/* EINTR is a new size of the terminal; getch() tells ncurses. */
	if (poll(p, 2, TICK_MS) < 0 && errno != EINTR)
		return false;
	if (f->stream.fd >= 0 && p[0].revents)
		receive(f);
	if (f->screen)
		go_on = screen_keys(f->screen) && !(p[1].revents & (POLLHUP | POLLERR));
	if (f->stream.fd >= 0 && now_ms() - f->heard_ms > DEAD_MS)
		disconnect(f, -ETIMEDOUT);
	if (f->stream.fd < 0 && now_ms() - f->heard_ms >= TICK_MS)
		reconnect(f);
	tell_stale(f);
	show(f);
	return go_on;
}

int command_live(const struct command_options *o)
{
	struct follower f = { .options = o, .stream = { .fd = -1 } };

	/* The first connection fails at once, so that a wrong address is not waited for. */
	f.reading_ms = now_ms();
	f.io = command_ask_quietly(o, "/api/v1/io");
	reconnect(&f);
	if (f.error) {
		client_complain(&o->address, f.error);
		f.failed = true;
	} else if (!o->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)) {
		f.screen = screen_open();
		f.failed = !f.screen;
	}
	while (!done(&f) && wait_and_act(&f))
		;
	screen_close(f.screen);
	client_done(&f.stream);
	events_free(&f.events);
	json_object_put(f.reading);
	json_object_put(f.io);
	return f.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
