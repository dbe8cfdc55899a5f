// SPDX-License-Identifier: GPL-2.0-or-later
#include "headroom.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* The sanitizer's own memory counts, and it ends the program when it gets none. */
#ifdef __SANITIZE_ADDRESS__
#define HAVE_BOUND false
#else
#define HAVE_BOUND true
#endif

void headroom_open(struct headroom *h)
{
	h->statm = HAVE_BOUND ? open("/proc/self/statm", O_RDONLY | O_CLOEXEC) : -1;
}

/* Return: bytes of memory that RLIMIT_DATA counts, and of the stack; 0: not known. */
static size_t data_bytes(const struct headroom *h)
{
	char text[128] = "";
	size_t pages;

	/* size resident shared text lib data */
	if (pread(h->statm, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "%*u %*u %*u %*u %*u %zu", &pages) != 1)
		return 0;
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void headroom_limit(struct headroom *h, size_t bytes)
{
	size_t now = h->statm < 0 ? 0 : data_bytes(h);
	struct rlimit limit;

	h->before = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	if (!now || getrlimit(RLIMIT_DATA, &h->before))
		return;
	limit = h->before;
	if (now + bytes < limit.rlim_cur)
		limit.rlim_cur = now + bytes;
	setrlimit(RLIMIT_DATA, &limit);
}

void headroom_lift(const struct headroom *h)
{
	if (h->statm >= 0)
		setrlimit(RLIMIT_DATA, &h->before);
}

void headroom_close(const struct headroom *h)
{
	if (h->statm >= 0)
		close(h->statm);
}
