// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings as COMTRADE (IEC 60255-24, IEEE C37.111): NAME.cfg says what there is,
 * NAME.dat beside it holds the samples, as text or binary. Revisions of 1991, 1999
 * and 2013; one sampling rate. Values are converted to V and A of the primary side
 * here. Scans with a missing value are left out, so they are holes of the stream.
 */
#include "recording.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "sensor.h"

#define LINE_MAX_BYTES 16384
#define FIELDS_MAX 16
#define STATUS_MAX 99999
/* number and time stamp before the samples of a binary scan */
#define HEAD_BYTES 8

enum data_type { ASCII, BINARY, BINARY32, FLOAT32 };

/**
 * struct comtrade - a recording
 * @base: what all have; its file is NAME.dat once the configuration is read
 * @text: the line read last
 * @field: its fields, blanks around them removed
 * @fields: how many
 * @revision: year of the standard, 1991 when the file does not say
 * @type: of the samples
 * @status: status channels
 * @last: scans in the file
 * @a: V or A of the primary side per count
 * @b: V or A of the primary side
 * @scan: bytes of a binary scan
 * @bytes: room for it
 */
struct comtrade {
	struct recording base;
	char text[LINE_MAX_BYTES];
	char *field[FIELDS_MAX];
	unsigned int fields;
	unsigned long revision;
	enum data_type type;
	unsigned int status;
	uint64_t last;
	double a[RECORDING_CHANNELS_MAX];
	double b[RECORDING_CHANNELS_MAX];
	size_t scan;
	unsigned char *bytes;
};

static struct comtrade *comtrade(struct recording *r)
{
	return (struct comtrade *)r;
}

__attribute__((format(printf, 2, 3))) static int refuse(const struct comtrade *c,
							const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s:%u: %s", c->base.path, c->base.line, text);
	return -EINVAL;
}

/* The next line without its end. Return: 1, 0 at the end, -errno. */
static int next_line(struct comtrade *c)
{
	size_t n;

	if (!fgets(c->text, sizeof(c->text), c->base.file))
		return 0;
	c->base.line++;
	n = strlen(c->text);
	if (n == sizeof(c->text) - 1 && c->text[n - 1] != '\n')
		return refuse(c, "a line of more than %zu bytes", sizeof(c->text) - 2);
	/* 0x1a ends text files of some recorders */
	while (n > 0 && strchr("\r\n\x1a", c->text[n - 1]))
		c->text[--n] = '\0';
	return 1;
}

static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* A line of the configuration, cut at its commas; it must have @least fields. */
static int next_fields(struct comtrade *c, unsigned int least, const char *what)
{
	char *rest = c->text;
	char *one;
	int error = next_line(c);

	if (error < 0)
		return error;
	if (!error)
		return refuse(c, "the file ends where the line with %s should be", what);
	for (c->fields = 0; c->fields < FIELDS_MAX && (one = strsep(&rest, ",")); c->fields++)
		c->field[c->fields] = trim(one);
	if (c->fields < least)
		return refuse(c, "%u fields where %s needs %u", c->fields, what, least);
	return 0;
}

static bool to_count(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	return !errno && end != text && isdigit((unsigned char)*text) && *value <= most;
}

static bool to_number(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && isfinite(*value);
}

/* V or A per unit of the file; units other than these are taken as they are. */
static double unit_factor(const char *unit)
{
	switch (unit[0] && unit[1] ? unit[0] : ' ') {
	case 'k':
	case 'K':
		return 1e3;
	case 'M':
		return 1e6;
	case 'm':
		return 1e-3;
	case 'u':
		return 1e-6;
	}
	return 1.0;
}

/* n,name,phase,component,unit,a,b,skew,min,max[,primary,secondary,PS] */
static int read_channel(struct comtrade *c, unsigned int k)
{
	struct recording_channel *ch = &c->base.channel[k];
	double primary = 1.0;
	double secondary = 1.0;
	double factor;
	int error = next_fields(c, 10, "an analog channel");

	if (error)
		return error;
	snprintf(ch->name, sizeof(ch->name), "%s", c->field[1]);
	ch->scale = 1.0;
	if (!to_number(c->field[5], &c->a[k]) || !to_number(c->field[6], &c->b[k]))
		return refuse(c, "channel \"%s\": a \"%.20s\" and b \"%.20s\" must be numbers",
			      ch->name, c->field[5], c->field[6]);
	factor = unit_factor(c->field[4]);
	if (c->fields >= 13 && tolower((unsigned char)*c->field[12]) == 's') {
		if (!to_number(c->field[10], &primary) || !to_number(c->field[11], &secondary) ||
		    secondary == 0.0)
			return refuse(c, "channel \"%s\": ratio \"%.20s\" : \"%.20s\"", ch->name,
				      c->field[10], c->field[11]);
		factor *= primary / secondary;
	}
	c->a[k] *= factor;
	c->b[k] *= factor;
	return 0;
}

/* "TT,##A,##D" */
static int read_counts(struct comtrade *c)
{
	unsigned long analog;
	unsigned long status;
	int error = next_fields(c, 3, "the number of channels");

	if (error)
		return error;
	if (!to_count(c->field[1], RECORDING_CHANNELS_MAX, &analog) || !analog ||
	    tolower((unsigned char)c->field[1][strlen(c->field[1]) - 1]) != 'a')
		return refuse(c, "\"%.20s\" analog channels; 1A to %dA can be read", c->field[1],
			      RECORDING_CHANNELS_MAX);
	if (!to_count(c->field[2], STATUS_MAX, &status))
		return refuse(c, "\"%.20s\" status channels; 0D to %dD can be read", c->field[2],
			      STATUS_MAX);
	c->base.channels = (unsigned int)analog;
	c->status = (unsigned int)status;
	return 0;
}

static int read_rates(struct comtrade *c)
{
	unsigned long rates;
	unsigned long end;
	int error = next_fields(c, 1, "the number of sampling rates");

	if (error)
		return error;
	if (!to_count(c->field[0], 999, &rates) || rates != 1)
		return refuse(c, "\"%.20s\" sampling rates; a recording with 1 can be replayed",
			      c->field[0]);
	error = next_fields(c, 2, "the sampling rate");
	if (error)
		return error;
	if (!to_number(c->field[0], &c->base.rate_hz) || c->base.rate_hz <= 0.0 ||
	    c->base.rate_hz > RECORDING_RATE_MAX || !to_count(c->field[1], 9999999999UL, &end))
		return refuse(c, "sampling rate \"%.20s\" Hz up to scan \"%.20s\"", c->field[0],
			      c->field[1]);
	c->last = end;
	return 0;
}

static int read_type(struct comtrade *c)
{
	static const char *const names[] = { "ascii", "binary", "binary32", "float32" };
	unsigned int k;
	int error = next_fields(c, 1, "the type of the data");

	if (error)
		return error;
	for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		if (strcasecmp(c->field[0], names[k]))
			continue;
		c->type = k;
		c->scan = HEAD_BYTES + (size_t)c->base.channels * (k == BINARY ? 2 : 4) +
			  (c->status + 15) / 16 * 2;
		return 0;
	}
	return refuse(c, "type \"%.20s\"; ASCII, BINARY, BINARY32 and FLOAT32 can be read",
		      c->field[0]);
}

static int read_configuration(struct comtrade *c)
{
	unsigned int k;
	int error = next_fields(c, 2, "the name of the station");

	if (!error && (c->fields < 3 || !to_count(c->field[2], 9999, &c->revision)))
		c->revision = 1991;
	if (!error)
		error = read_counts(c);
	for (k = 0; !error && k < c->base.channels; k++)
		error = read_channel(c, k);
	for (k = 0; !error && k < c->status; k++)
		error = next_fields(c, 1, "a status channel");
	if (!error)
		error = next_fields(c, 1, "the frequency");
	if (!error)
		error = read_rates(c);
	/* time of the first scan and of the trigger */
	for (k = 0; !error && k < 2; k++)
		error = next_fields(c, 1, "a time");
	return error ? error : read_type(c);
}

/* NAME.cfg becomes NAME.dat, in the same case of letters. */
static int open_data(struct comtrade *c)
{
	size_t n = strlen(c->base.path);
	char *path = strdup(c->base.path);
	int error = 0;

	if (!path)
		return -ENOMEM;
	memcpy(path + n - 3, isupper((unsigned char)path[n - 1]) ? "DAT" : "dat", 3);
	fclose(c->base.file);
	c->base.file = fopen(path, "re");
	if (!c->base.file) {
		error = -errno;
		log_error("%s: %s; the samples of %s are in it", path, strerror(errno),
			  c->base.path);
	}
	c->base.line = 0;
	free(path);
	return error;
}

/* One row of text. Return: 1, 0 at the end, -errno; *@whole: no value is missing. */
static int read_text(struct comtrade *c, double *value, bool *whole)
{
	char *rest = c->text;
	unsigned int k;
	int more;

	do {
		more = next_line(c);
	} while (more > 0 && !*trim(c->text));
	if (more <= 0)
		return more;
	strsep(&rest, ",");
	strsep(&rest, ",");
	for (k = 0; k < c->base.channels; k++) {
		char *text = strsep(&rest, ",");

		if (!text)
			return refuse(c, "%u values in the row of %u channels", k,
				      c->base.channels);
		text = trim(text);
		value[k] = 0.0;
		if (!*text || (c->revision < 2013 && !strcmp(text, "99999")))
			*whole = *whole && !c->base.channel[k].wanted;
		else if (!to_number(text, &value[k]))
			return refuse(c, "channel \"%s\": \"%.20s\" is not a number",
				      c->base.channel[k].name, text);
	}
	return 1;
}

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A sample of a binary scan; NAN when it is missing. */
static double sample(const struct comtrade *c, unsigned int k)
{
	const unsigned char *p = c->bytes + HEAD_BYTES + (size_t)k * (c->type == BINARY ? 2 : 4);
	uint32_t bits;
	float f;

	if (c->type == BINARY) {
		int16_t v = (int16_t)(p[0] | p[1] << 8);

		return v == INT16_MIN ? NAN : v;
	}
	bits = le32(p);
	if (c->type == BINARY32)
		return (int32_t)bits == INT32_MIN ? NAN : (int32_t)bits;
	memcpy(&f, &bits, sizeof(f));
	return isfinite(f) ? f : NAN;
}

static int read_binary(struct comtrade *c, double *value, bool *whole)
{
	unsigned int k;

	if (fread(c->bytes, c->scan, 1, c->base.file) != 1)
		return ferror(c->base.file) ? -EIO : 0;
	for (k = 0; k < c->base.channels; k++) {
		value[k] = sample(c, k);
		if (isnan(value[k])) {
			*whole = *whole && !c->base.channel[k].wanted;
			value[k] = 0.0;
		}
	}
	return 1;
}

static int comtrade_read(struct recording *r, unsigned int most)
{
	struct comtrade *c = comtrade(r);
	double value[RECORDING_CHANNELS_MAX];
	unsigned int k;

	r->scans = 0;
	while (r->scans < most && r->next < c->last) {
		bool whole = true;
		int more = c->type == ASCII ? read_text(c, value, &whole)
					    : read_binary(c, value, &whole);

		if (more < 0)
			return more;
		if (!more)
			break;
		r->number[r->scans] = r->next++;
		for (k = 0; k < r->channels; k++)
			r->channel[k].x[r->scans] = (float)(c->a[k] * value[k] + c->b[k]);
		r->scans += whole;
	}
	return r->scans ? 1 : 0;
}

static int comtrade_rewind(struct recording *r)
{
	r->line = 0;
	r->next = 0;
	return fseek(r->file, 0, SEEK_SET) ? -errno : 0;
}

static void comtrade_close(struct recording *r)
{
	free(comtrade(r)->bytes);
}

static int comtrade_begin(struct recording *r)
{
	struct comtrade *c = comtrade(r);
	int error = read_configuration(c);

	if (!error)
		error = open_data(c);
	if (error)
		return error;
	c->bytes = malloc(c->scan + 1);
	if (!c->bytes)
		return -ENOMEM;
	recording_plain(r);
	return 0;
}

const struct recording_ops recording_comtrade = {
	.bytes = sizeof(struct comtrade),
	.begin = comtrade_begin,
	.read = comtrade_read,
	.rewind = comtrade_rewind,
	.close = comtrade_close,
};
