/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events - finds the "live" events in a stream of server-sent events, whatever
 * the pieces in which it arrives.
 */
#ifndef METERCTL_EVENTS_H
#define METERCTL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

/* Longest line of a stream; a longer one makes the stream unusable. */
#define EVENTS_LINE_MAX (1 << 20)

/**
 * struct events - state of one stream; all zero at its start
 * @line: line that is not complete yet, owned
 * @length: bytes of it
 * @size: bytes allocated
 * @is_live: the event that is being read is called "live"
 * @data: data line of that event, owned, or NULL
 */
struct events {
	char *line;
	size_t length;
	size_t size;
	bool is_live;
	char *data;
};

/**
 * events_feed() - take the next bytes of the stream
 * @e: stream
 * @bytes: what arrived
 * @n: how much
 * @live: called with the data of every complete "live" event, NUL-terminated
 * @context: handed to @live
 *
 * Return: 0, -ENOMEM, or -EMSGSIZE for a line that is too long.
 */
int events_feed(struct events *e, const char *bytes, size_t n,
		void (*live)(void *context, const char *data), void *context);

/** events_free() - forget everything; the stream is at its start again */
void events_free(struct events *e);

#endif
