// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON of a reading, read back by json-c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "live.h"

#define LOADS 28

static struct load_reading house[LOADS];

/* A reading in which every number is another one. */
static struct reading numbered_reading(void)
{
	static const char *const phases[] = { "L1", "L2", "L3" };
	struct reading r = {
		.start_ns = 123,
		.end_ns = 456,
		.utc_ns = 1795197600123456789,
		.sequence = 17,
		.windows = 5,
		.frequency_hz = 50.012345,
		.voltages = 3,
		.loads = LOADS,
		.load = house,
		.lost_scans = 1,
		.gaps = 2,
		.repaired_blocks = 3,
		.u2_percent = 0.637,
		.u0_percent = 2.19,
		.totals = { .grid_w = -1000.5,
			    .grid_import_w = 0,
			    .grid_export_w = 1000.5,
			    .production_w = 4000.25,
			    .storage_w = 800.125,
			    .consumption_w = 2199.625,
			    .self_consumption_w = 2999.75,
			    .grid_import_j = 3600,
			    .grid_export_j = 7200,
			    .production_j = 10800,
			    .storage_charged_j = 14400,
			    .storage_discharged_j = 18000,
			    .consumption_j = 21600 },
	};
	double n = 1.125;
	unsigned int i, j;

	for (i = 0; i < 3; i++)
		r.voltage[i] = (struct voltage_reading){ .phase = phases[i],
							 .ln_v = 230.5 + i,
							 .ll_v = 399.25 + i,
							 .v1_v = 229.5 + i,
							 .angle_deg = -120.0 * i,
							 .thd_v = 2.5f };
	for (i = 0; i < LOADS; i++) {
		struct load_reading *l = &house[i];

		*l = (struct load_reading){ .name = "load", .elements = 1 + i % 3 };
		l->role = i % 5;
		l->p_w = -(n += 1);
		l->q1_var = n += 1;
		l->s_va = n += 1;
		l->pf = -1 / (n += 1);
		l->import_j = n += 3600.0;
		l->export_j = n += 0.0036;
		for (j = 0; j < l->elements; j++)
			l->element[j] = (struct element_reading){
				.input = "hub1/A",
				.phase = phases[j],
				.v_v = n + 1,
				.i_a = n + 2,
				.p_w = n + 3,
				.q1_var = n + 4,
				.s_va = n + 5,
				.pf = 0.5,
				.below_range = j == 1,
				.saturated = j == 1,
				.v1_v = n + 6,
				.i1_a = n + 7,
				.p1_w = n + 8,
				.n_var = n + 9,
				.dpf = 0.25,
				.phi_deg = -n,
				.thd_v = 3.5f,
				.thd_i = 70.25f,
				.energy = { .net_j = n,
					    .import_j = n + 10,
					    .export_j = n + 11,
					    .absolute_j = n + 12,
					    .estimated_j = n + 13,
					    .reactive_vars = { n + 14, n + 15, n + 16, n + 17 } },
			};
		l->below_range = i == 2;
		l->p1_w = n += 1;
		l->n_var = n += 1;
		l->dpf = 1 / (n += 1);
		l->sa_va = n += 1;
		l->se_va = n += 1;
		l->neutral_a = n += 1;
		l->energy = (struct energy_reading){
			.net_j = -n,
			.phases_import_j = n + 1,
			.phases_export_j = n + 2,
			.absolute_j = n + 3,
			.estimated_j = n + 4,
			.reactive_vars = { n + 5, n + 6, n + 7, n + 8 },
		};
	}
	return r;
}

static struct json_object *parsed(const struct reading *r)
{
	struct live_buffer b = { 0 };
	struct json_object *o;

	assert_int_equal(live_json(&b, r), 0);
	assert_int_equal(b.length, strlen(b.text));
	assert_null(strchr(b.text, '\n'));
	o = json_tokener_parse(b.text);
	assert_non_null(o);
	live_free(&b);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no key %s in %s", key, json_object_to_json_string(o));
	return value;
}

static void number_is(struct json_object *o, const char *key, double expected)
{
	double value = json_object_get_double(member(o, key));

	if (fabs(value - expected) > 0.5000001e-6)
		fail_msg("%s is %.9f, not %.9f", key, value, expected);
}

static void text_is(struct json_object *o, const char *key, const char *expected)
{
	assert_string_equal(json_object_get_string(member(o, key)), expected);
}

static void totals_are(struct json_object *o, const struct totals_reading *t)
{
	number_is(o, "grid_w", t->grid_w);
	number_is(o, "grid_import_w", t->grid_import_w);
	number_is(o, "grid_export_w", t->grid_export_w);
	number_is(o, "production_w", t->production_w);
	number_is(o, "storage_w", t->storage_w);
	number_is(o, "consumption_w", t->consumption_w);
	number_is(o, "self_consumption_w", t->self_consumption_w);
	number_is(o, "grid_import_wh", t->grid_import_j / 3600);
	number_is(o, "grid_export_wh", t->grid_export_j / 3600);
	number_is(o, "production_wh", t->production_j / 3600);
	number_is(o, "storage_charged_wh", t->storage_charged_j / 3600);
	number_is(o, "storage_discharged_wh", t->storage_discharged_j / 3600);
	number_is(o, "consumption_wh", t->consumption_j / 3600);
	assert_int_equal(json_object_object_length(o), 13);
}

static void reactive_is(struct json_object *o, const struct energy_reading *e)
{
	struct json_object *list = member(o, "reactive_varh");
	unsigned int k;

	for (k = 0; k < READING_QUADRANTS; k++)
		assert_true(fabs(json_object_get_double(json_object_array_get_idx(list, k)) -
				 e->reactive_vars[k] / 3600) <= 0.500001e-6);
}

static void element_is(struct json_object *o, const struct element_reading *e)
{
	number_is(o, "v1_v", e->v1_v);
	number_is(o, "i1_a", e->i1_a);
	number_is(o, "p1_w", e->p1_w);
	number_is(o, "n_var", e->n_var);
	number_is(o, "dpf", e->dpf);
	number_is(o, "phi_deg", e->phi_deg);
	number_is(o, "thd_v_percent", e->thd_v);
	number_is(o, "thd_i_percent", e->thd_i);
	number_is(o, "net_wh", e->energy.net_j / 3600);
	number_is(o, "import_wh", e->energy.import_j / 3600);
	number_is(o, "export_wh", e->energy.export_j / 3600);
	number_is(o, "absolute_wh", e->energy.absolute_j / 3600);
	number_is(o, "estimated_wh", e->energy.estimated_j / 3600);
	reactive_is(o, &e->energy);
	assert_int_equal(json_object_get_boolean(member(o, "below_range")), e->below_range);
	assert_int_equal(json_object_get_boolean(member(o, "saturated")), e->saturated);
}

static void load_is(struct json_object *o, const struct load_reading *l)
{
	number_is(o, "p1_w", l->p1_w);
	number_is(o, "n_var", l->n_var);
	number_is(o, "dpf", l->dpf);
	number_is(o, "sa_va", l->sa_va);
	number_is(o, "se_va", l->se_va);
	number_is(o, "neutral_a", l->neutral_a);
	number_is(o, "net_wh", l->energy.net_j / 3600);
	number_is(o, "phases_import_wh", l->energy.phases_import_j / 3600);
	number_is(o, "phases_export_wh", l->energy.phases_export_j / 3600);
	number_is(o, "absolute_wh", l->energy.absolute_j / 3600);
	number_is(o, "estimated_wh", l->energy.estimated_j / 3600);
	assert_int_equal(json_object_get_boolean(member(o, "below_range")), l->below_range);
	reactive_is(o, &l->energy);
}

static void registers_are_told_from_waveforms(void **state)
{
	struct reading r = numbered_reading();
	struct json_object *o;

	r.origin = READING_REGISTER;
	o = parsed(&r);
	text_is(o, "source", "register");
	json_object_put(o);
}

static void every_field_comes_back(void **state)
{
	static const char *const roles[] = { "grid", "production", "storage", "submeter",
					     "virtual" };
	struct reading r = numbered_reading();
	struct json_object *o = parsed(&r), *list, *l, *e;
	unsigned int i, j;

	text_is(o, "time", "2026-11-20T18:00:00.123Z");
	number_is(o, "sequence", 17);
	number_is(o, "start_ns", 123);
	number_is(o, "end_ns", 456);
	number_is(o, "windows", 5);
	number_is(o, "frequency_hz", 50.012345);
	number_is(o, "lost_scans", 1);
	number_is(o, "gaps", 2);
	number_is(o, "repaired_blocks", 3);
	text_is(o, "source", "waveform");
	number_is(o, "u2_percent", 0.637);
	number_is(o, "u0_percent", 2.19);
	totals_are(member(o, "totals"), &r.totals);
	assert_int_equal(json_object_object_length(o), 15);

	list = member(o, "voltages");
	assert_int_equal(json_object_array_length(list), 3);
	for (i = 0; i < 3; i++) {
		text_is(json_object_array_get_idx(list, i), "phase", r.voltage[i].phase);
		number_is(json_object_array_get_idx(list, i), "ln_v", r.voltage[i].ln_v);
		number_is(json_object_array_get_idx(list, i), "ll_v", r.voltage[i].ll_v);
		number_is(json_object_array_get_idx(list, i), "v1_v", r.voltage[i].v1_v);
		number_is(json_object_array_get_idx(list, i), "angle_deg", r.voltage[i].angle_deg);
		number_is(json_object_array_get_idx(list, i), "thd_v_percent", 2.5);
	}

	list = member(o, "loads");
	assert_int_equal(json_object_array_length(list), LOADS);
	for (i = 0; i < LOADS; i++) {
		l = json_object_array_get_idx(list, i);
		text_is(l, "name", "load");
		text_is(l, "role", roles[house[i].role]);
		number_is(l, "p_w", house[i].p_w);
		number_is(l, "q1_var", house[i].q1_var);
		number_is(l, "s_va", house[i].s_va);
		number_is(l, "pf", house[i].pf);
		number_is(l, "import_wh", house[i].import_j / 3600);
		number_is(l, "export_wh", house[i].export_j / 3600);
		load_is(l, &house[i]);
		assert_int_equal(json_object_object_length(l), 22);
		assert_int_equal(json_object_array_length(member(l, "elements")),
				 house[i].elements);
		for (j = 0; j < house[i].elements; j++) {
			e = json_object_array_get_idx(member(l, "elements"), j);
			text_is(e, "input", "hub1/A");
			text_is(e, "phase", house[i].element[j].phase);
			number_is(e, "v_v", house[i].element[j].v_v);
			number_is(e, "i_a", house[i].element[j].i_a);
			number_is(e, "p_w", house[i].element[j].p_w);
			number_is(e, "q1_var", house[i].element[j].q1_var);
			number_is(e, "s_va", house[i].element[j].s_va);
			number_is(e, "pf", house[i].element[j].pf);
			element_is(e, &house[i].element[j]);
			assert_int_equal(json_object_object_length(e), 24);
		}
	}
	json_object_put(o);
}

static void what_is_not_finite_is_null(void **state)
{
	static const double unknown[] = { NAN, INFINITY, -INFINITY };
	struct reading r = numbered_reading();
	struct json_object *o, *l;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		r.frequency_hz = unknown[i];
		r.voltage[1].ll_v = unknown[i];
		house[0].pf = unknown[i];
		house[0].import_j = unknown[i];
		house[0].element[0].i_a = unknown[i];
		o = parsed(&r);
		l = json_object_array_get_idx(member(o, "loads"), 0);
		assert_null(member(o, "frequency_hz"));
		assert_null(member(json_object_array_get_idx(member(o, "voltages"), 1), "ll_v"));
		assert_null(member(l, "pf"));
		assert_null(member(l, "import_wh"));
		assert_null(member(json_object_array_get_idx(member(l, "elements"), 0), "i_a"));
		json_object_put(o);
	}
}

static void energy_keeps_a_microwatthour(void **state)
{
	struct reading r = numbered_reading();
	struct json_object *o;

	/* 100 GWh and a little: what a house does not reach in 1000 years. */
	house[0].import_j = (1e11 + 0.000123) * 3600;
	house[1].import_j = 0.0036;
	o = parsed(&r);
	number_is(json_object_array_get_idx(member(o, "loads"), 1), "import_wh", 1e-6);
	assert_true(fabs(json_object_get_double(member(
				 json_object_array_get_idx(member(o, "loads"), 0), "import_wh")) -
			 1e11) < 0.001);
	json_object_put(o);
}

static void the_greatest_numbers_fit(void **state)
{
	struct reading r = numbered_reading();
	struct json_object *o;

	r.sequence = r.lost_scans = r.gaps = r.repaired_blocks = UINT64_MAX;
	r.start_ns = INT64_MIN;
	r.end_ns = INT64_MAX;
	r.utc_ns = INT64_MIN;
	house[0].p_w = -1.7e308;
	house[0].q1_var = 1.7e308;
	o = parsed(&r);
	assert_true(json_object_get_double(member(json_object_array_get_idx(member(o, "loads"), 0),
						  "q1_var")) == 1.7e308);
	assert_int_equal(json_object_get_int64(member(o, "end_ns")), INT64_MAX);
	text_is(o, "time", "1677-09-21T00:12:43.145Z");
	json_object_put(o);
}

static void names_are_escaped(void **state)
{
	static const char *const names[] = {
		"a \"quoted\" name",
		"back\\slash",
		"tab\tand\nline",
		"\x01\x1f\x7f",
		"</script><b>x",
		"W\xc3\xa4rmepumpe \xe2\x86\x92 \xf0\x9f\x8f\xa0",
		"",
	};
	struct reading r = numbered_reading();
	struct json_object *o;
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		house[0].name = names[i];
		o = parsed(&r);
		text_is(json_object_array_get_idx(member(o, "loads"), 0), "name", names[i]);
		json_object_put(o);
	}
}

static void what_is_not_utf8_is_replaced(void **state)
{
	static const char *const names[] = {
		"\xff", "\xc3", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
	};
	struct reading r = numbered_reading();
	struct json_object *o;
	const char *got;
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		house[0].name = names[i];
		o = parsed(&r);
		got = json_object_get_string(
			member(json_object_array_get_idx(member(o, "loads"), 0), "name"));
		if (strncmp(got, "\xef\xbf\xbd", 3))
			fail_msg("name %u became \"%s\"", i, got);
		json_object_put(o);
	}
}

static void a_long_name_is_kept(void **state)
{
	static char name[100001];
	struct reading r = numbered_reading();
	struct json_object *o;

	memset(name, '\x01', sizeof(name) - 1);
	house[0].name = name;
	o = parsed(&r);
	text_is(json_object_array_get_idx(member(o, "loads"), 0), "name", name);
	json_object_put(o);
}

static void nothing_is_allocated_once_warmed_up(void **state)
{
	struct reading r = numbered_reading();
	struct live_buffer b = { 0 };
	const char *text;
	size_t size;
	int i;

	assert_int_equal(live_json(&b, &r), 0);
	text = b.text;
	size = b.size;
	for (i = 0; i < 100; i++) {
		r.sequence++;
		assert_int_equal(live_json(&b, &r), 0);
		assert_ptr_equal(b.text, text);
		assert_int_equal(b.size, size);
	}
	live_free(&b);
}

static void an_empty_house_is_valid(void **state)
{
	struct reading r = { .frequency_hz = NAN };
	struct json_object *o = parsed(&r);

	assert_int_equal(json_object_array_length(member(o, "loads")), 0);
	assert_int_equal(json_object_array_length(member(o, "voltages")), 0);
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(registers_are_told_from_waveforms),
		cmocka_unit_test(what_is_not_finite_is_null),
		cmocka_unit_test(energy_keeps_a_microwatthour),
		cmocka_unit_test(the_greatest_numbers_fit),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(a_long_name_is_kept),
		cmocka_unit_test(nothing_is_allocated_once_warmed_up),
		cmocka_unit_test(an_empty_house_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
