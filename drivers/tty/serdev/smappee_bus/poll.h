/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The thread that reads the registers of a Power Box in turn.
 */
#ifndef SMAPPEE_POLL_H
#define SMAPPEE_POLL_H

#include <linux/types.h>

struct smappee_poller;
struct smappee_segment;

struct smappee_poller *smappee_poller_new(void);
void smappee_poller_free(struct smappee_poller *poller);

int smappee_poll_run(struct smappee_segment *segment);
void smappee_poll_resume(struct smappee_segment *segment);
void smappee_poll_halt(struct smappee_segment *segment);

#endif
