// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time without a meterd: booked once, as estimated, with the power that was known last,
 * when both ends of it are known and it is not too long.
 */
#include "chain.h"

#include <sys/wait.h>
#include <unistd.h>

#define T0_MS 1800000000000LL
#define MOST_S 300.0
#define SLOT_BYTES 131072

static char folder[64];
static char path[128];

static struct load loads[2] = {
	{ .name = "boiler", .elements = 1, .element = { { .input = "hub1/A" } } },
	{ .name = "roof", .elements = 1, .first = 1, .element = { { .input = "hub1/B" } } },
};

static struct installation house = { .loads = 2, .load = loads };

static int setup(void **state)
{
	strcpy(folder, "/tmp/estimate-XXXXXX");
	snprintf(path, sizeof(path), "%s/registers", mkdtemp(folder));
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct registers *open_registers(void)
{
	struct registers *r = NULL;

	assert_int_equal(registers_open(&r, &house, path), 0);
	return r;
}

/* A meterd that measured 2 kW in and 500 W out until @utc_ms, and was killed. */
static void killed_at(int64_t utc_ms)
{
	const double p_w[INPUT_CHANNELS_MAX] = { 2000.0, -500.0 };
	int status;
	pid_t child = fork();

	if (!child) {
		struct registers *r = NULL;

		if (registers_open(&r, &house, path))
			_exit(1);
		registers_present(r, utc_ms, p_w);
		_exit(registers_note(r) ? 1 : 0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void assert_booked(struct registers *r, double seconds)
{
	assert_double_equal(registers_import_j(r, 0), 2000.0 * seconds, 0.01);
	assert_double_equal(registers_export_j(r, 0), 0.0, 0.0);
	assert_double_equal(registers_export_j(r, 1), 500.0 * seconds, 0.01);
	assert_double_equal(registers_estimated_j(r, 0), 2000.0 * seconds, 0.01);
	assert_double_equal(registers_estimated_j(r, 1), 500.0 * seconds, 0.01);
}

static void the_hole_is_booked_once_with_the_last_power(void **state)
{
	struct registers *r;

	killed_at(T0_MS);
	r = open_registers();
	assert_double_equal(registers_bridge(r, T0_MS + 42500, MOST_S), 42.5, 1e-9);
	assert_booked(r, 42.5);
	assert_double_equal(registers_bridge(r, T0_MS + 60000, MOST_S), 0.0, 0.0);
	assert_booked(r, 42.5);
	registers_close(r);
}

/* After a power cut there is the checkpoint only: its age is a part of the hole. */
static void a_power_cut_is_bridged_from_the_checkpoint(void **state)
{
	const double p_w[INPUT_CHANNELS_MAX] = { 2000.0, -500.0 };
	struct registers *r = open_registers();
	FILE *f;

	registers_present(r, T0_MS, p_w);
	assert_int_equal(registers_save_now(r), 0);
	registers_close(r);
	killed_at(T0_MS + 50000);
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 2 * SLOT_BYTES, SEEK_SET);
	assert_int_equal(ftruncate(fileno(f), 2 * SLOT_BYTES), 0);
	fclose(f);
	r = open_registers();
	assert_double_equal(registers_bridge(r, T0_MS + 80000, MOST_S), 80.0, 1e-9);
	assert_booked(r, 80.0);
	registers_close(r);
}

static void what_is_not_known_is_not_booked(void **state)
{
	static const struct {
		int64_t then;
		int64_t now;
		double answer;
	} c[] = {
		{ 0, T0_MS, 0.0 },			   /* that meterd had no clock */
		{ T0_MS, T0_MS - 1000, 0.0 },		   /* it was set back meanwhile */
		{ T0_MS, T0_MS, 0.0 },			   /* no hole */
		{ T0_MS, T0_MS + 300001, -1.0 },	   /* too long */
		{ T0_MS, T0_MS + 86400000LL * 400, -1.0 }, /* far too long */
	};
	unsigned int k;

	for (k = 0; k < sizeof(c) / sizeof(c[0]); k++) {
		struct registers *r;

		killed_at(c[k].then);
		r = open_registers();
		assert_double_equal(registers_bridge(r, c[k].now, MOST_S), c[k].answer, 0.0);
		assert_booked(r, 0.0);
		registers_close(r);
	}
}

/* ---- through the chain ------------------------------------------------- */

static bool clock_is_known;
static double told_s;

static bool known(void *user)
{
	return clock_is_known;
}

static int64_t utc(void *user, int64_t sample_ns)
{
	return T0_MS * 1000000 + sample_ns;
}

static void bridged(void *user, const struct reading *r, double seconds)
{
	told_s = seconds;
}

static double signal_of(void *user, unsigned int channel, double scan)
{
	return (channel ? 10.0 : 230.0) * sqrt(2.0) * sin(2 * M_PI * 50 * scan / 4000.0);
}

/* A chain that began to measure at @from_s, and whose clock is known after @clock_s. */
static double run_chain(double from_s, double seconds, double clock_s)
{
	static struct chain c;
	struct meter_config config = { 0 };
	double first;

	chain_open(&c, "1p", 1, 1, 4000.0, path);
	meter_destroy(c.meter);
	config.in = &c.in;
	config.rate_hz = c.rate_hz;
	config.align = c.align;
	config.registers = c.registers;
	config.scale = c.scale;
	config.publish = chain_reading;
	config.user = &c;
	config.clock_known = known;
	config.utc_ns = utc;
	config.bridge_s = MOST_S;
	config.bridged = bridged;
	assert_int_equal(meter_create(&c.meter, &config), 0);
	c.epoch_ns = (int64_t)(from_s * 1e9);
	told_s = 0.0;
	first = registers_import_j(c.registers, 0);
	clock_is_known = clock_s <= 0.0;
	chain_feed(&c, clock_s, signal_of, NULL);
	clock_is_known = true;
	chain_feed(&c, seconds - clock_s, signal_of, NULL);
	first = registers_import_j(c.registers, 0) - first;
	chain_close(&c);
	return first;
}

/* The load ran on: what is booked is what it used, as if nothing had happened. */
static void a_restart_leaves_no_hole_in_the_energy(void **state)
{
	double sum = run_chain(0, 5, 0);

	assert_double_equal(told_s, 0.0, 0.0);
	sum += run_chain(65, 5, 0);
	assert_in_range((unsigned int)told_s, 59, 61);
	assert_double_equal(sum / 2300.0, 70.0, 1.2);
}

static void the_clock_may_come_later(void **state)
{
	double sum = run_chain(0, 5, 0);

	sum += run_chain(65, 8, 4);
	assert_in_range((unsigned int)told_s, 59, 61);
	assert_double_equal(sum / 2300.0, 73.0, 1.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_hole_is_booked_once_with_the_last_power, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_power_cut_is_bridged_from_the_checkpoint, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_not_booked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_leaves_no_hole_in_the_energy, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_clock_may_come_later, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
