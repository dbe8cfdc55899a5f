// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * By way of sysfs: the trigger of the LED class device, or a Power Box input's
 * own attribute. What the folders are called comes from the kernel; what is asked for
 * comes from anybody and is never made part of a path before it was found.
 */
#include "identify.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module-dir.h"

#define NAME_MAX_BYTES 128
#define INPUTS_MAX 21
/* of the list of triggers */
#define TRIGGERS_MAX 4096

/**
 * struct target - what is to flash
 * @module: label, serial number or device name
 * @input: "a" or "1" as in the name of its LED; empty: the status LED
 */
struct target {
	char module[NAME_MAX_BYTES];
	char input[8];
};

static bool split(const char *what, struct target *t)
{
	const char *slash = strrchr(what, '/');
	size_t length = slash ? (size_t)(slash - what) : strlen(what);

	if (!length || length >= sizeof(t->module))
		return false;
	memcpy(t->module, what, length);
	t->module[length] = '\0';
	t->input[0] = '\0';
	if (!slash)
		return true;
	if (isalpha((unsigned char)slash[1]) && !slash[2]) {
		t->input[0] = (char)tolower((unsigned char)slash[1]);
		t->input[1] = '\0';
		return true;
	}
	if (slash[1] < '1' || slash[1] > '9' || slash[2])
		return false;
	memcpy(t->input, slash + 1, 2);
	return true;
}

/* A folder's first entry whose name begins or ends like that. Return: descriptor or -errno. */
static int open_like(int parent, const char *begin, const char *end)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	int found = -ENOENT;
	struct dirent *entry;

	if (!folder) {
		if (copy >= 0)
			close(copy);
		return -ENOENT;
	}
	while (found < 0 && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name), tail = strlen(end);

		if (strncmp(entry->d_name, begin, strlen(begin)) || length < tail ||
		    strcmp(entry->d_name + length - tail, end))
			continue;
		found = openat(copy, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (found < 0)
			found = -errno;
	}
	closedir(folder);
	return found;
}

/* smappee_bus.leds.N/leds/SERIAL::input-b. Return: a descriptor or -errno. */
static int open_led(int module, const char *input)
{
	char end[32];
	int function = open_like(module, "smappee_bus.leds.", "");
	int leds = function < 0 ? function : openat(function, "leds", O_RDONLY | O_DIRECTORY);
	int led;

	snprintf(end, sizeof(end), "::%s%s", input[0] ? "input-" : "status", input);
	led = leds < 0 ? -ENOENT : open_like(leds, "", end);
	if (leds >= 0)
		close(leds);
	if (function >= 0)
		close(function);
	return led;
}

int identify_trigger(int module, const char *input, const char *trigger)
{
	int led = open_led(module, input);
	int error;

	if (led < 0)
		return led;
	error = module_dir_write(led, "trigger", trigger);
	close(led);
	return error;
}

bool identify_shows(int module, const char *input, const char *trigger)
{
	char list[TRIGGERS_MAX], chosen[64];
	int led = open_led(module, input);
	bool shows;

	if (led < 0)
		return false;
	snprintf(chosen, sizeof(chosen), "[%s]", trigger);
	shows = !module_dir_read(led, "trigger", list, sizeof(list)) && strstr(list, chosen);
	close(led);
	return shows;
}

/* inputN_identify of a module behind a Power Box, from 0 */
static int set_box_input(int module, const struct target *t, bool on)
{
	char name[32];

	if (t->input[0] < 'a' || t->input[0] >= 'a' + INPUTS_MAX)
		return -ENOENT;
	snprintf(name, sizeof(name), "input%d_identify", t->input[0] - 'a');
	if (faccessat(module, name, F_OK, 0))
		return -ENOENT;
	return on ? module_dir_write(module, name, "1") : 0;
}

static int complain(const char *what, int error, char *wrong, size_t size)
{
	switch (error) {
	case -EINVAL:
		snprintf(wrong, size,
			 "\"%.64s\": give a module, or a module and an input, as hub2/B", what);
		break;
	case -ENOENT:
		snprintf(
			wrong, size,
			"\"%.64s\": no such module or input, or it has no LED; see 'meterctl list'",
			what);
		break;
	case -EEXIST:
		snprintf(wrong, size,
			 "\"%.64s\": two modules have this label; give the serial number", what);
		break;
	case -EACCES:
		snprintf(wrong, size,
			 "\"%.64s\": not allowed to set its LED; be in the group iio "
			 "(60-smappee.rules)",
			 what);
		break;
	default:
		snprintf(wrong, size, "\"%.64s\": its LED cannot be set: %s", what,
			 strerror(-error));
	}
	return error;
}

int identify_set(const char *dir, const char *what, bool on, char *wrong, size_t size)
{
	struct target t;
	int module, error;

	if (!split(what, &t))
		return complain(what, -EINVAL, wrong, size);
	module = module_dir_open(dir, t.module);
	if (module < 0)
		return complain(what, module, wrong, size);
	error = identify_trigger(module, t.input, on ? "smappee-identify" : "smappee-module");
	if (error == -ENOENT)
		error = set_box_input(module, &t, on);
	close(module);
	return error ? complain(what, error, wrong, size) : 0;
}
