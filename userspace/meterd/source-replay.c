// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recorded waveforms. All values are converted to V and A here, offset included,
 * so the scale given to the chain is 1.
 */
#include "source.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define COLUMNS_MAX 64
/* rows per turn of the event loop */
#define ROWS 512
#define NS_PER_S 1e9

/**
 * struct column - a column of the file
 * @name: from the line that names the columns
 * @scale: engineering units per count
 * @offset: engineering units
 * @channel: channel that it feeds, -1: none
 */
struct column {
	char *name;
	double scale;
	double offset;
	int channel;
};

struct source_replay {
	struct source base;
	const struct source_config *config;
	const struct inputs *inputs;
	struct source_sink sink;
	sd_event_source *idle;
	sd_event_source *timer; /* with a speed: the next rows are due */
	uint64_t begun_us;
	FILE *file;
	char *line;
	size_t line_size;
	unsigned int line_number;
	long data; /* offset of the first row */
	unsigned int data_line;
	unsigned int rounds;
	uint64_t rows; /* in all rounds */
	unsigned int columns;
	struct column column[COLUMNS_MAX];
	struct column described[COLUMNS_MAX]; /* from the head */
	unsigned int descriptions;
};

static struct source_replay *replay(struct source *s)
{
	return (struct source_replay *)s;
}

static bool next_line(struct source_replay *r)
{
	ssize_t n = getline(&r->line, &r->line_size, r->file);

	if (n < 0)
		return false;
	while (n > 0 && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r'))
		r->line[--n] = '\0';
	r->line_number++;
	return true;
}

/* A line of the head; those that are not understood are for people. */
static int read_head(struct source_replay *r)
{
	struct column *d = &r->described[r->descriptions];
	char name[64];
	double rate;

	if (sscanf(r->line, "# sample rate: %lf Hz", &rate) == 1 && rate > 0.0) {
		r->base.rate_hz = rate;
		return 0;
	}
	if (r->descriptions == COLUMNS_MAX)
		return 0;
	if (sscanf(r->line, "# channel %63[^:]: unit %*s scale %lf offset %lf", name, &d->scale,
		   &d->offset) != 3)
		return 0;
	d->name = strdup(name);
	if (!d->name)
		return -ENOMEM;
	r->descriptions++;
	return 0;
}

static int read_columns(struct source_replay *r)
{
	char *state = NULL;
	char *name;
	unsigned int k;

	for (name = strtok_r(r->line, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
		struct column *c = &r->column[r->columns];

		if (r->columns == COLUMNS_MAX) {
			log_error("%s:%u: more than %d columns; remove those that are not used",
				  r->config->replay, r->line_number, COLUMNS_MAX);
			return -E2BIG;
		}
		c->name = strdup(name);
		if (!c->name)
			return -ENOMEM;
		c->scale = 1.0;
		c->offset = 0.0;
		c->channel = -1;
		for (k = 0; k < r->descriptions; k++) {
			if (strcmp(r->described[k].name, name))
				continue;
			c->scale = r->described[k].scale;
			c->offset = r->described[k].offset;
		}
		r->columns++;
	}
	return 0;
}

static int find_column(const struct source_replay *r, const char *label, const char *name)
{
	char full[128];
	unsigned int k;

	snprintf(full, sizeof(full), "%s/%s", label ? label : "", name);
	for (k = 0; k < r->columns; k++)
		if (!strcmp(r->column[k].name, full) || !strcmp(r->column[k].name, name))
			return (int)k;
	return -1;
}

static int map_columns(struct source_replay *r)
{
	int error = 0;
	unsigned int k;

	for (k = 0; k < r->inputs->channels; k++) {
		const struct input_channel *ch = &r->inputs->channel[k];
		const char *label = r->inputs->device[ch->device].label;
		int column = find_column(r, label, ch->name);

		if (column >= 0 && r->column[column].channel < 0) {
			r->column[column].channel = (int)k;
			continue;
		}
		log_error("%s: %s \"%s%s%s\": %s; correct [topology] voltages or the inputs of the "
			  "load",
			  r->config->replay, k < r->inputs->voltages ? "voltage" : "input",
			  label ? label : "", label ? "/" : "", ch->name,
			  column < 0 ? "no such column" : "its column is used twice");
		error = -EINVAL;
	}
	return error;
}

static int open_file(struct source_replay *r)
{
	int error = 0;

	r->file = fopen(r->config->replay, "re");
	if (!r->file) {
		error = -errno;
		log_error("%s: %s; give a file of recorded waveforms, [source] replay",
			  r->config->replay, strerror(errno));
		return error;
	}
	do {
		if (!next_line(r)) {
			log_error("%s: no line names the columns; give a file of recorded "
				  "waveforms, [source] replay",
				  r->config->replay);
			return -EINVAL;
		}
		if (r->line[0] == '#')
			error = read_head(r);
	} while (!error && r->line[0] == '#');
	if (error)
		return error;
	if (!r->base.rate_hz)
		r->base.rate_hz = r->config->sampling_frequency;
	error = read_columns(r);
	if (error)
		return error;
	r->data = ftell(r->file);
	r->data_line = r->line_number;
	return map_columns(r);
}

/* One row into the space of every device. Return: 1, 0 at the end, -errno. */
static int read_row(struct source_replay *r, struct align_space *space, unsigned int at)
{
	char *next;
	unsigned int k;

	do {
		if (!next_line(r))
			return 0;
	} while (!r->line[0] || r->line[0] == '#');
	next = r->line;
	for (k = 0; k < r->columns; k++) {
		const struct column *c = &r->column[k];
		char *end;
		double value = strtod(next, &end);

		if (end == next || (*end != ',' && *end != '\0') || !isfinite(value)) {
			log_error("%s:%u: column \"%s\": \"%.20s\" is not a number",
				  r->config->replay, r->line_number, c->name, next);
			return -EINVAL;
		}
		if (c->channel >= 0) {
			const struct input_channel *ch = &r->inputs->channel[c->channel];

			space[ch->device].channel[ch->within][at] =
				(float)(c->scale * value + c->offset);
		}
		next = *end ? end + 1 : end;
	}
	for (k = 0; k < r->inputs->devices; k++)
		space[k].time_ns[at] = llround((double)r->rows * NS_PER_S / r->base.rate_hz);
	r->rows++;
	return 1;
}

static int next_round(struct source_replay *r)
{
	r->rounds++;
	if (r->rounds >= r->config->repeat)
		return 0;
	if (fseek(r->file, r->data, SEEK_SET))
		return -errno;
	r->line_number = r->data_line;
	return 1;
}

/* Return: 1 to go on, 0 at the end, -errno. */
static int read_rows(struct source_replay *r)
{
	struct align_space space[INPUT_DEVICES_MAX];
	unsigned int room = ROWS;
	unsigned int n;
	unsigned int d;
	int more = 1;

	for (d = 0; d < r->inputs->devices; d++)
		if (align_space(r->sink.align, d, &space[d]) < room)
			room = space[d].scans;
	for (n = 0; n < room; n++) {
		more = read_row(r, space, n);
		if (more != 1)
			break;
	}
	for (d = 0; d < r->inputs->devices; d++)
		align_commit(r->sink.align, d, n);
	r->sink.process(r->sink.user);
	return more ? more : next_round(r);
}

/* With a speed, rows are read when their time has come. */
static int wait_until_due(struct source_replay *r)
{
	double us = (double)r->rows / r->base.rate_hz / r->config->speed * 1e6;
	uint64_t now = 0;
	uint64_t due = r->begun_us + (uint64_t)us;

	sd_event_now(sd_event_source_get_event(r->idle), CLOCK_MONOTONIC, &now);
	if (r->config->speed <= 0 || due <= now)
		return 0;
	sd_event_source_set_enabled(r->idle, SD_EVENT_OFF);
	sd_event_source_set_time(r->timer, due);
	return sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static int on_due(sd_event_source *source, uint64_t usec, void *user)
{
	struct source_replay *r = user;

	return sd_event_source_set_enabled(r->idle, SD_EVENT_ON);
}

static int replay_step(sd_event_source *source, void *user)
{
	struct source_replay *r = user;
	int more = read_rows(r);

	r->sink.alive(r->sink.user);
	if (more > 0)
		return wait_until_due(r);
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (more < 0)
		return sd_event_exit(sd_event_source_get_event(source), more);
	r->sink.end(r->sink.user);
	return 0;
}

static int replay_start(struct source *s, sd_event *event, const struct source_sink *sink)
{
	struct source_replay *r = replay(s);
	unsigned int k;
	int error;

	r->sink = *sink;
	for (k = 0; k < r->inputs->channels; k++)
		r->sink.scale[k] = 1.0;
	error = sd_event_add_defer(event, &r->idle, replay_step, r);
	if (error >= 0)
		error = sd_event_add_time(event, &r->timer, CLOCK_MONOTONIC, 0, 0, on_due, r);
	if (error >= 0)
		error = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	if (error < 0)
		return error;
	sd_event_now(event, CLOCK_MONOTONIC, &r->begun_us);
	sd_event_source_set_priority(r->idle, SD_EVENT_PRIORITY_IDLE);
	return sd_event_source_set_enabled(r->idle, SD_EVENT_ON);
}

static void replay_counters(struct source *s, struct source_counters *counters)
{
	*counters = (struct source_counters){ 0 };
}

/* The same file gives the same output: time begins with 1970. */
static int64_t replay_utc_ns(struct source *s, int64_t sample_ns)
{
	return sample_ns;
}

static void replay_close(struct source *s)
{
	struct source_replay *r = replay(s);
	unsigned int k;

	sd_event_source_unref(r->idle);
	sd_event_source_unref(r->timer);
	for (k = 0; k < r->columns; k++)
		free(r->column[k].name);
	for (k = 0; k < r->descriptions; k++)
		free(r->described[k].name);
	if (r->file)
		fclose(r->file);
	free(r->line);
	free(r);
}

static const struct source_ops replay_ops = {
	.start = replay_start,
	.counters = replay_counters,
	.utc_ns = replay_utc_ns,
	.close = replay_close,
};

int source_replay_open(struct source **out, const struct source_config *config,
		       const struct inputs *inputs)
{
	struct source_replay *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->base.ops = &replay_ops;
	r->config = config;
	r->inputs = inputs;
	error = open_file(r);
	if (error) {
		replay_close(&r->base);
		return error;
	}
	*out = &r->base;
	return 0;
}
