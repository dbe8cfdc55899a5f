/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret - a token in a file, and whether somebody knows it. */
#ifndef METERD_SECRET_H
#define METERD_SECRET_H

#define SECRET_MIN 16
#define SECRET_MAX 255

/**
 * secret_matches() - is this the token?
 * @file: its first line is the token, SECRET_MIN to SECRET_MAX bytes; read at each call, so
 *	that it can be changed
 * @said: what somebody says it is
 *
 * The comparison takes the same time wherever the first difference is.
 *
 * Return: 0, -EACCES: it is not, -ERANGE: the token is too short or too long, or -errno of
 * the file; the file's own errors are for the log, not for the one who asks.
 */
int secret_matches(const char *file, const char *said);

#endif
