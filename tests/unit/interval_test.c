// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intervals under every clock: their energies always add up to the registers, to the
 * last uWh, and their begins are UTC marks.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "interval.h"
#include "support/waveform.h"

#define S 1000000000LL
#define MIDNIGHT (1795219200LL * S) /* 2026-11-21T00:00:00Z */
#define UWH (3600e-6)		    /* J */
#define RECORDS_MAX 4096

/**
 * struct world - a house with one load, its clocks and the records it made
 */
struct world {
	struct load load;
	struct installation in;
	struct registers *registers;
	struct interval *interval;
	int64_t offset; /* UTC - samples */
	int64_t end;	/* samples' clock */
	double p_w;
	bool synchronised;
	struct record record[RECORDS_MAX];
	unsigned int records;
};

static void keep(void *user, const struct record *r, unsigned int n)
{
	struct world *w = user;

	assert_int_equal(n, 1);
	assert_true(w->records < RECORDS_MAX);
	w->record[w->records++] = *r;
}

static void begin(struct world *w)
{
	assert_int_equal(interval_create(&w->interval, &w->in, RECORD_1M, w->registers, keep, w),
			 0);
}

static int start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->load = (struct load){ .name = "boiler",
				 .elements = 1,
				 .element = { { .input = "hub1/A" } } };
	w->in = (struct installation){ .loads = 1, .load = &w->load };
	w->p_w = 1000;
	w->synchronised = true;
	w->end = 5 * S;
	w->offset = MIDNIGHT - 1200 * S - w->end;
	assert_int_equal(registers_open(&w->registers, &w->in, NULL), 0);
	begin(w);
	*state = w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;

	interval_destroy(w->interval);
	registers_close(w->registers);
	free(w);
	return 0;
}

/* A reading of @ns; after a hole of @hole. */
static void step(struct world *w, int64_t ns, int64_t hole)
{
	struct energy_step energy = { .p_j = w->p_w * (double)ns / S };
	struct load_reading load = { .name = "boiler", .elements = 1, .p_w = w->p_w, .pf = 1 };
	struct reading r = { .loads = 1, .load = &load };

	registers_add(w->registers, &energy);
	load.element[0] = (struct element_reading){
		.v_v = 230, .i_a = 5, .p_w = w->p_w, .pf = 1, .thd_v = 2.5F, .thd_i = NAN
	};
	load.import_j = registers_import_j(w->registers, 0);
	load.export_j = registers_export_j(w->registers, 0);
	r.start_ns = w->end + hole;
	r.end_ns = w->end = r.start_ns + ns;
	r.utc_ns = r.end_ns + w->offset;
	interval_add(w->interval, &r, w->synchronised);
}

static void measure(struct world *w, unsigned int seconds)
{
	while (seconds--)
		step(w, S, 0);
}

static void finish(struct world *w)
{
	interval_destroy(w->interval);
	w->interval = NULL;
}

/* All that was recorded is all that the registers hold. */
static void check_sum(struct world *w)
{
	int64_t import = 0;
	int64_t export = 0;
	unsigned int k;

	for (k = 0; k < w->records; k++) {
		assert_true(w->record[k].import_uwh >= 0 && w->record[k].export_uwh >= 0);
		import += w->record[k].import_uwh;
		export += w->record[k].export_uwh;
		assert_int_equal(w->record[k].import_total_uwh, import);
		assert_int_equal(w->record[k].utc_ms % 60000, 0);
	}
	assert_int_equal(import, uwh_of_j(registers_import_j(w->registers, 0)));
	assert_int_equal(export, uwh_of_j(registers_export_j(w->registers, 0)));
}

static void a_minute_is_a_minute(void **state)
{
	struct world *w = *state;

	measure(w, 180);
	assert_int_equal(w->records, 3);
	assert_int_equal(w->record[1].covered_ms, 60000);
	assert_int_equal(w->record[1].flags, 0);
	assert_int_equal(w->record[1].utc_ms, (MIDNIGHT - 1140 * S) / 1000000);
	assert_int_equal(w->record[1].import_uwh, 16666666);
	assert_int_equal(w->record[1].value[RECORD_P][RECORD_MEAN], 100000);
	assert_int_equal(w->record[1].value[RECORD_V][RECORD_MAX], 230000);
	assert_int_equal(w->record[1].value[RECORD_THD_V][RECORD_MEAN], 250);
	assert_int_equal(w->record[1].value[RECORD_THD_I][RECORD_MEAN], RECORD_UNKNOWN);
	finish(w);
	check_sum(w);
}

static void readings_do_not_follow_the_marks(void **state)
{
	struct world *w = *state;
	uint64_t seed = random_seed();
	unsigned int k;

	for (k = 0; k < 2000; k++) {
		w->p_w = 6000 * random_part(&seed) - 3000;
		step(w, (int64_t)(S * (0.7 + 0.6 * random_part(&seed))), 0);
	}
	finish(w);
	check_sum(w);
	for (k = 1; k + 1 < w->records; k++)
		assert_in_range(w->record[k].covered_ms, 59990, 60010);
}

static void clock_set_forwards(void **state)
{
	struct world *w = *state;

	measure(w, 90);
	w->offset += 3600 * S;
	measure(w, 90);
	finish(w);
	check_sum(w);
	assert_int_equal(w->records, 4);
	assert_true(w->record[1].flags & RECORD_CLOCK_STEP);
	assert_true(w->record[1].flags & RECORD_INCOMPLETE);
	assert_int_equal(w->record[2].utc_ms - w->record[1].utc_ms, 3600000);
	assert_true(w->record[2].flags & RECORD_CLOCK_STEP);
}

static void clock_set_backwards(void **state)
{
	struct world *w = *state;

	measure(w, 90);
	w->offset -= 600 * S;
	measure(w, 90);
	finish(w);
	check_sum(w);
	assert_int_equal(w->records, 4);
	assert_int_equal(w->record[2].utc_ms - w->record[1].utc_ms, -600000);
	assert_true(w->record[2].flags & RECORD_CLOCK_STEP);
}

static void boot_without_clock(void **state)
{
	struct world *w = *state;

	w->synchronised = false;
	w->offset = -w->end;
	measure(w, 100);
	w->synchronised = true;
	w->offset = MIDNIGHT;
	measure(w, 100);
	finish(w);
	check_sum(w);
	assert_int_equal(w->record[0].utc_ms, 0);
	assert_true(w->record[0].flags & RECORD_CLOCK_UNSYNC);
	assert_true(w->record[1].flags & RECORD_CLOCK_UNSYNC);
	assert_false(w->record[3].flags & RECORD_CLOCK_UNSYNC);
	assert_true(w->record[2].uptime_ms > w->record[1].uptime_ms);
}

static void leap_second(void **state)
{
	struct world *w = *state;

	measure(w, 1199);
	w->offset -= S;
	measure(w, 1);
	assert_int_equal(w->records, 19);
	measure(w, 61);
	finish(w);
	check_sum(w);
	assert_int_equal(w->records, 21);
	assert_int_equal(w->record[19].covered_ms, 61000);
	assert_int_equal(w->record[19].flags, RECORD_CLOCK_STEP);
	assert_int_equal(w->record[20].utc_ms, MIDNIGHT / 1000000);
	assert_int_equal(w->record[20].flags, 0);
}

/* The clock on the wall goes from 02:00 to 03:00 or from 03:00 to 02:00: UTC does neither. */
static void daylight_saving_and_midnight(void **state)
{
	/* the changes of 2026 in Brussels, and midnight there and of UTC between them */
	static const int64_t when_s[] = { 1774746000, 1792890000, 1783461600, 1783468800 };
	struct world *w = *state;
	unsigned int k;
	unsigned int n;

	setenv("TZ", "Europe/Brussels", 1);
	tzset();
	for (k = 0; k < 4; k++) {
		w->offset = (when_s[k] - 150) * S - w->end;
		measure(w, 300);
		for (n = 1; n <= 4; n++) {
			const struct record *r = &w->record[w->records - n];

			assert_int_equal(r->utc_ms, (when_s[k] + 60 * (2 - (int)n)) * 1000);
			assert_int_equal(r->flags, 0);
			assert_int_equal(r->covered_ms, 60000);
		}
	}
	finish(w);
	check_sum(w);
	unsetenv("TZ");
	tzset();
}

static void holes(void **state)
{
	struct world *w = *state;

	measure(w, 70);
	step(w, S, 10 * S);
	measure(w, 20);
	step(w, S, 600 * S);
	measure(w, 70);
	finish(w);
	check_sum(w);
	assert_int_equal(w->records, 4);
	assert_true(w->record[1].flags & RECORD_HOLE);
	assert_true(w->record[1].flags & RECORD_INCOMPLETE);
	assert_true(w->record[2].flags & RECORD_HOLE);
	assert_int_equal(w->record[2].utc_ms - w->record[1].utc_ms, 600000);
}

/* A meterd is killed: the records of the next one hold the energy that is missing. */
static void killed(struct world *w, int64_t pause)
{
	unsigned int before = w->records;
	unsigned int k;

	w->records = RECORDS_MAX - 1;
	finish(w); /* its last record is lost */
	w->records = before;
	w->end += pause;
	begin(w);
	for (k = 0; k < before; k++)
		interval_resume(w->interval, &w->record[k]);
}

static void killed_and_back_in_the_same_minute(void **state)
{
	struct world *w = *state;

	measure(w, 150);
	killed(w, 5 * S);
	measure(w, 70);
	finish(w);
	check_sum(w);
	assert_int_equal(w->records, 4);
	assert_int_equal(w->record[2].flags, RECORD_RESTART | RECORD_INCOMPLETE);
	assert_int_equal(w->record[2].covered_ms, 25000);
}

static void killed_and_back_much_later(void **state)
{
	struct world *w = *state;

	measure(w, 90);
	killed(w, 3600 * S);
	measure(w, 70);
	finish(w);
	check_sum(w);
	assert_int_equal(w->record[1].utc_ms - w->record[0].utc_ms, 60000);
	assert_int_equal(w->record[1].flags, RECORD_RESTART | RECORD_INCOMPLETE);
	assert_int_equal(w->record[1].covered_ms, 0);
	assert_int_equal(w->record[1].value[RECORD_P][RECORD_MEAN], RECORD_UNKNOWN);
	assert_in_range(w->record[1].import_uwh, 8333000, 8334000);
}

static void any_clock(void **state)
{
	struct world *w = *state;
	uint64_t seed = random_seed();
	unsigned int k;

	for (k = 0; k < 5000; k++) {
		double what = random_part(&seed);
		int64_t by = (int64_t)((random_part(&seed) - 0.5) * 400 * S);

		w->p_w = 6000 * random_part(&seed) - 3000;
		if (what < 0.01)
			w->offset += by;
		step(w, S, what > 0.99 ? llabs(by) : 0);
	}
	finish(w);
	check_sum(w);
}

/* A reading of a second of a module that keeps the registers by itself. */
static void module_step(struct world *w, double import_j, double export_j)
{
	struct load_reading load = { .name = "boiler", .elements = 1, .p_w = 1000, .pf = 1 };
	struct reading r = { .loads = 1, .load = &load, .start_ns = w->end };

	load.import_j = import_j;
	load.export_j = export_j;
	r.end_ns = w->end = r.start_ns + S;
	r.utc_ns = r.end_ns + w->offset;
	interval_add(w->interval, &r, true);
}

/* 1 kW from there on; what is in the registers by then is of earlier days. */
static double module_measure(struct world *w, double from_j, unsigned int seconds)
{
	for (; seconds--; from_j += 1000)
		module_step(w, from_j, NAN);
	return from_j;
}

static void begin_with_module(struct world *w)
{
	struct registers *registers = w->registers;

	finish(w);
	w->registers = NULL;
	begin(w);
	w->registers = registers;
}

static int64_t recorded(const struct world *w)
{
	int64_t sum = 0;
	unsigned int k;

	for (k = 0; k < w->records; k++) {
		if (w->record[k].import_uwh < 0 || w->record[k].export_uwh)
			fail_msg("record %u: import %lld, export %lld uWh", k,
				 (long long)w->record[k].import_uwh,
				 (long long)w->record[k].export_uwh);
		sum += w->record[k].import_uwh;
	}
	return sum;
}

#define LIFE_J 18e9 /* 5 MWh */

static void what_a_module_counted_before_is_in_no_record(void **state)
{
	struct world *w = *state;
	double j;

	begin_with_module(w);
	j = module_measure(w, LIFE_J, 100);
	finish(w);
	assert_int_equal(recorded(w), uwh_of_j(j - 1000) - uwh_of_j(LIFE_J));
	assert_int_equal(w->record[w->records - 1].import_total_uwh, uwh_of_j(j - 1000));
}

static void a_module_that_is_silent_counts_on(void **state)
{
	struct world *w = *state;
	unsigned int k;
	double j;

	begin_with_module(w);
	for (k = 0; k < 70; k++)
		module_step(w, NAN, NAN);
	j = module_measure(w, LIFE_J, 100);
	for (k = 0; k < 130; k++)
		module_step(w, NAN, NAN);
	j = module_measure(w, j + 130e3, 100);
	/* another module, or one that was set back: it begins below */
	module_measure(w, 5000, 61);
	finish(w);
	assert_int_equal(recorded(w),
			 uwh_of_j(j - 1000) - uwh_of_j(LIFE_J) + uwh_of_j(65000) - uwh_of_j(5000));
}

/* What a module counted while there was no meterd is recorded once. */
static void a_module_goes_on_where_its_last_record_ends(void **state)
{
	struct world *w = *state;
	unsigned int k;
	unsigned int n;
	double j;

	begin_with_module(w);
	j = module_measure(w, LIFE_J, 90);
	finish(w);
	n = w->records;
	w->end += 3600 * S;
	begin_with_module(w);
	for (k = 0; k < n; k++)
		interval_resume(w->interval, &w->record[k]);
	/* it is found after a while */
	for (k = 0; k < 3; k++)
		module_step(w, NAN, NAN);
	j = module_measure(w, j + 3600e3, 70);
	finish(w);
	assert_int_equal(recorded(w), uwh_of_j(j - 1000) - uwh_of_j(LIFE_J));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_minute_is_a_minute, start, stop),
		cmocka_unit_test_setup_teardown(readings_do_not_follow_the_marks, start, stop),
		cmocka_unit_test_setup_teardown(clock_set_forwards, start, stop),
		cmocka_unit_test_setup_teardown(clock_set_backwards, start, stop),
		cmocka_unit_test_setup_teardown(boot_without_clock, start, stop),
		cmocka_unit_test_setup_teardown(leap_second, start, stop),
		cmocka_unit_test_setup_teardown(daylight_saving_and_midnight, start, stop),
		cmocka_unit_test_setup_teardown(holes, start, stop),
		cmocka_unit_test_setup_teardown(killed_and_back_in_the_same_minute, start, stop),
		cmocka_unit_test_setup_teardown(killed_and_back_much_later, start, stop),
		cmocka_unit_test_setup_teardown(any_clock, start, stop),
		cmocka_unit_test_setup_teardown(what_a_module_counted_before_is_in_no_record, start,
						stop),
		cmocka_unit_test_setup_teardown(a_module_that_is_silent_counts_on, start, stop),
		cmocka_unit_test_setup_teardown(a_module_goes_on_where_its_last_record_ends, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
