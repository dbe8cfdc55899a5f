/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store-config - section [store] of the configuration */
#ifndef METERD_STORE_CONFIG_H
#define METERD_STORE_CONFIG_H

/**
 * struct store_config - section [store]
 * @file: the database
 * @days_1m: records of a minute are kept this long, days
 * @days_5m: of five minutes
 * @days_events: events
 * @size_mb: the file is not let grow beyond this, MB of 2^20 bytes
 */
struct store_config {
	char *file;
	unsigned int days_1m;
	unsigned int days_5m;
	unsigned int days_events;
	unsigned int size_mb;
};

#endif
