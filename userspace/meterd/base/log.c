// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One write per line, so that lines of several processes on one pipe do not mix.
 *
 * The flag that makes a write not wait belongs to the open file, which is shared with whoever
 * started us: it is not set. A socket can be told for each message; a pipe or terminal is
 * opened anew for it. Nothing stays open in between, so children that close what they do not
 * know need not know of it.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define PART_MAX 24

static int least_priority = LOG_INFO;
static const char *fields;
static unsigned long dropped;
static char *kept;
static size_t kept_size;

void log_level(int priority)
{
	least_priority = priority;
}

void log_fields(const char *journal)
{
	fields = journal;
}

void log_keep(char *text, size_t size)
{
	kept = text;
	kept_size = size;
	if (kept)
		kept[0] = '\0';
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

static int result(ssize_t written)
{
	if (written >= 0)
		return 0;
	return errno == ENOBUFS ? -EAGAIN : -errno;
}

/* The protocol of sd_journal_send(), which would wait. Return: 0 or -errno. */
static int to_journal(int priority, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char m[LINE_MAX_BYTES + PART_MAX + 96];
	size_t part = part_length(text);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int n, error;

	if (fd < 0)
		return -errno;
	n = snprintf(m, sizeof(m), "SYSLOG_IDENTIFIER=meterd\nPRIORITY=%d\nMESSAGE=%s\n",
		     priority & 7, text);
	if (part)
		n += snprintf(m + n, sizeof(m) - (size_t)n, "METERD_PART=%.*s\n", (int)part, text);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fields);
	error = result(sendto(fd, m, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (struct sockaddr *)&address, sizeof(address)));
	close(fd);
	return error;
}

/* A pipe or terminal. One of somebody else cannot be opened anew: ask it whether it has room. */
static int to_stream(const char *line, size_t length)
{
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	int error;

	if (fd < 0)
		return poll(&p, 1, 0) > 0 ? result(write(STDERR_FILENO, line, length)) : -EAGAIN;
	error = result(write(fd, line, length));
	close(fd);
	return error;
}

/* Return: 0 or -errno; -EAGAIN: nobody reads it. */
static int to_stderr(int priority, const char *text)
{
	bool terminal = isatty(STDERR_FILENO);
	char line[LINE_MAX_BYTES + 16];
	struct stat st;
	size_t n;

	if (fstat(STDERR_FILENO, &st))
		return -errno;
	n = (size_t)(terminal ? snprintf(line, sizeof(line), "meterd: %s\n", text)
			      : snprintf(line, sizeof(line), "<%d>%s\n", priority, text));
	if (S_ISSOCK(st.st_mode))
		return result(send(STDERR_FILENO, line, n, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (S_ISFIFO(st.st_mode) || terminal)
		return to_stream(line, n);
	return result(write(STDERR_FILENO, line, n));
}

/* Return: whether it was taken, or there is nobody who could. */
static bool say(int priority, const char *text)
{
	int error = fields && is_journal() ? to_journal(priority, text) : -ENOENT;

	if (error && error != -EAGAIN)
		error = to_stderr(priority, text);
	return error != -EAGAIN;
}

static bool say_dropped(void)
{
	char text[96];

	snprintf(text, sizeof(text), "log: %lu messages were dropped, since nobody took them",
		 dropped);
	if (!say(LOG_WARNING, text))
		return false;
	dropped = 0;
	return true;
}

void log_print(int priority, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;
	char *c;
	int n;

	if (priority > least_priority)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	for (c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (kept && priority <= LOG_ERR && !kept[0])
		snprintf(kept, kept_size, "%s", text);
	if ((dropped && !say_dropped()) || !say(priority, text))
		dropped++;
}
