// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The line bit by bit, and an ideal receiver on it.
 */
#include "collision.h"

#include <stdbool.h>

/* Start bit, eight data bits, lowest first, stop bit. */
#define CHARACTER 10

static bool drives_low(const struct voice *v, size_t bit)
{
	size_t place;

	if (bit < v->begin || bit >= v->begin + v->len * CHARACTER)
		return false;
	place = (bit - v->begin) % CHARACTER;
	if (place == 0)
		return true;
	if (place == CHARACTER - 1)
		return false;
	return !(v->bytes[(bit - v->begin) / CHARACTER] >> (place - 1) & 1);
}

static bool is_low(const struct voice *voice, unsigned int voices, size_t bit)
{
	for (unsigned int i = 0; i < voices; i++)
		if (drives_low(&voice[i], bit))
			return true;
	return false;
}

size_t collision_mix(const struct voice *voice, unsigned int voices, uint8_t *out, size_t room)
{
	size_t end = 0, bit = 0, len = 0;

	for (unsigned int i = 0; i < voices; i++)
		if (voice[i].begin + voice[i].len * CHARACTER > end)
			end = voice[i].begin + voice[i].len * CHARACTER;
	while (bit < end && len < room) {
		uint8_t byte = 0;

		if (!is_low(voice, voices, bit)) {
			bit++;
			continue;
		}
		for (unsigned int k = 0; k < 8; k++)
			if (!is_low(voice, voices, bit + 1 + k))
				byte |= (uint8_t)(1u << k);
		out[len++] = byte;
		bit += CHARACTER - 1;
		while (bit < end && is_low(voice, voices, bit))
			bit++;
		bit++;
	}
	return len;
}
