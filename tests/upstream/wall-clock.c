// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A wall clock that a test sets: preloaded, it adds the ns in the file WALL_CLOCK to
 * CLOCK_REALTIME, and leaves all other clocks and all timers alone. (libfaketime moves timers of
 * CLOCK_MONOTONIC as well when they are absolute, so that an event loop stands still.)
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

static const int64_t *offset_ns;

__attribute__((constructor)) static void find_offset(void)
{
	const char *path = getenv("WALL_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED)
		offset_ns = at;
	if (fd >= 0)
		close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int ret = (int)syscall(SYS_clock_gettime, id, t);
	int64_t ns;

	if (ret || id != CLOCK_REALTIME || !offset_ns)
		return ret;
	ns = t->tv_sec * NS_PER_S + t->tv_nsec + *(const volatile int64_t *)offset_ns;
	t->tv_sec = ns / NS_PER_S;
	t->tv_nsec = ns % NS_PER_S;
	return 0;
}
