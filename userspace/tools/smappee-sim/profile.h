/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profile - how the size of a load changes in time: steps, once or again and
 * again.
 */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#define PROFILE_STEPS_MAX 64

/**
 * struct profile - steps of a value
 * @steps: number of steps, 0 for a value of 1 always
 * @at_s: times of the steps, s, rising, from 0
 * @value: value from then on; before the first step that of the first, or of
 *	the last when the profile repeats
 * @repeat_s: period, s, beyond the last step; 0: once
 */
struct profile {
	unsigned int steps;
	double at_s[PROFILE_STEPS_MAX];
	double value[PROFILE_STEPS_MAX];
	double repeat_s;
};

/**
 * profile_at() - value at time @t and how long it stays
 * @p: the profile
 * @t: s, at least 0
 * @until: gets the time of the next step, later than @t; INFINITY if none
 */
double profile_at(const struct profile *p, double t, double *until);

/**
 * profile_means() - mean value, and mean of its square, from @from to @to
 * @p: the profile, NULL for a value of 1
 * @from: s, at least 0
 * @to: s, later
 * @mean: gets the mean
 * @square: gets the mean of the square
 */
void profile_means(const struct profile *p, double from, double to, double *mean, double *square);

#endif
