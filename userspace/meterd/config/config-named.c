// SPDX-License-Identifier: GPL-2.0-or-later
#include "config-named.h"

#include <stdlib.h>
#include <string.h>

#include "config-options.h"

#define KIND(name, list, type, limit)                                                              \
	{ name, offsetof(struct config, list), offsetof(struct config, list##s), sizeof(type),     \
	  limit }

static const struct config_named kinds[] = {
	KIND("load", load, struct load_config, LOADS_MAX),
	KIND("input", input, struct input_config, INPUT_CHANNELS_MAX),
	KIND("contact", contact, struct contact_config, CONTACTS_MAX),
	KIND("relay", relay, struct relay_config, RELAYS_MAX),
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define BEGINS_WITH_NAME_AND_LINE(type)                                                            \
	_Static_assert(!offsetof(type, name) && offsetof(type, line) == sizeof(char *),            \
		       "name and line come first")

BEGINS_WITH_NAME_AND_LINE(struct load_config);
BEGINS_WITH_NAME_AND_LINE(struct input_config);
BEGINS_WITH_NAME_AND_LINE(struct contact_config);
BEGINS_WITH_NAME_AND_LINE(struct relay_config);

static unsigned int *count_of(const struct config *c, const struct config_named *n)
{
	return (unsigned int *)((char *)c + n->count);
}

static char **items_of(const struct config *c, const struct config_named *n)
{
	return (char **)((char *)c + n->items);
}

static char **name_of(char *item)
{
	return (char **)item;
}

static unsigned int *line_of(char *item)
{
	return (unsigned int *)(item + sizeof(char *));
}

const struct config_named *config_named(const char *section)
{
	size_t k;

	for (k = 0; k < KINDS; k++)
		if (!strcmp(kinds[k].section, section))
			return &kinds[k];
	return NULL;
}

const struct config_named *config_named_heading(const char *heading, const char **name)
{
	size_t k;

	for (k = 0; k < KINDS; k++) {
		size_t n = strlen(kinds[k].section);

		if (strncmp(heading, kinds[k].section, n) || heading[n] != ' ')
			continue;
		*name = heading + n + strspn(heading + n, " \t");
		return &kinds[k];
	}
	return NULL;
}

unsigned int config_named_items(const struct config *c, const struct config_named *n)
{
	return *count_of(c, n);
}

void *config_named_item(const struct config *c, const struct config_named *n, unsigned int item)
{
	return item < *count_of(c, n) ? *items_of(c, n) + item * n->bytes : NULL;
}

void *config_named_find(const struct config *c, const struct config_named *n, const char *name,
			unsigned int *line)
{
	char *item;
	unsigned int k;

	for (k = 0; (item = config_named_item(c, n, k)); k++) {
		if (strcmp(*name_of(item), name))
			continue;
		if (line)
			*line = *line_of(item);
		return item;
	}
	return NULL;
}

void *config_named_add(struct config *c, const struct config_named *n, const char *name,
		       unsigned int line)
{
	unsigned int *count = count_of(c, n);
	char **items = items_of(c, n);
	char *item = reallocarray(*items, *count + 1, n->bytes);

	if (!item)
		return NULL;
	*items = item;
	item += *count * n->bytes;
	memset(item, 0, n->bytes);
	*name_of(item) = strdup(name);
	if (!*name_of(item))
		return NULL;
	*line_of(item) = line;
	++*count;
	options_default(n->section, item);
	return item;
}

const char *config_item_name(const struct config *c, const char *section, unsigned int item)
{
	const struct config_named *n = config_named(section);
	char *found = n ? config_named_item(c, n, item) : NULL;

	return found ? *name_of(found) : "";
}

void config_named_free(struct config *c)
{
	unsigned int item;
	size_t k;

	for (k = 0; k < KINDS; k++) {
		for (item = 0; item < *count_of(c, &kinds[k]); item++) {
			char *at = config_named_item(c, &kinds[k], item);

			options_free(kinds[k].section, at);
			free(*name_of(at));
		}
		free(*items_of(c, &kinds[k]));
	}
}
