/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text - writes into a buffer of fixed size and remembers when it was too small. */
#ifndef METERD_TEXT_H
#define METERD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct text - the buffer
 * @at: its begin
 * @size: its bytes
 * @length: bytes written, without the NUL at their end
 * @full: something was left out
 */
struct text {
	char *at;
	size_t size;
	size_t length;
	bool full;
};

/** text_put() - append as printf() does; all of it or nothing */
void text_put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** text_json() - append a JSON string, with quotes; what is not UTF-8 is mended */
void text_json(struct text *t, const char *value);

#endif
