// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IIO source against a libiio that is played by fake-iio.h. The source's timers run 50
 * times as fast.
 */
#include "fake-iio.h"

#include <dlfcn.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "source.h"
#include "support/overhear.h"

#define HASTE 50

int sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
			       uint64_t accuracy, sd_event_time_handler_t handler, void *user)
{
	int (*real)(sd_event *, sd_event_source **, clockid_t, uint64_t, uint64_t,
		    sd_event_time_handler_t, void *);

	*(void **)&real = dlsym(RTLD_NEXT, "sd_event_add_time_relative");
	return real(e, s, clock, usec / HASTE, 1, handler, user);
}

int sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec)
{
	int (*real)(sd_event_source *, uint64_t);

	*(void **)&real = dlsym(RTLD_NEXT, "sd_event_source_set_time_relative");
	return real(s, usec / HASTE);
}

static struct chain c;
static struct source *source;
static struct source_config config;
static sd_event *event;
static unsigned int alive;
static bool (*stop)(void); /* ends the loop */
static unsigned int turns;

static void on_alive(void *user)
{
	alive++;
}

/* Every read of the source is 32 ms of samples. */
static void on_process(void *user)
{
	meter_process(c.meter);
	clock_scans += 128;
	turns++;
}

static int setup(void **state)
{
	static const char *const l[] = { "L1", "L2", "L3" };
	static const char *const abcd[] = { "A", "B", "C", "D" };

	make_device(0, "iio:device0", "smappee-voltage", "main", "voltage", l, 3);
	make_device(1, "iio:device1", "smappee-ct", "hub1", "current", abcd, 4);
	make_device(2, "iio:device2", "smappee-ct", "hub2", "current", abcd, 4);
	config = (struct source_config){ .uri = "local:",
					 .sampling_frequency = 4000,
					 .devices = "smappee-voltage, smappee-ct",
					 .block_ms = 32,
					 .wait_ms = 500 };
	clock_scans = 1000;
	refuse = 0;
	alive = 0;
	turns = 0;
	/* hub1/A-D and hub2/A */
	chain_open(&c, "3p+n", 5, 1, 4000, NULL);
	for (unsigned int k = 3; k < 8; k++)
		c.in.inputs.channel[k].name += 5;
	c.in.inputs.device[1].label = "hub1";
	c.in.inputs.device[2].label = "hub2";
	memset(c.scale, 0, sizeof(c.scale));
	assert_int_equal(source_iio_open(&source, &config, &c.in.inputs), 0);
	assert_true(sd_event_new(&event) >= 0);
	return 0;
}

static int teardown(void **state)
{
	source->ops->close(source);
	chain_close(&c);
	sd_event_unref(event);
	assert_int_equal(contexts, 0);
	return 0;
}

static void run(bool (*until)(void))
{
	struct source_sink sink = {
		.align = c.align, .scale = c.scale, .process = on_process, .alive = on_alive
	};

	stop = until;
	turns = 0;
	if (!c.scan)
		assert_int_equal(source->ops->start(source, event, &sink), 0);
	c.scan = 1;
	while (!stop()) {
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
		if (turns > 4000)
			fail_msg("waited for 128 s of samples in vain; %u readings", c.readings);
	}
}

static bool three_readings(void)
{
	return c.readings >= 3;
}

static void devices_are_found_set_and_read(void **state)
{
	struct source_counters n;

	house[1].lost_scans = 70;
	house[1].overruns = 1000;
	run(three_readings);
	assert_double_equal(house[0].rate_hz, 4000, 0);
	assert_double_equal(house[2].rate_hz, 4000, 0);
	assert_false(house[1].buffer->blocking);
	/* 4 seconds of FIFO */
	assert_true(house[1].depth * house[1].buffer->scans >= 16000);
	/* only what is needed is enabled */
	assert_true(house[2].channel[0].enabled && !house[2].channel[1].enabled);
	assert_double_equal(c.reading.voltage[0].ln_v, 230, 0.01);
	assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
	assert_double_equal(c.reading.load[4].element[0].i_a, 10, 0.001);
	assert_int_equal(c.reading.gaps, 0);
	house[1].lost_scans = 75;
	source->ops->counters(source, &n);
	assert_int_equal(n.lost_scans, 5);
	/* scans that meterd was too late for are lost, too */
	house[1].overruns = 1030;
	source->ops->counters(source, &n);
	assert_int_equal(n.lost_scans, 35);
	assert_int_equal(n.repaired_blocks, 0);
}

static bool hub2_measured(void)
{
	return c.readings >= 3 && !isnan(c.reading.load[4].p_w);
}

static bool hub2_unknown(void)
{
	return c.readings >= 3 && isnan(c.reading.load[4].p_w);
}

static void a_device_not_there_at_start_is_joined_when_it_comes(void **state)
{
	house[2].there = false;
	run(hub2_unknown);
	assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
	assert_true(contexts <= 2);
	house[2].there = true;
	run(hub2_measured);
	assert_double_equal(c.reading.load[4].element[0].i_a, 10, 0.001);
	assert_int_equal(c.reading.gaps, 0);
	assert_int_equal(house[0].opened, 1);
}

static void a_device_that_vanishes_is_found_again(void **state)
{
	run(three_readings);
	house[2].fails = ENODEV;
	house[2].there = false;
	run(hub2_unknown);
	assert_int_equal(house[2].opened, 1);
	house[2].fails = 0;
	house[2].there = true;
	run(hub2_measured);
	assert_int_equal(house[2].opened, 2);
	assert_int_equal(c.reading.gaps, 0);
}

static bool hub1_unknown(void)
{
	return isnan(c.reading.load[0].p_w);
}

static bool hub1_measured(void)
{
	return !isnan(c.reading.load[0].p_w);
}

static void a_device_that_fails_but_stays_is_opened_again(void **state)
{
	run(three_readings);
	house[1].fails = EIO;
	run(hub1_unknown);
	assert_double_equal(c.reading.load[4].element[0].i_a, 10, 0.001);
	house[1].fails = 0;
	run(hub1_measured);
	assert_true(house[1].opened >= 2);
	assert_int_equal(house[2].opened, 1);
	assert_int_equal(c.reading.gaps, 0);
}

static void a_device_that_falls_silent_is_left_out_until_it_speaks(void **state)
{
	run(three_readings);
	house[1].fails = EAGAIN;
	run(hub1_unknown);
	house[1].fails = 0;
	run(hub1_measured);
	assert_int_equal(house[1].opened, 1);
	assert_int_equal(c.reading.gaps, 0);
}

static bool woken(void)
{
	return alive >= 5;
}

static void with_no_device_at_all_it_stays_alive(void **state)
{
	house[0].there = house[1].there = house[2].there = false;
	run(woken);
	assert_int_equal(c.readings, 0);
	house[0].there = house[1].there = house[2].there = true;
	run(hub2_measured);
}

static void a_device_that_is_always_late_is_joined(void **state)
{
	house[2].behind = 700;
	run(three_readings);
	assert_double_equal(c.reading.load[4].element[0].i_a, 10, 0.001);
	assert_double_equal(c.reading.load[4].element[0].v_v, 230, 0.01);
	assert_int_equal(c.reading.gaps, 0);
}

static void a_rate_that_is_not_offered_is_refused(void **state)
{
	/* the rate of the source is that of the configuration */
	source->rate_hz = 12345;
	run(woken);
	assert_int_equal(house[0].opened, 0);
	assert_int_equal(c.readings, 0);
}

static void a_device_that_refused_once_is_tried_again(void **state)
{
	refuse = EACCES;
	run(hub2_unknown);
	assert_int_equal(house[2].opened, 0);
	refuse = 0;
	run(hub2_measured);
	assert_int_equal(house[2].opened, 1);
}

struct bad_format {
	unsigned int channel; /* of hub2; 4 is the stamp */
	struct iio_data_format format;
};

static const struct bad_format bad_formats[] = {
	{ 0, { .length = 128, .bits = 128, .is_signed = true } },
	{ 0, { .length = 0, .bits = 0, .is_signed = true } },
	{ 0, { .length = 24, .bits = 24, .is_signed = true } },
	{ 0, { .length = 32, .bits = 0, .is_signed = true } },
	{ 0, { .length = 32, .bits = 24, .shift = 9, .is_signed = true } },
	{ 0, { .length = 32, .bits = 24, .shift = UINT32_MAX, .is_signed = true } },
	{ 0, { .length = 16, .bits = 16, .is_signed = true, .repeat = 4 } },
	{ 4, { .length = 32, .bits = 32, .is_signed = true } },
	{ 4, { .length = 64, .bits = 64 } },
	{ 4, { .length = 64, .bits = 64, .is_signed = true, .is_be = true } },
	{ 4, { .length = 64, .bits = 48, .is_signed = true, .shift = 16 } },
};

static void a_format_that_cannot_be_is_refused(void **state)
{
	unsigned int k;

	for (k = 0; k < sizeof(bad_formats) / sizeof(bad_formats[0]); k++) {
		const struct bad_format *bad = &bad_formats[k];

		if (k)
			setup(state);
		house[2].channel[bad->channel].format = bad->format;
		run(hub2_unknown);
		if (house[2].opened)
			fail_msg("format %u was accepted", k);
		assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
		if (k + 1 < sizeof(bad_formats) / sizeof(bad_formats[0]))
			teardown(state);
	}
}

static bool load1_measured(void)
{
	return !isnan(c.reading.load[1].p_w);
}

static bool voltage_measured(void)
{
	return !isnan(c.reading.voltage[1].ln_v);
}

static void a_channel_without_scale_is_unknown_and_the_others_go_on(void **state)
{
	house[1].channel[1].scale = NAN;
	house[2].channel[0].scale = 0.0;
	run(three_readings);
	assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
	assert_true(isnan(c.reading.load[1].p_w));
	assert_true(isnan(c.reading.load[1].element[0].i_a));
	assert_double_equal(registers_import_j(c.registers, 1), 0.0, 0.0);
	assert_true(isnan(c.reading.load[4].p_w));
	/* a sensor is assigned */
	house[1].channel[1].scale = 5.0;
	run(load1_measured);
	assert_double_equal(c.reading.load[1].element[0].i_a, 10, 0.001);
	assert_int_equal(house[1].opened, 1);
}

static void without_scale_of_a_voltage_nothing_is_invented(void **state)
{
	house[0].channel[1].scale = NAN;
	run(three_readings);
	assert_int_equal(house[0].opened, 0);
	assert_true(isnan(c.reading.voltage[0].ln_v));
	house[0].channel[1].scale = 20.0;
	run(voltage_measured);
	assert_double_equal(c.reading.voltage[1].ln_v, 230, 0.01);
}

static bool load0_measured_without_hub2(void)
{
	return c.readings >= 3 && !isnan(c.reading.load[0].p_w) && isnan(c.reading.load[4].p_w);
}

static bool hub2_closed(void)
{
	return !house[2].streaming;
}

static char said[4096];

/* Run with the log in said[]. */
static void run_and_listen(bool (*until)(void))
{
	overhear();
	run(until);
	overheard(said, sizeof(said));
}

static void a_device_of_another_segment_is_named_and_left_out(void **state)
{
	house[2].shift = 100000;
	run_and_listen(load0_measured_without_hub2);
	assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
	if (!strstr(said, "hub2 (iio:device2): its time stamps lie between those of voltage "
			  "module (iio:device0)"))
		fail_msg("said: %s", said);
	assert_non_null(strstr(said, "a meterd of its own"));
	/* unplugged, and back on the segment of the voltages */
	house[2].fails = ENODEV;
	run(hub2_closed);
	house[2].fails = 0;
	house[2].shift = 0;
	run(hub2_measured);
	assert_double_equal(c.reading.load[4].element[0].i_a, 10, 0.001);
}

static void two_devices_with_one_label_are_named(void **state)
{
	house[1].label = "hub2";
	run_and_listen(hub2_unknown);
	if (!strstr(said, "hub2: iio:device1 and iio:device2 both have this label"))
		fail_msg("said: %s", said);
	assert_int_equal(house[1].opened + house[2].opened, 0);
	house[1].label = "hub1";
	house[1].there = false;
	run(hub2_measured);
}

static void names_not_configured_are_not_touched(void **state)
{
	house[1].name = "ads8688";
	run(three_readings);
	assert_int_equal(house[1].opened, 0);
	assert_true(isnan(c.reading.load[0].p_w));
}

static void any_device_can_be_configured(void **state)
{
	house[1].name = "ads8688";
	config.devices = "*";
	run(three_readings);
	assert_double_equal(c.reading.load[0].element[0].i_a, 10, 0.001);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(devices_are_found_set_and_read),
		TEST(a_device_not_there_at_start_is_joined_when_it_comes),
		TEST(a_device_that_vanishes_is_found_again),
		TEST(a_device_that_fails_but_stays_is_opened_again),
		TEST(a_device_that_falls_silent_is_left_out_until_it_speaks),
		TEST(with_no_device_at_all_it_stays_alive),
		TEST(a_device_that_is_always_late_is_joined),
		TEST(a_rate_that_is_not_offered_is_refused),
		TEST(a_device_that_refused_once_is_tried_again),
		TEST(a_channel_without_scale_is_unknown_and_the_others_go_on),
		TEST(without_scale_of_a_voltage_nothing_is_invented),
		TEST(a_format_that_cannot_be_is_refused),
		TEST(a_device_of_another_segment_is_named_and_left_out),
		TEST(two_devices_with_one_label_are_named),
		TEST(names_not_configured_are_not_touched),
		TEST(any_device_can_be_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
