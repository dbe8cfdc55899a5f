// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings as CSV: a head of lines that begin with "#", a line that names the columns,
 * one row per scan. All values are converted to V and A here, offset included.
 */
#include "recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sensor.h"

/**
 * struct conversion - from the value in a file to V or A
 * @name: of the channel
 * @scale: per count
 * @offset: V or A
 */
struct conversion {
	char name[RECORDING_NAME_MAX];
	double scale;
	double offset;
};

/**
 * struct csv - a file
 * @base: what all have
 * @text: the line read last
 * @size: of @text
 * @data: offset of the first row in the file
 * @data_line: lines before it
 * @described: lines of the head that describe channels
 * @description: they
 * @convert: of the columns
 */
struct csv {
	struct recording base;
	char *text;
	size_t size;
	long data;
	unsigned int data_line;
	unsigned int described;
	struct conversion description[RECORDING_CHANNELS_MAX];
	struct conversion convert[RECORDING_CHANNELS_MAX];
};

static struct csv *csv(struct recording *r)
{
	return (struct csv *)r;
}

static bool next_line(struct csv *c)
{
	ssize_t n = getline(&c->text, &c->size, c->base.file);

	if (n < 0)
		return false;
	while (n > 0 && (c->text[n - 1] == '\n' || c->text[n - 1] == '\r'))
		c->text[--n] = '\0';
	c->base.line++;
	return true;
}

/* A line of the head; those that are not understood are for people. */
static int read_head(struct csv *c)
{
	struct conversion d;
	double rate;

	if (sscanf(c->text, "# sample rate: %lf Hz", &rate) == 1) {
		if (rate > 0.0 && rate <= RECORDING_RATE_MAX) {
			c->base.rate_hz = rate;
			return 0;
		}
		log_error("%s:%u: sample rate %g Hz; it must be above 0 and at most %g",
			  c->base.path, c->base.line, rate, RECORDING_RATE_MAX);
		return -EINVAL;
	}
	if (c->described == RECORDING_CHANNELS_MAX)
		return 0;
	if (sscanf(c->text, "# channel %63[^:]: unit %*s scale %lf offset %lf", d.name, &d.scale,
		   &d.offset) == 3 &&
	    isfinite(d.scale) && isfinite(d.offset))
		c->description[c->described++] = d;
	return 0;
}

static int read_columns(struct csv *c)
{
	char *state = NULL;
	char *name;
	unsigned int k;

	for (name = strtok_r(c->text, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
		struct recording_channel *ch = &c->base.channel[c->base.channels];
		struct conversion *to = &c->convert[c->base.channels];

		if (c->base.channels == RECORDING_CHANNELS_MAX) {
			log_error("%s:%u: more than %d columns; remove those that are not used",
				  c->base.path, c->base.line, RECORDING_CHANNELS_MAX);
			return -E2BIG;
		}
		snprintf(ch->name, sizeof(ch->name), "%s", name);
		ch->scale = 1.0;
		to->scale = 1.0;
		for (k = 0; k < c->described; k++)
			if (!strcmp(c->description[k].name, ch->name))
				*to = c->description[k];
		c->base.channels++;
	}
	return 0;
}

static int read_begin(struct csv *c)
{
	int error = 0;

	do {
		if (!next_line(c)) {
			log_error("%s: no line names the columns; give a file of recorded "
				  "waveforms, [source] replay",
				  c->base.path);
			return -EINVAL;
		}
		if (c->text[0] == '#')
			error = read_head(c);
	} while (!error && c->text[0] == '#');
	if (!error)
		error = read_columns(c);
	c->data = ftell(c->base.file);
	c->data_line = c->base.line;
	return error;
}

/* Return: 1, 0 at the end, -errno. */
static int read_row(struct csv *c, unsigned int at)
{
	char *next;
	unsigned int k;

	do {
		if (!next_line(c))
			return 0;
	} while (!c->text[0] || c->text[0] == '#');
	next = c->text;
	for (k = 0; k < c->base.channels; k++) {
		struct recording_channel *ch = &c->base.channel[k];
		char *end;
		double value = strtod(next, &end);

		if (end == next || (*end != ',' && *end != '\0') || !isfinite(value)) {
			log_error("%s:%u: column \"%s\": \"%.20s\" is not a number", c->base.path,
				  c->base.line, ch->name, next);
			return -EINVAL;
		}
		ch->x[at] = (float)(c->convert[k].scale * value + c->convert[k].offset);
		next = *end ? end + 1 : end;
	}
	c->base.number[at] = c->base.next++;
	return 1;
}

static int csv_read(struct recording *r, unsigned int most)
{
	int more = 1;

	for (r->scans = 0; r->scans < most && more == 1; r->scans += more == 1)
		more = read_row(csv(r), r->scans);
	if (more < 0)
		return more;
	return r->scans ? 1 : 0;
}

static int csv_rewind(struct recording *r)
{
	r->line = csv(r)->data_line;
	r->next = 0;
	return fseek(r->file, csv(r)->data, SEEK_SET) ? -errno : 0;
}

static void csv_close(struct recording *r)
{
	free(csv(r)->text);
}

static int csv_begin(struct recording *r)
{
	int error = read_begin(csv(r));

	if (!error)
		recording_plain(r);
	return error;
}

const struct recording_ops recording_csv = {
	.bytes = sizeof(struct csv),
	.begin = csv_begin,
	.read = csv_read,
	.rewind = csv_rewind,
	.close = csv_close,
};
