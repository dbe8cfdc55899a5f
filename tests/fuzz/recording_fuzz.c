/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: recordings. The first byte chooses the format: CSV, COMTRADE (the
 * configuration up to the first NUL, then the samples), a capture as it is, or a capture
 * whose check sums are made right, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compact.h"
#include "crc32.h"
#include "log.h"
#include "recording.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *input, size_t size);

static char cfg[64];
static char dat[64];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_level(LOG_EMERG);
	snprintf(cfg, sizeof(cfg), "/tmp/recording-fuzz-%d.cfg", (int)getpid());
	snprintf(dat, sizeof(dat), "/tmp/recording-fuzz-%d.dat", (int)getpid());
	return 0;
}

static void put32(unsigned char *p, uint32_t v)
{
	unsigned int k;

	for (k = 0; k < 4; k++, v >>= 8)
		p[k] = (unsigned char)v;
}

static void make_checksums_right(unsigned char *p, size_t size)
{
	uint32_t crc;
	size_t at = COMPACT_HEAD_BYTES;
	size_t n;

	if (size < at)
		return;
	n = compact_head_check(p, &crc);
	if (!n || n > size - at)
		return;
	put32(p + 12, crc32_ethernet(p + at, n));
	for (at += n; size - at >= COMPACT_FRAME_BYTES; at += n) {
		n = compact_frame(p + at, &crc);
		if (n > size - at - COMPACT_FRAME_BYTES)
			return;
		put32(p + at + 4, crc32_ethernet(p + at + COMPACT_FRAME_BYTES, n));
		at += COMPACT_FRAME_BYTES;
	}
}

static FILE *memory(const unsigned char *bytes, size_t size)
{
	FILE *f = fmemopen(NULL, size + 1, "w+");

	if (!f || fwrite(bytes, 1, size, f) != size)
		abort();
	/* a file ends where its bytes do */
	fflush(f);
	rewind(f);
	return f;
}

static int open_comtrade(struct recording **r, const unsigned char *bytes, size_t size)
{
	const unsigned char *end = memchr(bytes, 0, size);
	size_t n = end ? (size_t)(end - bytes) : size;
	FILE *f = fopen(dat, "w");

	if (!f)
		abort();
	if (end)
		fwrite(end + 1, 1, size - n - 1, f);
	fclose(f);
	return recording_begin(r, &recording_comtrade, memory(bytes, n), cfg);
}

static void read_all(struct recording *r)
{
	unsigned int blocks = 0;
	unsigned int k;

	for (k = 0; k < r->channels; k++)
		r->channel[k].wanted = k & 1;
	while (blocks++ < 100 && recording_read(r, 1 + blocks * 7) > 0)
		if (!r->scans || r->scans > RECORDING_BLOCK)
			abort();
	if (!recording_rewind(r))
		recording_read(r, RECORDING_BLOCK);
	recording_find(r, "hub1", "A");
}

int LLVMFuzzerTestOneInput(const unsigned char *input, size_t size)
{
	struct recording *r;
	unsigned char *bytes;
	int error;

	if (size < 2)
		return 0;
	size--;
	bytes = malloc(size);
	memcpy(bytes, input + 1, size);
	if (input[0] % 4 == 3)
		make_checksums_right(bytes, size);
	if (input[0] % 4 == 0)
		error = recording_begin(&r, &recording_csv, memory(bytes, size), "fuzz.csv");
	else if (input[0] % 4 == 1)
		error = open_comtrade(&r, bytes, size);
	else
		error = recording_begin(&r, &recording_compact, memory(bytes, size), "fuzz");
	if (!error) {
		read_all(r);
		recording_close(r);
	}
	unlink(dat);
	free(bytes);
	return 0;
}
