/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen - sockets to listen on, bound but not listening yet.
 */
#ifndef METERD_LISTEN_H
#define METERD_LISTEN_H

#include <stdbool.h>

/**
 * struct listen_result - a bound socket
 * @fd: it, non-blocking and close-on-exec; the caller's
 * @port: TCP port, the chosen one when 0 was asked for; 0 for a unix socket
 * @loopback: only this machine can reach it by TCP
 */
struct listen_result {
	int fd;
	unsigned int port;
	bool loopback;
};

/* What listen_tcp() takes, for messages. */
#define LISTEN_FORM                                                                                \
	"ADDRESS:PORT with a numeric address, such as 127.0.0.1:8080, [::1]:8080, or "             \
	"0.0.0.0:8080 for all networks"

/** listen_is_address() - does listen_tcp() understand this? */
bool listen_is_address(const char *text);

/**
 * listen_tcp() - bind to "ADDRESS:PORT" or "[ADDRESS]:PORT", numeric or "localhost"
 * @section: of the configuration, for messages
 * @text: its key "listen"
 * @result: the socket
 *
 * Return: 0, or -errno after printing the error.
 */
int listen_tcp(const char *section, const char *text, struct listen_result *result);

/**
 * listen_unix() - bind to a path, mode 0660; a socket that nobody listens on any
 *	more is replaced, anything else at that path is left alone
 *
 * Return: 0, or -errno after printing the error.
 */
int listen_unix(const char *path, struct listen_result *result);

#endif
