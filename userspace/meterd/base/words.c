// SPDX-License-Identifier: GPL-2.0-or-later
/* See words.h. */
#include "words.h"

#include <string.h>

bool words_have(const char *words, const char *between, const char *word)
{
	while (*words && word) {
		size_t n = strcspn(words, between);

		if (n && n == strlen(word) && !strncmp(words, word, n))
			return true;
		words += n;
		words += strspn(words, between);
	}
	return false;
}

bool words_allow(const char *words, const char *word)
{
	return words_have(words, ", ", "*") || words_have(words, ", ", word);
}
