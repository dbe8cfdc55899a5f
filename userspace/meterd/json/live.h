/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live - a reading as JSON: the text of GET /api/v1/live, of the "live" event
 * of /api/v1/events and of the MQTT topic .../live.
 *
 * Names carry their unit. Energy is given in Wh with 6 digits after the point.
 * What is not known (NAN or not finite) is null. The text is UTF-8 on one line,
 * without a newline at its end.
 */
#ifndef METERD_LIVE_H
#define METERD_LIVE_H

#include <stddef.h>

#include "reading.h"

/**
 * struct live_buffer - the text of the last reading; all zero before the first
 * @text: NUL-terminated JSON, or NULL before the first reading
 * @length: bytes in @text without the NUL
 * @size: bytes allocated
 */
struct live_buffer {
	char *text;
	size_t length;
	size_t size;
};

/**
 * live_json() - write a reading into the buffer
 * @b: buffer; what it held is replaced. It grows to the longest text it ever
 *	held, so nothing is allocated once the readings have their usual length.
 * @r: the reading
 *
 * Return: 0, or -ENOMEM, after which @b holds no text.
 */
int live_json(struct live_buffer *b, const struct reading *r);

/**
 * live_role() - the name of a role in JSON
 * @role: the role
 *
 * Return: "grid", "production", "storage", "virtual" or "submeter".
 */
const char *live_role(enum load_role role);

/**
 * live_string() - append "key":"value", escaped for JSON; a value that is not UTF-8 is
 *	mended, NULL becomes null
 *
 * Return: 0 or -ENOMEM.
 */
int live_string(struct live_buffer *b, const char *key, const char *value);

/** live_free() - release the memory of a buffer; it may be used again */
void live_free(struct live_buffer *b);

#endif
