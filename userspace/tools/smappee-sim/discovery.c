// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Search, assign, release: the module's side.
 */
#include "discovery.h"

#include "frame.h"

static uint64_t key_of(uint16_t type, uint32_t serial)
{
	return (uint64_t)type << SMAPPEE_KEY_SERIAL_BITS | serial;
}

/* Is the request one that a module listens to, and does its key match? */
static bool matches(const struct module *m, const uint8_t *request)
{
	unsigned int bits = request[SMAPPEE_DISCOVER_BITS];
	uint64_t wanted = key_of(frame_get16(request + SMAPPEE_DISCOVER_TYPE),
				 frame_get32(request + SMAPPEE_DISCOVER_SERIAL));
	uint64_t mask;

	if (bits > SMAPPEE_KEY_BITS || request[SMAPPEE_DISCOVER_UNIT] > SMAPPEE_UNIT_MAX ||
	    request[SMAPPEE_DISCOVER_RESERVED])
		return false;
	mask = (1ULL << bits) - 1;
	return !(wanted & ~mask) && (key_of(m->built->type, m->serial) & mask) == wanted;
}

static bool is_new(const struct module *m)
{
	return !m->unit || !m->known;
}

size_t discovery_hear(struct module *m, const uint8_t *request, uint8_t *out)
{
	uint8_t unit = request[SMAPPEE_DISCOVER_UNIT];

	if (m->box || !matches(m, request))
		return 0;
	switch (request[SMAPPEE_DISCOVER_OPERATION]) {
	case SMAPPEE_DISCOVER_SEARCH:
		if (unit ? m->unit != unit : !is_new(m))
			return 0;
		break;
	case SMAPPEE_DISCOVER_ASSIGN:
		if (request[SMAPPEE_DISCOVER_BITS] != SMAPPEE_KEY_BITS)
			return 0;
		m->unit = unit;
		break;
	case SMAPPEE_DISCOVER_RELEASE:
		if (!unit || m->unit == unit)
			m->unit = 0;
		return 0;
	default:
		return 0;
	}
	return frame_discover_answer(out, m->unit, request, m->built->type, m->serial);
}
