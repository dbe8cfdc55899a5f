// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reader of the worked frames in protocol.rst.
 */
#include "worked-frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE "Documentation/driver-api/smappee/protocol.rst"
#define HERE "/tests/unit/support/worked-frames.c"

static char problem[256];

static bool try_place(char *path, size_t size, const char *top, int len, const char *name)
{
	snprintf(path, size, "%.*s/%s", len, top, name);
	return !access(path, R_OK);
}

const char *worked_top(const char *name)
{
	static const char *const above[] = { ".", "..", "../..", "../../..", "../../../.." };
	static char path[1024];
	const char *top = getenv("SMAPPEE_TOP");
	size_t source = strlen(__FILE__);

	if (top && try_place(path, sizeof(path), top, (int)strlen(top), name))
		return path;
	if (source > strlen(HERE) && !strcmp(__FILE__ + source - strlen(HERE), HERE) &&
	    try_place(path, sizeof(path), __FILE__, (int)(source - strlen(HERE)), name))
		return path;
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		if (try_place(path, sizeof(path), above[i], (int)strlen(above[i]), name))
			return path;
	return name;
}

static const char *wrong(unsigned int line, const char *what)
{
	snprintf(problem, sizeof(problem), PAGE ":%u: %s", line, what);
	return problem;
}

/* "kind key=value key=value": cut up in place. */
static bool take_title(struct worked_frame *f, char *text)
{
	char *save = NULL, *word = strtok_r(text, " \t\n", &save);

	if (!word || strlen(word) >= sizeof(f->kind))
		return false;
	strcpy(f->kind, word);
	while ((word = strtok_r(NULL, " \t\n", &save))) {
		struct worked_field *field = &f->field[f->fields];
		char *equals = strchr(word, '=');

		if (!equals || f->fields == WORKED_FIELDS_MAX)
			return false;
		*equals = '\0';
		if (strlen(word) >= sizeof(field->key) ||
		    strlen(equals + 1) >= sizeof(field->value))
			return false;
		strcpy(field->key, word);
		strcpy(field->value, equals + 1);
		f->fields++;
	}
	return true;
}

static bool take_hex(struct worked_frame *f, char *text)
{
	char *save = NULL;

	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		char *end;
		unsigned long byte = strtoul(w, &end, 16);

		if (strlen(w) != 2 || *end || f->len == WORKED_FRAME_BYTES)
			return false;
		f->bytes[f->len++] = (uint8_t)byte;
	}
	return true;
}

static const char *take_line(struct worked_frame *frames, unsigned int *count, char *text,
			     unsigned int line)
{
	text += strspn(text, " \t");
	if (*text == '\n' || !*text)
		return NULL;
	if (*text != '#') {
		if (!*count)
			return wrong(line, "a frame without a line that names it");
		return take_hex(&frames[*count - 1], text) ? NULL : wrong(line, "not hex bytes");
	}
	if (*count == WORKED_FRAMES_MAX)
		return wrong(line, "more frames than the reader has room for");
	frames[*count] = (struct worked_frame){ .line = line };
	++*count;
	return take_title(&frames[*count - 1], text + 1) ? NULL : wrong(line, "not KIND KEY=VALUE");
}

const char *worked_frames_read(struct worked_frame *frames, unsigned int *count)
{
	const char *path = worked_top(PAGE), *error = NULL;
	enum { BEFORE, TITLE, FRAMES } at = BEFORE;
	char text[1024];
	FILE *f = fopen(path, "re");

	*count = 0;
	if (!f) {
		snprintf(problem, sizeof(problem), "%s: %s; set SMAPPEE_TOP", path,
			 strerror(errno));
		return problem;
	}
	for (unsigned int line = 1; !error && fgets(text, sizeof(text), f); line++) {
		if (at == FRAMES && !strchr(" \t\n", text[0]))
			break;
		if (at == FRAMES)
			error = take_line(frames, count, text, line);
		else if (at == TITLE && !strcmp(text, "::\n"))
			at = FRAMES;
		else if (!strcmp(text, "Worked frames\n"))
			at = TITLE;
	}
	fclose(f);
	if (!error && !*count)
		error = wrong(0, "no section \"Worked frames\" with a literal block");
	return error;
}

const char *worked_value(const struct worked_frame *f, const char *key)
{
	for (unsigned int i = 0; i < f->fields; i++)
		if (!strcmp(f->field[i].key, key))
			return f->field[i].value;
	return NULL;
}

long long worked_number(const struct worked_frame *f, const char *key)
{
	const char *value = worked_value(f, key);

	return value ? strtoll(value, NULL, 0) : 0;
}

size_t worked_numbers(const struct worked_frame *f, const char *key, long long *out, size_t most)
{
	const char *text = worked_value(f, key);
	size_t n = 0;

	while (text && *text && n < most) {
		char *end;

		out[n] = strtoll(text, &end, 0);
		if (end == text)
			break;
		n++;
		text = end + (*end == ',');
	}
	return n;
}
