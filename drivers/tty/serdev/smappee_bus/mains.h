/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mains that a segment's voltage module is wired to, as the firmware describes
 * them.
 */
#ifndef SMAPPEE_BUS_MAINS_H
#define SMAPPEE_BUS_MAINS_H

#include <linux/smappee/bus.h>
#include <linux/types.h>

struct attribute_group;
struct device;
struct fwnode_handle;

void smappee_mains_parse(struct smappee_mains *mains, struct device *dev);
bool smappee_mains_is_node(const struct fwnode_handle *node);

extern const struct attribute_group smappee_mains_group;

#endif
