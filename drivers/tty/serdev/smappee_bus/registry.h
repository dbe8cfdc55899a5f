/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The modules of a segment.
 */
#ifndef SMAPPEE_REGISTRY_H
#define SMAPPEE_REGISTRY_H

#include <linux/types.h>

struct smappee_identity;
struct smappee_module;
struct smappee_segment;

struct smappee_module *smappee_registry_find(struct smappee_segment *segment,
					     u8 unit, s8 entry);
struct smappee_module *
smappee_registry_find_serial(struct smappee_segment *segment, u16 type,
			     u32 serial);
u8 smappee_registry_named_unit(struct smappee_segment *segment, u16 type,
			       u32 serial);
int smappee_registry_add(struct smappee_segment *segment, u8 unit,
			 const struct smappee_identity *id);
void smappee_registry_remove(struct smappee_segment *segment,
			     struct smappee_module *module, const char *why);
bool smappee_registry_same(const struct smappee_module *module,
			   const struct smappee_identity *id);
int smappee_registry_table(struct smappee_module *box);
void smappee_registry_clear(struct smappee_segment *segment, const char *why);

#endif
