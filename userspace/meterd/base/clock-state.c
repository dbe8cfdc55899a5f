// SPDX-License-Identifier: GPL-2.0-or-later
#include "clock-state.h"

#include <math.h>
#include <sys/timex.h>

#define US_PER_S 1000000ULL
#define NS_PER_S 1000000000LL

uint64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

bool clock_synchronised(void)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}

double clock_error_s(void)
{
	struct timex t = { 0 };

	return adjtimex(&t) < 0 || t.status & STA_UNSYNC ? NAN : (double)t.maxerror / US_PER_S;
}
