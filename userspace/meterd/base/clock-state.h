/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock-state - the clocks of this machine, and whether something disciplines them. */
#ifndef METERD_CLOCK_STATE_H
#define METERD_CLOCK_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** clock_us() - the time of a clock in us */
uint64_t clock_us(clockid_t id);

/** clock_ns() - the same in ns */
int64_t clock_ns(clockid_t id);

/**
 * clock_synchronised() - the kernel knows whether its clock is disciplined
 *
 * Return: false also when the kernel does not say (a sandbox that forbids the question).
 */
bool clock_synchronised(void);

/** clock_error_s() - greatest error that the kernel assumes, s; NAN when not known */
double clock_error_s(void);

#endif
