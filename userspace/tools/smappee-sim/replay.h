/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay - recorded waveforms as periodic signals: a CSV of the test data is
 * turned into the Fourier series of its loop, which then is the definition of
 * the signal for samples and truth alike (band-limited resampling by nature).
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "wave.h"

#include <stddef.h>

#define REPLAY_COLUMNS_MAX 16

/**
 * struct replay - a recording in memory
 * @rate_hz: its sampling rate
 * @columns: number of columns
 * @name: their names
 * @scans: number of scans
 * @value: column after column, @scans each, in V and A; owned
 */
struct replay {
	double rate_hz;
	unsigned int columns;
	char name[REPLAY_COLUMNS_MAX][16];
	size_t scans;
	double *value;
};

/**
 * replay_load() - read a CSV with its # header
 * @r: gets the recording
 * @path: the file
 * @error: gets one line that names file, line and what was expected
 * @size: room in @error
 *
 * The header must state the sampling rate, and scale and offset of each column
 * (a column without them is in V and A already).
 *
 * Return: 0, or a negative error number with @error filled.
 */
int replay_load(struct replay *r, const char *path, char *error, size_t size);

/**
 * replay_wave() - the Fourier series of one column
 * @r: the recording, taken as one loop
 * @column: name of the column
 * @cycles: mains cycles in the loop
 * @highest_hz: terms above are left out; the constant is left out too, as a CT
 *	and a voltage transformer do
 * @w: gets the wave, empty before
 *
 * Return: 0, -ENOENT without such a column, -ENOMEM.
 */
int replay_wave(const struct replay *r, const char *column, unsigned int cycles, double highest_hz,
		struct wave *w);

/** replay_free() - release the recording */
void replay_free(struct replay *r);

#endif
