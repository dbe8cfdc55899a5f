// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IIO source against a libiio that is played by this file: devices with labels
 * that come, go, stay away, refuse a rate and deliver at their own pace. The
 * source's timers run 50 times as fast.
 */
#include "chain.h"

#include <dirent.h>
#include <dlfcn.h>
#include <iio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "source.h"

#define DEVICES 3
#define HASTE 50

struct iio_channel {
	char id[16];
	const char *label;
	bool enabled;
	bool stamp;
	double scale; /* NAN: it has none */
	struct iio_data_format format;
};

struct iio_device {
	const char *id;
	const char *name;
	const char *label;
	unsigned int channels;
	struct iio_channel channel[5];
	bool there;
	double rate_hz;
	char clock[16];
	unsigned int opened; /* how often its buffer was made */
	unsigned int depth;  /* blocks of the kernel's FIFO */
	bool streaming;
	int fails;	 /* errno of the next refill */
	uint64_t next;	 /* index of the next scan */
	uint64_t behind; /* scans that it does not give yet */
	int64_t shift;	 /* of its stamps, ns: another segment's clock */
	long long lost_scans;
	long long overruns;
	struct iio_buffer *buffer;
};

struct iio_context {
	unsigned int devices;
	struct iio_device *device[DEVICES];
};

struct iio_buffer {
	struct iio_device *dev;
	size_t scans;
	bool blocking;
	_Alignas(8) char data[65536];
};

static struct iio_device house[DEVICES];
static uint64_t clock_scans; /* scans that exist */
static unsigned int contexts;
static int refuse; /* errno of setting hub2's rate */

struct iio_context *iio_create_context_from_uri(const char *uri)
{
	struct iio_context *ctx = calloc(1, sizeof(*ctx));
	unsigned int k;

	for (k = 0; k < DEVICES; k++)
		if (house[k].there)
			ctx->device[ctx->devices++] = &house[k];
	contexts++;
	return ctx;
}

void iio_context_destroy(struct iio_context *ctx)
{
	contexts--;
	free(ctx);
}

int iio_context_set_timeout(struct iio_context *ctx, unsigned int ms)
{
	return 0;
}

unsigned int iio_context_get_devices_count(const struct iio_context *ctx)
{
	return ctx->devices;
}

struct iio_device *iio_context_get_device(const struct iio_context *ctx, unsigned int k)
{
	return ctx->device[k];
}

const char *iio_device_get_id(const struct iio_device *dev)
{
	return dev->id;
}

const char *iio_device_get_name(const struct iio_device *dev)
{
	return dev->name;
}

const char *iio_device_get_label(const struct iio_device *dev)
{
	return dev->label;
}

unsigned int iio_device_get_channels_count(const struct iio_device *dev)
{
	return dev->channels;
}

struct iio_channel *iio_device_get_channel(const struct iio_device *dev, unsigned int k)
{
	return (struct iio_channel *)&dev->channel[k];
}

struct iio_channel *iio_device_find_channel(const struct iio_device *dev, const char *name,
					    bool out)
{
	return (struct iio_channel *)&dev->channel[dev->channels - 1];
}

const char *iio_device_find_attr(const struct iio_device *dev, const char *name)
{
	return strcmp(name, "repaired_blocks") ? name : NULL;
}

ssize_t iio_device_attr_read(const struct iio_device *dev, const char *attr, char *to, size_t bytes)
{
	if (!strcmp(attr, "current_timestamp_clock"))
		return snprintf(to, bytes, "%s\n", dev->clock) + 1;
	return snprintf(to, bytes, "2000 4000\n") + 1;
}

ssize_t iio_device_attr_write(const struct iio_device *dev, const char *attr, const char *text)
{
	assert_false(dev->streaming);
	snprintf(((struct iio_device *)dev)->clock, sizeof(dev->clock), "%s", text);
	return 1;
}

int iio_device_attr_read_double(const struct iio_device *dev, const char *attr, double *value)
{
	*value = dev->rate_hz;
	return 0;
}

int iio_device_attr_write_double(const struct iio_device *dev, const char *attr, double value)
{
	if (refuse && dev == &house[2])
		return -refuse;
	if (value != 2000 && value != 4000)
		return -EINVAL;
	((struct iio_device *)dev)->rate_hz = value;
	return 0;
}

int iio_device_attr_read_longlong(const struct iio_device *dev, const char *attr, long long *value)
{
	*value = strcmp(attr, "overruns") ? dev->lost_scans : dev->overruns;
	return 0;
}

int iio_device_set_kernel_buffers_count(const struct iio_device *dev, unsigned int n)
{
	((struct iio_device *)dev)->depth = n;
	return 0;
}

/* Room of a scan: enabled channels of 2 bytes, then the stamp of 8, aligned. */
static ptrdiff_t stamp_offset(const struct iio_device *dev)
{
	unsigned int n = 0;
	unsigned int k;

	for (k = 0; k + 1 < dev->channels; k++)
		n += dev->channel[k].enabled;
	return (2 * n + 7) / 8 * 8;
}

struct iio_buffer *iio_device_create_buffer(const struct iio_device *dev, size_t scans, bool cyclic)
{
	struct iio_device *d = (struct iio_device *)dev;
	struct iio_buffer *b = calloc(1, sizeof(*b));

	assert_string_equal(d->clock, "monotonic");
	assert_true(scans * (stamp_offset(dev) + 8) <= sizeof(b->data));
	assert_false(d->streaming);
	b->dev = d;
	b->scans = scans;
	b->blocking = true;
	d->buffer = b;
	d->streaming = true;
	d->opened++;
	d->next = clock_scans - d->behind;
	return b;
}

void iio_buffer_destroy(struct iio_buffer *b)
{
	b->dev->streaming = false;
	free(b);
}

int iio_buffer_set_blocking_mode(struct iio_buffer *b, bool blocking)
{
	b->blocking = blocking;
	return 0;
}

ptrdiff_t iio_buffer_step(const struct iio_buffer *b)
{
	return stamp_offset(b->dev) + 8;
}

void *iio_buffer_start(const struct iio_buffer *b)
{
	return (void *)b->data;
}

void *iio_buffer_end(const struct iio_buffer *b)
{
	return (char *)b->data + b->scans * iio_buffer_step(b);
}

void *iio_buffer_first(const struct iio_buffer *b, const struct iio_channel *ch)
{
	ptrdiff_t at = 0;
	unsigned int k;

	if (ch->stamp)
		return (char *)b->data + stamp_offset(b->dev);
	for (k = 0; &b->dev->channel[k] != ch; k++)
		at += 2 * b->dev->channel[k].enabled;
	return (char *)b->data + at;
}

static double amplitude(const struct iio_device *dev)
{
	return dev == &house[0] ? 230 * M_SQRT2 / 0.02 : 10 * M_SQRT2 / 0.005;
}

ssize_t iio_buffer_refill(struct iio_buffer *b)
{
	struct iio_device *d = b->dev;
	uint64_t ready = clock_scans - d->behind;
	size_t n = 0;
	unsigned int k;

	/* only the network may wait */
	assert_false(b->blocking);
	if (d->fails)
		return -d->fails;
	for (; n < b->scans && d->next < ready; n++, d->next++) {
		char *scan = b->data + n * iio_buffer_step(b);
		int64_t *stamp = (int64_t *)(scan + stamp_offset(d));
		int16_t *to = (int16_t *)scan;

		*stamp = (int64_t)d->next * 250000 + d->shift;
		for (k = 0; k + 1 < d->channels; k++)
			if (d->channel[k].enabled)
				*to++ = (int16_t)lrint(amplitude(d) *
						       sin(2 * M_PI * (d->next / 80.0 - k / 3.0)));
	}
	return n ? (ssize_t)(n * iio_buffer_step(b)) : -EAGAIN;
}

bool iio_channel_is_output(const struct iio_channel *ch)
{
	return false;
}

bool iio_channel_is_scan_element(const struct iio_channel *ch)
{
	return true;
}

ssize_t iio_channel_attr_read(const struct iio_channel *ch, const char *attr, char *to,
			      size_t bytes)
{
	if (!ch->label)
		return -ENOENT;
	return snprintf(to, bytes, "%s\n", ch->label) + 1;
}

int iio_channel_attr_read_double(const struct iio_channel *ch, const char *attr, double *value)
{
	*value = ch->scale;
	return isnan(ch->scale) ? -ENOENT : 0;
}

const char *iio_channel_get_id(const struct iio_channel *ch)
{
	return ch->id;
}

void iio_channel_enable(struct iio_channel *ch)
{
	ch->enabled = true;
}

void iio_channel_disable(struct iio_channel *ch)
{
	ch->enabled = false;
}

const struct iio_data_format *iio_channel_get_data_format(const struct iio_channel *ch)
{
	return &ch->format;
}

void iio_channel_convert(const struct iio_channel *ch, void *to, const void *from)
{
	fail_msg("16 bits of the host need no conversion");
}

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

/* The list of IIO devices in sysfs: those that are there. */
static unsigned int listed;

DIR *opendir(const char *path)
{
	assert_string_equal(path, "/sys/bus/iio/devices");
	listed = 0;
	return (DIR *)&listed;
}

struct dirent *readdir(DIR *dir)
{
	static struct dirent entry;

	while (listed < DEVICES && !house[listed].there)
		listed++;
	if (listed == DEVICES)
		return NULL;
	entry.d_ino = 1000 + listed;
	snprintf(entry.d_name, sizeof(entry.d_name), "%s", house[listed++].id);
	return &entry;
}

int closedir(DIR *dir)
{
	return 0;
}

static void make_device(unsigned int k, const char *id, const char *name, const char *label,
			const char *kind, const char *const *labels, unsigned int channels)
{
	struct iio_device *d = &house[k];
	unsigned int c;

	memset(d, 0, sizeof(*d));
	d->id = id;
	d->name = name;
	d->label = label;
	d->rate_hz = 2000;
	d->there = true;
	strcpy(d->clock, "realtime");
	for (c = 0; c <= channels; c++) {
		bool stamp = c == channels;

		snprintf(d->channel[c].id, sizeof(d->channel[c].id), "%s%u", kind, c);
		d->channel[c].label = stamp ? NULL : labels[c];
		d->channel[c].stamp = stamp;
		d->channel[c].scale = strcmp(kind, "voltage") ? 5.0 : 20.0;
		d->channel[c].format = (struct iio_data_format){ .length = stamp ? 64 : 16,
								 .bits = stamp ? 64 : 16,
								 .is_signed = true };
	}
	d->channels = channels + 1;
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
	FILE *log = tmpfile();
	int keep = dup(STDERR_FILENO);
	size_t n;

	dup2(fileno(log), STDERR_FILENO);
	run(until);
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(log);
	n = fread(said, 1, sizeof(said) - 1, log);
	said[n] = '\0';
	fclose(log);
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
