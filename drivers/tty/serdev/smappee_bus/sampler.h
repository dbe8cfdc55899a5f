/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The thread that keeps a segment in step and fetches its samples.
 */
#ifndef SMAPPEE_SAMPLER_H
#define SMAPPEE_SAMPLER_H

#include <linux/types.h>

struct smappee_module;
struct smappee_segment;

int smappee_sampler_start(struct smappee_segment *segment);
void smappee_sampler_stop(struct smappee_segment *segment);
void smappee_sampler_resume(struct smappee_segment *segment);
void smappee_sampler_kick(struct smappee_segment *segment);
void smappee_module_set_silent(struct smappee_module *module, bool silent);

#endif
