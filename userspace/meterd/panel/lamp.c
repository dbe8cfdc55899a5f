// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From files and from meterd to light.c, and from there to light-led.c.
 */
#include "lamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "light-led.h"
#include "log.h"

#define TICK_US 1000000ULL
#define TEXT_MAX 64

/**
 * struct lamp - the light
 * @config: section [light]
 * @ask: what meterd knows
 * @user: its argument
 * @tick: once a second
 * @opened_us: when it began, CLOCK_MONOTONIC
 * @in: the state of things
 * @shown: what the LED shows; LIGHT_STATES: nothing yet
 * @failures: in a row; the first may be that udev has not given us a file yet
 */
struct lamp {
	const struct light_config *config;
	lamp_ask *ask;
	void *user;
	sd_event_source *tick;
	uint64_t opened_us;
	struct light_inputs in;
	enum light_state shown;
	unsigned int failures;
};

/* A file's first line, empty when there is none. */
static void read_text(int dir, const char *path, char *text)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT_MAX - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static bool interface_is_up(const char *folder)
{
	DIR *interfaces = opendir(folder);
	struct dirent *entry;
	bool up = false;

	if (!interfaces)
		return false;
	while (!up && (entry = readdir(interfaces))) {
		char path[sizeof(entry->d_name) + sizeof("/operstate")], text[TEXT_MAX];

		/* "lo" says "unknown" */
		snprintf(path, sizeof(path), "%s/operstate", entry->d_name);
		read_text(dirfd(interfaces), path, text);
		up = !strcmp(text, "up");
	}
	closedir(interfaces);
	return up;
}

void lamp_network(const struct light_config *config, struct light_inputs *in)
{
	char text[TEXT_MAX], *save = NULL;

	in->network = interface_is_up(config->interfaces);
	in->hotspot = false;
	in->setup = false;
	in->mobile = LIGHT_MOBILE_NONE;
	read_text(AT_FDCWD, config->network_file, text);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		in->hotspot |= !strcmp(word, "hotspot");
		in->setup |= !strcmp(word, "setup");
		if (!strcmp(word, "searching"))
			in->mobile = LIGHT_MODEM_SEARCHING;
		else if (!strcmp(word, "good"))
			in->mobile = LIGHT_MODEM_GOOD;
		else if (!strcmp(word, "middling"))
			in->mobile = LIGHT_MODEM_MIDDLING;
		else if (!strcmp(word, "poor"))
			in->mobile = LIGHT_MODEM_POOR;
	}
}

static void show(struct lamp *l)
{
	enum light_state state = light_state(&l->in);
	int error;

	if (state == l->shown)
		return;
	error = light_led_show(l->config->device, light_look(state));
	l->failures = error ? l->failures + 1 : 0;
	if (l->failures == 2)
		log_warning("[light] device = %s: cannot show \"%s\": %s; will try again each "
			    "second",
			    l->config->device, light_look(state)->name, strerror(-error));
	if (error)
		return;
	l->shown = state;
	log_info("light: %s", light_look(state)->name);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct lamp *l = user;

	lamp_network(l->config, &l->in);
	l->ask(l->user, &l->in);
	l->in.had_network |= l->in.network;
	l->in.had_upstream |= l->in.upstream && l->in.network && l->in.measuring;
	l->in.waited = usec - l->opened_us >= LIGHT_WAIT_S * 1000000ULL;
	show(l);
	sd_event_source_set_time(source, usec + TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int lamp_open(struct lamp **out, sd_event *event, const struct light_config *config, lamp_ask *ask,
	      void *user)
{
	struct lamp *l;
	int error;

	*out = NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct lamp){ .config = config, .ask = ask, .user = user, .shown = LIGHT_STATES };
	sd_event_now(event, CLOCK_MONOTONIC, &l->opened_us);
	error = sd_event_add_time_relative(event, &l->tick, CLOCK_MONOTONIC, 0, TICK_US / 10,
					   on_tick, l);
	if (error < 0) {
		lamp_close(l);
		return error;
	}
	*out = l;
	return 0;
}

void lamp_reset(struct lamp *l, enum light_reset reset)
{
	if (!l)
		return;
	l->in.reset = reset;
	show(l);
}

void lamp_close(struct lamp *l)
{
	if (!l)
		return;
	sd_event_source_unref(l->tick);
	free(l);
}
