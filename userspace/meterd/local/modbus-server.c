// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * modbus-server - see modbus-server.h.
 *
 * A client has room for one request and one answer. While its answer is not taken, nothing
 * more is read from it, so neither can grow.
 */
#include "modbus-server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "log.h"

#define US_PER_S 1000000ULL
#define TICK_US (5 * US_PER_S)
#define SILENT_US (60 * US_PER_S)

/**
 * struct client - a connection
 * @server: owner
 * @io: watches @fd
 * @fd: socket
 * @heard_us: when it said something last
 * @in: what came
 * @length: bytes in @in
 * @out: answer
 * @out_length: bytes in @out
 * @sent: of them
 */
struct client {
	struct modbus_server *server;
	sd_event_source *io;
	int fd;
	uint64_t heard_us;
	uint8_t in[MODBUS_TCP_MAX];
	size_t length;
	uint8_t out[MODBUS_TCP_MAX];
	size_t out_length;
	size_t sent;
};

/**
 * struct modbus_server - the server
 * @event: loop, referenced
 * @io: watches @fd
 * @tick: closes those that are silent
 * @fd: listening socket
 * @port: its port
 * @read: reads registers
 * @user: its first argument
 * @client: connections, NULL where there is none
 */
struct modbus_server {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *tick;
	int fd;
	unsigned int port;
	modbus_read *read;
	void *user;
	struct client *client[MODBUS_CLIENTS_MAX];
};

static uint64_t now_us(const struct modbus_server *s)
{
	uint64_t now = 0;

	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void hang_up(struct client *c)
{
	struct modbus_server *s = c->server;
	unsigned int k;

	for (k = 0; k < MODBUS_CLIENTS_MAX; k++)
		if (s->client[k] == c)
			s->client[k] = NULL;
	sd_event_source_disable_unref(c->io);
	close(c->fd);
	free(c);
}

/* Return: whether the connection still stands. */
static bool send_answer(struct client *c)
{
	ssize_t n = send(c->fd, c->out + c->sent, c->out_length - c->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	if (c->sent == c->out_length)
		c->out_length = c->sent = 0;
	return true;
}

/* Return: whether the connection still stands. */
static bool answer(struct client *c)
{
	int taken;

	/* as many as there is room for in @in, at most */
	while (!c->out_length) {
		taken = modbus_tcp_answer(c->in, c->length, c->server->read, c->server->user,
					  c->out, &c->out_length);
		if (taken < 0)
			return false;
		if (!taken)
			return true;
		c->length -= (size_t)taken;
		memmove(c->in, c->in + taken, c->length);
		if (!send_answer(c))
			return false;
	}
	return true;
}

/* Return: whether the connection still stands. */
static bool receive(struct client *c)
{
	ssize_t n;

	if (c->length == sizeof(c->in))
		return true;
	n = recv(c->fd, c->in + c->length, sizeof(c->in) - c->length, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->length += (size_t)n;
	c->heard_us = now_us(c->server);
	return n > 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct client *c = user;
	bool stands = true;

	if (events & EPOLLOUT && c->out_length)
		stands = send_answer(c);
	if (stands && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->out_length)
		stands = receive(c);
	if (stands && !c->out_length)
		stands = answer(c);
	if (!stands)
		hang_up(c);
	else
		sd_event_source_set_io_events(c->io, c->out_length ? EPOLLOUT : EPOLLIN);
	return 0;
}

/* A place for one more: a free one, or that of who has been silent longest. */
static struct client **place_for(struct modbus_server *s)
{
	struct client **oldest = &s->client[0];
	unsigned int k;

	for (k = 0; k < MODBUS_CLIENTS_MAX; k++) {
		if (!s->client[k])
			return &s->client[k];
		if (s->client[k]->heard_us < (*oldest)->heard_us)
			oldest = &s->client[k];
	}
	hang_up(*oldest);
	return oldest;
}

static int on_accept(sd_event_source *source, int listening, uint32_t events, void *user)
{
	struct modbus_server *s = user;
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client **place;
	struct client *c;

	if (fd < 0)
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return 0;
	}
	c->server = s;
	c->fd = fd;
	c->heard_us = now_us(s);
	if (sd_event_add_io(s->event, &c->io, fd, EPOLLIN, on_client, c) < 0) {
		close(fd);
		free(c);
		return 0;
	}
	place = place_for(s);
	*place = c;
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct modbus_server *s = user;
	uint64_t now = now_us(s);
	unsigned int k;

	for (k = 0; k < MODBUS_CLIENTS_MAX; k++)
		if (s->client[k] && now - s->client[k]->heard_us > SILENT_US)
			hang_up(s->client[k]);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int start(struct modbus_server *s, const char *text)
{
	struct listen_result result;
	int ret = listen_tcp("modbus", text, &result);

	if (ret)
		return ret;
	s->fd = result.fd;
	s->port = result.port;
	if (!result.loopback)
		log_notice("modbus: listening on %s: everyone on that network can read the "
			   "measurements",
			   text);
	if (listen(s->fd, MODBUS_CLIENTS_MAX))
		ret = -errno;
	if (!ret)
		ret = sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_accept, s);
	if (ret >= 0)
		ret = sd_event_add_time_relative(s->event, &s->tick, CLOCK_MONOTONIC, TICK_US, 0,
						 on_tick, s);
	if (ret >= 0)
		return 0;
	log_error("[modbus] listen = %s: %s", text, strerror(-ret));
	return ret;
}

int modbus_server_open(struct modbus_server **out, sd_event *event, const char *text,
		       modbus_read *read, void *user)
{
	struct modbus_server *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->fd = -1;
	s->read = read;
	s->user = user;
	ret = start(s, text);
	if (ret)
		modbus_server_close(s);
	else
		*out = s;
	return ret;
}

unsigned int modbus_server_port(const struct modbus_server *s)
{
	return s->port;
}

unsigned int modbus_server_clients(const struct modbus_server *s)
{
	unsigned int n = 0;
	unsigned int k;

	for (k = 0; s && k < MODBUS_CLIENTS_MAX; k++)
		n += !!s->client[k];
	return n;
}

void modbus_server_close(struct modbus_server *s)
{
	unsigned int k;

	if (!s)
		return;
	for (k = 0; k < MODBUS_CLIENTS_MAX; k++)
		if (s->client[k])
			hang_up(s->client[k]);
	sd_event_source_disable_unref(s->io);
	sd_event_source_disable_unref(s->tick);
	if (s->fd >= 0)
		close(s->fd);
	sd_event_unref(s->event);
	free(s);
}
