/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record-pack - the records of one mark as a few bytes, and back.
 *
 * Every minute the records of all loads are written to the medium, and the medium writes
 * whole pages: a row for each would be three times as much. The records that end at one
 * mark are columns of numbers (load, flags, covered_ms, import_uwh, export_uwh,
 * import_total_uwh, export_total_uwh, then mean, min and max of each quantity), each column
 * one number per record, and the whole is deflated (zlib, RFC 1950), whose checksum tells
 * damage.
 *
 * A number is signed: 2n, or -2n - 1 when negative; of a value one more, and 0 is not
 * known. Min and max are the differences to the mean, where this is known. It is written as
 * groups of 7 bits, lowest first, bit 7 set in all but the last (LEB128).
 */
#ifndef METERD_RECORD_PACK_H
#define METERD_RECORD_PACK_H

#include <stddef.h>

#include "record.h"

/* records in one pack */
#define RECORD_PACK_MAX 128
/* bytes that are always enough for a pack */
#define RECORD_PACK_BYTES 40960

/**
 * record_pack() - pack intervals
 * @r: records; what they have in common (kind, sequence, utc_ms, uptime_ms) and their names
 *	are not packed
 * @load: number of the load of each
 * @n: how many, 1 to RECORD_PACK_MAX
 * @to: RECORD_PACK_BYTES
 *
 * Return: bytes, or -EINVAL, -ENOMEM.
 */
int record_pack(const struct record *r, const int64_t *load, unsigned int n, unsigned char *to);

/**
 * record_unpack() - unpack them; only what was packed is set
 * @from: as record_pack() made it; it is checked, and may be anything
 * @bytes: its length
 * @r: where to put them
 * @load: number of the load of each
 * @n: how many were packed
 *
 * Return: 0, or -EBADMSG: it is damaged; -ENOMEM.
 */
int record_unpack(const unsigned char *from, size_t bytes, struct record *r, int64_t *load,
		  unsigned int n);

#endif
