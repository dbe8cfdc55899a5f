// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that lies: what it makes of an answer. Noise, and frames that are right but
 * for what they say, with good check sums.
 */

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fake-line.h"

enum fake_lie {
	LIE_NOISE,		/* random bytes, as many as it likes */
	LIE_BYTE,		/* one byte is another one */
	LIE_FILLED,		/* random but for the head */
	LIE_SHORTER,		/* the end is missing */
	LIE_LONGER,		/* something follows */
	LIE_EARLIER,		/* an earlier answer, whoever gave it */
	LIE_EXCEPTION,		/* any exception */
	LIES
};

/* More than any of the host's questions is answered with. */
#define LIE_BYTES_MAX	1024

static u32 below(struct fake_line *line, u32 n)
{
	return prandom_u32_state(&line->rnd) % n;
}

static size_t seal(u8 *answer, size_t len)
{
	if (answer[1] == SMAPPEE_FC_READ_SAMPLES &&
	    len > SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL)
		put_unaligned_be32(fake_crc32(answer, len - SMAPPEE_SAMPLES_TAIL),
				   answer + len - SMAPPEE_SAMPLES_TAIL);
	return fake_seal(answer, len - 2);
}

size_t fake_line_lie(struct fake_line *line, u8 *answer, size_t len)
{
	size_t more;

	switch (below(line, LIES)) {
	case LIE_BYTE:
		answer[below(line, len - 2)] ^= 1 + below(line, 255);
		return seal(answer, len);
	case LIE_FILLED:
		prandom_bytes_state(&line->rnd, answer + 2, len - 2);
		return seal(answer, len);
	case LIE_SHORTER:
		return fake_seal(answer, below(line, len - 2));
	case LIE_LONGER:
		more = 1 + below(line, 40);
		prandom_bytes_state(&line->rnd, answer + len, more);
		return seal(answer, len + more);
	case LIE_EARLIER:
		more = line->told_len;
		if (more)
			memcpy(answer, line->told, more);
		return more ?: len;
	case LIE_EXCEPTION:
		answer[1] |= SMAPPEE_FC_EXCEPTION;
		answer[2] = below(line, 256);
		return fake_seal(answer, 3);
	default:
		len = 1 + below(line, LIE_BYTES_MAX);
		prandom_bytes_state(&line->rnd, answer, len);
		return len;
	}
}

void fake_line_tell(struct fake_line *line, const u8 *answer, size_t len)
{
	if (len > sizeof(line->told) || below(line, 8))
		return;
	memcpy(line->told, answer, len);
	line->told_len = len;
}
