/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pulse counters of input modules in 64 bits. Pure: nothing is locked, allocated
 * or logged. The rules are in Documentation/driver-api/smappee/protocol.rst.
 */
#ifndef SMAPPEE_PULSE_H
#define SMAPPEE_PULSE_H

#include <linux/types.h>

/**
 * struct smappee_reading - one look at a counter
 * @epoch: the module's counter epoch
 * @count: its 32-bit counter
 * @time_ms: when, any clock that goes on
 */
struct smappee_reading {
	u16 epoch;
	u32 count;
	s64 time_ms;
};

/**
 * struct smappee_pulse - a counter in 64 bits
 * @count: pulses; the low 32 bits are those of the module's counter
 * @last: the reading that it is from
 * @known: there has been one
 * @doubt: a reading that waits for another one to confirm it
 * @doubted: there is one
 */
struct smappee_pulse {
	u64 count;
	struct smappee_reading last;
	bool known;
	struct smappee_reading doubt;
	bool doubted;
};

int smappee_pulse_update(struct smappee_pulse *pulse,
			 const struct smappee_reading *reading);

#endif
