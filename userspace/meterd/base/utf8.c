// SPDX-License-Identifier: GPL-2.0-or-later
#include "utf8.h"

size_t utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int code;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	code = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	if (code >= 0xd800 && code <= 0xdfff)
		return 0;
	return n;
}

void utf8_mend(char *text)
{
	char *to = text;
	size_t n;

	while (*text) {
		n = utf8_length(text);
		if (!n) {
			*to++ = '?';
			text++;
			continue;
		}
		while (n--)
			*to++ = *text++;
	}
	*to = '\0';
}
