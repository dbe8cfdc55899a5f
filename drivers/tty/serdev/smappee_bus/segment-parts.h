/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of a segment's line share: turn.c says who has it, receive.c takes
 * in what comes, segment.c is a transaction from its request to a line that can be
 * trusted again. The rest of the bus sees segment.h only.
 */
#ifndef SMAPPEE_SEGMENT_PARTS_H
#define SMAPPEE_SEGMENT_PARTS_H

#include "segment.h"

/*
 * An answer as a whole may take this much longer than the wire needs. A host
 * that is slow at this moment will not be faster when it asks again, so as long
 * as bytes come, waiting for the rest is the quickest way to get it.
 */
#define LINE_SLACK_MS		250

/* turn.c */
int smappee_turn_take(struct smappee_line *line, enum smappee_priority priority,
		      u8 unit);
void smappee_turn_end(struct smappee_line *line, enum smappee_priority priority,
		      s64 took_ns);
void smappee_turn_stale(struct smappee_line *line, u8 unit, unsigned int us);
bool smappee_turn_urgent(struct smappee_line *line,
			 enum smappee_priority priority);

/* receive.c */
void smappee_receive_begin(struct smappee_line *line,
			   const struct modbus_request *rq);
bool smappee_receive_give_up(struct smappee_line *line, int status);

#endif
