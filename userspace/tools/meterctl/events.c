// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * events - server-sent events, as far as meterd sends them: one line of data per
 * event, "\n" at the end of lines, comments begin with a colon.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

static int append(struct events *e, const char *bytes, size_t n)
{
	size_t size = e->size ? e->size : 4096;
	char *line;

	if (e->length + n >= EVENTS_LINE_MAX)
		return -EMSGSIZE;
	while (size < e->length + n + 1)
		size *= 2;
	if (size != e->size) {
		line = realloc(e->line, size);
		if (!line)
			return -ENOMEM;
		e->line = line;
		e->size = size;
	}
	memcpy(e->line + e->length, bytes, n);
	e->length += n;
	e->line[e->length] = '\0';
	return 0;
}

static const char *field(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) || line[n] != ':')
		return NULL;
	return line + n + 1 + (line[n + 1] == ' ');
}

static int take_line(struct events *e, events_take take, void *context)
{
	const char *value;

	if (!e->length) {
		if (e->name[0] && e->data)
			take(context, e->name, e->data);
		free(e->data);
		e->data = NULL;
		e->name[0] = '\0';
		return 0;
	}
	value = field(e->line, "event");
	if (value)
		snprintf(e->name, sizeof(e->name), "%s", value);
	value = field(e->line, "data");
	if (value) {
		free(e->data);
		e->data = strdup(value);
		if (!e->data)
			return -ENOMEM;
	}
	e->length = 0;
	return 0;
}

int events_feed(struct events *e, const char *bytes, size_t n, events_take take, void *context)
{
	const char *end;
	size_t part;
	int ret = 0;

	while (n && !ret) {
		end = memchr(bytes, '\n', n);
		part = end ? (size_t)(end - bytes) : n;
		ret = append(e, bytes, part);
		if (!ret && end)
			ret = take_line(e, take, context);
		if (end)
			part++;
		bytes += part;
		n -= part;
	}
	return ret;
}

void events_free(struct events *e)
{
	free(e->line);
	free(e->data);
	*e = (struct events){ 0 };
}
