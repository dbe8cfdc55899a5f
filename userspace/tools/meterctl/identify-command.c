// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * identify - lets a LED flash, waits, and gives it back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "lib/identify.h"

#define SECONDS 30
#define SECONDS_MAX 86400

/* Until the time is over or somebody has seen enough. */
static void wait_signal(unsigned long seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigtimedwait(&set, NULL, &time);
}

int command_identify(const struct command_options *o)
{
	unsigned long seconds = o->count ? o->count : SECONDS;
	char wrong[256];
	sigset_t set;

	if (!o->arguments)
		return command_usage("identify", "", "give MODULE or MODULE/INPUT, as hub2/B");
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	/* blocked before the LED is taken, so that it is given back whatever comes */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (identify_set(o->modules_dir, o->argument[0], true, wrong, sizeof(wrong))) {
		fprintf(stderr, "meterctl: %s\n", wrong);
		return EXIT_FAILURE;
	}
	wait_signal(seconds);
	if (identify_set(o->modules_dir, o->argument[0], false, wrong, sizeof(wrong))) {
		fprintf(stderr, "meterctl: %s\n", wrong);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
