/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servo - what a module knows about the reference's sample clock, learnt from
 * pairs (own capture of an edge, reference's position at that edge).
 *
 * It is a proportional-integral tracker of position and rate. Its two gains come
 * from the variance of both (two-state Kalman filter), so that they are high for
 * the first pairs, settle by themselves, and suit any interval between pairs.
 */
#ifndef SIM_SERVO_H
#define SIM_SERVO_H

#include "timeline.h"

/**
 * struct servo - estimate of the reference's sample clock
 * @pairs: pairs seen since the reset
 * @nominal_hz: nominal rate, periods per second
 * @capture_s: granularity of both captures, s
 * @local: local time of the last pair, s
 * @at: estimated position of the reference there
 * @rate: estimated periods per local second
 * @var_time: variance of the position, s^2
 * @var_rate: variance of the relative rate
 * @covar: their covariance, s
 */
struct servo {
	unsigned int pairs;
	double nominal_hz;
	double capture_s;
	double local;
	struct position at;
	double rate;
	double var_time;
	double var_rate;
	double covar;
};

/** servo_reset() - know nothing; @nominal_hz and @capture_s as in the struct */
void servo_reset(struct servo *s, double nominal_hz, double capture_s);

/**
 * servo_pair() - learn from one pair
 * @s: the servo
 * @local: own capture of the edge, local s, later than that of the pair before
 * @index: low 32 bits of the reference's sample index at that edge
 * @phase: how far into the period, 0 to below 1
 *
 * Return: how far off the prediction was, s; 0 for the first pair.
 */
double servo_pair(struct servo *s, double local, uint32_t index, double phase);

/** servo_position() - where the reference is at local time @local */
struct position servo_position(const struct servo *s, double local);

#endif
