// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps in time. The end of a step is computed as start of round plus offset,
 * the same sum whoever asks, so that samples and truth step at one instant.
 */
#include "profile.h"

#include <math.h>

double profile_at(const struct profile *p, double t, double *until)
{
	double round = 0;
	unsigned int i;

	*until = INFINITY;
	if (!p->steps)
		return 1;
	if (p->repeat_s > 0) {
		round = floor(t / p->repeat_s);
		/* Rounding may put t just outside of its round. */
		if ((round + 1) * p->repeat_s <= t)
			round++;
		if (round * p->repeat_s > t)
			round--;
		*until = (round + 1) * p->repeat_s;
		if (p->at_s[0] > 0)
			*until += p->at_s[0];
	}
	for (i = 0; i < p->steps; i++) {
		double at = round * p->repeat_s + p->at_s[i];

		if (at > t) {
			*until = at;
			break;
		}
	}
	if (i)
		return p->value[i - 1];
	return p->value[p->repeat_s > 0 ? p->steps - 1 : 0];
}

void profile_means(const struct profile *p, double from, double to, double *mean, double *square)
{
	double seconds = to - from;

	*mean = p ? 0 : 1;
	*square = *mean;
	for (double until; p && from < to; from = until) {
		double value = profile_at(p, from, &until);

		until = fmin(until, to);
		*mean += value * (until - from) / seconds;
		*square += value * value * (until - from) / seconds;
	}
}
