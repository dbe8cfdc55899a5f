// SPDX-License-Identifier: GPL-2.0
/*
 * 32-bit counters that wrap, to 64 bits.
 *
 * One reading in 65536 damaged ones gets past the CRC. Taken at its word it would
 * be pulses for ever, since a counter cannot go back: so a reading that does
 * not follow from the one before is believed only when the next one confirms it.
 */
#include <linux/errno.h>

#include "smappee-pulse.h"

/* What an input may count in a millisecond, and at once. */
#define PULSE_PER_MS	1
#define PULSE_AT_ONCE	1000

static bool pulse_follows(const struct smappee_reading *before,
			  const struct smappee_reading *reading)
{
	s64 passed_ms = reading->time_ms - before->time_ms;
	u32 pulses = reading->count - before->count;

	return reading->epoch == before->epoch && passed_ms >= 0 &&
	       pulses <= PULSE_AT_ONCE + PULSE_PER_MS * passed_ms;
}

/**
 * smappee_pulse_update() - take in a reading
 * @pulse: the counter
 * @reading: what the module said
 *
 * In the same epoch @pulse->count grows by what the module has counted since, over
 * any number of wraps of which at least one reading was taken each. In another
 * epoch the module has begun at 0, and so does @pulse->count.
 *
 * Return: 0, or -EAGAIN: it does not follow from the reading before; nothing
 * changed, and the next reading will decide.
 */
int smappee_pulse_update(struct smappee_pulse *pulse,
			 const struct smappee_reading *reading)
{
	bool good = pulse->known && pulse_follows(&pulse->last, reading);

	if (!good && !(pulse->doubted && pulse_follows(&pulse->doubt, reading))) {
		pulse->doubt = *reading;
		pulse->doubted = true;
		return -EAGAIN;
	}

	if (pulse->known && reading->epoch == pulse->last.epoch)
		pulse->count += (u32)(reading->count - pulse->last.count);
	else
		pulse->count = reading->count;
	pulse->last = *reading;
	pulse->known = true;
	pulse->doubted = false;

	return 0;
}
