// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Energy registers: exact sums, and a file that survives a kill at any point.
 * pwrite() and fdatasync() of the C library are replaced, so that the test can stop
 * the process after any number of bytes.
 */
#include "chain.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "registers-file.h"
#include "registers-v1-file.h"
#include "registers.h"

static char folder[64];
static char path[128];
static uint64_t seed;
static long budget = -1; /* bytes until the process dies; -1: never */
static int refuse;	 /* errno of all writes */
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
	if (refuse) {
		errno = refuse;
		return -1;
	}
	if (budget >= 0 && (long)bytes > budget) {
		syscall(SYS_pwrite64, fd, data, (size_t)budget, offset);
		_exit(9);
	}
	if (budget >= 0)
		budget -= (long)bytes;
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

static struct load loads[2] = {
	{ .name = "heat pump",
	  .elements = 3,
	  .element = { { .input = "hub1/A" }, { .input = "hub1/B" }, { .input = "hub1/C" } } },
	{ .name = "roof", .elements = 1, .first = 3, .element = { { .input = "hub1/D" } } },
};

static struct installation in = { .loads = 2, .load = loads };

/* Book @energy_j in the elements of one load, nothing in the others. */
static void add(struct registers *r, const struct installation *of, unsigned int l,
		const double *energy_j)
{
	struct energy_step step[INPUT_CHANNELS_MAX];
	unsigned int k;

	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		step[k] = (struct energy_step){ .below_range = true };
	for (k = 0; k < of->load[l].elements; k++)
		step[of->load[l].first + k] =
			(struct energy_step){ energy_j[k], energy_j[k] / 2, false };
	registers_add(r, step);
}

static struct registers *open_registers(void)
{
	struct registers *r = NULL;

	assert_int_equal(registers_open(&r, &in, path), 0);
	return r;
}

static int setup(void **state)
{
	strcpy(folder, "/tmp/registers-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/registers", folder);
	budget = -1;
	refuse = 0;
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void import_minus_export_is_the_sum_of_the_elements(void **state)
{
	struct registers *r;
	double sum[3] = { 0 };
	double import = 0.0;
	double export = 0.0;
	int64_t elements;
	unsigned int n;
	unsigned int k;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (n = 0; n < 100000; n++) {
		double e[3];
		double net = 0.0;

		for (k = 0; k < 3; k++) {
			e[k] = 2000.0 * (random_part(&seed) - 0.45) * 0.2;
			sum[k] += e[k];
			net += e[k];
		}
		import += net > 0 ? net : 0;
		export -= net < 0 ? net : 0;
		add(r, &in, 0, e);
	}
	elements = 0;
	for (k = 0; k < 3; k++) {
		elements += registers_element_uwh(r, 0, k);
		/* nothing is lost below 1 uWh, whatever the number of windows */
		assert_double_equal(registers_element_uwh(r, 0, k) * 0.0036, sum[k], 0.0037);
	}
	assert_double_equal(registers_import_j(r, 0) - registers_export_j(r, 0), elements * 0.0036,
			    1e-6);
	/* a window may go to the other register by its last uWh */
	assert_double_equal(registers_import_j(r, 0), import, 2.0);
	assert_double_equal(registers_export_j(r, 0), export, 2.0);
	registers_close(r);
}

static void the_sum_of_phases_is_split_not_each_phase(void **state)
{
	const double hour[3] = { 3000 * 3600.0, -2000 * 3600.0, 500 * 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, hour);
	assert_double_equal(registers_import_j(r, 0), 1500 * 3600.0, 0.1);
	assert_double_equal(registers_export_j(r, 0), 0.0, 0.0);
	registers_close(r);
}

static void a_value_not_known_changes_nothing(void **state)
{
	const double e[3] = { NAN, INFINITY, 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, e);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	registers_close(r);
}

static void values_come_back_by_name(void **state)
{
	const double e[3] = { 3600.0, 7200.0, 100.0 };
	struct load other[2] = { loads[1], loads[0] };
	struct installation changed = { .loads = 2, .load = other };
	struct installation fewer = { .loads = 1, .load = loads };
	struct registers *r = open_registers();

	add(r, &in, 0, e);
	add(r, &in, 1, e);
	registers_close(r);
	/* a configuration without the roof for a while, then in the other order */
	assert_int_equal(registers_open(&r, &fewer, path), 0);
	registers_close(r);
	assert_int_equal(registers_open(&r, &changed, path), 0);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	assert_double_equal(registers_import_j(r, 1), 10900.0, 0.02);
	assert_double_equal(registers_element_uwh(r, 1, 1) * 0.0036, 7200.0, 0.01);
	registers_close(r);
}

/* A run of the daemon: note before each publish, checkpoints between. Says what it published. */
static void live(int report)
{
	struct registers *r = NULL;
	const double e[3] = { 36.0, 36.0, 36.0 };
	unsigned int n;

	if (registers_open(&r, &in, path))
		_exit(3);
	for (n = 0; n < 6; n++) {
		double published;

		add(r, &in, 0, e);
		if (n % 3 == 2)
			registers_save(r);
		registers_note(r);
		published = registers_import_j(r, 0);
		if (write(report, &published, sizeof(published)) < 0)
			_exit(4);
	}
	registers_close(r);
	_exit(0);
}

/* Kill the process after @bytes written. Returns its status; *last: last value published. */
static int run_and_kill(long bytes, double *last)
{
	int tube[2];
	int status;
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		budget = bytes;
		live(tube[1]);
	}
	close(tube[1]);
	while (read(tube[0], last, sizeof(*last)) == sizeof(*last))
		;
	close(tube[0]);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void a_kill_at_any_byte_never_sets_a_register_back(void **state)
{
	double highest = 0.0;
	long bytes;
	unsigned int kills = 0;

	for (bytes = 0;; bytes += 7) {
		double last = -1.0;
		int status = run_and_kill(bytes, &last);
		struct registers *r;

		if (status == 9) {
			kills++;
			if (access(path, F_OK)) {
				/* killed before the file existed: nothing was published */
				assert_true(last < 0.0);
				continue;
			}
		} else {
			assert_int_equal(status, 0);
		}
		highest = fmax(highest, last);
		r = open_registers();
		if (registers_import_j(r, 0) < highest - 1e-6)
			fail_msg("killed after %ld bytes: %.4f J published, %.4f J restored", bytes,
				 highest, registers_import_j(r, 0));
		registers_close(r);
		if (status == 0)
			break;
	}
	print_message("%u kills\n", kills);
	assert_true(kills > 100);
}

static void spoil(unsigned int slot)
{
	int fd = open(path, O_RDWR);
	const char dirt[3] = { 1, 2, 3 };

	assert_int_equal(syscall(SYS_pwrite64, fd, dirt, 3, (off_t)slot * 131072 + 40), 3);
	close(fd);
}

static void a_torn_slot_leaves_the_one_before(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	unsigned int slot;

	for (slot = 0; slot < 4; slot++) {
		struct registers *r = open_registers();
		unsigned int k;

		for (k = 0; k < 4; k++) {
			add(r, &in, 0, e);
			registers_note(r);
		}
		registers_save(r);
		registers_save(r);
		/* all of the values are in both checkpoints and in the last note */
		spoil(slot);
		registers_close(r);
		spoil(slot);
		r = open_registers();
		assert_double_equal(registers_import_j(r, 0), (slot + 1) * 14400.0, 0.1);
		registers_close(r);
	}
}

/* Notes in memory: a process that is killed loses none, and the medium is not written. */
static void notes_in_memory(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	char memory[] = "/tmp/registers-notes-XXXXXX";
	struct registers *r;
	struct stat before, after;
	int status;
	pid_t child;

	assert_non_null(mkdtemp(memory));
	setenv("RUNTIME_DIRECTORY", memory, 1);
	r = open_registers();
	add(r, &in, 0, e);
	registers_save(r);
	registers_close(r);
	assert_int_equal(stat(path, &before), 0);
	child = fork();
	if (!child) {
		r = open_registers();
		add(r, &in, 0, e);
		registers_note(r);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.1);
	registers_close(r);
	/* after an end in good order there is none that could come back over a backup */
	assert_int_equal(rmdir(memory), 0);
	/* notes of a file that is not there any more are not those of the next one */
	assert_int_equal(mkdir(memory, 0700), 0);
	child = fork();
	if (!child) {
		r = open_registers();
		add(r, &in, 0, e);
		registers_note(r);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(unlink(path), 0);
	child = fork();
	if (!child) {
		open_registers();
		_exit(0);
	}
	waitpid(child, &status, 0);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 0.0, 0.1);
	registers_close(r);
	unsetenv("RUNTIME_DIRECTORY");
	assert_int_equal(rmdir(memory), 0);
}

static void with_no_whole_slot_it_refuses_and_says_what_to_do(void **state)
{
	struct registers *r = open_registers();
	unsigned int slot;

	registers_note(r);
	registers_save(r);
	registers_close(r);
	for (slot = 0; slot < 4; slot++)
		spoil(slot);
	assert_int_equal(registers_open(&r, &in, path), -EBADMSG);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(registers_open(&r, &in, path), -EBADMSG);
}

static void a_full_medium_is_reported_and_survived(void **state)
{
	const double e[3] = { 3600.0, 0.0, 0.0 };
	struct registers *r = open_registers();

	add(r, &in, 0, e);
	refuse = ENOSPC;
	assert_int_equal(registers_save(r), -ENOSPC);
	assert_int_equal(registers_note(r), -ENOSPC);
	add(r, &in, 0, e);
	refuse = 0;
	assert_int_equal(registers_save(r), 0);
	registers_close(r);
	r = open_registers();
	assert_double_equal(registers_import_j(r, 0), 7200.0, 0.01);
	registers_close(r);
}

static void only_checkpoints_wait_for_the_medium(void **state)
{
	struct registers *r = open_registers();

	flushes = 0;
	registers_note(r);
	registers_note(r);
	assert_int_equal(flushes, 0);
	registers_save(r);
	assert_int_equal(flushes, 1);
	registers_close(r);
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

/* Write the file that version 0.1 left behind. */
static void write_first_format(void)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);
	unsigned int slot;

	for (slot = 0; slot < 4; slot++) {
		const char *hex = registers_v1_file[slot];
		unsigned int byte;
		off_t at;

		for (at = (off_t)slot * 16384; sscanf(hex, "%2x", &byte) == 1; hex += 2, at++) {
			unsigned char c = (unsigned char)byte;

			assert_int_equal(syscall(SYS_pwrite64, fd, &c, 1, at), 1);
		}
	}
	assert_int_equal(ftruncate(fd, 4 * 16384), 0);
	close(fd);
}

/* What version 0.1 printed of this file. */
static void is_as_version_0_1_left_it(struct registers *r)
{
	struct energy_reading e;

	registers_load(r, 0, &e);
	assert_double_equal(e.import_j, 1782000.0, 1e-6);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_int_equal(registers_element_uwh(r, 0, 0), 5000000);
	assert_int_equal(registers_element_uwh(r, 0, 1), -10000000);
	assert_int_equal(registers_element_uwh(r, 0, 2), 500000000);
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j, 100.0008, 1e-6);
	assert_double_equal(e.export_j, 216000.0, 1e-6);
	assert_double_equal(e.estimated_j, 36000.0, 1e-6);
	assert_double_equal(e.net_j, 100.0008 - 216000.0, 1e-6);
	assert_int_equal(registers_element_uwh(r, 1, 0), -59972222);
}

static void a_file_of_version_0_1_is_taken_over(void **state)
{
	struct load boiler = { .name = "old boiler",
			       .elements = 1,
			       .element = { { .input = "hub2/A" } } };
	struct installation later = { .loads = 1, .load = &boiler };
	struct registers *r;
	struct stat status;
	char kept[160];

	write_first_format();
	r = open_registers();
	is_as_version_0_1_left_it(r);
	registers_close(r);
	/* the load that was not configured then is still there, and so is the old file */
	assert_int_equal(registers_open(&r, &later, path), 0);
	assert_double_equal(registers_import_j(r, 0), 9000.0, 1e-6);
	assert_int_equal(registers_element_uwh(r, 0, 0), 2500000);
	registers_close(r);
	snprintf(kept, sizeof(kept), "%s.v1", path);
	assert_int_equal(stat(kept, &status), 0);
	assert_int_equal(status.st_size, 4 * 16384);
	assert_int_equal(rename(kept, path), 0);
	r = open_registers();
	is_as_version_0_1_left_it(r);
	registers_close(r);
}

static void a_kill_while_a_file_is_taken_over_loses_nothing(void **state)
{
	unsigned int kills = 0;
	long bytes;

	for (bytes = 0;; bytes += 50) {
		double last = -1.0;
		struct registers *r;
		int status;

		unlink(path);
		write_first_format();
		status = run_and_kill(bytes, &last);
		r = open_registers();
		assert_true(registers_import_j(r, 0) >= fmax(last, 1782000.0) - 1e-6);
		assert_int_equal(registers_element_uwh(r, 1, 0), -59972222);
		registers_close(r);
		kills += status == 9;
		if (status == 0)
			break;
	}
	assert_true(kills > 20);
}

static void elements_are_known_by_their_input(void **state)
{
	const double e[3] = { 3600.0, 7200.0, -100.0 };
	struct load turned = loads[0];
	struct installation changed = { .loads = 1, .load = &turned };
	struct registers *r = open_registers();
	struct energy_reading reading;

	add(r, &in, 0, e);
	registers_close(r);
	/* C and A change their places, B is replaced by a new input */
	turned.element[0].input = "hub1/C";
	turned.element[1].input = "hub3/A";
	turned.element[2].input = "hub1/A";
	assert_int_equal(registers_open(&r, &changed, path), 0);
	assert_double_equal(registers_element_uwh(r, 0, 0) * 0.0036, -100.0, 0.01);
	assert_int_equal(registers_element_uwh(r, 0, 1), 0);
	assert_double_equal(registers_element_uwh(r, 0, 2) * 0.0036, 3600.0, 0.01);
	/* B is still a part of the sums of the load */
	registers_load(r, 0, &reading);
	assert_double_equal(reading.phases_import_j, 10800.0, 0.01);
	assert_double_equal(reading.phases_export_j, 100.0, 0.01);
	registers_close(r);
}

static void three_conventions_of_netting(void **state)
{
	/* metrology.md 1.4, A28 */
	const double hour[3] = { 3000 * 3600.0, -2000 * 3600.0, 500 * 3600.0 };
	struct energy_reading e;
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, hour);
	registers_load(r, 0, &e);
	assert_double_equal(e.import_j, 1500 * 3600.0, 1e-6);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_double_equal(e.phases_import_j, 3500 * 3600.0, 1e-6);
	assert_double_equal(e.phases_export_j, 2000 * 3600.0, 1e-6);
	assert_double_equal(e.absolute_j, 5500 * 3600.0, 1e-6);
	assert_double_equal(e.net_j, 1500 * 3600.0, 1e-6);
	registers_element(r, 0, 1, &e);
	assert_double_equal(e.export_j, 2000 * 3600.0, 1e-6);
	registers_close(r);
}

static void reactive_energy_has_four_quadrants(void **state)
{
	static const double p[4] = { 3600, -3600, -3600, 3600 };
	static const double q[4] = { 100, 200, -300, -400 };
	struct energy_step step[4] = { { 0 } };
	struct energy_reading e;
	struct registers *r;
	unsigned int k;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (k = 0; k < 4; k++) {
		step[3] = (struct energy_step){ p[k], q[k], false };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	for (k = 0; k < 4; k++)
		assert_double_equal(e.reactive_vars[k], fabs(q[k]), 0.004);
	registers_close(r);
}

static void a_virtual_load_is_the_sum_of_its_parts_to_the_last_uwh(void **state)
{
	struct load_term term[2] = { { 0, 1 }, { 1, -1 } };
	struct load all[3] = { loads[0], loads[1], { .name = "house", .terms = 2, .term = term } };
	struct installation house = { .loads = 3, .load = all };
	struct energy_reading e[3];
	struct registers *r;
	unsigned int n;
	unsigned int k;

	assert_int_equal(registers_open(&r, &house, NULL), 0);
	for (n = 0; n < 10000; n++) {
		struct energy_step step[4];

		for (k = 0; k < 4; k++)
			step[k] = (struct energy_step){ 500 * (random_part(&seed) - 0.5),
							500 * (random_part(&seed) - 0.5), false };
		registers_add(r, step);
	}
	for (k = 0; k < 3; k++)
		registers_load(r, k, &e[k]);
	assert_double_equal(e[2].net_j, e[0].net_j - e[1].net_j, 1e-6);
	assert_double_equal(e[2].import_j - e[2].export_j, e[2].net_j, 1e-6);
	assert_true(e[2].import_j > 0.0 && e[2].export_j > 0.0);
	assert_double_equal(e[2].reactive_vars[0] + e[2].reactive_vars[1] - e[2].reactive_vars[2] -
				    e[2].reactive_vars[3],
			    e[0].reactive_vars[0] + e[0].reactive_vars[1] - e[0].reactive_vars[2] -
				    e[0].reactive_vars[3] - e[1].reactive_vars[0] -
				    e[1].reactive_vars[1] + e[1].reactive_vars[2] +
				    e[1].reactive_vars[3],
			    1e-6);
	registers_close(r);
}

static void noise_below_the_range_does_not_creep(void **state)
{
	struct energy_step step[4] = { { 0 } };
	struct energy_reading e;
	struct registers *r;
	unsigned int n;

	/* a day of windows of 0.2 s: noise of 0.1 W, either way */
	assert_int_equal(registers_open(&r, &in, NULL), 0);
	for (n = 0; n < 432000; n++) {
		step[3] = (struct energy_step){ 0.04 * (random_part(&seed) - 0.5),
						0.04 * (random_part(&seed) - 0.5), true };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j, 0.0, 0.0);
	assert_double_equal(e.export_j, 0.0, 0.0);
	assert_double_equal(e.reactive_vars[0] + e.reactive_vars[1] + e.reactive_vars[2] +
				    e.reactive_vars[3],
			    0.0, 0.0);
	/* a load that really takes 0.5 W is not lost: 43 J, in steps of 360 J */
	for (n = 0; n < 43200; n++) {
		step[3] = (struct energy_step){ 0.1, 0.0, true };
		registers_add(r, step);
	}
	registers_load(r, 1, &e);
	assert_double_equal(e.net_j, 4320.0, 40.0);
	assert_double_equal(e.import_j, e.net_j, 360.0);
	/* above the range nothing waits */
	step[3] = (struct energy_step){ 1.0, 0.0, false };
	registers_add(r, step);
	registers_load(r, 1, &e);
	assert_double_equal(e.import_j - e.export_j, e.net_j, 1e-6);
	registers_close(r);
}

static void more_than_64_names_fit_and_a_full_file_says_what_to_do(void **state)
{
	unsigned int names = 0;
	int error = 0;

	while (!error) {
		struct load many[64];
		char name[64][16];
		struct installation house = { .loads = 64, .load = many };
		struct registers *r;
		unsigned int k;

		memset(many, 0, sizeof(many));
		for (k = 0; k < 64; k++) {
			snprintf(name[k], sizeof(name[k]), "load %u", names + k);
			many[k] = (struct load){ .name = name[k], .elements = 1, .first = k };
			many[k].element[0].input = name[k];
		}
		error = registers_open(&r, &house, path);
		if (error)
			break;
		names += 64;
		registers_close(r);
	}
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(names, RECORDS_MAX / 128 * 64);
}

static void what_is_no_energy_is_not_booked(void **state)
{
	const double e[3] = { 1e300, -1e300, 3600.0 };
	struct registers *r;

	assert_int_equal(registers_open(&r, &in, NULL), 0);
	add(r, &in, 0, e);
	assert_double_equal(registers_import_j(r, 0), 3600.0, 0.01);
	registers_close(r);
}

/* As meterd-store does, when the kill comes between its fork and its first line. */
static void a_child_of_a_killed_one_is_waited_for(void **state)
{
	struct registers *r = open_registers();
	int tube[2];
	pid_t child;

	assert_int_equal(pipe(tube), 0);
	child = fork();
	if (!child) {
		char end;

		close(tube[1]);
		if (read(tube[0], &end, 1) < 0)
			_exit(1);
		usleep(300000);
		_exit(0);
	}
	close(tube[0]);
	registers_close(r);
	close(tube[1]);
	r = open_registers();
	registers_close(r);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_file_in_use_is_refused(void **state)
{
	struct registers *r = open_registers();
	struct registers *second;

	assert_int_equal(registers_open(&second, &in, path), -EWOULDBLOCK);
	registers_close(r);
	r = open_registers();
	registers_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(import_minus_export_is_the_sum_of_the_elements),
		TEST(the_sum_of_phases_is_split_not_each_phase),
		TEST(a_value_not_known_changes_nothing),
		TEST(values_come_back_by_name),
		TEST(a_kill_at_any_byte_never_sets_a_register_back),
		TEST(a_torn_slot_leaves_the_one_before),
		TEST(notes_in_memory),
		TEST(with_no_whole_slot_it_refuses_and_says_what_to_do),
		TEST(a_full_medium_is_reported_and_survived),
		TEST(a_slow_medium_is_not_waited_for),
		TEST(a_write_is_not_waited_for_either),
		TEST(a_checkpoint_that_did_not_reach_the_medium_is_written_again),
		TEST(without_the_other_process_a_save_waits),
		TEST(a_child_of_a_killed_one_is_waited_for),
		TEST(a_file_in_use_is_refused),
		TEST(a_file_of_version_0_1_is_taken_over),
		TEST(a_kill_while_a_file_is_taken_over_loses_nothing),
		TEST(elements_are_known_by_their_input),
		TEST(three_conventions_of_netting),
		TEST(reactive_energy_has_four_quadrants),
		TEST(a_virtual_load_is_the_sum_of_its_parts_to_the_last_uwh),
		TEST(noise_below_the_range_does_not_creep),
		TEST(more_than_64_names_fit_and_a_full_file_says_what_to_do),
		TEST(what_is_no_energy_is_not_booked),
		TEST(only_checkpoints_wait_for_the_medium),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
