// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cost of the metering chain per scan of 31 channels (3 voltages, 28 currents), against
 * plain accumulators in double precision on the same 16-bit scans in the same run: v * i, i^2
 * and v^2, one scan after the other, with no join, no cycles and no fundamental.
 *
 * Both begin at interleaved buffers of the devices, which a read has just filled, so they
 * are in the cache: 0.2 s of samples, again and again, with new time stamps. Filling them
 * is the kernel's work: its time is not counted, and one who counts instructions takes off
 * those of "fill". Prints JSON lines.
 *
 *	bench-meter			all figures
 *	bench-meter PART CHANNELS SCANS	only "chain", "quality", "plain" or "fill"
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "meter.h"
#include "quality.h"
#include "scan.h"

#define RATE 4000
#define HUBS_MAX 77
#define CURRENTS_MAX (4 * HUBS_MAX)
#define BLOCK 160
#define SECONDS 20
#define SCANS (RATE * SECONDS / BLOCK * BLOCK)
/* ten cycles, in whole blocks of both */
#define LOOP 800
#define ROUNDS 5

/* a device's scan: channels, then the time stamp */
struct scan {
	int16_t channel[4];
	int64_t time_ns;
};

static struct scan device[1 + HUBS_MAX][LOOP];
static unsigned int hubs;
static unsigned int currents;
static unsigned int scans = SCANS;
static struct installation in;
static struct load loads[CURRENTS_MAX];
static char names[CURRENTS_MAX][16];
static double scale[INPUT_CHANNELS_MAX];
static float rail[INPUT_CHANNELS_MAX];
static unsigned int readings;
static double filling_ns;
static double plain_p[CURRENTS_MAX];
static volatile double sink;

static void on_reading(void *user, const struct reading *r)
{
	readings++;
	sink = r->load[0].p_w;
}

static void add_channel(unsigned int d, const char *name, double unit)
{
	struct inputs *n = &in.inputs;

	n->channel[n->channels].name = name;
	n->channel[n->channels].device = d;
	n->channel[n->channels].within = n->device[d].channels;
	n->device[d].channel[n->device[d].channels++] = n->channels;
	rail[n->channels] = 32767.0f;
	scale[n->channels++] = unit;
}

static void make_house(unsigned int channels)
{
	unsigned int k;
	unsigned int d;

	memset(&in, 0, sizeof(in));
	currents = channels - 3;
	hubs = (currents + 3) / 4;
	in.topology = topology_find("3p+n");
	in.inputs.devices = 1 + hubs;
	for (k = 0; k < 3; k++) {
		add_channel(0, in.topology->phase[k], 0.015);
		in.voltage_ratio[k] = 1.0;
	}
	in.inputs.voltages = 3;
	in.load = loads;
	in.loads = currents;
	for (k = 0; k < currents; k++) {
		snprintf(names[k], sizeof(names[k]), "hub%u/%c", k / 4 + 1, 'A' + k % 4);
		loads[k] = (struct load){ .name = names[k], .elements = 1, .first = k };
		loads[k].element[0] = (struct load_element){ .input = names[k],
							     .slot = k % 3,
							     .sign = 1.0,
							     .ratio = 1.0,
							     .multiplier = 1.0,
							     .model = SENSOR_IDEAL };
		add_channel(k / 4 + 1, names[k], 0.003);
	}
	for (k = 0; k < LOOP; k++) {
		for (d = 0; d <= hubs; d++) {
			unsigned int c;

			for (c = 0; c < 4; c++)
				device[d][k].channel[c] = (int16_t)lrint(
					21000 *
					sin(2 * M_PI * (k * 50.0 / RATE - c / 3.0 - d / 50.0)));
			device[d][k].time_ns = (int64_t)k * (1000000000 / RATE);
		}
	}
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Before scan @at is read: the buffers hold the scans from it on. */
static void fill(unsigned int at)
{
	double start;
	unsigned int d;
	unsigned int k;

	if (at % LOOP)
		return;
	start = now_ns();
	for (d = 0; d <= hubs; d++)
		for (k = 0; k < LOOP; k++)
			device[d][k].time_ns = (int64_t)(at + k) * (1000000000 / RATE);
	filling_ns += now_ns() - start;
}

/* Time since @start, without that of fill(). */
static double since(double start)
{
	double ns = now_ns() - start - filling_ns;

	filling_ns = 0.0;
	return ns;
}

/* As source-iio.c takes a block. */
static void push(struct align *a, unsigned int d, unsigned int at, unsigned int n)
{
	struct align_space space;
	unsigned int done;
	unsigned int room;

	for (done = 0; done < n; done += room) {
		const struct scan *s = &device[d][at % LOOP + done];
		
		room = align_space(a, d, &space);

		if (room > n - done)
			room = n - done;
		scan_split_s16((const char *)s, sizeof(*s), room, in.inputs.device[d].channels,
			       space.channel);
		scan_stamps((const char *)&s->time_ns, sizeof(*s), room, space.time_ns);
		align_commit(a, d, room);
	}
}

static struct quality *make_quality(void)
{
	struct quality_config config;
	struct quality *q;

	quality_defaults(&config);
	config.rate_hz = RATE;
	config.slots = 3;
	config.inputs = currents;
	config.captured = 3;
	config.wiring = QUALITY_STAR;
	config.declared_v = 230;
	config.mains_hz = 50;
	if (quality_create(&q, &config))
		exit(1);
	return q;
}

/* The chain, with power quality or without. */
static double chain(bool with_quality)
{
	struct meter_config config = {
		.in = &in, .rate_hz = RATE, .scale = scale, .rail = rail, .publish = on_reading
	};
	struct meter *m;
	double start;
	unsigned int at;
	unsigned int d;

	config.quality = with_quality ? make_quality() : NULL;
	if (align_create(&config.align, &in.inputs, RATE, 500000000) ||
	    registers_open(&config.registers, &in, NULL) || meter_create(&m, &config))
		exit(1);
	start = now_ns();
	for (at = 0; at < scans; at += BLOCK) {
		fill(at);
		for (d = 0; d <= hubs; d++)
			push(config.align, d, at, BLOCK);
		meter_process(m);
	}
	start = since(start);
	meter_destroy(m);
	quality_destroy(config.quality);
	align_destroy(config.align);
	registers_close(config.registers);
	return start / at;
}

static double plain(void)
{
	double vv[3] = { 0 };
	double ii[CURRENTS_MAX] = { 0 };
	double vi[CURRENTS_MAX] = { 0 };
	double start = now_ns();
	unsigned int at;
	unsigned int k;

	for (at = 0; at < scans; at++) {
		unsigned int now = at % LOOP;
		double v[3];

		if (!now)
			fill(at);
		for (k = 0; k < 3; k++) {
			v[k] = device[0][now].channel[k];
			vv[k] += v[k] * v[k];
		}
		for (k = 0; k < currents; k++) {
			double i = device[k / 4 + 1][now].channel[k % 4];

			ii[k] += i * i;
			vi[k] += v[k % 3] * i;
		}
	}
	start = since(start);
	for (k = 0; k < currents; k++) {
		plain_p[k] = vi[k];
		sink = ii[k] + vv[k % 3];
	}
	return start / at;
}

static void fill_alone(void)
{
	unsigned int at;

	for (at = 0; at < scans; at += LOOP)
		fill(at);
}

/* The best of some runs. */
static double best(double (*run)(void))
{
	double least = INFINITY;
	unsigned int k;

	for (k = 0; k < ROUNDS; k++)
		least = fmin(least, run());
	return least;
}

static double chain_alone(void)
{
	return chain(false);
}

static double chain_with_quality(void)
{
	return chain(true);
}

static void figure(const char *name, double value, const char *against, double base)
{
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"ns/scan\",\"against\":\"%s: %.2f "
	       "ns/scan\",\"ratio\":%.3f}\n",
	       name, value, against, base, value / base);
}

/* One voltage module, and 1 to 307 currents. */
static void linearity(void)
{
	static const unsigned int channels[] = { 4, 10, 31, 100, 310 };
	double per_channel = 0.0;
	unsigned int k;

	for (k = 0; k < sizeof(channels) / sizeof(channels[0]); k++) {
		char name[80];
		double ns;

		make_house(channels[k]);
		ns = best(chain_alone) / channels[k];
		if (!k)
			per_channel = ns;
		snprintf(name, sizeof(name), "meter chain, %u channels, per channel", channels[k]);
		figure(name, ns, "per channel of 4", per_channel);
	}
}

static void all_figures(void)
{
	double alone;
	double base;

	make_house(31);
	base = best(plain);
	alone = best(chain_alone);
	figure("meter chain, 31 channels", alone, "plain double v*i, i^2, v^2", base);
	figure("meter chain with power quality, 31 channels", best(chain_with_quality), "without",
	       alone);
	printf("{\"name\":\"meter chain, share of a core at 4 "
	       "kHz\",\"value\":%.4f,\"unit\":\"%%\",\"against\":\"1 %%\",\"ratio\":%.4f}\n",
	       alone * RATE / 1e7, alone * RATE / 1e7);
	linearity();
}

int main(int argc, char **argv)
{
	unsigned int channels = argc == 4 ? (unsigned int)strtoul(argv[2], NULL, 10) : 31;

	if (argc == 1) {
		all_figures();
		if (readings >= ROUNDS * (SECONDS - 2))
			return 0;
		fprintf(stderr, "bench-meter: only %u readings\n", readings);
		return 1;
	}
	if (argc != 4 || channels < 4 || channels > 3 + CURRENTS_MAX) {
		fputs("usage: bench-meter [chain|quality|plain|fill CHANNELS SCANS]\n", stderr);
		return 2;
	}
	scans = (unsigned int)strtoul(argv[3], NULL, 10) / BLOCK * BLOCK;
	make_house(channels);
	if (!strcmp(argv[1], "fill"))
		fill_alone();
	else if (!strcmp(argv[1], "plain"))
		plain();
	else
		chain(!strcmp(argv[1], "quality"));
	return 0;
}
