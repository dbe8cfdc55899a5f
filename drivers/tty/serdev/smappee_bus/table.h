/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a Power Box says of itself and of the modules behind it.
 */
#ifndef SMAPPEE_TABLE_H
#define SMAPPEE_TABLE_H

#include <linux/smappee/bus.h>
#include <linux/types.h>

#include "describe.h"

struct smappee_module;

/**
 * struct smappee_entry - a module behind a Power Box
 * @id: its identity; type 0 if the entry is empty or cannot be right
 * @input: its CT inputs, as many as @id has slots
 */
struct smappee_entry {
	struct smappee_identity id;
	struct smappee_input input[SMAPPEE_PB_ENTRY_SLOTS_MAX];
};

int smappee_box_parse(const u16 *regs, struct smappee_identity *id);
int smappee_table_read(struct smappee_module *box,
		       struct smappee_entry *entries);

#endif
