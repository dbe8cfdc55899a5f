/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server - the control socket: clients, lines in, answers out. Never blocks; a
 * client that does not read its answer gets no other.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "control.h"

#include <poll.h>
#include <stddef.h>

#define SERVER_CLIENTS_MAX 8
#define SERVER_LINE_MAX 4096
/* The listener and the clients. */
#define SERVER_FDS (1 + SERVER_CLIENTS_MAX)

/**
 * struct server_client - one client
 * @fd: its socket, -1 for a free place
 * @line: command so far
 * @len: its length
 * @answer: what is still to be sent, NULL if nothing
 * @answer_len: its length
 * @sent: how much of it went out
 */
struct server_client {
	int fd;
	char line[SERVER_LINE_MAX];
	size_t len;
	char *answer;
	size_t answer_len;
	size_t sent;
};

struct server {
	const char *path;
	int listener;
	struct control *control;
	struct server_client client[SERVER_CLIENTS_MAX];
};

/**
 * server_open() - listen
 * @path: of the socket, NULL for no control socket
 *
 * Return: 0 or a negative error number.
 */
int server_open(struct server *s, const char *path, struct control *control);

/** server_poll() - fill in what to wait for; @fds has SERVER_FDS places */
void server_poll(const struct server *s, struct pollfd *fds);

/** server_serve() - do what poll() found, at @now_ns */
void server_serve(struct server *s, const struct pollfd *fds, int64_t now_ns);

/** server_close() - close all and remove the socket */
void server_close(struct server *s);

#endif
