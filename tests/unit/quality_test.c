// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events, intervals and flags, on voltages of which everything is known; and no
 * allocation while samples flow.
 */
#include "allocations.h"
#include "quality-json.h"
#include "quality-rig.h"

#define UTC_10_00 1795168800 /* 2026-11-20 10:00:00 UTC, a Friday */

/* A part of the amplitude of a slot between two times. */
struct step {
	double from;
	double to;
	unsigned int slots; /* mask */
	double part;
};

struct mains {
	unsigned int steps;
	struct step step[8];
	double third;	  /* part of the third harmonic */
	double ring_at;	  /* damped oscillation of 900 Hz */
	double ring_part; /* of the peak */
};

static const double rates[] = { 2000.0, 4000.0, 8000.0, 3999.37 };
static struct rig r;

static double voltage(void *user, unsigned int slot, double seconds, double turns)
{
	const struct mains *m = user;
	double v = sin(2 * M_PI * turns) + m->third * sin(6 * M_PI * turns);
	unsigned int k;

	for (k = 0; k < m->steps; k++)
		if (seconds >= m->step[k].from && seconds < m->step[k].to &&
		    (m->step[k].slots & (1U << slot)))
			v *= m->step[k].part;
	if (m->ring_part > 0.0 && seconds >= m->ring_at)
		v += m->ring_part * sin(2 * M_PI * 900 * (seconds - m->ring_at)) *
		     exp(-(seconds - m->ring_at) / 0.002);
	return 230 * M_SQRT2 * v;
}

/* Time of a zero crossing upwards of slot 0. */
static double crossing(unsigned int cycle)
{
	return 20.25 / r.rate_hz + cycle / r.hz;
}

static const struct pq_event *finished(unsigned int index)
{
	unsigned int k;

	for (k = 0; k < r.events; k++)
		if (r.event[k].finished && !index--)
			return &r.event[k];
	return NULL;
}

static unsigned int count_finished(void)
{
	unsigned int n = 0;

	while (finished(n))
		n++;
	return n;
}

static double seconds_of(const struct pq_event *e)
{
	return (double)(e->end_ns - e->start_ns) / 1e9;
}

static void dips_swells_and_interruptions_have_depth_and_duration(void **state)
{
	static const struct {
		enum event_type type;
		double part;
		unsigned int cycles;
	} cases[] = {
		{ EVENT_DIP, 0.4, 5 },	{ EVENT_INTERRUPTION, 0.0, 10 }, { EVENT_SWELL, 1.2, 3 },
		{ EVENT_DIP, 0.85, 2 }, { EVENT_DIP, 0.7, 50 },
	};
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 4 * 5; n++) {
		struct mains m = { 0 };
		const struct pq_event *e;
		double exact = 230.0 * cases[n % 5].part;
		double length;

		rig_prepare(&r, rates[n / 5], 1, n % 2 ? 50.0 : 49.7);
		length = cases[n % 5].cycles / r.hz;
		m.steps = 1;
		m.step[0] =
			(struct step){ crossing(30), crossing(30) + length, 7, cases[n % 5].part };
		rig_open(&r, voltage, &m);
		rig_run(&r, 3.0);
		/* an interruption is a dip, too */
		assert_int_equal(count_finished(), cases[n % 5].part < 0.05 ? 2 : 1);
		for (k = 0; k < count_finished(); k++)
			if (finished(k)->type == cases[n % 5].type)
				break;
		e = finished(k);
		assert_non_null(e);
		print_message("%s to %.0f %%, %u cycles, %.0f Hz: %.2f V (%.2f), %.4f s (%.4f)\n",
			      event_type_name(e->type), 100 * cases[n % 5].part,
			      cases[n % 5].cycles, rates[n / 5], e->extreme_v, exact, seconds_of(e),
			      length);
		/* class S: 1 % of the declared voltage; class A: 0.2 % */
		assert_double_equal(e->extreme_v, exact, 0.002 * 230);
		assert_double_equal(seconds_of(e), length, 1.0 / r.hz);
		assert_double_equal(e->start_ns / 1e9, crossing(30), 0.6 / r.hz);
		if (k)
			assert_true(finished(1)->interrupted || finished(0)->interrupted);
		rig_close(&r);
	}
}

static void a_dip_ends_by_its_hysteresis(void **state)
{
	struct mains m = { .steps = 4 };

	rig_prepare(&r, 4000, 1, 50);
	m.step[0] = (struct step){ crossing(20), crossing(30), 1, 0.905 };
	m.step[1] = (struct step){ crossing(50), crossing(60), 1, 0.895 };
	m.step[2] = (struct step){ crossing(60), crossing(80), 1, 0.915 };
	m.step[3] = (struct step){ crossing(80), crossing(90), 1, 0.925 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 3.0);
	assert_int_equal(count_finished(), 1);
	assert_double_equal(seconds_of(finished(0)), 30 / 50.0, 0.02);
	assert_double_equal(finished(0)->extreme_v, 0.895 * 230, 0.1);
	rig_close(&r);
}

static void phases_that_overlap_are_one_event(void **state)
{
	struct mains m = { .steps = 3 };

	rig_prepare(&r, 4000, 3, 50);
	m.step[0] = (struct step){ crossing(20), crossing(40), 1, 0.7 };
	m.step[1] = (struct step){ crossing(35), crossing(60), 2, 0.02 };
	m.step[2] = (struct step){ crossing(100), crossing(110), 4, 0.8 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 3.0);
	assert_int_equal(count_finished(), 2);
	assert_int_equal(finished(0)->phases, 3);
	assert_double_equal(finished(0)->extreme_v, 0.02 * 230, 0.1);
	assert_double_equal(finished(0)->slot_v[0], 0.7 * 230, 0.1);
	assert_double_equal(seconds_of(finished(0)), 40 / 50.0, 0.03);
	/* one phase at zero is no interruption of three */
	assert_false(finished(0)->interrupted);
	assert_int_equal(finished(1)->phases, 4);
	assert_int_equal(finished(1)->number, 2);
	rig_close(&r);
}

static void a_phase_that_never_was_there_has_no_events(void **state)
{
	struct mains m = { .steps = 2 };

	rig_prepare(&r, 4000, 3, 50);
	m.step[0] = (struct step){ 0, 100, 4, 0.0 };
	m.step[1] = (struct step){ crossing(50), crossing(60), 7, 0.01 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 3.0);
	/* the two that are there: a dip, which is an interruption */
	assert_int_equal(count_finished(), 2);
	assert_int_equal(finished(0)->phases, 3);
	assert_true(quality_event(r.quality, 1)->interrupted ||
		    quality_event(r.quality, 2)->interrupted);
	assert_int_equal(quality_week(r.quality)->week.count[EN50160_DIPS], 0);
	assert_int_equal(quality_week(r.quality)->week.count[EN50160_SHORT_INTERRUPTIONS], 1);
	rig_close(&r);
}

/* By number or the newest one; the list says who has one. */
static void a_waveform_is_asked_for_by_its_event(void)
{
	const struct installation in = { .topology = topology_find("3p+n") };
	const double scale[8] = { 0 };
	struct json_object *list = quality_events_json(r.quality, &in);
	struct json_object *newest = quality_waveform_json(r.quality, &in, scale, 0);
	struct json_object *first = quality_waveform_json(r.quality, &in, scale, 1);
	struct json_object *x;

	assert_int_equal(json_object_array_length(list), 1);
	assert_true(json_object_object_get_ex(json_object_array_get_idx(list, 0), "waveform", &x));
	assert_true(json_object_get_boolean(x));
	assert_non_null(first);
	assert_true(json_object_object_get_ex(first, "event", &x));
	assert_int_equal(json_object_get_int(x), 1);
	assert_string_equal(json_object_to_json_string(first), json_object_to_json_string(newest));
	assert_null(quality_waveform_json(r.quality, &in, scale, 2));
	json_object_put(list);
	json_object_put(newest);
	json_object_put(first);
}

static void the_waveform_around_an_event_is_kept(void **state)
{
	unsigned int n;

	for (n = 0; n < 3; n++) {
		struct mains m = { .steps = 1 };
		const struct capture_piece *p;
		double worst = 0.0;
		unsigned int k;

		rig_prepare(&r, rates[n], 3, 50);
		m.step[0] = (struct step){ crossing(50), crossing(60), 7, 0.5 };
		rig_open(&r, voltage, &m);
		rig_run(&r, 3.0);
		p = quality_waveform(r.quality, 1);
		assert_non_null(p);
		assert_int_equal(p->channels, 4);
		assert_double_equal(p->scans / p->rate_hz, 0.3, 0.001);
		assert_double_equal(p->start_ns / 1e9,
				    quality_event(r.quality, 1)->start_ns / 1e9 - 0.1, 0.001);
		for (k = 0; k < p->scans; k++) {
			double t = p->start_ns / 1e9 + k / p->rate_hz;
			double turns = t * 50 - 20.25 / r.rate_hz * 50;

			worst = fmax(worst,
				     fabs(p->x[1][k] - voltage(&m, 1, t + 1e-7, turns - 1 / 3.0)));
		}
		assert_true(worst < 0.1);
		assert_null(quality_waveform(r.quality, 2));
		a_waveform_is_asked_for_by_its_event();
		rig_close(&r);
	}
}

static void a_ringing_is_a_transient_and_the_rim_of_a_dip_is_not(void **state)
{
	unsigned int n;

	for (n = 0; n < 3; n++) {
		struct mains m = { .steps = 1, .ring_part = 0.5 };
		const struct pq_event *e;

		rig_prepare(&r, rates[n], 1, 50);
		/* both begin at a peak */
		m.ring_at = crossing(40) + 0.005;
		m.step[0] = (struct step){ crossing(80) + 0.005, crossing(90) + 0.005, 1, 0.5 };
		rig_open(&r, voltage, &m);
		rig_run(&r, 3.0);
		e = finished(0);
		assert_int_equal(count_finished(), 2);
		assert_int_equal(e->type, EVENT_TRANSIENT);
		assert_double_equal(e->start_ns / 1e9, m.ring_at, 0.002);
		print_message("%.0f Hz: transient of %.0f V\n", rates[n], e->extreme_v);
		assert_in_range((unsigned int)e->extreme_v, 80, 160);
		assert_int_equal(finished(1)->type, EVENT_DIP);
		assert_int_equal(quality_week(r.quality)->week.count[EN50160_TRANSIENTS], 1);
		rig_close(&r);
	}
}

static void harmonics_and_slow_changes_are_no_transients(void **state)
{
	struct mains m = { .steps = 1, .third = 0.3 };

	rig_prepare(&r, 4000, 1, 50);
	m.step[0] = (struct step){ crossing(50), 100, 1, 0.96 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 3.0);
	assert_int_equal(r.events, 0);
	rig_close(&r);
}

static void an_event_over_a_hole_is_incomplete(void **state)
{
	struct mains m = { .steps = 1 };

	rig_prepare(&r, 4000, 1, 50);
	m.step[0] = (struct step){ crossing(50), crossing(100), 1, 0.5 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 1.5);
	quality_gap(r.quality);
	quality_begin(r.quality);
	r.edge += 800;
	r.begin = r.edge;
	r.cycles = 0;
	rig_run(&r, 2.0);
	assert_int_equal(count_finished(), 1);
	assert_true(finished(0)->incomplete);
	assert_double_equal(seconds_of(finished(0)), 1.0, 0.03);
	rig_close(&r);
}

static const struct aggregate_value *interval(enum aggregate_kind kind, unsigned int index)
{
	unsigned int k;

	for (k = 0; k < r.intervals; k++)
		if (r.interval[k].kind == kind && !index--)
			return &r.interval[k];
	return NULL;
}

static void intervals_end_at_the_marks_of_utc(void **state)
{
	struct mains m = { .steps = 1, .third = 0.05 };
	const struct aggregate_value *v;

	rig_prepare(&r, 2000, 3, 50.02);
	r.utc_ns = (UTC_10_00 - 125) * 1000000000LL;
	/* 10:03:00: flags the first 10-min interval that is whole */
	m.step[0] = (struct step){ 125 + 180, 125 + 180.1, 7, 0.5 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 125 + 1210);
	v = interval(AGGREGATE_10MIN, 0);
	assert_int_equal(v->end_utc_ns, UTC_10_00 * 1000000000LL);
	assert_true(v->flagged);
	assert_double_equal(v->covered, 125.0 / 600, 0.001);
	assert_double_equal(v->rms_v[2], 230 * hypot(1, 0.05), 0.01);
	assert_true(isnan(v->flicker[0]));
	v = interval(AGGREGATE_10MIN, 1);
	assert_int_equal(v->start_utc_ns, UTC_10_00 * 1000000000LL);
	assert_true(v->flagged);
	assert_in_range(v->flagged_windows, 1, 3);
	assert_double_equal(v->min_v[0], 230 * sqrt(0.625) * hypot(1, 0.05), 12.0);
	v = interval(AGGREGATE_10MIN, 2);
	assert_int_equal(v->start_utc_ns, (UTC_10_00 + 600) * 1000000000LL);
	assert_false(v->flagged);
	/* 50.02 Hz: 3001.2 windows; each one is in one interval only */
	assert_in_range(v->windows, 3000, 3002);
	assert_double_equal(v->thd[0], 0.05, 1e-4);
	assert_double_equal(v->harmonic[1][3], 11.5, 0.02);
	assert_double_equal(v->frequency_hz, 50.02, 1e-4);
	assert_double_equal(v->u2_percent, 0.0, 0.01);
	assert_true(v->flicker[0] < 0.05);
	assert_null(interval(AGGREGATE_10MIN, 3));
	v = interval(AGGREGATE_10S, 3);
	assert_int_equal(v->start_utc_ns % 10000000000LL, 0);
	assert_double_equal(v->frequency_hz, 50.02, 1e-4);
	assert_in_range(v->windows, 498, 500);
	assert_false(v->flagged);
	v = interval(AGGREGATE_150, 1);
	assert_int_equal(v->windows, 15);
	assert_double_equal((v->end_utc_ns - v->start_utc_ns) / 1e9, 150 / 50.02, 1e-6);
	assert_int_equal(v->start_utc_ns, interval(AGGREGATE_150, 0)->end_utc_ns);
	rig_close(&r);
}

static void a_dip_flags_the_window_in_which_it_begins(void **state)
{
	struct mains m = { .steps = 1 };

	rig_prepare(&r, 4000, 1, 50);
	/* its first Urms(1/2) begins half a cycle before it, in the window before */
	m.step[0] = (struct step){ crossing(50), crossing(52), 1, 0.0 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 4.0);
	assert_int_equal(interval(AGGREGATE_150, 0)->flagged_windows, 2);
	rig_close(&r);
}

static void urms_is_right_at_any_phase_of_the_mains(void **state)
{
	struct mains m = { 0 };
	float v[2][400];
	const float *const x[] = { v[0], v[1] };
	double worst = 0.0;
	unsigned int n;
	unsigned int k;

	for (n = 0; n < 100; n++) {
		double hz = 47.5 + 0.05 * n;
		double half = 1000.0 / hz;
		double edge = 10.0 + 0.17 * n;
		struct urms u = { 0 };
		struct urms_value value;

		for (k = 0; k < 400; k++) {
			v[0][k] = (float)voltage(&m, 0, 0, (k - edge) * hz / 2000);
			v[1][k] = (float)voltage(&m, 1, 0, (k - edge) * hz / 2000 + n / 100.0);
		}
		for (k = 0; k < 5; k++) {
			bool known = urms_half(&u, 2, x, edge + k * half, edge + (k + 1) * half, k,
					       k + 1, &value);

			assert_true(known == (k > 0));
			if (!known)
				continue;
			worst = fmax(worst, fabs(value.v[0] / 230 - 1.0));
			worst = fmax(worst, fabs(value.v[1] / 230 - 1.0));
		}
	}
	print_message("Urms(1/2), 2 kHz, 47.5 to 52.5 Hz, any phase: worst %.4f %%\n", 100 * worst);
	assert_true(worst < 1e-3);
}

static unsigned int asked;

/* Pst of 1 in every other interval, and of 2; the 15th was not seen as a whole. */
static void flicker_of(void *user, double *pst, bool *complete)
{
	pst[0] = asked % 2 ? 2 : 1;
	*complete = ++asked != 15;
}

static void two_hours_are_twelve_intervals(void **state)
{
	struct aggregate_config config = {
		.slots = 1, .emit = rig_interval, .flicker = flicker_of, .user = &r
	};
	struct aggregate_window w = { .frequency_hz = 50, .orders = 5 };
	struct aggregate *a;
	unsigned int k;

	memset(&r, 0, sizeof(r));
	asked = 0;
	assert_int_equal(aggregate_create(&a, &config), 0);
	for (k = 0; k < 36000 + 10; k++) {
		w.start_ns = (int64_t)k * 200000000;
		w.end_ns = w.start_ns + 200000000;
		w.start_utc_ns = w.start_ns + UTC_10_00 * 1000000000LL;
		w.end_utc_ns = w.start_utc_ns + 200000000;
		w.rms_v[0] = k < 18000 ? 220 : 240;
		w.u2_percent = k % 2 ? 1 : 7;
		w.u0_percent = k % 2 ? 3 : 4;
		w.thd[0] = k % 2 ? 0.03f : 0.04f;
		w.harmonic[0][5] = k % 2 ? 6 : 8;
		if (k < 35999)
			r.intervals = 0;
		aggregate_add(a, &w);
	}
	assert_int_equal(r.interval[r.intervals - 1].kind, AGGREGATE_2H);
	assert_false(r.interval[r.intervals - 1].flagged);
	assert_int_equal(r.interval[r.intervals - 1].windows, 12);
	assert_double_equal(r.interval[r.intervals - 1].rms_v[0],
			    sqrt((220 * 220 + 240 * 240) / 2.0), 1e-9);
	/* roots of the means of squares, of 36000 windows and of twelve intervals alike */
	assert_double_equal(r.interval[r.intervals - 1].u2_percent, 5.0, 1e-9);
	assert_double_equal(r.interval[r.intervals - 1].u0_percent, sqrt(12.5), 1e-9);
	assert_double_equal(r.interval[r.intervals - 1].thd[0], 0.01 * sqrt(12.5), 1e-6);
	assert_int_equal(r.interval[r.intervals - 1].orders, 5);
	assert_double_equal(r.interval[r.intervals - 1].harmonic[0][5], sqrt(50.0), 1e-4);
	assert_double_equal(r.interval[r.intervals - 1].flicker[0], cbrt((1 + 8) / 2.0), 1e-9);
	/* an hour is missing: no interval is whole */
	for (k = 0; k < 36000; k++) {
		w.start_ns = (int64_t)k * 200000000 + 10800000000000;
		w.end_ns = w.start_ns + 200000000;
		w.start_utc_ns = w.start_ns + UTC_10_00 * 1000000000LL;
		w.end_utc_ns = w.start_utc_ns + 200000000;
		r.intervals = 0;
		aggregate_add(a, &w);
		if (r.intervals && r.interval[r.intervals - 1].kind == AGGREGATE_2H)
			break;
	}
	assert_true(r.interval[r.intervals - 1].flagged);
	assert_double_equal(r.interval[r.intervals - 1].covered, 0.5, 0.01);
	assert_true(isnan(r.interval[r.intervals - 1].flicker[0]));
	aggregate_destroy(a);
}

static void the_declared_voltage_is_learned(void **state)
{
	struct mains m = { .steps = 1 };

	rig_prepare(&r, 4000, 3, 60);
	r.config.declared_v = 0;
	r.config.mains_hz = 0;
	m.step[0] = (struct step){ 0, 100, 7, 118.0 / 230 };
	rig_open(&r, voltage, &m);
	rig_run(&r, 2.0);
	assert_double_equal(quality_declared_v(r.quality, 0), 0.0, 0.0);
	rig_run(&r, 4.0);
	assert_double_equal(quality_declared_v(r.quality, 2), 120.0, 0.0);
	assert_double_equal(quality_mains_hz(r.quality), 60.0, 0.0);
	assert_int_equal(r.events, 0);
	rig_close(&r);
}

static void nothing_is_allocated_while_samples_flow(void **state)
{
#ifndef COUNTS_ALLOCATIONS
	skip();
#else
	struct mains m = { .steps = 1, .third = 0.1, .ring_at = 5.0, .ring_part = 0.5 };
	unsigned long before;

	rig_prepare(&r, 8000, 3, 50);
	r.utc_ns = (UTC_10_00 - 30) * 1000000000LL;
	m.step[0] = (struct step){ 8, 8.5, 7, 0.0 };
	rig_open(&r, voltage, &m);
	assert_true(allocations_are_counted());
	before = allocations;
	rig_run(&r, 40.0);
	assert_int_equal(allocations, before);
	assert_int_equal(count_finished(), 3);
	assert_non_null(interval(AGGREGATE_10MIN, 0));
	rig_close(&r);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dips_swells_and_interruptions_have_depth_and_duration),
		cmocka_unit_test(a_dip_ends_by_its_hysteresis),
		cmocka_unit_test(phases_that_overlap_are_one_event),
		cmocka_unit_test(a_phase_that_never_was_there_has_no_events),
		cmocka_unit_test(the_waveform_around_an_event_is_kept),
		cmocka_unit_test(a_ringing_is_a_transient_and_the_rim_of_a_dip_is_not),
		cmocka_unit_test(harmonics_and_slow_changes_are_no_transients),
		cmocka_unit_test(an_event_over_a_hole_is_incomplete),
		cmocka_unit_test(intervals_end_at_the_marks_of_utc),
		cmocka_unit_test(a_dip_flags_the_window_in_which_it_begins),
		cmocka_unit_test(urms_is_right_at_any_phase_of_the_mains),
		cmocka_unit_test(two_hours_are_twelve_intervals),
		cmocka_unit_test(the_declared_voltage_is_learned),
		cmocka_unit_test(nothing_is_allocated_while_samples_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
