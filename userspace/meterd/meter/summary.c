// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sums over the windows of a reading, and the quantities of elements and loads out
 * of them (IEEE 1459 names).
 */
#include "summary.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load-sum.h"
#include "totals.h"

#define DEGREES (180.0 / M_PI)

/**
 * struct element_sums - values times seconds
 * @seconds: duration of the windows in which it was measured
 * @v2: V^2
 * @i2: I^2
 * @p: P
 * @q1: Q1
 * @p1: P1
 * @v12: V1^2
 * @i12: I1^2
 * @saturated: one of the windows was
 */
struct element_sums {
	double seconds;
	double v2;
	double i2;
	double p;
	double q1;
	double p1;
	double v12;
	double i12;
	bool saturated;
};

/**
 * struct voltage_sums - values times seconds
 * @seconds: duration of the windows in which all voltages were there
 * @v2: V^2 of the slots
 * @line2: of the line voltages
 * @phasor: of the fundamental of the slots
 * @v12: V1^2 of the slots
 * @u22: square of the negative-sequence unbalance
 * @u02: square of the zero-sequence unbalance
 */
struct voltage_sums {
	double seconds;
	double v2[READING_PHASES_MAX];
	double line2[READING_PHASES_MAX];
	double complex phasor[READING_PHASES_MAX];
	double v12[READING_PHASES_MAX];
	double u22;
	double u02;
};

/**
 * struct current_sums - of the sum of the currents of a load in three phases
 * @seconds: duration of the windows in which it was known
 * @i2: mean square times seconds
 */
struct current_sums {
	double seconds;
	double i2;
};

struct summary {
	const struct installation *in;
	unsigned int windows;
	double cycles; /* frequency times seconds */
	double cycle_seconds;
	struct voltage_sums voltage;
	struct element_sums element[INPUT_CHANNELS_MAX];
	struct current_sums current[LOADS_MAX];
	struct load_reading load[LOADS_MAX];
};

int summary_create(struct summary **out, const struct installation *in)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->in = in;
	*out = s;
	return 0;
}

void summary_destroy(struct summary *s)
{
	free(s);
}

void summary_begin(struct summary *s)
{
	unsigned int currents = s->in->inputs.channels - s->in->inputs.voltages;

	s->windows = 0;
	s->cycles = 0.0;
	s->cycle_seconds = 0.0;
	memset(&s->voltage, 0, sizeof(s->voltage));
	memset(s->element, 0, currents * sizeof(*s->element));
	memset(s->current, 0, s->in->loads * sizeof(*s->current));
}

unsigned int summary_windows(const struct summary *s)
{
	return s->windows;
}

/* Mean of the product of two slots; the window has those of neighbours. */
static double slot_product(const struct meter_window *w, unsigned int slots, unsigned int a,
			   unsigned int b)
{
	if (a == b)
		return w->slot[a].square;
	return (a + 1) % slots == b ? w->slot[a].next : w->slot[b].next;
}

static double line_square(const struct topology *t, const struct meter_window *w, unsigned int line)
{
	double sum = 0.0;
	unsigned int a;
	unsigned int b;

	for (a = 0; a < t->slots; a++)
		for (b = 0; b < t->slots; b++)
			sum += t->line[line][a] * t->line[line][b] *
			       slot_product(w, t->slots, a, b);
	return sum;
}

static double complex slot_phasor(const struct meter_window *w, unsigned int slot)
{
	return w->slot[slot].re + I * w->slot[slot].im;
}

static double square(double complex z)
{
	return creal(z) * creal(z) + cimag(z) * cimag(z);
}

/*
 * Unbalance by symmetrical components of the fundamental. The negative sequence is
 * that of the line voltages: it has the same part of the positive one as in the phases.
 */
static void add_unbalance(struct voltage_sums *v, const struct topology *t,
			  const struct meter_window *w, double seconds)
{
	const double complex a = -0.5 + I * sqrt(0.75);
	double complex positive = 0.0;
	double complex negative = 0.0;
	double complex zero = 0.0;
	double complex line[READING_PHASES_MAX] = { 0 };
	unsigned int k;
	unsigned int l;

	for (l = 0; l < t->lines; l++)
		for (k = 0; k < t->slots; k++)
			line[l] += t->line[l][k] * slot_phasor(w, k);
	positive = line[0] + a * line[1] + a * a * line[2];
	negative = line[0] + a * a * line[1] + a * line[2];
	v->u22 += seconds * square(negative) / square(positive);
	if (!t->zero_sequence)
		return;
	positive = slot_phasor(w, 0) + a * slot_phasor(w, 1) + a * a * slot_phasor(w, 2);
	for (k = 0; k < t->slots; k++)
		zero += slot_phasor(w, k);
	v->u02 += seconds * square(zero) / square(positive);
}

static void add_voltages(struct summary *s, const struct meter_window *w, double seconds)
{
	const struct topology *t = s->in->topology;
	struct voltage_sums *v = &s->voltage;
	unsigned int k;

	if (!w->voltages)
		return;
	v->seconds += seconds;
	for (k = 0; k < t->slots; k++) {
		v->v2[k] += w->slot[k].square * seconds;
		v->v12[k] += square(slot_phasor(w, k)) * seconds;
		/* against the first slot, whatever the reference does */
		v->phasor[k] += slot_phasor(w, k) * conj(slot_phasor(w, 0)) * seconds;
	}
	for (k = 0; k < t->lines; k++)
		v->line2[k] += line_square(t, w, k) * seconds;
	if (t->three_phase)
		add_unbalance(v, t, w, seconds);
}

static void add_element(struct element_sums *sums, const struct element_window *w, double seconds)
{
	if (!w->known)
		return;
	sums->seconds += seconds;
	sums->v2 += w->v2 * seconds;
	sums->i2 += w->i2 * seconds;
	sums->p += w->p_w * seconds;
	sums->q1 += w->q1_var * seconds;
	sums->p1 += w->p1_w * seconds;
	sums->v12 += w->v12 * seconds;
	sums->i12 += w->i12 * seconds;
	sums->saturated = sums->saturated || w->saturated;
}

void summary_add(struct summary *s, const struct meter_window *w, double seconds)
{
	unsigned int elements = s->in->inputs.channels - s->in->inputs.voltages;
	unsigned int k;

	s->windows++;
	if (isfinite(w->frequency_hz)) {
		s->cycles += w->frequency_hz * seconds;
		s->cycle_seconds += seconds;
	}
	add_voltages(s, w, seconds);
	for (k = 0; k < elements; k++)
		add_element(&s->element[k], &w->element[k], seconds);
	for (k = 0; k < s->in->loads; k++) {
		if (!isfinite(w->current2[k]))
			continue;
		s->current[k].seconds += seconds;
		s->current[k].i2 += w->current2[k] * seconds;
	}
}

/* Rounding may leave a mean square just below zero. */
static double root(double square_mean)
{
	return sqrt(square_mean < 0.0 ? 0.0 : square_mean);
}

static double or_nan(double seconds)
{
	return seconds > 0.0 ? seconds : NAN;
}

static void fill_voltages(const struct summary *s, struct reading *r)
{
	const struct topology *t = s->in->topology;
	const struct voltage_sums *v = &s->voltage;
	double seconds = or_nan(v->seconds);
	unsigned int k;

	r->voltages = t->slots;
	for (k = 0; k < t->slots; k++) {
		r->voltage[k] = (struct voltage_reading){
			.phase = t->phase[k],
			.ln_v = root(v->v2[k] / seconds),
			.ll_v = k < t->lines ? root(v->line2[k] / seconds) : NAN,
			.v1_v = root(v->v12[k] / seconds),
			.angle_deg = v->seconds > 0.0 ? carg(v->phasor[k]) * DEGREES : NAN,
			.thd_v = NAN,
		};
	}
	r->u2_percent = t->three_phase ? 100.0 * sqrt(v->u22 / seconds) : NAN;
	r->u0_percent = t->zero_sequence ? 100.0 * sqrt(v->u02 / seconds) : NAN;
}

/* What an element alone has no meaning for is unknown. */
static void hide_parts(struct element_reading *r)
{
	r->pf = NAN;
	r->dpf = NAN;
	r->phi_deg = NAN;
	r->energy.import_j = NAN;
	r->energy.export_j = NAN;
	r->energy.phases_import_j = NAN;
	r->energy.phases_export_j = NAN;
	r->energy.absolute_j = NAN;
}

static void fill_element(const struct summary *s, const struct load_element *e,
			 const struct element_sums *sums, struct element_reading *r)
{
	double t = or_nan(sums->seconds);

	r->input = e->input;
	r->phase = s->in->topology->phase[e->slot];
	r->v_v = root(sums->v2 / t);
	r->i_a = root(sums->i2 / t);
	r->below_range = r->i_a < e->min_a;
	r->saturated = sums->saturated;
	r->p_w = sums->p / t;
	r->q1_var = sums->q1 / t;
	r->s_va = r->v_v * r->i_a * e->multiplier;
	r->pf = load_power_factor(s->in, r->p_w, r->s_va, r->below_range);
	r->v1_v = root(sums->v12 / t);
	r->i1_a = root(sums->i12 / t);
	r->p1_w = sums->p1 / t;
	r->n_var = root(r->s_va * r->s_va - r->p_w * r->p_w);
	r->dpf = load_power_factor(s->in, r->p1_w, hypot(r->p1_w, r->q1_var), r->below_range);
	r->phi_deg = isnan(r->dpf) ? NAN : atan2(r->q1_var, r->p1_w) * DEGREES;
	r->thd_v = NAN;
	r->thd_i = NAN;
}

/* Effective apparent power, IEEE 1459, 4 wires with rho = xi = 1, or 3 wires. */
static double effective_va(const struct summary *s, const struct load_reading *r,
			   enum load_shape shape, double sum2)
{
	const struct voltage_sums *v = &s->voltage;
	double phases = 0.0;
	double lines = 0.0;
	double current = 0.0;
	unsigned int k;

	for (k = 0; k < READING_PHASES_MAX; k++) {
		phases += v->v2[k] / or_nan(v->seconds);
		lines += v->line2[k] / or_nan(v->seconds);
	}
	for (k = 0; k < r->elements; k++)
		current += r->element[k].i_a * r->element[k].i_a;
	current = (current + sum2) / 3.0;
	return 3.0 *
	       root((shape == LOAD_STAR ? (3.0 * phases + lines) / 18.0 : lines / 9.0) * current);
}

static void fill_neutral(const struct summary *s, unsigned int l, struct load_reading *r)
{
	const struct load *load = &s->in->load[l];
	enum load_shape shape = load_shape(s->in->topology, load);
	double sum2 = s->current[l].i2 / or_nan(s->current[l].seconds);

	r->neutral_a = NAN;
	r->se_va = NAN;
	if (load->has_neutral) {
		const struct element_sums *n = &s->element[load->first + load->elements];

		r->neutral_a = root(n->i2 / or_nan(n->seconds));
	} else if (shape == LOAD_STAR) {
		r->neutral_a = root(sum2);
	}
	if (shape == LOAD_STAR)
		sum2 = r->neutral_a * r->neutral_a;
	if (shape != LOAD_SINGLE)
		r->se_va = effective_va(s, r, shape, sum2);
}

static void fill_load(struct summary *s, unsigned int l)
{
	const struct load *load = &s->in->load[l];
	struct load_reading *r = &s->load[l];
	unsigned int k;

	for (k = 0; k < load->elements; k++)
		fill_element(s, &load->element[k], &s->element[load->first + k], &r->element[k]);
	load_sum_elements(r);
	fill_neutral(s, l, r);
	r->s_va = load->elements == 1 ? r->element[0].s_va : hypot(r->p_w, r->q1_var);
	r->n_var = load->elements == 1 ? r->element[0].n_var
				       : root(r->se_va * r->se_va - r->p_w * r->p_w);
	load_sum_factors(s->in, r);
}

static void fill_energy(struct summary *s, const struct registers *registers, unsigned int l)
{
	const struct load *load = &s->in->load[l];
	bool parts = load_shape(s->in->topology, load) != LOAD_ARON;
	struct load_reading *r = &s->load[l];
	unsigned int k;

	registers_load(registers, l, &r->energy);
	r->import_j = r->energy.import_j;
	r->export_j = r->energy.export_j;
	for (k = 0; k < load->elements; k++) {
		registers_element(registers, l, k, &r->element[k].energy);
		if (!parts)
			hide_parts(&r->element[k]);
	}
	if (!parts) {
		r->energy.phases_import_j = NAN;
		r->energy.phases_export_j = NAN;
		r->energy.absolute_j = NAN;
	}
}

void summary_reading(struct summary *s, const struct registers *registers, struct reading *r)
{
	unsigned int l;

	r->windows = s->windows;
	r->frequency_hz = s->cycles / or_nan(s->cycle_seconds);
	fill_voltages(s, r);
	for (l = 0; l < s->in->loads; l++) {
		s->load[l].name = s->in->load[l].name;
		s->load[l].role = s->in->load[l].role;
		s->load[l].elements = s->in->load[l].elements;
		if (s->in->load[l].elements)
			fill_load(s, l);
		fill_energy(s, registers, l);
	}
	/* their parts are known now */
	for (l = 0; l < s->in->loads; l++)
		if (!s->in->load[l].elements)
			load_sum_virtual(s->in, s->load, l);
	r->loads = s->in->loads;
	r->load = s->load;
	r->origin = READING_WAVEFORM;
	r->totals = totals_of(s->load, s->in->loads);
}

void summary_thd(struct summary *s, const float *thd, struct reading *r)
{
	const float *input = thd + r->voltages;
	unsigned int l;
	unsigned int k;

	for (k = 0; k < r->voltages; k++)
		r->voltage[k].thd_v = 100.0f * thd[k];
	for (l = 0; l < s->in->loads; l++) {
		const struct load *load = &s->in->load[l];

		for (k = 0; k < load->elements; k++) {
			struct element_reading *e = &s->load[l].element[k];

			e->thd_v = 100.0f * thd[load->element[k].slot];
			e->thd_i = e->below_range ? NAN : 100.0f * input[load->first + k];
		}
	}
}
