// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings in the project's own format. A file that was cut off is good up to its
 * last whole frame; one with a wrong check sum is refused there.
 */
#include "recording.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compact.h"
#include "crc32.h"
#include "log.h"
#include "sensor.h"

/**
 * struct compact_file - a file
 * @base: what all have
 * @data: offset of the first frame
 * @payload: of the frame read last
 * @block: its scans
 * @used: of them, how many were given out
 * @values: memory of @block
 */
struct compact_file {
	struct recording base;
	long data;
	unsigned char payload[COMPACT_FRAME_MAX];
	struct compact_block block;
	unsigned int used;
	float *values;
};

static struct compact_file *compact_file(struct recording *r)
{
	return (struct compact_file *)r;
}

static int refuse(const struct compact_file *f, const char *why)
{
	log_error("%s: at byte %ld: %s; the capture is damaged", f->base.path, ftell(f->base.file),
		  why);
	return -EBADMSG;
}

/* Finite and positive, or NAN when it is null or missing. */
static double number(struct json_object *o, const char *key)
{
	struct json_object *v;
	double value;

	if (!json_object_object_get_ex(o, key, &v) || !v)
		return NAN;
	value = json_object_get_double(v);
	return isfinite(value) ? value : NAN;
}

static int sensor_code(double code)
{
	return code >= 0.0 && code <= UINT16_MAX ? (int)code : SENSOR_UNKNOWN;
}

static int take_channels(struct compact_file *f, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	size_t k;

	if (!n || n > COMPACT_CHANNELS_MAX || n > RECORDING_CHANNELS_MAX)
		return refuse(f, "the head names no channels, or too many");
	for (k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		struct recording_channel *ch = &f->base.channel[k];
		struct json_object *name;

		if (!json_object_object_get_ex(o, "name", &name))
			return refuse(f, "the head has a channel without a name");
		snprintf(ch->name, sizeof(ch->name), "%s", json_object_get_string(name));
		ch->scale = number(o, "scale");
		ch->rail = (float)number(o, "rail");
		if (!(ch->rail > 0.0f))
			ch->rail = INFINITY;
		ch->sensor = sensor_code(number(o, "sensor"));
	}
	f->base.channels = (unsigned int)n;
	return 0;
}

static int take_head(struct compact_file *f, struct json_object *head)
{
	struct json_object *list = NULL;
	double version = number(head, "version");

	if (version != COMPACT_VERSION) {
		log_error("%s: version %g of the format; this meterd reads version %d",
			  f->base.path, version, COMPACT_VERSION);
		return -EPROTONOSUPPORT;
	}
	f->base.rate_hz = number(head, "rate_hz");
	if (!(f->base.rate_hz > 0.0 && f->base.rate_hz <= RECORDING_RATE_MAX))
		return refuse(f, "the head has no sampling rate");
	json_object_object_get_ex(head, "channels", &list);
	return take_channels(f, list);
}

static int read_head(struct compact_file *f)
{
	unsigned char head[COMPACT_HEAD_BYTES];
	struct json_object *json;
	uint32_t crc;
	size_t bytes;
	int error;

	if (fread(head, sizeof(head), 1, f->base.file) != 1)
		return refuse(f, "it ends in the head");
	bytes = compact_head_check(head, &crc);
	if (!bytes || bytes >= sizeof(f->payload))
		return refuse(f, "the length of the head is wrong");
	if (fread(f->payload, bytes, 1, f->base.file) != 1 ||
	    crc32_ethernet(f->payload, bytes) != crc)
		return refuse(f, "the check sum of the head is wrong");
	f->payload[bytes] = '\0';
	json = json_tokener_parse((const char *)f->payload);
	error = json_object_is_type(json, json_type_object)
			? take_head(f, json)
			: refuse(f, "the head is not a JSON object");
	json_object_put(json);
	f->data = ftell(f->base.file);
	return error;
}

static int allocate(struct compact_file *f)
{
	unsigned int k;

	f->values = calloc((size_t)f->base.channels * COMPACT_SCANS_MAX, sizeof(float));
	if (!f->values)
		return -ENOMEM;
	for (k = 0; k < f->base.channels; k++)
		f->block.x[k] = f->values + (size_t)k * COMPACT_SCANS_MAX;
	return 0;
}

static int end_of_file(struct compact_file *f)
{
	log_warning("%s: it was cut off; replayed up to scan %llu", f->base.path,
		    (unsigned long long)f->base.next);
	return 0;
}

/* The next frame into @block. Return: 1, 0 at the end, -errno. */
static int next_frame(struct compact_file *f)
{
	unsigned char head[COMPACT_FRAME_BYTES];
	uint32_t crc;
	size_t bytes;

	if (fread(head, sizeof(head), 1, f->base.file) != 1)
		return end_of_file(f);
	bytes = compact_frame(head, &crc);
	if (!bytes)
		return refuse(f, "the length of a frame is wrong");
	if (fread(f->payload, bytes, 1, f->base.file) != 1)
		return end_of_file(f);
	if (crc32_ethernet(f->payload, bytes) != crc)
		return refuse(f, "the check sum of a frame is wrong");
	if (compact_is_end(f->payload, bytes)) {
		if (bytes > 1)
			log_warning("%s: it ends early: %.*s", f->base.path, (int)bytes - 1,
				    (const char *)f->payload + 1);
		return 0;
	}
	f->used = 0;
	if (compact_get(f->payload, bytes, f->base.channels, &f->block))
		return refuse(f, "a frame is not understood");
	return 1;
}

static int compact_read(struct recording *r, unsigned int most)
{
	struct compact_file *f = compact_file(r);
	unsigned int k;
	int more = f->used < f->block.scans ? 1 : next_frame(f);

	if (more <= 0)
		return more;
	r->scans = f->block.scans - f->used;
	if (r->scans > most)
		r->scans = most;
	r->utc_ns = f->block.utc_ns;
	memcpy(r->time_ns, f->block.time_ns + f->used, r->scans * sizeof(*r->time_ns));
	for (k = 0; k < r->scans; k++)
		r->number[k] = r->next++;
	for (k = 0; k < r->channels; k++) {
		r->channel[k].present = f->block.present[k];
		memcpy(r->channel[k].x, f->block.x[k] + f->used, r->scans * sizeof(float));
	}
	f->used += r->scans;
	return 1;
}

static int compact_rewind(struct recording *r)
{
	struct compact_file *f = compact_file(r);

	f->used = 0;
	f->block.scans = 0;
	r->next = 0;
	return fseek(r->file, f->data, SEEK_SET) ? -errno : 0;
}

static void compact_close(struct recording *r)
{
	free(compact_file(r)->values);
}

static int compact_begin(struct recording *r)
{
	int error = read_head(compact_file(r));

	r->stamped = true;
	return error ? error : allocate(compact_file(r));
}

const struct recording_ops recording_compact = {
	.bytes = sizeof(struct compact_file),
	.begin = compact_begin,
	.read = compact_read,
	.rewind = compact_rewind,
	.close = compact_close,
};
