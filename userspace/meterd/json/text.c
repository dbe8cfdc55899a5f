// SPDX-License-Identifier: GPL-2.0-or-later
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

#include "live.h"

void text_put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at + t->length, t->size - t->length, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->size - t->length)
		t->full = true;
	else
		t->length += (size_t)n;
}

void text_json(struct text *t, const char *value)
{
	static const char key[] = "\"\":"; /* what stands before the value */
	struct live_buffer b = { 0 };

	if (live_string(&b, "", value))
		t->full = true;
	else
		text_put(t, "%s", b.text + sizeof(key) - 1);
	live_free(&b);
}
