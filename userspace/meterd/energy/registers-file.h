/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers-file - records that survive the end of the process and of the machine.
 *
 * The file has four slots. Two are checkpoints, written in turn once per interval
 * and flushed to the medium; they are packed, and one page of it with 28 loads. The other
 * two are notes, written in turn with every reading: they survive the end of the process,
 * however sudden, but not that of the machine. In the folder $RUNTIME_DIRECTORY, which is
 * in memory (runtime-folder.h), they are a file of their own and cost the medium nothing; without
 * it they are left to the page cache. Each slot has a sequence number and a CRC-32; the newest
 * valid one is read at start. So a restart loses nothing, a power cut at most one interval, and a
 * slot torn while it was written leaves the one before.
 *
 * The file of the first format (one entry per load) is read, kept as FILE.v1 and
 * replaced by one of this format, which appears under its name when it is on the
 * medium.
 */
#ifndef METERD_REGISTERS_FILE_H
#define METERD_REGISTERS_FILE_H

#include <stdint.h>

#include "reading.h"

#define RECORD_NAME_BYTES 64
#define RECORDS_MAX 900
/* owner of the record of a load */
#define RECORD_LOAD UINT32_MAX
/* owner of the record whose @net_uwh is the UTC, in ms, of the last note; 0: unknown */
#define RECORD_TIME (UINT32_MAX - 1)

/* owner of the record of a contact; see struct pulse_register for what is where */
#define RECORD_CONTACT (UINT32_MAX - 2)

/**
 * struct register_record - a load or an element of one; native byte order, the file stays on
 *	its machine
 * @name: of the load or of the input, padded with NUL; "#1" to "#3" for elements of
 *	the first format, which had no names
 * @owner: number of the record of the load that it is an element of, or RECORD_LOAD
 * @last_cw: active power of an element when the last note was made, 0.01 W
 * @net_uwh: signed energy
 * @import_uwh: import register
 * @export_uwh: export register
 * @estimated_uwh: estimated part, sum of magnitudes
 * @net_uvarh: signed reactive energy
 * @quadrant_uvarh: reactive energy by quadrant
 */
struct register_record {
	char name[RECORD_NAME_BYTES];
	uint32_t owner;
	int32_t last_cw;
	int64_t net_uwh;
	int64_t import_uwh;
	int64_t export_uwh;
	int64_t estimated_uwh;
	int64_t net_uvarh;
	int64_t quadrant_uvarh[READING_QUADRANTS];
};

struct registers_file;
struct sd_event;

/**
 * registers_file_open() - read the records of a file
 * @f: where to put it
 * @path: the file; NULL: keep the records in memory only
 *
 * A file that does not exist yet, or that is of the first format, is made by
 * registers_file_begin().
 *
 * Return: 0 or -errno after printing the error; -EBADMSG when no slot is whole.
 */
int registers_file_open(struct registers_file **f, const char *path);

/**
 * registers_file_begin() - the records are complete: make the file if there is none
 *
 * Return: 0 or -errno after printing the error.
 */
int registers_file_begin(struct registers_file *f);

/** registers_file_name() - path for messages */
const char *registers_file_name(const struct registers_file *f);

/** registers_file_records() - number of records */
unsigned int registers_file_records(const struct registers_file *f);

/** registers_file_record() - record @index */
struct register_record *registers_file_record(struct registers_file *f, unsigned int index);

/**
 * registers_file_add() - a new record, all zero
 * @f: the file
 * @name: its name, at most 63 bytes
 * @owner: its owner
 *
 * Return: its number, or -ENOSPC.
 */
int registers_file_add(struct registers_file *f, const char *name, uint32_t owner);

/** registers_file_note() - write a note; 0, or -errno after printing the error once */
int registers_file_note(struct registers_file *f);

/** registers_file_flush_aside() - see registers_flush_aside() */
int registers_file_flush_aside(struct registers_file *f, struct sd_event *event);

/** registers_file_save() - see registers_save() */
int registers_file_save(struct registers_file *f);

/** registers_file_save_now() - see registers_save_now() */
int registers_file_save_now(struct registers_file *f);

/** registers_file_close() - save, wait for the medium and free; NULL is allowed */
void registers_file_close(struct registers_file *f);

/** registers_file_drop() - free without saving; NULL is allowed */
void registers_file_drop(struct registers_file *f);

#endif
