// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recorded waveforms: what recording.c reads goes into the join as a live source's
 * scans do. Scans of a recording with time stamps keep them, so that holes, and devices
 * that were not there, are found by the join as they were found live.
 */
#include "source.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock-state.h"
#include "log.h"
#include "recording.h"

#define NS_PER_S 1e9
#define NS_PER_US 1000

/**
 * struct source_replay - the source
 * @base: what all have
 * @config: configuration
 * @inputs: channels needed
 * @sink: who takes the scans
 * @idle: reads the next scans
 * @timer: with a speed: when the next ones are due
 * @begun_us: when it was started
 * @recording: the file
 * @column: channel of the recording by channel
 * @rounds: how often it was read to its end
 * @rows: scans given out, holes included
 * @before: @rows at the begin of this round
 * @shift_ns: time of this round after the first one
 * @first_ns: first time stamp
 * @last_ns: last time stamp, as the file has it
 */
struct source_replay {
	struct source base;
	const struct source_config *config;
	const struct inputs *inputs;
	struct source_sink sink;
	sd_event_source *idle;
	sd_event_source *timer;
	uint64_t begun_us;
	struct recording *recording;
	unsigned int column[INPUT_CHANNELS_MAX];
	unsigned int rounds;
	uint64_t rows;
	uint64_t before;
	int64_t shift_ns;
	int64_t first_ns;
	int64_t last_ns;
};

static struct source_replay *replay(struct source *s)
{
	return (struct source_replay *)s;
}

static int map_columns(struct source_replay *r)
{
	int error = 0;
	unsigned int k;

	for (k = 0; k < r->inputs->channels; k++) {
		const struct input_channel *ch = &r->inputs->channel[k];
		const char *label = r->inputs->device[ch->device].label;
		int column = recording_find(r->recording, label, ch->name);

		if (column >= 0 && !r->recording->channel[column].wanted) {
			r->recording->channel[column].wanted = true;
			r->column[k] = (unsigned int)column;
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
	int error = recording_open(&r->recording, r->config->replay);

	if (error)
		return error;
	if (!r->recording->rate_hz)
		r->recording->rate_hz = r->config->sampling_frequency;
	r->base.rate_hz = r->recording->rate_hz;
	return map_columns(r);
}

static int64_t stamp(const struct source_replay *r, unsigned int k)
{
	const struct recording *f = r->recording;

	if (f->stamped)
		return f->time_ns[k] + r->shift_ns;
	return llround((double)(r->before + f->number[k]) * NS_PER_S / f->rate_hz);
}

/* The block read last into the ring of a device, if the device was there. */
static void give(struct source_replay *r, unsigned int device, const struct align_space *space)
{
	const struct input_device *d = &r->inputs->device[device];
	const struct recording *f = r->recording;
	unsigned int k;

	for (k = 0; k < d->channels; k++)
		if (!f->channel[r->column[d->channel[k]]].present)
			return;
	for (k = 0; k < d->channels; k++)
		memcpy(space->channel[k], f->channel[r->column[d->channel[k]]].x,
		       f->scans * sizeof(float));
	for (k = 0; k < f->scans; k++)
		space->time_ns[k] = stamp(r, k);
	align_commit(r->sink.align, device, f->scans);
}

static int next_round(struct source_replay *r)
{
	int error;

	r->rounds++;
	if (r->rounds >= r->config->repeat || !r->rows)
		return 0;
	r->before = r->rows;
	r->shift_ns += r->last_ns - r->first_ns + llround(NS_PER_S / r->base.rate_hz);
	error = recording_rewind(r->recording);
	return error ? error : 1;
}

/* Return: 1 to go on, 0 at the end, -errno. */
static int read_rows(struct source_replay *r)
{
	struct recording *f = r->recording;
	struct align_space space[INPUT_DEVICES_MAX];
	unsigned int room = RECORDING_BLOCK;
	unsigned int d;
	int more;

	for (d = 0; d < r->inputs->devices; d++)
		if (align_space(r->sink.align, d, &space[d]) < room)
			room = space[d].scans;
	more = recording_read(f, room);
	if (more <= 0 || !room)
		return more ? more : next_round(r);
	if (!r->rows)
		r->first_ns = f->time_ns[0];
	r->last_ns = f->time_ns[f->scans - 1];
	r->rows = r->before + f->number[f->scans - 1] + 1;
	for (d = 0; d < r->inputs->devices; d++)
		give(r, d, &space[d]);
	r->sink.process(r->sink.user);
	return more;
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
		r->sink.scale[k] = r->recording->channel[r->column[k]].scale;
	for (k = 0; r->sink.sensor && k < r->inputs->channels; k++)
		r->sink.sensor[k] = r->recording->channel[r->column[k]].sensor;
	for (k = 0; r->sink.rail && k < r->inputs->channels; k++)
		r->sink.rail[k] = r->recording->channel[r->column[k]].rail;
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

/*
 * The same file gives the same output: without time stamps, time begins with 1970. By the
 * clock of the system, it is as if the samples were taken now.
 */
static int64_t replay_utc_ns(struct source *s, int64_t sample_ns)
{
	struct source_replay *r = replay(s);

	if (strcmp(r->config->clock, "system") != 0)
		return sample_ns + r->recording->utc_ns;
	return sample_ns - r->first_ns +
	       (int64_t)(r->begun_us + clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC)) *
		       NS_PER_US;
}

static void replay_close(struct source *s)
{
	struct source_replay *r = replay(s);

	sd_event_source_unref(r->idle);
	sd_event_source_unref(r->timer);
	recording_close(r->recording);
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
	struct source_replay *r;
	int error;

	r = calloc(1, sizeof(*r));
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
