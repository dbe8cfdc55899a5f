// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * records - prints what is in the store of meterd: a table, CSV or JSON, a record per line.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "command.h"

#define S_PER_DAY 86400
#define PATH_BYTES 1024
#define DEFAULT_SINCE "1h"

static const char *const quantities[] = {
	"p_w", "v_v", "i_a", "pf", "thd_v_percent", "thd_i_percent",
};
static const char *const statistics[] = { "mean", "min", "max" };

#define QUANTITIES (sizeof(quantities) / sizeof(quantities[0]))

/**
 * struct style - how a kind of records is printed
 * @kind: of the API
 * @title: head of the table
 * @columns: head of CSV
 * @line: prints a record as a line of the table
 * @csv: as one of CSV
 */
struct style {
	const char *kind;
	const char *title;
	const char *columns;
	void (*line)(struct json_object *r);
	void (*csv)(struct json_object *r);
};

/*
 * As CSV has a text with commas and quotes in it (RFC 4180). One that a spreadsheet would take for
 * a formula has an apostrophe before it, with which spreadsheets mark what is text.
 */
static void print_text(const char *text)
{
	const char *p;

	putchar('"');
	if (*text && strchr("=+-@\t\r\n", *text))
		putchar('\'');
	for (p = text; *p; p++) {
		if (*p == '"')
			putchar('"');
		putchar(*p);
	}
	putchar('"');
}

static void print_number(double value, int digits, const char *unknown)
{
	if (isfinite(value))
		printf("%.*f", digits, value);
	else
		fputs(unknown, stdout);
}

static void print_flags(struct json_object *r, char between)
{
	struct json_object *flags = answer_member(r, "flags");
	size_t k;

	for (k = 0; k < answer_count(flags); k++)
		printf("%s%s", k ? (char[]){ between, '\0' } : "",
		       json_object_get_string(json_object_array_get_idx(flags, k)));
}

static int64_t sequence_of(struct json_object *r)
{
	return json_object_get_int64(answer_member(r, "sequence"));
}

static void interval_line(struct json_object *r)
{
	struct json_object *p = answer_member(r, "p_w");
	char text[5][24];
	const double values[] = { answer_number(p, "mean"), answer_number(p, "min"),
				  answer_number(p, "max"),
				  answer_number(answer_member(r, "v_v"), "mean"),
				  answer_number(answer_member(r, "i_a"), "mean") };
	static const int digits[] = { 1, 1, 1, 1, 3 };
	size_t k;

	for (k = 0; k < 5; k++)
		if (isfinite(values[k]))
			snprintf(text[k], sizeof(text[k]), "%.*f", digits[k], values[k]);
		else
			strcpy(text[k], "-");
	printf("%-24s %9s %9s %9s %7s %8s %12.3f %12.3f  %s", answer_text(r, "time"), text[0],
	       text[1], text[2], text[3], text[4], answer_number(r, "import_wh"),
	       answer_number(r, "export_wh"), answer_text(r, "load"));
	if (answer_count(answer_member(r, "flags"))) {
		fputs("  ", stdout);
		print_flags(r, ' ');
	}
	putchar('\n');
}

static void interval_csv(struct json_object *r)
{
	static const char *const energies[] = { "import_wh", "export_wh", "import_total_wh",
						"export_total_wh" };
	size_t q, s;

	printf("%s,%" PRId64 ",", answer_text(r, "time"), sequence_of(r));
	print_text(answer_text(r, "load"));
	printf(",%s,%.0f,%.3f", answer_text(r, "role"), answer_number(r, "seconds"),
	       answer_number(r, "covered_s"));
	for (q = 0; q < 4; q++) {
		putchar(',');
		print_number(answer_number(r, energies[q]), 6, "");
	}
	for (q = 0; q < QUANTITIES; q++)
		for (s = 0; s < 3; s++) {
			putchar(',');
			print_number(answer_number(answer_member(r, quantities[q]), statistics[s]),
				     4, "");
		}
	putchar(',');
	print_flags(r, ' ');
	putchar('\n');
}

static void event_line(struct json_object *r)
{
	printf("%-24s %-16s %s\n", answer_text(r, "time"), answer_text(r, "subject"),
	       answer_text(r, "event"));
}

static void event_csv(struct json_object *r)
{
	printf("%s,%" PRId64 ",", answer_text(r, "time"), sequence_of(r));
	print_text(answer_text(r, "subject"));
	putchar(',');
	print_text(answer_text(r, "event"));
	putchar(',');
	print_flags(r, ' ');
	putchar('\n');
}

static void input_line(struct json_object *r)
{
	printf("%-24s %14.3f %-4s %12.0f  %s\n", answer_text(r, "time"), answer_number(r, "total"),
	       answer_text(r, "unit"), answer_number(r, "pulses"), answer_text(r, "input"));
}

static void input_csv(struct json_object *r)
{
	printf("%s,%" PRId64 ",", answer_text(r, "time"), sequence_of(r));
	print_text(answer_text(r, "input"));
	printf(",%s,%s,%.0f,", answer_text(r, "what"), answer_text(r, "unit"),
	       answer_number(r, "pulses"));
	print_number(answer_number(r, "total"), 6, "");
	putchar(',');
	print_flags(r, ' ');
	putchar('\n');
}

#define INTERVAL_TITLE                                                                             \
	"TIME                         P/W     MIN/W     MAX/W     V/V      I/A    IMPORT/Wh"       \
	"    EXPORT/Wh  LOAD"
#define INTERVAL_COLUMNS                                                                           \
	"time,sequence,load,role,seconds,covered_s,import_wh,export_wh,import_total_wh,"           \
	"export_total_wh,p_w_mean,p_w_min,p_w_max,v_v_mean,v_v_min,v_v_max,i_a_mean,i_a_min,"      \
	"i_a_max,pf_mean,pf_min,pf_max,thd_v_percent_mean,thd_v_percent_min,thd_v_percent_max,"    \
	"thd_i_percent_mean,thd_i_percent_min,thd_i_percent_max,flags"

static const struct style styles[] = {
	{ "5m", INTERVAL_TITLE, INTERVAL_COLUMNS, interval_line, interval_csv },
	{ "1m", INTERVAL_TITLE, INTERVAL_COLUMNS, interval_line, interval_csv },
	{ "event", "TIME                     SUBJECT          EVENT",
	  "time,sequence,subject,event,flags", event_line, event_csv },
	{ "input", "TIME                              TOTAL UNIT       PULSES  INPUT",
	  "time,sequence,input,what,unit,pulses,total,flags", input_line, input_csv },
};

static const struct style *find_style(const char *kind)
{
	size_t k;

	for (k = 0; k < sizeof(styles) / sizeof(styles[0]); k++)
		if (!strcmp(kind, styles[k].kind))
			return &styles[k];
	return NULL;
}

/* "90s", "30m", "2h", "7d" before now. */
static bool parse_ago(const char *text, int64_t now_s, int64_t *s)
{
	static const char units[] = "smhd";
	static const int64_t lengths_s[] = { 1, 60, 3600, S_PER_DAY };
	const char *unit;
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || !isdigit((unsigned char)*text) || !unit || end[1] || n > 100000000)
		return false;
	*s = now_s - n * lengths_s[unit - units];
	return true;
}

/* "2026-11-29", "2026-11-29 18:00", "2026-11-29T18:00:30", of the local time zone. */
static bool parse_date(const char *text, int64_t *s)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
					       "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S" };
	size_t k;

	for (k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[k], &tm);

		if (end && !*end) {
			*s = mktime(&tm);
			return *s != -1;
		}
	}
	return false;
}

static int parse_time(const char *option, const char *text, int64_t *s)
{
	bool known = parse_ago(text, time(NULL), s) || parse_date(text, s);

	if (known && *s < 0)
		*s = 0;
	return known ? 0
		     : command_usage(option, text,
				     "must be like 30m, 2h, 7d, 2026-11-29 or "
				     "2026-11-29T18:00");
}

/* &load=NAME with all but letters and digits as %XX. */
static void put_load(char *path, size_t size, const char *name)
{
	size_t at = strlen(path);

	at += (size_t)snprintf(path + at, size - at, "&load=");
	for (; *name && at + 4 < size; name++)
		at += (size_t)snprintf(path + at, size - at,
				       isalnum((unsigned char)*name) ? "%c" : "%%%02X",
				       (unsigned char)*name);
}

static void print_records(const struct command_options *o, const struct style *style,
			  struct json_object *list)
{
	size_t k;

	for (k = 0; k < answer_count(list); k++) {
		struct json_object *r = json_object_array_get_idx(list, k);

		if (o->json)
			puts(json_object_to_json_string_ext(
				r, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		else if (o->csv)
			style->csv(r);
		else
			style->line(r);
	}
}

/* Return: 0 with @after where to go on, or 0 at the end; else it failed, and that was said. */
static int print_some(const struct command_options *o, const struct style *style, const char *ask,
		      int64_t *after, size_t *printed)
{
	char path[PATH_BYTES + sizeof("&after=-9223372036854775808")];
	struct json_object *answer, *error;

	snprintf(path, sizeof(path), "%s&after=%" PRId64, ask, *after);
	answer = command_ask(o, path);
	if (!answer)
		return EXIT_FAILURE;
	error = answer_member(answer, "error");
	if (error)
		fprintf(stderr, "meterctl: meterd answers: %s\n", json_object_get_string(error));
	if (!error && !*after && !o->json)
		puts(o->csv ? style->columns : style->title);
	print_records(o, style, answer_member(answer, "records"));
	*printed += answer_count(answer_member(answer, "records"));
	*after = json_object_get_int64(answer_member(answer, "next"));
	json_object_put(answer);
	return error ? EXIT_FAILURE : 0;
}

int command_records(const struct command_options *o)
{
	const struct style *style = find_style(o->kind ? o->kind : "5m");
	int64_t since_s, until_s = 0, after = 0, before;
	char ask[PATH_BYTES];
	size_t printed = 0;
	int ret;

	if (o->csv && o->json) {
		fputs("meterctl: --csv and --json are two ways to print: give one\n", stderr);
		return EXIT_USAGE;
	}
	if (!style)
		return command_usage("--kind", o->kind, "must be 5m, 1m, event or input");
	ret = parse_time("--since", o->since ? o->since : DEFAULT_SINCE, &since_s);
	if (!ret && o->until)
		ret = parse_time("--until", o->until, &until_s);
	if (ret)
		return ret;
	snprintf(ask, sizeof(ask), "/api/v1/records?kind=%s&since=%" PRId64, style->kind, since_s);
	if (o->until)
		snprintf(ask + strlen(ask), sizeof(ask) - strlen(ask), "&until=%" PRId64, until_s);
	if (o->arguments)
		put_load(ask, sizeof(ask) - 64, o->argument[0]);
	do {
		before = after;
		ret = print_some(o, style, ask, &after, &printed);
	} while (!ret && after > before);
	if (!ret && !printed)
		fprintf(stderr, "meterctl: no such records; --since goes further back, --kind "
				"shows others, "
				"and 'meterctl status' says what is stored\n");
	return ret ? EXIT_FAILURE : command_flush();
}
