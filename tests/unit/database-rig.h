/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database-rig - a database in a folder of its own.
 */
#ifndef TEST_DATABASE_RIG_H
#define TEST_DATABASE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "database-parts.h"

#define MINUTE_MS 60000LL
/* a UTC mark of 2026 */
#define TODAY_MS 1795197600000LL

struct fixture {
	char dir[64];
	char file[96];
	struct store_config config;
	struct database *db;
	uint64_t sequence; /* of the last record, for tests that number them */
};

/* Minutes are kept for @days. */
static inline int start_database(void **state, unsigned int days)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/database-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/records.db", f->dir);
	f->config = (struct store_config){ f->file, days, 400, 400, 64 };
	*state = f;
	return database_open(&f->db, &f->config, NULL, 0);
}

static inline int stop(void **state)
{
	struct fixture *f = *state;
	char command[128];

	database_close(f->db);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

#endif
