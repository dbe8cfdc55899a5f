// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contacts of an input module: every movement in the order in which it happens,
 * so that a look at any time gives the same counts.
 */
#include "contacts.h"

#include <math.h>
#include <string.h>

static bool within(unsigned int address, unsigned int start, unsigned int count)
{
	return address >= start && address < start + count;
}

void contacts_init(struct contacts *c, const struct scenario_module *built)
{
	*c = (struct contacts){ .inputs = built->channels, .epoch = built->epoch };
	for (unsigned int i = 0; i < c->inputs; i++) {
		c->contact[i].built = &built->contact[i];
		c->contact[i].counter = built->contact[i].counter;
		c->contact[i].closed_ms = SMAPPEE_INPUT_DEBOUNCE;
		c->contact[i].open_ms = SMAPPEE_INPUT_DEBOUNCE;
	}
}

/* When the next movement of a contact comes by itself. */
static double next_half(const struct contact *i)
{
	double period = 1 / i->built->pulse_hz;
	double closes = ((double)(i->halves / 2) + 0.5) * period;

	if (i->built->pulse_hz <= 0 ||
	    (i->built->pulses && i->halves >= 2 * (uint64_t)i->built->pulses))
		return INFINITY;
	return i->halves % 2 ? closes + i->built->closed_s : closes;
}

static double next_toggle(const struct contact *i)
{
	return i->toggles < i->built->toggles ? i->built->toggle_s[i->toggles] : INFINITY;
}

/* When the module takes the new level for real. */
static double next_level(const struct contact *i)
{
	if (i->raw == i->level)
		return INFINITY;
	return i->moved + (i->raw ? i->closed_ms : i->open_ms) * 1e-3;
}

static void move(struct contact *i, double t)
{
	i->raw = !i->raw;
	i->moved = t;
	i->closings += i->raw;
}

static void accept(struct contacts *c, unsigned int input)
{
	struct contact *i = &c->contact[input];

	i->level = i->raw;
	c->edge[c->edges % SMAPPEE_EDGES] = (struct contact_edge){
		.time_ms = (uint32_t)(int64_t)floor(fmax(i->moved - c->started, 0) * 1e3),
		.input = (uint8_t)input,
		.closed = i->level,
	};
	c->edges++;
	i->counter += i->level;
	i->counted += i->level;
}

/* The next thing that happens before @t, if it is not later than @t; false if none. */
static bool step(struct contacts *c, double t, bool powered)
{
	unsigned int input = 0;
	double first = INFINITY;
	bool level = false;
	struct contact *i;

	for (unsigned int k = 0; k < c->inputs; k++) {
		double moves = fmin(next_half(&c->contact[k]), next_toggle(&c->contact[k]));
		double accepted = powered ? next_level(&c->contact[k]) : INFINITY;

		if (fmin(moves, accepted) >= first)
			continue;
		first = fmin(moves, accepted);
		/* A contact that was still for long enough counts, even if it moves now. */
		level = accepted <= moves;
		input = k;
	}
	if (!(first <= t))
		return false;
	i = &c->contact[input];
	if (level) {
		accept(c, input);
	} else if (next_half(i) <= next_toggle(i)) {
		i->halves++;
		move(i, first);
	} else {
		i->toggles++;
		move(i, first);
	}
	return true;
}

void contacts_advance(struct contacts *c, double t)
{
	if (t <= c->now)
		return;
	while (step(c, t, true))
		;
	c->now = t;
}

void contacts_set(struct contacts *c, unsigned int input, bool closed, double t)
{
	contacts_advance(c, t);
	if (c->contact[input].raw != closed)
		move(&c->contact[input], t);
}

void contacts_power(struct contacts *c, double off, double on)
{
	contacts_advance(c, off);
	while (step(c, on, false))
		;
	c->now = fmax(c->now, on);
	c->started = on;
	c->edges = 0;
	memset(c->edge, 0, sizeof(c->edge));
	/* How long a contact has been where it is, the module begins to see now. */
	for (unsigned int i = 0; i < c->inputs; i++)
		c->contact[i].moved = on;
}

void contacts_forget(struct contacts *c, uint16_t epoch, double t)
{
	contacts_advance(c, t);
	for (unsigned int i = 0; i < c->inputs; i++)
		c->contact[i].counter = 0;
	c->epoch = epoch;
}

static uint16_t half(uint32_t value, unsigned int at)
{
	return (uint16_t)(value >> at % 2 * 16);
}

static uint16_t levels(const struct contacts *c)
{
	uint16_t bits = 0;

	for (unsigned int i = 0; i < c->inputs; i++)
		bits |= (uint16_t)(c->contact[i].level << i);
	return bits;
}

static uint16_t read_edge(const struct contacts *c, unsigned int at)
{
	unsigned int slot = at / SMAPPEE_EDGE_STRIDE;
	/* Number of the newest edge that has this slot. */
	uint32_t number = c->edges - 1 - (c->edges - 1 - slot) % SMAPPEE_EDGES;
	const struct contact_edge *e = &c->edge[slot];

	switch (at % SMAPPEE_EDGE_STRIDE) {
	case SMAPPEE_EDGE_WHAT:
		return (uint16_t)(e->input | (e->closed ? SMAPPEE_EDGE_CLOSED : 0));
	case SMAPPEE_EDGE_NUMBER:
		return (uint16_t)number;
	default:
		return half(e->time_ms, at);
	}
}

uint16_t contacts_read(const struct contacts *c, double t, uint16_t boot, unsigned int address)
{
	unsigned int at = address - SMAPPEE_REG_INPUT;
	uint32_t clock = (uint32_t)(int64_t)floor(fmax(t - c->started, 0) * 1e3);

	if (within(address, SMAPPEE_REG_INPUT_COUNT, 2 * c->inputs))
		return half(c->contact[(address - SMAPPEE_REG_INPUT_COUNT) / 2].counter, at);
	if (within(address, SMAPPEE_REG_INPUT_CLOSED, c->inputs))
		return c->contact[address - SMAPPEE_REG_INPUT_CLOSED].closed_ms;
	if (within(address, SMAPPEE_REG_INPUT_OPEN, c->inputs))
		return c->contact[address - SMAPPEE_REG_INPUT_OPEN].open_ms;
	if (within(address, SMAPPEE_REG_INPUT_EDGE, SMAPPEE_EDGES * SMAPPEE_EDGE_STRIDE))
		return read_edge(c, address - SMAPPEE_REG_INPUT_EDGE);
	switch (address) {
	case SMAPPEE_REG_INPUT_BOOT:
		return boot;
	case SMAPPEE_REG_INPUT_LEVELS:
		return levels(c);
	case SMAPPEE_REG_INPUT_EDGES:
	case SMAPPEE_REG_INPUT_EDGES + 1:
		return half(c->edges, at);
	case SMAPPEE_REG_INPUT_CLOCK:
	case SMAPPEE_REG_INPUT_CLOCK + 1:
		return half(clock, at);
	case SMAPPEE_REG_INPUT_EPOCH:
		return c->epoch;
	default:
		return 0;
	}
}

uint8_t contacts_write(struct contacts *c, unsigned int address, uint16_t value, bool check)
{
	bool closed = within(address, SMAPPEE_REG_INPUT_CLOSED, c->inputs);

	if (!closed && !within(address, SMAPPEE_REG_INPUT_OPEN, c->inputs))
		return SMAPPEE_EX_ILLEGAL_ADDRESS;
	if (value > SMAPPEE_INPUT_DEBOUNCE_MAX)
		return SMAPPEE_EX_ILLEGAL_VALUE;
	if (check)
		return 0;
	if (closed)
		c->contact[address - SMAPPEE_REG_INPUT_CLOSED].closed_ms = value;
	else
		c->contact[address - SMAPPEE_REG_INPUT_OPEN].open_ms = value;
	return 0;
}
