// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Readings out of registers, against a libiio that is played by this file: a Power Box
 * and a CT module behind it, with the names of either kind of kernel.
 */
#include "chain-config.h"

#include <iio.h>
#include <systemd/sd-event.h>

#include "register-meter.h"

#define ATTRS 40

/* An attribute; all are in the one channel of their device. */
struct attr {
	char name[40];
	char text[32];
	int error;
};

struct iio_channel {
	unsigned int attrs;
	struct attr attr[ATTRS];
};

struct iio_device {
	const char *id;
	const char *name;
	const char *label;
	unsigned int channels;
	struct iio_channel channel[ATTRS];
	bool there;
};

struct iio_context {
	struct iio_device *device[2];
	unsigned int devices;
};

static struct iio_device box;
static struct iio_device hub;
static unsigned int contexts;

struct iio_context *iio_create_context_from_uri(const char *uri)
{
	struct iio_context *c = calloc(1, sizeof(*c));

	if (box.there)
		c->device[c->devices++] = &box;
	if (hub.there)
		c->device[c->devices++] = &hub;
	contexts++;
	return c;
}

void iio_context_destroy(struct iio_context *c)
{
	contexts--;
	free(c);
}

int iio_context_set_timeout(struct iio_context *c, unsigned int ms)
{
	return 0;
}

unsigned int iio_context_get_devices_count(const struct iio_context *c)
{
	return c->devices;
}

struct iio_device *iio_context_get_device(const struct iio_context *c, unsigned int k)
{
	return c->device[k];
}

const char *iio_device_get_id(const struct iio_device *d)
{
	return d->id;
}

const char *iio_device_get_name(const struct iio_device *d)
{
	return d->name;
}

const char *iio_device_get_label(const struct iio_device *d)
{
	return d->label;
}

unsigned int iio_device_get_channels_count(const struct iio_device *d)
{
	return d->channels;
}

struct iio_channel *iio_device_get_channel(const struct iio_device *d, unsigned int k)
{
	return (struct iio_channel *)&d->channel[k];
}

unsigned int iio_channel_get_attrs_count(const struct iio_channel *ch)
{
	return ch->attrs;
}

const char *iio_channel_get_attr(const struct iio_channel *ch, unsigned int k)
{
	return ch->attr[k].name;
}

static const struct attr *find_attr(const struct iio_channel *ch, const char *name)
{
	unsigned int k;

	for (k = 0; k < ch->attrs; k++)
		if (!strcmp(ch->attr[k].name, name))
			return &ch->attr[k];
	return NULL;
}

ssize_t iio_channel_attr_read(const struct iio_channel *ch, const char *name, char *to, size_t n)
{
	const struct attr *a = find_attr(ch, name);

	if (!a || a->error)
		return a ? a->error : -ENOENT;
	return snprintf(to, n, "%s\n", a->text) + 1;
}

int iio_channel_attr_read_double(const struct iio_channel *ch, const char *name, double *value)
{
	const struct attr *a = find_attr(ch, name);

	if (!a || a->error)
		return a ? a->error : -ENOENT;
	*value = atof(a->text);
	return 0;
}

int sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
			       uint64_t accuracy, sd_event_time_handler_t handler, void *user)
{
	return sd_event_add_time(e, s, clock, 0, 1, handler, user);
}

int sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec)
{
	return sd_event_source_set_time(s, 0);
}

static void add_attr(struct iio_channel *ch, const char *prefix, const char *name, const char *text)
{
	struct attr *a = &ch->attr[ch->attrs++];

	snprintf(a->name, sizeof(a->name), "%s%s", prefix, name);
	snprintf(a->text, sizeof(a->text), "%s", text);
}

static struct attr *add_value(struct iio_device *d, const char *prefix, const char *label,
			      const char *scale, const char *raw)
{
	struct iio_channel *ch = &d->channel[d->channels++];

	add_attr(ch, prefix, "label", label);
	add_attr(ch, prefix, "scale", scale);
	add_attr(ch, prefix, "raw", raw);
	return &ch->attr[2];
}

static struct attr *current_b;
static struct attr *import_a;

/* @metering: names of kernels that have them, "active_raw" in front of "raw" */
static void make_house(bool metering)
{
	memset(&box, 0, sizeof(box));
	memset(&hub, 0, sizeof(hub));
	box.id = "iio:device0";
	box.name = "smappee-powerbox";
	box.label = "box";
	hub.id = "iio:device1";
	hub.name = "smappee-power";
	hub.label = "hub1";
	box.there = hub.there = true;
	add_value(&box, metering ? "rms_" : "", "L1", "1", "230100");
	add_attr(&box.channel[0], "", "sampling_frequency", "10");
	add_attr(&box.channel[0], "", "frequency", "50.012");
	add_value(&box, metering ? "rms_" : "", "L2", "1", "229000");
	add_value(&box, metering ? "rms_" : "", "L3", "1", "231500");
	add_value(&hub, metering ? "active_" : "", "A", "1", "999999999");
	add_value(&hub, metering ? "active_" : "", "A mean", "1", "1150500");
	add_value(&hub, metering ? "active_" : "", "B mean", "1", "-2061000");
	add_value(&hub, metering ? "reactive_" : "", "A reactive", "1", "1992000");
	add_value(&hub, metering ? "reactive_" : "", "B reactive", "1", "0");
	add_value(&hub, metering ? "apparent_" : "", "A apparent", "1", "2301000");
	add_value(&hub, metering ? "rms_" : "", "A current", "1", "10000");
	current_b = add_value(&hub, metering ? "rms_" : "", "B current", "1", "9000");
	import_a = add_value(&hub, "", "A import", "3600", "1234");
	add_value(&hub, "", "A export", "3600", "34");
	add_value(&hub, "", "B import", "3600", "5");
	add_value(&hub, "", "B export", "3600", "8000");
}

static struct chain c;
static struct config config;
static struct register_meter *meter;
static sd_event *event;

static const char conf[] = "[source]\nvalues = register\n"
			   "[load grid]\nrole = grid\ninputs = hub1/A\nphases = L1\n"
			   "[load solar]\nrole = production\ninputs = hub1/B\nphases = L2\n"
			   "[load house]\nrole = virtual\nformula = grid - solar\n"
			   "[load both]\ninputs = hub1/C, hub1/D\nphases = L1, L2\n";

static void start(void)
{
	chain_open_config(&c, &config, conf, 500, 4000);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(
		register_meter_open(&meter, event, &config.source, &c.in, chain_reading, &c), 0);
}

static void turn(unsigned int readings)
{
	unsigned int end = c.readings + readings;

	while (c.readings < end)
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
}

static void finish(void)
{
	register_meter_close(meter);
	sd_event_unref(event);
	chain_close_config(&c, &config);
	assert_int_equal(contexts, 0);
}

static void registers_become_a_reading(void **state)
{
	const struct load_reading *l = c.reading_load;
	unsigned int names;

	for (names = 0; names < 2; names++) {
		make_house(names);
		start();
		turn(1);
		assert_int_equal(c.reading.origin, READING_REGISTER);
		assert_int_equal(c.reading.sequence, 1);
		assert_double_equal(c.reading.frequency_hz, 50.012, 1e-9);
		assert_double_equal(c.reading.voltage[0].ln_v, 230.1, 1e-9);
		assert_double_equal(c.reading.voltage[2].ln_v, 231.5, 1e-9);
		assert_double_equal(l[0].p_w, 1150.5, 1e-9);
		assert_double_equal(l[0].q1_var, 1992.0, 1e-9);
		assert_double_equal(l[0].s_va, 2301.0, 1e-9);
		assert_double_equal(l[0].pf, 0.5, 1e-9);
		assert_double_equal(l[0].element[0].i_a, 10.0, 1e-9);
		assert_double_equal(l[0].import_j, 1234 * 3600.0, 1e-6);
		assert_double_equal(l[0].energy.net_j, 1200 * 3600.0, 1e-6);
		/* no register: apparent power from V and I; nothing is invented */
		assert_double_equal(l[1].s_va, 229.0 * 9.0, 1e-9);
		assert_double_equal(l[1].pf, -1.0, 1e-9);
		assert_true(isnan(l[0].element[0].dpf) && isnan(l[0].element[0].thd_i));
		assert_true(isnan(c.reading.u2_percent) && isnan(l[0].energy.reactive_vars[0]));
		assert_true(isnan(l[3].p_w) && isnan(l[3].import_j) && isnan(l[3].pf));
		/* roles and virtual loads as with waveforms */
		assert_double_equal(l[2].p_w, 1150.5 + 2061.0, 1e-9);
		assert_double_equal(l[2].energy.net_j, (1200 + 7995) * 3600.0, 1e-6);
		assert_true(isnan(l[2].import_j));
		assert_double_equal(c.reading.totals.production_w, 2061.0, 1e-9);
		assert_double_equal(c.reading.totals.consumption_w, 3211.5, 1e-9);
		finish();
	}
}

static void a_value_without_a_number_is_unknown_and_the_others_stay(void **state)
{
	make_house(false);
	start();
	current_b->error = -ENODATA;
	import_a->error = -ETIMEDOUT;
	turn(1);
	assert_true(isnan(c.reading_load[1].element[0].i_a));
	assert_double_equal(c.reading_load[1].p_w, -2061.0, 1e-9);
	assert_true(isnan(c.reading_load[1].s_va) && isnan(c.reading_load[1].pf));
	assert_true(isnan(c.reading_load[0].import_j) && isnan(c.reading_load[0].energy.net_j));
	import_a->error = 0;
	turn(1);
	assert_double_equal(c.reading_load[0].import_j, 1234 * 3600.0, 1e-6);
	finish();
}

static void a_module_that_goes_and_comes_is_read_again(void **state)
{
	unsigned int k;

	make_house(false);
	hub.there = false;
	start();
	turn(3);
	assert_true(isnan(c.reading_load[0].p_w));
	assert_double_equal(c.reading.voltage[0].ln_v, 230.1, 1e-9);
	hub.there = true;
	turn(3);
	assert_double_equal(c.reading_load[0].p_w, 1150.5, 1e-9);
	for (k = 0; k < hub.channels; k++)
		hub.channel[k].attr[2].error = -ENODEV;
	hub.there = false;
	turn(3);
	assert_true(isnan(c.reading_load[0].p_w));
	for (k = 0; k < hub.channels; k++)
		hub.channel[k].attr[2].error = 0;
	hub.there = true;
	turn(3);
	assert_double_equal(c.reading_load[0].p_w, 1150.5, 1e-9);
	finish();
}

static void a_reversed_ct_changes_import_for_export(void **state)
{
	make_house(true);
	start();
	c.in.load[0].element[0].sign = -1.0;
	turn(1);
	assert_double_equal(c.reading_load[0].p_w, -1150.5, 1e-9);
	assert_double_equal(c.reading_load[0].q1_var, -1992.0, 1e-9);
	assert_double_equal(c.reading_load[0].export_j, 1234 * 3600.0, 1e-6);
	assert_double_equal(c.reading_load[0].import_j, 34 * 3600.0, 1e-6);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_become_a_reading),
		cmocka_unit_test(a_value_without_a_number_is_unknown_and_the_others_stay),
		cmocka_unit_test(a_module_that_goes_and_comes_is_read_again),
		cmocka_unit_test(a_reversed_ct_changes_import_for_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
