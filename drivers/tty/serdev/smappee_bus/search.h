/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looking for modules by their serial numbers, and giving them unit addresses.
 */
#ifndef SMAPPEE_SEARCH_H
#define SMAPPEE_SEARCH_H

#include <linux/types.h>

struct smappee_segment;

void smappee_search_new(struct smappee_segment *segment);
void smappee_search_unit(struct smappee_segment *segment, u8 unit);
void smappee_search_release(struct smappee_segment *segment);

#endif
