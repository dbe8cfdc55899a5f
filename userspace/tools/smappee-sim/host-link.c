// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets and pseudo terminals.
 */
#include "host-link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static int unix_socket(const char *path, struct sockaddr_un *addr)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

static void remove_socket(const char *path)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
}

int link_listener(const char *path)
{
	struct sockaddr_un addr;
	int fd = unix_socket(path, &addr), ret;

	if (fd < 0)
		return fd;
	remove_socket(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int open_pty(struct link *l)
{
	struct termios raw;
	const char *name;
	struct stat st;

	l->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (l->fd < 0 || grantpt(l->fd) || unlockpt(l->fd))
		return -errno;
	name = ptsname(l->fd);
	if (!name)
		return -errno;
	l->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (l->slave < 0 || tcgetattr(l->slave, &raw))
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(l->slave, TCSANOW, &raw))
		return -errno;
	if (!lstat(l->path, &st) && S_ISLNK(st.st_mode))
		unlink(l->path);
	return symlink(name, l->path) ? -errno : 0;
}

int link_open(struct link *l)
{
	l->fd = -1;
	l->slave = -1;
	l->listener = -1;
	if (l->kind == LINK_PTY)
		return open_pty(l);
	if (l->kind == LINK_LISTEN) {
		l->listener = link_listener(l->path);
		return l->listener < 0 ? l->listener : 0;
	}
	return 0;
}

bool link_retry(struct link *l)
{
	struct sockaddr_un addr;

	if (l->kind == LINK_PTY)
		return false;
	if (l->kind == LINK_LISTEN) {
		int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return false;
		/* The newest host counts: the one before is most likely dead. */
		link_lost(l);
		l->fd = fd;
		return true;
	}
	l->fd = unix_socket(l->path, &addr);
	if (l->fd < 0)
		return false;
	if (!connect(l->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return true;
	link_lost(l);
	return false;
}

void link_lost(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static ssize_t outcome(const struct link *l, ssize_t n, bool reading)
{
	if (n > 0)
		return n;
	if (n == 0 && !reading)
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* A terminal whose other end is closed may be opened again. */
	return l->kind == LINK_PTY ? 0 : -EPIPE;
}

ssize_t link_read(struct link *l, uint8_t *bytes, size_t len)
{
	return outcome(l, read(l->fd, bytes, len), true);
}

ssize_t link_write(struct link *l, const uint8_t *bytes, size_t len)
{
	if (l->kind == LINK_PTY)
		return outcome(l, write(l->fd, bytes, len), false);
	return outcome(l, send(l->fd, bytes, len, MSG_NOSIGNAL), false);
}

void link_close(struct link *l)
{
	link_lost(l);
	if (l->listener >= 0)
		close(l->listener);
	if (l->slave >= 0)
		close(l->slave);
	if (l->kind == LINK_LISTEN)
		remove_socket(l->path);
	if (l->kind == LINK_PTY)
		unlink(l->path);
	l->listener = -1;
	l->slave = -1;
}
