/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program - the programs that were built beside a test, and what they print.
 */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/**
 * program_find() - where a program is
 * @path: of it; whether it was built is another question
 * @size: of that
 * @name: "meterd", "meterctl" or "smappee-sim"
 *
 * Return: false when there is no telling, or no room.
 */
bool program_find(char *path, size_t size, const char *name);

/**
 * program_says() - run a command of the shell to its end
 * @command: with "2>&1", if standard error counts
 * @text: what it prints, with a NUL, as far as it has room
 * @size: of that
 *
 * Return: its exit status, -1 when it could not be run or was killed.
 */
int program_says(const char *command, char *text, size_t size);

#endif
