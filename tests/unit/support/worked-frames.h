/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worked-frames - the frames of protocol.rst, "Worked frames", for tests: what
 * the page shows is what the code must make and understand.
 */
#ifndef TEST_WORKED_FRAMES_H
#define TEST_WORKED_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKED_FRAMES_MAX 32
#define WORKED_FRAME_BYTES 512
#define WORKED_FIELDS_MAX 16

/**
 * struct worked_field - one "key=value" of a frame's line
 * @key: for example "unit"
 * @value: its text, for example "0x1620", "1.7" or "1,-1,256"
 */
struct worked_field {
	char key[16];
	char value[128];
};

/**
 * struct worked_frame - one frame of the page
 * @kind: first word of its line, for example "read-samples-answer"
 * @line: number of that line in the page
 * @fields: number of fields
 * @field: the fields, in their order
 * @len: bytes of the frame
 * @bytes: the frame, CRC included
 */
struct worked_frame {
	char kind[32];
	unsigned int line;
	unsigned int fields;
	struct worked_field field[WORKED_FIELDS_MAX];
	size_t len;
	uint8_t bytes[WORKED_FRAME_BYTES];
};

/**
 * worked_frames_read() - read the page
 * @frames: gets the frames, room for WORKED_FRAMES_MAX
 * @count: gets how many
 *
 * The page is looked for below $SMAPPEE_TOP, below the place of this source when
 * it was compiled, and below ".", "..", "../.." and so on. A line that cannot be
 * understood is an error, not skipped.
 *
 * Return: NULL when all is well, else one line that says what is wrong.
 */
const char *worked_frames_read(struct worked_frame *frames, unsigned int *count);

/**
 * worked_value() - text of a field
 * @f: the frame
 * @key: its name
 *
 * Return: the text, NULL if the frame has no such field.
 */
const char *worked_value(const struct worked_frame *f, const char *key);

/** worked_number() - a field as a whole number, decimal or 0x; 0 if there is none */
long long worked_number(const struct worked_frame *f, const char *key);

/**
 * worked_numbers() - a comma list of whole numbers
 * @out: room for @most
 *
 * Return: how many; 0 for an empty list or none.
 */
size_t worked_numbers(const struct worked_frame *f, const char *key, long long *out, size_t most);

/** worked_top() - path of @name below the top of the tree; see worked_frames_read() */
const char *worked_top(const char *name);

#endif
