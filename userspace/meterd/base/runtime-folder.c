// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime-folder.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define VARIABLE "RUNTIME_DIRECTORY"

/* Everybody may make a folder in /dev/shm, also one of this name before us. */
int runtime_folder_take(const char *path)
{
	struct statfs fs;
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) || statfs(path, &fs))
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ? 0 : -EXDEV;
}

void runtime_folder_need(void)
{
	char path[64];
	int error;

	if (getenv(VARIABLE))
		return;
	snprintf(path, sizeof(path), "/dev/shm/meterd-%u", (unsigned int)geteuid());
	error = runtime_folder_take(path);
	if (!error && setenv(VARIABLE, path, 1))
		error = -errno;
	if (error)
		log_warning("%s: %s; the energy registers are noted on their medium with every "
			    "reading, and measuring waits when that hangs: set $" VARIABLE
			    " to a folder in memory",
			    path, strerror(-error));
}
