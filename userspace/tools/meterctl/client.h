/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client - asks meterd's local API, over its unix socket or TCP.
 *
 * Speaks HTTP/1.0, in which the end of the connection ends an answer, so that
 * nothing has to be decoded. Every function gives up after a bounded time.
 */
#ifndef METERCTL_CLIENT_H
#define METERCTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define CLIENT_SOCKET "/run/meterd/meterd.sock"
#define CLIENT_HOST_MAX 256
#define CLIENT_PORT_MAX 8

/**
 * struct client_address - where meterd is
 * @socket: path of its unix socket, or NULL for TCP
 * @host: name or address, without the brackets of IPv6
 * @port: port as text
 */
struct client_address {
	const char *socket;
	char host[CLIENT_HOST_MAX];
	char port[CLIENT_PORT_MAX];
};

/**
 * struct client_answer - the answer to a request
 * @fd: connection that the rest of a stream comes from, -1 when all was read
 * @status: HTTP status, such as 200
 * @body: body, or its part that was read so far; NUL-terminated, owned
 * @length: bytes in @body
 */
struct client_answer {
	int fd;
	int status;
	char *body;
	size_t length;
};

/**
 * client_parse_url() - understand "http://HOST[:PORT][/]"; port 80 if not given
 *
 * Return: true, or false when @url is something else.
 */
bool client_parse_url(struct client_address *a, const char *url);

/**
 * client_get() - ask for a path and read the whole answer
 *
 * Return: 0, or -errno: -EPROTO for an answer that is not HTTP or is cut short,
 * -EMSGSIZE for one of more than 4 MB, -ETIMEDOUT after 5 s without a byte,
 * -EADDRNOTAVAIL for a name without address.
 */
int client_get(const struct client_address *a, const char *path, struct client_answer *answer);

/**
 * client_post() - give a command
 * @a: where meterd is
 * @path: as "/api/v1/commands/output"
 * @token: first line of meterd's token_file
 * @body: JSON
 * @answer: what it says
 *
 * Return: as client_get().
 */
int client_post(const struct client_address *a, const char *path, const char *token,
		const char *body, struct client_answer *answer);

/**
 * client_follow() - ask for a path and return when the head of its answer is
 *	there; the body comes from answer->fd, which does not block
 *
 * Return: as client_get().
 */
int client_follow(const struct client_address *a, const char *path, struct client_answer *answer);

/** client_done() - close and free what an answer holds; an answer of zeros is allowed */
void client_done(struct client_answer *answer);

/** client_complain() - print why meterd could not be asked, and what to do */
void client_complain(const struct client_address *a, int error);

#endif
