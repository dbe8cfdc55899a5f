// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file is read and written through pread() and pwrite() of whole slots. It is
 * made under another name and renamed when its first slot is on the medium, so that
 * a file that exists always held a valid slot.
 */
#include "registers.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flush.h"
#include "log.h"

#define MAGIC "meterd1"
#define ENTRIES_MAX 64
#define NAME_BYTES 64
#define SLOT_BYTES 16384
#define SLOTS 4
#define UWH_PER_J (1e6 / 3600.0)

/**
 * struct entry - a load in the file; native byte order, the file stays on its machine
 * @name: of the load, padded with NUL
 * @input: names of the elements
 * @import_uwh: import register
 * @export_uwh: export register
 * @estimated_uwh: estimated part, sum of magnitudes
 * @element_uwh: signed energy of the elements
 */
struct entry {
	char name[NAME_BYTES];
	int64_t import_uwh;
	int64_t export_uwh;
	int64_t estimated_uwh;
	int64_t element_uwh[READING_ELEMENTS_MAX];
};

/**
 * struct slot - a slot of the file
 * @crc: CRC-32 of all that follows, up to the last entry used
 * @entries: entries used
 * @sequence: grows by one with every slot written
 * @magic: MAGIC
 */
struct slot {
	uint32_t crc;
	uint32_t entries;
	uint64_t sequence;
	char magic[8];
	struct entry entry[ENTRIES_MAX];
};

_Static_assert(NAME_BYTES > LOAD_NAME_MAX, "names are held whole");
_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot fits its place in the file");

struct registers {
	unsigned int loads;
	unsigned int elements[ENTRIES_MAX];		    /* of each load */
	unsigned int entry_of[ENTRIES_MAX];		    /* of each load */
	double rest_uwh[ENTRIES_MAX][READING_ELEMENTS_MAX]; /* not yet booked, below 1 uWh */
	struct slot now;
	unsigned int next_checkpoint; /* slot 0 or 1 */
	unsigned int next_note;	      /* slot 2 or 3 */
	int fd;			      /* -1: memory only */
	bool failed;		      /* the last write failed, and was reported */
	struct flush *flush;	      /* NULL: saves wait for the medium */
	bool flushing;		      /* a checkpoint is on its way to the medium */
	bool slow;		      /* it was said that this takes long */
	char *path;
};

/* CRC-32 of Ethernet, four bits at a time. */
static uint32_t crc32(const void *data, size_t bytes)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const unsigned char *p = data;
	uint32_t crc = 0xffffffff;

	while (bytes--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static size_t slot_bytes(const struct slot *s)
{
	return offsetof(struct slot, entry) + s->entries * sizeof(struct entry);
}

static uint32_t slot_crc(const struct slot *s)
{
	return crc32((const char *)s + sizeof(s->crc), slot_bytes(s) - sizeof(s->crc));
}

static bool slot_valid(const struct slot *s, ssize_t bytes)
{
	return bytes >= (ssize_t)offsetof(struct slot, entry) && s->entries <= ENTRIES_MAX &&
	       bytes >= (ssize_t)slot_bytes(s) && !memcmp(s->magic, MAGIC, sizeof(MAGIC)) &&
	       s->crc == slot_crc(s);
}

static int write_slot(struct registers *r, int fd, unsigned int slot)
{
	size_t bytes = slot_bytes(&r->now);
	ssize_t done;

	r->now.sequence++;
	r->now.crc = slot_crc(&r->now);
	done = pwrite(fd, &r->now, bytes, (off_t)slot * SLOT_BYTES);
	if (done == (ssize_t)bytes)
		return 0;
	return done < 0 ? -errno : -ENOSPC;
}

/* Say once that the file cannot be written, and once that it can again. */
static int report(struct registers *r, int error)
{
	if (error && !r->failed)
		log_error("registers file %s: cannot be written: %s; energy goes on being counted, "
			  "but a restart would lose it: make room or repair the medium",
			  r->path, strerror(-error));
	if (!error && r->failed)
		log_notice("registers file %s: can be written again", r->path);
	r->failed = error;
	return error;
}

static unsigned int other(unsigned int slot)
{
	return slot ^ 1;
}

int registers_note(struct registers *r)
{
	if (r->fd < 0)
		return 0;
	/* in turn, so that the last note is whole while this one is written */
	r->next_note = other(r->next_note);
	return report(r, write_slot(r, r->fd, r->next_note));
}

/*
 * A checkpoint is on the medium, or not. A slot whose write failed is tried again: the
 * other one is still whole.
 */
static int checkpoint_done(struct registers *r, int error)
{
	r->flushing = false;
	if (!error)
		r->next_checkpoint = other(r->next_checkpoint);
	return report(r, error);
}

static int checkpoint_now(struct registers *r)
{
	int error = write_slot(r, r->fd, r->next_checkpoint);

	if (!error && fdatasync(r->fd))
		error = -errno;
	return checkpoint_done(r, error);
}

static void on_flushed(void *user, int error)
{
	struct registers *r = user;
	bool lost = r->flushing && error == -EPIPE;

	if (error != -EPIPE) {
		if (r->slow)
			log_notice("registers file %s: the medium answers again", r->path);
		r->slow = false;
		checkpoint_done(r, error);
		return;
	}
	log_error("registers file %s: the process that flushes it has ended; meterd waits for "
		  "the medium itself, restart it to change that",
		  r->path);
	flush_close(r->flush);
	r->flush = NULL;
	if (lost)
		checkpoint_now(r);
}

int registers_flush_aside(struct registers *r, struct sd_event *event)
{
	int error = 0;

	if (r->fd >= 0)
		error = flush_open(&r->flush, event, r->path, on_flushed, r);
	if (error)
		log_error("registers file %s: no process to flush it: %s", r->path,
			  strerror(-error));
	return error;
}

int registers_save(struct registers *r)
{
	int error;

	if (r->fd < 0)
		return 0;
	if (!r->flush)
		return checkpoint_now(r);
	if (r->flushing) {
		if (!r->slow)
			log_warning("registers file %s: the medium has not taken the last "
				    "checkpoint yet; is it worn out, or busy?",
				    r->path);
		r->slow = true;
		return 0;
	}
	error = write_slot(r, r->fd, r->next_checkpoint);
	if (!error)
		error = flush_start(r->flush);
	if (error)
		return checkpoint_done(r, error);
	r->flushing = true;
	return 0;
}

static void flush_folder(const char *path)
{
	char *copy = strdup(path);
	int fd;

	if (!copy)
		return;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Two daemons on one file would set each other's registers back. */
static int lock_file(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

/* A new file appears under its name only when it holds a valid slot. */
static int make_file(struct registers *r)
{
	char temporary[PATH_MAX];
	int error;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", r->path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	error = lock_file(fd);
	if (!error)
		error = write_slot(r, fd, 0);
	if (!error && ftruncate(fd, (off_t)SLOTS * SLOT_BYTES))
		error = -errno;
	if (!error && fsync(fd))
		error = -errno;
	if (!error && rename(temporary, r->path))
		error = -errno;
	if (error) {
		close(fd);
		unlink(temporary);
		return error;
	}
	flush_folder(r->path);
	r->fd = fd;
	r->next_checkpoint = 1;
	r->next_note = 2;
	return 0;
}

/* Read the newest valid slot into @r->now. */
static int read_slots(struct registers *r)
{
	uint64_t sequence[SLOTS] = { 0 };
	struct slot *s = malloc(sizeof(*s));
	bool found = false;
	unsigned int k;

	if (!s)
		return -ENOMEM;
	for (k = 0; k < SLOTS; k++) {
		ssize_t bytes = pread(r->fd, s, sizeof(*s), (off_t)k * SLOT_BYTES);

		if (!slot_valid(s, bytes))
			continue;
		sequence[k] = s->sequence;
		if (!found || s->sequence > r->now.sequence)
			r->now = *s;
		found = true;
	}
	free(s);
	/* the newer checkpoint stays until the other one is on the medium */
	r->next_checkpoint = sequence[0] <= sequence[1] ? 0 : 1;
	r->next_note = sequence[2] <= sequence[3] ? 3 : 2;
	if (found)
		return 0;
	log_error(
		"registers file %s: none of its %d copies is whole; to begin at zero would let the "
		"registers fall: restore the file from a backup, or move it away to begin at zero",
		r->path, SLOTS);
	return -EBADMSG;
}

/* Return: 0, 1 when there is no file yet, or -errno. */
static int open_file(struct registers *r)
{
	int error;

	r->fd = open(r->path, O_RDWR | O_CLOEXEC);
	if (r->fd < 0)
		return errno == ENOENT ? 1 : -errno;
	error = lock_file(r->fd);
	return error ? error : read_slots(r);
}

/* The entry of a load, found by name or new. */
static int find_entry(struct registers *r, const char *name)
{
	unsigned int k;

	for (k = 0; k < r->now.entries; k++)
		if (!strncmp(r->now.entry[k].name, name, NAME_BYTES - 1))
			return (int)k;
	if (k == ENTRIES_MAX)
		return -1;
	memset(&r->now.entry[k], 0, sizeof(r->now.entry[k]));
	strncpy(r->now.entry[k].name, name, NAME_BYTES - 1);
	r->now.entries++;
	return (int)k;
}

static int map_loads(struct registers *r, const struct installation *in)
{
	unsigned int k;

	for (k = 0; k < in->loads; k++) {
		int entry = k < ENTRIES_MAX ? find_entry(r, in->load[k].name) : -1;

		if (entry < 0) {
			log_error("registers file %s: load \"%s\": the file holds %d loads and is "
				  "full; move it away and begin at zero",
				  r->path ? r->path : "(none)", in->load[k].name, ENTRIES_MAX);
			return -ENOSPC;
		}
		r->entry_of[k] = (unsigned int)entry;
		r->elements[k] = in->load[k].elements;
	}
	r->loads = in->loads;
	return 0;
}

static void registers_free(struct registers *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}

int registers_open(struct registers **out, const struct installation *in, const char *path)
{
	struct registers *r = calloc(1, sizeof(*r));
	int error = 0;

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	memcpy(r->now.magic, MAGIC, sizeof(MAGIC));
	if (path) {
		r->path = strdup(path);
		error = r->path ? open_file(r) : -ENOMEM;
	}
	if (error >= 0) {
		int full = map_loads(r, in);

		if (!full && error == 1)
			full = make_file(r);
		error = full;
	}
	if (error) {
		if (error == -EWOULDBLOCK)
			log_error("registers file %s: another meterd uses it; end that, or give "
				  "this one another file",
				  path);
		else if (error != -EBADMSG && error != -ENOSPC)
			log_error("registers file %s: %s; give a file in a folder that meterd may "
				  "write to, [registers] file",
				  path, strerror(-error));
		registers_free(r);
		return error;
	}
	*out = r;
	return 0;
}

static int64_t magnitude(int64_t value)
{
	return value < 0 ? -value : value;
}

static void book(struct registers *r, unsigned int load, const double *energy_j, bool estimated)
{
	struct entry *e = &r->now.entry[r->entry_of[load]];
	int64_t sum = 0;
	unsigned int k;

	for (k = 0; k < r->elements[load]; k++) {
		double uwh = r->rest_uwh[load][k];
		int64_t whole;

		if (isfinite(energy_j[k]))
			uwh += energy_j[k] * UWH_PER_J;
		whole = (int64_t)rint(uwh);
		r->rest_uwh[load][k] = uwh - (double)whole;
		e->element_uwh[k] += whole;
		sum += whole;
	}
	if (sum >= 0)
		e->import_uwh += sum;
	else
		e->export_uwh -= sum;
	if (estimated)
		e->estimated_uwh += magnitude(sum);
}

void registers_add(struct registers *r, unsigned int load, const double *energy_j)
{
	book(r, load, energy_j, false);
}

void registers_estimated(struct registers *r, unsigned int load, const double *energy_j)
{
	book(r, load, energy_j, true);
}

double registers_import_j(const struct registers *r, unsigned int load)
{
	return (double)r->now.entry[r->entry_of[load]].import_uwh / UWH_PER_J;
}

double registers_export_j(const struct registers *r, unsigned int load)
{
	return (double)r->now.entry[r->entry_of[load]].export_uwh / UWH_PER_J;
}

double registers_estimated_j(const struct registers *r, unsigned int load)
{
	return (double)r->now.entry[r->entry_of[load]].estimated_uwh / UWH_PER_J;
}

int64_t registers_element_uwh(const struct registers *r, unsigned int load, unsigned int element)
{
	return r->now.entry[r->entry_of[load]].element_uwh[element];
}

void registers_close(struct registers *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		checkpoint_now(r);
	flush_close(r->flush);
	registers_free(r);
}
