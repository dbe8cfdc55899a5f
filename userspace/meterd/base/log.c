// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One write per line, so that lines of several processes on one pipe do not mix.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define PART_MAX 24

static int least_priority = LOG_INFO;
static bool fields;

void log_level(int priority)
{
	least_priority = priority;
}

void log_fields(bool on)
{
	fields = on;
}

/* Is standard error the journal's? systemd tells which file that is. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(own, stream);
}

/* The word before the first colon says which part of meterd speaks. */
static size_t part_length(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

	return n < PART_MAX && text[n] == ':' ? n : 0;
}

static bool to_journal(int priority, const char *text)
{
	char level[sizeof("PRIORITY=") + 2];
	char part[sizeof("METERD_PART=") + PART_MAX];
	char line[sizeof("MESSAGE=") + LINE_MAX_BYTES];
	size_t n = part_length(text);
	struct iovec v[4] = { { .iov_base = "SYSLOG_IDENTIFIER=meterd",
				.iov_len = strlen("SYSLOG_IDENTIFIER=meterd") } };

	v[1].iov_base = line;
	v[1].iov_len = (size_t)snprintf(line, sizeof(line), "MESSAGE=%s", text);
	v[2].iov_base = level;
	v[2].iov_len = (size_t)snprintf(level, sizeof(level), "PRIORITY=%d", priority & 7);
	v[3].iov_base = part;
	v[3].iov_len = (size_t)snprintf(part, sizeof(part), "METERD_PART=%.*s", (int)n, text);
	return !sd_journal_sendv(v, n ? 4 : 3);
}

static void to_stderr(int priority, const char *text)
{
	char line[LINE_MAX_BYTES + 16];
	int n;

	if (isatty(STDERR_FILENO))
		n = snprintf(line, sizeof(line), "meterd: %s\n", text);
	else
		n = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_print(int priority, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;
	int n;

	if (priority > least_priority)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= 0 && !(fields && is_journal() && to_journal(priority, text)))
		to_stderr(priority, text);
}
