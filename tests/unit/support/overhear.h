/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overhear - what the code under test says on standard error.
 */
#ifndef TEST_OVERHEAR_H
#define TEST_OVERHEAR_H

#include <stddef.h>

/** overhear() - until overheard(), standard error goes into a file; aborts when it cannot */
void overhear(void);

/**
 * overheard() - standard error is again what it was
 * @text: what was said meanwhile, with a NUL, as far as it has room
 * @size: of that
 */
void overheard(char *text, size_t size);

#endif
