// SPDX-License-Identifier: GPL-2.0-or-later
#include "io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock-state.h"
#include "log.h"

/* a process that owes an answer for so long is replaced */
#define DEAD_US 10000000ULL
#define SWITCH_MS 500

struct io {
	sd_event *event;
	const struct io_plan *plan;
	const char *dir;
	uint64_t period_us;
	const struct io_ops *ops;
	void *user;
	int fd; /* to the process, -1 */
	pid_t child;
	sd_event_source *in;
	sd_event_source *tick;
	unsigned int next; /* module that is looked at */
	bool looking;	   /* and whether it is */
	uint64_t asked_us; /* since when */
	bool beating;	   /* a heartbeat is on its way */
	uint32_t number;   /* of the last question */
	uint32_t wanted;   /* number of the switch that is waited for, 0: none */
	int switched;	   /* its answer */
	bool told;	   /* that there is no process */
};

/*
 * Has the process ended that was killed? It may wait for a module in the kernel, where nothing
 * ends it, and meterd does not wait with it.
 */
static bool is_over(struct io *io)
{
	if (io->child > 0 && !waitpid(io->child, NULL, WNOHANG))
		return false;
	io->child = 0;
	return true;
}

/* Nothing is known of any module. */
static void tell_lost(struct io *io)
{
	struct io_module m = { .error = -EPIPE };
	unsigned int k;

	memset(m.closed, IO_UNKNOWN, sizeof(m.closed));
	memset(m.on, IO_UNKNOWN, sizeof(m.on));
	for (k = 0; k < io->plan->modules; k++)
		io->ops->looked(io->user, k, &m);
	io->ops->round(io->user);
}

static void lose(struct io *io)
{
	io->in = sd_event_source_disable_unref(io->in);
	if (io->fd >= 0)
		close(io->fd);
	io->fd = -1;
	if (io->child > 0)
		kill(io->child, SIGKILL);
	io->looking = false;
	io->beating = false;
	io->wanted = 0;
	io->switched = -EPIPE;
	if (!io->told)
		log_warning("inputs and outputs: their process has ended or hung; another one is "
			    "started");
	io->told = true;
}

/* Return: the number of the question, 0: it could not be sent. */
static uint32_t ask(struct io *io, enum io_order order, uint32_t what, bool on)
{
	struct io_message m = { .order = order, .what = what, .on = on };

	if (io->fd < 0)
		return 0;
	if (!++io->number)
		io->number = 1;
	m.number = io->number;
	return send(io->fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(m)
		       ? m.number
		       : 0;
}

static void look_on(struct io *io)
{
	io->looking = io->next < io->plan->modules && ask(io, IO_LOOK, io->next, false);
	io->asked_us = clock_us(CLOCK_MONOTONIC);
}

static void on_looked(struct io *io, const struct io_message *m)
{
	io->looking = false;
	io->told = false;
	if (m->what >= io->plan->modules)
		return;
	io->ops->looked(io->user, m->what, &m->module);
	io->next = m->what + 1;
	if (io->next < io->plan->modules)
		look_on(io);
	else
		io->ops->round(io->user);
}

/* Return: whether the process is there. */
static bool receive(struct io *io)
{
	struct io_message m;

	if (recv(io->fd, &m, sizeof(m), MSG_DONTWAIT) != (ssize_t)sizeof(m))
		return false;
	m.module.cause[IO_CAUSE_MAX - 1] = '\0';
	if (m.order == IO_LOOK) {
		on_looked(io, &m);
	} else if (m.order == IO_BEAT) {
		io->beating = false;
		io->ops->beaten(io->user, m.error);
	} else if (m.order == IO_EDGE && m.what < io->plan->contacts) {
		io->ops->edge(io->user, m.what, m.on, m.time_ns);
	} else if (m.order == IO_SWITCH && m.number == io->wanted) {
		io->wanted = 0;
		io->switched = m.error;
	}
	return true;
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct io *io = user;

	if (receive(io))
		return 0;
	lose(io);
	tell_lost(io);
	return 0;
}

static int start(struct io *io)
{
	int pair[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	io->child = fork();
	if (!io->child)
		io_work(pair[1], io->plan, io->dir);
	error = io->child < 0 ? -errno : 0;
	close(pair[1]);
	io->fd = pair[0];
	if (!error)
		error = sd_event_add_io(io->event, &io->in, io->fd, EPOLLIN, on_message, io);
	if (error < 0)
		lose(io);
	return error < 0 ? error : 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct io *io = user;

	if (io->fd < 0 && is_over(io))
		start(io);
	if (io->fd >= 0 && !io->looking) {
		io->next = 0;
		look_on(io);
	} else if (io->fd >= 0 && clock_us(CLOCK_MONOTONIC) - io->asked_us > DEAD_US) {
		lose(io);
		tell_lost(io);
	}
	sd_event_source_set_time_relative(source, io->period_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void io_beat(struct io *io, uint32_t modules)
{
	if (modules && !io->beating)
		io->beating = ask(io, IO_BEAT, modules, false) != 0;
}

int io_switch(struct io *io, unsigned int relay, bool on)
{
	uint64_t end = clock_us(CLOCK_MONOTONIC) + SWITCH_MS * 1000ULL;

	io->wanted = ask(io, IO_SWITCH, relay, on);
	if (!io->wanted)
		return -EPIPE;
	while (io->wanted && io->fd >= 0 && clock_us(CLOCK_MONOTONIC) < end) {
		struct pollfd p = { .fd = io->fd, .events = POLLIN };

		if (poll(&p, 1, SWITCH_MS / 5) > 0 && !receive(io))
			lose(io);
	}
	if (!io->wanted)
		return io->switched;
	io->wanted = 0;
	return -ETIMEDOUT;
}

int io_open(struct io **out, sd_event *event, const struct io_plan *plan, const char *dir,
	    unsigned int period_ms, const struct io_ops *ops, void *user)
{
	struct io *io = calloc(1, sizeof(*io));
	int error;

	*out = NULL;
	if (!io)
		return -ENOMEM;
	*io = (struct io){ .event = sd_event_ref(event),
			   .plan = plan,
			   .dir = dir,
			   .period_us = period_ms * 1000ULL,
			   .ops = ops,
			   .user = user,
			   .fd = -1 };
	error = start(io);
	if (!error)
		error = sd_event_add_time_relative(event, &io->tick, CLOCK_MONOTONIC, 0,
						   io->period_us / 20, on_tick, io);
	if (error < 0) {
		io_close(io);
		return error;
	}
	*out = io;
	return 0;
}

void io_close(struct io *io)
{
	if (!io)
		return;
	sd_event_source_disable_unref(io->tick);
	sd_event_source_disable_unref(io->in);
	if (io->fd >= 0)
		close(io->fd);
	/* it may wait for a module */
	if (io->child > 0) {
		kill(io->child, SIGKILL);
		waitpid(io->child, NULL, 0);
	}
	sd_event_unref(io->event);
	free(io);
}
