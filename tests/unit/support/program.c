// SPDX-License-Identifier: GPL-2.0-or-later
#include "program.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

bool program_find(char *path, size_t size, const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int needed;

	if (length < 0)
		return false;
	self[length] = '\0';
	/* of FOLDER/unit/NAME_test */
	needed = snprintf(path, size, "%s/%s", dirname(dirname(self)), name);
	return needed > 0 && (size_t)needed < size;
}

int program_says(const char *command, char *text, size_t size)
{
	FILE *f = popen(command, "re");
	size_t n;
	int status;

	if (!f)
		return -1;
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	/* who prints more than there is room for shall not wait for it */
	while (fgetc(f) != EOF)
		;
	status = pclose(f);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
