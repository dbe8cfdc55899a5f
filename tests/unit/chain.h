/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain - a meter with one device per module, fed with samples by a test.
 */
#ifndef TEST_CHAIN_H
#define TEST_CHAIN_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meter.h"
#include "quality.h"
#include "support/waveform.h"
#include "tap.h"
#include "wiring.h"

/* Debian 12's cmocka does not have it yet, and that of Debian 13 takes NAN for equal */
#undef assert_double_equal
#define assert_double_equal(a, b, epsilon)                                                         \
	chain_near((a), (b), (epsilon), #a " != " #b, __FILE__, __LINE__)
static inline void chain_near(double a, double b, double epsilon, const char *text,
			      const char *file, int line)
{
	if (fabs(a - b) <= epsilon)
		return;
	print_error("%s: %.9g, %.9g\n", text, a, b);
	_fail(file, line);
}

#define CHAIN_WINDOWS 512
#define CHAIN_BLOCK 160

struct chain {
	struct installation in;
	struct load load[INPUT_CHANNELS_MAX];
	char name[INPUT_CHANNELS_MAX][16];
	double scale[INPUT_CHANNELS_MAX];
	float rail[INPUT_CHANNELS_MAX]; /* none is known */
	double rate_hz;
	int64_t epoch_ns; /* time stamp of scan 0 */
	uint64_t scan;	  /* next */
	struct align *align;
	struct registers *registers;
	struct meter *meter;
	unsigned int windows;
	struct meter_window window[CHAIN_WINDOWS];
	unsigned int readings;
	struct reading reading;
	struct load_reading reading_load[INPUT_CHANNELS_MAX];
	struct tap *tap;	 /* takes the scans, when there is one */
	struct wiring *wiring;	 /* sees the windows, when there is one */
	struct quality *quality; /* of the meter, when there is one */
	unsigned int bits;	 /* of the samples; 0: 16 */
};

/* Value of a channel, V or A, at scan number @scan. */
typedef double chain_signal(void *user, unsigned int channel, double scan);

static inline void chain_window(void *user, const struct meter_window *w)
{
	struct chain *c = user;

	if (c->windows < CHAIN_WINDOWS)
		c->window[c->windows++] = *w;
	if (c->wiring)
		wiring_add(c->wiring, w);
	if (c->wiring)
		wiring_spectra(c->wiring, quality_harmonics(c->quality));
}

static inline void chain_reading(void *user, const struct reading *r)
{
	struct chain *c = user;

	c->reading = *r;
	memcpy(c->reading_load, r->load, r->loads * sizeof(*r->load));
	c->reading.load = c->reading_load;
	c->readings++;
}

static inline void chain_scans(void *user, const struct align_run *run)
{
	struct chain *c = user;

	if (c->tap)
		tap_scans(c->tap, run, 0);
}

static inline unsigned int chain_channel(struct inputs *in, unsigned int device, const char *name)
{
	struct input_device *d = &in->device[device];

	in->channel[in->channels].name = name;
	in->channel[in->channels].device = device;
	in->channel[in->channels].within = d->channels;
	d->channel[d->channels++] = in->channels;
	return in->channels++;
}

/* The meter of the chain, with the power quality that it has. */
static inline void chain_meter(struct chain *c)
{
	struct meter_config config = { 0 };

	config.in = &c->in;
	config.rate_hz = c->rate_hz;
	config.quality = c->quality;
	config.align = c->align;
	config.registers = c->registers;
	config.scale = c->scale;
	config.scans = chain_scans;
	config.rail = c->rail;
	config.publish = chain_reading;
	config.window = chain_window;
	config.user = c;
	assert_int_equal(meter_create(&c->meter, &config), 0);
}

/* The installation is complete: make the chain. */
static inline void chain_start(struct chain *c, double rate_hz, const char *registers)
{
	unsigned int k;

	for (k = 0; k < INPUT_CHANNELS_MAX; k++)
		c->rail[k] = INFINITY;

	c->rate_hz = rate_hz;
	assert_int_equal(align_create(&c->align, &c->in.inputs, rate_hz, 500000000), 0);
	assert_int_equal(registers_open(&c->registers, &c->in, registers), 0);
	chain_meter(c);
}

/*
 * One load per element when @elements <= @slots * 1 ... else in slots round robin;
 * device 0 has the voltages, then hubs of four currents. LSBs: 15.26 mV and 1.53 mA.
 */
static inline void chain_open(struct chain *c, const char *topology, unsigned int elements,
			      unsigned int per_load, double rate_hz, const char *registers)
{
	struct inputs *in = &c->in.inputs;
	unsigned int k;

	memset(c, 0, sizeof(*c));
	c->in.topology = topology_find(topology);
	c->in.load = c->load;
	c->in.pf_min_va = 1.0;
	in->devices = 1 + (elements + 3) / 4;
	for (k = 0; k < c->in.topology->voltages; k++) {
		c->scale[chain_channel(in, 0, c->in.topology->phase[k])] = 500.0 / 32768;
		c->in.voltage_ratio[k] = 1.0;
	}
	in->voltages = in->channels;
	for (k = 0; k < elements; k++) {
		struct load *load = &c->load[k / per_load];

		snprintf(c->name[k], sizeof(c->name[k]), "hub%u/%c", 1 + k / 4, 'A' + k % 4);
		c->scale[chain_channel(in, 1 + k / 4, c->name[k])] = 50.0 / 32768;
		if (!load->elements) {
			load->name = c->name[k];
			load->role = LOAD_SUBMETER;
			load->first = k;
			c->in.loads++;
		}
		load->element[load->elements].input = c->name[k];
		load->element[load->elements].slot = k % c->in.topology->slots;
		load->element[load->elements].sign = 1.0;
		load->element[load->elements].ratio = 1.0;
		load->element[load->elements].multiplier = 1.0;
		load->element[load->elements].model = SENSOR_IDEAL;
		load->elements++;
	}
	chain_start(c, rate_hz, registers);
}

static inline void chain_close(struct chain *c)
{
	meter_destroy(c->meter);
	align_destroy(c->align);
	registers_close(c->registers);
}

static inline int64_t chain_ns(const struct chain *c, double scan)
{
	return c->epoch_ns + llround(scan * 1e9 / c->rate_hz);
}

/* Write up to @n scans of one device. */
static inline void chain_push(struct chain *c, unsigned int device, uint64_t first, unsigned int n,
			      chain_signal *signal, void *user)
{
	const struct input_device *d = &c->in.inputs.device[device];
	struct align_space space;
	unsigned int done;
	unsigned int j;
	unsigned int k;

	for (done = 0; done < n; done += j) {
		unsigned int room = align_space(c->align, device, &space);

		assert_true(room > 0);
		for (j = 0; j < room && done + j < n; j++) {
			space.time_ns[j] = chain_ns(c, (double)(first + done + j));
			for (k = 0; k < d->channels; k++)
				space.channel[k][j] = quantise_to(
					signal(user, d->channel[k], (double)(first + done + j)),
					c->scale[d->channel[k]], c->bits ? c->bits : 16);
		}
		align_commit(c->align, device, j);
	}
}

/* Feed all devices for @seconds. */
static inline void chain_feed(struct chain *c, double seconds, chain_signal *signal, void *user)
{
	uint64_t end = c->scan + (uint64_t)llround(seconds * c->rate_hz);
	unsigned int d;

	while (c->scan < end) {
		unsigned int n =
			end - c->scan < CHAIN_BLOCK ? (unsigned int)(end - c->scan) : CHAIN_BLOCK;

		for (d = 0; d < c->in.inputs.devices; d++)
			chain_push(c, d, c->scan, n, signal, user);
		meter_process(c->meter);
		c->scan += n;
	}
}

#endif
