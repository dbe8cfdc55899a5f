// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child gets a place and what to write there, writes, flushes and answers with an errno,
 * over a socket pair that keeps messages whole. It ends when the other end is closed, by whatever
 * cause.
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

/**
 * struct order - what the child gets
 * @at: place in the file
 * @data: what to write there, to the end of the message
 */
struct order {
	int64_t at;
	unsigned char data[FLUSH_BYTES_MAX];
};

/**
 * struct outcome - what the child answers
 * @error: 0 or -errno
 * @written: the file has taken it
 */
struct outcome {
	int32_t error;
	int32_t written;
};

struct flush {
	int fd; /* to the child */
	pid_t child;
	sd_event_source *answer;
	flush_done *done;
	void *user;
};

static struct outcome write_and_flush(const struct order *order, size_t bytes)
{
	ssize_t done = pwrite(STDOUT_FILENO, order->data, bytes, (off_t)order->at);

	if (done != (ssize_t)bytes)
		return (struct outcome){ done < 0 ? -errno : -ENOSPC, false };
	return (struct outcome){ fdatasync(STDOUT_FILENO) ? -errno : 0, true };
}

/* The child: its socket as standard input, the file as standard output, and no more. */
_Noreturn static void serve(int socket, const char *path)
{
	int file = open(path, O_RDWR | O_CLOEXEC);
	struct order *order = malloc(sizeof(*order));
	const int32_t ready = 0;
	ssize_t n;

	prctl(PR_SET_NAME, "meterd-flush");
	if (!order || file < 0 || dup2(socket, STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	/* The parent waits for this: from here on its lock is not held here, too. */
	if (send(STDIN_FILENO, &ready, sizeof(ready), MSG_NOSIGNAL) != sizeof(ready))
		_exit(EXIT_FAILURE);
	while ((n = read(STDIN_FILENO, order, sizeof(*order))) > (ssize_t)sizeof(order->at)) {
		struct outcome o = write_and_flush(order, (size_t)n - sizeof(order->at));

		if (send(STDIN_FILENO, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
			break;
	}
	_exit(EXIT_SUCCESS);
}

/* Who is told may close it. */
static void take_answer(struct flush *f, int flags)
{
	struct outcome o;

	if (recv(f->fd, &o, sizeof(o), flags) != sizeof(o)) {
		sd_event_source_set_enabled(f->answer, SD_EVENT_OFF);
		o = (struct outcome){ .error = -EPIPE };
	}
	f->done(f->user, o.error, o.written);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *user)
{
	take_answer(user, MSG_DONTWAIT);
	return 0;
}

void flush_wait(struct flush *f)
{
	take_answer(f, 0);
}

int flush_open(struct flush **out, sd_event *event, const char *path, flush_done *done, void *user)
{
	struct flush *f = calloc(1, sizeof(*f));
	const int room = 2 * sizeof(struct order);
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
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
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

int flush_start(struct flush *f, const void *data, size_t bytes, off_t at)
{
	int64_t place = at;
	struct iovec parts[] = { { &place, sizeof(place) }, { (void *)data, bytes } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	return sendmsg(f->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
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
