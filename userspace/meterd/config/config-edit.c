// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config-edit - one value of the settings is changed, line by line.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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

/**
 * struct edit - what is changed
 * @section: in this section
 * @key: of this key
 * @value: the new one, NULL: its line goes
 * @done: it is written
 */
struct edit {
	const char *section;
	const char *key;
	const char *value;
	bool done;
};

static void put(struct edit *e, FILE *out)
{
	if (e->value && !e->done)
		fprintf(out, "%s = %s\n", e->key, e->value);
	e->done = true;
}

static void copy(struct edit *e, FILE *in, FILE *out)
{
	bool inside = false;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool is_it;

	while ((n = getline(&line, &size, in)) > 0) {
		if (is_heading(line, e->section, &is_it)) {
			if (inside)
				put(e, out);
			inside = is_it;
		} else if (inside && is_key(line, e->key)) {
			put(e, out);
			continue;
		}
		/* a file that was damaged may have NULs in it */
		fwrite(line, 1, (size_t)n, out);
		if (line[n - 1] != '\n')
			putc('\n', out);
	}
	free(line);
	if (inside)
		put(e, out);
}

/* It is read by the same people as before. */
static int same_mode(FILE *in, FILE *out)
{
	struct stat st;

	return in && (fstat(fileno(in), &st) || fchmod(fileno(out), st.st_mode & 07777)) ? -errno
											 : 0;
}

static int write_out(struct edit *e, FILE *in, FILE *out)
{
	int ret = same_mode(in, out);

	if (in)
		copy(e, in, out);
	else
		fputs("# Values that were set by command. They win over those of meterd.conf.\n",
		      out);
	if (!e->done && e->value)
		fprintf(out, "[%s]\n%s = %s\n", e->section, e->key, e->value);
	if (!ret && ((in && ferror(in)) || ferror(out)))
		ret = -EIO;
	if (!ret && (fflush(out) || fsync(fileno(out))))
		ret = -errno;
	return ret;
}

int config_edit(const char *from, const char *to, const char *section, const char *key,
		const char *value)
{
	struct edit e = { .section = section, .key = key, .value = value };
	FILE *in = fopen(from, "re");
	FILE *out = in || errno == ENOENT ? fopen(to, "we") : NULL;
	int ret = out ? write_out(&e, in, out) : -errno;

	if (out && fclose(out) && !ret)
		ret = -errno;
	if (in)
		fclose(in);
	if (ret && out)
		unlink(to);
	return ret;
}

/* The name of a file is in its folder, which has to be on the medium, too. */
static int flush_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int ret = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	free(folder);
	return ret;
}

int config_edit_done(const char *to, const char *from)
{
	return rename(to, from) ? -errno : flush_folder(from);
}
