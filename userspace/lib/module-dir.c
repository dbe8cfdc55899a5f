// SPDX-License-Identifier: GPL-2.0-or-later
#include "module-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modules.h"

#define TEXT_MAX 128

int module_dir_read(int module, const char *name, char *text, size_t size)
{
	int fd = openat(module, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	error = n < 0 ? -errno : 0;
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error;
}

int module_dir_number(int module, const char *name, uint64_t *value)
{
	char text[TEXT_MAX], *end;
	int error = module_dir_read(module, name, text, sizeof(text));

	if (error)
		return error;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || end == text || *end ? -EBADMSG : 0;
}

int module_dir_write(int module, const char *name, const char *text)
{
	int fd = openat(module, name, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

static bool text_is(int module, const char *name, const char *wanted)
{
	char text[TEXT_MAX];

	return !module_dir_read(module, name, text, sizeof(text)) && !strcmp(text, wanted);
}

int module_dir_open(const char *dir, const char *wanted)
{
	DIR *bus = opendir(dir ? dir : MODULES_DIR);
	int found = -ENOENT;
	struct dirent *entry;

	if (!bus)
		return -errno;
	while ((entry = readdir(bus))) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(bus), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (strcmp(entry->d_name, wanted) && !text_is(fd, "label", wanted) &&
		    !text_is(fd, "serial_number", wanted)) {
			close(fd);
			continue;
		}
		if (found >= 0) {
			close(fd);
			close(found);
			found = -EEXIST;
			break;
		}
		found = fd;
	}
	closedir(bus);
	return found;
}
