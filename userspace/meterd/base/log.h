/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log - messages on stderr, one line each, without waiting for who reads them.
 *
 * A line begins with "<N>", the syslog priority that journald understands,
 * unless stderr is a terminal, which gets "meterd: " instead. Where stderr is the journal's,
 * a message may go there with fields: PRIORITY, and METERD_PART, the word before the first
 * colon of the message, such as mqtt or store.
 *
 * A journal that hangs and a pipe that nobody empties do not hold up the caller: what they
 * do not take is dropped, and counted; a line says so when they take something again.
 */
#ifndef METERD_LOG_H
#define METERD_LOG_H

#include <stddef.h>
#include <syslog.h>

/* where journald takes messages with fields */
#define LOG_JOURNAL "/run/systemd/journal/socket"

/**
 * log_print() - write one line
 * @priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG
 * @format: as printf; without a newline at its end; control characters become blanks
 *
 * Messages below the level of log_level() are left out.
 */
void log_print(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** log_level() - the least important priority that is still written; LOG_INFO at first */
void log_level(int priority);

/**
 * log_fields() - messages have fields in the journal from here on, or no longer
 * @journal: its socket, LOG_JOURNAL, which must stay valid; NULL: no longer
 *
 * Not at the begin and at the end of a program: the journal asks which unit the sender of
 * fields belongs to, and a sender that is gone by then belongs to none.
 */
void log_fields(const char *journal);

/**
 * log_keep() - keep the next error, for who asked for what it is about
 * @text: where to, emptied now; NULL: no longer
 * @size: its bytes
 */
void log_keep(char *text, size_t size);

#define log_error(...) log_print(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_print(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
