/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config-named - sections that there can be more than one of, as [load NAME]; between the
 * parts of config.h only. Each is an item of a list in struct config.
 */
#ifndef METERD_CONFIG_NAMED_H
#define METERD_CONFIG_NAMED_H

#include "config.h"

/**
 * struct config_named - a kind of these sections; its structure begins with name and line
 * @section: the first word
 * @items: where the pointer to the items is in struct config
 * @count: where their number is
 * @bytes: of an item
 * @most: items
 */
struct config_named {
	const char *section;
	size_t items;
	size_t count;
	size_t bytes;
	unsigned int most;
};

/** config_named() - the kind that is called so, or NULL */
const struct config_named *config_named(const char *section);

/** config_named_heading() - the kind of a heading as "load grid", and the name in it; or NULL */
const struct config_named *config_named_heading(const char *heading, const char **name);

/** config_named_items() - how many there are */
unsigned int config_named_items(const struct config *c, const struct config_named *n);

/** config_named_item() - item number @item, or NULL */
void *config_named_item(const struct config *c, const struct config_named *n, unsigned int item);

/** config_named_find() - the item of that name and its line, or NULL; @line may be NULL */
void *config_named_find(const struct config *c, const struct config_named *n, const char *name,
			unsigned int *line);

/** config_named_add() - another item, with defaults; NULL: no memory. At most @n->most */
void *config_named_add(struct config *c, const struct config_named *n, const char *name,
		       unsigned int line);

/** config_named_free() - free all items of all kinds */
void config_named_free(struct config *c);

#endif
