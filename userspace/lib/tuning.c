// SPDX-License-Identifier: GPL-2.0-or-later
/* See tuning.h. */
#include "tuning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUTS "inputs"
#define PREVIOUS "previous"
#define PATH_BYTES 4096

static int read_text(const char *path, char **text)
{
	FILE *f = fopen(path, "re");
	size_t n;

	*text = NULL;
	if (!f)
		return -errno;
	*text = malloc(TUNING_MAX + 1);
	if (!*text) {
		fclose(f);
		return -ENOMEM;
	}
	n = fread(*text, 1, TUNING_MAX + 1, f);
	fclose(f);
	if (n > TUNING_MAX) {
		free(*text);
		*text = NULL;
		return -EFBIG;
	}
	(*text)[n] = '\0';
	return 0;
}

static int empty(struct json_object **tuning)
{
	*tuning = json_object_new_object();
	if (!*tuning)
		return -ENOMEM;
	return json_object_object_add(*tuning, INPUTS, json_object_new_object()) ? -ENOMEM : 0;
}

int tuning_read(const char *path, struct json_object **tuning)
{
	struct json_object *inputs;
	char *text;
	int error = read_text(path, &text);

	*tuning = NULL;
	if (error == -ENOENT)
		return empty(tuning);
	if (error)
		return error;
	*tuning = json_tokener_parse(text);
	free(text);
	if (json_object_is_type(*tuning, json_type_object) &&
	    json_object_object_get_ex(*tuning, INPUTS, &inputs) &&
	    json_object_is_type(inputs, json_type_object))
		return 0;
	json_object_put(*tuning);
	*tuning = NULL;
	return -EINVAL;
}

static int write_text(const char *path, const char *text)
{
	size_t n = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n || write(fd, "\n", 1) != 1 || fsync(fd))
		error = errno ? -errno : -EIO;
	if (close(fd) && !error)
		error = -errno;
	return error;
}

int tuning_write(const char *path, struct json_object *tuning)
{
	const char *text = json_object_to_json_string_ext(
		tuning, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	char fresh[PATH_BYTES];
	char old[PATH_BYTES];
	int error;

	if (!text)
		return -ENOMEM;
	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh) ||
	    (size_t)snprintf(old, sizeof(old), "%s.bak", path) >= sizeof(old))
		return -ENAMETOOLONG;
	error = write_text(fresh, text);
	if (!error && unlink(old) && errno != ENOENT)
		error = -errno;
	if (!error && link(path, old) && errno != ENOENT)
		error = -errno;
	if (!error && rename(fresh, path))
		error = -errno;
	if (error)
		unlink(fresh);
	return error;
}

static struct json_object *inputs_of(struct json_object *tuning)
{
	struct json_object *inputs = NULL;

	json_object_object_get_ex(tuning, INPUTS, &inputs);
	return inputs;
}

struct json_object *tuning_input(struct json_object *tuning, const char *name)
{
	struct json_object *input = NULL;

	json_object_object_get_ex(inputs_of(tuning), name, &input);
	return json_object_is_type(input, json_type_object) ? input : NULL;
}

struct json_object *tuning_change(struct json_object *tuning, const char *name)
{
	struct json_object *old = tuning_input(tuning, name);
	struct json_object *fresh = NULL;
	struct json_object *before = NULL;

	if (!old)
		old = json_object_new_object();
	else
		json_object_get(old);
	if (json_object_deep_copy(old, &fresh, NULL) || json_object_deep_copy(old, &before, NULL)) {
		json_object_put(old);
		json_object_put(fresh);
		return NULL;
	}
	json_object_put(old);
	/* one step back, not the whole history */
	json_object_object_del(before, PREVIOUS);
	json_object_object_add(fresh, PREVIOUS, before);
	json_object_object_add(inputs_of(tuning), name, fresh);
	return fresh;
}

int tuning_undo(struct json_object *tuning, const char *name)
{
	struct json_object *input = tuning_input(tuning, name);
	struct json_object *previous = NULL;

	if (!input || !json_object_object_get_ex(input, PREVIOUS, &previous))
		return -ENOENT;
	json_object_get(previous);
	if (json_object_object_length(previous)) {
		json_object_object_add(inputs_of(tuning), name, previous);
	} else {
		json_object_object_del(inputs_of(tuning), name);
		json_object_put(previous);
	}
	return 0;
}
