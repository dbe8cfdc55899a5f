// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A capture begins with its magic, the configuration of a COMTRADE recording is a
 * file NAME.cfg (in any case of letters); all else is CSV.
 */
#include "recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compact.h"
#include "log.h"
#include "sensor.h"

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path);
	size_t m = strlen(end);

	return n >= m && !strcasecmp(path + n - m, end);
}

static const struct recording_ops *format_of(FILE *file, const char *path)
{
	char begin[sizeof(COMPACT_MAGIC)] = "";

	if (fread(begin, 1, COMPACT_MAGIC_BYTES, file) < COMPACT_MAGIC_BYTES)
		begin[0] = '\0';
	rewind(file);
	if (!memcmp(begin, COMPACT_MAGIC, COMPACT_MAGIC_BYTES))
		return &recording_compact;
	return ends_with(path, ".cfg") ? &recording_comtrade : &recording_csv;
}

int recording_begin(struct recording **out, const struct recording_ops *ops, FILE *file,
		    const char *path)
{
	struct recording *r = calloc(1, ops->bytes);
	int error;

	if (!r) {
		fclose(file);
		return -ENOMEM;
	}
	r->ops = ops;
	r->path = path;
	r->file = file;
	error = ops->begin(r);
	if (error)
		recording_close(r);
	else
		*out = r;
	return error;
}

int recording_open(struct recording **out, const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		int error = -errno;

		log_error("%s: %s; give a file of recorded waveforms, [source] replay", path,
			  strerror(errno));
		return error;
	}
	return recording_begin(out, format_of(file, path), file, path);
}

void recording_plain(struct recording *r)
{
	unsigned int k;

	for (k = 0; k < r->channels; k++) {
		r->channel[k].present = true;
		r->channel[k].rail = INFINITY;
		r->channel[k].sensor = SENSOR_UNKNOWN;
	}
}

int recording_find(const struct recording *r, const char *label, const char *name)
{
	char full[2 * RECORDING_NAME_MAX];
	unsigned int k;

	snprintf(full, sizeof(full), "%s/%s", label ? label : "", name);
	for (k = 0; k < r->channels; k++)
		if (!strcmp(r->channel[k].name, full))
			return (int)k;
	for (k = 0; k < r->channels; k++)
		if (!strcmp(r->channel[k].name, name))
			return (int)k;
	return -1;
}

int recording_read(struct recording *r, unsigned int most)
{
	if (!most)
		return 1;
	return r->ops->read(r, most < RECORDING_BLOCK ? most : RECORDING_BLOCK);
}

int recording_rewind(struct recording *r)
{
	return r->ops->rewind(r);
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	if (r->file)
		fclose(r->file);
	r->ops->close(r);
	free(r);
}
