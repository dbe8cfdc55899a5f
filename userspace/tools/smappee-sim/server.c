// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients of the control socket.
 */
#include "server.h"

#include "host-link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int server_open(struct server *s, const char *path, struct control *control)
{
	*s = (struct server){ .path = path, .listener = -1, .control = control };
	for (unsigned int i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	if (!path)
		return 0;
	s->listener = link_listener(path);
	return s->listener < 0 ? s->listener : 0;
}

void server_poll(const struct server *s, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (unsigned int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		const struct server_client *c = &s->client[i];

		fds[1 + i].fd = c->fd;
		fds[1 + i].events = c->answer ? POLLOUT : POLLIN;
		fds[1 + i].revents = 0;
	}
}

static void drop(struct server_client *c)
{
	close(c->fd);
	free(c->answer);
	c->fd = -1;
	c->answer = NULL;
	c->len = 0;
}

static void take_client(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (s->client[i].fd >= 0)
			continue;
		s->client[i].fd = fd;
		return;
	}
	close(fd);
}

static void send_answer(struct server_client *c)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->answer_len - c->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop(c);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent < c->answer_len)
		return;
	free(c->answer);
	c->answer = NULL;
}

/* Carry out the commands that are complete, as long as answers go out. */
static void serve_lines(struct server *s, struct server_client *c, int64_t now_ns)
{
	char *end;

	while (c->fd >= 0 && !c->answer && (end = memchr(c->line, '\n', c->len))) {
		size_t used = (size_t)(end - c->line) + 1;

		*end = '\0';
		c->answer = control_command(s->control, c->line, now_ns);
		c->answer_len = c->answer ? strlen(c->answer) : 0;
		c->sent = 0;
		memmove(c->line, c->line + used, c->len - used);
		c->len -= used;
		if (c->answer)
			send_answer(c);
	}
}

static void read_lines(struct server *s, struct server_client *c, int64_t now_ns)
{
	ssize_t n = read(c->fd, c->line + c->len, sizeof(c->line) - c->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* The end, an error, or a line that is no command of ours. */
	if (n <= 0) {
		drop(c);
		return;
	}
	c->len += (size_t)n;
	serve_lines(s, c, now_ns);
	if (c->fd >= 0 && c->len == sizeof(c->line))
		drop(c);
}

void server_serve(struct server *s, const struct pollfd *fds, int64_t now_ns)
{
	for (unsigned int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct server_client *c = &s->client[i];

		if (c->fd < 0 || !fds[1 + i].revents)
			continue;
		if (!c->answer) {
			read_lines(s, c, now_ns);
			continue;
		}
		send_answer(c);
		serve_lines(s, c, now_ns);
	}
	if (fds[0].revents)
		take_client(s);
}

void server_close(struct server *s)
{
	for (unsigned int i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->client[i].fd >= 0)
			drop(&s->client[i]);
	if (s->listener < 0)
		return;
	close(s->listener);
	unlink(s->path);
	s->listener = -1;
}
