/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay-rig - a recording through configuration, replay source and chain, as meterd
 * puts them together.
 */
#ifndef TEST_REPLAY_RIG_H
#define TEST_REPLAY_RIG_H

#include <unistd.h>

#include "chain-config.h"
#include "quality-config.h"
#include "source.h"

#define EVENTS 16

struct run {
	struct config config;
	struct installation in;
	struct source *source;
	struct chain chain; /* only its results, align, registers, meter, scale */
	struct quality *quality;
	unsigned int events; /* that are over */
	struct pq_event pq[EVENTS];
	sd_event *event;
	int ended;
};

static struct run r;
/* who gets the readings */
static void (*publish)(void *user, const struct reading *r) = chain_reading;
static char conf_path[] = "/tmp/replay-conf-XXXXXX";

static inline void on_process(void *user)
{
	meter_process(r.chain.meter);
}

static inline void on_alive(void *user)
{
}

static inline void on_end(void *user)
{
	r.ended = 1;
	sd_event_exit(r.event, 0);
}

static inline void on_pq(void *user, const struct pq_event *e)
{
	if (e->finished && r.events < EVENTS)
		r.pq[r.events++] = *e;
}

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Return: 0, or the error of opening or of the loop. */
static inline int replay(const char *conf)
{
	struct meter_config m = { .in = &r.in, .publish = publish, .window = chain_window };
	struct source_sink sink = { .process = on_process, .alive = on_alive, .end = on_end };
	struct quality_config q;
	int error;

	memset(&r, 0, sizeof(r));
	write_file(conf_path, conf);
	assert_int_equal(config_read(&r.config, conf_path, NULL), 0);
	assert_int_equal(installation_make(&r.in, &r.config, NULL), 0);
	error = source_replay_open(&r.source, &r.config.source, &r.in.inputs);
	if (error)
		return error;
	assert_int_equal(align_create(&r.chain.align, &r.in.inputs, r.source->rate_hz, 500000000),
			 0);
	assert_int_equal(registers_open(&r.chain.registers, &r.in, NULL), 0);
	assert_true(quality_configure(&q, &r.config.quality, &r.in));
	q.rate_hz = r.source->rate_hz;
	q.event = on_pq;
	assert_int_equal(quality_create(&r.quality, &q), 0);
	m.quality = r.quality;
	m.rate_hz = r.source->rate_hz;
	m.align = r.chain.align;
	m.registers = r.chain.registers;
	m.scale = r.chain.scale;
	m.user = &r.chain;
	assert_int_equal(meter_create(&r.chain.meter, &m), 0);
	assert_true(sd_event_new(&r.event) >= 0);
	sink.align = r.chain.align;
	sink.scale = r.chain.scale;
	sink.rail = r.chain.rail;
	assert_int_equal(r.source->ops->start(r.source, r.event, &sink), 0);
	error = sd_event_loop(r.event);
	return error;
}

static inline void finish(void)
{
	if (r.chain.meter)
		chain_close(&r.chain);
	quality_destroy(r.quality);
	if (r.source)
		r.source->ops->close(r.source);
	sd_event_unref(r.event);
	installation_free(&r.in);
	config_free(&r.config);
}

#endif
