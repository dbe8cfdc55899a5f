/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * installation - makes loads, elements and channels out of a configuration, and finds
 * what contradicts itself in it: an input used twice, a phase that the topology does
 * not have, a virtual load that is a part of itself.
 */
#ifndef METERD_INSTALLATION_H
#define METERD_INSTALLATION_H

#include "config.h"
#include "load.h"
#include "site.h"

/**
 * installation_make() - make the installation that the configuration describes
 * @in: filled in; free with installation_free() also after an error
 * @config: a configuration read without errors; must outlive @in
 * @site: what is used where @config says nothing; must outlive @in; NULL: nothing is known
 *
 * Return: 0, or -EINVAL after printing all errors.
 */
int installation_make(struct installation *in, const struct config *config,
		      const struct site *site);

/** installation_free() - free what installation_make() allocated */
void installation_free(struct installation *in);

#endif
