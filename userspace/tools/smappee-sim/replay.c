// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reader of recorded waveforms. The series is computed term by term: a few
 * hundred terms of a few thousand samples, once at start.
 */
#include "replay.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scaling {
	char name[16];
	double scale;
	double offset;
};

struct reader {
	struct replay *r;
	const char *path;
	unsigned int line;
	unsigned int scalings;
	struct scaling scaling[REPLAY_COLUMNS_MAX];
	double scale[REPLAY_COLUMNS_MAX];
	double offset[REPLAY_COLUMNS_MAX];
	size_t room;
	double *rows;
	char *error;
	size_t size;
};

static int fail(struct reader *in, int code, const char *what)
{
	snprintf(in->error, in->size, "%s:%u: %s", in->path, in->line, what);
	return code;
}

static int take_header(struct reader *in, const char *text)
{
	struct scaling *s = &in->scaling[in->scalings];
	double rate;

	if (sscanf(text, "# sample rate: %lf", &rate) == 1) {
		if (!(rate > 0))
			return fail(in, -EINVAL, "the sample rate must be above 0 Hz");
		in->r->rate_hz = rate;
	}
	if (sscanf(text, "# channel %15[^:]: unit %*s scale %lf offset %lf", s->name, &s->scale,
		   &s->offset) == 3) {
		if (++in->scalings == REPLAY_COLUMNS_MAX)
			return fail(in, -E2BIG, "too many channels, at most 15 are read");
	}
	return 0;
}

static int take_names(struct reader *in, char *text)
{
	struct replay *r = in->r;
	char *save = NULL;

	if (!(r->rate_hz > 0))
		return fail(in, -EINVAL, "no line \"# sample rate: NUMBER Hz\" in the header");
	for (char *n = strtok_r(text, ",\r\n", &save); n; n = strtok_r(NULL, ",\r\n", &save)) {
		unsigned int c = r->columns;

		if (c == REPLAY_COLUMNS_MAX)
			return fail(in, -E2BIG, "too many columns, at most 16 are read");
		snprintf(r->name[c], sizeof(r->name[c]), "%.15s", n);
		in->scale[c] = 1;
		for (unsigned int i = 0; i < in->scalings; i++) {
			if (strcmp(in->scaling[i].name, r->name[c]))
				continue;
			in->scale[c] = in->scaling[i].scale;
			in->offset[c] = in->scaling[i].offset;
		}
		r->columns++;
	}
	return 0;
}

static int take_row(struct reader *in, const char *text)
{
	struct replay *r = in->r;

	if ((r->scans + 1) * r->columns > in->room) {
		size_t room = in->room ? 2 * in->room : 16384;
		double *rows = realloc(in->rows, room * sizeof(*rows));

		if (!rows)
			return fail(in, -ENOMEM, "out of memory");
		in->rows = rows;
		in->room = room;
	}
	for (unsigned int c = 0; c < r->columns; c++) {
		char *end;
		double raw = strtod(text, &end);

		if (end == text || !isfinite(raw))
			return fail(in, -EINVAL, "a number is missing in this row");
		in->rows[r->scans * r->columns + c] = raw * in->scale[c] + in->offset[c];
		text = end + (*end == ',');
	}
	r->scans++;
	return 0;
}

static int take_line(struct reader *in, char *text)
{
	if (text[0] == '#')
		return take_header(in, text);
	if (text[strspn(text, " \t\r\n")] == '\0')
		return 0;
	return in->r->columns ? take_row(in, text) : take_names(in, text);
}

static int transpose(struct reader *in)
{
	struct replay *r = in->r;

	if (r->scans < 16)
		return fail(in, -EINVAL, "fewer than 16 scans");
	r->value = malloc(r->scans * r->columns * sizeof(*r->value));
	if (!r->value)
		return fail(in, -ENOMEM, "out of memory");
	for (size_t n = 0; n < r->scans; n++)
		for (unsigned int c = 0; c < r->columns; c++)
			r->value[c * r->scans + n] = in->rows[n * r->columns + c];
	return 0;
}

int replay_load(struct replay *r, const char *path, char *error, size_t size)
{
	struct reader in = { .r = r, .path = path, .error = error, .size = size };
	char *text = NULL;
	size_t room = 0;
	int ret = 0;
	FILE *f;

	*r = (struct replay){ 0 };
	f = fopen(path, "re");
	if (!f) {
		ret = -errno;
		snprintf(error, size, "%s: %s; give the folder of the recordings with --data", path,
			 strerror(errno));
		return ret;
	}
	while (!ret && getline(&text, &room, f) >= 0) {
		in.line++;
		ret = take_line(&in, text);
	}
	if (!ret)
		ret = transpose(&in);
	free(text);
	free(in.rows);
	fclose(f);
	if (ret)
		replay_free(r);
	return ret;
}

static int add_term(const double *x, size_t n, unsigned int order, struct wave *w)
{
	double re = 0, im = 0;

	for (size_t k = 0; k < n; k++) {
		double c, s;

		/* The turn is reduced in integers: exact for any order. */
		sincos(2 * M_PI * (double)(order * k % n) / (double)n, &s, &c);
		re += x[k] * c;
		im -= x[k] * s;
	}
	return wave_add(w, order, 2 * hypot(re, im) / (double)n, atan2(im, re));
}

int replay_wave(const struct replay *r, const char *column, unsigned int cycles, double highest_hz,
		struct wave *w)
{
	unsigned int c = 0, last;
	int ret = 0;

	while (c < r->columns && strcmp(r->name[c], column))
		c++;
	if (c == r->columns)
		return -ENOENT;
	w->base_hz = r->rate_hz / (double)r->scans;
	w->fundamental = cycles;
	w->filtered = true;
	last = (unsigned int)fmin(highest_hz / w->base_hz, (double)((r->scans - 1) / 2));
	for (unsigned int order = 1; order <= last && !ret; order++)
		ret = add_term(r->value + c * r->scans, r->scans, order, w);
	return ret;
}

void replay_free(struct replay *r)
{
	free(r->value);
	*r = (struct replay){ 0 };
}
