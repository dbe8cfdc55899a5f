/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the Power Box driver share.
 */
#ifndef SMAPPEE_POWERBOX_H
#define SMAPPEE_POWERBOX_H

#include <linux/sysfs.h>

/* CT inputs of a module; letters are printed at them. */
#define POWERBOX_INPUTS_MAX	8

extern const struct attribute_group *powerbox_groups[];

#endif
