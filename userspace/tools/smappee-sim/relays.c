// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relays and their fail-safe state.
 */
#include "relays.h"

#include <math.h>

static uint16_t all(const struct relays *r)
{
	return (uint16_t)((1u << r->relays) - 1);
}

static void take(struct relays *r, uint16_t on, uint16_t cause)
{
	r->switched += (uint64_t)__builtin_popcount(on ^ r->on);
	r->on = on;
	r->cause = cause;
}

/* What @state, coded as in the registers, makes of the relays. */
static uint16_t fall_back(const struct relays *r, uint16_t state)
{
	uint16_t stays = state >> SMAPPEE_RELAY_STAYS & all(r);

	return (uint16_t)((r->on & stays) | (state & ~stays & all(r)));
}

void relays_init(struct relays *r, unsigned int relays)
{
	*r = (struct relays){ .relays = relays, .off_until = -INFINITY };
}

void relays_advance(struct relays *r, double t)
{
	if (!r->timeout_s || r->in_force || t < r->beat + r->timeout_s)
		return;
	r->in_force = true;
	take(r, fall_back(r, r->safe), SMAPPEE_CAUSE_FAIL_SAFE);
}

uint16_t relays_state(struct relays *r, double t)
{
	if (t < r->off_until)
		return 0;
	relays_advance(r, t);
	return r->on;
}

void relays_power(struct relays *r, double off, double on)
{
	relays_advance(r, off);
	take(r, fall_back(r, r->start), SMAPPEE_CAUSE_RESTART);
	r->in_force = false;
	r->beat = on;
	r->off_until = on;
}

static uint16_t left(const struct relays *r, double t)
{
	if (!r->timeout_s || r->in_force)
		return 0;
	return (uint16_t)ceil(fmax(r->beat + r->timeout_s - t, 0));
}

uint16_t relays_read(struct relays *r, double t, uint16_t boot, unsigned int address)
{
	relays_advance(r, t);
	switch (address) {
	case SMAPPEE_REG_OUTPUT_BOOT:
		return boot;
	case SMAPPEE_REG_OUTPUT_RELAYS:
		return r->on;
	case SMAPPEE_REG_OUTPUT_CAUSE:
		return r->cause;
	case SMAPPEE_REG_OUTPUT_TIMEOUT:
		return r->timeout_s;
	case SMAPPEE_REG_OUTPUT_SAFE:
		return r->safe;
	case SMAPPEE_REG_OUTPUT_LEFT:
		return left(r, t);
	case SMAPPEE_REG_OUTPUT_IN_FORCE:
		return r->in_force;
	case SMAPPEE_REG_OUTPUT_START:
		return r->start;
	default:
		return 0;
	}
}

static uint8_t check_write(const struct relays *r, unsigned int address, uint16_t value)
{
	uint16_t bits = (uint16_t)(all(r) | all(r) << SMAPPEE_RELAY_STAYS);

	switch (address) {
	case SMAPPEE_REG_OUTPUT_SWITCH:
		if (r->in_force)
			return SMAPPEE_EX_BUSY;
		return value & ~bits ? SMAPPEE_EX_ILLEGAL_VALUE : 0;
	case SMAPPEE_REG_OUTPUT_SAFE:
	case SMAPPEE_REG_OUTPUT_START:
		return value & ~bits ? SMAPPEE_EX_ILLEGAL_VALUE : 0;
	case SMAPPEE_REG_OUTPUT_TIMEOUT:
		return 0;
	case SMAPPEE_REG_OUTPUT_HEARTBEAT:
		return value == 1 ? 0 : SMAPPEE_EX_ILLEGAL_VALUE;
	default:
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	}
}

static void beat(struct relays *r, double t)
{
	r->beat = t;
	r->in_force = false;
}

uint8_t relays_write(struct relays *r, double t, unsigned int address, uint16_t value, bool check)
{
	uint16_t those = value & all(r);

	relays_advance(r, t);
	if (check)
		return check_write(r, address, value);
	switch (address) {
	case SMAPPEE_REG_OUTPUT_SWITCH:
		take(r, (uint16_t)((r->on & ~those) | (value >> SMAPPEE_RELAY_STAYS & those)),
		     SMAPPEE_CAUSE_HOST);
		break;
	case SMAPPEE_REG_OUTPUT_TIMEOUT:
		r->timeout_s = value;
		beat(r, t);
		break;
	case SMAPPEE_REG_OUTPUT_SAFE:
		r->safe = value;
		break;
	case SMAPPEE_REG_OUTPUT_HEARTBEAT:
		beat(r, t);
		break;
	case SMAPPEE_REG_OUTPUT_START:
		r->start = value;
		break;
	}
	return 0;
}
