// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * modules - reads the attributes of every device of the smappee bus. What is
 * read here comes from a module's own registers by way of the kernel, so nothing
 * is believed to be well formed: text is cut at a line end and at a sane length,
 * numbers must be numbers in range. The rest is null.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/smappee.h>

#include "modules.h"

/* Longest attribute that is shown; names and numbers are far shorter. */
#define TEXT_MAX 128

enum attribute_kind {
	KIND_TEXT,
	KIND_NUMBER,
};

/**
 * struct attribute - one sysfs file of a module
 * @name: the file, and the key in JSON
 * @kind: text or whole number
 * @min: least possible number
 * @max: greatest possible number
 */
struct attribute {
	const char *name;
	enum attribute_kind kind;
	int64_t min;
	int64_t max;
};

static const struct attribute unit_attribute = { "unit", KIND_NUMBER, 1, 247 };
static const struct attribute type_attribute = { "type", KIND_NUMBER, 0, UINT16_MAX };

static const struct attribute attributes[] = {
	{ "label", KIND_TEXT, 0, 0 },
	{ "serial_number", KIND_TEXT, 0, 0 },
	{ "firmware", KIND_TEXT, 0, 0 },
	{ "state", KIND_TEXT, 0, 0 },
	{ "sync_state", KIND_TEXT, 0, 0 },
	{ "sync_offset_ns", KIND_NUMBER, INT32_MIN, INT32_MAX },
	{ "lost_scans", KIND_NUMBER, 0, INT64_MAX },
	{ "repaired_blocks", KIND_NUMBER, 0, INT64_MAX },
};

/* The name for people of a type code, as in the register "type". */
static const char *model_of(unsigned int type)
{
	switch (type) {
	case SMAPPEE_TYPE_POWER_BOX:
		return "Power Box";
	case SMAPPEE_TYPE_CT_HUB:
		return "CT Hub";
	case SMAPPEE_TYPE_SOLID_CORE:
		return "Solid Core 3-Phase CT";
	case SMAPPEE_TYPE_OPEN_VOLTAGE:
		return "open voltage module";
	case SMAPPEE_TYPE_OPEN_CT_HUB:
		return "open CT hub";
	case SMAPPEE_TYPE_OPEN_SOLID_CORE:
		return "open solid-core CT";
	}
	return "unknown";
}

/* A file's first line; false when it is absent, empty, too long or not plain UTF-8 text. */
static bool read_line(int dir, const char *name, char *text)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;
	char *p;

	if (fd < 0)
		return false;
	n = read(fd, text, TEXT_MAX);
	close(fd);
	if (n <= 0 || n == TEXT_MAX || memchr(text, '\0', n))
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			return false;
	return *text;
}

static bool read_number(int dir, const struct attribute *a, int64_t *value)
{
	char text[TEXT_MAX];
	char *end;

	if (!read_line(dir, a->name, text))
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return !errno && end != text && !*end && *value >= a->min && *value <= a->max;
}

static struct json_object *read_attribute(int dir, const struct attribute *a)
{
	char text[TEXT_MAX];
	int64_t value;

	if (a->kind == KIND_NUMBER)
		return read_number(dir, a, &value) ? json_object_new_int64(value) : NULL;
	return read_line(dir, a->name, text) ? json_object_new_string(text) : NULL;
}

static struct json_object *read_module(int bus, const char *device)
{
	struct json_object *module;
	int64_t type;
	size_t i;
	int dir;

	/* A module may leave between the listing and now. */
	dir = openat(bus, device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return NULL;
	module = json_object_new_object();
	if (!module)
		goto out;
	json_object_object_add(module, "device", json_object_new_string(device));
	json_object_object_add(module, "unit", read_attribute(dir, &unit_attribute));
	json_object_object_add(module, "type", read_attribute(dir, &type_attribute));
	json_object_object_add(module, "model",
			       read_number(dir, &type_attribute, &type)
				       ? json_object_new_string(model_of(type))
				       : NULL);
	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		json_object_object_add(module, attributes[i].name,
				       read_attribute(dir, &attributes[i]));
out:
	close(dir);
	return module;
}

static int by_device(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;

	return strcmp(json_object_get_string(json_object_object_get(*x, "device")),
		      json_object_get_string(json_object_object_get(*y, "device")));
}

struct json_object *modules_list(const char *dir)
{
	struct json_object *list, *module;
	struct dirent *entry;
	DIR *bus;

	list = json_object_new_array();
	if (!list) {
		errno = ENOMEM;
		return NULL;
	}
	bus = opendir(dir ? dir : MODULES_DIR);
	if (!bus) {
		if (errno == ENOENT)
			return list;
		json_object_put(list);
		return NULL;
	}
	while ((entry = readdir(bus))) {
		if (entry->d_name[0] == '.')
			continue;
		module = read_module(dirfd(bus), entry->d_name);
		if (module)
			json_object_array_add(list, module);
	}
	closedir(bus);
	json_object_array_sort(list, by_device);
	return list;
}
