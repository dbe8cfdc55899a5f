// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The chain as a whole: energy over holes, devices that are missing, wrong wiring, and no
 * allocation while samples flow. malloc() and its kin are replaced to count their calls.
 */
#include "allocations.h"
#include "chain.h"

#define RATE 4000.0

static uint64_t seed;

struct house {
	double hz;
	double start; /* turns */
	double pf_degrees;
	double current_a;
	bool one_phase; /* all voltages are L1 */
	double mains_v;
	int dead_slot; /* index of a voltage that is 0; -1: none */
};

static double signal(void *user, unsigned int channel, double scan)
{
	const struct house *h = user;
	double turns = h->start + h->hz * scan / RATE;
	unsigned int slot = channel % 3;
	double shift = h->one_phase ? 0.0 : slot / 3.0;

	if (channel < 3 && (int)slot == h->dead_slot)
		return 0.0;
	if (channel < 3)
		return h->mains_v * M_SQRT2 * sin(2 * M_PI * (turns - shift));
	return h->current_a * M_SQRT2 * sin(2 * M_PI * (turns - shift - h->pf_degrees / 360));
}

static struct house make_house(void)
{
	return (struct house){ .hz = 50.02,
			       .start = random_part(&seed),
			       .pf_degrees = 60,
			       .current_a = 10,
			       .mains_v = 230,
			       .dead_slot = -1 };
}

static struct chain c;

/* Feed all devices but leave out scans @from ... @from + @lost - 1 of @device. */
static void feed_with_hole(double seconds, struct house *h, unsigned int device, uint64_t from,
			   unsigned int lost)
{
	uint64_t end = (uint64_t)(seconds * RATE);
	unsigned int d;

	for (; c.scan < end; c.scan += CHAIN_BLOCK) {
		for (d = 0; d < c.in.inputs.devices; d++) {
			uint64_t k;

			for (k = c.scan; k < c.scan + CHAIN_BLOCK; k++)
				if ((device != d && device != 99) || k < from || k >= from + lost)
					chain_push(&c, d, k, 1, signal, h);
		}
		meter_process(c.meter);
	}
}

static void energy_is_power_times_time(void **state)
{
	struct house h = make_house();
	double energy = 0.0;
	unsigned int w;

	chain_open(&c, "3p+n", 3, 3, RATE, NULL);
	chain_feed(&c, 30.0, signal, &h);
	for (w = 0; w < c.windows; w++) {
		energy += 3450.0 * (double)(c.window[w].end_ns - c.window[w].start_ns) / 1e9;
		if (w)
			assert_int_equal(c.window[w].start_ns, c.window[w - 1].end_ns);
	}
	assert_double_equal(registers_import_j(c.registers, 0) / energy, 1.0, 2e-6);
	assert_double_equal(registers_export_j(c.registers, 0), 0.0, 0.0);
	assert_double_equal(registers_estimated_j(c.registers, 0), 0.0, 0.0);
	assert_int_equal(c.reading.windows, 5);
	assert_in_range(c.readings, 29, 30);
	assert_int_equal(c.reading.sequence, c.readings);
	chain_close(&c);
}

static void energy_of_a_hole_is_continued(void **state)
{
	static const unsigned int lost[] = { 1, 37, 400, 4000 };
	unsigned int n;

	for (n = 0; n < 4; n++) {
		struct house h = make_house();
		double seconds;

		chain_open(&c, "3p+n", 3, 3, RATE, NULL);
		feed_with_hole(12.0, &h, n % 2 ? 99 : 1, 20000, lost[n]);
		seconds = (double)(c.window[c.windows - 1].end_ns - c.window[0].start_ns) / 1e9;
		assert_double_equal(registers_import_j(c.registers, 0) / (3450.0 * seconds), 1.0,
				    1e-4);
		/* at most a window and the hole, and the tracker's start */
		assert_true(registers_estimated_j(c.registers, 0) <
			    3450.0 * (lost[n] / RATE + 0.2 + 0.06));
		assert_true(registers_estimated_j(c.registers, 0) > 3450.0 * lost[n] / RATE);
		assert_int_equal(c.reading.gaps, 1);
		chain_close(&c);
	}
}

static void a_long_hole_is_not_continued(void **state)
{
	struct house h = make_house();

	chain_open(&c, "3p+n", 3, 3, RATE, NULL);
	feed_with_hole(20.0, &h, 99, 20000, 44000);
	assert_double_equal(registers_estimated_j(c.registers, 0), 0.0, 0.0);
	chain_close(&c);
}

static void energy_of_a_silent_hub_is_continued(void **state)
{
	static const unsigned int lost[] = { 1960, 4000, 20000, 44000 };
	unsigned int n;

	/* hub1 has loads 0 to 3, hub2 load 4 */
	for (n = 0; n < 4; n++) {
		struct house h = make_house();
		bool bridged = lost[n] / RATE < 10.0;
		double seconds;

		chain_open(&c, "3p+n", 5, 1, RATE, NULL);
		feed_with_hole(20.0, &h, 2, 20000, lost[n]);
		seconds = (double)(c.window[c.windows - 1].end_ns - c.window[0].start_ns) / 1e9;
		assert_double_equal(registers_import_j(c.registers, 0) / (1150.0 * seconds), 1.0,
				    1e-4);
		if (!bridged) {
			assert_double_equal(registers_estimated_j(c.registers, 4), 0.0, 0.0);
			chain_close(&c);
			continue;
		}
		assert_double_equal(registers_import_j(c.registers, 4) / (1150.0 * seconds), 1.0,
				    1e-4);
		/* the hole, and parts of a window before and after it */
		assert_true(registers_estimated_j(c.registers, 4) > 1150.0 * lost[n] / RATE);
		assert_true(registers_estimated_j(c.registers, 4) <
			    1150.0 * (lost[n] / RATE + 0.46));
		chain_close(&c);
	}
}

static void a_reading_has_no_windows_of_before_a_long_silence(void **state)
{
	struct house h = make_house();
	unsigned int before;

	chain_open(&c, "3p+n", 3, 3, RATE, NULL);
	chain_feed(&c, 2.75, signal, &h);
	before = c.readings;
	c.scan += 3600 * 4000;
	h.current_a = 0.001;
	while (c.readings == before)
		chain_feed(&c, 0.04, signal, &h);
	assert_double_equal(c.reading.load[0].p_w, 0.345, 0.1);
	assert_true(c.reading.start_ns >= 3602000000000);
	assert_int_equal(c.reading.windows, 5);
	chain_close(&c);
}

static void values_of_a_dead_hub_are_unknown_and_the_others_go_on(void **state)
{
	struct house h = make_house();
	double import;
	unsigned int n;

	/* hub1 has loads 0 to 3, hub2 load 4 */
	chain_open(&c, "3p+n", 5, 1, RATE, NULL);
	chain_feed(&c, 4.0, signal, &h);
	assert_double_equal(c.reading.load[4].p_w, 1150.0, 0.2);
	import = c.reading.load[4].import_j;
	for (n = 0; n < 100; n++) {
		chain_push(&c, 0, c.scan, CHAIN_BLOCK, signal, &h);
		chain_push(&c, 1, c.scan, CHAIN_BLOCK, signal, &h);
		c.scan += CHAIN_BLOCK;
		meter_process(c.meter);
	}
	assert_double_equal(c.reading.load[0].p_w, 1150.0, 0.2);
	assert_true(isnan(c.reading.load[4].p_w));
	assert_true(isnan(c.reading.load[4].pf));
	assert_true(isnan(c.reading.load[4].element[0].i_a));
	assert_double_equal(c.reading.load[4].import_j, import, 1150.0);
	assert_int_equal(c.reading.gaps, 0);
	chain_feed(&c, 4.0, signal, &h);
	assert_double_equal(c.reading.load[4].p_w, 1150.0, 0.2);
	assert_int_equal(c.reading.gaps, 0);
	/* no window saw a part of the samples as zero */
	for (n = 0; n < c.windows; n++)
		if (c.window[n].present.word[0] == 7)
			assert_double_equal(c.window[n].element[4].p_w, 1150.0, 1.0);
	chain_close(&c);
}

static void without_the_voltage_module_power_is_unknown(void **state)
{
	struct house h = make_house();
	unsigned int n;

	chain_open(&c, "3p+n", 3, 3, RATE, NULL);
	align_forget(c.align, 0);
	for (n = 0; n < 100; n++) {
		chain_push(&c, 1, c.scan, CHAIN_BLOCK, signal, &h);
		c.scan += CHAIN_BLOCK;
		meter_process(c.meter);
	}
	assert_true(c.readings > 1);
	assert_true(isnan(c.reading.load[0].p_w));
	assert_true(isnan(c.reading.frequency_hz));
	assert_true(isnan(c.reading.voltage[0].ln_v));
	assert_double_equal(registers_import_j(c.registers, 0), 0.0, 0.0);
	chain_close(&c);
}

static void a_lost_phase_does_not_unlock(void **state)
{
	unsigned int slot;

	for (slot = 0; slot < 3; slot++) {
		struct house h = make_house();
		double others;

		h.dead_slot = (int)slot;
		chain_open(&c, "3p+n", 3, 1, RATE, NULL);
		chain_feed(&c, 3.0, signal, &h);
		assert_double_equal(c.reading.frequency_hz, 50.02, 0.0025);
		assert_double_equal(c.reading.load[slot].p_w, 0.0, 1e-3);
		assert_true(isnan(c.reading.load[slot].pf));
		others = c.reading.load[(slot + 1) % 3].p_w;
		assert_double_equal(others, 1150.0, 0.2);
		chain_close(&c);
	}
}

static void one_phase_on_all_inputs_is_measured(void **state)
{
	struct house h = make_house();

	/* Clarke's alpha component of three equal voltages is zero */
	h.one_phase = true;
	chain_open(&c, "3p+n", 3, 1, RATE, NULL);
	chain_feed(&c, 3.0, signal, &h);
	assert_double_equal(c.reading.frequency_hz, 50.02, 0.0025);
	assert_double_equal(c.reading.load[2].p_w, 1150.0, 0.2);
	assert_double_equal(c.reading.voltage[0].ll_v, 0.0, 0.1);
	chain_close(&c);
}

static void a_reversed_ct_exports_unless_it_is_said(void **state)
{
	struct house h = make_house();

	h.pf_degrees = 0;
	chain_open(&c, "3p+n", 3, 1, RATE, NULL);
	c.load[1].element[0].sign = -1.0;
	chain_feed(&c, 3.0, signal, &h);
	assert_double_equal(c.reading.load[0].p_w, 2300.0, 0.2);
	assert_double_equal(c.reading.load[1].p_w, -2300.0, 0.2);
	assert_double_equal(c.reading.load[1].pf, -1.0, 1e-6);
	assert_double_equal(c.reading.load[1].import_j, 0.0, 0.0);
	assert_true(c.reading.load[1].export_j > 2300.0);
	chain_close(&c);
}

static void a_small_load_has_no_power_factor(void **state)
{
	struct house h = make_house();

	h.current_a = 0.003;
	chain_open(&c, "3p+n", 3, 1, RATE, NULL);
	chain_feed(&c, 3.0, signal, &h);
	assert_true(isnan(c.reading.load[0].pf));
	assert_false(isnan(c.reading.load[0].p_w));
	chain_close(&c);
}

static void no_mains_reads_as_zero_volts(void **state)
{
	struct house h = make_house();

	h.mains_v = 0.0;
	h.current_a = 0.0;
	chain_open(&c, "3p+n", 3, 1, RATE, NULL);
	chain_feed(&c, 3.0, signal, &h);
	assert_double_equal(c.reading.voltage[0].ln_v, 0.0, 1e-3);
	assert_double_equal(c.reading.load[0].p_w, 0.0, 1e-6);
	assert_true(isnan(c.reading.frequency_hz));
	chain_close(&c);
}

/*
 * Everything that sees each sample or each window: poles, delays and coils of the sensors,
 * the verdicts on the wiring, a capture that is running and one that nobody reads.
 */
static void nothing_is_allocated_while_samples_flow(void **state)
{
#ifndef COUNTS_ALLOCATIONS
	skip();
#else
	struct house h = make_house();
	struct tap_config tc = { .inputs = &c.in.inputs, .rate_hz = RATE, .seconds = 100 };
	struct wiring_result verdict;
	static char bytes[1 << 16];
	unsigned long before;
	unsigned int k;

	h.pf_degrees = 5.0;
	chain_open(&c, "3p+n", 28, 1, RATE, NULL);
	chain_close(&c);
	for (k = 0; k < 28; k++) {
		struct load_element *e = &c.load[k].element[0];

		if (k % 2)
			e->model = (struct sensor_model){ 1.0, 0.1 + 0.01 * k, 1e-5 * (k % 4) };
		e->integrate = k == 5 || k == 6;
	}
	chain_start(&c, RATE, NULL);
	tc.scale = c.scale;
	assert_int_equal(tap_create(&c.tap, &tc), 0);
	assert_int_equal(wiring_create(&c.wiring, &c.in), 0);
	chain_feed(&c, 0.5, signal, &h);
	assert_true(allocations_are_counted());
	before = allocations;
	chain_feed(&c, 3.0, signal, &h);
	assert_true(tap_read(c.tap, bytes, sizeof(bytes)) > 1000);
	feed_with_hole(5.0, &h, 2, c.scan + 300, 20);
	chain_feed(&c, 12.0, signal, &h);
	wiring_result(c.wiring, 0, 0, false, &verdict);
	assert_int_equal(allocations, before);
	assert_true(c.readings >= 15);
	assert_int_equal(verdict.verdict, WIRING_IN_ORDER);
	/* its ring is full since nobody reads */
	while (tap_read(c.tap, bytes, sizeof(bytes)))
		;
	assert_true(tap_over(c.tap));
	tap_destroy(c.tap);
	wiring_destroy(c.wiring);
	chain_close(&c);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(energy_is_power_times_time),
		cmocka_unit_test(energy_of_a_hole_is_continued),
		cmocka_unit_test(a_long_hole_is_not_continued),
		cmocka_unit_test(energy_of_a_silent_hub_is_continued),
		cmocka_unit_test(a_reading_has_no_windows_of_before_a_long_silence),
		cmocka_unit_test(values_of_a_dead_hub_are_unknown_and_the_others_go_on),
		cmocka_unit_test(without_the_voltage_module_power_is_unknown),
		cmocka_unit_test(a_lost_phase_does_not_unlock),
		cmocka_unit_test(one_phase_on_all_inputs_is_measured),
		cmocka_unit_test(a_reversed_ct_exports_unless_it_is_said),
		cmocka_unit_test(a_small_load_has_no_power_factor),
		cmocka_unit_test(no_mains_reads_as_zero_volts),
		cmocka_unit_test(nothing_is_allocated_while_samples_flow),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
