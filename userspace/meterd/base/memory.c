// SPDX-License-Identifier: GPL-2.0-or-later
/* See memory.h. */
#include "memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Does the loader write into code? Then its pages are not those of the file. */
static bool is_patched(const struct dl_phdr_info *object)
{
	unsigned int k;

	for (k = 0; k < object->dlpi_phnum; k++) {
		const ElfW(Dyn) * entry;

		if (object->dlpi_phdr[k].p_type != PT_DYNAMIC)
			continue;
		entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[k].p_vaddr);
		for (; entry->d_tag != DT_NULL; entry++)
			if (entry->d_tag == DT_TEXTREL ||
			    (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
				return true;
	}
	return false;
}

/* Segments that nobody may write are those of the file, page by page. */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *user)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned int k;

	for (k = 0; k < object->dlpi_phnum && !is_patched(object); k++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[k];
		uintptr_t from = object->dlpi_addr + segment->p_vaddr;
		uintptr_t to = (from + segment->p_filesz) & ~(page - 1);

		from = (from + page - 1) & ~(page - 1);
		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && to > from)
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void memory_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_segments, NULL);
}
