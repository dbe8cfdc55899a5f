// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer that is out to confuse.
 */
#include "hostile.h"

#include "frame.h"
#include "random.h"

#include <stdbool.h>
#include <string.h>

/* Length of a samples answer without data; shorter frames have no CRC-32. */
#define SAMPLES_MIN (SMAPPEE_SAMPLES_DATA + SMAPPEE_SAMPLES_TAIL)
#define LONGER_MAX 64

static size_t below(uint64_t *random, size_t end)
{
	return (size_t)(random_next(random) % end);
}

static void fill(uint64_t *random, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random_next(random);
}

/* Make all check sums right again. Return: @len. */
static size_t seal(uint8_t *bytes, size_t len)
{
	if (len < SMAPPEE_FRAME_MIN)
		return len;
	if (bytes[1] == SMAPPEE_FC_READ_SAMPLES && len >= SAMPLES_MIN)
		frame_put32(bytes + len - SMAPPEE_SAMPLES_TAIL,
			    frame_crc32(bytes, len - SMAPPEE_SAMPLES_TAIL));
	return frame_seal(bytes, len - 2);
}

static size_t remember(struct hostile *h, const uint8_t *bytes, size_t len)
{
	memcpy(h->earlier, bytes, len);
	h->earlier_len = len;
	return len;
}

static void change_field(uint64_t *random, uint8_t *bytes, size_t len)
{
	static const uint16_t ends[] = {
		0,
		1,
		2,
		0xff,
		0x100,
		0x7fff,
		0x8000,
		0xfffe,
		0xffff,
		SMAPPEE_SAMPLES_SCANS_MAX,
		SMAPPEE_SAMPLES_SCANS_MAX + 1,
		SMAPPEE_SAMPLES_DATA_MAX,
		SMAPPEE_SAMPLES_DATA_MAX + 1,
	};
	uint16_t value = ends[below(random, sizeof(ends) / sizeof(ends[0]))];
	/* The head says more than the data do. */
	size_t head = len - 2 < SMAPPEE_SAMPLES_DATA ? len - 2 : SMAPPEE_SAMPLES_DATA;

	frame_put16(bytes + 2 + below(random, head - 1), value);
}

size_t hostile_twist(struct hostile *h, enum hostile_trick trick, uint64_t *random, uint8_t *bytes,
		     size_t len)
{
	size_t more = 1 + below(random, LONGER_MAX);

	if (trick != HOSTILE_EARLIER && !below(random, 8))
		remember(h, bytes, len);
	switch (trick) {
	case HOSTILE_BYTE:
		bytes[below(random, len - 2)] ^= (uint8_t)(1 + below(random, 255));
		return seal(bytes, len);
	case HOSTILE_FIELD:
		change_field(random, bytes, len);
		return seal(bytes, len);
	case HOSTILE_SHORTER:
		return seal(bytes, 2 + below(random, len - 2));
	case HOSTILE_LONGER:
		if (more > SMAPPEE_FRAME_MAX_SAMPLES - len)
			more = SMAPPEE_FRAME_MAX_SAMPLES - len;
		fill(random, bytes + len, more);
		return seal(bytes, len + more);
	case HOSTILE_EARLIER:
		if (!h->earlier_len)
			return remember(h, bytes, len);
		memcpy(bytes, h->earlier, h->earlier_len);
		return h->earlier_len;
	case HOSTILE_FILLED:
		fill(random, bytes + 2, len - 2);
		return seal(bytes, len);
	case HOSTILE_EXCEPTION:
		return frame_exception(bytes, bytes[0], bytes[1], (uint8_t)random_next(random));
	default:
		len = 2 + below(random, SMAPPEE_FRAME_MAX_SAMPLES - 1);
		fill(random, bytes, len);
		return len;
	}
}
