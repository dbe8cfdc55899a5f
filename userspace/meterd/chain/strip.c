// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See strip.h. A delay is a cubic (Lagrange) through four scans: 0.0035 % of power at
 * power factor 0.5 for 1 degree at 4 kHz (metrology.rst, "Sensors").
 */
#include "strip.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "float4.h"

/* a current in units of the coil's: its scale is that at this frequency */
#define COIL_HZ 50.0
/* scans after the one that the cubic needs */
#define AHEAD 2
/* two cycles around an edge: a Hann window of them has its zeros on all harmonics */
#define HALF_CYCLES 1.0

static unsigned int strip_room(double rate_hz)
{
	/* search of the tracker, one window of lag for its edges, and a chunk */
	return ((unsigned int)(0.2 * rate_hz) + 2 * STRIP_CHUNK) / 32 * 32 + 16;
}

static unsigned int coils(const struct strip *s, const struct load_element *const *element)
{
	unsigned int n = 0;
	unsigned int k;

	for (k = 0; k < s->inputs; k++)
		n += element[k]->integrate;
	return n;
}

int strip_create(struct strip *s, const struct installation *in,
		 const struct load_element *const *element, unsigned int inputs, double rate_hz,
		 const double *scale, const float *rail)
{
	unsigned int k;
	float *next;

	memset(s, 0, sizeof(*s));
	s->in = in;
	s->scale = scale;
	s->rail = rail;
	s->rate_hz = rate_hz;
	s->slots = in->topology->slots;
	s->voltages = in->inputs.voltages;
	s->inputs = inputs;
	s->room = strip_room(rate_hz);
	s->memory =
		calloc((s->slots + 1 + inputs + coils(s, element)) * (size_t)s->room + STRIP_CHUNK,
		       sizeof(float));
	s->time_ns = calloc(s->room, sizeof(*s->time_ns));
	if (!s->memory || !s->time_ns)
		return -ENOMEM;
	next = s->memory;
	for (k = 0; k < s->slots; k++, next += s->room)
		s->slot[k] = next;
	s->reference = next;
	next += s->room;
	for (k = 0; k < inputs; k++, next += s->room)
		s->current[k] = next;
	for (k = 0; k < inputs; k++) {
		if (!element[k]->integrate)
			continue;
		s->raw[k] = next;
		next += s->room;
		s->coil[k].gain = 2.0 * M_PI * COIL_HZ / rate_hz;
	}
	s->silence = next;
	return strip_pair(s, element);
}

void strip_free(struct strip *s)
{
	free(s->time_ns);
	free(s->memory);
	free(s->partner_memory);
	memset(s, 0, sizeof(*s));
}

static unsigned int find_partner(struct strip *s, const struct load_element *e)
{
	double delay = e->model.delay_s * s->rate_hz;
	unsigned int k;

	for (k = 0; k < s->partners; k++)
		if (s->partner[k].slot == e->slot && s->partner[k].delay == delay)
			return k;
	s->partner[k] = (struct strip_partner){ .slot = e->slot, .delay = delay };
	s->partner[k].integral.gain = 1.0 / s->rate_hz;
	s->partners++;
	return k;
}

int strip_pair(struct strip *s, const struct load_element *const *element)
{
	bool integral[INPUT_CHANNELS_MAX + READING_PHASES_MAX] = { false };
	unsigned int arrays = 0;
	double early = 0.0;
	unsigned int k;
	float *next;

	s->partners = 0;
	for (k = 0; k < s->inputs; k++) {
		unsigned int p = find_partner(s, element[k]);

		s->partner_of[k] = p;
		integral[p] = integral[p] || sensor_has_pole(&element[k]->model);
		early = fmax(early, -s->partner[p].delay);
	}
	for (k = 0; k < s->partners; k++)
		arrays += (s->partner[k].delay != 0.0) + integral[k];
	free(s->partner_memory);
	s->partner_memory = calloc(arrays * (size_t)s->room + WINDOW_BEYOND, sizeof(float));
	if (!s->partner_memory) {
		s->partners = 0;
		return -ENOMEM;
	}
	next = s->partner_memory;
	for (k = 0; k < s->partners; k++) {
		struct strip_partner *p = &s->partner[k];

		if (p->delay != 0.0) {
			p->v = next;
			next += s->room;
		}
		if (integral[k]) {
			p->w = next;
			next += s->room;
		}
	}
	s->ahead = AHEAD + (unsigned int)ceil(early);
	s->derived = 0;
	return 0;
}

/* @to += @gain times @x, @n scans. */
static void add_scaled(float *to, float gain, const float *x, size_t n)
{
	size_t k;

	for (k = 0; k + 2 * FLOAT4_LANES <= n; k += 2 * FLOAT4_LANES) {
		float4 a = float4_load(to + k) + gain * float4_load(x + k);
		float4 b = float4_load(to + k + FLOAT4_LANES) +
			   gain * float4_load(x + k + FLOAT4_LANES);

		float4_store(to + k, a);
		float4_store(to + k + FLOAT4_LANES, b);
	}
	for (; k < n; k++)
		to[k] += gain * x[k];
}

/* The first of the voltages in a sum. */
static void set_scaled(float *to, float gain, const float *x, size_t n)
{
	size_t k;

	for (k = 0; k + 2 * FLOAT4_LANES <= n; k += 2 * FLOAT4_LANES) {
		float4 a = gain * float4_load(x + k);
		float4 b = gain * float4_load(x + k + FLOAT4_LANES);

		float4_store(to + k, a);
		float4_store(to + k + FLOAT4_LANES, b);
	}
	for (; k < n; k++)
		to[k] = gain * x[k];
}

/* @to = the sum of @count signals, each with its gain. */
static void combine(float *to, const float *const *x, const float *gain, unsigned int count,
		    unsigned int n)
{
	bool first = true;
	unsigned int k;

	for (k = 0; k < count; k++) {
		if (gain[k] == 0.0f)
			continue;
		if (first)
			set_scaled(to, gain[k], x[k], n);
		else
			add_scaled(to, gain[k], x[k], n);
		first = false;
	}
	if (first)
		memset(to, 0, n * sizeof(*to));
}

static void append_slots(struct strip *s, const struct align_run *run, unsigned int from,
			 unsigned int n)
{
	const float *x[READING_PHASES_MAX] = { NULL };
	float gain[READING_PHASES_MAX] = { 0 };
	unsigned int slot;
	unsigned int v;

	for (v = 0; v < s->voltages; v++)
		x[v] = run->channel[v] ? run->channel[v] + from : s->silence;
	for (slot = 0; slot < s->slots; slot++) {
		for (v = 0; v < s->voltages; v++)
			gain[v] = (float)(s->in->topology->matrix[slot][v] *
					  s->in->voltage_ratio[v] * s->scale[v]);
		combine(s->slot[slot] + s->scans, x, gain, s->voltages, n);
	}
}

/* Size of four samples: without their sign, floats are in the order of their bits. */
static inline int4 size_of(const float *x)
{
	return (int4)float4_load(x) & INT32_MAX;
}

static inline int4 larger(int4 a, int4 b)
{
	int4 more = a > b;

	return (a & more) | (b & ~more);
}

/* Largest size of @n samples. */
static float peak_of(const float *x, size_t n)
{
	int4 a = { 0 };
	int4 b = { 0 };
	int32_t peak = 0;
	float value;
	size_t k;

	for (k = 0; k + 4 * FLOAT4_LANES <= n; k += 4 * FLOAT4_LANES) {
		a = larger(a, larger(size_of(x + k), size_of(x + k + FLOAT4_LANES)));
		b = larger(b, larger(size_of(x + k + 2 * FLOAT4_LANES),
				     size_of(x + k + 3 * FLOAT4_LANES)));
	}
	for (; k + FLOAT4_LANES <= n; k += FLOAT4_LANES)
		a = larger(a, size_of(x + k));
	a = larger(a, b);
	for (; k < n; k++) {
		int32_t bits;

		memcpy(&bits, &x[k], sizeof(bits));
		peak = (bits & INT32_MAX) > peak ? bits & INT32_MAX : peak;
	}
	for (k = 0; k < FLOAT4_LANES; k++)
		peak = a[k] > peak ? a[k] : peak;
	memcpy(&value, &peak, sizeof(value));
	return value;
}

static void look_for_rails(struct strip *s, const struct align_run *run, unsigned int from,
			   unsigned int n)
{
	unsigned int k;

	for (k = 0; s->rail && k < s->voltages + s->inputs; k++)
		if (run->channel[k] && isfinite(s->rail[k]) &&
		    peak_of(run->channel[k] + from, n) >= s->rail[k])
			s->saturated[k] = s->total + n;
}

static void append_currents(struct strip *s, const struct align_run *run, unsigned int from,
			    unsigned int n)
{
	unsigned int k;

	for (k = 0; k < s->inputs; k++) {
		const float *x = run->channel[s->voltages + k];
		float *to = (s->raw[k] ? s->raw[k] : s->current[k]) + s->scans;

		memcpy(to, x ? x + from : s->silence, n * sizeof(float));
		if (s->raw[k])
			integral_run(&s->coil[k], to, s->current[k] + s->scans, n);
	}
}

/* The voltage @x, @delay scans later, for scans @from to @to - 1. */
static void delayed(const float *restrict x, float *restrict y, double delay, unsigned int from,
		    unsigned int to)
{
	int whole = (int)floor(-delay);
	float f = (float)(-delay - whole);
	float a = -f * (f - 1.0f) * (f - 2.0f) / 6.0f;
	float b = (f + 1.0f) * (f - 1.0f) * (f - 2.0f) / 2.0f;
	float c = -(f + 1.0f) * f * (f - 2.0f) / 2.0f;
	float d = (f + 1.0f) * f * (f - 1.0f) / 6.0f;
	int k = (int)from;

	/* the begin of a stream: what is there instead of what was before; never used */
	for (; k < (int)to && k + whole < 1; k++)
		y[k] = x[k];
	x += whole;
	for (; k < (int)to; k++)
		y[k] = a * x[k - 1] + b * x[k] + c * x[k + 1] + d * x[k + 2];
}

/* The delayed and integrated voltages as far as they can be known. */
static void derive(struct strip *s)
{
	unsigned int end = s->scans > s->ahead ? s->scans - s->ahead : 0;
	unsigned int k;

	if (end <= s->derived)
		return;
	for (k = 0; k < s->partners; k++) {
		struct strip_partner *p = &s->partner[k];
		const float *v = s->slot[p->slot];

		if (p->v)
			delayed(v, p->v, p->delay, s->derived, end);
		if (p->w)
			integral_run(&p->integral, (p->v ? p->v : v) + s->derived,
				     p->w + s->derived, end - s->derived);
	}
	s->derived = end;
}

void strip_append(struct strip *s, const struct align_run *run, unsigned int from, unsigned int n)
{
	look_for_rails(s, run, from, n);
	append_slots(s, run, from, n);
	append_currents(s, run, from, n);
	memcpy(s->time_ns + s->scans, run->time_ns + from, n * sizeof(*s->time_ns));
	s->scans += n;
	s->total += n;
	derive(s);
}

void strip_refer(struct strip *s, const double *weight, unsigned int from, unsigned int to)
{
	const float *x[READING_PHASES_MAX] = { NULL };
	float gain[READING_PHASES_MAX] = { 0 };
	unsigned int slot;

	for (slot = 0; slot < s->slots; slot++) {
		x[slot] = s->slot[slot] + from;
		gain[slot] = (float)weight[slot];
	}
	combine(s->reference + from, x, gain, s->slots, to - from);
}

static void move(float *x, unsigned int n, unsigned int left)
{
	if (x)
		memmove(x, x + n, left * sizeof(*x));
}

void strip_drop(struct strip *s, unsigned int n)
{
	unsigned int left = s->scans - n;
	unsigned int k;

	for (k = 0; k < s->slots; k++)
		move(s->slot[k], n, left);
	move(s->reference, n, left);
	for (k = 0; k < s->inputs; k++) {
		move(s->current[k], n, left);
		move(s->raw[k], n, left);
	}
	for (k = 0; k < s->partners; k++) {
		move(s->partner[k].v, n, left);
		move(s->partner[k].w, n, left);
	}
	memmove(s->time_ns, s->time_ns + n, left * sizeof(*s->time_ns));
	s->scans = left;
	s->derived = s->derived > n ? s->derived - n : 0;
}

void strip_reset(struct strip *s)
{
	unsigned int k;

	s->scans = 0;
	s->derived = 0;
	for (k = 0; k < s->inputs; k++)
		integral_begin(&s->coil[k]);
	for (k = 0; k < s->partners; k++)
		integral_begin(&s->partner[k].integral);
}

/* Integrate @x anew over @n scans, so that around @centre nothing but the signal is left. */
static void settle(struct integral *g, const float *x, float *y, unsigned int n, double centre,
		   double half)
{
	double mean;
	unsigned int k;

	integral_begin(g);
	g->offset = integral_mean(x, centre, half);
	integral_run(g, x, y, n);
	mean = integral_mean(y, centre, half);
	for (k = 0; k < n; k++)
		y[k] -= (float)mean;
	g->sum -= mean;
}

void strip_settle(struct strip *s, double edge, double per_scan)
{
	double half = HALF_CYCLES / per_scan;
	unsigned int k;

	if (edge + half >= s->derived)
		return;
	for (k = 0; k < s->inputs; k++)
		if (s->raw[k])
			settle(&s->coil[k], s->raw[k], s->current[k], s->scans, edge, half);
	for (k = 0; k < s->partners; k++) {
		struct strip_partner *p = &s->partner[k];

		if (p->w)
			settle(&p->integral, p->v ? p->v : s->slot[p->slot], p->w, s->derived, edge,
			       half);
	}
}

void strip_steer(struct strip *s, const struct window_mean *mean)
{
	bool done[INPUT_CHANNELS_MAX + READING_PHASES_MAX] = { false };
	unsigned int k;

	for (k = 0; k < s->inputs; k++) {
		unsigned int p = s->partner_of[k];

		if (s->raw[k])
			integral_steer(&s->coil[k], mean->input[k].dc, mean->scans);
		if (s->partner[p].w && !done[p])
			integral_steer(&s->partner[p].integral, mean->input[k].w_mean, mean->scans);
		done[p] = true;
	}
}

int64_t strip_time(const struct strip *s, double position)
{
	unsigned int at = (unsigned int)floor(position);
	const int64_t *t = s->time_ns + at;

	return t[0] + llround((position - at) * (double)(t[1] - t[0]));
}
