// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The weekly verdict: what keeps a requirement by one interval, what misses it by one, and
 * the file that survives a restart.
 */
#include "chain.h"

#include <unistd.h>

#include "en50160.h"

#define MONDAY 1794787200 /* 2026-11-16 00:00:00 UTC */
#define WEEK_10MIN 1008

static struct en50160 e;
static char path[] = "/tmp/en50160-XXXXXX";

static void begin(void)
{
	e = (struct en50160){ .declared_v = { 230, 230, 230 }, .declared_hz = 50, .slots = 3 };
}

/* A 10-min interval of good values. */
static struct aggregate_value good(unsigned int index)
{
	struct aggregate_value v = { .kind = AGGREGATE_10MIN, .orders = 40, .u2_percent = 0.5 };
	unsigned int k;

	v.start_utc_ns = (MONDAY + 600LL * index) * 1000000000LL;
	v.end_utc_ns = v.start_utc_ns + 600000000000LL;
	for (k = 0; k < 3; k++) {
		v.rms_v[k] = 231;
		v.thd[k] = 0.03;
		v.flicker[k] = 0.5;
		v.harmonic[k][5] = 230 * 0.03f;
	}
	return v;
}

static void add_frequency(unsigned int index, double hz)
{
	struct aggregate_value v = { .kind = AGGREGATE_10S, .frequency_hz = hz };

	v.start_utc_ns = (MONDAY + 10LL * index) * 1000000000LL;
	en50160_add(&e, &v);
}

/* A week in which the first @bad intervals have their value changed by @spoil. */
static enum en50160_verdict week(unsigned int bad, void (*spoil)(struct aggregate_value *v))
{
	unsigned int k;

	begin();
	for (k = 0; k < 1000; k++)
		add_frequency(k, 50.01);
	for (k = 0; k < WEEK_10MIN; k++) {
		struct aggregate_value v = good(k);

		if (k < bad)
			spoil(&v);
		en50160_add(&e, &v);
	}
	return en50160_verdict(&e.week);
}

static void low_voltage(struct aggregate_value *v)
{
	v->rms_v[1] = 230 * 0.89;
}

static void very_low_voltage(struct aggregate_value *v)
{
	v->rms_v[1] = 230 * 0.84;
}

static void high_thd(struct aggregate_value *v)
{
	v->thd[2] = 0.081;
}

static void high_fifth(struct aggregate_value *v)
{
	v->harmonic[0][5] = 230 * 0.061f;
}

static void high_unbalance(struct aggregate_value *v)
{
	v->u2_percent = 2.1;
}

/* The standard's table 1 of harmonic voltages: odd ones, those of three, even ones; %. */
static double limit_of(unsigned int order)
{
	static const double odd[] = { [5] = 6.0,  [7] = 5.0,  [11] = 3.5, [13] = 3.0,
				      [17] = 2.0, [19] = 1.5, [23] = 1.5, [25] = 1.5 };

	if (order % 2 == 0)
		return order == 2 ? 2.0 : order == 4 ? 1.0 : 0.5;
	if (order % 3 == 0)
		return order == 3 ? 5.0 : order == 9 ? 1.5 : 0.5;
	return odd[order];
}

static void the_95_percent_are_counted_to_the_interval(void **state)
{
	static void (*const spoil[])(struct aggregate_value *v) = { low_voltage, high_thd,
								    high_fifth, high_unbalance };
	static const int item[] = { EN50160_VOLTAGE, EN50160_THD, EN50160_HARMONICS + 3,
				    EN50160_UNBALANCE };
	unsigned int k;

	/* 5 % of 1008 is 50.4 */
	for (k = 0; k < 4; k++) {
		assert_int_equal(week(50, spoil[k]), EN50160_KEPT);
		assert_int_equal(week(51, spoil[k]), EN50160_MISSED);
		assert_int_equal(en50160_item_verdict(&e.week, item[k]), EN50160_MISSED);
		assert_int_equal(e.week.tally[item[k]].kept, WEEK_10MIN - 51);
	}
	/* once is too often */
	assert_int_equal(week(1, very_low_voltage), EN50160_MISSED);
	assert_double_equal(e.week.tally[EN50160_VOLTAGE_WIDE].worst, 16.0, 1e-9);
	assert_string_equal(en50160_item_name(EN50160_HARMONICS + 3), "harmonic 5");
	for (k = 2; k <= 25; k++)
		assert_double_equal(en50160_limit(EN50160_HARMONICS + k - 2), limit_of(k), 0.0);
}

static void frequency_and_flicker_have_their_own_intervals(void **state)
{
	struct aggregate_value plt = { .kind = AGGREGATE_2H, .flicker = { 0.9, 1.1, 0.3 } };
	unsigned int k;

	begin();
	for (k = 0; k < 995; k++)
		add_frequency(k, 49.6);
	for (; k < 1000; k++)
		add_frequency(k, 49.4);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_FREQUENCY), EN50160_KEPT);
	add_frequency(k, 49.4);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_FREQUENCY), EN50160_MISSED);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_FREQUENCY_WIDE), EN50160_KEPT);
	add_frequency(k, 52.1);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_FREQUENCY_WIDE), EN50160_MISSED);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_PLT), EN50160_UNKNOWN);
	plt.start_utc_ns = MONDAY * 1000000000LL;
	en50160_add(&e, &plt);
	assert_int_equal(en50160_item_verdict(&e.week, EN50160_PLT), EN50160_MISSED);
}

static void flagged_intervals_do_not_count(void **state)
{
	struct aggregate_value v = good(0);

	begin();
	v.flagged = true;
	very_low_voltage(&v);
	en50160_add(&e, &v);
	assert_int_equal(e.week.flagged, 1);
	assert_int_equal(e.week.tally[EN50160_VOLTAGE].intervals, 0);
	assert_int_equal(en50160_verdict(&e.week), EN50160_UNKNOWN);
}

static void events_are_counted_by_their_kind(void **state)
{
	struct pq_event event = { .type = EVENT_DIP, .utc_ns = MONDAY * 1000000000LL };

	begin();
	en50160_event(&e, &event); /* not over */
	event.finished = true;
	event.end_ns = 500000000;
	en50160_event(&e, &event);
	event.interrupted = true;
	en50160_event(&e, &event);
	event.type = EVENT_INTERRUPTION;
	en50160_event(&e, &event);
	event.end_ns = 181000000000;
	en50160_event(&e, &event);
	assert_int_equal(e.week.count[EN50160_DIPS], 1);
	assert_int_equal(e.week.count[EN50160_SHORT_INTERRUPTIONS], 1);
	assert_int_equal(e.week.count[EN50160_LONG_INTERRUPTIONS], 1);
}

static void a_week_ends_on_monday(void **state)
{
	struct aggregate_value v;

	week(51, low_voltage);
	assert_int_equal(e.week.start_utc_s, MONDAY);
	assert_int_equal(e.last.start_utc_s, 0);
	v = good(WEEK_10MIN);
	en50160_add(&e, &v);
	assert_int_equal(e.week.start_utc_s, MONDAY + 7 * 86400);
	assert_int_equal(e.week.tally[EN50160_VOLTAGE].intervals, 1);
	assert_int_equal(en50160_verdict(&e.last), EN50160_MISSED);
}

static void the_counts_survive_a_restart(void **state)
{
	struct en50160 before;
	FILE *f;

	week(51, low_voltage);
	before = e;
	assert_int_equal(en50160_save(&e, path), 0);
	begin();
	assert_int_equal(en50160_load(&e, path), 0);
	assert_memory_equal(&e.week, &before.week, sizeof(e.week));
	assert_int_equal(en50160_verdict(&e.week), EN50160_MISSED);
	/* of another installation */
	e.declared_v[0] = 120;
	assert_int_equal(en50160_load(&e, path), -ESTALE);
	assert_int_equal(e.week.start_utc_s, 0);
	/* damaged: a digit, then cut */
	f = fopen(path, "r+");
	fseek(f, 60, SEEK_SET);
	fputc('7', f);
	fclose(f);
	begin();
	assert_int_equal(en50160_load(&e, path), -EBADMSG);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(en50160_load(&e, path), -EBADMSG);
	unlink(path);
	assert_int_equal(en50160_load(&e, path), -ENOENT);
	assert_int_equal(en50160_save(&e, "/nowhere/x"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_95_percent_are_counted_to_the_interval),
		cmocka_unit_test(frequency_and_flicker_have_their_own_intervals),
		cmocka_unit_test(flagged_intervals_do_not_count),
		cmocka_unit_test(events_are_counted_by_their_kind),
		cmocka_unit_test(a_week_ends_on_monday),
		cmocka_unit_test(the_counts_survive_a_restart),
	};

	close(mkstemp(path));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
