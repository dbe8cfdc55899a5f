// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config-edit - one value of the configuration file is changed, line by line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reload.h"

/* Is this line the heading of a section? Then of this one? */
static bool is_heading(const char *line, const char *section, bool *is_it)
{
	const char *at = line + strspn(line, " \t");
	const char *end = *at == '[' ? strchr(at, ']') : NULL;
	size_t n;

	if (!end)
		return false;
	for (at++; at < end && isspace((unsigned char)*at); at++)
		;
	for (n = (size_t)(end - at); n && isspace((unsigned char)at[n - 1]); n--)
		;
	*is_it = n == strlen(section) && !strncmp(at, section, n);
	return true;
}

static bool is_key(const char *line, const char *key)
{
	const char *at = line + strspn(line, " \t");
	size_t n = strlen(key);

	return !strncmp(at, key, n) && strchr("=:", at[n + strspn(at + n, " \t")]) &&
	       at[n + strspn(at + n, " \t")];
}

/* Return: 0, -ENOENT or -EIO. */
static int copy(FILE *in, FILE *out, const char *section, const char *key, const char *value)
{
	bool inside = false;
	bool written = false;
	char *line = NULL;
	size_t size = 0;
	bool is_it;

	while (getline(&line, &size, in) > 0) {
		if (is_heading(line, section, &is_it)) {
			if (inside && !written)
				written = fprintf(out, "%s = %s\n", key, value) > 0;
			inside = is_it;
		} else if (inside && is_key(line, key)) {
			if (!written)
				written = fprintf(out, "%s = %s\n", key, value) > 0;
			continue;
		}
		fputs(line, out);
		if (line[strlen(line) - 1] != '\n')
			putc('\n', out);
	}
	free(line);
	if (inside && !written)
		written = fprintf(out, "%s = %s\n", key, value) > 0;
	if (ferror(in) || ferror(out))
		return -EIO;
	return written ? 0 : -ENOENT;
}

int config_edit(const char *from, const char *to, const char *section, const char *key,
		const char *value)
{
	FILE *in = fopen(from, "re");
	FILE *out = in ? fopen(to, "we") : NULL;
	struct stat st;
	int ret = in && out ? 0 : -errno;

	if (!ret)
		ret = copy(in, out, section, key, value);
	/* it is read by the same people as before */
	if (!ret && (fstat(fileno(in), &st) || fchmod(fileno(out), st.st_mode & 07777)))
		ret = -errno;
	if (!ret && (fflush(out) || fsync(fileno(out))))
		ret = -errno;
	if (out)
		fclose(out);
	if (in)
		fclose(in);
	if (ret && out)
		unlink(to);
	return ret;
}
