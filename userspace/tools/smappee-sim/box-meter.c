// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measuring. A change of settings puts the voltage of each channel together and
 * works out all products with its current once, as closed sums over phasors; a
 * tick then only needs the mean of the load's profile over its window.
 */
#include "box-meter.h"

#include <math.h>
#include <string.h>

#define TICK_S (SMAPPEE_PB_REFRESH_MS * 1e-3)
#define WINDOW_S 1.0

static double tick_time(const struct box_meter *m, int64_t tick)
{
	return m->started + (double)tick * TICK_S;
}

static unsigned int first_wired(const struct box_meter *m)
{
	unsigned int p = 0;

	while (p < SMAPPEE_PB_PHASES && !(m->wired & 1u << p))
		p++;
	return p;
}

/* Delay of phase @p made from phase @from, in turns; NAN if it is not made. */
static double phantom_delay(uint16_t mode, unsigned int from, unsigned int p)
{
	if (mode == SMAPPEE_PB_PHANTOM_THREE)
		return ((double)p - (double)from) / 3;
	if (mode == SMAPPEE_PB_PHANTOM_TWO && from < 2 && p < 2)
		return 0.5;
	return NAN;
}

/* Take the mean of all wired phases away: the star point that loads would make. */
static int shift_star_point(const struct box_meter *m, struct wave *w)
{
	double part = 1.0 / __builtin_popcount(m->wired);
	int ret = 0;

	for (unsigned int p = 0; p < SMAPPEE_PB_PHASES && !ret; p++)
		if (m->wired & 1u << p)
			ret = wave_add_delayed(w, &m->signal->terminal[p], -part, 0);
	return ret;
}

/* Voltage of phase @p to neutral as the box sees it; no terms: there is none. */
static int phase_voltage(const struct box_meter *m, unsigned int p, struct wave *w)
{
	uint16_t mode = m->settings->phantom;
	unsigned int from = first_wired(m);
	double delay;
	int ret;

	*w = (struct wave){ .base_hz = m->signal->frequency_hz, .fundamental = 1 };
	if (m->wired & 1u << p) {
		ret = wave_add_delayed(w, &m->signal->terminal[p], 1, 0);
		if (!ret && mode == SMAPPEE_PB_PHANTOM_STAR)
			ret = shift_star_point(m, w);
		return ret;
	}
	delay = phantom_delay(mode, from, p);
	if (from == SMAPPEE_PB_PHASES || isnan(delay))
		return 0;
	return wave_add_delayed(w, &m->signal->terminal[from], 1, delay);
}

/* The associated voltage: positive terminals minus negative ones. */
static int channel_voltage(const struct wave *phase, uint16_t code, struct wave *w)
{
	int ret = 0;

	*w = (struct wave){ .base_hz = phase[0].base_hz, .fundamental = phase[0].fundamental };
	for (unsigned int p = 0; p < SMAPPEE_PB_PHASES && !ret; p++) {
		int sign = (code >> p & 1) - (code >> (p + 4) & 1);

		if (sign && phase[p].components)
			ret = wave_add_delayed(w, &phase[p], sign, 0);
	}
	return ret;
}

/*
 * What a sensor of type @real reads when it is taken for one of type @set. Within
 * a family all give the same at their rating (inferred, but for the Rogowski
 * coils, whose names say so). Between families nothing is known.
 */
static double sensor_ratio(uint16_t set, uint16_t real)
{
	static const struct {
		unsigned int family;
		double rating_a;
	} sensor[SMAPPEE_PB_CT_TYPES] = {
		[SMAPPEE_PB_CT_ROGOWSKI_600A] = { 1, 600 },
		[SMAPPEE_PB_CT_ROGOWSKI_400A] = { 1, 400 },
		[SMAPPEE_PB_CT_ROGOWSKI_200A] = { 1, 200 },
		[SMAPPEE_PB_CT_SCT02_50A] = { 2, 50 },
		[SMAPPEE_PB_CT_SCT02_100A] = { 2, 100 },
		[SMAPPEE_PB_CT_SCT02_200A] = { 2, 200 },
		[SMAPPEE_PB_CT_SCT02_400A] = { 2, 400 },
		[SMAPPEE_PB_CT_SCT02_800A] = { 2, 800 },
		[SMAPPEE_PB_CT_SCT03_50A] = { 3, 50 },
		[SMAPPEE_PB_CT_SCT03_100A] = { 3, 100 },
		[SMAPPEE_PB_CT_SCT03_200A] = { 3, 200 },
	};

	if (!sensor[set].family || sensor[set].family != sensor[real].family)
		return 1;
	return sensor[set].rating_a / sensor[real].rating_a;
}

static void make_factors(const struct box_meter *m, const struct wave *v,
			 const struct box_slot *slot, uint16_t ct_type, struct box_factors *f)
{
	const struct wave *i = slot->input.wave;
	double ratio = sensor_ratio(ct_type, slot->sensor);
	double signed_ratio = ratio * slot->input.sign;

	*f = (struct box_factors){ 0 };
	if (!i)
		return;
	f->v_v = sqrt(wave_product_mean(v, v, m->rate_hz));
	f->v1_v = sqrt(wave_active(v, v));
	f->i_a = ratio * sqrt(wave_product_mean(i, i, m->rate_hz));
	f->i1_a = ratio * sqrt(wave_active(i, i));
	f->p_w = signed_ratio * wave_product_mean(v, i, m->rate_hz);
	f->p1_w = signed_ratio * wave_active(v, i);
	f->q_var = signed_ratio * wave_reactive_sum(v, i, m->rate_hz);
	f->q1_var = signed_ratio * wave_reactive(v, i);
}

static const struct box_slot *channel_slot(const struct box_meter *m, unsigned int c)
{
	return &m->slot[m->settings->slot[c]];
}

static const struct profile *channel_profile(const struct box_meter *m, unsigned int c)
{
	const struct input *in = &channel_slot(m, c)->input;

	return in->wave ? in->profile : NULL;
}

static double virtual_power(const struct box_meter *m, unsigned int v)
{
	double sum = 0;

	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		if (m->settings->mask[v] & 1u << c)
			sum += m->channel[c].fast_w;
	return sum;
}

static void read_channel(struct box_meter *m, unsigned int c, double to)
{
	const struct box_factors *f = &m->factors[c];
	const struct profile *profile = channel_profile(m, c);
	struct box_channel *r = &m->channel[c];
	double slow = fmax(to - WINDOW_S, m->started), gain, square, unused;

	profile_means(profile, slow, to, &gain, &square);
	r->i_a = f->i_a * sqrt(square);
	r->p_w = f->p_w * gain;
	r->p1_w = f->p1_w * gain;
	r->q_var = f->q_var * gain;
	r->q1_var = f->q1_var * gain;
	r->s_va = f->v_v * r->i_a;
	r->s1_va = f->v1_v * f->i1_a * sqrt(square);
	profile_means(profile, to - TICK_S, to, &gain, &unused);
	r->fast_w = f->p_w * gain;
}

/* All readings but the energies, for the windows that end at the present tick. */
static void take_readings(struct box_meter *m)
{
	if (m->ticks <= 0)
		return;
	memcpy(m->voltage_v, m->wired_v, sizeof(m->voltage_v));
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		read_channel(m, c, tick_time(m, m->ticks));
	for (unsigned int v = 0; v < SMAPPEE_PB_METERS; v++)
		m->meter[v].fast_w = virtual_power(m, v);
}

int box_meter_connect(struct box_meter *m)
{
	struct wave phase[SMAPPEE_PB_PHASES] = { 0 };
	int ret = 0;

	for (unsigned int p = 0; p < SMAPPEE_PB_PHASES && !ret; p++) {
		ret = phase_voltage(m, p, &phase[p]);
		m->wired_v[p] = sqrt(wave_product_mean(&phase[p], &phase[p], m->rate_hz));
	}
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS && !ret; c++) {
		struct wave v;

		ret = channel_voltage(phase, m->settings->phase[c], &v);
		make_factors(m, &v, channel_slot(m, c), m->settings->ct_type[c], &m->factors[c]);
		wave_free(&v);
	}
	for (unsigned int p = 0; p < SMAPPEE_PB_PHASES; p++)
		wave_free(&phase[p]);
	take_readings(m);
	return ret;
}

void box_meter_start(struct box_meter *m, double t)
{
	m->started = t;
	m->ticks = 0;
	memset(m->voltage_v, 0, sizeof(m->voltage_v));
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		m->channel[c] = (struct box_channel){
			.import_wh = m->channel[c].import_wh,
			.export_wh = m->channel[c].export_wh,
		};
	for (unsigned int v = 0; v < SMAPPEE_PB_METERS; v++)
		m->meter[v].fast_w = 0;
}

static void count(double joules, double *import_wh, double *export_wh)
{
	if (joules > 0)
		*import_wh += joules / 3600;
	else
		*export_wh -= joules / 3600;
}

/* Energy from @from on, at most to @end, as long as no load changes; to when that is. */
static double count_stretch(struct box_meter *m, double from, double end)
{
	double power[SMAPPEE_PB_CHANNELS], to = end;

	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++) {
		const struct profile *profile = channel_profile(m, c);
		double until = end;

		power[c] = m->factors[c].p_w * (profile ? profile_at(profile, from, &until) : 1);
		to = fmin(to, until);
	}
	for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
		count(power[c] * (to - from), &m->channel[c].import_wh, &m->channel[c].export_wh);
	for (unsigned int v = 0; v < SMAPPEE_PB_METERS; v++) {
		double sum = 0;

		for (unsigned int c = 0; c < SMAPPEE_PB_CHANNELS; c++)
			if (m->settings->mask[v] & 1u << c)
				sum += power[c];
		count(sum * (to - from), &m->meter[v].import_wh, &m->meter[v].export_wh);
	}
	return to;
}

void box_meter_advance(struct box_meter *m, double t)
{
	/* A tick that is due to the nanosecond has come. */
	int64_t ticks = (int64_t)floor((t - m->started + 1e-9) / TICK_S);
	double from = tick_time(m, m->ticks), end = tick_time(m, ticks);

	if (ticks <= m->ticks)
		return;
	while (from < end)
		from = count_stretch(m, from, end);
	m->ticks = ticks;
	take_readings(m);
}

double box_meter_frequency(const struct box_meter *m)
{
	return m->ticks > 0 && m->wired ? m->signal->frequency_hz : 0;
}

double box_meter_nominal(const struct box_meter *m)
{
	return m->signal->frequency_hz < 55 ? 50 : 60;
}
