// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One write per line, so that lines of several processes on one pipe do not mix.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static int least_priority = LOG_INFO;

void log_level(int priority)
{
	least_priority = priority;
}

void log_print(int priority, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int head;
	int body;

	if (priority > least_priority)
		return;
	if (isatty(STDERR_FILENO))
		head = snprintf(line, sizeof(line), "meterd: ");
	else
		head = snprintf(line, sizeof(line), "<%d>", priority);
	va_start(args, format);
	body = vsnprintf(line + head, sizeof(line) - head - 1, format, args);
	va_end(args);
	if (body < 0)
		return;
	if (head + body > (int)sizeof(line) - 2)
		body = (int)sizeof(line) - 2 - head;
	line[head + body] = '\n';
	if (write(STDERR_FILENO, line, head + body + 1) < 0)
		return;
}
