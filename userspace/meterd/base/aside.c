// SPDX-License-Identifier: GPL-2.0-or-later
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

struct aside {
	int fd; /* of its answer */
	pid_t child;
	sd_event_source *answer;
	aside_done *done;
	void *user;
};

/* A sender of fields must not be gone when the journal asks for it. */
_Noreturn static void be_aside(int fd, const char *name, aside_work *work, void *user)
{
	struct aside_outcome outcome = { 0 };

	prctl(PR_SET_NAME, name);
	log_fields(NULL);
	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	work(user, &outcome);
	_exit(write(STDIN_FILENO, &outcome, sizeof(outcome)) == sizeof(outcome) ? EXIT_SUCCESS
										: EXIT_FAILURE);
}

static void forget(struct aside *a)
{
	sd_event_source_disable_unref(a->answer);
	close(a->fd);
	free(a);
}

/* The process has nothing left to do but to end. */
static int on_answer(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct aside *a = user;
	aside_done *done = a->done;
	void *whose = a->user;
	struct aside_outcome outcome;

	if (read(fd, &outcome, sizeof(outcome)) != sizeof(outcome))
		outcome = (struct aside_outcome){ .error = -EPIPE };
	outcome.text[ASIDE_TEXT_MAX - 1] = '\0';
	waitpid(a->child, NULL, 0);
	forget(a);
	done(whose, &outcome);
	return 0;
}

int aside_start(struct aside **out, sd_event *event, const char *name, aside_work *work,
		aside_done *done, void *user)
{
	struct aside *a = calloc(1, sizeof(*a));
	int pair[2];
	int error;

	if (!a)
		return -ENOMEM;
	if (pipe2(pair, O_CLOEXEC)) {
		error = -errno;
		free(a);
		return error;
	}
	a->fd = pair[0];
	a->done = done;
	a->user = user;
	error = sd_event_add_io(event, &a->answer, a->fd, EPOLLIN, on_answer, a);
	if (error >= 0) {
		a->child = fork();
		if (!a->child)
			be_aside(pair[1], name, work, user);
		error = a->child < 0 ? -errno : 0;
	}
	close(pair[1]);
	if (error < 0) {
		forget(a);
		return error;
	}
	*out = a;
	return 0;
}

/* It may wait for its medium in the kernel, where nothing ends it. */
void aside_close(struct aside *a)
{
	if (!a)
		return;
	kill(a->child, SIGKILL);
	waitpid(a->child, NULL, WNOHANG);
	forget(a);
}
