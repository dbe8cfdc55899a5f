// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracker of the reference's sample clock. Time is in local seconds, the error
 * in seconds, the rate relative to the nominal one.
 */
#include "servo.h"

/* Two crystals of 50 ppm, with a little more for temperature. */
#define RATE_SIGMA_START 110e-6
/* How much a crystal's frequency is expected to move in a second. */
#define RATE_SIGMA_PER_S 1e-8

void servo_reset(struct servo *s, double nominal_hz, double capture_s)
{
	*s = (struct servo){ .nominal_hz = nominal_hz, .capture_s = capture_s, .rate = nominal_hz };
}

struct position servo_position(const struct servo *s, double local)
{
	return position_add(s->at, (local - s->local) * s->rate);
}

static void first_pair(struct servo *s, double local, uint32_t index, double phase, double noise)
{
	s->pairs = 1;
	s->local = local;
	s->at = (struct position){ index, phase };
	s->var_time = noise;
	s->var_rate = RATE_SIGMA_START * RATE_SIGMA_START;
	s->covar = 0;
}

static void let_time_pass(struct servo *s, double local)
{
	double dt = local - s->local;
	double q = RATE_SIGMA_PER_S * RATE_SIGMA_PER_S;

	s->at = servo_position(s, local);
	s->local = local;
	s->var_time += dt * (2 * s->covar + dt * s->var_rate) + q * dt * dt * dt / 3;
	s->covar += dt * s->var_rate + q * dt * dt / 2;
	s->var_rate += q * dt;
}

double servo_pair(struct servo *s, double local, uint32_t index, double phase)
{
	/* Two captures, each uniform over the granularity. */
	double noise = s->capture_s * s->capture_s / 6 + 1e-20;
	double error, gain_time, gain_rate;
	struct position heard;

	if (!s->pairs) {
		first_pair(s, local, index, phase, noise);
		return 0;
	}
	let_time_pass(s, local);
	/* The answer has 32 bits of the index: take the nearest that fits. */
	heard.index = s->at.index + (int32_t)(index - (uint32_t)s->at.index);
	heard.phase = phase;
	error = position_minus(heard, s->at) / s->nominal_hz;
	gain_time = s->var_time / (s->var_time + noise);
	gain_rate = s->covar / (s->var_time + noise);
	s->at = position_add(s->at, gain_time * error * s->nominal_hz);
	s->rate += gain_rate * error * s->nominal_hz;
	s->var_rate -= gain_rate * s->covar;
	s->covar *= 1 - gain_time;
	s->var_time *= 1 - gain_time;
	s->pairs++;
	return error;
}
