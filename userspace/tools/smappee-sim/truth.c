// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Truth. Between two steps of a load's profile every product of two signals is
 * a mean plus a swing (wave.h); the stretches are summed. Energy is split into
 * import and export by the sign of the power of each stretch.
 */
#include "truth.h"

#include <math.h>
#include <stddef.h>

/**
 * struct product - integrals of one element's products over part of the range
 * @vv: of the voltage's square, V^2 s
 * @ii: of the current's square, A^2 s
 * @vi: of the power, Ws
 * @q1: of the fundamental reactive power, var s
 */
struct product {
	double vv;
	double ii;
	double vi;
	double q1;
};

/* Integral of a(t) b(t) from @from to @to, the ends treated as @r says. */
static double integral(const struct wave *a, const struct wave *b, const struct truth_range *r,
		       double from, double to)
{
	double sum = wave_product_mean(a, b, r->rate_hz) * (to - from);

	if (r->exact || to < r->to_s)
		sum += wave_product_swing(a, b, r->rate_hz, to);
	if (r->exact || from > r->from_s)
		sum -= wave_product_swing(a, b, r->rate_hz, from);
	return sum;
}

double truth_voltage(const struct signal *s, unsigned int phase, const struct truth_range *r)
{
	const struct wave *v = &s->mains[phase];

	return sqrt(integral(v, v, r, r->from_s, r->to_s) / (r->to_s - r->from_s));
}

double truth_line_voltage(const struct signal *s, unsigned int phase, const struct truth_range *r)
{
	const struct wave *a = &s->mains[phase];
	const struct wave *b = &s->mains[(phase + 1) % s->kind->slots];
	double sum;

	if (s->kind->slots < 2)
		return NAN;
	sum = integral(a, a, r, r->from_s, r->to_s) + integral(b, b, r, r->from_s, r->to_s) -
	      2 * integral(a, b, r, r->from_s, r->to_s);
	return sqrt(sum / (r->to_s - r->from_s));
}

static void add_stretch(const struct signal *s, const struct element *e, double gain,
			const struct truth_range *r, double from, double to, struct product *sum)
{
	const struct wave *v = &s->mains[e->phase];

	sum->vv += integral(v, v, r, from, to);
	sum->ii += gain * gain * integral(&e->wave, &e->wave, r, from, to);
	sum->vi += gain * integral(v, &e->wave, r, from, to);
	sum->q1 += gain * wave_reactive(v, &e->wave) * (to - from);
}

static double ratio(double p, double s)
{
	return s > 0 ? p / s : NAN;
}

static void finish(const struct load *l, const struct product *sum, double seconds,
		   struct load_truth *out)
{
	for (unsigned int e = 0; e < l->elements; e++) {
		struct element_truth *t = &out->element[e];

		t->v_v = sqrt(sum[e].vv / seconds);
		t->i_a = sqrt(sum[e].ii / seconds);
		t->p_w = sum[e].vi / seconds;
		t->q1_var = sum[e].q1 / seconds;
		t->s_va = t->v_v * t->i_a;
		t->pf = ratio(t->p_w, t->s_va);
		out->p_w += t->p_w;
		out->q1_var += t->q1_var;
	}
	out->s_va = l->elements > 1 ? hypot(out->p_w, out->q1_var) : out->element[0].s_va;
	out->pf = ratio(out->p_w, out->s_va);
}

void truth_load(const struct signal *s, unsigned int load, const struct truth_range *r,
		struct load_truth *out)
{
	const struct load *l = &s->load[load];
	struct product sum[SIGNAL_ELEMENTS_MAX] = { 0 };
	double import_j = 0, export_j = 0;

	*out = (struct load_truth){ 0 };
	for (double from = r->from_s, to; from < r->to_s; from = to) {
		double gain = profile_at(&l->profile, from, &to);
		double before = 0, after = 0;

		to = fmin(to, r->to_s);
		for (unsigned int e = 0; e < l->elements; e++) {
			before += sum[e].vi;
			add_stretch(s, &l->element[e], gain, r, from, to, &sum[e]);
			after += sum[e].vi;
		}
		if (after > before)
			import_j += after - before;
		else
			export_j += before - after;
	}
	finish(l, sum, r->to_s - r->from_s, out);
	out->import_wh = import_j / 3600;
	out->export_wh = export_j / 3600;
}
