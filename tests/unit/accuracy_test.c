// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The accuracy suite, A01 to A40: the chain against exact answers at four rates and two
 * widths of samples, every window of them. Exact values of A01 to A27 are those of
 * guide/cases.json of ../shared.
 *
 * ACCURACY=FILE writes the tables of Documentation/admin-guide/accuracy.rst to FILE
 * ("make accuracy") and takes the long form; without, runs are short.
 */
#include "accuracy.h"

#include "cases.h"
#include "flicker.h"
#include "quality-rig.h"

#define ONE "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n"
#define STAR "[load a]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n"
#define DELTA "[topology]\ntype = 3p\n[load a]\n"

static double seconds(double quick, double thorough)
{
	return suite.thorough ? thorough : quick;
}

/**
 * struct listed - a case of the list
 * @id: its name
 * @conf: configuration
 * @volts: full scale, V peak
 * @amperes: full scale, A peak
 * @percent: tolerance
 * @percent_2k: at 2 kHz
 * @star_v: the module sees three voltages of this, to the open neutral of a delta
 * @ratio: of voltage and current transformers before the module; 0: 1
 */
struct listed {
	const char *id;
	const char *conf;
	double volts;
	double amperes;
	double percent;
	double percent_2k;
	double star_v;
	double voltage_ratio;
};

#define STAR_OF_400 230.94010767585

static const struct listed list[] = {
	{ "A01", ONE, 500, 50, 0.01, 0.01, 0, 1 },
	{ "A02", ONE, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A03", ONE, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A04", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A05", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A06", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A07", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A08", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A09", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A10", ONE, 500, 50, 0.02, 0.05, 0, 1 },
	{ "A11", ONE, 500, 50, 0.05, 0.05, 0, 1 },
	{ "A12", ONE, 500, 50, 0.05, 0.05, 0, 1 },
	{ "A13", ONE, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A14", ONE, 500, 50, 0.05, 0.05, 0, 1 },
	{ "A15", ONE, 500, 50, 0.5, 0.5, 0, 1 },
	{ "A16", STAR, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A17", STAR, 500, 50, 0.05, 0.05, 0, 1 },
	{ "A18", STAR, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A19", ONE, 500, 50, 0.02, 0.02, 0, 1 },
	{ "A20", "[topology]\ntype = 2p+n\n[load a]\ninputs = h/A, h/B\nphases = L1, L2\n", 500,
	  100, 0.02, 0.02, 0, 1 },
	{ "A21", DELTA "inputs = h/A\nphases = L1\n", 1000, 50, 0.02, 0.02, STAR_OF_400, 1 },
	{ "A22", DELTA "inputs = h/A\nphases = L2\n", 1000, 50, 0.02, 0.02, STAR_OF_400, 1 },
	{ "A23", DELTA "inputs = h/A\nphases = L3\n", 1000, 50, 0.02, 0.02, STAR_OF_400, 1 },
	{ "A24", DELTA "inputs = h/A, h/B\nphases = L1, L2\n", 1000, 50, 0.02, 0.02, STAR_OF_400,
	  1 },
	{ "A26",
	  "[topology]\ntype = 1p\nvoltage_ratio = 2.8916666666666666\n[load a]\ninputs = h/A\n"
	  "phases = L1\n",
	  500, 150, 0.02, 0.02, 0, 2.8916666666666666 },
	{ "A27", "[topology]\ntype = high-leg\n" STAR, 500, 50, 0.02, 0.02, 0, 1 },
};

/* What lies above 0.45 times the rate is left out, as an anti-alias filter does. */
static void read_waveform(struct json_object *o, struct waveform *w, double hz, double ratio)
{
	json_object_object_foreach(o, key, value)
	{
		if (atof(key) * hz <= 0.45 * suite_rate())
			waveform_add(w, atof(key),
				     json_object_get_double(json_object_array_get_idx(value, 0)) /
					     ratio,
				     json_object_get_double(json_object_array_get_idx(value, 1)));
	}
}

/* A resistor of 23 ohm that conducts the second half of every half-wave, A15. */
static void make_triac(struct signal *s)
{
	unsigned int h;

	waveform_add(&s->w[0], 1, 230, -90.0);
	for (h = 1; h * s->hz <= 0.45 * suite_rate() && h < 127; h += 2) {
		double a = 0.0; /* of cos(h x) */
		double b = 0.0; /* of sin(h x) */
		unsigned int k;

		for (k = 0; k < 20000; k++) {
			double x = M_PI / 2 + (k + 0.5) * M_PI / 2 / 20000;
			double i = 10.0 * M_SQRT2 * sin(x);

			a += i * cos(h * x) / 20000;
			b += i * sin(h * x) / 20000;
		}
		waveform_add(&s->w[1], h, hypot(a, b) / M_SQRT2, -atan2(b, a) * 180.0 / M_PI);
	}
}

static void make_signal(const struct listed *l, struct json_object *o, struct signal *s)
{
	struct json_object *u = json_object_object_get(o, "U");
	struct json_object *i = json_object_object_get(o, "I");
	unsigned int voltages = ac.in.inputs.voltages;
	unsigned int k;

	memset(s, 0, sizeof(*s));
	s->hz = number(o, "f");
	s->start = random_part(&suite.seed);
	if (!u) {
		make_triac(s);
		return;
	}
	for (k = 0; k < voltages && l->star_v > 0.0; k++)
		waveform_add(&s->w[k], 1, l->star_v, -120.0 * k);
	for (k = 0; k < voltages && l->star_v == 0.0; k++)
		read_waveform(json_object_array_get_idx(u, k), &s->w[k], s->hz, l->voltage_ratio);
	for (k = 0; k < json_object_array_length(i); k++)
		read_waveform(json_object_array_get_idx(i, k), &s->w[voltages + k], s->hz, 1);
}

struct answer {
	double u;
	double i;
	double p;
	double q1;
};

static struct answer answer_of(const char *id, struct json_object *o, const struct signal *s,
			       unsigned int k)
{
	struct json_object *e;
	struct answer a;

	/* of the current of A15, what lies below the limit */
	if (!strcmp(id, "A15"))
		return (struct answer){ 230, waveform_rms(&s->w[1]), 1150, 732.1127382227185 };
	e = json_object_array_get_idx(json_object_object_get(o, "elements"), k);
	a = (struct answer){ number(e, "U"), number(e, "I"), number(e, "P"), number(e, "Q1") };
	/* with DC in the list, which the chain removes */
	if (!strcmp(id, "A13"))
		a = (struct answer){ 230, 10, 1150, a.q1 };
	if (!strcmp(id, "A14"))
		a.i = 5.4530;
	return a;
}

static double base_of(double value, double s)
{
	return fabs(value) < 0.1 * s ? s : fabs(value);
}

static void note_element(const char *id, const struct element_window *e, const struct answer *a,
			 double percent)
{
	double s = a->u * a->i;

	note_percent(id, "U, V", a->u, sqrt(e->v2), a->u, percent);
	note_percent(id, "I, A", a->i, sqrt(e->i2), a->i, percent);
	note_percent(id, "P, W", a->p, e->p_w, base_of(a->p, s), percent);
	note_percent(id, "Q1, var", a->q1, e->q1_var, base_of(a->q1, s), percent);
}

/* What only A17 has. */
static void note_system(const char *id, struct json_object *o)
{
	const struct load_reading *l = &ac.reading.load[0];
	struct json_object *s = json_object_object_get(o, "ieee1459");

	if (!s)
		return;
	note(id, "u2, %", number(s, "u2"), ac.reading.u2_percent,
	     ac.reading.u2_percent - number(s, "u2"), 0.01, "%");
	note(id, "u0, %", number(s, "u0"), ac.reading.u0_percent,
	     ac.reading.u0_percent - number(s, "u0"), 0.01, "%");
	note_percent(id, "In, A", number(s, "In"), l->neutral_a, number(s, "In"), 0.05);
	note_percent(id, "Se, VA", number(s, "Se"), l->se_va, number(s, "Se"), 0.05);
	note_percent(id, "SA, VA", number(s, "SA"), l->sa_va, number(s, "SA"), 0.05);
	note_percent(id, "SV, VA", number(s, "SV"), l->s_va, number(s, "SV"), 0.05);
}

static void measure_listed(const struct listed *l)
{
	struct json_object *o = find_case(l->id);
	struct json_object *total = json_object_object_get(o, "total");
	double percent = suite_rate() < 3000 ? l->percent_2k : l->percent;
	static struct signal s;
	unsigned int w;
	unsigned int k;

	open_at(l->conf, l->volts, l->amperes);
	make_signal(l, o, &s);
	chain_feed(&ac, seconds(2.5, 12), signal_at, &s);
	assert_true(ac.windows >= 5 && ac.readings >= 1);
	for (w = 0; w < ac.windows; w++) {
		double p = 0.0;
		double q1 = 0.0;
		double s_va = 0.0;

		for (k = 0; k < ac.in.load[0].elements; k++) {
			struct answer a = answer_of(l->id, o, &s, k);

			note_element(l->id, &ac.window[w].element[k], &a, percent);
			p += ac.window[w].element[k].p_w;
			q1 += ac.window[w].element[k].q1_var;
			s_va += a.u * a.i;
		}
		if (k == 1)
			continue;
		note_percent(l->id, "P of all, W", number(total, "P"), p,
			     base_of(number(total, "P"), s_va), percent);
		note_percent(l->id, "Q1 of all, var", number(total, "Q1"), q1,
			     base_of(number(total, "Q1"), s_va), percent);
		note("A..", "f, Hz", s.hz, ac.window[w].frequency_hz,
		     1000 * (ac.window[w].frequency_hz - s.hz), 2.5, "mHz");
	}
	note_system(l->id, o);
	close_it();
}

static void the_listed_cases(void)
{
	unsigned int k;

	for (k = 0; k < sizeof(list) / sizeof(list[0]); k++)
		measure_listed(&list[k]);
}

#include "accuracy-made.h"

static void (*const cases[])(void) = {
	the_listed_cases, a_tiny_load,	      netting,	       events,
	flicker_response, harmonic_orders,    spoiled_sensors, changing_mains,
	damaged_streams,  clocks_that_differ, no_load,	       many_loads,
	class_grid,	  harmonic_influence, software_share
};

static void every_case_is_within_its_tolerance(void **state)
{
	unsigned int bad = 0;
	unsigned int k;

	if (!file) {
		print_message(
			"guide/cases.json not found below $SMAPPEE_SHARED or ../shared: skipped\n");
		skip();
	}
	for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		for (suite.rate = 0; suite.rate < ACCURACY_RATES; suite.rate++)
			for (suite.width = 0; suite.width < ACCURACY_BITS; suite.width++)
				cases[k]();
	for (k = 0; k < suite.rows; k++) {
		const struct row *r = &suite.row[k];
		bool good = r->error <= r->tolerance;

		bad += !good;
		print_message(
			"%s %-16s exact %.7g measured %.7g error %.2g %s of %.3g (%.6g Hz, %u "
			"bit)%s\n",
			r->id, r->quantity, r->exact, r->measured, r->error, r->unit, r->tolerance,
			r->rate_hz, r->bits, good ? "" : "  TOO LARGE");
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_is_within_its_tolerance),
	};
	const char *tables = getenv("ACCURACY");
	int failed;

	suite.seed = random_seed();
	suite.thorough = tables != NULL;
	cases_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (tables && !failed && file) {
		FILE *f = fopen(tables, "w");

		if (!f) {
			perror(tables);
			return 1;
		}
		write_tables(f);
		failed = fclose(f);
	}
	cases_close();
	return failed;
}
