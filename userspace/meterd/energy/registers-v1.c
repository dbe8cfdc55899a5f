// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The layout is that of the struct below in native byte order, four copies of it at
 * multiples of 16 KiB.
 */
#include "registers-v1.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32.h"

#define MAGIC "meterd1"
#define ENTRIES_MAX 64
#define ELEMENTS 3
#define SLOT_BYTES 16384
#define SLOTS 4

struct entry {
	char name[RECORD_NAME_BYTES];
	int64_t import_uwh;
	int64_t export_uwh;
	int64_t estimated_uwh;
	int64_t element_uwh[ELEMENTS];
};

struct slot {
	uint32_t crc;
	uint32_t entries;
	uint64_t sequence;
	char magic[8];
	struct entry entry[ENTRIES_MAX];
};

_Static_assert(ENTRIES_MAX * (1 + ELEMENTS) <= RECORDS_MAX, "all entries fit");

static bool is_whole(const struct slot *s, ssize_t bytes)
{
	size_t used;

	if (bytes < (ssize_t)offsetof(struct slot, entry) || s->entries > ENTRIES_MAX)
		return false;
	used = offsetof(struct slot, entry) + s->entries * sizeof(struct entry);
	return bytes >= (ssize_t)used && !memcmp(s->magic, MAGIC, sizeof(MAGIC)) &&
	       s->crc == crc32_ethernet((const char *)s + sizeof(s->crc), used - sizeof(s->crc));
}

static void split(struct register_record *r, int64_t net_uwh)
{
	r->net_uwh = net_uwh;
	r->import_uwh = net_uwh > 0 ? net_uwh : 0;
	r->export_uwh = net_uwh < 0 ? -net_uwh : 0;
}

/* Return: how many records the entry makes. */
static unsigned int convert(const struct entry *e, struct register_record *r, unsigned int number)
{
	unsigned int made = 1;
	unsigned int k;

	*r = (struct register_record){ .owner = RECORD_LOAD };
	memcpy(r->name, e->name, sizeof(r->name) - 1);
	r->net_uwh = e->import_uwh - e->export_uwh;
	r->import_uwh = e->import_uwh;
	r->export_uwh = e->export_uwh;
	r->estimated_uwh = e->estimated_uwh;
	for (k = 0; k < ELEMENTS; k++) {
		if (!e->element_uwh[k])
			continue;
		r[made] = (struct register_record){ .owner = number };
		snprintf(r[made].name, sizeof(r[made].name), "#%u", k + 1);
		split(&r[made++], e->element_uwh[k]);
	}
	return made;
}

int registers_v1_read(int fd, struct register_record *record)
{
	struct slot *now = calloc(2, sizeof(*now));
	struct slot *next;
	unsigned int records = 0;
	bool found = false;
	unsigned int k;

	if (!now)
		return -ENOMEM;
	next = now + 1;
	for (k = 0; k < SLOTS; k++) {
		ssize_t bytes = pread(fd, next, sizeof(*next), (off_t)k * SLOT_BYTES);

		if (!is_whole(next, bytes) || (found && next->sequence <= now->sequence))
			continue;
		*now = *next;
		found = true;
	}
	for (k = 0; found && k < now->entries; k++)
		records += convert(&now->entry[k], record + records, records);
	free(now);
	return found ? (int)records : -EBADMSG;
}
