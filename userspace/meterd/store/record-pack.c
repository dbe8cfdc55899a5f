// SPDX-License-Identifier: GPL-2.0-or-later
#include "record-pack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define NUMBER_BYTES 10
#define NUMBERS 7
#define COLUMNS (NUMBERS + RECORD_QUANTITIES * RECORD_STATISTICS)
#define PLAIN_BYTES (RECORD_PACK_MAX * COLUMNS * NUMBER_BYTES)

/* deflate: 5 bytes more for each 16 kB that it cannot make shorter, and 6 for all */
_Static_assert(PLAIN_BYTES + 5 * (PLAIN_BYTES / 16000 + 1) + 6 <= RECORD_PACK_BYTES,
	       "a pack of numbers that cannot be deflated");

/**
 * struct plain - packed numbers before they are deflated
 * @bytes: written, or there
 * @at: read so far
 * @bad: a number that is none, or the end before it
 * @data: numbers
 */
struct plain {
	size_t bytes;
	size_t at;
	bool bad;
	unsigned char data[PLAIN_BYTES];
};

static void put(struct plain *p, uint64_t number)
{
	while (number > 0x7f) {
		p->data[p->bytes++] = (unsigned char)(number | 0x80);
		number >>= 7;
	}
	p->data[p->bytes++] = (unsigned char)number;
}

static uint64_t get(struct plain *p)
{
	uint64_t number = 0;
	unsigned int shift;

	for (shift = 0; shift < 64 && p->at < p->bytes; shift += 7) {
		unsigned char byte = p->data[p->at++];

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	p->bad = true;
	return 0;
}

static uint64_t folded(int64_t n)
{
	return n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1;
}

static int64_t unfolded(uint64_t n)
{
	return (int64_t)(n & 1 ? ~(n >> 1) : n >> 1);
}

/* What min and max are told against. */
static int64_t reference(const int32_t *value, unsigned int statistic)
{
	return statistic == RECORD_MEAN || value[RECORD_MEAN] == RECORD_UNKNOWN
		       ? 0
		       : value[RECORD_MEAN];
}

static void put_value(struct plain *p, const int32_t *value, unsigned int statistic)
{
	if (value[statistic] == RECORD_UNKNOWN)
		put(p, 0);
	else
		put(p, folded(value[statistic] - reference(value, statistic)) + 1);
}

static void get_value(struct plain *p, int32_t *value, unsigned int statistic)
{
	uint64_t n = get(p);
	int64_t whole;

	value[statistic] = RECORD_UNKNOWN;
	if (!n)
		return;
	/* no difference of two of them is longer than this */
	if (n > (uint64_t)4 * UINT32_MAX) {
		p->bad = true;
		return;
	}
	whole = unfolded(n - 1) + reference(value, statistic);
	if (whole <= INT32_MIN || whole > INT32_MAX)
		p->bad = true;
	else
		value[statistic] = (int32_t)whole;
}

static int64_t number_of(const struct record *r, int64_t load, unsigned int column)
{
	switch (column) {
	case 0:
		return load;
	case 1:
		return r->flags;
	case 2:
		return r->covered_ms;
	case 3:
		return r->import_uwh;
	case 4:
		return r->export_uwh;
	case 5:
		return r->import_total_uwh;
	default:
		return r->export_total_uwh;
	}
}

static bool set_number(struct record *r, int64_t *load, unsigned int column, int64_t n)
{
	bool fits = n >= 0 && n <= UINT32_MAX;

	switch (column) {
	case 0:
		*load = n;
		return true;
	case 1:
		r->flags = (uint32_t)n;
		return fits;
	case 2:
		r->covered_ms = (uint32_t)n;
		return fits;
	case 3:
		r->import_uwh = n;
		return true;
	case 4:
		r->export_uwh = n;
		return true;
	case 5:
		r->import_total_uwh = n;
		return true;
	default:
		r->export_total_uwh = n;
		return true;
	}
}

int record_pack(const struct record *r, const int64_t *load, unsigned int n, unsigned char *to)
{
	uLongf bytes = RECORD_PACK_BYTES;
	struct plain p;
	unsigned int column, q, s, k;

	if (!n || n > RECORD_PACK_MAX)
		return -EINVAL;
	p.bytes = 0;
	for (column = 0; column < NUMBERS; column++)
		for (k = 0; k < n; k++)
			put(&p, folded(number_of(&r[k], load[k], column)));
	for (q = 0; q < RECORD_QUANTITIES; q++)
		for (s = 0; s < RECORD_STATISTICS; s++)
			for (k = 0; k < n; k++)
				put_value(&p, r[k].value[q], s);
	return compress2(to, &bytes, p.data, p.bytes, Z_BEST_COMPRESSION) == Z_OK ? (int)bytes
										  : -ENOMEM;
}

int record_unpack(const unsigned char *from, size_t bytes, struct record *r, int64_t *load,
		  unsigned int n)
{
	uLongf plain_bytes = PLAIN_BYTES;
	unsigned int column, q, s, k;
	struct plain p;
	int rc;

	if (!n || n > RECORD_PACK_MAX)
		return -EBADMSG;
	rc = uncompress(p.data, &plain_bytes, from, bytes);
	if (rc != Z_OK)
		return rc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	p.bytes = plain_bytes;
	p.at = 0;
	p.bad = false;
	for (column = 0; column < NUMBERS; column++)
		for (k = 0; k < n; k++)
			p.bad |= !set_number(&r[k], &load[k], column, unfolded(get(&p)));
	for (q = 0; q < RECORD_QUANTITIES; q++)
		for (s = 0; s < RECORD_STATISTICS; s++)
			for (k = 0; k < n; k++)
				get_value(&p, r[k].value[q], s);
	return p.bad || p.at != p.bytes ? -EBADMSG : 0;
}
