// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calibration: the fit, the file with its undo, and a chain that follows the file while it
 * runs.
 */
#include "chain-config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "lib/calibration.h"
#include "lib/tuning.h"
#include "strip.h"
#include "tuned.h"

static uint64_t seed;
static char dir[] = "/tmp/calibration-XXXXXX";
static char path[64];

static double part(void)
{
	return random_part(&seed);
}

static void one_frequency_gives_gain_and_pole(void **state)
{
	unsigned int k;

	for (k = 0; k < 100; k++) {
		double tau = 0.05 + part();
		double gain = 0.9 + 0.2 * part();
		struct calibration_point p[3];
		struct calibration_result r;
		unsigned int n;

		for (n = 0; n < 3; n++)
			p[n] = (struct calibration_point){ 50.0, gain,
							   calibration_lead(tau, 0.0, 50.0) };
		assert_int_equal(calibration_fit(p, 3, &r), 0);
		assert_double_equal(r.gain, gain * cos(calibration_lead(tau, 0.0, 50.0)), 1e-9);
		assert_double_equal(r.tau_s, tau, 1e-6);
		assert_double_equal(r.delay_s, 0.0, 1e-12);
		assert_double_equal(r.spread_lead, 0.0, 1e-9);
	}
}

static void lag_is_a_delay(void **state)
{
	struct calibration_point p = { 50.0, 1.0, calibration_lead(0.0, 20e-6, 50.0) };
	struct calibration_result r;

	assert_int_equal(calibration_fit(&p, 1, &r), 0);
	assert_double_equal(r.delay_s, 20e-6, 1e-9);
	assert_double_equal(r.tau_s, 0.0, 0.0);
}

static void frequencies_apart_tell_pole_and_delay(void **state)
{
	unsigned int k;

	for (k = 0; k < 100; k++) {
		double tau = 0.05 + part();
		double delay = (part() - 0.5) * 100e-6;
		struct calibration_point p[4];
		struct calibration_result r;
		unsigned int n;

		for (n = 0; n < 4; n++) {
			p[n].hz = 46.0 + 5.0 * n;
			p[n].gain = 1.0 + 0.001 * n;
			p[n].lead = calibration_lead(tau, delay, p[n].hz);
		}
		assert_int_equal(calibration_fit(p, 4, &r), 0);
		assert_double_equal(r.tau_s / tau, 1.0, 1e-6);
		assert_double_equal(r.delay_s, delay, 1e-10);
		assert_double_equal(r.gain, 1.0015 * cos(calibration_lead(tau, 0.0, 53.5)), 1e-7);
		assert_true(r.spread_gain > 0.001);
	}
}

/* What meterd would not take must not come out, or a calibration is for nothing. */
static void an_ideal_sensor_has_neither_pole_nor_delay(void **state)
{
	static const double leads[] = { 1e-9, 0.0, -1e-9 };
	unsigned int k;

	for (k = 0; k < 3; k++) {
		struct calibration_point p = { 50.0, 1.01, leads[k] };
		struct calibration_result r;

		assert_int_equal(calibration_fit(&p, 1, &r), 0);
		assert_double_equal(r.tau_s, 0.0, 0.0);
		assert_double_equal(r.delay_s, 0.0, 1e-11);
		assert_double_equal(r.gain, 1.01, 1e-12);
	}
}

static void a_pole_that_would_lag_is_a_delay(void **state)
{
	/* less than in proportion to the frequency */
	const struct calibration_point p[2] = { { 50.0, 1.0, -0.010 }, { 60.0, 1.0, -0.011 } };
	struct calibration_result r;
	unsigned int k;

	assert_int_equal(calibration_fit(p, 2, &r), 0);
	assert_double_equal(r.tau_s, 0.0, 0.0);
	for (k = 0; k < 2; k++)
		assert_double_equal(calibration_lead(r.tau_s, r.delay_s, p[k].hz), p[k].lead,
				    0.0006);
	assert_true(r.spread_lead < 0.0006);
}

static void nonsense_is_refused(void **state)
{
	struct calibration_point p = { 50.0, NAN, 0.0 };
	struct calibration_result r;

	assert_int_equal(calibration_fit(&p, 0, &r), -EINVAL);
	assert_int_equal(calibration_fit(&p, 1, &r), -EINVAL);
	p = (struct calibration_point){ 0.0, 1.0, 0.0 };
	assert_int_equal(calibration_fit(&p, 1, &r), -EINVAL);
	/* 1.1 ms */
	p = (struct calibration_point){ 50.0, 1.0, -0.346 };
	assert_int_equal(calibration_fit(&p, 1, &r), -ERANGE);
	assert_true(CALIBRATION_DELAY_MAX_S <= STRIP_DELAY_MAX_S);
}

static void set(struct json_object *o, double gain)
{
	json_object_object_add(o, "gain", json_object_new_double(gain));
}

static double gain_of(struct json_object *tuning)
{
	struct json_object *o = tuning_input(tuning, "h/A");
	struct json_object *value;

	return json_object_object_get_ex(o, "gain", &value) ? json_object_get_double(value) : NAN;
}

static void write_gain(double gain)
{
	struct json_object *tuning;

	assert_int_equal(tuning_read(path, &tuning), 0);
	set(tuning_change(tuning, "h/A"), gain);
	assert_int_equal(tuning_write(path, tuning), 0);
	json_object_put(tuning);
}

static void last_change_can_be_undone(void **state)
{
	struct json_object *tuning;

	unlink(path);
	write_gain(1.1);
	write_gain(1.2);
	assert_int_equal(tuning_read(path, &tuning), 0);
	assert_double_equal(gain_of(tuning), 1.2, 1e-9);
	assert_int_equal(tuning_undo(tuning, "h/A"), 0);
	assert_double_equal(gain_of(tuning), 1.1, 1e-9);
	/* one step only */
	assert_int_equal(tuning_undo(tuning, "h/A"), -ENOENT);
	assert_int_equal(tuning_undo(tuning, "h/B"), -ENOENT);
	json_object_put(tuning);
	/* the first change undone: nothing is left of the input */
	unlink(path);
	write_gain(1.1);
	assert_int_equal(tuning_read(path, &tuning), 0);
	assert_int_equal(tuning_undo(tuning, "h/A"), 0);
	assert_null(tuning_input(tuning, "h/A"));
	json_object_put(tuning);
}

static void the_file_before_is_kept(void **state)
{
	struct json_object *tuning;
	char old[80];

	unlink(path);
	write_gain(1.1);
	write_gain(1.2);
	snprintf(old, sizeof(old), "%s.bak", path);
	assert_int_equal(tuning_read(old, &tuning), 0);
	assert_double_equal(gain_of(tuning), 1.1, 1e-9);
	json_object_put(tuning);
	assert_int_not_equal(
		tuning_write("/nowhere/at/all.json", tuning = json_object_new_object()), 0);
	json_object_put(tuning);
}

static void write_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void damaged_file_is_refused(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"inputs\": 3}", "null" };
	struct json_object *tuning;
	unsigned int k;

	for (k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		write_text(texts[k]);
		assert_int_equal(tuning_read(path, &tuning), -EINVAL);
		assert_null(tuning);
	}
}

static const char *const conf = "[load a]\ninputs = h/A\nphases = L1\n"
				"[input h/A]\ngain = 1.05\n";

static unsigned int changes;

static void on_changed(void *user)
{
	changes++;
}

static void file_takes_the_place_of_the_configuration(void **state)
{
	static struct chain c;
	struct config config;
	struct tuned *t;
	const struct load_element *e;

	write_text("{\"inputs\": {\"h/A\": {\"gain\": 1.01, \"tau_us\": 180000, \"delay_us\": 5, "
		   "\"phase\": \"L2\", \"reversed\": true}}}");
	chain_open_config(&c, &config, conf, 500.0, 4000.0);
	e = &c.in.load[0].element[0];
	assert_int_equal(tuned_open(&t, NULL, path, &c.in, NULL, NULL), 0);
	assert_double_equal(e->model.gain, 1.01, 1e-9);
	assert_double_equal(e->model.tau_s, 0.18, 1e-9);
	assert_double_equal(e->model.delay_s, 5e-6, 1e-12);
	assert_int_equal(e->slot, 1);
	assert_double_equal(e->sign, -1.0, 0.0);
	tuned_close(t);
	chain_close_config(&c, &config);
}

static void bad_values_leave_the_input_as_configured(void **state)
{
	static const char *const values[] = { "\"gain\": 0",	    "\"gain\": \"x\"",
					      "\"gain\": 1e9",	    "\"tau_us\": -1",
					      "\"delay_us\": 5000", "\"phase\": \"L9\"",
					      "\"phase\": 1",	    "\"reversed\": \"no\"" };
	static struct chain c;
	struct config config;
	struct tuned *t;
	char text[160];
	unsigned int k;

	for (k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
		snprintf(text, sizeof(text), "{\"inputs\": {\"h/A\": {%s}}}", values[k]);
		write_text(text);
		chain_open_config(&c, &config, conf, 500.0, 4000.0);
		assert_int_equal(tuned_open(&t, NULL, path, &c.in, NULL, NULL), 0);
		assert_double_equal(c.in.load[0].element[0].model.gain, 1.05, 1e-9);
		assert_int_equal(c.in.load[0].element[0].slot, 0);
		tuned_close(t);
		chain_close_config(&c, &config);
	}
}

static double sine(void *user, unsigned int channel, double scan)
{
	double turns = scan / 80.0 - (channel < 3 ? channel / 3.0 : 0.0);

	return (channel < 3 ? 230.0 : 10.0) * M_SQRT2 * sin(2 * M_PI * turns);
}

static void a_change_of_the_file_is_used_at_once(void **state)
{
	static struct chain c;
	struct config config;
	struct tuned *t;
	sd_event *event;

	unlink(path);
	changes = 0;
	chain_open_config(&c, &config, conf, 500.0, 4000.0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(tuned_open(&t, event, path, &c.in, on_changed, NULL), 0);
	chain_feed(&c, 1.0, sine, NULL);
	assert_double_equal(c.window[c.windows - 1].element[0].p_w, 2300.0 * 1.05, 0.5);
	write_gain(1.1);
	/* the new file under its first name is an event, too */
	while (!changes && sd_event_run(event, 5000000) > 0)
		;
	assert_int_equal(changes, 1);
	assert_int_equal(meter_rewire(c.meter), 0);
	chain_feed(&c, 1.0, sine, NULL);
	assert_double_equal(c.window[c.windows - 1].element[0].p_w, 2300.0 * 1.1, 0.5);
	tuned_close(t);
	sd_event_unref(event);
	chain_close_config(&c, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_frequency_gives_gain_and_pole),
		cmocka_unit_test(lag_is_a_delay),
		cmocka_unit_test(frequencies_apart_tell_pole_and_delay),
		cmocka_unit_test(an_ideal_sensor_has_neither_pole_nor_delay),
		cmocka_unit_test(a_pole_that_would_lag_is_a_delay),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(last_change_can_be_undone),
		cmocka_unit_test(the_file_before_is_kept),
		cmocka_unit_test(damaged_file_is_refused),
		cmocka_unit_test(file_takes_the_place_of_the_configuration),
		cmocka_unit_test(bad_values_leave_the_input_as_configured),
		cmocka_unit_test(a_change_of_the_file_is_used_at_once),
	};
	char command[96];
	int ret;

	seed = random_seed();
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/tuning.json", dir);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "%s.bak", path);
	unlink(command);
	unlink(path);
	rmdir(dir);
	return ret;
}
