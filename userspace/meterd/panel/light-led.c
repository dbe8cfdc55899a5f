// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The LED as sysfs has it. Nothing here waits: sysfs files of LEDs take what is
 * written at once.
 */
#include "light-led.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 256
/* of the list of triggers */
#define TRIGGERS_MAX 4096
/* Below this there are no steps to breathe in. */
#define STEPS_MIN 8

static int write_file(int dir, const char *name, const char *text)
{
	size_t length = strlen(text);
	int fd = openat(dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	error = n < 0 ? -errno : n == (ssize_t)length ? 0 : -EIO;
	close(fd);
	return error;
}

static int read_file(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static int greatest(int dir, unsigned int *max)
{
	char text[TEXT_MAX];
	int error = read_file(dir, "max_brightness", text, sizeof(text));
	unsigned long value;
	char *end;

	if (error)
		return error;
	value = strtoul(text, &end, 10);
	if (end == text || *end || !value || value > INT_MAX)
		return -EINVAL;
	*max = (unsigned int)value;
	return 0;
}

/* A colour's share of @max, rounded up: a colour that is wanted is seen. */
static unsigned int share(uint8_t colour, unsigned int max)
{
	return (unsigned int)(((uint64_t)colour * max + 254) / 255);
}

static int set_colour(int dir, const struct light_look *look, unsigned int max)
{
	char order[TEXT_MAX], text[TEXT_MAX] = "";
	int error = read_file(dir, "multi_index", order, sizeof(order));
	unsigned int known = 0;
	char *save = NULL;
	size_t used = 0;

	if (error)
		return error;
	for (char *name = strtok_r(order, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		unsigned int value = 0;

		if (!strcmp(name, "red"))
			value = share(look->red, max);
		else if (!strcmp(name, "green"))
			value = share(look->green, max);
		else if (!strcmp(name, "blue"))
			value = share(look->blue, max);
		else
			known--;
		known++;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used ? " " : "",
					 value);
		if (used >= sizeof(text))
			return -EINVAL;
	}
	return known == 3 ? write_file(dir, "multi_intensity", text) : -EINVAL;
}

static int set_steady(int dir, unsigned int max)
{
	char text[16];
	int error = write_file(dir, "trigger", "none");

	snprintf(text, sizeof(text), "%u", max);
	return error ? error : write_file(dir, "brightness", text);
}

/*
 * Only when it is another one: choosing a trigger makes its files anew, and whoever gives
 * them to meterd (udev) does that somewhat later.
 */
static int set_trigger(int dir, const char *name)
{
	char list[TRIGGERS_MAX], chosen[TEXT_MAX];

	snprintf(chosen, sizeof(chosen), "[%s]", name);
	if (!read_file(dir, "trigger", list, sizeof(list)) && strstr(list, chosen))
		return 0;
	return write_file(dir, "trigger", name);
}

/* Pairs of a brightness and the time to get to that of the next pair. */
static int set_pattern(int dir, const struct light_look *look, unsigned int max)
{
	unsigned int half = look->period_ms / 2;
	char text[TEXT_MAX];
	int error;

	if (look->shape == LIGHT_BREATHING && max >= STEPS_MIN)
		snprintf(text, sizeof(text), "0 %u %u %u", half, max, half);
	else
		snprintf(text, sizeof(text), "%u %u %u 0 0 %u 0 0", max, half, max, half);
	error = set_trigger(dir, "pattern");
	return error ? error : write_file(dir, "pattern", text);
}

int light_led_show(const char *device, const struct light_look *look)
{
	int dir = open(device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int max;
	int error;

	if (dir < 0)
		return -errno;
	error = greatest(dir, &max);
	if (!error)
		error = set_colour(dir, look, max);
	if (!error)
		error = look->shape == LIGHT_STEADY ? set_steady(dir, max)
						    : set_pattern(dir, look, max);
	close(dir);
	return error;
}
