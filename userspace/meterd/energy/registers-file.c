// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file is read and written through pread() and pwrite() of whole slots. It is
 * made under another name and renamed when its first slot is on the medium, so that
 * a file that exists always held a valid slot.
 */
#include "registers-file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "crc32.h"
#include "flush.h"
#include "log.h"
#include "registers-v1.h"

#define MAGIC "meterd2"
#define MAGIC_PACKED "meterd3"
#define SLOT_BYTES 131072
#define SLOTS 4
/* of them, those before this one are checkpoints, the others notes */
#define FIRST_NOTE 2
/* 2 s for the lock of a file at the start */
#define LOCK_PAUSES 100
#define LOCK_PAUSE_NS 20000000

/**
 * struct slot - a slot of the file
 * @crc: CRC-32 of all that follows, up to the last record used
 * @records: records used
 * @sequence: grows by one with every slot written
 * @magic: MAGIC
 * @record: the records; none is ever moved or removed
 */
struct slot {
	uint32_t crc;
	uint32_t records;
	uint64_t sequence;
	char magic[8];
	struct register_record record[RECORDS_MAX];
};

_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot fits its place in the file");
_Static_assert(SLOT_BYTES <= FLUSH_BYTES_MAX, "a slot can be written aside");

/**
 * struct packed - a slot whose records are deflated, so that it is one page of the medium
 * @crc: CRC-32 of all that follows
 * @records: records in it
 * @sequence: see struct slot
 * @magic: MAGIC_PACKED
 * @bytes: of @data
 * @data: the records
 */
struct packed {
	uint32_t crc;
	uint32_t records;
	uint64_t sequence;
	char magic[8];
	uint32_t bytes;
	unsigned char data[SLOT_BYTES - 28];
};

_Static_assert(offsetof(struct packed, data) == 28, "a packed slot has no holes");

struct registers_file {
	struct slot now;
	unsigned int next_checkpoint; /* slot 0 or 1 */
	unsigned int next_note;	      /* slot 2 or 3 */
	int fd;			      /* -1: memory only */
	bool wanted;		      /* there is a path, but no file of this format yet */
	bool old;		      /* fd is a file of the first format */
	bool failed;		      /* the last write failed, and was reported */
	struct flush *flush;	      /* NULL: saves wait for the medium */
	bool flushing;		      /* a checkpoint is on its way to the medium */
	bool slow;		      /* it was said that this takes long */
	bool left;		      /* its file system gave up: fd is -1, look for it again */
	struct sd_event *event;	      /* loop of flush; NULL: none was wanted */
	char *path;
	int notes; /* file of the notes, in memory; -1: they are slots of fd */
	char *notes_path;
	struct packed packed;
};

static size_t slot_bytes(const struct slot *s)
{
	return offsetof(struct slot, record) + s->records * sizeof(struct register_record);
}

static uint32_t slot_crc(const struct slot *s)
{
	return crc32_ethernet((const char *)s + sizeof(s->crc), slot_bytes(s) - sizeof(s->crc));
}

static uint32_t packed_crc(const struct packed *p)
{
	return crc32_ethernet((const char *)p + sizeof(p->crc),
			      offsetof(struct packed, data) - sizeof(p->crc) + p->bytes);
}

static size_t pack(struct packed *p, const struct slot *s)
{
	uLongf bytes = sizeof(p->data);

	if (compress2(p->data, &bytes, (const Bytef *)s->record,
		      s->records * sizeof(struct register_record), Z_BEST_SPEED) != Z_OK)
		return 0;
	p->records = s->records;
	p->sequence = s->sequence;
	memcpy(p->magic, MAGIC_PACKED, sizeof(MAGIC_PACKED));
	p->bytes = (uint32_t)bytes;
	p->crc = packed_crc(p);
	return offsetof(struct packed, data) + bytes;
}

/* Return: whether @p is whole; it is in @s then. */
static bool unpack(struct slot *s, const struct packed *p, ssize_t bytes)
{
	uLongf room = sizeof(s->record);

	if (bytes < (ssize_t)offsetof(struct packed, data) ||
	    memcmp(p->magic, MAGIC_PACKED, sizeof(MAGIC_PACKED)) || p->records > RECORDS_MAX ||
	    p->bytes > (size_t)bytes - offsetof(struct packed, data) || p->crc != packed_crc(p) ||
	    uncompress((Bytef *)s->record, &room, p->data, p->bytes) != Z_OK ||
	    room != p->records * sizeof(struct register_record))
		return false;
	s->records = p->records;
	s->sequence = p->sequence;
	memcpy(s->magic, MAGIC, sizeof(MAGIC));
	return true;
}

static bool slot_valid(const struct slot *s, ssize_t bytes)
{
	return bytes >= (ssize_t)offsetof(struct slot, record) && s->records <= RECORDS_MAX &&
	       bytes >= (ssize_t)slot_bytes(s) && !memcmp(s->magic, MAGIC, sizeof(MAGIC)) &&
	       s->crc == slot_crc(s);
}

static bool is_note(unsigned int slot)
{
	return slot >= FIRST_NOTE;
}

/* What is to be written into a slot. Return: its bytes, 0: memory is short. */
static size_t fill_slot(struct registers_file *f, unsigned int slot, const void **from)
{
	f->now.sequence++;
	if (is_note(slot)) {
		f->now.crc = slot_crc(&f->now);
		*from = &f->now;
		return slot_bytes(&f->now);
	}
	*from = &f->packed;
	return pack(&f->packed, &f->now);
}

static int write_slot(struct registers_file *f, int fd, unsigned int slot)
{
	const void *from;
	size_t bytes = fill_slot(f, slot, &from);
	ssize_t done;

	if (!bytes)
		return -ENOMEM;
	done = pwrite(fd, from, bytes, (off_t)slot * SLOT_BYTES);
	if (done == (ssize_t)bytes)
		return 0;
	return done < 0 ? -errno : -ENOSPC;
}

/* Say once that the file cannot be written, and once that it can again. */
static int report(struct registers_file *f, int error)
{
	if (error && !f->failed)
		log_error("registers file %s: cannot be written: %s; energy goes on being counted, "
			  "but a restart would lose it: make room or repair the medium",
			  f->path, strerror(-error));
	if (!error && f->failed)
		log_notice("registers file %s: can be written again", f->path);
	f->failed = error;
	return error;
}

/* Two daemons on one file would set each other's registers back. */
static int lock_file(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

/*
 * At the start: a child of a meterd that was killed has its files open until it has noticed,
 * and a service is started again at once.
 */
static int wait_for_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	unsigned int k;
	int error = lock_file(fd);

	for (k = 0; k < LOCK_PAUSES && error == -EWOULDBLOCK; k++) {
		nanosleep(&pause, NULL);
		error = lock_file(fd);
	}
	return error;
}

static unsigned int other(unsigned int slot)
{
	return slot ^ 1;
}

/*
 * A file system that gave up (an error of the medium made it read-only) can be repaired
 * only when nobody has files on it open. So this one is left, and taken again when a
 * file is there that can be written.
 */
static void leave(struct registers_file *f)
{
	flush_close(f->flush);
	f->flush = NULL;
	f->flushing = false;
	close(f->fd);
	f->fd = -1;
	f->left = true;
}

static int leave_if_broken(struct registers_file *f, int error)
{
	if ((error == -EROFS || error == -EIO) && f->fd >= 0)
		leave(f);
	return error;
}

int registers_file_note(struct registers_file *f)
{
	int fd = f->notes < 0 ? f->fd : f->notes;

	if (fd < 0)
		return 0;
	/* in turn, so that the last note is whole while this one is written */
	f->next_note = other(f->next_note);
	if (f->notes >= 0)
		return write_slot(f, fd, f->next_note);
	return leave_if_broken(f, report(f, write_slot(f, fd, f->next_note)));
}

/*
 * A checkpoint is on the medium, or not. A slot whose write failed is tried again: the
 * other one is still whole.
 */
static int checkpoint_done(struct registers_file *f, int error)
{
	f->flushing = false;
	if (!error)
		f->next_checkpoint = other(f->next_checkpoint);
	return report(f, error);
}

static int checkpoint_now(struct registers_file *f)
{
	int error = write_slot(f, f->fd, f->next_checkpoint);

	if (!error && fdatasync(f->fd))
		error = -errno;
	return checkpoint_done(f, error);
}

static void on_flushed(void *user, int error, bool written)
{
	struct registers_file *f = user;
	bool lost = f->flushing && error == -EPIPE;

	if (error != -EPIPE) {
		if (f->slow)
			log_notice("registers file %s: the medium answers again", f->path);
		f->slow = false;
		error = checkpoint_done(f, error);
		if (!written)
			leave_if_broken(f, error);
		return;
	}
	log_error("registers file %s: the process that flushes it has ended; meterd waits for "
		  "the medium itself, restart it to change that",
		  f->path);
	flush_close(f->flush);
	f->flush = NULL;
	if (lost)
		checkpoint_now(f);
}

int registers_file_flush_aside(struct registers_file *f, struct sd_event *event)
{
	int error = 0;

	f->event = event;
	if (f->fd >= 0)
		error = flush_open(&f->flush, event, f->path, on_flushed, f);
	if (error)
		log_error("registers file %s: no process to flush it: %s", f->path,
			  strerror(-error));
	return error;
}

/* The file has to be there: its folder may be one that nothing is mounted on. */
static int take_again(struct registers_file *f)
{
	struct slot head;
	unsigned int k;
	int error;

	f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	error = f->fd < 0 ? -errno : lock_file(f->fd);
	for (k = 0; k < SLOTS && !error; k++) {
		ssize_t bytes =
			pread(f->fd, &head, offsetof(struct slot, record), (off_t)k * SLOT_BYTES);

		if (bytes == (ssize_t)offsetof(struct slot, record) &&
		    head.sequence > f->now.sequence &&
		    (!memcmp(head.magic, MAGIC, sizeof(MAGIC)) ||
		     !memcmp(head.magic, MAGIC_PACKED, sizeof(MAGIC_PACKED))))
			f->now.sequence = head.sequence;
	}
	error = error ? error : checkpoint_now(f);
	if (error && f->fd >= 0) {
		close(f->fd);
		f->fd = -1;
	}
	f->left = error;
	if (!error && f->event)
		registers_file_flush_aside(f, f->event);
	return error;
}

/* What is on its way would come after what is written now, and is older. */
static void wait_for_flush(struct registers_file *f)
{
	if (f->flush && f->flushing)
		flush_wait(f->flush);
}

int registers_file_save_now(struct registers_file *f)
{
	wait_for_flush(f);
	if (f->left)
		return take_again(f);
	return f->fd >= 0 ? leave_if_broken(f, checkpoint_now(f)) : 0;
}

/* Not even the cache of the file system may be waited for. */
static int begin_checkpoint(struct registers_file *f)
{
	const void *from;
	size_t bytes = fill_slot(f, f->next_checkpoint, &from);

	return bytes ? flush_start(f->flush, from, bytes, (off_t)f->next_checkpoint * SLOT_BYTES)
		     : -ENOMEM;
}

int registers_file_save(struct registers_file *f)
{
	int error;

	if (f->left)
		return take_again(f);
	if (f->fd < 0)
		return 0;
	if (!f->flush)
		return leave_if_broken(f, checkpoint_now(f));
	if (f->flushing) {
		if (!f->slow)
			log_warning("registers file %s: the medium has not taken the last "
				    "checkpoint yet; is it worn out, or busy?",
				    f->path);
		f->slow = true;
		return 0;
	}
	error = begin_checkpoint(f);
	if (error)
		return leave_if_broken(f, checkpoint_done(f, error));
	f->flushing = true;
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

/* A new file appears under its name only when it holds a valid slot. */
static int make_file(struct registers_file *f)
{
	char temporary[PATH_MAX];
	int error;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", f->path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	error = lock_file(fd);
	if (!error)
		error = write_slot(f, fd, 0);
	if (!error && ftruncate(fd, (off_t)SLOTS * SLOT_BYTES))
		error = -errno;
	if (!error && fsync(fd))
		error = -errno;
	if (!error && rename(temporary, f->path))
		error = -errno;
	if (error) {
		close(fd);
		unlink(temporary);
		return error;
	}
	flush_folder(f->path);
	/* notes of a file that was here before */
	if (f->notes >= 0 && ftruncate(f->notes, 0))
		log_error("registers: %s: %s", f->notes_path, strerror(errno));
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->next_checkpoint = 1;
	f->next_note = 2;
	return 0;
}

/* Read a slot into @s. Return: whether it is whole. */
static bool read_slot(int fd, unsigned int slot, struct slot *s, struct packed *room)
{
	ssize_t bytes = pread(fd, room, sizeof(*room), (off_t)slot * SLOT_BYTES);

	if (unpack(s, room, bytes))
		return true;
	bytes = pread(fd, s, sizeof(*s), (off_t)slot * SLOT_BYTES);
	return slot_valid(s, bytes);
}

/* Read the newest valid slot into @f->now. */
static int read_slots(struct registers_file *f)
{
	uint64_t sequence[SLOTS] = { 0 };
	struct slot *s = malloc(sizeof(*s));
	bool found = false;
	unsigned int k;

	if (!s)
		return -ENOMEM;
	/* notes in the file itself, and those in memory */
	for (k = 0; k < 2 * SLOTS; k++) {
		unsigned int slot = k % SLOTS;
		int fd = k < SLOTS ? f->fd : f->notes;

		if (fd < 0 || (k >= SLOTS && !is_note(slot)) ||
		    !read_slot(fd, slot, s, &f->packed) || s->sequence <= sequence[slot])
			continue;
		sequence[slot] = s->sequence;
		if (!found || s->sequence > f->now.sequence)
			f->now = *s;
		found = true;
	}
	free(s);
	/* the newer checkpoint stays until the other one is on the medium */
	f->next_checkpoint = sequence[0] <= sequence[1] ? 0 : 1;
	f->next_note = sequence[2] <= sequence[3] ? 3 : 2;
	if (found)
		return 0;
	return -EBADMSG;
}

/* The first format is read once, and never written. */
static int read_old(struct registers_file *f)
{
	int records = registers_v1_read(f->fd, f->now.record);

	if (records < 0) {
		log_error("registers file %s: none of its %d copies is whole; to begin at zero "
			  "would let the registers fall: restore the file from a backup, or move "
			  "it away to begin at zero",
			  f->path, SLOTS);
		return -EBADMSG;
	}
	f->now.records = (uint32_t)records;
	f->now.sequence = 0;
	f->old = true;
	return 0;
}

/*
 * Notes survive the end of the process only, so they need no medium: 28 loads would write
 * 100 MB a day for them. There is a folder in memory that is kept until the next boot
 * (runtime-folder.h); without it they are slots of the file.
 */
static void open_notes(struct registers_file *f)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");

	if (!folder ||
	    asprintf(&f->notes_path, "%.*s/registers-%08x.notes", (int)strcspn(folder, ":"), folder,
		     crc32_ethernet(f->path, strlen(f->path))) < 0) {
		f->notes_path = NULL;
		return;
	}
	f->notes = open(f->notes_path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (f->notes >= 0 && !wait_for_lock(f->notes))
		return;
	log_warning("registers: notes are kept on the medium, since %s: %s", f->notes_path,
		    strerror(errno));
	if (f->notes >= 0)
		close(f->notes);
	f->notes = -1;
}

static int open_path(struct registers_file *f)
{
	int error;

	open_notes(f);

	f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	if (f->fd < 0) {
		f->wanted = errno == ENOENT;
		return f->wanted ? 0 : -errno;
	}
	error = wait_for_lock(f->fd);
	if (!error)
		error = read_slots(f);
	return error == -EBADMSG ? read_old(f) : error;
}

static int complain(const struct registers_file *f, int error)
{
	if (error == -EWOULDBLOCK)
		log_error("registers file %s: another meterd uses it; end that, or give this one "
			  "another file",
			  f->path);
	else if (error != -EBADMSG)
		log_error("registers file %s: %s; give a file in a folder that meterd may write "
			  "to, [registers] file",
			  f->path, strerror(-error));
	return error;
}

int registers_file_open(struct registers_file **out, const char *path)
{
	struct registers_file *f = calloc(1, sizeof(*f));
	int error = 0;

	if (!f)
		return -ENOMEM;
	f->fd = -1;
	f->notes = -1;
	memcpy(f->now.magic, MAGIC, sizeof(MAGIC));
	if (path) {
		f->path = strdup(path);
		error = f->path ? open_path(f) : -ENOMEM;
	}
	if (error) {
		complain(f, error);
		registers_file_drop(f);
		return error;
	}
	*out = f;
	return 0;
}

/* Keep the file of the first format under another name; a link needs no room. */
static int keep_old(const struct registers_file *f)
{
	char kept[PATH_MAX];

	if (snprintf(kept, sizeof(kept), "%s.v1", f->path) >= (int)sizeof(kept))
		return -ENAMETOOLONG;
	if (link(f->path, kept) && errno != EEXIST)
		return -errno;
	log_notice("registers file %s: brought to a new format; the file as it was is %s", f->path,
		   kept);
	return 0;
}

int registers_file_begin(struct registers_file *f)
{
	int error = 0;

	if (f->old)
		error = keep_old(f);
	if (!error && (f->old || f->wanted))
		error = make_file(f);
	if (error)
		return complain(f, error);
	f->old = false;
	f->wanted = false;
	return 0;
}

const char *registers_file_name(const struct registers_file *f)
{
	return f->path ? f->path : "(none)";
}

unsigned int registers_file_records(const struct registers_file *f)
{
	return f->now.records;
}

struct register_record *registers_file_record(struct registers_file *f, unsigned int index)
{
	return &f->now.record[index];
}

int registers_file_add(struct registers_file *f, const char *name, uint32_t owner)
{
	struct register_record *r = &f->now.record[f->now.records];

	if (f->now.records == RECORDS_MAX)
		return -ENOSPC;
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->owner = owner;
	return (int)f->now.records++;
}

void registers_file_drop(struct registers_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->notes >= 0)
		close(f->notes);
	free(f->notes_path);
	free(f->path);
	free(f);
}

void registers_file_close(struct registers_file *f)
{
	if (!f)
		return;
	wait_for_flush(f);
	/* without notes the checkpoint is what counts, also when it is put back from a backup */
	if (f->fd >= 0 && !checkpoint_now(f) && f->notes >= 0)
		unlink(f->notes_path);
	flush_close(f->flush);
	registers_file_drop(f);
}
