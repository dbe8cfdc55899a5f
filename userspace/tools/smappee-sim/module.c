// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One metering module. Its samples are computed when they are asked for, at the
 * true instants that its crystal and its sample clock give, and kept for as
 * long as a real one would hold them.
 */
#include "module.h"

#include "frame.h"
#include "random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Samples evaluated in one go: evenly spaced to below 1 ps. */
#define BLOCK 64
#define CODE24_MAX 8388607
#define CODE24_MIN (-8388608)
#define CODE16_MAX 32767
#define CODE16_MIN (-32768)

static double local_time(const struct module *m, double t)
{
	return crystal_local(&m->crystal, t);
}

/* What a capture unit of finite granularity makes of an edge. */
static double capture(const struct module *m, double t)
{
	double tick = m->built->capture_ns * 1e-9;
	double local = local_time(m, t);

	return tick > 0 ? floor(local / tick) * tick : local;
}

/* Of a sample in the ring; the index of one that follows across 2^32 is below 0. */
static unsigned int place(const struct module *m, int64_t index)
{
	int64_t at = index % m->depth;

	return (unsigned int)(at < 0 ? at + m->depth : at);
}

static void forget_samples(struct module *m)
{
	for (unsigned int i = 0; i < m->depth; i++)
		m->ring_index[i] = INT64_MIN;
	m->saturated_at = -1;
}

static void free_running(struct module *m)
{
	m->state = SMAPPEE_SYNC_FREE;
	m->edge.valid = false;
	m->reference_boot = -1;
	servo_reset(&m->servo, m->rate_hz, m->built->capture_ns * 1e-9);
}

static void start(struct module *m, double t, uint32_t first_index)
{
	m->started = t;
	m->valid_from = first_index;
	m->offset_s = 0;
	m->next_seq = 0;
	m->sent.valid = false;
	m->heard_local = local_time(m, t);
	timeline_start(&m->timeline, local_time(m, t), (struct position){ first_index, 0 },
		       m->rate_hz);
	forget_samples(m);
	free_running(m);
}

static int size_ring(struct module *m, unsigned int rate_hz)
{
	unsigned int depth = (unsigned int)ceil(m->depth_s * rate_hz);
	int32_t *ring = malloc(depth * m->built->channels * sizeof(*ring));
	int64_t *index = malloc(depth * sizeof(*index));

	if (!ring || !index) {
		free(ring);
		free(index);
		return -ENOMEM;
	}
	free(m->ring);
	free(m->ring_index);
	m->ring = ring;
	m->ring_index = index;
	m->depth = depth;
	m->rate_hz = rate_hz;
	return 0;
}

static void connect_inputs(struct module *m, const struct signal *s)
{
	const struct scenario_module *b = m->built;

	for (unsigned int c = 0; c < b->channels; c++) {
		char name[SIGNAL_NAME_MAX + 8], channel[4];

		m->scale_nano[c] = (uint32_t)lrint(b->full_scale[c] * 1e9 / 32768);
		if (b->type == SMAPPEE_TYPE_OPEN_VOLTAGE) {
			m->input[c] = signal_voltage(s, c);
			continue;
		}
		scenario_channel_name(b, c, channel);
		snprintf(name, sizeof(name), "%s/%s", b->name, channel);
		m->input[c] = signal_current(s, name);
	}
}

int module_init(struct module *m, const struct scenario *s, unsigned int number)
{
	uint64_t random = random_hash(s->seed) + number * 0x10001ULL;
	int ret;

	*m = (struct module){ .built = &s->module[number], .depth_s = s->depth_s };
	m->plugged = !m->built->unplugged;
	m->unit = m->built->unit;
	m->serial = m->built->serial;
	m->format = m->built->bits == 24 ? SMAPPEE_FORMAT_S24 : SMAPPEE_FORMAT_S16;
	m->reference = m->built->reference;
	m->silent_until = -INFINITY;
	leds_init(&m->leds, m->built->type, m->built->channels);
	if (m->built->type == SMAPPEE_TYPE_POWER_BOX) {
		m->box = power_box_new(s, number);
		return m->box ? 0 : -ENOMEM;
	}
	if (io_is(m->built->type)) {
		m->io = io_new(m->built);
		return m->io ? 0 : -ENOMEM;
	}
	m->crystal = (struct crystal){
		.ppm = m->built->crystal_ppm,
		.wander_ppm = m->built->wander_ppm,
		.wander_period_s = m->built->wander_period_s,
		.wander_turns = random_unit(&random),
		/* Nobody's clocks start together. */
		.start_s = 1 + random_unit(&random),
	};
	m->noise_key = random_next(&random);
	connect_inputs(m, &s->signal);
	ret = size_ring(m, s->rate_hz);
	if (!ret)
		start(m, 0, m->reference ? s->first_index : 0);
	return ret;
}

void module_free(struct module *m)
{
	free(m->ring);
	free(m->ring_index);
	free(m->box);
	free(m->io);
	m->ring = NULL;
	m->ring_index = NULL;
	m->box = NULL;
	m->io = NULL;
}

bool module_samples(const struct module *m)
{
	return !m->box && !m->io;
}

uint8_t module_unit(const struct module *m)
{
	return m->box ? (uint8_t)m->box->settings.unit : m->unit;
}

void module_set_serial(struct module *m, uint32_t serial)
{
	m->serial = serial;
	if (m->box)
		m->box->serial = serial;
	if (m->io)
		m->io->serial = serial;
}

void module_restart(struct module *m, double t)
{
	module_power(m, t, t);
}

void module_power(struct module *m, double off, double on)
{
	m->boot++;
	m->started = on;
	leds_restart(&m->leds, on);
	if (m->box)
		power_box_restart(m->box, off);
	else if (m->io)
		io_power(m->io, off, on);
	else
		start(m, off, 0);
	if (on > off) {
		m->silent_until = on;
		m->known = false;
	}
}

void module_plug(struct module *m, double t)
{
	m->plugged = true;
	m->known = false;
	m->silent_until = -INFINITY;
	module_restart(m, t);
}

void module_unplug(struct module *m)
{
	m->plugged = false;
}

bool module_here(const struct module *m, double t)
{
	return m->plugged && t >= m->silent_until;
}

int module_set_rate(struct module *m, unsigned int rate_hz, double t)
{
	int ret = size_ring(m, rate_hz);

	if (!ret)
		module_restart(m, t);
	return ret;
}

void module_set_reference(struct module *m, bool reference, double t)
{
	if (m->reference == reference)
		return;
	m->reference = reference;
	m->sent.valid = false;
	m->heard_local = local_time(m, t);
	free_running(m);
}

uint8_t module_sync_state(struct module *m, double t)
{
	if (m->reference)
		return SMAPPEE_SYNC_REFERENCE;
	if (m->state != SMAPPEE_SYNC_FREE && local_time(m, t) - m->heard_local > MODULE_HOLD_OVER_S)
		free_running(m);
	return m->state;
}

struct position module_position(const struct module *m, double t)
{
	return timeline_position(&m->timeline, local_time(m, t));
}

double module_sample_time(const struct module *m, int64_t index)
{
	return crystal_true(&m->crystal, timeline_local(&m->timeline, index, NULL));
}

void module_range(const struct module *m, double t, int64_t *oldest, int64_t *newest)
{
	*newest = module_position(m, t).index;
	*oldest = *newest - m->depth + 1;
	if (*oldest < m->valid_from)
		*oldest = m->valid_from;
}

static int32_t clamp(double code)
{
	return code > CODE24_MAX   ? CODE24_MAX
	       : code < CODE24_MIN ? CODE24_MIN
				   : (int32_t)lrint(code);
}

/* Compute @n samples from @first on, all on one straight piece of the clock. */
static void sample_block(struct module *m, int64_t first, unsigned int n)
{
	double t0 = module_sample_time(m, first);
	double dt = n > 1 ? (module_sample_time(m, first + n - 1) - t0) / (n - 1) : 0;
	double value[BLOCK];

	for (unsigned int c = 0; c < m->built->channels; c++) {
		double lsb24 = 1e9 / m->scale_nano[c] * 256;
		double noise = m->built->noise_lsb * 256;

		signal_block(&m->input[c], m->rate_hz, t0, dt, n, value);
		for (unsigned int k = 0; k < n; k++) {
			uint64_t key = m->noise_key + (uint64_t)(first + k) * 8 + c;
			double code = value[k] * lsb24 + noise * random_normal(random_hash(key));

			m->ring[c * m->depth + place(m, first + k)] = clamp(code);
		}
	}
	for (unsigned int k = 0; k < n; k++)
		m->ring_index[place(m, first + k)] = first + k;
}

static void fill_ring(struct module *m, int64_t first, unsigned int scans)
{
	int64_t end = first + scans;

	while (first < end) {
		unsigned int n = 0;
		int64_t run;

		if (m->ring_index[place(m, first)] == first) {
			first++;
			continue;
		}
		timeline_local(&m->timeline, first, &run);
		while (n < BLOCK && n < run && first + n < end &&
		       m->ring_index[place(m, first + n)] != first + n)
			n++;
		sample_block(m, first, n);
		first += n;
	}
}

static bool is_24_bit(uint8_t format)
{
	return format == SMAPPEE_FORMAT_S24 || format == SMAPPEE_FORMAT_S24_PACKED;
}

bool module_scans(struct module *m, int64_t first, unsigned int scans, int32_t *codes,
		  size_t stride)
{
	bool wide = is_24_bit(m->format), rail = false;

	fill_ring(m, first, scans);
	for (unsigned int c = 0; c < m->built->channels; c++) {
		for (unsigned int k = 0; k < scans; k++) {
			int32_t code = m->ring[c * m->depth + place(m, first + k)];

			if (!wide)
				code = code > CODE16_MAX * 256 ? CODE16_MAX : (code + 128) >> 8;
			if (code >= (wide ? CODE24_MAX : CODE16_MAX) ||
			    code <= (wide ? CODE24_MIN : CODE16_MIN)) {
				rail = true;
				m->saturated_at = first + k;
			}
			codes[c * stride + k] = code;
		}
	}
	return rail;
}

size_t module_sync_answer(struct module *m, double edge, uint8_t *out)
{
	struct position was = { 0 };
	uint8_t seq = m->next_seq;

	if (m->sent.valid)
		was = timeline_position(&m->timeline, m->sent.local);
	m->sent = (struct edge){ true, seq, capture(m, edge) };
	m->next_seq++;
	return frame_sync_answer(out, m->unit, seq, m->boot, (uint32_t)was.index,
				 (uint32_t)(was.phase * 0x1p32), (uint16_t)m->rate_hz);
}

/* Put the sample clock where the reference is, and forget what was before. */
static void step_clock(struct module *m, double local)
{
	struct position now = servo_position(&m->servo, local);

	timeline_start(&m->timeline, local, now, m->servo.rate);
	m->valid_from = now.index + 1;
	forget_samples(m);
}

/* Take the offset away within the time that one more pair needs. */
static void slew_clock(struct module *m, double local, double interval)
{
	double time = fmin(fmax(interval, 0.05), 1.0);
	double rate = m->servo.rate - m->offset_s * m->rate_hz / time;

	timeline_steer(&m->timeline, local, rate, local + time, m->servo.rate);
}

static void learn(struct module *m, double local_now, uint32_t index, double phase)
{
	double before = m->servo.local;
	struct position reference;

	servo_pair(&m->servo, m->edge.local, index, phase);
	reference = servo_position(&m->servo, local_now);
	m->offset_s =
		position_minus(timeline_position(&m->timeline, local_now), reference) / m->rate_hz;
	if (m->state == SMAPPEE_SYNC_LOCKED && fabs(m->offset_s) > MODULE_UNLOCK_S) {
		m->state = SMAPPEE_SYNC_LOCKING;
		servo_reset(&m->servo, m->rate_hz, m->built->capture_ns * 1e-9);
		servo_pair(&m->servo, m->edge.local, index, phase);
	}
	if (m->state == SMAPPEE_SYNC_LOCKED) {
		slew_clock(m, local_now, m->edge.local - before);
		return;
	}
	step_clock(m, local_now);
	m->state = SMAPPEE_SYNC_LOCKING;
	if (m->servo.pairs >= MODULE_LOCK_PAIRS && fabs(m->offset_s) <= MODULE_LOCK_S)
		m->state = SMAPPEE_SYNC_LOCKED;
}

void module_hear(struct module *m, double edge, double end, const uint8_t *frame, size_t len)
{
	uint8_t seq, boot;

	if (m->reference || edge < m->silent_until || len != SMAPPEE_SYNC_LEN ||
	    frame[1] != SMAPPEE_FC_SYNC || !frame_intact(frame, len) ||
	    frame_get16(frame + SMAPPEE_SYNC_RATE) != m->rate_hz)
		return;
	module_sync_state(m, edge);
	seq = frame[SMAPPEE_SYNC_SEQ];
	boot = frame[SMAPPEE_SYNC_BOOT];
	if (boot != m->reference_boot) {
		/* Another life of the reference: its index has nothing to do with ours. */
		free_running(m);
		m->state = SMAPPEE_SYNC_LOCKING;
		m->reference_boot = boot;
	}
	if (m->edge.valid && (uint8_t)(m->edge.seq + 1) == seq)
		learn(m, local_time(m, end), frame_get32(frame + SMAPPEE_SYNC_INDEX),
		      frame_get32(frame + SMAPPEE_SYNC_PHASE) * 0x1p-32);
	m->edge = (struct edge){ true, seq, capture(m, edge) };
	m->heard_local = local_time(m, end);
}
