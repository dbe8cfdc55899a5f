// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers on a medium that takes its time: another process waits for it. pwrite() and
 * fdatasync() of the C library are replaced by those of a medium that waits until it is told.
 */
#include "registers-rig.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <systemd/sd-event.h>

static unsigned int flushes;

/* The medium of another process: it takes its time. */
struct medium {
	sem_t begun;
	sem_t go;
	int answer;  /* errno; -1: the process ends */
	bool stalls; /* writes do, too */
};

static struct medium *medium;
static pid_t self;

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	if (medium && medium->stalls && getpid() != self)
		sem_wait(&medium->go);
	return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

int fdatasync(int fd)
{
	if (medium && getpid() != self) {
		sem_post(&medium->begun);
		sem_wait(&medium->go);
		if (medium->answer < 0)
			_exit(1);
		errno = medium->answer;
		return errno ? -1 : 0;
	}
	flushes++;
	return 0;
}

static uint64_t checkpoint(unsigned int slot)
{
	uint64_t sequence = 0;
	int fd = open(path, O_RDONLY);

	assert_int_equal(pread(fd, &sequence, 8, (off_t)slot * 131072 + 8) >= 0, 1);
	close(fd);
	return sequence;
}

static sd_event *event;

static struct registers *open_slow_medium(void)
{
	struct registers *r = open_registers();

	medium = mmap(NULL, sizeof(*medium), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(medium != MAP_FAILED);
	sem_init(&medium->begun, 1, 0);
	sem_init(&medium->go, 1, 0);
	self = getpid();
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(registers_flush_aside(r, event), 0);
	flushes = 0;
	return r;
}

static void close_slow_medium(struct registers *r)
{
	registers_close(r);
	sd_event_unref(event);
	munmap(medium, sizeof(*medium));
	medium = NULL;
}

static void a_slow_medium_is_not_waited_for(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	struct registers *r = open_slow_medium();
	uint64_t first;

	/* slot 0 was written when the file was made */
	add(r, &in, 0, e);
	assert_int_equal(registers_save(r), 0);
	sem_wait(&medium->begun);
	assert_int_equal(flushes, 0);
	first = checkpoint(1);
	assert_true(first > checkpoint(0));
	/* as long as this one is on its way there is no other */
	add(r, &in, 0, e);
	assert_int_equal(registers_save(r), 0);
	assert_int_equal(registers_note(r), 0);
	assert_int_equal(checkpoint(1), first);
	assert_true(checkpoint(0) < first);
	sem_post(&medium->go);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(registers_save(r), 0);
	sem_wait(&medium->begun);
	assert_int_equal(checkpoint(1), first);
	assert_true(checkpoint(0) > first);
	assert_int_equal(flushes, 0);
	/* at the end it is waited for */
	sem_post(&medium->go);
	close_slow_medium(r);
	assert_int_equal(flushes, 1);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.01);
	registers_close(r);
}

/* As a file system that is busy with its journal, or frozen. */
static void a_write_is_not_waited_for_either(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	struct registers *r = open_slow_medium();
	uint64_t before = checkpoint(1);

	medium->stalls = true;
	add(r, &in, 0, e);
	assert_int_equal(registers_save(r), 0);
	assert_int_equal(registers_save(r), 0);
	assert_int_equal(checkpoint(1), before);
	sem_post(&medium->go);
	sem_post(&medium->go);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_true(checkpoint(1) > before);
	assert_int_equal(flushes, 0);
	/* power fails while one is on its way: it does not come after what is written then */
	assert_int_equal(registers_save(r), 0);
	add(r, &in, 0, e);
	sem_post(&medium->go);
	sem_post(&medium->go);
	assert_int_equal(registers_save_now(r), 0);
	assert_int_equal(flushes, 1);
	before = checkpoint(0);
	assert_true(checkpoint(1) > before);
	close_slow_medium(r);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.01);
	registers_close(r);
}

static void a_checkpoint_that_did_not_reach_the_medium_is_written_again(void **state)
{
	struct registers *r = open_slow_medium();
	uint64_t whole = checkpoint(0);
	uint64_t first;

	medium->answer = EIO;
	registers_save(r);
	sem_wait(&medium->begun);
	first = checkpoint(1);
	sem_post(&medium->go);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	medium->answer = 0;
	sem_post(&medium->go);
	registers_save(r);
	sem_wait(&medium->begun);
	assert_true(checkpoint(1) > first);
	assert_int_equal(checkpoint(0), whole);
	close_slow_medium(r);
}

static void without_the_other_process_a_save_waits(void **state)
{
	struct registers *r = open_slow_medium();

	medium->answer = -1;
	registers_save(r);
	sem_post(&medium->go);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(flushes, 1);
	registers_save(r);
	assert_int_equal(flushes, 2);
	close_slow_medium(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slow_medium_is_not_waited_for),
		TEST(a_write_is_not_waited_for_either),
		TEST(a_checkpoint_that_did_not_reach_the_medium_is_written_again),
		TEST(without_the_other_process_a_save_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
