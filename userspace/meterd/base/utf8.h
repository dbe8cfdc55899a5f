/* SPDX-License-Identifier: GPL-2.0-or-later */
/* utf8 - texts from outside, and texts that were cut, among them in the middle of a character. */
#ifndef METERD_UTF8_H
#define METERD_UTF8_H

#include <stddef.h>

/** utf8_length() - bytes of the well-formed character at @text, 0 when there is none */
size_t utf8_length(const char *text);

/** utf8_mend() - each byte that is not of a character becomes "?" */
void utf8_mend(char *text);

#endif
