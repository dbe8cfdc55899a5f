/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which modules are on a segment.
 */
#ifndef SMAPPEE_ENUMERATE_H
#define SMAPPEE_ENUMERATE_H

#include <linux/types.h>

struct smappee_segment;
struct smappee_module;

/* For search.c, in the enumeration work. */
int smappee_enumerate_unit(struct smappee_segment *segment, u8 unit,
			   unsigned int tries, bool drop_silent);
bool smappee_enumerate_verify(struct smappee_segment *segment);

int smappee_enumerate_init(struct smappee_segment *segment);
void smappee_enumerate_start(struct smappee_segment *segment);
void smappee_enumerate_pause(struct smappee_segment *segment);
void smappee_enumerate_now(struct smappee_segment *segment);
void smappee_enumerate_again(struct smappee_segment *segment);
void smappee_enumerate_crowded(struct smappee_module *module);
int smappee_enumerate_release(struct smappee_segment *segment);
int smappee_enumerate_rescan(struct smappee_segment *segment);
void smappee_enumerate_exit(struct smappee_segment *segment);

#endif
