// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every topology, from the text of a configuration to the reading, against cases with
 * exact answers (guide/cases.json of ../shared, A17 to A27): the voltages that the
 * module sees are made here, those of the slots are the program's work.
 */
#include "cases.h"
#include "chain-config.h"

#define SECONDS 3.0

static uint64_t seed;
static const double rates[] = { 2000.0, 3999.37, 4000.0, 8000.0 };

/**
 * struct wiring - a case
 * @id: of the case
 * @conf: configuration; load "all" has the elements of the case
 * @volts: full scale of the voltage inputs
 * @raw: RMS and degrees of the voltages that the module sees; 0: those of the case
 * @percent: tolerance
 * @common: a voltage that all terminals have besides, 150 Hz
 */
struct wiring {
	const char *id;
	const char *conf;
	double volts;
	double raw[3][2];
	double percent;
	double common;
};

#define DELTA "[topology]\ntype = 3p\n"
/* N open: three voltages of a star; N on L3: two line voltages and nothing */
#define OPEN_NEUTRAL { { 230.94010767585, 0 }, { 230.94010767585, -120 }, { 230.94010767585, 120 } }
#define NEUTRAL_ON_L3 { { 400, -30 }, { 400, -90 }, { 0, 0 } }

static const struct wiring wirings[] = {
	{ .id = "A17",
	  .conf = "[load all]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n",
	  .volts = 500,
	  .percent = 0.05 },
	{ .id = "A18",
	  .conf = "[load all]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n",
	  .volts = 500,
	  .percent = 0.02 },
	{ .id = "A19",
	  .conf = "[topology]\ntype = 1p\n[load all]\ninputs = h/A\nphases = L1\n",
	  .volts = 500,
	  .percent = 0.02 },
	{ .id = "A20",
	  .conf = "[topology]\ntype = 2p+n\n[load all]\ninputs = h/A, h/B\nphases = L1, L2\n",
	  .volts = 500,
	  .percent = 0.02 },
	{ .id = "A21",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L1\n",
	  .volts = 1000,
	  .raw = OPEN_NEUTRAL,
	  .percent = 0.02,
	  .common = 20 },
	{ .id = "A21",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L1\n",
	  .volts = 1000,
	  .raw = NEUTRAL_ON_L3,
	  .percent = 0.02 },
	{ .id = "A22",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L2\n",
	  .volts = 1000,
	  .raw = OPEN_NEUTRAL,
	  .percent = 0.02,
	  .common = 20 },
	{ .id = "A22",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L2\n",
	  .volts = 1000,
	  .raw = NEUTRAL_ON_L3,
	  .percent = 0.02 },
	{ .id = "A23",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L3\n",
	  .volts = 1000,
	  .raw = OPEN_NEUTRAL,
	  .percent = 0.02,
	  .common = 20 },
	{ .id = "A23",
	  .conf = DELTA "[load all]\ninputs = h/A\nphases = L3\n",
	  .volts = 1000,
	  .raw = NEUTRAL_ON_L3,
	  .percent = 0.02 },
	{ .id = "A24",
	  .conf = DELTA "[load all]\ninputs = h/A, h/B\nphases = L1, L2\n",
	  .volts = 1000,
	  .raw = OPEN_NEUTRAL,
	  .percent = 0.02,
	  .common = 20 },
	{ .id = "A24",
	  .conf = DELTA "[load all]\ninputs = h/A, h/B\nphases = L1, L2\n",
	  .volts = 1000,
	  .raw = NEUTRAL_ON_L3,
	  .percent = 0.02 },
	{ .id = "A26",
	  .conf = "[topology]\ntype = 1p\nvoltage_ratio = 2.8916666666666666\n"
		  "[load all]\ninputs = h/A\nphases = L1\nratio = 2\n",
	  .volts = 500,
	  .raw = { { 120, 0 } },
	  .percent = 0.02 },
	{ .id = "A27",
	  .conf = "[topology]\ntype = high-leg\n"
		  "[load all]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n",
	  .volts = 500,
	  .percent = 0.02 },
};

static struct chain c;
static struct config config;

/* What the test's module sees. */
struct house {
	double hz;
	double start;
	struct waveform v[3];
	struct waveform i[8];
};

static double sample(void *user, unsigned int channel, double scan)
{
	const struct house *h = user;
	double turns = h->start + h->hz * scan / c.rate_hz;
	unsigned int voltages = c.in.inputs.voltages;

	return channel < voltages ? waveform_at(&h->v[channel], turns)
				  : waveform_at(&h->i[channel - voltages], turns);
}

static double part(struct json_object *list, unsigned int k, unsigned int which)
{
	struct json_object *phasor =
		json_object_object_get(json_object_array_get_idx(list, k), "1");

	return json_object_get_double(json_object_array_get_idx(phasor, which));
}

static void make_house(struct house *h, const struct wiring *w, struct json_object *o)
{
	struct json_object *u = json_object_object_get(o, "U");
	struct json_object *i = json_object_object_get(o, "I");
	/* a CT of the ratio 2 gives half of the current */
	double ratio = c.in.load[0].element[0].ratio;
	unsigned int k;

	memset(h, 0, sizeof(*h));
	h->hz = number(o, "f");
	h->start = random_part(&seed);
	for (k = 0; k < c.in.inputs.voltages; k++) {
		if (w->raw[0][0] > 0.0)
			waveform_add(&h->v[k], 1, w->raw[k][0], w->raw[k][1]);
		else
			waveform_add(&h->v[k], 1, part(u, k, 0), part(u, k, 1));
		waveform_add(&h->v[k], 3, w->common, 40);
	}
	for (k = 0; k < json_object_array_length(i); k++)
		waveform_add(&h->i[k], 1, part(i, k, 0) / ratio, part(i, k, 1));
}

static bool differs(const char *what, double value, double exact, double base, double percent)
{
	if (fabs(value - exact) <= base * percent / 100.0)
		return false;
	print_message("  %s: %.6f instead of %.6f\n", what, value, exact);
	return true;
}

/* The values of IEEE 1459 that only A17 has. */
static unsigned int compare_system(struct json_object *o)
{
	const struct load_reading *l = &c.reading.load[0];
	struct json_object *s = json_object_object_get(o, "ieee1459");

	if (!s)
		return 0;
	return differs("u2", c.reading.u2_percent, number(s, "u2"), 1.0, 0.1) +
	       differs("u0", c.reading.u0_percent, number(s, "u0"), 1.0, 0.1) +
	       differs("In", l->neutral_a, number(s, "In"), number(s, "In"), 0.05) +
	       differs("Se", l->se_va, number(s, "Se"), number(s, "Se"), 0.05) +
	       differs("SA", l->sa_va, number(s, "SA"), number(s, "SA"), 0.05) +
	       differs("SV", l->s_va, number(s, "SV"), number(s, "SV"), 0.05);
}

static unsigned int compare(const struct wiring *w, struct json_object *o)
{
	const struct load_reading *l = &c.reading.load[0];
	struct json_object *total = json_object_object_get(o, "total");
	struct json_object *list = json_object_object_get(o, "elements");
	double base = hypot(number(total, "P"), number(total, "Q1"));
	unsigned int bad = 0;
	unsigned int k;

	bad += differs("P", l->p_w, number(total, "P"), base, w->percent);
	bad += differs("Q1", l->q1_var, number(total, "Q1"), base, w->percent);
	for (k = 0; k < l->elements; k++) {
		struct json_object *e = json_object_array_get_idx(list, k);

		bad += differs("element P", l->element[k].p_w, number(e, "P"), base, w->percent);
		bad += differs("element U", l->element[k].v_v, number(e, "U"), number(e, "U"),
			       w->percent);
		bad += differs("element I", l->element[k].i_a, number(e, "I"), number(e, "I"),
			       w->percent);
		if (isfinite(l->element[k].pf))
			bad += differs("element DPF", l->element[k].dpf, number(e, "DPF"), 1.0,
				       w->percent);
	}
	return bad + compare_system(o);
}

static void the_cases_of_all_topologies_are_met(void **state)
{
	unsigned int bad = 0;
	unsigned int n;
	unsigned int r;

	if (!file) {
		print_message(
			"guide/cases.json not found below $SMAPPEE_SHARED or ../shared: skipped\n");
		skip();
	}
	for (n = 0; n < sizeof(wirings) / sizeof(wirings[0]); n++) {
		for (r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
			struct json_object *o = find_case(wirings[n].id);
			struct house h;
			unsigned int wrong;

			chain_open_config(&c, &config, wirings[n].conf, wirings[n].volts, rates[r]);
			make_house(&h, &wirings[n], o);
			chain_feed(&c, SECONDS, sample, &h);
			assert_true(c.readings >= 2);
			wrong = compare(&wirings[n], o);
			print_message("%s %8.2f Hz: P %.4f W, Q1 %.4f var%s\n", wirings[n].id,
				      rates[r], c.reading.load[0].p_w, c.reading.load[0].q1_var,
				      wrong ? "  WRONG" : "");
			bad += wrong;
			chain_close_config(&c, &config);
		}
	}
	assert_int_equal(bad, 0);
}

static void a_240_v_load_has_one_ct_in_its_own_slot(void **state)
{
	struct house h = { .hz = 60.0 };

	chain_open_config(&c, &config,
			  "[topology]\ntype = 2p+n\n"
			  "[load range]\ninputs = h/A\nphases = L12\n"
			  "[load lamp]\ninputs = h/B\nphases = L2\n",
			  500, 4000.0);
	waveform_add(&h.v[0], 1, 121, 0);
	waveform_add(&h.v[1], 1, 118, 180);
	waveform_add(&h.i[0], 1, 15, -30);
	waveform_add(&h.i[1], 1, 2, 180);
	chain_feed(&c, SECONDS, sample, &h);
	assert_double_equal(c.reading.load[0].p_w, 239 * 15 * cos(M_PI / 6), 0.7);
	assert_double_equal(c.reading.load[0].element[0].phi_deg, 30.0, 0.01);
	assert_double_equal(c.reading.load[1].p_w, 236.0, 0.1);
	assert_double_equal(c.reading.voltage[0].ll_v, 239.0, 0.05);
	assert_double_equal(c.reading.voltage[1].angle_deg * c.reading.voltage[1].angle_deg,
			    180.0 * 180.0, 10.0);
	assert_true(isnan(c.reading.u2_percent));
	chain_close_config(&c, &config);
}

static void two_clamps_without_neutral_show_only_their_sum(void **state)
{
	struct house h = { .hz = 50.0 };
	const struct load_reading *l = &c.reading.load[0];
	unsigned int k;

	/* balanced, 10 A behind by 75 degrees: one clamp runs backwards */
	chain_open_config(&c, &config, DELTA "[load motor]\ninputs = h/A, h/B\nphases = L1, L2\n",
			  1000, 4000.0);
	for (k = 0; k < 3; k++)
		waveform_add(&h.v[k], 1, 230.94010767585, -120.0 * k);
	for (k = 0; k < 2; k++)
		waveform_add(&h.i[k], 1, 10, -120.0 * k - 75);
	chain_feed(&c, SECONDS, sample, &h);
	l = &c.reading.load[0];
	assert_double_equal(l->p_w, sqrt(3) * 400 * 10 * cos(75 * M_PI / 180), 0.7);
	assert_true(l->element[1].p_w < 0.0 || l->element[0].p_w < 0.0);
	assert_true(isnan(l->element[0].pf) && isnan(l->element[1].phi_deg));
	assert_true(isnan(l->element[1].energy.export_j) && isnan(l->energy.phases_export_j));
	assert_double_equal(l->export_j, 0.0, 0.0);
	/* the third conductor is computed: Se is that of a balanced load */
	assert_double_equal(l->se_va, sqrt(3) * 400 * 10, 1.5);
	assert_double_equal(c.reading.u2_percent, 0.0, 0.01);
	assert_true(isnan(c.reading.u0_percent));
	assert_double_equal(c.reading.voltage[2].ll_v, 400.0, 0.05);
	chain_close_config(&c, &config);
}

static void the_neutral_current_has_its_harmonics(void **state)
{
	struct house h = { .hz = 49.7 };
	unsigned int k;

	chain_open_config(&c, &config,
			  "[load computed]\ninputs = h/A, h/B, h/C\nphases = L1, L2, L3\n"
			  "[load measured]\ninputs = g/A, g/B, g/C\nphases = L1, L2, L3\n"
			  "neutral = g/D\n",
			  500, 4000.0);
	/* triplen harmonics of three phases add up in the neutral */
	for (k = 0; k < 3; k++) {
		waveform_add(&h.v[k], 1, 230, -120.0 * k);
		waveform_add(&h.i[k], 1, 10, -120.0 * k);
		waveform_add(&h.i[k], 3, 4, 20);
		waveform_add(&h.i[3 + k], 1, 10, -120.0 * k);
	}
	waveform_add(&h.i[6], 1, 7, 0);
	chain_feed(&c, SECONDS, sample, &h);
	assert_double_equal(c.reading.load[0].neutral_a, 12.0, 0.0008);
	assert_double_equal(c.reading.load[1].neutral_a, 7.0, 0.005);
	assert_double_equal(c.reading.load[1].p_w, 6900.0, 1.0);
	chain_close_config(&c, &config);
}

static void a_multiplier_stands_for_equal_circuits(void **state)
{
	struct house h = { .hz = 50.0 };

	chain_open_config(&c, &config,
			  "[topology]\ntype = 1p\n"
			  "[load pump]\ninputs = h/A\nphases = L1\nmultiplier = 3\nratio = 4\n",
			  500, 4000.0);
	waveform_add(&h.v[0], 1, 230, 0);
	waveform_add(&h.i[0], 1, 2, -60);
	chain_feed(&c, SECONDS, sample, &h);
	assert_double_equal(c.reading.load[0].element[0].i_a, 8.0, 0.004);
	assert_double_equal(c.reading.load[0].p_w, 3 * 230 * 8 * 0.5, 0.5);
	assert_double_equal(c.reading.load[0].s_va, 3 * 230 * 8, 1.0);
	assert_double_equal(c.reading.load[0].pf, 0.5, 1e-4);
	chain_close_config(&c, &config);
}

static void roles_and_virtual_loads_add_up(void **state)
{
	struct house h = { .hz = 50.0 };
	const struct totals_reading *t = &c.reading.totals;

	chain_open_config(&c, &config,
			  "[topology]\ntype = 1p\n"
			  "[load house]\nrole = virtual\nformula = grid - solar - battery\n"
			  "[load grid]\nrole = grid\ninputs = h/A\nphases = L1\n"
			  "[load solar]\nrole = production\ninputs = h/B\nphases = L1\n"
			  "[load battery]\nrole = storage\ninputs = h/C\nphases = L1\n"
			  "[load rest]\nrole = virtual\nformula = house - boiler\n"
			  "[load boiler]\ninputs = h/D\nphases = L1\n",
			  500, 4000.0);
	waveform_add(&h.v[0], 1, 200, 0);
	waveform_add(&h.i[0], 1, 5, 180);  /* 1000 W to the grid */
	waveform_add(&h.i[1], 1, 20, 180); /* 4000 W produced */
	waveform_add(&h.i[2], 1, 4, 0);	   /* 800 W charge */
	waveform_add(&h.i[3], 1, 10, 0);   /* 2000 W of 2200 W */
	chain_feed(&c, SECONDS, sample, &h);
	assert_double_equal(c.reading.load[0].p_w, 2200.0, 0.3);
	assert_int_equal(c.reading.load[0].elements, 0);
	assert_double_equal(c.reading.load[4].p_w, 200.0, 0.3);
	assert_double_equal(c.reading.load[4].energy.net_j,
			    c.reading.load[0].energy.net_j - c.reading.load[5].energy.net_j, 1e-6);
	assert_double_equal(t->grid_w, -1000.0, 0.2);
	assert_double_equal(t->grid_export_w, 1000.0, 0.2);
	assert_double_equal(t->grid_import_w, 0.0, 0.0);
	assert_double_equal(t->production_w, 4000.0, 0.5);
	assert_double_equal(t->storage_w, 800.0, 0.2);
	assert_double_equal(t->consumption_w, 2200.0, 0.5);
	assert_double_equal(t->self_consumption_w, 3000.0, 0.5);
	assert_double_equal(t->consumption_j, c.reading.load[0].energy.net_j, 1e-6);
	assert_double_equal(t->production_j, c.reading.load[2].export_j, 0.0);
	chain_close_config(&c, &config);
}

static void without_a_grid_there_are_no_totals(void **state)
{
	struct house h = { .hz = 50.0 };

	chain_open_config(&c, &config,
			  "[topology]\ntype = 1p\n[load a]\ninputs = h/A\nphases = L1\n", 500,
			  4000.0);
	waveform_add(&h.v[0], 1, 230, 0);
	waveform_add(&h.i[0], 1, 5, 0);
	chain_feed(&c, SECONDS, sample, &h);
	assert_true(isnan(c.reading.totals.grid_w) && isnan(c.reading.totals.consumption_w));
	assert_true(isnan(c.reading.totals.production_w) &&
		    isnan(c.reading.totals.self_consumption_w));
	chain_close_config(&c, &config);
}

static void a_small_current_is_below_the_range(void **state)
{
	struct house h = { .hz = 50.0 };

	chain_open_config(&c, &config,
			  "[topology]\ntype = 1p\npf_min_va = 0\n"
			  "[load a]\ninputs = h/A\nphases = L1\nmin_a = 0.1\n"
			  "[load b]\ninputs = h/B\nphases = L1\nmin_a = 0.05\n",
			  500, 4000.0);
	waveform_add(&h.v[0], 1, 230, 0);
	waveform_add(&h.i[0], 1, 0.08, 0);
	waveform_add(&h.i[1], 1, 0.08, 0);
	chain_feed(&c, SECONDS, sample, &h);
	assert_true(c.reading.load[0].below_range && c.reading.load[0].element[0].below_range);
	assert_true(isnan(c.reading.load[0].pf) && isnan(c.reading.load[0].element[0].dpf));
	assert_double_equal(c.reading.load[0].p_w, 18.4, 0.1);
	assert_true(c.reading.load[0].energy.net_j > 18.0);
	assert_false(c.reading.load[1].below_range);
	assert_double_equal(c.reading.load[1].pf, 1.0, 0.01);
	chain_close_config(&c, &config);
}

/* Mains, and converters that give nothing but their offsets. */
static double only_offsets(void *user, unsigned int channel, double scan)
{
	const double *offset = user;

	if (channel >= 3)
		return offset[channel - 3];
	return 325 * sin(2 * M_PI * (50.0 * scan / 4000 - channel / 3.0));
}

static void two_clamps_without_load_have_an_apparent_power_of_nothing(void **state)
{
	static struct chain off;
	unsigned int k;

	for (k = 0; k < 40; k++) {
		double offset[2] = { 0.1 + 0.173 * k, -0.37 - 0.211 * k };

		chain_open(&off, "3p", 2, 2, 4000.0, NULL);
		chain_feed(&off, 2.5, only_offsets, offset);
		assert_true(off.readings >= 1);
		assert_double_equal(off.reading.load[0].se_va, 0.0, 5.0);
		assert_double_equal(off.reading.load[0].n_var, 0.0, 5.0);
		chain_close(&off);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cases_of_all_topologies_are_met),
		cmocka_unit_test(a_240_v_load_has_one_ct_in_its_own_slot),
		cmocka_unit_test(two_clamps_without_neutral_show_only_their_sum),
		cmocka_unit_test(the_neutral_current_has_its_harmonics),
		cmocka_unit_test(a_multiplier_stands_for_equal_circuits),
		cmocka_unit_test(roles_and_virtual_loads_add_up),
		cmocka_unit_test(without_a_grid_there_are_no_totals),
		cmocka_unit_test(a_small_current_is_below_the_range),
		cmocka_unit_test(two_clamps_without_load_have_an_apparent_power_of_nothing),
	};
	int failed;

	seed = random_seed();
	cases_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	cases_close();
	return failed;
}
