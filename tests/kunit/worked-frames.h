/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worked frames of protocol.rst. The table is made from the page at build
 * time by worked-frames.awk.
 */
#ifndef SMAPPEE_KUNIT_WORKED_FRAMES_H
#define SMAPPEE_KUNIT_WORKED_FRAMES_H

#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * struct worked_frame - one of them
 * @name: such as "read-samples-answer"
 * @fields: " name=value name=value ", with a space at both ends
 * @bytes: the frame
 * @len: its length
 */
struct worked_frame {
	const char *name;
	const char *fields;
	const u8 *bytes;
	size_t len;
};

static const struct worked_frame worked_frames[] = {
#include "worked-frames.inc"
};

/**
 * worked_list() - the numbers of a field
 * @frame: the frame
 * @name: name of the field
 * @values: place for the numbers
 * @max: how many
 *
 * Return: how many numbers the field has, 0 if there is no such field.
 */
static inline int worked_list(const struct worked_frame *frame, const char *name, s64 *values,
			      int max)
{
	char key[24], number[16];
	const char *p;
	int n = 0;

	snprintf(key, sizeof(key), " %s=", name);
	p = strstr(frame->fields, key);
	if (!p)
		return 0;
	for (p += strlen(key); *p != ' ' && n < max; n++) {
		size_t len = strcspn(p, ", ");

		strscpy(number, p, min(len + 1, sizeof(number)));
		if (kstrtos64(number, 0, &values[n]))
			return 0;
		p += len;
		if (*p == ',')
			p++;
	}
	return n;
}

/* worked_field() - a field with one number, -1 if there is none. */
static inline s64 worked_field(const struct worked_frame *frame, const char *name)
{
	s64 value;

	return worked_list(frame, name, &value, 1) ? value : -1;
}

static inline bool worked_is(const struct worked_frame *frame, const char *name)
{
	return !strcmp(frame->name, name);
}

#endif
