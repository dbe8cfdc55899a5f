/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formula - sums and differences of names: "grid + solar roof - battery".
 */
#ifndef METERD_FORMULA_H
#define METERD_FORMULA_H

#include "load.h"

/**
 * struct formula_term - a name with its sign
 * @sign: 1 or -1
 * @name: the name
 */
struct formula_term {
	int sign;
	char name[LOAD_NAME_MAX + 1];
};

/**
 * formula_next() - the next term
 * @at: where to read; moved behind the term
 * @first: it is the first one, which needs no sign
 * @term: filled in
 *
 * A sign has blanks on both sides, unless it begins the formula, so names may have
 * blanks and hyphens.
 *
 * Return: 1, 0 at the end, -EINVAL for a term without a name, -ENAMETOOLONG.
 */
int formula_next(const char **at, bool first, struct formula_term *term);

#endif
