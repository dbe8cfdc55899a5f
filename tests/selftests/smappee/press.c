// SPDX-License-Identifier: GPL-2.0
/*
 * press LINK - a button for tests: an input device of uinput with one key, to which the
 * symbolic link LINK points. Each line of standard input is how many ms it is held.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int emit(int fd, int type, int code, int value)
{
	struct input_event event = { .type = type, .code = code, .value = value };

	return write(fd, &event, sizeof(event)) == sizeof(event) ? 0 : -1;
}

static int key(int fd, int value)
{
	return emit(fd, EV_KEY, KEY_RESTART, value) ? -1 :
	       emit(fd, EV_SYN, SYN_REPORT, 0);
}

/* "/dev/input/event2" of "input5" */
static int device_of(const char *input, char *path, size_t size)
{
	struct dirent *entry;
	char folder[128];
	DIR *dir;
	int ret = -1;

	snprintf(folder, sizeof(folder), "/sys/class/input/%s", input);
	dir = opendir(folder);
	if (!dir)
		return -1;
	while (ret && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "event", 5))
			continue;
		snprintf(path, size, "/dev/input/%.32s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

int main(int argc, char **argv)
{
	struct uinput_setup setup = { .id.bustype = BUS_VIRTUAL,
				      .name = "reset button of a test" };
	int fd = open("/dev/uinput", O_WRONLY);
	char input[64], path[64], line[32];

	if (argc != 2)
		return 2;
	if (fd < 0)
		return fail("/dev/uinput");
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY) ||
	    ioctl(fd, UI_SET_KEYBIT, KEY_RESTART) ||
	    ioctl(fd, UI_DEV_SETUP, &setup) || ioctl(fd, UI_DEV_CREATE) ||
	    ioctl(fd, UI_GET_SYSNAME(sizeof(input)), input) < 0)
		return fail("uinput");
	if (device_of(input, path, sizeof(path)))
		return fail(input);
	unlink(argv[1]);
	if (symlink(path, argv[1]))
		return fail(argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		long ms = strtol(line, NULL, 10);
		struct timespec held = { ms / 1000, ms % 1000 * 1000000 };

		if (key(fd, 1))
			return fail("press");
		nanosleep(&held, NULL);
		if (key(fd, 0))
			return fail("release");
	}
	return 0;
}
