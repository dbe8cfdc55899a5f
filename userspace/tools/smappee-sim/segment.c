// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests to replies. The way of a request: bit errors, CRC, address, the
 * module's answer, trouble with it, and, for a sync answer, the other modules'
 * ears.
 */
#include "segment.h"

#include "collision.h"
#include "discovery.h"
#include "frame.h"
#include "random.h"
#include "registers.h"
#include "samples.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A restarting module is off the line for so long. */
#define RESTART_S 0.3
/* Turnarounds of modules differ by so much. */
#define SKEW_S 20e-6

int segment_init(struct segment *g, const struct scenario *s)
{
	int ret = 0;

	*g = (struct segment){ .scenario = s };
	fault_init(&g->faults, s->seed);
	g->skew = random_hash(s->seed ^ 0xc1a54);
	for (unsigned int i = 0; i < s->modules && !ret; i++)
		if (!s->module[i].behind)
			ret = module_init(&g->module[g->modules++], s, i);
	if (ret)
		segment_free(g);
	return ret;
}

void segment_free(struct segment *g)
{
	for (unsigned int i = 0; i < g->modules; i++)
		module_free(&g->module[i]);
	g->modules = 0;
}

struct module *segment_reference(struct segment *g)
{
	for (unsigned int i = 0; i < g->modules; i++)
		if (g->module[i].plugged && g->module[i].reference)
			return &g->module[i];
	return NULL;
}

struct module *segment_unit(struct segment *g, uint8_t unit)
{
	for (unsigned int i = 0; i < g->modules; i++)
		if (g->module[i].plugged && module_unit(&g->module[i]) == unit)
			return &g->module[i];
	return NULL;
}

static size_t answer_read(struct module *m, const uint8_t *request, double t, uint8_t *out,
			  uint8_t *code)
{
	uint16_t values[SMAPPEE_REGS_MAX];
	uint16_t address = frame_get16(request + 2);
	unsigned int count = frame_get16(request + 4);

	if (!m->box && leds_registers(address))
		*code = leds_read(&m->leds, t, address, count, values);
	else
		*code = m->box	? power_box_read(m->box, t, address, count, values)
			: m->io ? io_read(m->io, t, address, count, values)
				: registers_read(m, t, address, count, values);
	return *code ? 0 : frame_registers_answer(out, request[0], values, count);
}

static size_t answer_write(struct module *m, const uint8_t *request, double t, uint8_t *out,
			   uint8_t *code)
{
	uint16_t values[SMAPPEE_REGS_MAX];
	uint16_t address = frame_get16(request + 2);
	unsigned int count = frame_get16(request + 4);

	*code = SMAPPEE_EX_ILLEGAL_VALUE;
	if (!count || count > SMAPPEE_REGS_MAX - 2 || request[6] != 2 * count)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		values[i] = frame_get16(request + 7 + 2 * i);
	if (!m->box && leds_registers(address))
		*code = leds_write(&m->leds, t, address, count, values);
	else
		*code = m->box	? power_box_write(m->box, t, address, count, values)
			: m->io ? io_write(m->io, t, address, count, values)
				: registers_write(m, t, address, count, values);
	return *code ? 0 : frame_written_answer(out, request[0], address, (uint16_t)count);
}

static size_t answer_samples(struct segment *g, struct module *m, const uint8_t *request, double t,
			     uint8_t *out, uint8_t *code)
{
	unsigned int scans = frame_get16(request + SMAPPEE_SAMPLES_REQ_SCANS);
	size_t len;

	if (scans > SMAPPEE_SAMPLES_SCANS_MAX) {
		*code = SMAPPEE_EX_ILLEGAL_VALUE;
		return 0;
	}
	len = samples_answer(m, t, frame_get32(request + SMAPPEE_SAMPLES_REQ_INDEX), scans, out);
	g->sample_bytes += len - SMAPPEE_SAMPLES_DATA - SMAPPEE_SAMPLES_TAIL;
	return len;
}

static size_t answer_sync(struct module *m, double edge, uint8_t *out, uint8_t *code)
{
	if (m->reference)
		return module_sync_answer(m, edge, out);
	*code = SMAPPEE_EX_ILLEGAL_FUNCTION;
	return 0;
}

/* The module's own answer, before anything goes wrong with it. */
static size_t answer(struct segment *g, struct module *m, const uint8_t *request, double t,
		     double edge, uint8_t *out)
{
	double trouble;
	uint8_t code = 0;
	size_t len = 0;

	if (fault_strikes(&g->faults, FAULT_EXCEPTION, request[0], &trouble))
		code = (uint8_t)trouble;
	else if ((m->box && !power_box_knows(request[1])) || (m->io && !io_knows(request[1])))
		code = SMAPPEE_EX_ILLEGAL_FUNCTION;
	else if (request[1] == SMAPPEE_FC_READ_REGISTERS)
		len = answer_read(m, request, t, out, &code);
	else if (request[1] == SMAPPEE_FC_WRITE_REGISTERS)
		len = answer_write(m, request, t, out, &code);
	else if (request[1] == SMAPPEE_FC_READ_SAMPLES)
		len = answer_samples(g, m, request, t, out, &code);
	else if (request[1] == SMAPPEE_FC_SYNC)
		len = answer_sync(m, edge, out, &code);
	else
		code = SMAPPEE_EX_ILLEGAL_FUNCTION;
	if (!code)
		return len;
	g->exceptions++;
	return frame_exception(out, request[0], request[1], code);
}

static void change_unit(uint8_t *frame, size_t len)
{
	frame[0] = frame[0] == SMAPPEE_UNIT_MAX ? SMAPPEE_UNIT_MIN : frame[0] + 1;
	/* The inner CRC-32 of samples covers the address too. */
	if (frame[1] == SMAPPEE_FC_READ_SAMPLES)
		frame_put32(frame + len - SMAPPEE_SAMPLES_TAIL,
			    frame_crc32(frame, len - SMAPPEE_SAMPLES_TAIL));
	frame_seal(frame, len - 2);
}

static void twist(struct segment *g, struct reply *r)
{
	enum hostile_trick trick =
		(enum hostile_trick)(random_next(&g->faults.random) % HOSTILE_TRICKS);

	if (r->len >= SMAPPEE_FRAME_MIN)
		r->len = hostile_twist(&g->hostile, trick, &g->faults.random, r->bytes, r->len);
}

static void spoil(struct segment *g, uint8_t unit, struct reply *r)
{
	struct faults *f = &g->faults;

	if (fault_strikes(f, FAULT_WRONG_UNIT, unit, NULL))
		change_unit(r->bytes, r->len);
	if (fault_strikes(f, FAULT_HOSTILE, unit, NULL))
		twist(g, r);
	if (fault_strikes(f, FAULT_TRUNCATE, unit, NULL))
		r->len = 1 + random_next(&f->random) % (r->len - 1);
	if (fault_strikes(f, FAULT_DUPLICATE, unit, NULL)) {
		memcpy(r->bytes + r->len, r->bytes, r->len);
		r->len *= 2;
	}
	if (fault_strikes(f, FAULT_GARBAGE, unit, NULL)) {
		size_t n = 1 + random_next(&f->random) % SEGMENT_GARBAGE_MAX;

		memmove(r->bytes + n, r->bytes, r->len);
		for (size_t i = 0; i < n; i++)
			r->bytes[i] = (uint8_t)random_next(&f->random);
		r->len += n;
	}
	fault_flip(f, unit, r->bytes, r->len);
	if (fault_strikes(f, FAULT_DROP, unit, NULL))
		r->len = 0;
}

static void let_hear(struct segment *g, const struct module *sender, const struct reply *r)
{
	double end = r->edge_s + SMAPPEE_SYNC_LEN * 10 / g->scenario->bit_rate;
	size_t len = r->len < SMAPPEE_SYNC_LEN ? r->len : SMAPPEE_SYNC_LEN;

	for (unsigned int i = 0; i < g->modules && r->len; i++) {
		struct module *m = &g->module[i];

		if (m == sender || !m->plugged || !module_samples(m) || m->reference ||
		    fault_strikes(&g->faults, FAULT_MISS_SYNC, m->unit, NULL))
			continue;
		module_hear(m, r->edge_s, end, r->bytes, len);
	}
}

/*
 * A write to all is carried out and not answered; discover is answered by those
 * that it is for. A Power Box ignores both. Return: how many answer.
 */
static unsigned int broadcast(struct segment *g, const uint8_t *request, double t,
			      struct voice *voice)
{
	uint8_t out[SMAPPEE_FRAME_MAX_MODBUS], code;
	unsigned int n = 0;

	for (unsigned int i = 0; i < g->modules; i++) {
		struct module *m = &g->module[i];

		if (m->box || !module_here(m, t))
			continue;
		if (request[1] == SMAPPEE_FC_WRITE_REGISTERS)
			answer_write(m, request, t, out, &code);
		if (request[1] != SMAPPEE_FC_DISCOVER)
			continue;
		voice[n].bytes = g->said[n];
		voice[n].len = discovery_hear(m, request, g->said[n]);
		n += voice[n].len > 0;
	}
	return n;
}

static double turnaround(const struct segment *g, const struct module *m)
{
	return m && m->box ? m->built->box.turnaround_s : g->scenario->turnaround_s;
}

/* Is anybody there who hears that address? */
static bool someone(struct segment *g, uint8_t unit, double t)
{
	for (unsigned int i = 0; i < g->modules; i++)
		if (module_here(&g->module[i], t) && module_unit(&g->module[i]) == unit)
			return true;
	return false;
}

/* All who have the address answer. Return: how many; @first gets one of them. */
static unsigned int addressed(struct segment *g, const uint8_t *request, double t, double edge,
			      struct voice *voice, struct module **first)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < g->modules; i++) {
		struct module *m = &g->module[i];

		if (!module_here(m, t) || module_unit(m) != request[0])
			continue;
		m->known = true;
		leds_request(&m->leds, t);
		if (!n)
			*first = m;
		voice[n].bytes = g->said[n];
		voice[n].len = answer(g, m, request, t, edge, g->said[n]);
		n++;
	}
	return n;
}

/* Put the voices onto the line. */
static void speak(struct segment *g, struct voice *voice, unsigned int voices, struct reply *r)
{
	if (voices == 1) {
		memcpy(r->bytes, voice[0].bytes, voice[0].len);
		r->len = voice[0].len;
		return;
	}
	g->clashes++;
	for (unsigned int i = 1; i < voices; i++)
		voice[i].begin = (size_t)(random_unit(&g->skew) * SKEW_S * g->scenario->bit_rate);
	r->len = collision_mix(voice, voices, r->bytes, SMAPPEE_FRAME_MAX_SAMPLES);
}

/* A frame of its own that nobody asked for, after what is on the line. */
static void babble(struct segment *g, const uint8_t *request, double t, struct reply *r)
{
	uint8_t self[8] = { 0, SMAPPEE_FC_READ_REGISTERS }, code;

	frame_put16(self + 2, SMAPPEE_REG_IDENTITY);
	frame_put16(self + 4, SMAPPEE_REG_IDENTITY_COUNT);
	for (unsigned int i = 0; i < g->modules; i++) {
		struct module *m = &g->module[i];

		if (m->box || !module_here(m, t) || request[0] == m->unit ||
		    !fault_strikes(&g->faults, FAULT_BABBLE, m->unit, NULL))
			continue;
		if (!r->len)
			r->edge_s = t + turnaround(g, m);
		self[0] = m->unit;
		r->len += answer_read(m, self, t, r->bytes + r->len, &code);
		return;
	}
}

void segment_request(struct segment *g, uint8_t *request, size_t len, double end_s,
		     struct reply *reply)
{
	uint8_t unit = request[0];
	struct voice voice[SCENARIO_MODULES_MAX] = { 0 };
	struct module *m = NULL;
	double late_ms = 0;
	unsigned int voices;

	reply->len = 0;
	fault_flip(&g->faults, unit, request, len);
	if (!frame_intact(request, len)) {
		g->damaged++;
		return;
	}
	if (unit && !someone(g, unit, end_s)) {
		g->foreign++;
		babble(g, request, end_s, reply);
		return;
	}
	g->requests++;
	fault_strikes(&g->faults, FAULT_DELAY, unit, &late_ms);
	reply->edge_s = end_s + late_ms * 1e-3 + turnaround(g, unit ? segment_unit(g, unit) : NULL);
	voices = unit ? addressed(g, request, end_s, reply->edge_s, voice, &m)
		      : broadcast(g, request, end_s, voice);
	if (voices) {
		speak(g, voice, voices, reply);
		spoil(g, unit, reply);
		if (request[1] == SMAPPEE_FC_SYNC)
			let_hear(g, m, reply);
	}
	babble(g, request, end_s, reply);
}

static void strike(struct module *m, const struct fault_rule *rule, double t)
{
	if (rule->kind == FAULT_SERIAL)
		module_set_serial(m, (uint32_t)rule->value);
	if (rule->kind == FAULT_SILENT)
		m->silent_until = t + rule->value;
	if (rule->kind == FAULT_RESTART)
		module_power(m, t, t + RESTART_S);
	if (rule->kind == FAULT_POWER)
		module_power(m, t, t + rule->value);
	if (rule->kind == FAULT_MEMORY && m->io)
		contacts_forget(&m->io->contacts, (uint16_t)rule->value, t);
}

int segment_fault(struct segment *g, const struct fault_rule *rule, double t)
{
	if (rule->unit && !segment_unit(g, rule->unit))
		return -ENOENT;
	if (!fault_at_once(rule->kind))
		return fault_add(&g->faults, rule);
	for (unsigned int i = 0; i < g->modules; i++) {
		if (rule->unit && rule->unit != module_unit(&g->module[i]))
			continue;
		strike(&g->module[i], rule, t);
		g->faults.done[rule->kind]++;
	}
	return 0;
}

double segment_true_offset(struct segment *g, struct module *m, double t)
{
	struct module *reference = segment_reference(g);
	struct position a, b;

	if (m == reference)
		return 0;
	if (!reference || !module_samples(m) || module_sync_state(m, t) != SMAPPEE_SYNC_LOCKED)
		return NAN;
	a = module_position(m, t);
	b = module_position(reference, t);
	/* Indices agree in 32 bits, as on the wire. */
	return ((int32_t)(uint32_t)(a.index - b.index) + (a.phase - b.phase)) / m->rate_hz;
}
