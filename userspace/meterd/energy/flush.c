// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child reads a byte, flushes and answers with an errno, over a socket pair that
 * keeps messages whole. It ends when the other end is closed, by whatever cause.
 */
#include "flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct flush {
	int fd; /* to the child */
	pid_t child;
	sd_event_source *answer;
	flush_done *done;
	void *user;
};

/* The child: its socket as standard input, the file as standard output, and no more. */
_Noreturn static void serve(int socket, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	const int32_t ready = 0;
	char order;

	prctl(PR_SET_NAME, "meterd-flush");
	if (file < 0 || dup2(socket, STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	/* The parent waits for this: from here on its lock is not held here, too. */
	if (send(STDIN_FILENO, &ready, sizeof(ready), MSG_NOSIGNAL) != sizeof(ready))
		_exit(EXIT_FAILURE);
	while (read(STDIN_FILENO, &order, sizeof(order)) == sizeof(order)) {
		int32_t error = fdatasync(STDOUT_FILENO) ? -errno : 0;

		if (send(STDIN_FILENO, &error, sizeof(error), MSG_NOSIGNAL) != sizeof(error))
			break;
	}
	_exit(EXIT_SUCCESS);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct flush *f = user;
	int32_t error;

	if (recv(fd, &error, sizeof(error), MSG_DONTWAIT) != sizeof(error)) {
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		error = -EPIPE;
	}
	f->done(f->user, error);
	return 0;
}

int flush_open(struct flush **out, sd_event *event, const char *path, flush_done *done, void *user)
{
	struct flush *f = calloc(1, sizeof(*f));
	int32_t ready;
	int pair[2];
	int error;

	if (!f)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		error = -errno;
		free(f);
		return error;
	}
	f->child = fork();
	if (!f->child)
		serve(pair[1], path);
	error = f->child < 0 ? -errno : 0;
	close(pair[1]);
	f->fd = pair[0];
	f->done = done;
	f->user = user;
	if (!error && recv(f->fd, &ready, sizeof(ready), 0) != sizeof(ready))
		error = -EPIPE;
	if (!error)
		error = sd_event_add_io(event, &f->answer, f->fd, EPOLLIN, on_answer, f);
	if (error < 0) {
		flush_close(f);
		return error;
	}
	*out = f;
	return 0;
}

int flush_start(struct flush *f)
{
	const char order = 's';

	return send(f->fd, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

void flush_close(struct flush *f)
{
	if (!f)
		return;
	sd_event_source_unref(f->answer);
	close(f->fd);
	if (f->child > 0)
		waitpid(f->child, NULL, 0);
	free(f);
}
