/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * allocations - malloc() and its kin count their calls. Included by one file of a test;
 * not with a sanitizer that has an allocator of its own: then COUNTS_ALLOCATIONS is not
 * defined.
 */
#ifndef TEST_ALLOCATIONS_H
#define TEST_ALLOCATIONS_H

#include <malloc.h>
#include <stdlib.h>

#ifndef __SANITIZE_ADDRESS__
#define COUNTS_ALLOCATIONS

static unsigned long allocations;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *p, size_t bytes);
extern void *__libc_memalign(size_t to, size_t bytes);

void *malloc(size_t bytes)
{
	allocations++;
	return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	allocations++;
	return __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
	allocations++;
	return __libc_realloc(p, bytes);
}

/* FFTW takes its memory from these */
void *memalign(size_t to, size_t bytes)
{
	allocations++;
	return __libc_memalign(to, bytes);
}

void *aligned_alloc(size_t to, size_t bytes)
{
	allocations++;
	return __libc_memalign(to, bytes);
}

/* A test that counts nothing would find nothing. */
static inline int allocations_are_counted(void)
{
	unsigned long before = allocations;
	void *volatile p = malloc(1); /* or the compiler leaves both out */

	free(p);
	return allocations == before + 1;
}
#endif

#endif
