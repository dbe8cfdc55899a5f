/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan - interleaved scans into planar arrays.
 */
#ifndef METERD_SCAN_H
#define METERD_SCAN_H

#include <stddef.h>
#include <stdint.h>

/**
 * scan_split_s16() - split scans of 16-bit samples of the host's byte order
 * @from: first channel of the first scan
 * @step: bytes from scan to scan, at least the channels rounded up to 8 bytes
 * @scans: how many
 * @channels: samples in a row in each scan
 * @to: an array of @scans for each channel
 */
void scan_split_s16(const char *from, size_t step, unsigned int scans, unsigned int channels,
		    float *const *to);

/**
 * scan_stamps() - the time stamps of scans, 64 bits of the host's byte order
 * @from: stamp of the first scan
 * @step: bytes from scan to scan
 * @scans: how many
 * @to: their stamps
 */
void scan_stamps(const char *from, size_t step, unsigned int scans, int64_t *to);

#endif
