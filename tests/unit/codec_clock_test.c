// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's clock on the simulator's sync answers: how far the time that it gives
 * to a scan is from when the simulated reference sampled it.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../drivers/tty/serdev/smappee_bus/clock.h"
#include "../../drivers/tty/serdev/smappee_bus/samples.h"
#include "../../userspace/tools/smappee-sim/frame.h"
#include "../../userspace/tools/smappee-sim/random.h"
#include "../../userspace/tools/smappee-sim/segment.h"
#include "scenario-rig.h"

#define SEEDS 12
#define SETTLE_S 60.0
#define RUN_S 300.0
/* What the driver does: fast until there is a clock, then four times a second. */
#define SYNC_FAST_S 0.1
#define INDEX_BASE (1ULL << 32)

/**
 * struct host - what the driver's sync.c does with the clock
 * @known: an answer came before
 * @seen_ns: when the host noticed it
 * @index: of the last event, in 64 bits
 * @asked: scans up to this one have been given a time
 */
struct host {
	struct smappee_clock clock;
	bool known;
	int64_t seen_ns;
	uint64_t index;
	uint64_t asked;
};

/* Errors of all scans that were looked at, ns. */
struct errors {
	unsigned long n;
	double sum;
	double squares;
	double most;
	double least;
};

struct row {
	const char *name;
	double interval_s;
	double jitter_s;
	double mean_ns; /* allowed */
	double worst_ns;
};

static struct scenario s;
static struct segment g;

static void build(uint64_t seed)
{
	uint64_t random = seed;
	struct scenario_module *m = &s.module[0];

	plain_scenario(&s, 1, seed);
	snprintf(m->name, sizeof(m->name), "voltage");
	m->type = SMAPPEE_TYPE_OPEN_VOLTAGE;
	m->unit = 1;
	m->serial = 1;
	m->channels = 3;
	m->reference = true;
	m->crystal_ppm = 100 * random_unit(&random) - 50;
	m->wander_ppm = 0.2;
	m->wander_period_s = 600;
	m->capture_ns = 10;
	for (unsigned int c = 0; c < m->channels; c++)
		m->full_scale[c] = 500;
	assert_int_equal(segment_init(&g, &s), 0);
}

/* One sync transaction at true time @t; the host notices the edge @late seconds late. */
static void sync_at(struct host *host, double t, double late)
{
	uint8_t request[4] = { 1, SMAPPEE_FC_SYNC };
	static struct reply reply;
	struct smappee_sync sync;

	frame_seal(request, 2);
	segment_request(&g, request, sizeof(request), t, &reply);
	assert_int_equal(smappee_sync_parse(reply.bytes, reply.len, &sync), 0);
	if (host->known) {
		host->index = smappee_index_extend(host->index, sync.index);
		assert_true(smappee_clock_add(&host->clock, host->index, sync.phase,
					      host->seen_ns) >= 0);
	}
	host->known = true;
	host->seen_ns = (int64_t)((reply.edge_s + late) * 1e9);
}

/* The time of each 16th scan that has been sampled by @t, for the first time. */
static void look(struct host *host, double t, struct errors *e)
{
	uint64_t end = INDEX_BASE + (uint64_t)module_position(&g.module[0], t).index;

	for (; host->asked < end; host->asked += 16) {
		u64 until;
		const struct smappee_epoch *epoch =
			smappee_clock_epoch(&host->clock, host->asked, host->asked + 16, &until);
		double truth =
			module_sample_time(&g.module[0], (int64_t)(host->asked - INDEX_BASE));
		double error;

		if (!epoch)
			continue;
		error = (double)smappee_epoch_time(epoch, host->asked) - truth * 1e9;
		if (t < SETTLE_S)
			continue;
		e->most = e->n ? fmax(e->most, error) : error;
		e->least = e->n ? fmin(e->least, error) : error;
		e->sum += error;
		e->squares += error * error;
		e->n++;
	}
}

static void run(uint64_t seed, const struct row *row, struct errors *e)
{
	struct host host = { .index = INDEX_BASE, .asked = INDEX_BASE + 4000 };
	uint64_t random = seed * 977;
	double t = 0.1;

	build(seed);
	smappee_clock_init(&host.clock, s.rate_hz);
	while (t < SETTLE_S + RUN_S) {
		sync_at(&host, t, row->jitter_s * random_unit(&random));
		t += t < 1 ? SYNC_FAST_S : row->interval_s;
		look(&host, t, e);
	}
	segment_free(&g);
}

static void scans_get_the_time_at_which_they_were_sampled(void **state)
{
	static const struct row rows[] = {
		{ "four a second, at once", 0.25, 0, 1000, 5000 },
		{ "four a second, 1 ms", 0.25, 1e-3, 30000, 250000 },
		{ "one a second, 1 ms", 1, 1e-3, 80000, 700000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct errors e = { 0 };
		double mean;

		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			run(seed, &rows[i], &e);
		mean = e.sum / (double)e.n;
		printf("# %s: %lu scans, mean %+.1f us, RMS about it %.1f us, %+.1f to %+.1f us\n",
		       rows[i].name, e.n, mean / 1e3,
		       sqrt(e.squares / (double)e.n - mean * mean) / 1e3, e.least / 1e3,
		       e.most / 1e3);
		assert_true(e.n > (unsigned long)(SEEDS * RUN_S * 4000 / 16 * 0.99));
		assert_true(fabs(mean) <= rows[i].mean_ns);
		assert_true(fmax(-e.least, e.most) <= rows[i].worst_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_get_the_time_at_which_they_were_sampled),
	};

	return cmocka_run_group_tests_name("codec_clock", tests, NULL, NULL);
}
