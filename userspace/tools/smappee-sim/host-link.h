/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-link - the way to the host: a unix socket that is connected to or listened on,
 * or a pseudo terminal. Comes back by itself when the host goes away. Never
 * blocks.
 */
#ifndef SIM_HOST_LINK_H
#define SIM_HOST_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum link_kind {
	LINK_CONNECT,
	LINK_LISTEN,
	LINK_PTY,
};

/**
 * struct link - the way to the host
 * @kind: how
 * @path: of the socket, or of the symbolic link to the terminal
 * @fd: the open line, -1 while there is none
 * @listener: listening socket, -1 if none
 * @slave: own end of the terminal, which keeps it alive, -1 if none
 * @complained: absence was reported once
 */
struct link {
	enum link_kind kind;
	const char *path;
	int fd;
	int listener;
	int slave;
	bool complained;
};

/**
 * link_open() - set up; @kind and @path are set by the caller
 *
 * A host that is not there yet is no error. Return: 0 or a negative error number.
 */
int link_open(struct link *l);

/**
 * link_retry() - try to get the host
 *
 * Return: true when there is a new @fd.
 */
bool link_retry(struct link *l);

/** link_lost() - close @fd, the host is gone */
void link_lost(struct link *l);

/**
 * link_read() - read what is there
 *
 * Return: bytes read, 0 if none now, -EPIPE when the host is gone.
 */
ssize_t link_read(struct link *l, uint8_t *bytes, size_t len);

/** link_write() - as link_read(), the other way */
ssize_t link_write(struct link *l, const uint8_t *bytes, size_t len);

/** link_close() - close all and remove what was made in the file system */
void link_close(struct link *l);

/**
 * link_listener() - a listening unix socket, an old one removed
 * @path: where
 *
 * Return: the descriptor or a negative error number.
 */
int link_listener(const char *path);

#endif
