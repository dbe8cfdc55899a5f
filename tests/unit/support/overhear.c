// SPDX-License-Identifier: GPL-2.0-or-later
#include "overhear.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int kept; /* what standard error was */

void overhear(void)
{
	FILE *file = tmpfile();

	kept = dup(STDERR_FILENO);
	if (!file || kept < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
		abort();
	fclose(file);
}

void overheard(char *text, size_t size)
{
	ssize_t n = pread(STDERR_FILENO, text, size - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	dup2(kept, STDERR_FILENO);
	close(kept);
}
