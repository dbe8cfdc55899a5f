/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile - answers of a peer that is out to confuse: noise, and frames that are right
 * but for one thing.
 */
#ifndef SIM_HOSTILE_H
#define SIM_HOSTILE_H

#include <linux/smappee.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum hostile_trick - what such a peer does with an answer
 * @HOSTILE_NOISE: random bytes, as many as it likes
 * @HOSTILE_BYTE: one byte is another one, check sums right
 * @HOSTILE_FIELD: 16 bits are one of the values at an end of a range, check sums right
 * @HOSTILE_SHORTER: the end is missing, check sums right
 * @HOSTILE_LONGER: random bytes at the end, check sums right
 * @HOSTILE_EARLIER: an answer to an earlier request, right in itself
 * @HOSTILE_FILLED: head of the right answer, the rest random, check sums right
 * @HOSTILE_EXCEPTION: an exception with any code
 * @HOSTILE_TRICKS: how many there are
 */
enum hostile_trick {
	HOSTILE_NOISE,
	HOSTILE_BYTE,
	HOSTILE_FIELD,
	HOSTILE_SHORTER,
	HOSTILE_LONGER,
	HOSTILE_EARLIER,
	HOSTILE_FILLED,
	HOSTILE_EXCEPTION,
	HOSTILE_TRICKS,
};

/**
 * struct hostile - what it remembers
 * @earlier: a right answer
 * @earlier_len: its length, 0 for none
 */
struct hostile {
	uint8_t earlier[SMAPPEE_FRAME_MAX_SAMPLES];
	size_t earlier_len;
};

/**
 * hostile_twist() - play a trick with an answer
 * @h: memory of the peer; one in eight answers is remembered as it was
 * @trick: which
 * @random: stream of what it makes up
 * @bytes: the right answer, at least SMAPPEE_FRAME_MIN bytes; room for
 *	SMAPPEE_FRAME_MAX_SAMPLES
 * @len: its length, at most SMAPPEE_FRAME_MAX_SAMPLES
 *
 * Return: length of what comes instead, 2 to SMAPPEE_FRAME_MAX_SAMPLES.
 */
size_t hostile_twist(struct hostile *h, enum hostile_trick trick, uint64_t *random, uint8_t *bytes,
		     size_t len);

#endif
