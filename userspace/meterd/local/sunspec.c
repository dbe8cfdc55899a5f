// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sunspec - see sunspec.h. Offsets are those of the SunSpec Alliance's models 1 and 211 to
 * 214; those of the four meters are the same.
 */
#include "sunspec.h"

#include <math.h>
#include <string.h>

#include "version.h"

#define MODEL_COMMON 1
#define MODEL_SINGLE 211
#define MODEL_SPLIT 212
#define MODEL_WYE 213
#define MODEL_DELTA 214
#define MODEL_END 0xffff

#define J_PER_WH 3600.0
#define PHASES 3
#define NAN_HIGH 0x7fc0

/* Registers of the common model. */
enum {
	COMMON_MANUFACTURER = 0,
	COMMON_MODEL = 16,
	COMMON_OPTIONS = 32,
	COMMON_VERSION = 40,
	COMMON_SERIAL = 48,
	COMMON_ADDRESS = 64,
	COMMON_PAD = 65,
};

/* Registers of the meters; a total is followed by phases A, B and C. */
enum {
	METER_A = 0,
	METER_PHV = 8,
	METER_PPV = 16,
	METER_HZ = 24,
	METER_W = 26,
	METER_VA = 34,
	METER_VAR = 42,
	METER_PF = 50,
	METER_WH_EXPORT = 58,
	METER_WH_IMPORT = 66,
	METER_VARH_Q1 = 90,
	METER_EVENTS = 122,
};

#define QUADRANT_STRIDE 8

static void put_float(uint16_t *at, double value)
{
	float narrow = (float)value;
	uint32_t bits;

	if (!isfinite(value) || !isfinite(narrow)) {
		at[0] = NAN_HIGH;
		at[1] = 0;
		return;
	}
	memcpy(&bits, &narrow, sizeof(bits));
	at[0] = (uint16_t)(bits >> 16);
	at[1] = (uint16_t)bits;
}

/* Text in @registers registers, filled with NUL; what is too long is cut. */
static void put_text(uint16_t *at, unsigned int registers, const char *text)
{
	unsigned char bytes[32] = { 0 };
	unsigned int k;

	for (k = 0; k < 2 * registers && text[k]; k++)
		bytes[k] = (unsigned char)text[k];
	for (k = 0; k < registers; k++)
		at[k] = (uint16_t)(bytes[2 * k] << 8 | bytes[2 * k + 1]);
}

uint16_t sunspec_model(const struct topology *t)
{
	if (t->three_phase)
		return t->neutral ? MODEL_WYE : MODEL_DELTA;
	return t->voltages > 1 ? MODEL_SPLIT : MODEL_SINGLE;
}

static void put_common(uint16_t *at, const char *gateway, uint8_t unit)
{
	put_text(at + COMMON_MANUFACTURER, 16, "meterd");
	put_text(at + COMMON_MODEL, 16, "IIO energy meter");
	put_text(at + COMMON_OPTIONS, 8, "");
	put_text(at + COMMON_VERSION, 8, SMAPPEE_VERSION);
	put_text(at + COMMON_SERIAL, 16, gateway);
	at[COMMON_ADDRESS] = unit;
	at[COMMON_PAD] = 0x8000;
}

static double mean(const double *value, unsigned int n)
{
	double sum = 0;
	unsigned int known = 0;
	unsigned int k;

	for (k = 0; k < n; k++) {
		if (isfinite(value[k])) {
			sum += value[k];
			known++;
		}
	}
	return known ? sum / known : NAN;
}

static void put_group(uint16_t *at, double total, const double phase[PHASES])
{
	unsigned int k;

	put_float(at, total);
	for (k = 0; k < PHASES; k++)
		put_float(at + 2 + 2 * k, phase[k]);
}

/*
 * Without neutral the slots are V13, V23 and V12 (load.h); here they are wanted as AB, BC,
 * CA. Their effective values have no sign.
 */
static void put_voltages(uint16_t *meter, const struct reading *r, uint16_t model)
{
	double ln[PHASES] = { NAN, NAN, NAN };
	double ll[PHASES] = { NAN, NAN, NAN };
	static const unsigned int delta[PHASES] = { 2, 1, 0 };
	unsigned int k;

	for (k = 0; k < PHASES && k < r->voltages; k++) {
		if (model == MODEL_DELTA) {
			if (delta[k] < r->voltages)
				ll[k] = r->voltage[delta[k]].ln_v;
		} else if (strcmp(r->voltage[k].phase, "L12")) {
			ln[k] = r->voltage[k].ln_v;
			ll[k] = model == MODEL_SINGLE ? NAN : r->voltage[k].ll_v;
		}
	}
	put_group(meter + METER_PHV, mean(ln, PHASES), ln);
	put_group(meter + METER_PPV, mean(ll, PHASES), ll);
}

/**
 * struct phase - what the elements in one phase add up to
 * @elements: how many there are
 */
struct phase {
	unsigned int elements;
	double i_a;
	double p_w;
	double q1_var;
	double s_va;
	double import_j;
	double export_j;
	double reactive_vars[READING_QUADRANTS];
};

static void add_element(struct phase *p, const struct element_reading *e)
{
	unsigned int k;

	p->elements++;
	p->i_a += e->i_a;
	p->p_w += e->p_w;
	p->q1_var += e->q1_var;
	p->s_va += e->s_va;
	p->import_j += e->energy.import_j;
	p->export_j += e->energy.export_j;
	for (k = 0; k < READING_QUADRANTS; k++)
		p->reactive_vars[k] += e->energy.reactive_vars[k];
}

/*
 * Elements by phase. One between two lines belongs to no phase, and an element of a load
 * without neutral has no power of its own.
 */
static void split_phases(struct phase phase[PHASES], const struct load_reading *l, uint16_t model)
{
	unsigned int k;

	memset(phase, 0, PHASES * sizeof(*phase));
	for (k = 0; k < l->elements; k++) {
		const struct element_reading *e = &l->element[k];

		if (e->phase[0] != 'L' || e->phase[1] < '1' || e->phase[1] > '3' || e->phase[2])
			continue;
		add_element(&phase[e->phase[1] - '1'], e);
	}
	for (k = 0; k < PHASES; k++) {
		struct phase *p = &phase[k];

		if (!p->elements)
			*p =
				(struct phase){ 0,   NAN, NAN, NAN,
						NAN, NAN, NAN, { NAN, NAN, NAN, NAN } };
		else if (model == MODEL_DELTA)
			*p = (struct phase){ p->elements, p->i_a, NAN, NAN,
					     NAN,	  NAN,	  NAN, { NAN, NAN, NAN, NAN } };
	}
}

static double total_current(const struct load_reading *l)
{
	double sum = 0;
	unsigned int k;

	for (k = 0; k < l->elements; k++)
		sum += l->element[k].i_a;
	return l->elements ? sum : NAN;
}

static void put_power(uint16_t *meter, const struct load_reading *l,
		      const struct phase phase[PHASES])
{
	double i[PHASES], p[PHASES], q[PHASES], s[PHASES], pf[PHASES];
	unsigned int k;

	for (k = 0; k < PHASES; k++) {
		i[k] = phase[k].i_a;
		p[k] = phase[k].p_w;
		q[k] = phase[k].q1_var;
		s[k] = phase[k].s_va;
		pf[k] = s[k] > 0 && !l->below_range ? p[k] / s[k] : NAN;
	}
	put_group(meter + METER_A, total_current(l), i);
	put_group(meter + METER_W, l->p_w, p);
	put_group(meter + METER_VA, l->s_va, s);
	put_group(meter + METER_VAR, l->q1_var, q);
	put_group(meter + METER_PF, l->pf, pf);
}

static void put_energy(uint16_t *meter, const struct load_reading *l,
		       const struct phase phase[PHASES])
{
	double in[PHASES], out[PHASES], reactive[PHASES];
	unsigned int n;
	unsigned int k;

	for (k = 0; k < PHASES; k++) {
		in[k] = phase[k].import_j / J_PER_WH;
		out[k] = phase[k].export_j / J_PER_WH;
	}
	put_group(meter + METER_WH_EXPORT, l->export_j / J_PER_WH, out);
	put_group(meter + METER_WH_IMPORT, l->import_j / J_PER_WH, in);
	for (n = 0; n < READING_QUADRANTS; n++) {
		for (k = 0; k < PHASES; k++)
			reactive[k] = phase[k].reactive_vars[n] / J_PER_WH;
		put_group(meter + METER_VARH_Q1 + n * QUADRANT_STRIDE,
			  l->energy.reactive_vars[n] / J_PER_WH, reactive);
	}
}

static void put_meter(uint16_t *meter, const struct reading *r, unsigned int load, uint16_t model)
{
	struct phase phase[PHASES];
	unsigned int k;

	for (k = 0; k < METER_EVENTS; k += 2)
		put_float(meter + k, NAN);
	meter[METER_EVENTS] = 0;
	meter[METER_EVENTS + 1] = 0;
	if (!r || load >= r->loads)
		return;
	put_float(meter + METER_HZ, r->frequency_hz);
	put_voltages(meter, r, model);
	split_phases(phase, &r->load[load], model);
	put_power(meter, &r->load[load], phase);
	put_energy(meter, &r->load[load], phase);
}

void sunspec_image(uint16_t image[SUNSPEC_REGISTERS], const struct topology *t, const char *gateway,
		   uint8_t unit, const struct reading *r, unsigned int load)
{
	uint16_t model = sunspec_model(t);
	uint16_t *at = image;

	*at++ = 'S' << 8 | 'u';
	*at++ = 'n' << 8 | 'S';
	*at++ = MODEL_COMMON;
	*at++ = SUNSPEC_COMMON_LENGTH;
	put_common(at, gateway, unit);
	at += SUNSPEC_COMMON_LENGTH;
	*at++ = model;
	*at++ = SUNSPEC_METER_LENGTH;
	put_meter(at, r, load, model);
	at += SUNSPEC_METER_LENGTH;
	*at++ = MODEL_END;
	*at = 0;
}
