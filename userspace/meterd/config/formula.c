// SPDX-License-Identifier: GPL-2.0-or-later
#include "formula.h"

#include <errno.h>
#include <string.h>

#define BLANKS " \t"

/* Does a sign with a blank before it and behind it begin at @s? */
static bool is_operator(const char *s)
{
	return strchr(BLANKS, s[0]) && s[0] && (s[1] == '+' || s[1] == '-') &&
	       (!s[2] || strchr(BLANKS, s[2]));
}

int formula_next(const char **at, bool first, struct formula_term *term)
{
	const char *s = *at + strspn(*at, BLANKS);
	size_t length = 0;

	if (!*s)
		return first ? -EINVAL : 0;
	term->sign = *s == '-' ? -1 : 1;
	if (*s == '-' || *s == '+')
		s += 1 + strspn(s + 1, BLANKS);
	while (s[length] && !is_operator(s + length))
		length++;
	*at = s + length;
	while (length && strchr(BLANKS, s[length - 1]))
		length--;
	if (!length)
		return -EINVAL;
	if (length > LOAD_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(term->name, s, length);
	term->name[length] = '\0';
	return 1;
}
