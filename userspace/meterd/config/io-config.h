/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io-config - from sections [contact NAME] and [relay NAME] to the plan of what is wired. */
#ifndef METERD_IO_CONFIG_H
#define METERD_IO_CONFIG_H

#include "config.h"
#include "io-plan.h"

/**
 * io_plan_make() - make the plan that the configuration describes
 * @plan: filled in
 * @config: a configuration read without errors; must outlive @plan
 * @in: its loads
 *
 * Return: 0, or -EINVAL after printing all errors.
 */
int io_plan_make(struct io_plan *plan, const struct config *config, const struct installation *in);

#endif
