// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring keeps room for the last frame, so there is always a place for the reason.
 */
#include "tap.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compact.h"
#include "sensor.h"

#define END_BYTES (COMPACT_FRAME_BYTES + 1 + COMPACT_REASON_MAX)

struct tap {
	struct tap_config config;
	double scale[INPUT_CHANNELS_MAX]; /* when it began */
	uint64_t left;			  /* scans to come */
	bool ended;			  /* the last frame is in the ring */
	unsigned char *ring;
	size_t size;
	uint64_t head; /* bytes read since it was empty */
	uint64_t tail; /* bytes written since then */
	unsigned char frame[COMPACT_FRAME_MAX];
};

static struct json_object *finite_json(double value)
{
	return isfinite(value) ? json_object_new_double(value) : NULL;
}

static struct json_object *head_json(const struct tap_config *c)
{
	struct json_object *head = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char name[128];
	unsigned int k;

	json_object_object_add(head, "version", json_object_new_int(COMPACT_VERSION));
	json_object_object_add(head, "rate_hz", json_object_new_double(c->rate_hz));
	if (c->gateway)
		json_object_object_add(head, "gateway", json_object_new_string(c->gateway));
	for (k = 0; k < c->inputs->channels; k++) {
		const struct input_channel *ch = &c->inputs->channel[k];
		const char *label = c->inputs->device[ch->device].label;
		struct json_object *o = json_object_new_object();

		snprintf(name, sizeof(name), "%s%s%s", label ? label : "", label ? "/" : "",
			 ch->name);
		json_object_object_add(o, "name", json_object_new_string(name));
		json_object_object_add(o, "unit",
				       json_object_new_string(k < c->inputs->voltages ? "V" : "A"));
		json_object_object_add(o, "scale", finite_json(c->scale[k]));
		if (c->sensor && c->sensor[k] != SENSOR_UNKNOWN)
			json_object_object_add(o, "sensor", json_object_new_int(c->sensor[k]));
		if (c->rail)
			json_object_object_add(o, "rail", finite_json(c->rail[k]));
		json_object_array_add(list, o);
	}
	json_object_object_add(head, "channels", list);
	return head;
}

static size_t room(const struct tap *t)
{
	return t->size - (size_t)(t->tail - t->head);
}

static void put(struct tap *t, const void *from, size_t bytes)
{
	size_t at = (size_t)(t->tail % t->size);
	size_t n = bytes < t->size - at ? bytes : t->size - at;

	memcpy(t->ring + at, from, n);
	memcpy(t->ring, (const unsigned char *)from + n, bytes - n);
	t->tail += bytes;
}

static int put_head(struct tap *t)
{
	struct json_object *json = head_json(&t->config);
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
	size_t bytes = text ? strlen(text) : COMPACT_JSON_MAX + 1;
	int error = bytes > COMPACT_JSON_MAX ? -ENOMEM : 0;

	if (!error) {
		compact_head(t->frame, text, bytes);
		put(t, t->frame, COMPACT_HEAD_BYTES);
		put(t, text, bytes);
	}
	json_object_put(json);
	return error;
}

int tap_create(struct tap **out, const struct tap_config *config)
{
	struct tap *t;

	if (!(config->seconds > 0.0 && config->seconds <= TAP_SECONDS_MAX))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->config = *config;
	t->size = COMPACT_JSON_MAX + END_BYTES + (config->bytes ? config->bytes : TAP_BYTES);
	t->left = (uint64_t)ceil(config->seconds * config->rate_hz);
	memcpy(t->scale, config->scale, config->inputs->channels * sizeof(*t->scale));
	t->ring = malloc(t->size);
	if (!t->ring || put_head(t)) {
		tap_destroy(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void tap_destroy(struct tap *t)
{
	if (!t)
		return;
	free(t->ring);
	free(t);
}

void tap_stop(struct tap *t, const char *reason)
{
	if (t->ended)
		return;
	put(t, t->frame, compact_put_end(t->frame, reason));
	t->ended = true;
}

/* Up to COMPACT_SCANS_MAX scans of a run. */
static void put_scans(struct tap *t, const struct align_run *run, unsigned int from, unsigned int n,
		      int64_t utc_ns)
{
	struct compact_scans s = { .scans = n,
				   .channels = t->config.inputs->channels,
				   .utc_ns = utc_ns,
				   .time_ns = run->time_ns + from };
	size_t bytes;
	unsigned int k;

	for (k = 0; k < s.channels; k++)
		s.x[k] = run->channel[k] ? run->channel[k] + from : NULL;
	bytes = compact_put(t->frame, &s);
	if (bytes + END_BYTES > room(t)) {
		tap_stop(t, "the client read too slowly");
		return;
	}
	put(t, t->frame, bytes);
	t->left -= n;
	if (!t->left)
		tap_stop(t, "");
}

void tap_scans(struct tap *t, const struct align_run *run, int64_t utc_ns)
{
	unsigned int channels = t->config.inputs->channels;
	unsigned int done;
	unsigned int n;

	/* bit by bit, since what is not known is NAN */
	if (!t->ended && memcmp(t->scale, t->config.scale, channels * sizeof(*t->scale)))
		tap_stop(t, "the scale of a channel has changed");
	for (done = 0; done < run->scans && !t->ended; done += n) {
		n = run->scans - done;
		if (n > COMPACT_SCANS_MAX)
			n = COMPACT_SCANS_MAX;
		if (n > t->left)
			n = (unsigned int)t->left;
		put_scans(t, run, done, n, utc_ns);
	}
}

size_t tap_read(struct tap *t, void *to, size_t most)
{
	size_t at = (size_t)(t->head % t->size);
	size_t n = (size_t)(t->tail - t->head);

	if (n > most)
		n = most;
	if (n > t->size - at)
		n = t->size - at;
	memcpy(to, t->ring + at, n);
	t->head += n;
	/* only as much of the memory is touched as a client was ever behind */
	if (t->head == t->tail) {
		t->head = 0;
		t->tail = 0;
	}
	return n;
}

bool tap_over(const struct tap *t)
{
	return t->ended && t->head == t->tail;
}
