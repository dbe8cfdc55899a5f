/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words - lists of words in one text, as settings and tables have them. */
#ifndef METERD_WORDS_H
#define METERD_WORDS_H

#include <stdbool.h>

/**
 * words_have() - is it one of them?
 * @words: the list
 * @between: the characters that part its words, any number of them in a row
 * @word: what is looked for; NULL and the empty word are in no list
 */
bool words_have(const char *words, const char *between, const char *word);

/** words_allow() - is @word in a list with commas or blanks, or is "*", every word, in it? */
bool words_allow(const char *words, const char *word);

#endif
