/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events - finds the events in a stream of server-sent events, whatever
 * the pieces in which it arrives.
 */
#ifndef METERCTL_EVENTS_H
#define METERCTL_EVENTS_H

#include <stddef.h>

/* Longest line of a stream; a longer one makes the stream unusable. */
#define EVENTS_LINE_MAX (1 << 20)

#define EVENTS_NAME_MAX 16

/**
 * struct events - state of one stream; all zero at its start
 * @line: line that is not complete yet, owned
 * @length: bytes of it
 * @size: bytes allocated
 * @name: of the event that is being read, cut; empty: it has none
 * @data: data line of that event, owned, or NULL
 */
struct events {
	char *line;
	size_t length;
	size_t size;
	char name[EVENTS_NAME_MAX];
	char *data;
};

/** typedef events_take - gets the name and the data of an event, both NUL-terminated */
typedef void (*events_take)(void *context, const char *name, const char *data);

/**
 * events_feed() - take the next bytes of the stream
 * @e: stream
 * @bytes: what arrived
 * @n: how much
 * @take: called with every complete event that has a name and data
 * @context: handed to @take
 *
 * Return: 0, -ENOMEM, or -EMSGSIZE for a line that is too long.
 */
int events_feed(struct events *e, const char *bytes, size_t n, events_take take, void *context);

/** events_free() - forget everything; the stream is at its start again */
void events_free(struct events *e);

#endif
