// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the input device, tells what a press means so far, and runs the program.
 */
#include "reset-button.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define LOOK_US 2000000ULL
#define EVENTS 16

/**
 * struct reset_button - the button
 * @event: the loop
 * @config: section [button]
 * @held: told what it would mean
 * @user: its argument
 * @button: the press
 * @told: what was told last
 * @fd: input device, -1: not there
 * @io: its events
 * @change: when the meaning of a press changes
 * @look: looks for the device, and whether the program has ended
 * @program: that runs, or 0
 * @missed: that the device is missing has been said
 */
struct reset_button {
	sd_event *event;
	const struct button_config *config;
	reset_button_held *held;
	void *user;
	struct button button;
	enum button_meaning told;
	int fd;
	sd_event_source *io;
	sd_event_source *change;
	sd_event_source *look;
	pid_t program;
	bool missed;
};

/* Without the signals that the loop has blocked: the program may want to be ended. */
static int spawn(pid_t *child, char **argv)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	error = posix_spawnattr_init(&attributes);
	if (error)
		return error;
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(child, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static void run_program(struct reset_button *r, enum button_meaning meaning)
{
	static const char *const names[] = {
		[BUTTON_NETWORK] = "network",
		[BUTTON_FACTORY] = "factory",
		[BUTTON_ENERGY] = "factory-energy",
	};
	char *argv[] = { r->config->program, (char *)names[meaning], NULL };
	int error;

	if (!r->config->program) {
		log_warning("button: reset \"%s\" is asked for, but [button] has no program",
			    names[meaning]);
		return;
	}
	if (r->program) {
		log_warning("button: reset \"%s\": %s of the last press still runs; press again "
			    "when it has ended",
			    names[meaning], r->config->program);
		return;
	}
	error = spawn(&r->program, argv);
	if (error) {
		r->program = 0;
		log_error("button: [button] program = %s: %s; nothing was reset", argv[0],
			  strerror(error));
		return;
	}
	log_notice("button: reset \"%s\" by %s", names[meaning], argv[0]);
}

static void program_ended(struct reset_button *r)
{
	int status;

	if (!r->program || waitpid(r->program, &status, WNOHANG) != r->program)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		log_error("button: %s ended with status %d", r->config->program,
			  WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	r->program = 0;
}

/* Say what the press means so far, and wake up when that changes. */
static void follow(struct reset_button *r, int64_t now_us)
{
	enum button_meaning meaning = button_held(&r->button, now_us);
	int64_t next_us = button_next_us(&r->button, now_us);

	if (meaning != r->told)
		r->held(r->user, meaning);
	r->told = meaning;
	if (next_us == INT64_MAX) {
		sd_event_source_set_enabled(r->change, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(r->change, (uint64_t)next_us);
	sd_event_source_set_enabled(r->change, SD_EVENT_ONESHOT);
}

static int on_change(sd_event_source *source, uint64_t usec, void *user)
{
	follow(user, (int64_t)usec);
	return 0;
}

static void lose(struct reset_button *r)
{
	r->io = sd_event_source_unref(r->io);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->button.pressed = false;
	follow(r, 0);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct reset_button *r = user;
	struct input_event event[EVENTS];
	ssize_t n = read(fd, event, sizeof(event));
	enum button_meaning meant;
	int64_t at_us = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || n % (ssize_t)sizeof(event[0])) {
		lose(r);
		return 0;
	}
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(event[0]); i++) {
		meant = button_event(&r->button, &event[i]);
		at_us = button_event_us(&event[i]);
		follow(r, at_us);
		if (meant != BUTTON_NOTHING)
			run_program(r, meant);
	}
	return 0;
}

static void find(struct reset_button *r)
{
	int clock = CLOCK_MONOTONIC;

	r->fd = open(r->config->device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->fd < 0) {
		if (!r->missed)
			log_warning("[button] device = %s: %s; will look for it again",
				    r->config->device, strerror(errno));
		r->missed = true;
		return;
	}
	/* A step of the wall clock must not make a press long. */
	ioctl(r->fd, EVIOCSCLOCKID, &clock);
	r->missed = false;
	if (sd_event_add_io(r->event, &r->io, r->fd, EPOLLIN, on_input, r) < 0)
		lose(r);
}

static int on_look(sd_event_source *source, uint64_t usec, void *user)
{
	struct reset_button *r = user;

	program_ended(r);
	if (r->fd < 0)
		find(r);
	sd_event_source_set_time(source, usec + LOOK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int reset_button_open(struct reset_button **out, sd_event *event,
		      const struct button_config *config, reset_button_held *held, void *user)
{
	struct reset_button *r;
	int error;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct reset_button){
		.event = sd_event_ref(event),
		.config = config,
		.held = held,
		.user = user,
		.button = { .code = config->code },
		.fd = -1,
	};
	error = sd_event_add_time(event, &r->change, CLOCK_MONOTONIC, 0, 1, on_change, r);
	if (error >= 0)
		error = sd_event_source_set_enabled(r->change, SD_EVENT_OFF);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &r->look, CLOCK_MONOTONIC, 0,
						   LOOK_US / 10, on_look, r);
	if (error < 0) {
		reset_button_close(r);
		return error;
	}
	find(r);
	*out = r;
	return 0;
}

void reset_button_close(struct reset_button *r)
{
	if (!r)
		return;
	sd_event_source_unref(r->io);
	sd_event_source_unref(r->change);
	sd_event_source_unref(r->look);
	if (r->fd >= 0)
		close(r->fd);
	sd_event_unref(r->event);
	free(r);
}
