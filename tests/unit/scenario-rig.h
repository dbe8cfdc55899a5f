/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario-rig - what scenarios of tests have in common.
 */
#ifndef TEST_SCENARIO_RIG_H
#define TEST_SCENARIO_RIG_H

#include <string.h>

#include "scenario.h"

/* A segment at 4 Mbit/s on three phases, sampled at 4 kHz; its modules are told after this. */
static inline void plain_scenario(struct scenario *s, unsigned int modules, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->bit_rate = 4e6;
	s->turnaround_s = 200e-6;
	s->rate_hz = 4000;
	s->depth_s = 0.5;
	s->seed = seed;
	s->signal.kind = mains_kind("3p+n");
	s->modules = modules;
}

#endif
